//! A snapshot in the text format of Prometheus (exposition format 0.0.4).
//!
//! Ours are `sensor_*`. What `suricata_exporter` calls by a name of its own, and means the same by, is
//! there under that name as well, so that dashboards made for it work.

mod delivery;
mod page;

use std::fmt::Display;

use super::model::{LatenciesView, PortView, Snapshot, WorkerView};
use page::Page;

/// Renders `snapshot`.
pub(crate) fn render(snapshot: &Snapshot) -> String {
    let mut page = Page::default();
    sensor(&mut page, snapshot);
    ledgers(&mut page, snapshot);
    workers(&mut page, &snapshot.workers);
    latencies(&mut page, &snapshot.latency);
    let help = "Alerts lost, of the signatures that lost the most.";
    delivery::losses(&mut page, "sensor_signature_alerts_lost_total", help, &snapshot.losses);
    stages(&mut page, snapshot);
    delivery::delivery(&mut page, snapshot);
    ports(&mut page, &snapshot.ports);
    aliases(&mut page, snapshot);
    page.text
}

fn sensor(page: &mut Page, snapshot: &Snapshot) {
    page.family("sensor_info", "gauge", "The sensor; always 1.");
    let labels: [(&str, &dyn Display); 4] = [
        ("version", &snapshot.version),
        ("site", &snapshot.site),
        ("sensor", &snapshot.sensor),
        ("boot", &snapshot.boot),
    ];
    page.sample(&labels, 1);
    page.one("sensor_uptime_seconds", "gauge", "Time since the start.", snapshot.uptime_s);
    let rules = &snapshot.rules;
    page.one("sensor_rules_generation", "gauge", "The active generation.", rules.generation);
    page.one("sensor_rules_loaded", "gauge", "Rules in use.", rules.loaded);
    page.one("sensor_rules_refused", "gauge", "Rules of the text refused.", rules.refused);
    let help = "Generations that are not freed yet.";
    page.one("sensor_rules_generations_live", "gauge", help, rules.live.len());
}

fn ledgers(page: &mut Page, snapshot: &Snapshot) {
    let packets = &snapshot.ledgers.packets;
    page.one("sensor_packets_received_total", "counter", "Packets received.", packets.rx);
    page.one("sensor_packets_inspected_total", "counter", "Packets inspected.", packets.inspected);
    page.family("sensor_packets_dropped_total", "counter", "Packets not inspected, by cause.");
    for (cause, count) in &packets.drops {
        page.sample(&[("cause", cause)], count);
    }
    let help = "Packets on their way between workers.";
    page.one("sensor_packets_in_flight", "gauge", help, packets.in_flight);
    let alerts = &snapshot.ledgers.alerts;
    page.one("sensor_alerts_raised_total", "counter", "Alerts raised.", alerts.raised);
    page.family(
        "sensor_alerts_delivered_total",
        "counter",
        "Alerts delivered, by what that means.",
    );
    for (outcome, count) in
        [("acknowledged", alerts.acknowledged), ("sent", alerts.sent), ("written", alerts.written)]
    {
        page.sample(&[("outcome", &outcome)], count);
    }
    page.one("sensor_alerts_spooled", "gauge", "Alerts in the spool.", alerts.spooled);
    page.family("sensor_alerts_dropped_total", "counter", "Alerts lost, by cause.");
    for (cause, count) in &alerts.drops {
        page.sample(&[("cause", cause)], count);
    }
    page.one("sensor_alerts_in_flight", "gauge", "Alerts on their way.", alerts.in_flight);
    let help = "What a ledger is short of (positive) or has too much; 0 at rest.";
    page.family("sensor_ledger_imbalance", "gauge", help);
    page.sample(&[("ledger", &"packets")], packets.imbalance);
    page.sample(&[("ledger", &"alerts")], alerts.imbalance);
}

