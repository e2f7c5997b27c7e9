//! `replay` as a user runs it: rules and packets in, alerts and a summary out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use common::{Scratch, eve_alerts, run};
use testkit::{Chunk, Packet, tcp_conversation, tcp_flags};

fn udp(payload: &[u8]) -> Vec<u8> {
    Packet::ethernet().ip("10.0.0.1", "10.0.0.2").udp(4_000, 53).payload(payload).build()
}

fn tcp(flags: u8, payload: &[u8]) -> Vec<u8> {
    let packet = Packet::ethernet().ip("10.0.0.1", "10.0.0.2").tcp(4_000, 80);
    packet.flags(flags).payload(payload).build()
}

struct Case {
    name: &'static str,
    rules: &'static str,
    frames: Vec<Vec<u8>>,
    /// (sid, packet number), in the order of the alerts.
    alerts: &'static [(u64, u64)],
}

fn cases() -> Vec<Case> {
    let ping = Packet::ethernet().ip("10.0.0.1", "10.0.0.2").ttl(3).echo_request(1, 1).build();
    vec![
        Case {
            name: "a content in UDP, alone and with a condition on its place",
            rules: "alert udp any any -> any any (msg:\"a\"; content:\"EVIL\"; sid:1;)\n\
                    alert udp any any -> any any (content:\"evil\"; nocase; offset:1; sid:2;)\n",
            frames: vec![udp(b"EVIL"), udp(b"good"), udp(b"xeViL"), udp(b"an EVIL end")],
            alerts: &[(1, 1), (2, 3), (1, 4), (2, 4)],
        },
        Case {
            name: "header, direction and ports",
            rules: "alert udp 10.0.0.1 any -> any 53 (content:\"q\"; sid:1;)\n\
                    alert udp !10.0.0.1 any -> any 53 (content:\"q\"; sid:2;)\n\
                    alert udp any any -> any ![50:60] (content:\"q\"; sid:3;)\n\
                    alert udp any 53 <> any 4000 (content:\"q\"; sid:4;)\n",
            frames: vec![udp(b"q")],
            alerts: &[(1, 1), (4, 1)],
        },
        Case {
            name: "packet properties",
            rules: "alert icmp any any -> any any (itype:8; icode:0; ttl:3; sid:1;)\n\
                    alert icmp any any -> any any (itype:8; ttl:>3; sid:2;)\n\
                    alert tcp any any -> any any (flags:S; sid:3;)\n\
                    alert udp any any -> any any (dsize:4; content:\"abcd\"; sid:4;)\n",
            frames: vec![ping, tcp(tcp_flags::SYN, b""), udp(b"abcd"), udp(b"abcde")],
            alerts: &[(1, 1), (3, 2), (4, 3)],
        },
        Case {
            name: "each segment of a connection for tcp-pkt, and pcre after a content",
            rules: "alert tcp-pkt any any -> any 80 (content:\"GET\"; startswith; \
                    pcre:\"/id=[0-9]{3}/R\"; sid:1;)\n",
            frames: tcp_conversation(
                "10.0.0.1:4000",
                "10.0.0.2:80",
                &[
                    Chunk::Client(b"GET /?id=12"),
                    Chunk::Client(b"GET /?id=123"),
                    Chunk::Server(b"GET"),
                ],
            ),
            alerts: &[(1, 6)],
        },
        Case {
            name: "no rule, no alert",
            rules: "# nothing\n",
            frames: vec![udp(b"EVIL")],
            alerts: &[],
        },
    ]
}

#[test]
fn each_rule_alerts_on_its_packets_and_no_other() {
    for case in cases() {
        let scratch = Scratch::new();
        let rules = scratch.write("a.rules", case.rules);
        let pcap = scratch.pcap("a.pcap", case.frames);
        let eve = scratch.arg("eve.json");
        let ended = run(&["replay", "--pcap", &pcap, "--rules", &rules, "--eve", &eve]);
        assert_eq!(ended.code, Some(0), "{}: {ended:?}", case.name);
        let mut alerts = eve_alerts(&scratch.path("eve.json"));
        alerts.sort_by_key(|(sid, packet)| (*packet, *sid));
        assert_eq!(alerts, case.alerts, "{}: {ended:?}", case.name);
        assert_eq!(ended.stdout.matches("(balanced)").count(), 2, "{}: {ended:?}", case.name);
        assert_eq!(ended.stderr, "", "{}", case.name);
    }
}

