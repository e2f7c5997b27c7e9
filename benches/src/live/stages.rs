//! The latencies in the sensor's statistics, wherever they stand: a stage that is measured tomorrow has
//! its row without a change here.

use serde_json::Value;

use crate::percentiles::Row;

/// Latencies that have rows of their own.
const SHOWN: [&str; 2] = ["nats.publish_enqueue_ns", "nats.publish_ack_ns"];

/// Every latency of `statistics` that has values, named by its path. Those of single workers and lanes
/// are left out: they are in the sums.
pub(super) fn latencies(statistics: &Value) -> Vec<Row> {
    let mut rows = Vec::new();
    walk(statistics, "", &mut rows);
    rows
}

fn walk(value: &Value, path: &str, rows: &mut Vec<Row>) {
    let Value::Object(members) = value else { return };
    if let Some(row) = row(value, path) {
        if row.samples > 0 && !SHOWN.contains(&path) {
            rows.push(row);
        }
        return;
    }
    for (name, member) in members {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        walk(member, &path, rows);
    }
}

fn row(value: &Value, path: &str) -> Option<Row> {
    let number = |name: &str| value.get(name)?.as_u64();
    Some(Row {
        case: path.to_owned(),
        samples: number("count")?,
        p50: number("p50")?,
        p90: number("p90")?,
        p95: number("p95")?,
        p99: number("p99")?,
        p999: number("p999")?,
        max: number("max")?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::latencies;

    #[test]
    fn latencies_are_found_wherever_they_stand() {
        let latency = |count: u64| json!({"count": count, "p50": 1, "p90": 2, "p95": 3, "p99": 4, "p999": 5, "max": 6});
        let statistics = json!({
            "uptime_s": 1.5,
            "poll_gap_ns": latency(7),
            "nats": {"publish_ack_ns": latency(8), "ready": true},
            "latency": {"queueing": {"all": latency(9)}, "unused": latency(0)},
            "workers": [{"poll_gap_ns": latency(7)}],
        });
        let mut found: Vec<_> =
            latencies(&statistics).into_iter().map(|row| (row.case, row.samples)).collect();
        found.sort();
        assert_eq!(found, [("latency.queueing.all".to_owned(), 9), ("poll_gap_ns".to_owned(), 7)]);
    }
}
