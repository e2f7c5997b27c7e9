//! From the workers' rings to the sinks.
//!
//! A worker makes no system call, so it wakes nobody: the drain polls, and sleeps [`IDLE_SLEEP`] when a
//! round found nothing. It hands alerts on without ever waiting for a sink.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use contract::{AlertDrop, Kind, Record, WorkerCounters};
use ring::{RecordConsumer, RecordScratch};

use crate::alert::{AlertView, Enricher};
use crate::tally::{Claim, Outcome, Tally};
use crate::worker::{DrainProgress, put_into_rings};

/// Pause of the drain when all rings are empty (design: 50 to 100 µs).
pub const IDLE_SLEEP: Duration = Duration::from_micros(75);
/// Records taken from one ring before the next one has its turn, so that a flood in one ring delays the
/// others by no more than this.
const RECORDS_PER_TURN: usize = 256;

/// Where alerts go. Nothing in here may block.
pub trait AlertSink {
    /// Takes one alert, and the duty to end its claim.
    fn alert(&mut self, alert: &AlertView<'_>, claim: Claim<'_>);

    /// Every ring has had its turn.
    fn round_ended(&mut self) {}

    /// No more alerts will come.
    fn ended(&mut self) {}
}

/// One worker as the drain sees it.
struct Seat {
    counters: Arc<WorkerCounters>,
    progress: Arc<DrainProgress>,
    lanes: [RecordConsumer; 3],
    /// Sequence of the last alert that came.
    sequence: u64,
    /// The last slots of a lane could not be read, by lane: they count as one alert.
    in_bad_run: [bool; 3],
}

/// Reads every ring of every worker.
pub struct Drain<S> {
    seats: Vec<Seat>,
    enricher: Enricher,
    tally: Arc<Tally>,
    scratch: RecordScratch,
    sink: S,
}

impl<S: AlertSink> Drain<S> {
    /// A drain without workers.
    pub fn new(enricher: Enricher, tally: Arc<Tally>, sink: S) -> Self {
        Self { seats: Vec::new(), enricher, tally, scratch: RecordScratch::new(), sink }
    }

    /// Adds a worker's rings; what has been read of them is told by the answer.
    pub fn attach(
        &mut self,
        counters: Arc<WorkerCounters>,
        lanes: [RecordConsumer; 3],
    ) -> Arc<DrainProgress> {
        let progress = Arc::new(DrainProgress::default());
        self.seats.push(Seat {
            counters,
            progress: Arc::clone(&progress),
            lanes,
            sequence: 0,
            in_bad_run: [false; 3],
        });
        progress
    }

    /// One round over all rings. Whether anything was there.
    pub fn poll(&mut self) -> bool {
        let mut busy = false;
        for seat in &mut self.seats {
            // Read before the rings are looked at: what is put in later is not known to be out.
            let put = put_into_rings(&seat.counters);
            let mut empty = true;
            for lane in 0..seat.lanes.len() {
                let taken = seat.turn(
                    lane,
                    &mut self.scratch,
                    &mut self.enricher,
                    &self.tally,
                    &mut self.sink,
                );
                busy |= taken > 0;
                empty &= taken < RECORDS_PER_TURN;
            }
            if empty {
                seat.progress.emptied_at.store(put, Ordering::Release);
            }
        }
        if !busy {
            self.enricher.refresh();
        }
        self.sink.round_ended();
        busy
    }

    /// The sink.
    pub fn sink_mut(&mut self) -> &mut S {
        &mut self.sink
    }
}

impl Seat {
    /// Takes up to [`RECORDS_PER_TURN`] records of one lane; how many.
    fn turn<S: AlertSink>(
        &mut self,
        lane: usize,
        scratch: &mut RecordScratch,
        enricher: &mut Enricher,
        tally: &Arc<Tally>,
        sink: &mut S,
    ) -> usize {
        for taken in 0..RECORDS_PER_TURN {
            let Some(read) = self.lanes[lane].next(scratch) else { return taken };
            match read {
                Ok(record) => {
                    self.in_bad_run[lane] = false;
                    match record.header.kind {
                        Kind::Switch => self.progress.switched[lane]
                            .store(record.header.generation, Ordering::Release),
                        Kind::Alert => self.alert(&record, enricher, tally, sink),
                    }
                }
                Err(_) => self.bad_slot(lane, tally),
            }
        }
        RECORDS_PER_TURN
    }

    fn alert<S: AlertSink>(
        &mut self,
        record: &Record<'_>,
        enricher: &mut Enricher,
        tally: &Arc<Tally>,
        sink: &mut S,
    ) {
        let sequence = record.header.sequence;
        self.progress.sequence_gaps.add(sequence.saturating_sub(self.sequence + 1));
        self.sequence = self.sequence.max(sequence);
        let claim = tally.claim();
        self.progress.drained.increment();
        match enricher.alert(record) {
            Some(alert) => {
                let claim = claim.of(alert.signature.gid, alert.signature.sid);
                sink.alert(&alert, claim);
            }
            None => claim.end(Outcome::Dropped(AlertDrop::BadRecord)),
        }
    }

    /// A slot that starts no record. The slots of a damaged record follow each other, so that a run of
    /// them is one alert.
    fn bad_slot(&mut self, lane: usize, tally: &Arc<Tally>) {
        self.progress.bad_slots.increment();
        if !std::mem::replace(&mut self.in_bad_run[lane], true) {
            self.progress.drained.increment();
            tally.claim().end(Outcome::Dropped(AlertDrop::BadRecord));
        }
    }
}

/// The drain on its own thread.
#[derive(Debug)]
pub(crate) struct DrainThread {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl DrainThread {
    /// Starts a thread named `drain`.
    pub(crate) fn start<S: AlertSink + Send + 'static>(
        mut drain: Drain<S>,
    ) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("drain".into()).spawn(move || {
            loop {
                // Asked first: what was in the rings at that time is read before the end.
                let last = asked.load(Ordering::Acquire);
                if !drain.poll() {
                    if last {
                        return drain.sink.ended();
                    }
                    std::thread::sleep(IDLE_SLEEP);
                }
            }
        })?;
        Ok(Self { stop, thread })
    }

    /// Asks the thread to end as soon as the rings are empty.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// Whether it has ended.
    pub(crate) fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }
}

#[cfg(test)]
mod tests;
