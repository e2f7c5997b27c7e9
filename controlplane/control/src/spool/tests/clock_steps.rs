//! A step of the wall clock moves nothing of the spool but the ages that it shows.

use super::*;

const HOUR_S: i64 = 3_600;

/// What the spool does through outages, full disks and recoveries, the wall clock off by each of `steps`
/// (seconds) in turn. Pauses, rates and the time that segments are kept all come to pass.
fn log(steps: &[i64]) -> Vec<String> {
    let config = SpoolConfig {
        keep_acknowledged_s: 5,
        fsync: Fsync::Interval,
        replay_bytes_per_s: 1 << 20,
        ..config()
    };
    let mut bench = bench(config, FaultyDisk::default());
    let mut log = Vec::new();
    for round in 0..600_u64 {
        bench.lanes.down.store(round % 100 < 30, Ordering::Relaxed);
        match round % 150 {
            60 => bench.disk.faults.lock().unwrap().plan(0, io::ErrorKind::Other, usize::MAX),
            70 => *bench.disk.faults.lock().unwrap() = Default::default(),
            _ => {}
        }
        if round < 400 {
            bench.take((round % 2) as u16, 1, &[round as u8; 60_000]);
        }
        let monotonic_ns = bench.now.monotonic.as_nanos() as u64;
        let step = steps[round as usize / 10 % steps.len()];
        bench.now.wall_ns = (WALL_NS + monotonic_ns).wrapping_add_signed(step * 1_000_000_000);
        bench.step(50);
        for (at, batch) in bench.sent().into_iter().enumerate() {
            log.push(format!("{round}: {} of {}, {}", batch.lane, batch.payload[0], batch.replay));
            match (round as usize + at) % 5 {
                0 => batch.duty.undelivered(AlertDrop::NatsDown),
                _ => batch.duty.delivered(Outcome::Acknowledged),
            }
        }
        let view = bench.view();
        log.push(format!(
            "{round}: {}, {} files, {} waiting, {} acknowledged, {} spooled, {} bypassed, {} errors",
            view.state,
            bench.names().len(),
            view.records_waiting,
            bench.tally.acknowledged(),
            bench.tally.spooled(),
            view.bypassed,
            view.write_errors,
        ));
        // 30 s at most, and what the clock is off between two looks.
        let oldest_s = view.oldest_s.unwrap_or(0);
        assert!(oldest_s <= 30 + 2 * HOUR_S as u64, "{oldest_s} s");
    }
    log
}

#[test]
fn a_step_of_the_wall_clock_moves_no_pause_no_rate_and_no_order() {
    let steady = log(&[0]);
    for told in ["failing", "true", " 1 files"] {
        assert!(steady.iter().any(|line| line.contains(told)), "{told} does not come about");
    }
    for steps in [[0, HOUR_S], [0, -HOUR_S], [HOUR_S, -HOUR_S]] {
        let stepping = log(&steps);
        let differs = steady.iter().zip(&stepping).find(|(steady, stepping)| steady != stepping);
        assert_eq!(differs, None, "{steps:?}");
        assert_eq!(steady.len(), stepping.len());
    }
}
