//! The stages of a burst, from its bytes to its records. Knows neither the source's type nor threads.

mod flows;
mod layers;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use capture::{Burst, Frame, FrameMeta};
use contract::record::{FlowFacts, PacketFacts};
use contract::{FlowEnd, PacketDrop, Stage, WallOffset, WorkerCounters};
use detect::{Generation, PassScope};
use flow::{Direction, FlowCore, FlowRef, Looked};
use hash::PayloadDigests;
use packet::{Decoded, OwnerHash};
use ring::{Consumer, Producer};

use crate::clock::Clock;
use crate::handover::{Carried, Handed, Mesh};
#[cfg(feature = "test-hooks")]
use crate::hooks::Hooks;
use crate::laps::{Laps, Sampler};
use crate::reassembly::Reassembly;
use crate::report::{Raised, Reporter};
use crate::seat::Seat;
use crate::settings::{BURST_MAX, Settings};
use crate::tcp_stage::TcpStage;
use crate::view::view;
use flows::Flows;

/// How far ahead the next frames' headers are fetched into the cache.
const PREFETCH_AHEAD: usize = 4;
/// Bits of a flow identifier below the worker's index.
const FLOW_ID_BITS: u32 = 48;

/// A worker without its source.
pub(crate) struct Engine<F, C> {
    pub(crate) index: u16,
    pub(crate) settings: Settings,
    pub(crate) counters: Arc<WorkerCounters>,
    pub(crate) clock: C,
    pub(crate) mesh: Mesh<F>,
    wall: Arc<WallOffset>,
    owners: OwnerHash,
    flows: Flows,
    reassembly: Reassembly,
    digests: PayloadDigests,
    reporter: Reporter,
    rules: Box<Generation>,
    generations: Consumer<Box<Generation>>,
    retired: Producer<Box<Generation>>,
    decoded: Box<[Option<Decoded>; BURST_MAX]>,
    sampler: Sampler,
    /// Packets of the burst that are timed, a bit each.
    timed: u64,
    /// The packets of the frame that is inspected are timed.
    timing: bool,
    /// The watch of the packet that is inspected, where it is timed.
    laps: Option<Laps>,
    /// Packets that were begun and have not ended in a counter yet: what a panic would lose.
    open: u64,
    /// Something that another worker handed over is being dealt with.
    handling: bool,
    #[cfg(feature = "test-hooks")]
    pub(crate) hooks: Arc<Hooks>,
}

/// A packet's place in its flow.
#[derive(Clone, Copy, Debug)]
struct Followed {
    /// The flow, this packet counted.
    core: FlowCore,
    /// The way back to it.
    reference: FlowRef,
    direction: Direction,
    /// Address-only rules are due for this packet.
    addresses_due: bool,
    /// A rule lets the whole flow pass.
    passed: bool,
}

