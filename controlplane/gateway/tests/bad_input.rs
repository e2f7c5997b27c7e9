//! Whatever is wrong with what the user gives: one sentence that names it and the mend, and the
//! documented exit code.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::net::TcpListener;

use common::{Ended, Scratch, run};
use testkit::Packet;

const RULE: &str = "alert udp any any -> any any (content:\"E\"; sid:1;)\n";

/// What a case is given, the exit code, and parts of the sentence.
struct Case {
    args: Vec<String>,
    code: i32,
    says: Vec<String>,
}

fn case(args: &[&str], code: i32, says: &[&str]) -> Case {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    Case { args: owned(args), code, says: owned(says) }
}

fn assert_refused(case: &Case, ended: &Ended) {
    let context = || format!("{:?}: {ended:?}", case.args);
    assert_eq!(ended.code, Some(case.code), "{}", context());
    for noise in ["panicked", "RUST_BACKTRACE", "stack backtrace"] {
        assert!(!ended.stderr.contains(noise), "{}", context());
    }
    let sentences: Vec<&str> =
        ended.stderr.lines().filter(|line| line.starts_with("sensor-gateway: ")).collect();
    assert_eq!(sentences.len(), 1, "{}", context());
    for part in &case.says {
        assert!(sentences[0].contains(part.as_str()), "{part:?} is missing: {}", context());
    }
}

fn assert_all(cases: &[Case]) {
    for case in cases {
        let args: Vec<&str> = case.args.iter().map(String::as_str).collect();
        assert_refused(case, &run(&args));
    }
}

fn good_pcap(scratch: &Scratch) -> String {
    let packet = Packet::ethernet().ip("10.0.0.1", "10.0.0.2").udp(1, 2).payload(b"E");
    scratch.pcap("good.pcap", [packet.build(), packet.build()])
}

#[test]
fn capture_files() {
    let scratch = Scratch::new();
    let rules = scratch.write("a.rules", RULE);
    let good = good_pcap(&scratch);
    let bytes = std::fs::read(&good).unwrap();
    let replay =
        |pcap: &str, says: &[&str]| case(&["replay", "--pcap", pcap, "--rules", &rules], 4, says);
    assert_all(&[
        replay(&scratch.arg("none.pcap"), &["none.pcap: ", "check that the file exists"]),
        replay(&scratch.arg(""), &[": "]),
        replay(&scratch.write("empty.pcap", b""), &["empty.pcap: not a capture file"]),
        replay(
            &scratch.write("garbage.pcap", b"this is no capture file, but it is long enough"),
            &["garbage.pcap: not a capture file", "pcap and pcapng are read"],
        ),
        replay(
            &scratch.write("cut.pcap", &bytes[..bytes.len() - 3]),
            &["cut.pcap: damaged at byte", "after packet 1"],
        ),
    ]);
}

#[test]
fn rules_and_outputs() {
    let scratch = Scratch::new();
    let rules = scratch.write("a.rules", RULE);
    let pcap = good_pcap(&scratch);
    let replay = |more: &[&str], code: i32, says: &[&str]| {
        case(&[&["replay", "--pcap", &pcap][..], more].concat(), code, says)
    };
    let none = scratch.arg("none.rules");
    assert_all(&[
        replay(&[], 2, &["no rules", "--rules"]),
        replay(&["--rules", &none], 3, &["none.rules: ", "check that it exists"]),
        replay(&["--rules", &scratch.arg("")], 3, &["rules file "]),
        replay(
            &["--rules", &rules, "--eve", &scratch.arg("none/eve.json")],
            6,
            &["none/eve.json: ", "name a file"],
        ),
        replay(
            &["--rules", &rules, "--set", "rules.address_groups.HOME_NET=[10.0.0.0/99]"],
            2,
            &["rules.address_groups.HOME_NET: "],
        ),
        case(&["check", "--rules", &none], 3, &["none.rules: "]),
    ]);
}

#[test]
fn configuration() {
    let scratch = Scratch::new();
    let check =
        |text: &str, says: &[&str]| case(&["check", "-c", &scratch.write("s.toml", text)], 2, says);
    let cases = [
        ("[workers\n", &["s.toml:1:9: not valid TOML"][..]),
        ("[workers]\ncont = 1\n", &["s.toml:2:1: workers.cont: unknown key", "\"count\""]),
        ("[workers]\ncount = \"x\"\n", &["s.toml:2:9: workers.count: invalid type"]),
        ("[workers]\ncount = 0\n", &["s.toml:2:1: workers.count: 0 workers; use at least 1"]),
        ("[nats]\nservers = [\"ftp://a\"]\n", &["s.toml:2:1: nats.servers: ", "nats://host:4222"]),
        ("[api]\nlisten = \"0.0.0.0:1\"\n", &["s.toml:2:1: api.listen: ", "api.token_file"]),
        (
            "[spool]\npath = \"spool\"\n",
            &["s.toml:2:1: spool.path: ", "set nats.servers, or leave"],
        ),
    ];
    for (text, says) in cases {
        assert_all(&[check(text, says)]);
    }
    assert_all(&[
        case(&["check", "-c", &scratch.arg("none.toml")], 2, &["none.toml: ", "name a readable"]),
        case(&["check", "--set", "workers.count"], 2, &["--set: ", "write section.key=value"]),
        case(&["check", "--set", "workers.count=x"], 2, &["--set: workers.count: invalid type"]),
    ]);
    let mut command = common::command();
    command.arg("check").env("SENSOR_GATEWAY__WORKERS__CONT", "1");
    let variable = case(&[], 2, &["SENSOR_GATEWAY__WORKERS__CONT: workers.cont: unknown key"]);
    assert_refused(&variable, &common::finish(&mut command));
}

