//! Writes the bundled demo: `demo.pcap`, a few hundred packets of varied traffic, and `demo.rules`, the
//! rules that alert on it. The bytes are the same at every run.
//!
//! ```sh
//! cargo run -p testkit --example demo -- deploy/demo
//! ```

#![allow(clippy::expect_used, clippy::panic, reason = "an example that writes two files")]

use std::path::Path;

use testkit::{Chunk, Frame, Packet, Traffic, tcp_conversation, tcp_flags};

/// Text of the demo's suspicious requests; rules and traffic agree on it.
const MARKER: &str = "X-Sensor-Demo: alert-me";
/// Packets of ordinary traffic around the scenes.
const BACKGROUND: usize = 240;

pub(crate) const RULES: &str = include_str!("demo.rules");

fn main() {
    let Some(folder) = std::env::args().nth(1) else {
        panic!("usage: demo OUTDIR");
    };
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder).expect("the folder can be made");
    testkit::write_pcap(folder.join("demo.pcap"), frames());
    std::fs::write(folder.join("demo.rules"), RULES).expect("the rules can be written");
}

/// The scenes one after another, each between two stretches of ordinary traffic.
pub(crate) fn frames() -> Vec<Frame> {
    let scenes = [web(), names(), pings(), tls(), tagged(), scan()];
    let mut background = Traffic::new(2_024)
        .flows(24)
        .payload_max(300)
        .ipv6_rate(0.2)
        .frames(BACKGROUND)
        .into_iter();
    let share = BACKGROUND / (scenes.len() + 1);
    let mut frames = Vec::new();
    for scene in scenes {
        frames.extend(background.by_ref().take(share).map(|frame| frame.bytes));
        frames.extend(scene);
    }
    frames.extend(background.map(|frame| frame.bytes));
    // The file's clock is the writer's: one packet a millisecond.
    frames.into_iter().map(Frame::from).collect()
}

/// Requests like those of a browser, one of them with the marker, one with an attack on a path.
fn web() -> Vec<Vec<u8>> {
    let request = |target: &str, extra: &str| {
        format!(
            "GET {target} HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: demo/1.0\r\n{extra}\r\n"
        )
    };
    let page =
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 15\r\n\r\n<h1>hello</h1>\n";
    let requests = [
        request("/", ""),
        request("/index.html", &format!("{MARKER}\r\n")),
        request("/../../etc/passwd", ""),
        request("/download.php?id=1%20UNION%20SELECT%20password", ""),
    ];
    let mut frames = Vec::new();
    for (index, request) in requests.iter().enumerate() {
        let client = format!("10.20.0.{}:{}", index + 1, 40_000 + index);
        let chunks = [Chunk::Client(request.as_bytes()), Chunk::Server(page)];
        frames.extend(tcp_conversation(&client, "192.0.2.80:80", &chunks));
    }
    frames
}

/// DNS questions with their answers, the last for a name that a rule knows.
fn names() -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let hosts = ["www", "mail", "malware-demo"];
    for (id, host) in (1_u16..).zip(hosts) {
        let mut message = id.to_be_bytes().to_vec();
        message.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        for label in [host, "example", "com"] {
            message.push(label.len() as u8);
            message.extend(label.as_bytes());
        }
        message.extend([0, 0, 1, 0, 1]);
        let question = Packet::ethernet().ip("10.20.0.5", "192.0.2.53").udp(50_000 + id, 53);
        frames.push(question.payload(&message).build());
        // QR and RA set, one answer: a pointer to the name, type A, class IN, TTL 60.
        message[2..4].copy_from_slice(&[0x81, 0x80]);
        message[7] = 1;
        message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 80]);
        let answer = Packet::ethernet().ip("192.0.2.53", "10.20.0.5").udp(53, 50_000 + id);
        frames.push(answer.payload(&message).build());
    }
    frames
}

/// Echoes over both IP versions, one of them a probe that would not leave its network, and an error.
fn pings() -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for (a, b) in [("10.20.0.6", "192.0.2.1"), ("2001:db8:20::6", "2001:db8::1")] {
        for sequence in 1..=3 {
            let ping = Packet::ethernet().ip(a, b).echo_request(7, sequence);
            frames.push(ping.payload(b"abcdefghijklmnopqrstuvwabcdefghi").build());
            let pong = Packet::ethernet().ip(b, a).echo_reply(7, sequence);
            frames.push(pong.payload(b"abcdefghijklmnopqrstuvwabcdefghi").build());
        }
    }
    let probe = Packet::ethernet().ip("10.20.0.6", "192.0.2.1").ttl(1).udp(33_000, 33_434);
    let probe = probe.payload(b"probe");
    frames.push(probe.build());
    frames.push(Packet::ethernet().ip("10.20.0.254", "10.20.0.6").icmp(11, 0, [0; 4]).build());
    frames.push(Packet::ethernet().ip("192.0.2.1", "10.20.0.6").unreachable(3, &probe).build());
    frames
}

/// A hello that names a server, and records that look encrypted.
fn tls() -> Vec<Vec<u8>> {
    let mut hello = vec![0x16, 3, 1, 0, 0, 1, 0, 0, 0, 3, 3];
    hello.extend((0..32).map(|byte: u8| byte.wrapping_mul(37)));
    hello.extend(b"\0\0\x04\x13\x01\x13\x02\x01\0\0\x1f\0\0\0\x1b\0\x19\0\0\x16");
    hello.extend(b"c2-demo.example.com.au");
    let length = hello.len() as u16;
    hello[3..5].copy_from_slice(&(length - 5).to_be_bytes());
    hello[7..9].copy_from_slice(&(length - 9).to_be_bytes());
    let mut data = vec![0x17, 3, 3, 0, 200];
    data.extend((0..200_u16).map(|byte| (byte * 101 % 251) as u8));
    let chunks = [Chunk::Client(&hello), Chunk::Server(&data), Chunk::Client(&data)];
    tcp_conversation("10.20.0.7:45000", "192.0.2.43:443", &chunks)
}

/// The marker inside one and two VLAN tags.
fn tagged() -> Vec<Vec<u8>> {
    let message = |packet: Packet| {
        let packet = packet.ip("10.20.0.8", "192.0.2.9").udp(6_000, 514);
        packet.payload(format!("<13>demo: {MARKER}").as_bytes()).build()
    };
    vec![
        message(Packet::ethernet().vlan(100)),
        message(Packet::ethernet().service_vlan(200).vlan(100)),
    ]
}

/// SYN, NULL and Xmas probes of a few ports.
fn scan() -> Vec<Vec<u8>> {
    let probes = [tcp_flags::SYN, 0, tcp_flags::FIN | tcp_flags::PSH | tcp_flags::URG];
    let probe = |flags: u8, port: u16| {
        let packet = Packet::ethernet().ip("203.0.113.66", "10.20.0.1").tcp(55_555, port);
        packet.flags(flags).ack(0).pad().build()
    };
    probes.iter().flat_map(|flags| [21, 23, 3_389].map(|port| probe(*flags, port))).collect()
}
