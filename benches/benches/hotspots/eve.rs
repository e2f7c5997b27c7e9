//! EVE lines: serde_json for the whole event, beside the sensor's, whose `alert` part is rendered once a
//! rule.

use std::hint::black_box;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use benches::alerts::alerts;
use control::{Alert, EveOptions, UtcTime, render};
use criterion::{Criterion, Throughput};
use serde::Serialize;

/// The event as serde_json writes it.
#[derive(Serialize)]
pub(crate) struct Event<'a> {
    timestamp: String,
    flow_id: u64,
    in_iface: &'a str,
    event_type: &'static str,
    src_ip: String,
    src_port: u16,
    dest_ip: String,
    dest_port: u16,
    proto: &'static str,
    community_id: &'a str,
    alert: Signature<'a>,
    direction: &'static str,
    flow: Flow,
    payload: String,
    payload_sha256: String,
}

#[derive(Serialize)]
struct Signature<'a> {
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

impl<'a> Event<'a> {
    /// The event of a TCP alert to the server, which the benchmarks' alerts are.
    pub(crate) fn of(alert: &'a Alert) -> Self {
        let (flow, signature) = (&alert.flow, &alert.signature);
        let tuple = alert.tuple.unwrap();
        let digest = alert.payload_sha256.unwrap_or_default();
        Self {
            timestamp: UtcTime(alert.header.wall_ns).to_string(),
            flow_id: alert.header.flow,
            in_iface: &alert.in_iface,
            event_type: "alert",
            src_ip: tuple.source.to_string(),
            src_port: tuple.source_port,
            dest_ip: tuple.destination.to_string(),
            dest_port: tuple.destination_port,
            proto: "TCP",
            community_id: alert.community_id.as_ref().unwrap().as_str(),
            alert: Signature {
                action: "allowed",
                gid: signature.gid,
                signature_id: signature.sid,
                rev: signature.rev,
                signature: &signature.msg,
                category: &signature.category,
                severity: signature.severity,
            },
            direction: "to_server",
            flow: Flow {
                pkts_toserver: flow.packets_to_server,
                pkts_toclient: flow.packets_to_client,
                bytes_toserver: flow.bytes_to_server,
                bytes_toclient: flow.bytes_to_client,
                start: UtcTime(flow.start_wall_ns).to_string(),
            },
            payload: STANDARD.encode(&alert.payload),
            payload_sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

pub(crate) fn bench(criterion: &mut Criterion) {
    const OPTIONS: EveOptions = EveOptions { payload: true, packet_number: false };
    let alerts = alerts(256);
    // Both say the same, but for the order of fields.
    let mut line = String::new();
    render(&alerts[0], OPTIONS, &mut line);
    let ours: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(ours, serde_json::to_value(Event::of(&alerts[0])).unwrap());

    let mut group = criterion.benchmark_group("eve");
    group.throughput(Throughput::Elements(alerts.len() as u64));
    let mut bytes = Vec::new();
    group.bench_function("serde_json", |bencher| {
        bencher.iter(|| {
            bytes.clear();
            for alert in black_box(&alerts) {
                serde_json::to_writer(&mut bytes, &Event::of(alert)).unwrap();
                bytes.push(b'\n');
            }
            bytes.len()
        });
    });
    group.bench_function("prerendered", |bencher| {
        bencher.iter(|| {
            line.clear();
            for alert in black_box(&alerts) {
                render(alert, OPTIONS, &mut line);
            }
            line.len()
        });
    });
    group.finish();
}
