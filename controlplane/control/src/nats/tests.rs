//! Lanes against a real server, with batches made by hand.

mod credentials;
mod faults;
mod login;
mod queues;
mod streams;
mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use async_nats::jetstream;
use bytes::Bytes;
use contract::AlertDrop;
use testkit::NatsServer;
use tokio::time::Instant;

use super::{LinkState, NatsHandle, NatsOutput, NatsStatus, Undelivered, start};
use crate::SensorIdentity;
use crate::config::NatsConfig;
use crate::delivery::{Duty, Lanes, Outgoing};
use crate::spool::{Command, SpoolTicket};
use crate::tally::{Tally, Ticket};
use crate::time::Clock;

/// Longest wait for anything.
const LIMIT: Duration = Duration::from_secs(20);
/// An acknowledgement that is not given up within a test.
const LONG_MS: u64 = 60_000;

/// Lanes, and a ledger.
struct Bench {
    output: NatsOutput,
    handle: NatsHandle,
    status: NatsStatus,
    tally: Arc<Tally>,
    bytes_max: Arc<AtomicUsize>,
    clock: Arc<quanta::Mock>,
}

impl Bench {
    /// Starts lanes.
    async fn start(config: &NatsConfig) -> Self {
        assert_eq!(config.validate(), Ok(()));
        let identity =
            SensorIdentity { site: "lab".into(), sensor: "s1".into(), boot: "b00t".into() };
        let (clock, mock) = Clock::mock();
        let bytes_max = Arc::new(AtomicUsize::new(usize::MAX));
        let (output, handle) = start(config, &identity, &clock, &bytes_max).await.unwrap();
        let status = handle.status();
        Self { output, handle, status, tally: Tally::new(), bytes_max, clock: mock }
    }

    /// Starts lanes that are ready.
    async fn ready(config: &NatsConfig) -> Self {
        let bench = Self::start(config).await;
        bench.eventually("it is ready", || bench.output.is_ready(0));
        bench
    }

    fn ticket(&self, alerts: u32) -> Ticket {
        let mut ticket = self.tally.ticket();
        (1..alerts).for_each(|_| ticket.absorb(self.tally.ticket()));
        ticket
    }

    /// A batch of three alerts that only memory holds.
    fn batch(&self, number: u32) -> Outgoing {
        outgoing(number, Duty::Memory(self.ticket(3)))
    }

    fn push(&self, batch: Outgoing) {
        assert!(self.output.push(batch).is_ok(), "the queue has room");
    }

    fn state(&self) -> LinkState {
        self.status.lanes[0].link.state()
    }

    fn undelivered(&self, why: Undelivered) -> u64 {
        self.status.lanes[0].counters.undelivered[why as usize].get()
    }

    /// Waits for `holds`.
    fn eventually(&self, what: &str, holds: impl FnMut() -> bool) {
        tokio::task::block_in_place(|| {
            let deadline = std::time::Instant::now() + LIMIT;
            let mut holds = holds;
            while !holds() {
                let reasons = self.status.reasons();
                assert!(std::time::Instant::now() < deadline, "{what}: {reasons:?}");
                std::thread::sleep(Duration::from_millis(1));
            }
        });
    }

    /// Ends the lanes; every alert has ended in one place, of `taken` in all.
    async fn end(self, taken: u64) {
        self.handle.announce_end();
        drop(self.output);
        self.handle.finish(Instant::now() + Duration::from_secs(5)).await;
        let tally = &self.tally;
        let dropped: u64 = AlertDrop::ALL.iter().map(|cause| tally.dropped(*cause)).sum();
        assert_eq!(tally.in_flight(), 0);
        assert_eq!(tally.acknowledged() + tally.sent() + dropped, taken, "{tally:?}");
    }
}

/// A batch of three alerts.
fn outgoing(number: u32, duty: Duty) -> Outgoing {
    Outgoing {
        lane: 0,
        subject: "sensor.lab.s1.alert.1".into(),
        id: format!("s1.b00t.0.{number}"),
        payload: Bytes::from(number.to_string()),
        alerts: 3,
        received_ns: Box::new([1_000, 2_000, 3_000]),
        replay: false,
        duty,
    }
}

/// A spool that only writes down what it is told.
struct Told {
    sender: std::sync::mpsc::Sender<Command>,
    commands: Receiver<Command>,
}

impl Told {
    fn new() -> Self {
        let (sender, commands) = channel();
        Self { sender, commands }
    }

    /// A batch that the spool holds.
    fn batch(&self, number: u32) -> Outgoing {
        let ticket = SpoolTicket::new(number.into(), self.sender.clone());
        outgoing(number, Duty::Spooled(ticket))
    }

    /// The next that it is told.
    fn next(&self) -> Command {
        tokio::task::block_in_place(|| self.commands.recv_timeout(LIMIT).unwrap())
    }

    /// The next that it is told is that a record did not get out.
    fn undelivered(&self) -> u64 {
        match self.next() {
            Command::Undelivered { record } => record,
            other => panic!("{other:?}"),
        }
    }
}

/// Settings of one lane that gives up fast.
fn config(server: &NatsServer) -> NatsConfig {
    NatsConfig {
        servers: vec![server.url()],
        lanes: 1,
        ack_timeout_ms: 2_000,
        reconnect_max_ms: 100,
        ..NatsConfig::default()
    }
}

/// JetStream, as an administrator sees it.
async fn administrator(server: &NatsServer) -> jetstream::Context {
    jetstream::new(async_nats::connect(server.url()).await.unwrap())
}

/// Messages in the alert stream.
async fn stored(context: &jetstream::Context) -> u64 {
    context.get_stream("SENSOR_ALERTS").await.unwrap().get_info().await.unwrap().state.messages
}
