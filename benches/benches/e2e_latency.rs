//! How old an alert is when a NATS subscriber has it: from the time-stamp counter at the packet's
//! reception, through worker, ring, drain and batch, over a real nats-server (JetStream on a file store),
//! to a subscriber in this process that reads the same counter.
//!
//! Rows: an idle sensor, and loads. What the alert waits before the worker polls is not in it; a sensor
//! that cannot keep up shows in the ledger that is printed for each row. Criterion's time of an iteration
//! is the mean age of an alert; its estimates of how long it will take are too long, since alerts overlap.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::time::Duration;

use benches::live::{Delivered, Sensor, Subscriber, leave_a_cpu_for_the_worker};
use benches::percentiles::{Percentiles, Row};
use benches::profiler::{self, FlameGraph};
use core_affinity::CoreId;
use criterion::Criterion;
use pipeline::clock::TscClock;
use testkit::NatsServer;

/// Name of the row, alerts a second, and Criterion's measuring time: alerts wanted times their mean age.
const ROWS: [(&str, u64, Duration); 3] = [
    ("e2e_idle_200", 200, Duration::from_secs(1)),
    ("e2e_load_10000", 10_000, Duration::from_secs(15)),
    ("e2e_load_50000", 50_000, Duration::from_secs(40)),
];
/// Longest wait for one message.
const MESSAGE_LIMIT: Duration = Duration::from_secs(10);

fn main() {
    let cpu = leave_a_cpu_for_the_worker();
    let mut percentiles =
        Percentiles::new("e2e_latency", "nanoseconds from the rx TSC to the NATS subscriber");
    for (row, per_second, measuring) in ROWS {
        let mut criterion = Criterion::default()
            .with_profiler(FlameGraph::default())
            .sample_size(10)
            .warm_up_time(Duration::from_secs(3))
            .measurement_time(measuring)
            .configure_from_args();
        let mut live = None;
        criterion.bench_function(row, |bencher| {
            let live: &mut Live = live.get_or_insert_with(|| Live::start(per_second, cpu));
            bencher.iter_custom(|alerts| live.ages_of(alerts));
        });
        if let Some(live) = live {
            live.finish(row, &mut percentiles);
        }
    }
    Criterion::default().configure_from_args().final_summary();
    if !profiler::is_asked_for() {
        percentiles.report().unwrap();
    }
}

/// A sensor with its server and a subscriber.
struct Live {
    sensor: Sensor,
    subscriber: Subscriber,
    /// Ended last.
    _server: NatsServer,
}

impl Live {
    fn start(per_second: u64, cpu: Option<CoreId>) -> Self {
        let server = NatsServer::started().expect("nats-server, which `make setup` installs");
        let clock = TscClock::new();
        let subscriber = Subscriber::start(&server.url(), clock.clone()).unwrap();
        let sensor = Sensor::start(&server.url(), per_second, clock, cpu, None).unwrap();
        Self { sensor, subscriber, _server: server }
    }

    /// The sum of the ages of the next `alerts` alerts.
    fn ages_of(&mut self, alerts: u64) -> Duration {
        self.subscriber.skip_arrived();
        let (mut left, mut sum_ns) = (alerts as usize, 0);
        while left > 0 {
            let ages = self.subscriber.next(MESSAGE_LIMIT).unwrap();
            sum_ns += ages.iter().take(left).sum::<u64>();
            left = left.saturating_sub(ages.len());
        }
        Duration::from_nanos(sum_ns)
    }

    /// Ends everything and adds what was measured to the table.
    fn finish(self, row: &str, percentiles: &mut Percentiles) {
        let ages = self.subscriber.finish().unwrap();
        let done = self.sensor.finish().unwrap();
        percentiles.add(Row::of_histogram(row, &ages));
        percentiles.add(Row::of_view(format!("{row}: publish call"), &done.publish_ns));
        percentiles.add(Row::of_view(format!("{row}: acknowledgement"), &done.acknowledge_ns));
        tell(row, &done);
    }
}

/// Prints where the alerts of a row ended, and at which rate.
fn tell(row: &str, Delivered { ledger, seconds, .. }: &Delivered) {
    let drops: Vec<_> = ledger.drops.iter().filter(|(_, count)| **count > 0).collect();
    println!(
        "{row}: raised {} ({:.0}/s), acknowledged {} ({:.0}/s), dropped {drops:?}",
        ledger.raised,
        ledger.raised as f64 / seconds,
        ledger.acknowledged,
        ledger.acknowledged as f64 / seconds,
    );
}