impl<F: AsRef<[u8]> + Send, C: Clock> Engine<F, C> {
    pub(crate) fn new(seat: Seat<F>, clock: C) -> Self {
        let Seat {
            index,
            settings,
            counters,
            wall,
            lanes,
            crash,
            generations,
            retired,
            first,
            mesh,
            ..
        } = seat;
        counters.generation.store(first.number, Ordering::Release);
        Self {
            index,
            clock,
            mesh,
            wall,
            owners: OwnerHash::new(settings.hash_key).by_vlan(settings.vlan_tracking),
            flows: Flows::new(&settings, index),
            reassembly: Reassembly::new(&settings),
            digests: PayloadDigests::new(settings.digests_max, settings.hash_key),
            reporter: Reporter::new(lanes, index, &settings, crash),
            rules: first,
            generations,
            retired,
            decoded: Box::new([const { None }; BURST_MAX]),
            sampler: Sampler::new(settings.stage_sample),
            timed: 0,
            timing: false,
            laps: None,
            open: 0,
            handling: false,
            settings,
            counters,
            #[cfg(feature = "test-hooks")]
            hooks: seat.hooks,
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

    /// All stages of one burst of the worker's own queues.
    pub(crate) fn process<B: Burst<Owned = F>>(&mut self, burst: &mut B, rx_ns: u64) {
        let count = burst.len().min(BURST_MAX);
        self.counters.bursts.increment();
        self.counters.rx_packets.add(count as u64);
        self.counters.linearised.add(burst.linearised() as u64);
        self.open = count as u64;
        self.decode(burst, count);
        if self.settings.workers > 1 {
            self.distribute(burst, count, rx_ns);
        }
        self.fetch_flows(count);
        for index in 0..count {
            self.flows.reach(index);
            let Some(decoded) = self.decoded[index].take() else { continue };
            if let Some(frame) = burst.frame(index) {
                let timed = self.timed & 1 << index != 0;
                self.inspect(&frame, &decoded, rx_ns, timed);
            }
        }
    }

    /// Decodes the burst; frames that cannot be decoded end here.
    fn decode<B: Burst<Owned = F>>(&mut self, burst: &B, count: usize) {
        for index in 0..count.min(PREFETCH_AHEAD) {
            burst.prefetch(index);
        }
        let mut bytes = 0;
        self.timed = 0;
        for index in 0..count {
            if index + PREFETCH_AHEAD < count {
                burst.prefetch(index + PREFETCH_AHEAD);
            }
            self.decoded[index] = None;
            let Some(frame) = burst.frame(index) else {
                self.end(PacketDrop::Oversize);
                continue;
            };
            bytes += frame.bytes.len() as u64;
            let mut laps = self.sampler.next().then(|| Laps::start(&self.clock));
            let decoded = packet::decode(frame.meta.link, frame.bytes);
            if let Some(laps) = &mut laps {
                self.timed |= 1 << index;
                laps.end(Stage::Decode, &self.clock, &self.counters);
            }
            match decoded {
                Ok(decoded) if decoded.cut => self.end(PacketDrop::Cut),
                Ok(decoded) => self.decoded[index] = Some(decoded),
                Err(error) => self.end(error.into()),
            }
        }
        self.counters.rx_bytes.add(bytes);
    }

    /// Gives away the frames that other workers own.
    fn distribute<B: Burst<Owned = F>>(&mut self, burst: &mut B, count: usize, rx_ns: u64) {
        for index in 0..count {
            let Some(decoded) = &self.decoded[index] else { continue };
            let owner = match (decoded.tunnel, burst.frame(index)) {
                (Some(_), Some(frame)) => {
                    let innermost = packet::innermost(decoded, frame.bytes);
                    self.owners.owner(&innermost, self.settings.workers)
                }
                _ => self.owners.owner(decoded, self.settings.workers),
            };
            if owner == self.index {
                continue;
            }
            let Some(decoded) = self.decoded[index].take() else { continue };
            if !self.hand_over(burst, index, decoded, owner, rx_ns) {
                self.end(PacketDrop::HandoverFull);
            }
        }
    }

    /// Gives frame `index` to `owner`; `false` if there is no room for it.
    fn hand_over<B: Burst<Owned = F>>(
        &mut self,
        burst: &mut B,
        index: usize,
        decoded: Decoded,
        owner: u16,
        rx_ns: u64,
    ) -> bool {
        if !self.mesh.has_room(owner) {
            return false;
        }
        let Some(meta) = burst.frame(index).map(|frame| frame.meta) else { return false };
        let Some(frame) = burst.detach(index) else { return false };
        // Counted before the push, so that the owner's count of what it took is never ahead. There is
        // room: asked above, and this worker is the ring's only writer.
        self.counters.handover_sent.increment();
        self.open -= 1;
        self.mesh.send(owner, Handed { frame: Carried::Frame(frame), meta, decoded, rx_ns });
        true
    }

    /// Takes what other workers have handed over, at most a burst; how many frames there were.
    pub(crate) fn receive_handed(&mut self) -> usize {
        let mut taken = 0;
        while taken < self.settings.burst_max {
            let Some(handed) = self.mesh.receive() else { break };
            taken += 1;
            self.handling = true;
            self.take_handed(handed);
            self.handling = false;
            self.mesh.done();
        }
        while let Some(whole) = self.mesh.returned() {
            self.reassembly.unpack(whole);
        }
        taken
    }

    fn take_handed(&mut self, handed: Handed<F>) {
        let Handed { frame, meta, decoded, rx_ns } = handed;
        match frame {
            Carried::Frame(frame) => {
                self.open = 1;
                self.counters.handover_received.increment();
                let frame = Frame { bytes: frame.as_ref(), meta };
                // Its receiver may have timed its decoding; the two counts are of different frames.
                let timed = self.sampler.next();
                self.inspect(&frame, &decoded, rx_ns, timed);
            }
            Carried::Whole(whole, from) => {
                self.timing = false;
                let frame = Frame { bytes: whole.as_ref(), meta };
                self.inspect_layers(&frame, &decoded, rx_ns);
                self.mesh.give_back(whole, from);
            }
        }
    }

    /// Flow, detection and alerts of one frame that this worker owns.
    fn inspect(&mut self, frame: &Frame<'_>, decoded: &Decoded, rx_ns: u64, timed: bool) {
        #[cfg(feature = "test-hooks")]
        if self.faulty_packet() {
            return;
        }
        self.timing = timed;
        self.inspect_layers(frame, decoded, rx_ns);
        self.counters.inspected.increment();
        self.open -= 1;
    }

    /// Flow, detection and alerts of one packet. Where it `carries` another, its payload is that packet,
    /// and is not inspected again.
    fn inspect_packet(&mut self, frame: &Frame<'_>, decoded: &Decoded, carries: bool, rx_ns: u64) {
        let packet_ns = self.flows.packet_ns(&frame.meta, rx_ns);
        self.laps = self.timing.then(|| Laps::start(&self.clock));
        let followed = self.follow(decoded, &frame.meta, packet_ns);
        self.lap(Stage::Flow);
        if !followed.passed {
            let payload = if carries { &[] } else { decoded.payload.of(frame.bytes) };
            self.detect(frame, decoded, payload, &followed, rx_ns);
        }
        if let Some(laps) = self.laps.take() {
            self.counters.detection_ns.record(laps.total_ns());
        }
    }

    /// A stage of the packet that is inspected has ended.
    #[inline]
    fn lap(&mut self, stage: Stage) {
        if let Some(laps) = &mut self.laps {
            laps.end(stage, &self.clock, &self.counters);
        }
    }

    /// Puts the packet into its flow.
    fn follow(&mut self, decoded: &Decoded, meta: &FrameMeta, packet_ns: u64) -> Followed {
        let (key, forward) = self.owners.flow_key(decoded);
        // An ICMP error runs against the packet that it quotes.
        let from_low = forward != decoded.quoted.is_some();
        let hash = self.flow_hash(&key);
        loop {
            let flow = match self.flows.table.look_up(&key, hash, from_low, packet_ns) {
                Looked::Found(flow) => flow,
                Looked::Created(flow) => {
                    self.counters.flows_created.increment();
                    flow
                }
                Looked::Ended(ended) => {
                    self.end_flow(ended);
                    continue;
                }
            };
            let (core, reference) = (flow.core, flow.reference);
            if decoded.tcp.is_some_and(|tcp| TcpStage::opens_anew(tcp.flags, core)) {
                let ended = self.flows.table.end(reference, FlowEnd::Reused);
                ended.into_iter().for_each(|ended| self.end_flow(ended));
                continue;
            }
            let direction = core.direction(from_low);
            let bytes = if decoded.depth == 0 { meta.wire_length } else { decoded.network_bytes() };
            core.count(direction, bytes, packet_ns);
            if let Some(tcp) = decoded.tcp {
                flow.state.tcp.see(direction, tcp.flags, core);
            }
            let detect = &mut flow.state.detect;
            detect.meet(self.rules.number);
            return Followed {
                core: *core,
                reference,
                direction,
                addresses_due: detect.addresses_due(direction),
                passed: detect.passed,
            };
        }
    }

    /// Runs the rules over one packet with `payload`.
    fn detect(
        &mut self,
        frame: &Frame<'_>,
        decoded: &Decoded,
        payload: &[u8],
        flow: &Followed,
        rx_ns: u64,
    ) {
        let view = view(decoded, payload, flow.addresses_due);
        let outcome = self.rules.rules.inspect(&view, &mut self.rules.scratch);
        self.counters.candidates.add(u64::from(outcome.candidates));
        self.counters.bytes_delivered.add(payload.len() as u64);
        self.counters.bytes_scanned.add(u64::from(outcome.bytes_scanned));
        self.counters.match_limit.add(u64::from(outcome.match_limit_hits));
        self.counters.alert_limit.add(u64::from(outcome.alerts_cut));
        if outcome.pass == Some(PassScope::Flow)
            && let Some(flow) = self.flows.table.get(flow.reference)
        {
            flow.state.detect.passed = true;
        }
        self.lap(Stage::Detect);
        if !self.rules.scratch.alerts().is_empty() {
            self.raise(frame, decoded, flow, rx_ns);
            self.lap(Stage::Report);
        }
    }

    /// Turns the matches of one packet into alert records.
    fn raise(&mut self, frame: &Frame<'_>, decoded: &Decoded, followed: &Followed, rx_ns: u64) {
        let flow = &followed.core;
        let payload = decoded.payload.of(frame.bytes);
        let sha256 = (!payload.is_empty()).then(|| {
            let digest = self.digests.digest(payload);
            let counter =
                if digest.hit { &self.counters.digest_hits } else { &self.counters.digest_misses };
            counter.increment();
            digest.sha256
        });
        let wall = self.wall.reading();
        let raised = Raised {
            tuple: &decoded.tuple,
            packet: PacketFacts {
                wire_length: frame.meta.wire_length,
                payload_length: payload.len() as u32,
                vlan: decoded.vlan,
                port: frame.meta.port,
            },
            flow: FlowFacts {
                packets_to_server: flow.packets[Direction::ToServer.index()],
                packets_to_client: flow.packets[Direction::ToClient.index()],
                bytes_to_server: flow.bytes[Direction::ToServer.index()],
                bytes_to_client: flow.bytes[Direction::ToClient.index()],
                // A source with times of its own gives wall time; the flow's times are then wall time.
                start_wall_ns: match frame.meta.timestamp_ns {
                    Some(_) => flow.first_ns,
                    None => wall(flow.first_ns),
                },
            },
            flow_id: flow.id,
            to_server: followed.direction == Direction::ToServer,
            payload: &payload[..payload.len().min(self.settings.payload_bytes_max)],
            sha256,
            number: frame.meta.number,
            wall_ns: frame.meta.timestamp_ns.unwrap_or_else(|| wall(rx_ns)),
            rx_ns,
            now_ns: self.clock.now_ns(),
            generation: self.rules.number,
        };
        for signature in self.rules.scratch.alerts() {
            #[cfg(feature = "test-hooks")]
            if Hooks::is_next(&self.hooks.lose_alert, self.counters.raised.get()) {
                self.counters.raised.increment();
                continue;
            }
            self.reporter.alert(signature.0, &raised, &self.rules, &self.counters);
        }
    }

    /// Ends one packet without inspection.
    fn end(&mut self, cause: PacketDrop) {
        self.counters.drop_packet(cause);
        self.open -= 1;
    }

    /// Ends what a panic left open and makes the state that it may have torn anew.
    pub(crate) fn recover(&mut self) {
        self.counters.panics.increment();
        self.counters.drops[PacketDrop::WorkerPanic as usize].add(self.open);
        self.open = 0;
        if std::mem::take(&mut self.handling) {
            self.mesh.done();
        }
        self.forget_flows();
        self.reassembly = Reassembly::new(&self.settings);
        self.rules.scratch = self.rules.rules.new_scratch();
    }

    /// Ends the frames that wait in the hand-over rings when nobody will inspect them any more.
    pub(crate) fn abandon_handed(&mut self) {
        while let Some(handed) = self.mesh.receive() {
            if matches!(handed.frame, Carried::Frame(_)) {
                self.counters.handover_received.increment();
                self.counters.drop_packet(PacketDrop::Shutdown);
            } else {
                self.counters.reassembled_lost.increment();
            }
            self.mesh.done();
        }
    }

    /// Faults on purpose: whether this packet is to vanish.
    #[cfg(feature = "test-hooks")]
    #[allow(clippy::panic, reason = "the panic that the recovery is tested with")]
    fn faulty_packet(&self) -> bool {
        let seen = self.counters.inspected.get();
        assert!(!Hooks::is_next(&self.hooks.panic_packet, seen), "a panic on purpose");
        if Hooks::is_next(&self.hooks.lose_packet, seen) {
            // Once only: else the count would stay where it is.
            self.hooks.lose_packet.store(0, Ordering::Relaxed);
            return true;
        }
        false
    }
}
