//! `alerts tail`: prints alerts as they come, each once, until it is stopped.

use std::fmt;
use std::io::{self, Write};

use alert_schema::{AlertFields, Batch, BatchHead};
use tokio::signal::unix::{SignalKind, signal};

use super::args::Tail;
use super::connect::{connect, settings, shown};
use super::print;
use super::seen::{Seen, Verdict};
use super::source::{Fate, Received, Source};
use crate::exit::{Exit, Failure};

/// Runs the command.
///
/// # Errors
/// The exit code says which side failed. What was printed until then is summed up on the standard error.
pub(super) fn tail(args: &Tail) -> Result<(), Failure> {
    let nats = settings(args)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(Exit::Runtime, error))?;
    runtime.block_on(async {
        // Before the connection: a signal during the start ends it too.
        let mut stop = Stop::new()?;
        let subject = args.filters.subject();
        let open = async {
            let client = connect(&nats).await?;
            let source = Source::open(&client, args, &nats.stream.name, &subject).await?;
            Ok((client, source))
        };
        let (client, source) = tokio::select! {
            opened = open => opened?,
            () = stop.wait() => return Ok(()),
        };
        eprintln!("listening to {subject} on {}", shown(&nats));
        let mut tail = Printer::new(args, io::stdout().lock());
        let outcome = tail.follow(source, &mut stop).await;
        // Acknowledgements are only queued until then; a server that is gone gets none.
        let _ = client.flush().await;
        eprintln!("{}", tail.totals());
        outcome
    })
}

/// The signals that end the command.
struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    fn new() -> Result<Self, Failure> {
        let of = |kind| signal(kind).map_err(|error| Failure::new(Exit::Runtime, error));
        Ok(Self {
            interrupt: of(SignalKind::interrupt())?,
            terminate: of(SignalKind::terminate())?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// What has come, for the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Totals {
    batches: u64,
    printed: u64,
    filtered: u64,
    repeated: u64,
    late: u64,
    missing: u64,
    unreadable: u64,
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} alerts printed, {} filtered out, of {} batches; {} repeated, {} late, {} missing in gaps, \
             {} unreadable",
            self.printed,
            self.filtered,
            self.batches,
            self.repeated,
            self.late,
            self.missing,
            self.unreadable
        )
    }
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    On,
    /// As many as asked for are printed, or nobody reads them any more.
    End,
}

/// Prints messages.
struct Printer<'a, W> {
    args: &'a Tail,
    out: W,
    seen: Seen,
    totals: Totals,
}

impl<'a, W: Write> Printer<'a, W> {
    fn new(args: &'a Tail, out: W) -> Self {
        Self { args, out, seen: Seen::default(), totals: Totals::default() }
    }

    fn totals(&self) -> Totals {
        Totals { missing: self.seen.missing(), ..self.totals }
    }

    /// Prints what comes until the end of it, the count, or a signal.
    async fn follow(&mut self, mut source: Source, stop: &mut Stop) -> Result<(), Failure> {
        loop {
            let received = tokio::select! {
                received = source.next() => received?,
                () = stop.wait() => None,
            };
            let Some(received) = received else { break };
            let (fate, next) = self.message(&received)?;
            received.settle(fate).await;
            if next == Next::End {
                break;
            }
        }
        source.close().await;
        Ok(())
    }

    /// Prints one message.
    fn message(&mut self, received: &Received) -> Result<(Fate, Next), Failure> {
        let (subject, payload) = (&received.subject, &received.payload);
        let batch = match Batch::decode(payload) {
            Ok(batch) => batch,
            Err(error) => {
                self.totals.unreadable += 1;
                eprintln!("{subject}: {} bytes that are no alerts: {error}", payload.len());
                return Ok((Fate::Unreadable, Next::On));
            }
        };
        self.totals.batches += 1;
        match self.batch(subject, &batch, received.replay) {
            Ok(outcome) => Ok(outcome),
            // Whoever read them has enough, as `head` has.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok((Fate::Again, Next::End)),
            Err(error) => Err(Failure::new(Exit::Output, format!("standard output: {error}"))),
        }
    }

    fn batch(
        &mut self,
        subject: &str,
        batch: &Batch<'_>,
        replay: bool,
    ) -> io::Result<(Fate, Next)> {
        let head = batch.head();
        let boot = format!("{}.{}.{}", head.site, head.sensor, head.boot);
        let mut outcome = (Fate::Done, Next::On);
        for alert in batch.alerts() {
            if self.is_enough() {
                // The rest is not printed, so that a durable consumer must get the batch again.
                outcome = (Fate::Again, Next::End);
                break;
            }
            match alert {
                Ok(alert) => self.alert(&head, &boot, &alert, replay)?,
                Err(error) => {
                    self.totals.unreadable += 1;
                    eprintln!("{subject}: {error}");
                }
            }
        }
        self.out.flush()?;
        if self.is_enough() {
            outcome.1 = Next::End;
        }
        Ok(outcome)
    }

    fn is_enough(&self) -> bool {
        self.args.count.is_some_and(|count| self.totals.printed >= count)
    }

    fn alert(
        &mut self,
        head: &BatchHead<'_>,
        boot: &str,
        alert: &AlertFields<'_>,
        replay: bool,
    ) -> io::Result<()> {
        match self.seen.note(boot, alert.header.worker, alert.header.sequence) {
            Verdict::Repeated => {
                self.totals.repeated += 1;
                return Ok(());
            }
            Verdict::Late => self.totals.late += 1,
            Verdict::New => {}
        }
        if !self.args.filters.admit(head, alert) {
            self.totals.filtered += 1;
            return Ok(());
        }
        let line = if self.args.json {
            print::json(head, alert, self.args.payload, replay)
        } else {
            print::plain(head, alert)
        };
        self.out.write_all(line.as_bytes())?;
        self.totals.printed += 1;
        Ok(())
    }
}
