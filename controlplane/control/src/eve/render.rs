//! One alert as one line.
//!
//! Field names, order and formats are those of Suricata 7 (manual, "EVE JSON Format").

use std::fmt::{self, Write as _};
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use contract::{FiveTuple, Header};

use crate::alert::Alert;
use crate::time::UtcTime;

/// What goes into a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EveOptions {
    /// The packet's payload in base64.
    pub payload: bool,
    /// The packet's number in its capture (`pcap_cnt`), for replay; not with what was found at a flow's end.
    pub packet_number: bool,
}

/// Appends `alert` to `out` as one line with its line feed.
pub fn render(alert: &Alert, options: EveOptions, out: &mut String) {
    // Writing to a `String` cannot fail.
    let _ = render_fields(alert, options, out);
}

fn render_fields(alert: &Alert, options: EveOptions, out: &mut String) -> fmt::Result {
    let header = &alert.header;
    write!(out, r#"{{"timestamp":"{}""#, UtcTime(header.wall_ns))?;
    if alert.tuple.is_some() {
        write!(out, r#","flow_id":{}"#, header.flow)?;
    }
    // What was found at the end of a flow is of no packet.
    if options.packet_number && header.packet > 0 {
        write!(out, r#","pcap_cnt":{}"#, header.packet)?;
    }
    if !alert.in_iface.is_empty() {
        out.push_str(r#","in_iface":"#);
        json_string(&alert.in_iface, out);
    }
    out.push_str(r#","event_type":"alert""#);
    render_vlan(alert.packet.vlan, out)?;
    if let Some(tuple) = &alert.tuple {
        render_tuple(tuple, out)?;
    }
    if let Some(community_id) = &alert.community_id {
        write!(out, r#","community_id":"{}""#, community_id.as_str())?;
    }
    out.push_str(r#","alert":"#);
    out.push_str(&alert.signature.eve);
    if alert.tuple.is_some() {
        render_flow(alert, out)?;
    }
    render_payload(alert, options, out);
    out.push_str("}\n");
    Ok(())
}

/// The packet's direction in its flow, and the flow.
fn render_flow(alert: &Alert, out: &mut String) -> fmt::Result {
    let (header, flow) = (&alert.header, &alert.flow);
    let to_server = header.flags & Header::TO_SERVER != 0;
    write!(out, r#","direction":"to_{}""#, if to_server { "server" } else { "client" })?;
    write!(
        out,
        r#","flow":{{"pkts_toserver":{},"pkts_toclient":{},"bytes_toserver":{},"bytes_toclient":{},"start":"{}"}}"#,
        flow.packets_to_server,
        flow.packets_to_client,
        flow.bytes_to_server,
        flow.bytes_to_client,
        UtcTime(flow.start_wall_ns)
    )
}

fn render_vlan(vlan: [u16; 2], out: &mut String) -> fmt::Result {
    match vlan {
        [0, _] => Ok(()),
        [tag, 0] => write!(out, r#","vlan":[{tag}]"#),
        [outer, inner] => write!(out, r#","vlan":[{outer},{inner}]"#),
    }
}

fn render_tuple(tuple: &FiveTuple, out: &mut String) -> fmt::Result {
    let ports = matches!(tuple.protocol, 6 | 17 | 132);
    out.push_str(r#","src_ip":""#);
    render_address(tuple.source, out)?;
    out.push('"');
    if ports {
        write!(out, r#","src_port":{}"#, tuple.source_port)?;
    }
    out.push_str(r#","dest_ip":""#);
    render_address(tuple.destination, out)?;
    out.push('"');
    if ports {
        write!(out, r#","dest_port":{}"#, tuple.destination_port)?;
    }
    out.push_str(r#","proto":""#);
    match protocol_name(tuple.protocol) {
        Some(name) => out.push_str(name),
        None => write!(out, "{}", EveProtocol(tuple.protocol))?,
    }
    out.push('"');
    if matches!(tuple.protocol, 1 | 58) {
        write!(
            out,
            r#","icmp_type":{},"icmp_code":{}"#,
            tuple.source_port, tuple.destination_port
        )?;
    }
    Ok(())
}

/// The same as [`EveAddress`] displays, straight into the line: every layer of formatting costs about a hundred
/// instructions, and a line has two addresses.
fn render_address(address: IpAddr, out: &mut String) -> fmt::Result {
    let IpAddr::V4(v4) = address else { return write!(out, "{}", EveAddress(address)) };
    for (index, octet) in v4.octets().into_iter().enumerate() {
        if index > 0 {
            out.push('.');
        }
        if octet >= 100 {
            out.push(digit(octet / 100));
        }
        if octet >= 10 {
            out.push(digit(octet / 10 % 10));
        }
        out.push(digit(octet % 10));
    }
    Ok(())
}

/// The digit of a number below 16.
const fn digit(number: u8) -> char {
    (if number < 10 { b'0' + number } else { b'a' + number - 10 }) as char
}

/// An address as EVE writes it: IPv6 in full, as the peer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EveAddress(pub IpAddr);

impl fmt::Display for EveAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(v4) => fmt::Display::fmt(&v4, f),
            IpAddr::V6(v6) => v6.segments().iter().enumerate().try_for_each(|(index, group)| {
                let colon = if index == 0 { "" } else { ":" };
                write!(f, "{colon}{group:04x}")
            }),
        }
    }
}

/// An IP protocol as EVE writes it: its name, or three digits where it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EveProtocol(pub u8);

impl fmt::Display for EveProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match protocol_name(self.0) {
            Some(name) => f.write_str(name),
            None => write!(f, "{:03}", self.0),
        }
    }
}

/// Names of the IANA registry, as the peer writes them.
const fn protocol_name(protocol: u8) -> Option<&'static str> {
    Some(match protocol {
        1 => "ICMP",
        2 => "IGMP",
        4 => "IP-ENCAP",
        6 => "TCP",
        17 => "UDP",
        41 => "IPv6",
        46 => "RSVP",
        47 => "GRE",
        50 => "ESP",
        51 => "AH",
        58 => "IPv6-ICMP",
        89 => "OSPF",
        103 => "PIM",
        112 => "VRRP",
        132 => "SCTP",
        _ => return None,
    })
}

fn render_payload(alert: &Alert, options: EveOptions, out: &mut String) {
    if options.payload && !alert.payload.is_empty() {
        out.push_str(r#","payload":""#);
        STANDARD.encode_string(&alert.payload, out);
        out.push('"');
    }
    if let Some(digest) = &alert.payload_sha256 {
        out.push_str(r#","payload_sha256":""#);
        for byte in digest {
            out.push(digit(byte >> 4));
            out.push(digit(byte & 15));
        }
        out.push('"');
    }
    if alert.header.flags & Header::CUT != 0 {
        out.push_str(r#","cut":true"#);
    }
}

fn json_string(text: &str, out: &mut String) {
    // A string always serialises.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv6Addr};

    use contract::FiveTuple;
    use proptest::prelude::*;

    use super::{EveAddress, EveOptions, render, render_address};
    use crate::testing::alert;

    fn line(alert: &crate::Alert, options: EveOptions) -> serde_json::Value {
        let mut out = String::new();
        render(alert, options, &mut out);
        assert!(out.ends_with("}\n") && out.matches('\n').count() == 1, "{out}");
        serde_json::from_str(&out).expect("JSON")
    }

    #[test]
    fn a_tcp_alert_has_the_fields_in_their_order() {
        let mut out = String::new();
        render(&alert(9, 2), EveOptions { payload: true, packet_number: true }, &mut out);
        assert_eq!(
            out,
            concat!(
                r#"{"timestamp":"2023-11-14T22:13:20.123456+0000","flow_id":81985529216486895,"#,
                r#""pcap_cnt":12,"in_iface":"port\"0","event_type":"alert","vlan":[100],"#,
                r#""src_ip":"192.0.2.1","src_port":49152,"dest_ip":"198.51.100.2","dest_port":80,"#,
                r#""proto":"TCP","community_id":"1:zmqqF3YbXuKfrYGfMen4DTyXlQ8=","#,
                r#""alert":{"action":"allowed","gid":1,"signature_id":9,"rev":1,"#,
                r#""signature":"test 9","category":"Misc activity","severity":2},"#,
                r#""direction":"to_server","flow":{"pkts_toserver":4,"pkts_toclient":3,"#,
                r#""bytes_toserver":400,"bytes_toclient":300,"start":"2023-11-14T22:13:20.000000+0000"},"#,
                r#""payload":"aGVsbG8=","payload_sha256":"#,
                r#""abababababababababababababababababababababababababababababababab"}"#,
                "\n"
            )
        );
    }

    #[test]
    fn icmpv6_has_type_and_code_and_no_ports() {
        let mut alert = alert(9, 2);
        alert.tuple = Some(FiveTuple {
            source: Ipv6Addr::LOCALHOST.into(),
            destination: "2001:db8::1".parse().unwrap(),
            source_port: 128,
            destination_port: 0,
            protocol: 58,
        });
        alert.packet.vlan = [0, 0];
        let line = line(&alert, EveOptions::default());
        assert_eq!(line["proto"], "IPv6-ICMP");
        assert_eq!((&line["icmp_type"], &line["icmp_code"]), (&128.into(), &0.into()));
        assert_eq!(line["src_ip"], "0000:0000:0000:0000:0000:0000:0000:0001");
        assert_eq!(line["dest_ip"], "2001:0db8:0000:0000:0000:0000:0000:0001");
        for absent in ["src_port", "dest_port", "vlan", "payload", "pcap_cnt"] {
            assert!(line.get(absent).is_none(), "{absent}");
        }
    }

    #[test]
    fn a_protocol_without_a_name_is_a_number() {
        let mut alert = alert(9, 2);
        alert.tuple = alert.tuple.map(|tuple| FiveTuple { protocol: 99, ..tuple });
        assert_eq!(line(&alert, EveOptions::default())["proto"], "099");
    }

    #[test]
    fn a_packet_that_could_not_be_decoded_has_neither_addresses_nor_a_flow() {
        let mut alert = alert(9, 2);
        (alert.tuple, alert.community_id, alert.payload_sha256) = (None, None, None);
        (alert.payload, alert.flow, alert.header.flow) = Default::default();
        let mut out = String::new();
        render(&alert, EveOptions::default(), &mut out);
        assert_eq!(
            out,
            concat!(
                r#"{"timestamp":"2023-11-14T22:13:20.123456+0000","in_iface":"port\"0","#,
                r#""event_type":"alert","vlan":[100],"alert":{"action":"allowed","gid":1,"#,
                r#""signature_id":9,"rev":1,"signature":"test 9","category":"Misc activity","#,
                r#""severity":2}}"#,
                "\n"
            )
        );
    }

    #[test]
    fn a_digest_is_lower_case_hexadecimal() {
        let mut alert = alert(9, 2);
        let digest = std::array::from_fn(|index| (index * 8 + 7) as u8);
        alert.payload_sha256 = Some(digest);
        let text: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(line(&alert, EveOptions::default())["payload_sha256"], text);
    }

    proptest! {
        #[test]
        fn an_address_in_a_line_is_as_it_is_displayed(address: IpAddr) {
            let mut out = String::new();
            render_address(address, &mut out).unwrap();
            prop_assert_eq!(out, EveAddress(address).to_string());
        }
    }
}
