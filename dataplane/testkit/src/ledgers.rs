//! The two sums that every end-to-end test asserts after its scenario: each packet and each alert ended
//! in exactly one counter.

use contract::{AlertDrop, AlertLedger, PacketDrop, PacketLedger};
use serde_json::Value;

/// Asserts `rx = inspected + drops`, with nothing in flight.
///
/// # Panics
/// If packets are missing, counted twice, or still in flight.
#[track_caller]
pub fn assert_balanced(ledger: &PacketLedger) {
    assert_eq!(ledger.imbalance(), 0, "packets do not add up: {}", packets_text(ledger));
    assert_eq!(ledger.in_flight, 0, "packets are still in flight: {}", packets_text(ledger));
}

/// Asserts `raised = acknowledged + sent + written + spooled + drops`, with nothing in flight.
///
/// # Panics
/// If alerts are missing, counted twice, or still in flight.
#[track_caller]
pub fn assert_alerts_balanced(ledger: &AlertLedger) {
    assert_eq!(ledger.imbalance(), 0, "alerts do not add up: {}", alerts_text(ledger));
    assert_eq!(ledger.in_flight, 0, "alerts are still in flight: {}", alerts_text(ledger));
}

/// Asserts both ledgers of the JSON of `/api/v1/stats`, under `ledgers.packets` and `ledgers.alerts`.
///
/// # Panics
/// As [`assert_balanced`] and [`assert_alerts_balanced`], or if a key is missing or not a number, or if a
/// drop cause is not one that the sensor knows.
#[track_caller]
pub fn assert_stats_balanced(stats: &Value) {
    let (packets, alerts) = from_stats(stats);
    assert_balanced(&packets);
    assert_alerts_balanced(&alerts);
}

/// The ledgers in the JSON of `/api/v1/stats`.
///
/// # Panics
/// If a key is missing or not a number, or if a drop cause is not one that the sensor knows.
#[track_caller]
#[must_use]
pub fn from_stats(stats: &Value) -> (PacketLedger, AlertLedger) {
    let packets = object(stats, "/ledgers/packets");
    let alerts = object(stats, "/ledgers/alerts");
    let mut packet_drops = [0; PacketDrop::COUNT];
    read_drops(packets, &mut packet_drops, PacketDrop::ALL.iter().map(|cause| cause.name()));
    let mut alert_drops = [0; AlertDrop::COUNT];
    read_drops(alerts, &mut alert_drops, AlertDrop::ALL.iter().map(|cause| cause.name()));
    (
        PacketLedger {
            rx: number(packets, "rx"),
            inspected: number(packets, "inspected"),
            drops: packet_drops,
            in_flight: number(packets, "in_flight"),
        },
        AlertLedger {
            raised: number(alerts, "raised"),
            acknowledged: number(alerts, "acknowledged"),
            sent: number(alerts, "sent"),
            written: number(alerts, "written"),
            spooled: number(alerts, "spooled"),
            drops: alert_drops,
            in_flight: number(alerts, "in_flight"),
        },
    )
}

#[track_caller]
fn object<'a>(stats: &'a Value, pointer: &str) -> &'a Value {
    stats.pointer(pointer).unwrap_or_else(|| panic!("the statistics have no {pointer}: {stats}"))
}

#[track_caller]
fn number(ledger: &Value, key: &str) -> u64 {
    ledger
        .get(key)
        .and_then(Value::as_u64)
        .unwrap_or_else(|| panic!("the ledger has no count {key:?}: {ledger}"))
}

/// Reads `drops`. A cause may be left out (it counts as 0); one that is not known would hide a drop.
#[track_caller]
fn read_drops<'a>(ledger: &Value, into: &mut [u64], names: impl Iterator<Item = &'a str>) {
    let names: Vec<_> = names.collect();
    let drops = ledger
        .get("drops")
        .and_then(Value::as_object)
        .unwrap_or_else(|| panic!("the ledger has no drops: {ledger}"));
    for cause in drops.keys() {
        let index = names.iter().position(|name| name == cause);
        let index = index.unwrap_or_else(|| panic!("unknown drop cause {cause:?}: {ledger}"));
        into[index] = number(&ledger["drops"], cause);
    }
}

fn packets_text(ledger: &PacketLedger) -> String {
    let drops = drops_text(&ledger.drops, PacketDrop::ALL.iter().map(|cause| cause.name()));
    format!(
        "rx {} = inspected {} + drops [{drops}] + in flight {}, off by {}",
        ledger.rx,
        ledger.inspected,
        ledger.in_flight,
        ledger.imbalance()
    )
}

fn alerts_text(ledger: &AlertLedger) -> String {
    let drops = drops_text(&ledger.drops, AlertDrop::ALL.iter().map(|cause| cause.name()));
    format!(
        "raised {} = acknowledged {} + sent {} + written {} + spooled {} + drops [{drops}] \
         + in flight {}, off by {}",
        ledger.raised,
        ledger.acknowledged,
        ledger.sent,
        ledger.written,
        ledger.spooled,
        ledger.in_flight,
        ledger.imbalance()
    )
}

fn drops_text<'a>(counts: &[u64], names: impl Iterator<Item = &'a str>) -> String {
    let some = counts.iter().zip(names).filter(|(count, _)| **count > 0);
    some.map(|(count, name)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{assert_stats_balanced, from_stats};

    fn stats(rx: u64, in_flight: u64, cause: &str) -> serde_json::Value {
        json!({"ledgers": {
            "packets": {"rx": rx, "inspected": 7, "drops": {cause: 3}, "in_flight": in_flight},
            "alerts": {"raised": 5, "acknowledged": 1, "sent": 1, "written": 1, "spooled": 1,
                       "drops": {"ring_full": 1}, "in_flight": 0},
        }})
    }

    #[test]
    fn a_balanced_ledger_passes() {
        assert_stats_balanced(&stats(10, 0, "not_ip"));
        assert_eq!(from_stats(&stats(10, 0, "malformed")).0.drops.iter().sum::<u64>(), 3);
    }

    #[test]
    #[should_panic(expected = "rx 11 = inspected 7 + drops [not_ip 3] + in flight 0, off by 1")]
    fn a_lost_packet_is_named() {
        assert_stats_balanced(&stats(11, 0, "not_ip"));
    }

    #[test]
    #[should_panic(expected = "still in flight")]
    fn rest_means_nothing_in_flight() {
        assert_stats_balanced(&stats(11, 1, "not_ip"));
    }

    #[test]
    #[should_panic(expected = "unknown drop cause")]
    fn an_unknown_cause_does_not_pass() {
        assert_stats_balanced(&stats(10, 0, "gremlins"));
    }
}
