//! A rule's header.

use crate::ast::{self, Span, Word};
use crate::diagnostic::{Fault, Kind};
use crate::environment::Resolver;
use crate::group::GroupError;
use crate::hir::{Action, Endpoint, Protocol};

/// Protocol words of Suricata 7.0.10 that are not understood yet.
const APPLICATION_PROTOCOLS: &[&str] = &[
    "bittorrent-dht",
    "dcerpc",
    "dhcp",
    "dnp3",
    "dns",
    "enip",
    "ftp",
    "ftp-data",
    "http",
    "http1",
    "http2",
    "ike",
    "ikev2",
    "imap",
    "irc",
    "jabber",
    "krb5",
    "modbus",
    "mqtt",
    "msn",
    "nfs",
    "ntp",
    "pgsql",
    "quic",
    "rdp",
    "rfb",
    "sip",
    "smb",
    "smtp",
    "snmp",
    "ssh",
    "telnet",
    "template",
    "tftp",
    "tls",
];

/// A header as meant.
pub(super) struct Header {
    pub(super) action: Action,
    pub(super) protocol: Protocol,
    pub(super) source: Endpoint,
    pub(super) destination: Endpoint,
    pub(super) bidirectional: bool,
    /// An address of either side is negated, here or in a variable.
    pub(super) negated_address: bool,
}

/// Lowers the header; `None` after a fault. Every fault is reported.
pub(super) fn lower(
    rule: &ast::Rule<'_>,
    resolver: &mut Resolver<'_>,
    faults: &mut Vec<Fault>,
) -> Option<Header> {
    let mut take = |fault: Fault| faults.push(fault);
    let action = action(rule.action).map_err(&mut take).ok();
    let protocol = protocol(rule.protocol).map_err(&mut take).ok();
    let source = endpoint(&rule.source, resolver, &mut take);
    let bidirectional = direction(rule.direction).map_err(&mut take).ok();
    let destination = endpoint(&rule.destination, resolver, &mut take);
    let ((source, source_negated), (destination, destination_negated)) = (source?, destination?);
    Some(Header {
        action: action?,
        protocol: protocol?,
        source,
        destination,
        bidirectional: bidirectional?,
        negated_address: source_negated || destination_negated,
    })
}

fn action(word: Word<'_>) -> Result<Action, Fault> {
    Ok(match word.text.to_ascii_lowercase().as_str() {
        "alert" => Action::Alert,
        "pass" => Action::Pass,
        "drop" => Action::Drop,
        "reject" | "rejectsrc" | "rejectdst" | "rejectboth" => Action::Reject,
        "config" => {
            let message = "action `config` is not supported yet";
            return Err(Fault::new(Kind::Unsupported, word.span(), message).keyword("config"));
        }
        _ => {
            let message = format!("`{}` is not an action", word.text);
            return Err(Fault::new(Kind::Header, word.span(), message)
                .hint("actions are alert, pass, drop, reject, rejectsrc, rejectdst, rejectboth"));
        }
    })
}

fn protocol(word: Word<'_>) -> Result<Protocol, Fault> {
    let name = word.text.to_ascii_lowercase();
    Ok(match name.as_str() {
        "ip" => Protocol::Ip,
        "ip4" | "ipv4" => Protocol::Ipv4,
        "ip6" | "ipv6" => Protocol::Ipv6,
        "tcp" => Protocol::Tcp,
        "tcp-pkt" => Protocol::TcpPkt,
        "tcp-stream" => Protocol::TcpStream,
        "udp" => Protocol::Udp,
        "icmp" => Protocol::Icmp,
        "icmpv4" => Protocol::Icmpv4,
        "icmpv6" => Protocol::Icmpv6,
        "sctp" => Protocol::Sctp,
        "pkthdr" => Protocol::PktHdr,
        known if APPLICATION_PROTOCOLS.contains(&known) => {
            let message =
                format!("application-layer protocol `{}` is not supported yet", word.text);
            return Err(Fault::new(Kind::Unsupported, word.span(), message)
                .keyword(format!("protocol {known}")));
        }
        _ => {
            let message = format!("`{}` is not a protocol", word.text);
            let fault = Fault::new(Kind::Header, word.span(), message);
            return Err(match name.as_str() {
                "icmp4" => fault.hint("write `icmpv4`"),
                "icmp6" => fault.hint("write `icmpv6`"),
                _ => fault,
            });
        }
    })
}

fn direction(word: Word<'_>) -> Result<bool, Fault> {
    match word.text {
        "->" => Ok(false),
        "<>" => Ok(true),
        text => {
            let fault =
                Fault::new(Kind::Header, word.span(), format!("`{text}` is not a direction"));
            Err(match text {
                "<-" => fault.hint("exchange the sides and write `->`"),
                _ => fault.hint("directions are `->` and `<>`"),
            })
        }
    }
}

/// A side, and whether an address of it is negated.
fn endpoint(
    side: &ast::Side<'_>,
    resolver: &mut Resolver<'_>,
    take: &mut impl FnMut(Fault),
) -> Option<(Endpoint, bool)> {
    let place = |word: Word<'_>, error: GroupError| {
        let span = Span::new(word.start + error.span.start, word.start + error.span.end);
        Fault::new(if error.limit { Kind::Limit } else { Kind::Group }, span, error.message)
    };
    let addresses = resolver
        .addresses(side.addresses.text)
        .map_err(|error| take(place(side.addresses, error)))
        .ok();
    let ports =
        resolver.ports(side.ports.text).map_err(|error| take(place(side.ports, error))).ok();
    let (addresses, ports) = (addresses?, ports?);
    Some((Endpoint { addresses: addresses.set, ports }, addresses.negated))
}
