//! Rules, alerts and waiting, for the tests of this crate.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use contract::record::{FlowFacts, Header, PacketFacts};
use contract::{FiveTuple, Kind};
use rules::hir;

use crate::alert::{Alert, AlertView};
use crate::community::CommunityId;
use crate::registry::SignatureText;

/// A rule that says `sid` and `severity` of itself.
pub(crate) fn rule(sid: u32, severity: u8) -> hir::Rule {
    let any = || hir::Endpoint { addresses: Default::default(), ports: Default::default() };
    hir::Rule {
        action: hir::Action::Alert,
        protocol: hir::Protocol::Tcp,
        source: any(),
        destination: any(),
        bidirectional: false,
        meta: hir::Meta {
            sid,
            gid: 1,
            rev: 1,
            msg: format!("test {sid}"),
            category: "Misc activity".into(),
            priority: severity,
            ..hir::Meta::default()
        },
        class: hir::Class::Pkt,
        packet: Vec::new(),
        payload: Vec::new(),
        buffers: Vec::new(),
        flow: Vec::new(),
        effects: Vec::new(),
        raises: true,
        text: Arc::from(""),
        line: 1,
    }
}

/// An alert of that rule.
pub(crate) fn alert(sid: u32, severity: u8) -> Alert {
    let tuple = FiveTuple {
        source: Ipv4Addr::new(192, 0, 2, 1).into(),
        destination: Ipv4Addr::new(198, 51, 100, 2).into(),
        source_port: 49_152,
        destination_port: 80,
        protocol: 6,
    };
    Alert {
        header: Header {
            kind: Kind::Alert,
            flags: Header::TO_SERVER,
            length: 0,
            generation: 1,
            signature: 0,
            flow: 0x0123_4567_89AB_CDEF,
            sequence: 1,
            packet: 12,
            wall_ns: 1_700_000_000_123_456_789,
            rx_ns: 0,
            raised_after_ns: 5_000,
            worker: 0,
        },
        tuple: Some(tuple),
        packet: PacketFacts { wire_length: 99, payload_length: 5, vlan: [100, 0], port: 0 },
        flow: FlowFacts {
            packets_to_server: 4,
            packets_to_client: 3,
            bytes_to_server: 400,
            bytes_to_client: 300,
            start_wall_ns: 1_700_000_000_000_000_000,
        },
        signature: Arc::new(SignatureText::of(&rule(sid, severity))),
        payload: Box::from(*b"hello"),
        payload_sha256: Some([0xAB; 32]),
        community_id: Some(CommunityId::of(&tuple)),
        in_iface: Arc::from("port\"0"),
    }
}

/// The alert as the drain sees it.
pub(crate) fn view(alert: &Alert) -> AlertView<'_> {
    AlertView {
        header: alert.header,
        tuple: alert.tuple,
        packet: alert.packet,
        flow: alert.flow,
        signature: &alert.signature,
        payload: &alert.payload,
        payload_sha256: alert.payload_sha256.as_ref(),
        community_id: alert.community_id,
        in_iface: &alert.in_iface,
    }
}

/// Waits until `holds`; the test fails when it does not within `limit`.
pub(crate) fn eventually(limit: Duration, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < limit, "did not come to hold within {limit:?}");
        std::thread::yield_now();
    }
}
