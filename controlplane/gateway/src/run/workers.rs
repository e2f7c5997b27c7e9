//! The worker threads: each pinned to its CPU, with its source and its seat.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use capture::PacketSource;
use core_affinity::CoreId;
use pipeline::clock::TscClock;
use pipeline::{Ended, Seat, Worker};

use crate::exit::{Exit, Failure};

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
    ) -> Result<(Self, Receiver<End>), Failure> {
        let (ends, ended) = channel();
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
                    crew.join();
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

    /// Waits until every worker has ended.
    pub(crate) fn join(self) {
        for thread in self.threads {
            // A panic outside of a burst was told by the hook, and the missing end shows it.
            let _ = thread.join();
        }
    }
}

/// Where one worker works.
struct Post {
    worker: u16,
    core: Option<CoreId>,
    stop: Arc<AtomicBool>,
    clock: TscClock,
    ends: Sender<End>,
}

impl Post {
    fn work<S: WorkerSource>(self, seat: Seat<S::Owned>, source: S) {
        let Self { worker, core, stop, clock, ends } = self;
        if core.is_some_and(|core| !core_affinity::set_for_current(core)) {
            tracing::warn!(worker, ?core, "the worker could not be pinned to its CPU");
        }
        let outcome = source.enrol().map(|enrolled| {
            let mut worker = Worker::new(seat, source, clock);
            let ended = worker.run(&stop);
            // The source goes before what the thread was enrolled for.
            drop(worker);
            drop(enrolled);
            ended
        });
        // Nobody listens once the sensor is going down.
        let _ = ends.send(End { worker, outcome });
    }
}
