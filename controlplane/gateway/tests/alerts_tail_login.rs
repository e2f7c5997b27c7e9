//! `alerts tail` against NATS servers that ask who is there: with what they want, with something else, and
//! with nothing. Secrets are in none of its words.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test may fail so")]

mod common;
mod published;

use async_nats::jetstream::{self, stream};
use control::config::NatsConfig;
use nkeys::KeyPair;
use testkit::{Authority, NatsServer};

use common::{Ended, Scratch, command, finish};
use published::batch;

/// Signature of the alert that is in the stream.
const SID: u64 = 7;

/// A server with `settings`, whose stream has one alert; `config` says how to connect.
fn server(settings: &str, config: &NatsConfig) -> Option<NatsServer> {
    let mut server = NatsServer::absent()?;
    server.configure(settings);
    server.start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = control::nats_options(config, "a sensor".into()).unwrap();
        let context = jetstream::new(options.connect(server.url()).await.unwrap());
        let subjects = vec!["sensor.*.*.alert.*".to_owned()];
        let stream =
            stream::Config { name: "SENSOR_ALERTS".into(), subjects, ..Default::default() };
        context.create_stream(stream).await.unwrap();
        let message = batch("s1", 2, [SID]).into();
        context.publish("sensor.lab.s1.alert.2", message).await.unwrap().await.unwrap();
    });
    Some(server)
}

/// Prints what the stream has, by these settings and variables of the environment.
fn tail(server: &NatsServer, settings: &[String], environment: &[(&str, &str)]) -> Ended {
    let url = server.url();
    let mut command = command();
    command.args(["alerts", "tail", "--server", &url, "--from", "all", "--no-follow"]);
    for setting in settings {
        command.args(["--set", setting]);
    }
    finish(command.envs(environment.iter().copied()))
}

#[track_caller]
fn assert_printed(ended: &Ended) {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stdout.lines().count(), 1, "{ended:?}");
    assert!(ended.stdout.contains(&format!("[1:{SID}:3]")), "{ended:?}");
}

/// The server was reached and did not let it in; `words` say why, and `secret` is not told.
#[track_caller]
fn assert_refused(server: &NatsServer, ended: &Ended, words: &str, secret: &str) {
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(5), ""), "{ended:?}");
    let named = format!("NATS at 127.0.0.1:{}: ", server.port());
    assert!(ended.stderr.contains(&named) && ended.stderr.contains(words), "{ended:?}");
    assert!(secret.is_empty() || !ended.stderr.contains(secret), "{ended:?}");
}

#[test]
fn by_user_and_password() {
    let scratch = Scratch::new();
    let password = |name: &str, text: &str| scratch.write(name, format!("{text}\n"));
    let right = password("right", "pa55");
    let config = NatsConfig {
        user: Some("soc".into()),
        password_file: Some(right.clone().into()),
        ..NatsConfig::default()
    };
    let settings = "authorization { user: soc, password: pa55 }";
    let Some(server) = server(settings, &config) else { return };
    let user = "nats.user=soc".to_owned();
    let from_file = |path: String| tail(&server, &[user.clone(), path], &[]);
    let file = |path: &str| format!("nats.password_file={path}");
    assert_printed(&from_file(file(&right)));
    let variable = |text| [("SENSOR_GATEWAY_NATS_PASSWORD", text)];
    assert_printed(&tail(&server, std::slice::from_ref(&user), &variable("pa55")));
    let wrong = from_file(file(&password("wrong", "wr0ng")));
    assert_refused(&server, &wrong, "authorization violation", "wr0ng");
    let wrong = tail(&server, std::slice::from_ref(&user), &variable("wr0ng"));
    assert_refused(&server, &wrong, "authorization violation", "wr0ng");
    assert_refused(&server, &tail(&server, &[], &[]), "authorization violation", "");
    let none = tail(&server, std::slice::from_ref(&user), &[]);
    assert_eq!(none.code, Some(5), "{none:?}");
    assert!(none.stderr.contains("nats.password_file"), "{none:?}");
}

#[test]
fn by_nkey() {
    let scratch = Scratch::new();
    let (own, other) = (KeyPair::new_user(), KeyPair::new_user());
    let seed = |name: &str, pair: &KeyPair| scratch.write(name, pair.seed().unwrap());
    let right = seed("right", &own);
    let config = NatsConfig { nkey_file: Some(right.clone().into()), ..NatsConfig::default() };
    let settings = format!("authorization {{ users: [ {{ nkey: {} }} ] }}", own.public_key());
    let Some(server) = server(&settings, &config) else { return };
    let with = |path: &str| tail(&server, &[format!("nats.nkey_file={path}")], &[]);
    assert_printed(&with(&right));
    let refused = with(&seed("wrong", &other));
    assert_refused(&server, &refused, "authorization violation", &other.seed().unwrap());
    let damaged = with(&scratch.write("damaged", "s3cret that is no seed"));
    assert_eq!(damaged.code, Some(5), "{damaged:?}");
    let said = &damaged.stderr;
    assert!(said.contains("nats.nkey_file: ") && !said.contains("s3cret"), "{damaged:?}");
}

#[test]
fn by_certificate() {
    let (authority, stranger) = (Authority::generate(), Authority::generate());
    authority.certify_server("server", "127.0.0.1");
    authority.certify_client("soc", "soc");
    stranger.certify_client("soc", "soc");
    let config = NatsConfig {
        ca_file: Some(authority.path("ca.pem")),
        cert_file: Some(authority.path("soc.pem")),
        key_file: Some(authority.path("soc.key")),
        ..NatsConfig::default()
    };
    let Some(server) = server(&authority.nats_settings(true), &config) else { return };
    let setting =
        |key: &str, of: &Authority, file: &str| format!("nats.{key}={}", of.path(file).display());
    let trust = setting("ca_file", &authority, "ca.pem");
    let shows = |of: &Authority| {
        let pair = [setting("cert_file", of, "soc.pem"), setting("key_file", of, "soc.key")];
        tail(&server, &[&[trust.clone()][..], &pair].concat(), &[])
    };
    assert_printed(&shows(&authority));
    assert_refused(&server, &shows(&stranger), "received fatal alert", "");
    let shows_none = tail(&server, std::slice::from_ref(&trust), &[]);
    assert_refused(&server, &shows_none, "received fatal alert", "");
    let unknown = tail(&server, &[], &[]);
    assert_refused(&server, &unknown, "invalid peer certificate: UnknownIssuer", "");

    // The same from a configuration file, servers included.
    let scratch = Scratch::new();
    let path = |file: &str| authority.path(file).display().to_string();
    let text = format!(
        "[nats]\nservers = [\"tls://127.0.0.1:{}\"]\nca_file = {:?}\ncert_file = {:?}\nkey_file = {:?}\n",
        server.port(),
        path("ca.pem"),
        path("soc.pem"),
        path("soc.key"),
    );
    let file = scratch.write("sensor.toml", text);
    let args = ["alerts", "tail", "-c", &file, "--from", "all", "--no-follow"];
    assert_printed(&common::run(&args));
}
