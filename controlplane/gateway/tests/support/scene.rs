//! Packets whose alerts are known.

use contract::FiveTuple;
use sha2::{Digest as _, Sha256};
use testkit::{Chunk, Packet, Traffic, tcp_conversation};

use super::common::Scratch;

/// The rules of [`Scene::mixed`], of three severities. They look at packets, since when a stream is looked at
/// depends on how the packets of two queues take turns.
pub const RULES: &str = r#"
alert tcp-pkt any any -> any 80 (msg:"request"; content:"GET /EVIL"; startswith; priority:1; sid:1;)
alert tcp-pkt any 80 -> any any (msg:"reply"; content:"SECRET"; priority:2; sid:2;)
alert udp any any -> any 514 (msg:"log"; content:"MARK"; dsize:<20; priority:3; sid:3;)
alert icmp any any -> any any (msg:"echo"; itype:8; content:"PING"; priority:3; sid:4;)
"#;

/// Conversations of [`Scene::mixed`].
const CONVERSATIONS: u16 = 40;

/// What is known of an alert before it is raised.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Alert {
    pub sid: u32,
    pub tuple: FiveTuple,
    /// SHA-256 of the packet's payload, where it has one.
    pub sha256: Option<[u8; 32]>,
}

/// Frames, and the alerts that are due, sorted.
pub struct Scene {
    pub frames: Vec<Vec<u8>>,
    pub alerts: Vec<Alert>,
}

impl Scene {
    /// Every kind of packet that [`RULES`] alert on, between others: TCP in both directions, UDP over both
    /// IP versions and in a VLAN, ICMP, packets that are not IP, and one that is cut.
    pub fn mixed() -> Self {
        let mut scene = Self { frames: Vec::new(), alerts: Vec::new() };
        let mut others = background(11, 800).into_iter();
        for number in 0..CONVERSATIONS {
            scene.conversation(4_000 + number);
            scene.logs(6_000 + number);
            scene.frames.extend(others.by_ref().take(20));
        }
        let echo = Packet::ethernet().ip("10.0.0.5", "10.0.0.6").echo_request(1, 1);
        scene.frames.push(echo.payload(b"a PING").build());
        scene.expect(4, ("10.0.0.5", 8), ("10.0.0.6", 0), 1, b"a PING");
        scene.frames.push(Packet::ethernet().ethertype(0x0806).payload(&[0; 46]).build());
        let mut cut =
            Packet::ethernet().ip("10.0.0.5", "10.0.0.6").udp(1, 2).payload(b"cut").build();
        cut.truncate(20);
        scene.frames.push(cut);
        scene.alerts.sort();
        scene
    }

    fn conversation(&mut self, port: u16) {
        let (request, reply) =
            (format!("GET /EVIL?{port} HTTP/1.0\r\n\r\n"), format!("SECRET {port}"));
        let chunks = [Chunk::Client(request.as_bytes()), Chunk::Server(reply.as_bytes())];
        let client = format!("10.0.0.1:{port}");
        self.frames.extend(tcp_conversation(&client, "10.0.0.2:80", &chunks));
        let (client, server) = (("10.0.0.1", port), ("10.0.0.2", 80));
        self.expect(1, client, server, 6, request.as_bytes());
        self.expect(2, server, client, 6, reply.as_bytes());
    }

    fn logs(&mut self, port: u16) {
        let text = format!("MARK {port}");
        let v4 = Packet::ethernet().vlan(7).ip("10.0.0.3", "10.0.0.4").udp(port, 514);
        let v6 = Packet::ethernet().ip("2001:db8::3", "2001:db8::4").udp(port, 514);
        self.frames.extend([v4, v6].map(|packet| packet.payload(text.as_bytes()).build()));
        self.expect(3, ("10.0.0.3", port), ("10.0.0.4", 514), 17, text.as_bytes());
        self.expect(3, ("2001:db8::3", port), ("2001:db8::4", 514), 17, text.as_bytes());
    }

    fn expect(
        &mut self,
        sid: u32,
        (source, source_port): (&str, u16),
        (destination, destination_port): (&str, u16),
        protocol: u8,
        payload: &[u8],
    ) {
        let (source, destination) = (source.parse().unwrap(), destination.parse().unwrap());
        let tuple = FiveTuple { source, destination, source_port, destination_port, protocol };
        self.alerts.push(Alert { sid, tuple, sha256: Some(Sha256::digest(payload).into()) });
    }

    /// The frames on two queues, as a NIC without symmetric hashing may spread them: the two directions of
    /// an IPv4 flow come from different ones.
    pub fn queues(&self) -> [Vec<Vec<u8>>; 2] {
        let upwards =
            |frame: &&Vec<u8>| frame.get(26..34).is_some_and(|ends| ends[..4] < ends[4..]);
        let (left, right) = self.frames.iter().partition::<Vec<_>, _>(upwards);
        [left, right].map(|queue| queue.into_iter().cloned().collect())
    }
}

/// Frames that no rule of these tests alerts on: their letters are small.
pub fn background(seed: u64, count: usize) -> Vec<Vec<u8>> {
    let traffic = Traffic::new(seed).flows(50).payload_max(400);
    traffic.frames(count).into_iter().map(|frame| frame.bytes).collect()
}

/// A UDP packet with `text` in it.
pub fn udp(port: u16, text: &str) -> Vec<u8> {
    let packet = Packet::ethernet().ip("10.0.0.3", "10.0.0.4").udp(port, 514);
    packet.payload(text.as_bytes()).build()
}

/// A device that reads a capture file once, each of `queues` on a queue of its own.
pub fn file_device(scratch: &Scratch, queues: &[Vec<Vec<u8>>]) -> String {
    let mut device = "net_pcap0".to_owned();
    for (index, frames) in queues.iter().enumerate() {
        let path = scratch.pcap(&format!("queue-{index}.pcap"), frames.iter().cloned());
        device += &format!(",rx_pcap={path}");
    }
    device
}

/// A capture that is to be repeated for ever: for each of `marks` 500 frames of background, and the mark in
/// a UDP packet of each of `flows` flows.
pub fn endless_capture(scratch: &Scratch, marks: &[&str], flows: u16) -> String {
    let frames = (1..).zip(marks).flat_map(|(seed, mark)| {
        let mut frames = background(seed, 500);
        frames.extend((0..flows).map(|flow| udp(6_000 + flow, mark)));
        frames
    });
    scratch.pcap("endless.pcap", frames)
}

/// A device that repeats a capture file for ever, with each of `marks` in one flow.
pub fn endless_device(scratch: &Scratch, marks: &[&str]) -> String {
    format!("net_pcap0,rx_pcap={},infinite_rx=1", endless_capture(scratch, marks, 1))
}

/// A rule set of `count` rules that match nothing, other ones for each `round`, and of `more`.
pub fn many_rules(round: usize, count: usize, more: &str) -> String {
    let rule = |number| {
        format!(
            "alert tcp any any -> any any (msg:\"none\"; content:\"R{round}-{number}\"; sid:{};)\n",
            1_000 + number
        )
    };
    (0..count).map(rule).chain([more.to_owned()]).collect()
}