#[test]
fn usage_is_explained_by_the_command_line_itself() {
    for args in
        [&["frobnicate"][..], &["replay"], &["replay", "-r", "a", "--eve", "b", "-l", "c"], &[]]
    {
        let ended = run(args);
        assert_eq!(ended.code, Some(2), "{args:?}: {ended:?}");
        assert!(ended.stderr.contains("Usage: "), "{args:?}: {ended:?}");
    }
}

/// `run` on a capture file, with `set` on top.
fn run_case(scratch: &Scratch, set: &[String], code: i32, says: &[&str]) -> Case {
    let rules = scratch.write("a.rules", RULE);
    let pcap = good_pcap(scratch);
    let mut args = vec!["run".to_owned()];
    let base = [
        "log.filter=error".to_owned(),
        "capture.source=pcap".to_owned(),
        format!("capture.pcap.path={pcap}"),
        format!("rules.files=[\"{rules}\"]"),
        "api.listen=127.0.0.1:0".to_owned(),
    ];
    for one in base.iter().chain(set) {
        args.extend(["--set".to_owned(), one.clone()]);
    }
    Case { args, code, says: says.iter().map(|part| (*part).to_owned()).collect() }
}

#[test]
fn services_and_cores() {
    let scratch = Scratch::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let short = scratch.write("short.token", "abc\n");
    let run = |set: String, code: i32, says: &[&str]| run_case(&scratch, &[set], code, says);
    assert_all(&[
        run(
            format!("api.listen={address}"),
            5,
            &["api.listen: ", &address.to_string(), "choose another address"],
        ),
        run(
            format!("api.token_file={}", scratch.arg("none")),
            5,
            &["api.token_file: ", "check that"],
        ),
        run(format!("api.token_file={short}"), 5, &["api.token_file: ", "short.token"]),
        run("workers.cores=[4095]".into(), 2, &["workers.cores: ", "CPU 4095", "name another"]),
        run(
            format!("eve.path={}", scratch.arg("none/eve.json")),
            6,
            &["eve.path: ", "name a file"],
        ),
        run("capture.pcap.path=/nonexistent.pcap".into(), 4, &["/nonexistent.pcap: "]),
        run(format!("rules.files=[\"{}\"]", scratch.arg("none")), 3, &["rules file "]),
    ]);
    let nats = [
        "nats.servers=[\"nats://127.0.0.1:9\"]".to_owned(),
        format!("nats.token_file={}", scratch.arg("none")),
    ];
    assert_all(&[run_case(&scratch, &nats, 5, &["nats.token_file: "])]);
}

#[cfg(feature = "dpdk")]
mod dpdk {
    use super::{Case, Scratch, assert_all, run_case};

    fn free_hugepages() -> u64 {
        let text = std::fs::read_to_string("/proc/meminfo").unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("HugePages_Free:"));
        line.map_or(0, |count| count.trim().parse().unwrap())
    }

    fn prefix() -> String {
        format!("bad-input-{}", std::process::id())
    }

    fn dpdk_case(scratch: &Scratch, vdev: &str, memory: &str, says: &[&str]) -> Case {
        let set = [
            "capture.source=dpdk".to_owned(),
            format!("capture.dpdk.devices=[{{ vdev = \"{vdev}\" }}]"),
            format!("capture.dpdk.memory={memory}"),
            format!("capture.dpdk.file_prefix={}", prefix()),
        ];
        run_case(scratch, &set, 4, says)
    }

    #[test]
    fn devices_and_memory() {
        let scratch = Scratch::new();
        let none = format!("net_pcap0,rx_pcap={}", scratch.arg("none.pcap"));
        assert_all(&[
            dpdk_case(&scratch, "net_nonsense0", "no-huge", &["net_nonsense0: ", "no driver"]),
            dpdk_case(&scratch, &none, "no-huge", &["net_pcap0: ", "none.pcap", "check that"]),
        ]);
        if free_hugepages() == 0 {
            let says = &["hugepages", "vm.nr_hugepages=", "memory = \"no-huge\""];
            assert_all(&[dpdk_case(&scratch, "net_null0", "in-memory", says)]);
        } else {
            println!("SKIPPED: hugepages are free, so their lack cannot be tested");
        }
        // What DPDK leaves of a start that failed; there is nothing for users other than root.
        let _ = std::fs::remove_dir_all(std::path::Path::new("/var/run/dpdk").join(prefix()));
        let no_device = ["capture.source=dpdk".to_owned()];
        assert_all(&[run_case(&scratch, &no_device, 4, &["capture.dpdk: no device is named"])]);
    }
}

#[cfg(not(feature = "dpdk"))]
#[test]
fn a_build_without_dpdk_says_so() {
    let scratch = Scratch::new();
    let set = ["capture.source=dpdk".to_owned()];
    assert_all(&[run_case(&scratch, &set, 2, &["this build has no DPDK", "\"pcap\""])]);
}
