//! The stages that only the running control plane has: lanes and spool, beside a nats-server on a file store.
//!
//! Each is measured with what lies before it, from the ring on: what enriching and encoding cost, the groups
//! of their own tell.

use std::time::{Duration, Instant};

use benches::live::Feed;
use benches::percentiles::results_directory;
use control::config::{NatsConfig, SpoolConfig, StreamConfig};
use criterion::{Criterion, Throughput};
use tempfile::TempDir;
use testkit::NatsServer;

/// Alerts that are written before a spool makes way for an empty one: less than the default limit holds.
const WRITTEN_MAX: u64 = 1_000_000;
/// Alerts that wait, to be sent again in one go.
const BACKLOG: u64 = 50_000;

/// From the ring until JetStream has acknowledged the alert, without a spool.
pub(crate) fn publish(criterion: &mut Criterion) {
    let Some(server) = NatsServer::started() else { return };
    let mut group = criterion.benchmark_group("alert_path/publish");
    group.sample_size(10).throughput(Throughput::Elements(1));
    let mut feed = None;
    group.bench_function("acknowledged", |bencher| {
        let feed: &mut Feed = feed.get_or_insert_with(|| {
            let feed = Feed::start(nats(&server), SpoolConfig::default()).unwrap();
            feed.until(|stats| stats.nats.as_ref().is_some_and(|nats| nats.ready)).unwrap();
            feed
        });
        bencher.iter_custom(|count| timed(feed, count));
    });
    group.finish();
    if let Some(feed) = feed {
        feed.finish().unwrap();
    }
}

/// The spool, which writes ahead: to its disk while there is no server, and from there to JetStream's
/// acknowledgement.
pub(crate) fn spool(criterion: &mut Criterion) {
    let Some(mut server) = NatsServer::absent() else { return };
    let mut group = criterion.benchmark_group("alert_path/spool");
    group.sample_size(10).throughput(Throughput::Elements(1));
    let mut spooled = None;
    group.bench_function("write", |bencher| {
        bencher.iter_custom(|count| written(&mut spooled, &server, count));
    });
    finish(spooled.take());
    group.bench_function("replay", |bencher| {
        let spooled = spooled.get_or_insert_with(|| Spooled::start(&server));
        bencher.iter_custom(|count| {
            // The whole backlog, however many are asked for.
            spooled.replayed(&mut server).mul_f64(count as f64 / BACKLOG as f64)
        });
    });
    finish(spooled);
    group.finish();
}

fn nats(server: &NatsServer) -> NatsConfig {
    let stream = StreamConfig { bytes_max: 512 << 20, ..StreamConfig::default() };
    NatsConfig {
        servers: vec![server.url()],
        reconnect_max_ms: 50,
        stream,
        ..NatsConfig::default()
    }
}

/// How long `count` alerts take to be where they are safe.
fn timed(feed: &mut Feed, count: u64) -> Duration {
    let begun = Instant::now();
    feed.raise(count).unwrap();
    feed.settle().unwrap();
    begun.elapsed()
}

/// A control plane with a spool, whose files end with it.
struct Spooled {
    feed: Feed,
    _folder: TempDir,
}

impl Spooled {
    fn start(server: &NatsServer) -> Self {
        // Beside the build, not in a folder that may be memory.
        let folder = tempfile::tempdir_in(results_directory().unwrap()).unwrap();
        let path = Some(folder.path().join("spool"));
        let spool = SpoolConfig { path, replay_bytes_per_s: 1 << 40, ..SpoolConfig::default() };
        Self { feed: Feed::start(nats(server), spool).unwrap(), _folder: folder }
    }

    /// How long a backlog takes to be acknowledged, from the first batch that is read back. The server runs
    /// only for that.
    fn replayed(&mut self, server: &mut NatsServer) -> Duration {
        let feed = &mut self.feed;
        feed.raise(BACKLOG).unwrap();
        feed.settle().unwrap();
        let before = feed.snapshot().spool.replayed;
        server.start();
        feed.until(|stats| stats.spool.replayed > before).unwrap();
        let (begun, raised) = (Instant::now(), feed.raised());
        feed.until(|stats| stats.ledgers.alerts.acknowledged == raised).unwrap();
        let took = begun.elapsed();
        server.kill();
        server.lose_everything();
        let down = |lane: &control::stats::NatsLaneView| lane.state != "ready";
        feed.until(|stats| stats.nats.as_ref().is_some_and(|nats| nats.lanes.iter().all(down)))
            .unwrap();
        took
    }
}

/// How long `count` alerts take to be on disk. One spool after another is filled, so that none is full.
fn written(spooled: &mut Option<Spooled>, server: &NatsServer, count: u64) -> Duration {
    let (mut left, mut took) = (count, Duration::ZERO);
    while left > 0 {
        let one = spooled.get_or_insert_with(|| Spooled::start(server));
        let room = WRITTEN_MAX.saturating_sub(one.feed.raised());
        if room == 0 {
            finish(spooled.take());
            continue;
        }
        took += timed(&mut one.feed, left.min(room));
        left -= left.min(room);
    }
    took
}

fn finish(spooled: Option<Spooled>) {
    if let Some(Spooled { feed, _folder }) = spooled {
        feed.finish().unwrap();
    }
}
