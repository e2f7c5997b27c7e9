//! An alert as a line: for people, as Suricata's fast.log has it, or as an EVE event.

use std::fmt::Write as _;

use alert_schema::{AlertFields, BatchHead};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use contract::Header;
use control::{EveAddress, EveProtocol, UtcTime};
use serde::Serialize;

use super::filter::has_ports;

/// The line for people, with its line feed:
/// `time  [**] [gid:sid:rev] msg [**] [Classification: …] [Priority: n] {proto} source -> destination  site/sensor`,
/// without protocol and addresses where the packet could not be decoded.
pub(super) fn plain(head: &BatchHead<'_>, alert: &AlertFields<'_>) -> String {
    let rule = &alert.signature;
    let mut line = format!("{}  [**] ", UtcTime(alert.header.wall_ns));
    // Writing to a `String` cannot fail.
    let _ = write!(line, "[{}:{}:{}] {} [**] ", rule.gid, rule.sid, rule.rev, Shown(rule.msg));
    if !rule.category.is_empty() {
        let _ = write!(line, "[Classification: {}] ", Shown(rule.category));
    }
    let _ = write!(line, "[Priority: {}] ", rule.severity);
    if let Some(tuple) = &alert.tuple {
        let _ = write!(
            line,
            "{{{}}} {}:{} -> {}:{} ",
            EveProtocol(tuple.protocol),
            EveAddress(tuple.source),
            tuple.source_port,
            EveAddress(tuple.destination),
            tuple.destination_port,
        );
    }
    let _ = writeln!(line, " {}/{}", Shown(head.site), Shown(head.sensor));
    line
}

/// Text from the network on a terminal: control characters are written as escapes.
struct Shown<'a>(&'a str);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            c if c.is_control() => write!(f, "{}", c.escape_default()),
            c => f.write_char(c),
        })
    }
}

/// An EVE event; names and order are those of the sensor's own EVE output.
#[derive(Serialize)]
struct Event<'a> {
    timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_id: Option<u64>,
    #[serde(skip_serializing_if = "str::is_empty")]
    in_iface: &'a str,
    event_type: &'static str,
    #[serde(skip_serializing_if = "<[u16]>::is_empty")]
    vlan: &'a [u16],
    #[serde(skip_serializing_if = "Option::is_none")]
    src_ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    src_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dest_ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dest_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proto: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp_type: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp_code: Option<u16>,
    #[serde(skip_serializing_if = "str::is_empty")]
    community_id: &'a str,
    alert: Rule<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow: Option<Flow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_sha256: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    cut: bool,
    site: &'a str,
    sensor: &'a str,
    id: String,
    #[serde(skip_serializing_if = "is_false")]
    replay: bool,
}

#[derive(Serialize)]
struct Rule<'a> {
    action: &'static str,
    gid: u32,
    signature_id: u32,
    rev: u32,
    signature: &'a str,
    category: &'a str,
    severity: u8,
}

