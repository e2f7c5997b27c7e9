//! Detection: the rules over a packet and what is due of its stream, and the records of what matched.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use capture::FrameMeta;
use contract::record::{FlowFacts, PacketFacts};
use contract::{FiveTuple, WallOffset, WorkerCounters};
use detect::{FlowVariables, Generation, Inspect, Outcome};
use flow::{Direction, FlowCore};
use hash::PayloadDigests;
use ring::{Consumer, Producer};

#[cfg(feature = "test-hooks")]
use crate::hooks::Hooks;
use crate::report::{Raised, Reporter};

/// One worker's rules, and its way to the control plane.
pub(crate) struct Detection {
    pub(crate) rules: Box<Generation>,
    generations: Consumer<Box<Generation>>,
    retired: Producer<Box<Generation>>,
    reporter: Reporter,
    digests: PayloadDigests,
    wall: Arc<WallOffset>,
    counters: Arc<WorkerCounters>,
    payload_bytes_max: usize,
    #[cfg(feature = "test-hooks")]
    hooks: Arc<Hooks>,
}

/// What a [`Detection`] is made of.
pub(crate) struct DetectionParts {
    pub(crate) first: Box<Generation>,
    pub(crate) generations: Consumer<Box<Generation>>,
    pub(crate) retired: Producer<Box<Generation>>,
    pub(crate) reporter: Reporter,
    pub(crate) digests: PayloadDigests,
    pub(crate) wall: Arc<WallOffset>,
    pub(crate) counters: Arc<WorkerCounters>,
    pub(crate) payload_bytes_max: usize,
    #[cfg(feature = "test-hooks")]
    pub(crate) hooks: Arc<Hooks>,
}

/// What alerts say of the packet that is inspected, or of the flow's end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    /// None where the packet could not be decoded.
    pub(crate) tuple: Option<&'a FiveTuple>,
    /// What the packet carries, also where that is not inspected as its payload.
    pub(crate) payload: &'a [u8],
    /// The packet. The payload's length comes from what matched.
    pub(crate) packet: PacketFacts,
    /// The packet's number; 0 at a flow's end.
    pub(crate) number: u64,
    /// The packet's flow, the packet counted, if it has one.
    pub(crate) flow: Option<&'a FlowCore>,
    pub(crate) direction: Direction,
    /// Time of the packet where the source gives one; the times of its flow are then of this clock, too.
    pub(crate) timestamp_ns: Option<u64>,
    /// Monotonic time of its reception.
    pub(crate) rx_ns: u64,
}

impl Subject<'_> {
    /// What is known of every frame: no addresses, no payload, no flow.
    pub(crate) const fn of_frame(meta: &FrameMeta, vlan: [u16; 2], rx_ns: u64) -> Self {
        Self {
            tuple: None,
            payload: &[],
            packet: PacketFacts {
                wire_length: meta.wire_length,
                payload_length: 0,
                vlan,
                port: meta.port,
            },
            number: meta.number,
            flow: None,
            direction: Direction::ToClient,
            timestamp_ns: meta.timestamp_ns,
            rx_ns,
        }
    }
}

impl Detection {
    pub(crate) fn new(parts: DetectionParts) -> Self {
        let DetectionParts { first, counters, .. } = parts;
        counters.generation.store(first.number, Ordering::Release);
        Self {
            rules: first,
            generations: parts.generations,
            retired: parts.retired,
            reporter: parts.reporter,
            digests: parts.digests,
            wall: parts.wall,
            counters,
            payload_bytes_max: parts.payload_bytes_max,
            #[cfg(feature = "test-hooks")]
            hooks: parts.hooks,
        }
    }

    /// Moves to the newest generation in the mailbox. Called between two bursts only.
    pub(crate) fn switch_generation(&mut self) {
        self.reporter.between_bursts(&self.counters);
        while self.retired.free() > 0 {
            let Some(next) = self.generations.pop() else { return };
            let number = next.number;
            let old = std::mem::replace(&mut self.rules, next);
            self.reporter.switch(number);
            self.counters.generation.store(number, Ordering::Release);
            // There is room: asked above, and this is the only writer.
            if let Err(old) = self.retired.push(old) {
                drop(old);
            }
        }
    }