fn workers(page: &mut Page, workers: &[WorkerView]) {
    page.family("sensor_worker_packets_total", "counter", "Packets received, by worker.");
    for worker in workers {
        page.sample(&[("worker", &worker.index)], worker.rx_packets);
    }
    page.family("sensor_worker_events_total", "counter", "Other counters of a worker, by name.");
    for worker in workers {
        for (name, count) in &worker.counters {
            page.sample(&[("worker", &worker.index), ("event", name)], count);
        }
    }
    let help = "Packets by what was unusual about them: decoder and stream events.";
    page.family("sensor_packet_events_total", "counter", help);
    for worker in workers {
        for (name, count) in &worker.events {
            page.sample(&[("worker", &worker.index), ("event", name)], count);
        }
    }
    page.family("sensor_worker_generation", "gauge", "Generation that a worker uses.");
    for worker in workers {
        page.sample(&[("worker", &worker.index)], worker.generation);
    }
    page.family("sensor_worker_flows", "gauge", "Flows in a worker's table.");
    for worker in workers {
        page.sample(&[("worker", &worker.index)], worker.flows);
    }
    let help = "Whether a worker has so many flows that emergency time-outs apply.";
    page.family("sensor_worker_flow_emergency", "gauge", help);
    for worker in workers {
        page.sample(&[("worker", &worker.index)], u8::from(worker.flow_emergency));
    }
    page.family("sensor_poll_gap_seconds", "summary", "From one poll of a source to the next.");
    for worker in workers {
        page.latency(&[("worker", &worker.index)], &worker.poll_gap_ns);
    }
    page.family("sensor_service_seconds", "summary", "A burst's service divided by its packets.");
    for worker in workers {
        page.latency(&[("worker", &worker.index)], &worker.service_ns);
    }
}

/// The stages of an alert that have no family elsewhere.
fn latencies(page: &mut Page, latency: &LatenciesView) {
    let families = [
        ("sensor_alert_detection_seconds", "From reception to alert.", &latency.detection_alert_ns),
        ("sensor_alert_queueing_seconds", "In the worker's ring.", &latency.queueing_ns),
        ("sensor_alert_batching_seconds", "In an open batch.", &latency.batching_ns),
        ("sensor_alert_end_to_end_seconds", "Until acknowledged.", &latency.end_to_end_ns),
    ];
    for (name, help, latency) in families {
        page.family(name, "summary", help);
        page.latency(&[], latency);
    }
}

fn stages(page: &mut Page, snapshot: &Snapshot) {
    page.family("sensor_stage_seconds", "summary", "A stage of the packets that are timed.");
    for (stage, latency) in &snapshot.stages_ns {
        page.latency(&[("stage", stage)], latency);
    }
    let help = "From a decoded packet to its alerts in the ring, of the packets that are timed.";
    page.family("sensor_detection_seconds", "summary", help);
    page.latency(&[], &snapshot.detection_ns);
    page.family("sensor_worker_shedding", "gauge", "Severities of which a worker gives up alerts.");
    for worker in &snapshot.workers {
        page.sample(&[("worker", &worker.index)], worker.shedding);
    }
}

fn ports(page: &mut Page, ports: &[PortView]) {
    type Read = fn(&PortView) -> u64;
    let families: [(&str, &str, Read); 5] = [
        ("sensor_port_packets_total", "Packets that a port received.", |port| port.rx_packets),
        ("sensor_port_bytes_total", "Bytes that a port received.", |port| port.rx_bytes),
        ("sensor_port_missed_total", "Packets without a free descriptor.", |port| port.rx_missed),
        ("sensor_port_errors_total", "Packets found damaged.", |port| port.rx_errors),
        ("sensor_port_no_mbuf_total", "Packets without a free mbuf.", |port| port.rx_no_mbuf),
    ];
    for (name, help, read) in families {
        page.family(name, "counter", help);
        for port in ports {
            page.sample(&[("port", &port.name)], read(port));
        }
    }
}

/// What `suricata_exporter` has under other names. Its `thread` is our worker.
fn aliases(page: &mut Page, snapshot: &Snapshot) {
    page.one("suricata_uptime_seconds_total", "counter", "Alias.", snapshot.uptime_s);
    page.one("suricata_detect_engine_rules_loaded", "gauge", "Alias.", snapshot.rules.loaded);
    page.one("suricata_detect_engine_rules_failed", "gauge", "Alias.", snapshot.rules.refused);
    type Read = fn(&WorkerView) -> u64;
    let families: [(&str, Read); 4] = [
        ("suricata_capture_kernel_packets_total", |worker| worker.rx_packets),
        ("suricata_decoder_packets_total", |worker| worker.rx_packets),
        ("suricata_decoder_bytes_total", |worker| worker.rx_bytes),
        ("suricata_detect_alerts_total", |worker| {
            worker.counters.get("alerts_raised").copied().unwrap_or(0)
        }),
    ];
    for (name, read) in families {
        page.family(name, "counter", "Alias.");
        for worker in &snapshot.workers {
            page.sample(&[("thread", &format_args!("W#{:02}", worker.index))], read(worker));
        }
    }
}
