//! When nothing is handed over any more.
//!
//! A worker whose source has ended can still hand over: fragments that it was given may make a packet that
//! another owns. So the end is when every source has ended and everything that was sent has been dealt with.

use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};

/// What one worker has sent and dealt with. It is the only writer.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Tally {
    sent: AtomicU64,
    done: AtomicU64,
}

/// What all workers know of each other's end.
#[derive(Debug)]
pub(super) struct Quiet {
    /// Workers whose source has ended.
    sources_ended: AtomicU16,
    tallies: Box<[Tally]>,
    /// A worker ended before its time: what it had been sent will never be done.
    broken: AtomicBool,
}

impl Quiet {
    pub(super) fn new(workers: u16) -> Self {
        Self {
            sources_ended: AtomicU16::new(0),
            tallies: (0..workers).map(|_| Tally::default()).collect(),
            broken: AtomicBool::new(false),
        }
    }

    /// `worker` is about to send something.
    pub(super) fn sending(&self, worker: usize) {
        add(self.tallies.get(worker).map(|tally| &tally.sent));
    }

    /// `worker` has dealt with something that it was sent, and has sent what came of it.
    pub(super) fn done(&self, worker: usize) {
        add(self.tallies.get(worker).map(|tally| &tally.done));
    }

    pub(super) fn source_ended(&self) {
        // Release: whoever sees this also sees all that the worker sent for its source.
        self.sources_ended.fetch_add(1, Ordering::Release);
    }

    pub(super) fn broke(&self) {
        self.broken.store(true, Ordering::Release);
    }

    /// Whether nobody will send anything more.
    pub(super) fn is_over(&self) -> bool {
        if usize::from(self.sources_ended.load(Ordering::Acquire)) < self.tallies.len() {
            return false;
        }
        if self.broken.load(Ordering::Acquire) {
            return true;
        }
        // What is done is read first: if all that has been sent by now was done by then, then nothing was
        // under way in between, and nothing is left that could send.
        let sum = |read: fn(&Tally) -> &AtomicU64| {
            self.tallies.iter().map(|tally| read(tally).load(Ordering::Acquire)).sum::<u64>()
        };
        let done = sum(|tally| &tally.done);
        sum(|tally| &tally.sent) == done
    }
}

/// Adds one to a counter with one writer.
fn add(counter: Option<&AtomicU64>) {
    if let Some(counter) = counter {
        counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::Quiet;

    #[test]
    fn the_end_is_when_all_that_was_sent_is_done() {
        let quiet = Quiet::new(2);
        quiet.sending(0);
        quiet.source_ended();
        assert!(!quiet.is_over(), "another source goes on");
        quiet.source_ended();
        assert!(!quiet.is_over(), "something is under way");
        quiet.sending(1);
        quiet.done(1);
        assert!(!quiet.is_over(), "and what came of it");
        quiet.done(0);
        assert!(quiet.is_over());
        quiet.sending(0);
        quiet.broke();
        assert!(quiet.is_over(), "a worker that is gone is not waited for");
    }
}