#[derive(Serialize)]
struct Flow {
    pkts_toserver: u64,
    pkts_toclient: u64,
    bytes_toserver: u64,
    bytes_toclient: u64,
    start: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// The EVE event as a line with its line feed; `replay` if its batch was sent again from the spool.
pub(super) fn json(
    head: &BatchHead<'_>,
    alert: &AlertFields<'_>,
    payload: bool,
    replay: bool,
) -> String {
    let (header, flow) = (&alert.header, &alert.flow);
    let tuple = alert.tuple.as_ref();
    let tags = alert.packet.vlan.iter().take_while(|tag| **tag != 0).count();
    let ports = tuple.filter(|tuple| has_ports(tuple.protocol));
    let icmp = tuple.filter(|tuple| matches!(tuple.protocol, 1 | 58));
    let direction = if header.flags & Header::TO_SERVER == 0 { "to_client" } else { "to_server" };
    let event = Event {
        timestamp: UtcTime(header.wall_ns).to_string(),
        flow_id: tuple.map(|_| header.flow),
        in_iface: alert.in_iface,
        event_type: "alert",
        vlan: &alert.packet.vlan[..tags],
        src_ip: tuple.map(|tuple| EveAddress(tuple.source).to_string()),
        src_port: ports.map(|tuple| tuple.source_port),
        dest_ip: tuple.map(|tuple| EveAddress(tuple.destination).to_string()),
        dest_port: ports.map(|tuple| tuple.destination_port),
        proto: tuple.map(|tuple| EveProtocol(tuple.protocol).to_string()),
        icmp_type: icmp.map(|tuple| tuple.source_port),
        icmp_code: icmp.map(|tuple| tuple.destination_port),
        community_id: alert.community_id,
        alert: rule(alert),
        direction: tuple.map(|_| direction),
        flow: tuple.map(|_| Flow {
            pkts_toserver: flow.packets_to_server,
            pkts_toclient: flow.packets_to_client,
            bytes_toserver: flow.bytes_to_server,
            bytes_toclient: flow.bytes_to_client,
            start: UtcTime(flow.start_wall_ns).to_string(),
        }),
        payload: (payload && !alert.payload.is_empty()).then(|| STANDARD.encode(alert.payload)),
        payload_sha256: alert.payload_sha256.map(|digest| hex(digest)),
        cut: header.flags & Header::CUT != 0,
        site: head.site,
        sensor: head.sensor,
        id: format!("{}.{}.{}.{}", head.sensor, head.boot, header.worker, header.sequence),
        replay,
    };
    // Text and numbers always serialise.
    let mut line = serde_json::to_string(&event).unwrap_or_default();
    line.push('\n');
    line
}

fn rule<'a>(alert: &AlertFields<'a>) -> Rule<'a> {
    let signature = &alert.signature;
    Rule {
        action: "allowed",
        gid: signature.gid,
        signature_id: signature.sid,
        rev: signature.rev,
        signature: signature.msg,
        category: signature.category,
        severity: signature.severity,
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
pub(super) mod tests {
    use alert_schema::{Action, AlertFields, BatchHead, SignatureFields};
    use contract::record::{FlowFacts, PacketFacts};
    use contract::{FiveTuple, Header, Kind};

    use super::{json, plain};

    pub(in crate::alerts) fn head() -> BatchHead<'static> {
        BatchHead {
            schema_version: alert_schema::SCHEMA_VERSION,
            site: "lab",
            sensor: "s1",
            boot: "0123456789abcdef",
            lane: 2,
            sequence: 1,
            generations: (7, 7),
            closed_ns: 1_700_000_001_000_000_000,
        }
    }

    pub(in crate::alerts) fn alert() -> AlertFields<'static> {
        AlertFields {
            header: Header {
                kind: Kind::Alert,
                flags: Header::TO_SERVER,
                length: 0,
                generation: 7,
                signature: 0,
                flow: 0x0123_4567_89AB_CDEF,
                sequence: 41,
                packet: 12,
                wall_ns: 1_700_000_000_123_456_789,
                rx_ns: 0,
                raised_after_ns: 21_500,
                worker: 1,
            },
            tuple: Some(FiveTuple {
                source: "192.0.2.1".parse().unwrap(),
                destination: "198.51.100.2".parse().unwrap(),
                source_port: 49_152,
                destination_port: 80,
                protocol: 6,
            }),
            packet: PacketFacts { wire_length: 99, payload_length: 5, vlan: [100, 0], port: 0 },
            flow: FlowFacts {
                packets_to_server: 4,
                packets_to_client: 3,
                bytes_to_server: 400,
                bytes_to_client: 300,
                start_wall_ns: 1_700_000_000_000_000_000,
            },
            signature: SignatureFields {
                gid: 1,
                sid: 9,
                rev: 1,
                msg: "test 9",
                category: "Misc activity",
                severity: 2,
                action: Action::Alert,
            },
            payload: b"hello",
            payload_sha256: Some(&[0xAB; 32]),
            community_id: "1:zmqqF3YbXuKfrYGfMen4DTyXlQ8=",
            in_iface: "port\"0",
        }
    }

    #[test]
    fn a_line_for_people_is_that_of_fast_log() {
        assert_eq!(
            plain(&head(), &alert()),
            "2023-11-14T22:13:20.123456+0000  [**] [1:9:1] test 9 [**] [Classification: Misc activity] \
             [Priority: 2] {TCP} 192.0.2.1:49152 -> 198.51.100.2:80  lab/s1\n"
        );
    }

    #[test]
    fn a_message_cannot_speak_to_the_terminal_or_begin_a_line() {
        let mut alert = alert();
        alert.signature.msg = "a\n\u{1b}[2Jb\u{9b}Ü";
        alert.signature.category = "";
        let line = plain(&head(), &alert);
        assert!(line.contains("] a\\n\\u{1b}[2Jb\\u{9b}Ü [**] [Priority"), "{line}");
        assert_eq!(line.matches(char::is_control).count(), 1, "{line}");
    }

    /// The same alert as in the test of the sensor's own EVE output: but for what is added, the same line.
    #[test]
    fn an_event_is_the_sensors_own_with_its_id() {
        assert_eq!(
            json(&head(), &alert(), true, false),
            concat!(
                r#"{"timestamp":"2023-11-14T22:13:20.123456+0000","flow_id":81985529216486895,"#,
                r#""in_iface":"port\"0","event_type":"alert","vlan":[100],"#,
                r#""src_ip":"192.0.2.1","src_port":49152,"dest_ip":"198.51.100.2","dest_port":80,"#,
                r#""proto":"TCP","community_id":"1:zmqqF3YbXuKfrYGfMen4DTyXlQ8=","#,
                r#""alert":{"action":"allowed","gid":1,"signature_id":9,"rev":1,"#,
                r#""signature":"test 9","category":"Misc activity","severity":2},"#,
                r#""direction":"to_server","flow":{"pkts_toserver":4,"pkts_toclient":3,"#,
                r#""bytes_toserver":400,"bytes_toclient":300,"start":"2023-11-14T22:13:20.000000+0000"},"#,
                r#""payload":"aGVsbG8=","payload_sha256":"#,
                r#""abababababababababababababababababababababababababababababababab","#,
                r#""site":"lab","sensor":"s1","id":"s1.0123456789abcdef.1.41"}"#,
                "\n"
            )
        );
    }

    #[test]
    fn icmp_has_type_and_code_and_a_replay_says_so() {
        let mut alert = alert();
        let icmp = |tuple| FiveTuple { protocol: 1, source_port: 8, destination_port: 0, ..tuple };
        alert.tuple = alert.tuple.map(icmp);
        alert.packet.vlan = [0; 2];
        alert.in_iface = "";
        let line = json(&head(), &alert, false, true);
        let event: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&event["icmp_type"], &event["icmp_code"]), (&8.into(), &0.into()));
        assert_eq!(event["replay"], true);
        for absent in ["src_port", "dest_port", "vlan", "in_iface", "payload", "cut"] {
            assert!(event.get(absent).is_none(), "{absent}");
        }
    }

    #[test]
    fn what_could_not_be_decoded_has_no_addresses_in_any_form() {
        let mut alert = alert();
        (alert.tuple, alert.community_id, alert.payload_sha256) = (None, "", None);
        assert!(plain(&head(), &alert).ends_with("[Priority: 2]  lab/s1\n"));
        let line = json(&head(), &alert, false, false);
        let event: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(event["alert"]["signature_id"], 9);
        for absent in
            ["flow_id", "src_ip", "dest_port", "proto", "community_id", "direction", "flow"]
        {
            assert!(event.get(absent).is_none(), "{absent}");
        }
    }
}
