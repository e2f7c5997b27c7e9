//! The layers of a configuration: file, environment, command line.

use std::path::Path;

use super::{load, parse};
use crate::config::{Config, Variable, from_environment, from_set};

fn read(text: &str, sets: &[&str]) -> Result<Config, String> {
    let overrides: Vec<_> = sets.iter().map(|set| from_set(set).unwrap()).collect();
    parse(Path::new("sensor.toml"), text, &overrides).map_err(|error| error.to_string())
}

#[test]
fn nothing_said_means_the_defaults() {
    assert_eq!(read("", &[]).unwrap(), Config::default());
    assert_eq!(load(None, &[]).unwrap(), Config::default());
}

#[test]
fn overrides_win_in_their_order() {
    let text = "[workers]\ncount = 2\n";
    assert_eq!(read(text, &[]).unwrap().workers.count, 2);
    let config = read(text, &["workers.count=3", "workers.count=4"]).unwrap();
    assert_eq!(config.workers.count, 4);
    let environment = [("SENSOR_GATEWAY__WORKERS__COUNT".to_owned(), "5".to_owned())];
    let config = parse(Path::new(""), text, &from_environment(environment)).unwrap();
    assert_eq!(config.workers.count, 5);
}

#[test]
fn a_value_is_toml_or_else_a_string() {
    let config = read("", &["sensor.site=7", "sensor.name=\"a\"", "workers.cores=[1]"]).unwrap();
    assert_eq!((config.sensor.site.as_str(), config.sensor.name.as_str()), ("7", "a"));
    assert_eq!(config.workers.cores, [1]);
    let config = read("", &["rules.address_groups.HOME_NET=[10.0.0.0/8]"]).unwrap();
    let home = &config.rules.address_groups["HOME_NET"];
    assert_eq!(home, &Variable::Text("[10.0.0.0/8]".into()));
}

#[test]
fn users_variables_lie_over_the_standard_ones() {
    let config = read("[rules.port_groups]\nHTTP_PORTS = 8080\nMINE = \"1:5\"\n", &[]).unwrap();
    let ports = &config.rules.port_groups;
    assert_eq!(ports["HTTP_PORTS"].to_string(), "8080");
    assert_eq!(ports["MINE"].to_string(), "1:5");
    assert_eq!(ports["SSH_PORTS"].to_string(), "22");
}

/// Text, overrides, and the whole error.
const BAD: &[(&str, &[&str], &str)] = &[
    (
        "[workers]\ncont = 2\n",
        &[],
        "sensor.toml:2:1: workers.cont: unknown key; did you mean \"count\"?",
    ),
    ("[zebra]\na = 1\n", &[], "sensor.toml:1:2: zebra: unknown key; the keys here are"),
    (
        "[workers]\ncount = \"two\"\n",
        &[],
        "sensor.toml:2:9: workers.count: invalid type: string \"two\", expected u16",
    ),
    ("[workers]\ncount = 0\n", &[], "sensor.toml:2:1: workers.count: 0 workers; use at least 1"),
    ("[workers\ncount = 0\n", &[], "sensor.toml:1:9: not valid TOML: "),
    ("", &["workers.count=0"], "--set: workers.count: 0 workers; use at least 1"),
    ("", &["workers.cont=1"], "--set: workers.cont: unknown key; did you mean \"count\"?"),
    ("", &["worker.count=1"], "--set: worker: unknown key; did you mean \"workers\"?"),
    ("", &["workers.count=x"], "--set: workers.count: invalid type: string \"x\", expected u16"),
    ("", &["workers.count.a=1"], "--set: workers.count.a: invalid type: map, expected u16"),
    (
        "",
        &["workers.cores=[0,0]", "workers.count=2"],
        "--set: workers.cores: a core is named twice",
    ),
    ("", &["sensor.site=a.b"], "--set: sensor.site: \"a.b\" cannot be part of a NATS subject"),
    (
        "",
        &["spool.path=spool"],
        "--set: spool.path: alerts wait there for NATS, and no server is named; set nats.servers",
    ),
    ("", &["log.filter=info,=="], "--set: log.filter: \"info,==\" is not a filter: "),
];

#[test]
fn errors_name_place_key_and_mend() {
    for (text, sets, expected) in BAD {
        let error = read(text, sets).unwrap_err();
        assert!(error.starts_with(expected), "{text:?} {sets:?}: {error}");
    }
}

#[cfg(not(tokio_unstable))]
#[test]
fn a_build_without_tokios_own_events_refuses_the_console() {
    let error = read("", &["traces.console_listen=127.0.0.1:6669"]).unwrap_err();
    let expected =
        "--set: traces.console_listen: this build has no tokio-console; build with the feature";
    assert!(error.starts_with(expected) && error.contains("--cfg tokio_unstable"), "{error}");
}

#[cfg(all(feature = "tokio-console", tokio_unstable))]
#[test]
fn the_console_listens_on_loopback_only() {
    assert!(read("", &["traces.console_listen=127.0.0.1:6669"]).is_ok());
    let error = read("", &["traces.console_listen=0.0.0.0:6669"]).unwrap_err();
    assert!(error.contains("can be reached from other machines"), "{error}");
}

#[test]
fn an_unreadable_file_is_named() {
    let error = load(Some(Path::new("/nonexistent/s.toml")), &[]).unwrap_err().to_string();
    assert!(error.starts_with("configuration /nonexistent/s.toml: "), "{error}");
}
