//! Community ID, version 1: one name for a flow in the logs of every tool.
//!
//! Source: the public specification, <https://github.com/corelight/community-id-spec>; the seed is 0.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use contract::FiveTuple;
use sha1::{Digest as _, Sha1};

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;
const SCTP: u8 = 132;

/// `1:` and 20 bytes in base64.
const TEXT_BYTES: usize = 30;

/// The community ID of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommunityId([u8; TEXT_BYTES]);

impl CommunityId {
    /// The ID of the flow that a packet with `tuple` belongs to; both directions have the same.
    #[must_use]
    pub fn of(tuple: &FiveTuple) -> Self {
        let mut sha1 = Sha1::new();
        sha1.update([0, 0]);
        let ports = ports(tuple);
        let (mut low, mut high) =
            ((tuple.source, ports.source), (tuple.destination, ports.destination));
        if !ports.one_way && high < low {
            (low, high) = (high, low);
        }
        for (address, _) in [low, high] {
            match address {
                IpAddr::V4(v4) => sha1.update(v4.octets()),
                IpAddr::V6(v6) => sha1.update(v6.octets()),
            }
        }
        sha1.update([tuple.protocol, 0]);
        if ports.hashed {
            sha1.update(low.1.to_be_bytes());
            sha1.update(high.1.to_be_bytes());
        }
        let mut text = [0; TEXT_BYTES];
        text[..2].copy_from_slice(b"1:");
        // 20 bytes are 28 characters, which is the room behind the prefix.
        let _ = STANDARD.encode_slice(sha1.finalize(), &mut text[2..]);
        Self(text)
    }

    /// The text, `1:` and base64.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Flows whose ID is remembered.
const PLACES: usize = 4_096;

/// IDs of flows that alerted lately: SHA-1 costs more than all else that is made of an alert.
#[derive(Debug)]
pub(crate) struct CommunityIds(Box<[Option<(FiveTuple, CommunityId)>]>);

impl CommunityIds {
    pub(crate) fn new() -> Self {
        Self(vec![None; PLACES].into_boxed_slice())
    }

    /// The ID for `tuple`. `hint` chooses the place: the same for the packets of one direction of a flow,
    /// spread over flows. It has no influence on the answer.
    pub(crate) fn of(&mut self, tuple: &FiveTuple, hint: u64) -> CommunityId {
        let place = &mut self.0[hint as usize % PLACES];
        match place {
            Some((known, id)) if known == tuple => *id,
            _ => {
                let id = CommunityId::of(tuple);
                *place = Some((*tuple, id));
                id
            }
        }
    }
}

/// What takes the place of ports.
struct Ports {
    source: u16,
    destination: u16,
    /// The two directions cannot be told to be one flow, so that they are not ordered.
    one_way: bool,
    /// The protocol has ports, or something in their place.
    hashed: bool,
}

fn ports(tuple: &FiveTuple) -> Ports {
    let (source, destination) = (tuple.source_port, tuple.destination_port);
    let counterpart = match tuple.protocol {
        ICMP => icmp_counterpart(source),
        ICMPV6 => icmpv6_counterpart(source),
        TCP | UDP | SCTP => return Ports { source, destination, one_way: false, hashed: true },
        _ => return Ports { source: 0, destination: 0, one_way: false, hashed: false },
    };
    match counterpart {
        Some(other) => Ports { source, destination: other, one_way: false, hashed: true },
        None => Ports { source, destination, one_way: true, hashed: true },
    }
}

/// The ICMP type that answers, or asked for, `kind` (RFC 792, 950, 1256).
const fn icmp_counterpart(kind: u16) -> Option<u16> {
    Some(match kind {
        0 => 8,
        8 => 0,
        9 => 10,
        10 => 9,
        13 => 14,
        14 => 13,
        15 => 16,
        16 => 15,
        17 => 18,
        18 => 17,
        _ => return None,
    })
}

/// The ICMPv6 type that answers, or asked for, `kind` (RFC 4443, 4861, 2710, 4620, 6275).
const fn icmpv6_counterpart(kind: u16) -> Option<u16> {
    Some(match kind {
        128 => 129,
        129 => 128,
        130 => 131,
        131 => 130,
        133 => 134,
        134 => 133,
        135 => 136,
        136 => 135,
        139 => 140,
        140 => 139,
        144 => 145,
        145 => 144,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use contract::FiveTuple;

    use super::{CommunityId, CommunityIds, PLACES};

    /// Vectors of the public specification: protocol, source, destination, ports or type and code, ID.
    const VECTORS: &[(u8, &str, &str, u16, u16, &str)] = &[
        (6, "128.232.110.120", "66.35.250.204", 34855, 80, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
        (6, "66.35.250.204", "128.232.110.120", 80, 34855, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
        (17, "192.168.1.52", "8.8.8.8", 54585, 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
        (17, "8.8.8.8", "192.168.1.52", 53, 54585, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
        (1, "192.168.0.89", "192.168.0.1", 8, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
        (1, "192.168.0.1", "192.168.0.89", 0, 8, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
        (1, "192.168.0.89", "192.168.0.1", 20, 0, "1:3o2RFccXzUgjl7zDpqmY7yJi8rI="),
        (1, "192.168.0.89", "192.168.0.1", 20, 1, "1:tz/fHIDUHs19NkixVVoOZywde+I="),
        (
            58,
            "fe80::200:86ff:fe05:80da",
            "fe80::260:97ff:fe07:69ea",
            135,
            0,
            "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=",
        ),
        (
            58,
            "fe80::260:97ff:fe07:69ea",
            "fe80::200:86ff:fe05:80da",
            136,
            0,
            "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=",
        ),
        (
            58,
            "3ffe:507:0:1:260:97ff:fe07:69ea",
            "3ffe:507:0:1:200:86ff:fe05:80da",
            3,
            0,
            "1:NdobDX8PQNJbAyfkWxhtL2Pqp5w=",
        ),
        (132, "192.168.170.8", "192.168.170.56", 7, 80, "1:jQgCxbku+pNGw8WPbEc/TS/uTpQ="),
        (46, "10.1.24.4", "10.1.12.1", 0, 0, "1:/nQI4Rh/TtY3mf0R2gJFBkVlgS4="),
        (46, "1.2.3.4", "5.6.7.8", 0, 0, "1:ikv3kmf89luf73WPz1jOs49S768="),
        (46, "5.6.7.8", "1.2.3.4", 0, 0, "1:ikv3kmf89luf73WPz1jOs49S768="),
    ];

    #[test]
    fn the_vectors_of_the_specification_hold() {
        for &(protocol, source, destination, source_port, destination_port, wanted) in VECTORS {
            let tuple = FiveTuple {
                source: source.parse().unwrap(),
                destination: destination.parse().unwrap(),
                source_port,
                destination_port,
                protocol,
            };
            assert_eq!(CommunityId::of(&tuple).as_str(), wanted, "{tuple:?}");
        }
    }

    #[test]
    fn remembered_ids_are_those_of_their_tuple() {
        let mut ids = CommunityIds::new();
        for round in 0..3 {
            for &(protocol, source, destination, source_port, destination_port, wanted) in VECTORS {
                let tuple = FiveTuple {
                    source: source.parse().unwrap(),
                    destination: destination.parse().unwrap(),
                    source_port,
                    destination_port,
                    protocol,
                };
                // All on one place, on a place of their own, and beyond the last one.
                let hint = [7, u64::from(source_port), u64::MAX - PLACES as u64][round];
                assert_eq!(ids.of(&tuple, hint).as_str(), wanted, "{tuple:?}");
            }
        }
    }
}