#[test]
fn suricatas_letters_write_eve_json_into_a_directory() {
    let scratch = Scratch::new();
    let rules = scratch.write("a.rules", "alert udp any any -> any any (content:\"E\"; sid:1;)");
    let pcap = scratch.pcap("a.pcap", [udp(b"E"), udp(b"E")]);
    let dir = scratch.path("").to_str().unwrap().to_owned();
    let ended = run(&["replay", "-r", &pcap, "-S", &rules, "-l", &dir]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(eve_alerts(&scratch.path("eve.json")), [(1, 1), (1, 2)]);
}

#[test]
fn eve_on_the_standard_output_has_it_for_itself() {
    let scratch = Scratch::new();
    let rules = scratch.write("a.rules", "alert udp any any -> any any (content:\"E\"; sid:1;)");
    let pcap = scratch.pcap("a.pcap", [udp(b"E")]);
    let ended = run(&["replay", "-r", &pcap, "-S", &rules, "--eve", "-"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let line: serde_json::Value = serde_json::from_str(ended.stdout.trim()).unwrap();
    assert_eq!(line["alert"]["signature_id"], 1);
    assert!(ended.stderr.contains("received 1 = inspected 1 (balanced)"), "{ended:?}");
}

#[test]
fn without_eve_alerts_are_lines_for_people() {
    let scratch = Scratch::new();
    let text = "alert udp any any -> any any (msg:\"seen\"; content:\"E\"; sid:7; rev:2;)\n\
                alert udp any any -> any any (nonsense; sid:8;)\n";
    let rules = scratch.write("a.rules", text);
    let pcap = scratch.pcap("a.pcap", [udp(b"E"), udp(b"")]);
    let ended = run(&["replay", "-r", &pcap, "-S", &rules, "--verbose"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("packet 1 [1:7:2] seen"), "{ended:?}");
    assert!(ended.stdout.contains("rules: 1 loaded, 1 refused"), "{ended:?}");
    assert!(ended.stdout.contains("a.rules:2:"), "{ended:?}");
    assert!(ended.stdout.contains("1  1:7  seen"), "{ended:?}");
}

#[test]
fn more_alerts_than_the_ring_holds_all_arrive() {
    let scratch = Scratch::new();
    let rules = scratch.write("a.rules", "alert udp any any -> any any (content:\"E\"; sid:1;)");
    let pcap = scratch.pcap("a.pcap", (0..5_000).map(|_| udp(&[b'E'; 900])));
    let eve = scratch.arg("eve.json");
    let small = ["--set", "workers.alert_slots=2048"];
    let ended = run(&[&["replay", "-r", &pcap, "-S", &rules, "--eve", &eve][..], &small].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(eve_alerts(&scratch.path("eve.json")).len(), 5_000);
    assert!(ended.stdout.contains("raised 5000 = written 5000 (balanced)"), "{ended:?}");
}

#[test]
fn what_came_before_the_damage_is_kept() {
    let scratch = Scratch::new();
    let rules = scratch.write("a.rules", "alert udp any any -> any any (content:\"E\"; sid:1;)");
    scratch.pcap("whole.pcap", [udp(b"E"), udp(b"E"), udp(b"E")]);
    let mut bytes = std::fs::read(scratch.path("whole.pcap")).unwrap();
    bytes.truncate(bytes.len() - 5);
    let pcap = scratch.write("cut.pcap", bytes);
    let eve = scratch.arg("eve.json");
    let ended = run(&["replay", "-r", &pcap, "-S", &rules, "--eve", &eve]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert_eq!(eve_alerts(&scratch.path("eve.json")), [(1, 1), (1, 2)]);
    assert!(ended.stderr.contains("after packet 2"), "{ended:?}");
}