    /// Runs the rules over `view` of a flow with `variables`; [`Detection::raise`] is due where
    /// [`Detection::has_alerts`].
    #[inline]
    pub(crate) fn inspect(&mut self, view: &Inspect<'_>, variables: &mut FlowVariables) -> Outcome {
        let outcome = self.rules.rules.inspect(view, variables, &mut self.rules.scratch);
        let chunks: usize = view.chunks.iter().map(|chunk| chunk.len()).sum();
        let counters = &self.counters;
        counters.candidates.add(u64::from(outcome.candidates));
        counters.bytes_delivered.add((view.payload.len() + chunks) as u64);
        counters.bytes_scanned.add(u64::from(outcome.bytes_scanned));
        counters.match_limit.add(u64::from(outcome.match_limit_hits));
        counters.alert_limit.add(u64::from(outcome.alerts_cut));
        outcome
    }

    /// Whether the rules that were run last have matched.
    #[inline]
    pub(crate) fn has_alerts(&self) -> bool {
        !self.rules.scratch.alerts().is_empty()
    }

    /// Turns the matches of the last inspection, which was of `view`, into alert records.
    pub(crate) fn raise(&mut self, view: &Inspect<'_>, subject: &Subject<'_>, now_ns: u64) {
        let mut last = None;
        for index in 0..self.rules.scratch.alerts().len() {
            let Some(found) = self.rules.scratch.alerts().get(index).copied() else { break };
            #[cfg(feature = "test-hooks")]
            if Hooks::is_next(&self.hooks.lose_alert, self.counters.raised.get()) {
                self.counters.raised.increment();
                continue;
            }
            let bytes = found
                .chunk
                .and_then(|chunk| view.chunks.get(usize::from(chunk)).copied())
                .unwrap_or(subject.payload);
            // Alerts of a packet are most often about the same bytes.
            let sha256 = match last {
                Some((chunk, sha256)) if chunk == found.chunk => sha256,
                _ => self.digest(bytes),
            };
            last = Some((found.chunk, sha256));
            let raised = self.raised(subject, bytes, sha256, now_ns);
            self.reporter.alert(found.signature.0, &raised, &self.rules, &self.counters);
        }
    }

    /// SHA-256 of `bytes`; of none there is none.
    fn digest(&mut self, bytes: &[u8]) -> Option<[u8; 32]> {
        if bytes.is_empty() {
            return None;
        }
        let digest = self.digests.digest(bytes);
        let counters = &self.counters;
        let counter = if digest.hit { &counters.digest_hits } else { &counters.digest_misses };
        counter.increment();
        Some(digest.sha256)
    }

    fn raised<'a>(
        &self,
        subject: &Subject<'a>,
        bytes: &'a [u8],
        sha256: Option<[u8; 32]>,
        now_ns: u64,
    ) -> Raised<'a> {
        let wall = self.wall.reading();
        let facts = |flow: &FlowCore| FlowFacts {
            packets_to_server: flow.packets[Direction::ToServer.index()],
            packets_to_client: flow.packets[Direction::ToClient.index()],
            bytes_to_server: flow.bytes[Direction::ToServer.index()],
            bytes_to_client: flow.bytes[Direction::ToClient.index()],
            // A source with times of its own gives wall time; the flow's times are then wall time.
            start_wall_ns: match subject.timestamp_ns {
                Some(_) => flow.first_ns,
                None => wall(flow.first_ns),
            },
        };
        Raised {
            tuple: subject.tuple,
            packet: PacketFacts { payload_length: bytes.len() as u32, ..subject.packet },
            flow: subject.flow.map(facts),
            flow_id: subject.flow.map_or(0, |flow| flow.id),
            to_server: subject.direction == Direction::ToServer,
            payload: bytes.get(..self.payload_bytes_max).unwrap_or(bytes),
            sha256,
            number: subject.number,
            wall_ns: subject.timestamp_ns.unwrap_or_else(|| wall(subject.rx_ns)),
            rx_ns: subject.rx_ns,
            now_ns,
            generation: self.rules.number,
        }
    }

    /// Makes the memory that a panic may have torn anew.
    pub(crate) fn recover(&mut self) {
        self.rules.scratch = self.rules.rules.new_scratch();
    }
}
