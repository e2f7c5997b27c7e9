//! The worker threads: each pinned to its CPU, with its source and its seat.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use capture::PacketSource;
use core_affinity::CoreId;
use pipeline::clock::TscClock;
use pipeline::{Ended, Seat, Worker};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::exit::{Exit, Failure};

/// Pause between two looks at workers that are to end.
const JOIN_POLL: Duration = Duration::from_millis(1);
/// Longest wait for the workers that did start when another could not.
const START_FAILED_LIMIT: Duration = Duration::from_secs(1);

/// A source that a worker can be given, with what its thread has to do first.
pub(crate) trait WorkerSource: PacketSource + Send + 'static {
    /// What the thread keeps while it works; dropped in the thread, after the source.
    type Enrolled;

    /// Called in the worker's thread, once it is pinned.
    fn enrol(&self) -> Result<Self::Enrolled, Failure>;
}

/// A worker has ended, and why.
pub(crate) struct End {
    /// The worker.
    pub(crate) worker: u16,
    /// Why, where it did not panic outside of a burst.
    pub(crate) outcome: Result<Ended, Failure>,
}

/// All worker threads.
pub(crate) struct Crew {
    threads: Vec<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
}

impl Crew {
    /// Starts a thread for each seat. The receiver gets an [`End`] of each worker.
    pub(crate) fn start<S: WorkerSource>(
        seats: Vec<(Seat<S::Owned>, S)>,
        cores: &[CoreId],
        clock: &TscClock,
    ) -> Result<(Self, UnboundedReceiver<End>), Failure> {
        let (ends, ended) = unbounded_channel();
        let mut crew = Self { threads: Vec::new(), stop: Arc::new(AtomicBool::new(false)) };
        for (worker, (seat, source)) in (0..).zip(seats) {
            let post = Post {
                worker,
                core: cores.get(usize::from(worker)).copied(),
                stop: Arc::clone(&crew.stop),
                clock: clock.clone(),
                ends: ends.clone(),
            };
            let thread = std::thread::Builder::new()
                .name(format!("worker-{worker}"))
                .spawn(move || post.work(seat, source));
            match thread {
                Ok(thread) => crew.threads.push(thread),
                Err(error) => {
                    crew.stop();
                    crew.join(START_FAILED_LIMIT);
                    return Err(Failure::new(Exit::Runtime, format!("worker thread: {error}")));
                }
            }
        }
        Ok((crew, ended))
    }

    /// Tells the workers to stop after their burst.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Waits until every worker has ended, at most `limit`; how many have not, and are left alone.
    pub(crate) fn join(self, limit: Duration) -> usize {
        let deadline = Instant::now() + limit;
        let mut left = self.threads;
        loop {
            // A thread catches its panics and tells of them by its `End`.
            left.retain(|thread| !thread.is_finished());
            if left.is_empty() || Instant::now() >= deadline {
                return left.len();
            }
            std::thread::sleep(JOIN_POLL);
        }
    }
}

/// Where one worker works.
struct Post {
    worker: u16,
    core: Option<CoreId>,
    stop: Arc<AtomicBool>,
    clock: TscClock,
    ends: UnboundedSender<End>,
}

impl Post {
    fn work<S: WorkerSource>(self, seat: Seat<S::Owned>, source: S) {
        let Self { worker, core, stop, clock, ends } = self;
        if core.is_some_and(|core| !core_affinity::set_for_current(core)) {
            tracing::warn!(worker, ?core, "the worker could not be pinned to its CPU");
        }
        let outcome = source.enrol().map(|enrolled| {
            // A panic outside of a burst is beyond what a worker survives.
            let ended =
                catch_unwind(AssertUnwindSafe(|| Worker::new(seat, source, clock).run(&stop)));
            // After the source, which went with its worker.
            drop(enrolled);
            ended.unwrap_or(Ended::Panicked)
        });
        // Nobody listens once the sensor is going down.
        let _ = ends.send(End { worker, outcome });
    }
}
