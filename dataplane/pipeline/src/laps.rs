//! Where the time of a packet goes: some packets are timed through their stages.

use contract::{Stage, WorkerCounters};

use crate::clock::Clock;

/// Says which packets are timed: one of so many, by their count and not by chance, so that the same
/// packets are timed each time.
#[derive(Debug)]
pub(crate) struct Sampler {
    /// One of so many; 0 for none.
    every: u32,
    left: u32,
}

impl Sampler {
    pub(crate) const fn new(every: u32) -> Self {
        Self { every, left: every }
    }

    /// Whether the next packet is timed.
    #[inline]
    pub(crate) const fn next(&mut self) -> bool {
        if self.left > 1 {
            self.left -= 1;
            return false;
        }
        self.left = self.every;
        self.every > 0
    }
}

/// The watch of one packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Laps {
    started_ns: u64,
    lap_ns: u64,
}

impl Laps {
    /// Starts the watch.
    pub(crate) fn start(clock: &impl Clock) -> Self {
        let now_ns = clock.now_ns();
        Self { started_ns: now_ns, lap_ns: now_ns }
    }

    /// `stage` has ended now, and the next one begins.
    pub(crate) fn end(&mut self, stage: Stage, clock: &impl Clock, counters: &WorkerCounters) {
        let now_ns = clock.now_ns();
        counters.stage_ns[stage as usize].record(now_ns.saturating_sub(self.lap_ns));
        self.lap_ns = now_ns;
    }

    /// Nanoseconds from the start to the end of the last stage.
    pub(crate) const fn total_ns(&self) -> u64 {
        self.lap_ns.saturating_sub(self.started_ns)
    }
}

#[cfg(test)]
mod tests {
    use contract::{LatencySnapshot, Stage, WorkerCounters};

    use super::{Laps, Sampler};
    use crate::clock::ManualClock;

    #[test]
    fn one_of_so_many_is_timed() {
        for (every, expected) in [(0, &[][..]), (1, &[0, 1, 2, 3, 4, 5, 6, 7]), (3, &[2, 5])] {
            let mut sampler = Sampler::new(every);
            let timed: Vec<_> = (0..8).filter(|_| sampler.next()).collect();
            assert_eq!(timed, expected, "one of {every}");
        }
    }

    #[test]
    fn each_stage_has_its_own_time() {
        let (clock, counters) = (ManualClock::default(), WorkerCounters::default());
        clock.advance(100);
        let mut laps = Laps::start(&clock);
        for (stage, ns) in [(Stage::Flow, 3), (Stage::Detect, 5), (Stage::Report, 7)] {
            clock.advance(ns);
            laps.end(stage, &clock, &counters);
        }
        assert_eq!(laps.total_ns(), 15);
        let of = |stage: Stage| {
            let mut snapshot = LatencySnapshot::default();
            counters.stage_ns[stage as usize].add_to(&mut snapshot);
            (snapshot.count(), snapshot.max)
        };
        assert_eq!(
            Stage::ALL.iter().map(|s| of(*s)).collect::<Vec<_>>(),
            [(0, 0), (1, 3), (1, 5), (1, 7)]
        );
    }
}
