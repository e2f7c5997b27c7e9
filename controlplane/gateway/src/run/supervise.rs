//! From the start of the workers to the end of the process: signals, ends of workers, the wall clock.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use contract::WallOffset;
use control::{ActivateError, Control, Policy, RuleStore, wall_ns_now};
use pipeline::Ended;
use pipeline::clock::Clock;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;

use super::workers::{Crew, End};
use super::{Sensor, tell_refused};
use crate::exit::{Exit, Failure};
use crate::rulefiles::RuleText;

/// How often the wall clock is looked at: a step of it shows in alerts after so long.
const WALL_REFRESH: Duration = Duration::from_secs(1);
/// Longest wait for workers to end their bursts.
const WORKERS_LIMIT: Duration = Duration::from_millis(500);
/// Longest time for emptying rings and delivering what was raised. The whole end takes less than 5 s.
const DRAIN_LIMIT: Duration = Duration::from_millis(4_000);

/// Sets the offset from monotonic to wall time, which is `wall_ns` (nanoseconds since 1970) now.
pub(super) fn refresh(wall: &WallOffset, clock: &impl Clock, wall_ns: u64) {
    let offset = i128::from(wall_ns) - i128::from(clock.now_ns());
    // Both are within 300 years of now.
    wall.set(i64::try_from(offset).unwrap_or_default());
}

/// Stays until a signal, or until the workers have ended by themselves; then ends everything in order.
pub(super) async fn until_end(
    control: Control,
    crew: Result<(Crew, UnboundedReceiver<End>), Failure>,
    signals: Signals,
    sensor: &Sensor,
) -> Result<(), Failure> {
    let outcome = match crew {
        Err(failure) => Err(failure),
        Ok((crew, ends)) => {
            let outcome = watch(&control, ends, signals, sensor).await;
            crew.stop();
            // A worker ends after its burst.
            let left = tokio::task::block_in_place(|| crew.join(WORKERS_LIMIT));
            if left > 0 {
                tracing::error!(workers = left, "workers do not end; the sensor ends without them");
            }
            outcome
        }
    };
    control.shutdown(DRAIN_LIMIT).await;
    outcome
}

async fn watch(
    control: &Control,
    mut ends: UnboundedReceiver<End>,
    mut signals: Signals,
    sensor: &Sensor,
) -> Result<(), Failure> {
    let mut wall = tokio::time::interval(WALL_REFRESH);
    let mut working = usize::from(sensor.settings.workers);
    loop {
        tokio::select! {
            end = ends.recv() => {
                let Some(end) = end else { return Ok(()) };
                of_end(end)?;
                working = working.saturating_sub(1);
                if working == 0 {
                    tracing::info!("the capture file has ended");
                    return Ok(());
                }
            }
            _ = wall.tick() => refresh(&sensor.wall, &sensor.clock, wall_ns_now()),
            asked = signals.next() => match asked {
                Asked::Stop => {
                    tracing::info!("stopping");
                    return Ok(());
                }
                Asked::Reload => {
                    let files = sensor.config.rules.files.clone();
                    tokio::spawn(reload(Arc::clone(control.rules()), files));
                }
                Asked::Reopen => control.reopen_eve(),
            },
        }
    }
}

/// A worker that ends because its source has is in order; all else ends the sensor.
fn of_end(end: End) -> Result<(), Failure> {
    match end.outcome? {
        Ended::Exhausted | Ended::Stopped => Ok(()),
        Ended::Failed(error) => Err(Failure::new(Exit::Capture, error)),
        Ended::Panicked => Err(Failure::new(
            Exit::Runtime,
            format!("worker {} failed three times within a minute; restart the sensor", end.worker),
        )),
    }
}

/// Reads the rules files again and activates what loads. Refused rules are told at the level `debug`.
async fn reload(store: Arc<RuleStore>, files: Vec<PathBuf>) {
    let read = tokio::task::spawn_blocking(move || RuleText::read(&files)).await;
    let mut rules = match read {
        Ok(Ok(rules)) => rules,
        Ok(Err(failure)) => return tracing::error!("rules are not reloaded: {failure}"),
        Err(error) => return tracing::error!("rules are not reloaded: {error}"),
    };
    let (text, source) = (std::mem::take(&mut rules.text), rules.source());
    let mut diagnostics = match store.activate(text, &source, Policy::Partial).await {
        // The store tells of its success.
        Ok(activation) => activation.diagnostics,
        Err(error) => {
            tracing::error!("rules are not reloaded: {error}");
            match error {
                ActivateError::Refused(loaded) | ActivateError::Empty(loaded) => loaded.diagnostics,
                _ => return,
            }
        }
    };
    rules.place(&mut diagnostics);
    tell_refused(&diagnostics);
}

/// What a signal asks for.
enum Asked {
    Stop,
    Reload,
    Reopen,
}

/// The signals that the sensor obeys.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    user2: Signal,
    hang_up: Signal,
}

impl Signals {
    /// From now on these signals end nothing by themselves. Needs a tokio runtime.
    pub(super) fn listen() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| Failure::new(Exit::Runtime, format!("signals: {error}")))
        };
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            user2: listen(SignalKind::user_defined2())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.user2.recv() => Asked::Reload,
            _ = self.hang_up.recv() => Asked::Reopen,
        }
    }
}

#[cfg(test)]
mod tests {
    use contract::WallOffset;
    use pipeline::clock::ManualClock;

    use super::refresh;

    #[test]
    fn the_offset_follows_a_clock_that_steps() {
        const HOUR_NS: u64 = 3_600_000_000_000;
        let (offset, clock) = (WallOffset::zero(), ManualClock::default());
        let day_ns = 1_700_000_000_000_000_000;
        clock.advance(5);
        for wall_ns in [day_ns, day_ns + HOUR_NS, day_ns - HOUR_NS, day_ns] {
            clock.advance(1_000);
            refresh(&offset, &clock, wall_ns);
            let now = pipeline::clock::Clock::now_ns(&clock);
            assert_eq!(offset.reading()(now), wall_ns);
            // An instant of before is as much earlier as it was, whatever the clock showed then.
            assert_eq!(offset.reading()(now - 700), wall_ns - 700);
        }
    }
}
