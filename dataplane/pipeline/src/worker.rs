//! The worker's loop: polls, stages, generations, idling, panics, and the end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use capture::{Burst, PacketSource, Polled, SourceError};

use crate::clock::Clock;
use crate::engine::Engine;
use crate::seat::Seat;
use crate::settings::{BURST_MAX, Idle};

/// Panics that a worker survives within [`PANIC_WINDOW_NS`]; the next ends it.
const PANICS_MAX: usize = 2;
/// One minute.
const PANIC_WINDOW_NS: u64 = 60_000_000_000;

/// One worker: a source, and everything that happens to its packets.
pub struct Worker<S: PacketSource, C: Clock> {
    source: S,
    engine: Engine<S::Owned, C>,
    /// When the last poll began, and how many packets it gave.
    last_poll: Option<(u64, usize)>,
    idle_polls: u32,
    /// Times of the latest panics, oldest first.
    panics_ns: [Option<u64>; PANICS_MAX],
}

/// What one turn did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many packets were begun.
    Worked(usize),
    /// There was nothing to do.
    Idle,
    /// The source has ended.
    Exhausted,
}

/// Why a worker ended.
#[derive(Debug)]
pub enum Ended {
    /// It was told to stop.
    Stopped,
    /// Its source has ended.
    Exhausted,
    /// Its source cannot go on.
    Failed(SourceError),
    /// It panicked for the third time within a minute.
    Panicked,
}

impl<S: PacketSource, C: Clock> Worker<S, C> {
    /// A worker on `source`.
    pub fn new(seat: Seat<S::Owned>, source: S, clock: C) -> Self {
        let engine = Engine::new(seat, clock);
        Self { source, engine, last_poll: None, idle_polls: 0, panics_ns: [None; PANICS_MAX] }
    }

    /// Works until told to stop, or until the source ends or fails. Frames under way between workers
    /// are inspected before the last one returns.
    pub fn run(&mut self, stop: &AtomicBool) -> Ended {
        let ended = loop {
            if stop.load(Ordering::Relaxed) {
                break Ended::Stopped;
            }
            match self.turn() {
                Ok(Step::Worked(_)) => self.idle_polls = 0,
                Ok(Step::Idle) => self.idle(),
                Ok(Step::Exhausted) => break Ended::Exhausted,
                Err(Stopped::Source(error)) => break Ended::Failed(error),
                Err(Stopped::Panics) => break Ended::Panicked,
            }
        };
        if self.finish().is_err() {
            return Ended::Panicked;
        }
        ended
    }

    /// One turn: generation, frames handed over, one burst of the source. [`Worker::run`] is a loop of
    /// these; tests and benches that must know what happens in between make the turns themselves.
    ///
    /// # Errors
    /// [`Stopped`] when no other turn can follow.
    pub fn turn(&mut self) -> Result<Step, Stopped> {
        #[cfg(feature = "test-hooks")]
        self.engine.hooks.wait_while_paused();
        let now_ns = self.engine.clock.now_ns();
        self.measure(now_ns);
        self.engine.switch_generation();
        let mut taken = 0;
        if self.engine.settings.workers > 1 {
            let outcome = catch_unwind(AssertUnwindSafe(|| self.engine.receive_handed()));
            match outcome {
                Ok(frames) => taken += frames,
                Err(_) => self.survive(now_ns)?,
            }
        }
        let burst_max = self.engine.settings.burst_max.clamp(1, BURST_MAX);
        let polled = match self.source.poll(burst_max).map_err(Stopped::Source)? {
            Polled::Burst(mut burst) => {
                taken += burst.len();
                let engine = &mut self.engine;
                catch_unwind(AssertUnwindSafe(|| engine.process(&mut burst, now_ns))).map_err(drop)
            }
            Polled::Idle => Ok(()),
            Polled::Exhausted if taken == 0 => return Ok(Step::Exhausted),
            Polled::Exhausted => Ok(()),
        };
        if polled.is_err() {
            self.survive(now_ns)?;
        }
        if catch_unwind(AssertUnwindSafe(|| self.engine.age_flows(now_ns))).is_err() {
            self.survive(now_ns)?;
        }
        self.last_poll = Some((now_ns, taken));
        if taken == 0 {
            self.engine.counters.idle_polls.increment();
            return Ok(Step::Idle);
        }
        Ok(Step::Worked(taken))
    }

    /// Records the time since the last poll, and the service time of its packets.
    fn measure(&mut self, now_ns: u64) {
        let Some((last_ns, packets)) = self.last_poll else { return };
        let gap_ns = now_ns.saturating_sub(last_ns);
        self.engine.counters.poll_gap_ns.record(gap_ns);
        if packets > 0 {
            self.engine.counters.service_ns.record(gap_ns / packets as u64);
        }
    }

    /// Goes on after a panic, unless there were too many.
    fn survive(&mut self, now_ns: u64) -> Result<(), Stopped> {
        self.engine.recover();
        let oldest = self.panics_ns[0];
        self.panics_ns.rotate_left(1);
        self.panics_ns[PANICS_MAX - 1] = Some(now_ns);
        match oldest {
            Some(oldest) if now_ns.saturating_sub(oldest) < PANIC_WINDOW_NS => Err(Stopped::Panics),
            _ => Ok(()),
        }
    }

    /// Takes no more of the source; inspects what others still hand over, and ends all flows.
    fn finish(&mut self) -> Result<(), Stopped> {
        self.engine.mesh.say_quiet();
        loop {
            self.engine.switch_generation();
            // Asked before the rings are emptied: what came before the last word is then seen.
            let all_quiet = self.engine.mesh.all_quiet();
            match catch_unwind(AssertUnwindSafe(|| self.engine.receive_handed())) {
                Ok(0) if all_quiet => {
                    let ended = catch_unwind(AssertUnwindSafe(|| self.engine.end_flows()));
                    return ended.or_else(|_| self.survive(self.engine.clock.now_ns()));
                }
                Ok(0) => std::thread::yield_now(),
                Ok(_) => {}
                Err(_) => self.survive(self.engine.clock.now_ns())?,
            }
        }
    }

    /// What to do when there was nothing to do.
    fn idle(&mut self) {
        match self.engine.settings.idle {
            Idle::BusyPoll => std::hint::spin_loop(),
            Idle::Yield => std::thread::yield_now(),
            Idle::Adaptive { spins, sleep_us } => {
                self.idle_polls = self.idle_polls.saturating_add(1);
                if self.idle_polls > spins {
                    std::thread::sleep(Duration::from_micros(sleep_us.into()));
                } else {
                    std::hint::spin_loop();
                }
            }
        }
    }
}

impl<S: PacketSource, C: Clock> Drop for Worker<S, C> {
    fn drop(&mut self) {
        // A worker that panicked its last owes the others its word, and its inbox an end.
        self.engine.mesh.say_broken();
        self.engine.abandon_handed();
    }
}

/// Why a turn cannot be followed by another.
#[derive(Debug)]
pub enum Stopped {
    /// The source cannot go on.
    Source(SourceError),
    /// The worker panicked for the third time within a minute.
    Panics,
}
