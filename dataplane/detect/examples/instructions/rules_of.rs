//! Generated rules that resemble public ones: words with punctuation, hex strings, some caseless, most
//! for a few common ports.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use rules::Environment;
use rules::hir::{
    Action, AddressSet, Class, Content, Endpoint, Meta, PayloadTest, PortSet, Protocol, Rule,
};

const WORDS: &[&str] = &[
    "account", "address", "admin", "agent", "archive", "backup", "browser", "cache", "client",
    "cloud", "code", "config", "content", "customer", "data", "default", "device", "document",
    "domain", "download", "email", "error", "event", "export", "file", "form", "gate", "help",
    "history", "home", "host", "http", "image", "index", "info", "item", "key", "language",
    "login", "mail", "media", "message", "method", "network", "news", "offer", "order", "page",
    "password", "payload", "payment", "photo", "post", "product", "profile", "query", "report",
    "request", "result", "search", "secure", "server", "service", "session", "setup", "shell",
    "shop", "site", "status", "store", "system", "table", "task", "test", "token", "tool",
    "update", "upload", "user", "value", "version", "video", "view", "web", "window", "work",
];

/// A small generator of pseudo-random numbers (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub(crate) fn word(&mut self) -> &'static str {
        WORDS[self.below(WORDS.len())]
    }
}

/// The rules of the file `which`, or as many generated ones where it is a number.
pub(crate) fn read_or_generate(which: &str) -> Vec<Rule> {
    if let Ok(count) = which.parse() {
        return generate(count);
    }
    let text = std::fs::read(which).expect("rules file");
    let mut environment = Environment::default();
    let address = [
        "HOME_NET",
        "EXTERNAL_NET",
        "HTTP_SERVERS",
        "SMTP_SERVERS",
        "SQL_SERVERS",
        "DNS_SERVERS",
        "TELNET_SERVERS",
        "AIM_SERVERS",
        "DC_SERVERS",
        "DNP3_SERVER",
        "DNP3_CLIENT",
        "MODBUS_CLIENT",
        "MODBUS_SERVER",
        "ENIP_CLIENT",
        "ENIP_SERVER",
    ];
    environment.address_groups.extend(address.map(|name| (name.to_owned(), "any".to_owned())));
    let ports = [
        "HTTP_PORTS",
        "SHELLCODE_PORTS",
        "ORACLE_PORTS",
        "SSH_PORTS",
        "DNP3_PORTS",
        "MODBUS_PORTS",
        "FILE_DATA_PORTS",
        "FTP_PORTS",
        "GENEVE_PORTS",
        "VXLAN_PORTS",
        "TEREDO_PORTS",
    ];
    environment.port_groups.extend(ports.map(|name| (name.to_owned(), "any".to_owned())));
    let loaded = rules::load(&text, which, &environment);
    println!("{:?}", loaded.counts);
    loaded.rules
}

/// `count` rules; the first of a longer list are the shorter list.
pub(crate) fn generate(count: usize) -> Vec<Rule> {
    let mut random = Random(1);
    (0..count).map(|index| rule(&mut random, index)).collect()
}

fn rule(random: &mut Random, index: usize) -> Rule {
    let contents = 1 + random.below(3);
    let payload = (0..contents).map(|_| PayloadTest::Content(content(random))).collect();
    let protocol = if random.below(4) == 0 { Protocol::Udp } else { Protocol::Tcp };
    let ports = match random.below(10) {
        0..=3 => 0..=u16::MAX,
        4..=7 => single([80, 443, 53, 25, 445, 8_080, 21, 22][random.below(8)]),
        _ => single(random.below(65_535) as u16),
    };
    Rule {
        action: Action::Alert,
        protocol,
        source: endpoint(0..=u16::MAX),
        destination: endpoint(ports),
        bidirectional: false,
        meta: Meta { sid: index as u32 + 1, gid: 1, priority: 3, ..Meta::default() },
        class: Class::PktOrStream,
        packet: Vec::new(),
        payload,
        flow: Vec::new(),
        effects: Vec::new(),
        raises: true,
        buffers: Vec::new(),
        text: Arc::from(""),
        line: index as u32 + 1,
    }
}

fn endpoint(ports: std::ops::RangeInclusive<u16>) -> Endpoint {
    let addresses = AddressSet {
        v4: vec![Ipv4Addr::UNSPECIFIED..=Ipv4Addr::BROADCAST],
        v6: vec![Ipv6Addr::UNSPECIFIED..=Ipv6Addr::from(u128::MAX)],
    };
    Endpoint { addresses, ports: PortSet(vec![ports]) }
}

fn content(random: &mut Random) -> Content {
    let mut bytes = Vec::new();
    match random.below(20) {
        0 => bytes.extend((0..3).map(|_| random.below(256) as u8)),
        1..=4 => {
            let length = 4 + random.below(12);
            bytes.extend((0..length).map(|_| random.below(256) as u8));
        }
        _ => {
            bytes.push(b"/?&=. :"[random.below(7)]);
            for _ in 0..1 + random.below(3) {
                bytes.extend_from_slice(random.word().as_bytes());
                bytes.push(b"/=&._-"[random.below(6)]);
            }
            if random.below(3) == 0 {
                bytes.extend(format!("{:x}", random.below(1 << 24)).bytes());
            }
        }
    }
    Content { nocase: random.below(3) == 0, ..Content::anywhere(bytes) }
}

const fn single(port: u16) -> std::ops::RangeInclusive<u16> {
    port..=port
}
