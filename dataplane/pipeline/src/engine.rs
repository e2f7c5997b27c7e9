//! The stages of a burst, from its bytes to its records. Knows neither the source's type nor threads.

mod events;
mod flows;
mod layers;
mod rules;

use std::sync::Arc;
#[cfg(feature = "test-hooks")]
use std::sync::atomic::Ordering;

use capture::{Burst, Frame};
use contract::{PacketDrop, Stage, WorkerCounters};
use flow::{Direction, FlowCore, FlowRef};
use hash::PayloadDigests;
use packet::{Decoded, OwnerHash, Undecoded};

use crate::clock::Clock;
use crate::detection::{Detection, DetectionParts};
use crate::handover::{Carried, Handed, Mesh};
#[cfg(feature = "test-hooks")]
use crate::hooks::Hooks;
use crate::laps::{Laps, Sampler};
use crate::reassembly::Reassembly;
use crate::report::Reporter;
use crate::seat::Seat;
use crate::settings::{BURST_MAX, Settings};
use crate::streams::{Streams, Tracked};
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
    owners: OwnerHash,
    flows: Flows,
    streams: Streams,
    reassembly: Reassembly,
    detection: Detection,
    /// The burst's packets: those that are to be inspected here, and those of which the events are.
    decoded: Box<[Option<Result<Decoded, Undecoded>>; BURST_MAX]>,
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
    /// A rule has ended the inspection of the flow.
    bypassed: bool,
    /// What it did to its stream.
    tracked: Tracked,
}

/// A stage of the packet that is inspected has ended.
#[inline]
fn lap(laps: &mut Option<Laps>, stage: Stage, clock: &impl Clock, counters: &WorkerCounters) {
    if let Some(laps) = laps {
        laps.end(stage, clock, counters);
    }
}

impl<F: AsRef<[u8]> + Send, C: Clock> Engine<F, C> {
    pub(crate) fn new(seat: Seat<F>, clock: C) -> Self {
        let Seat { index, settings, counters, mesh, .. } = seat;
        let detection = Detection::new(DetectionParts {
            first: seat.first,
            generations: seat.generations,
            retired: seat.retired,
            reporter: Reporter::new(seat.lanes, index, &settings, seat.crash),
            digests: PayloadDigests::new(settings.digests_max, settings.hash_key),
            wall: seat.wall,
            counters: Arc::clone(&counters),
            payload_bytes_max: settings.payload_bytes_max,
            #[cfg(feature = "test-hooks")]
            hooks: Arc::clone(&seat.hooks),
        });
        Self {
            index,
            clock,
            mesh,
            owners: OwnerHash::new(settings.hash_key).by_vlan(settings.vlan_tracking),
            flows: Flows::new(&settings, index),
            streams: Streams::new(&settings),
            reassembly: Reassembly::new(&settings),
            detection,
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
        self.detection.switch_generation();
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
            let Some(frame) = burst.frame(index) else { continue };
            match decoded {
                Ok(decoded) => {
                    let timed = self.timed & 1 << index != 0;
                    self.inspect(&frame, &decoded, rx_ns, timed);
                }
                Err(undecoded) => self.inspect_undecoded(&frame, &undecoded, rx_ns),
            }
        }
    }

    /// Decodes the burst; frames that cannot be decoded, and have no event, end here.
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
            self.decoded[index] = match decoded {
                Ok(decoded) if decoded.cut => Some(Err(Undecoded::of_cut(&decoded))),
                Err(undecoded) if undecoded.events.is_empty() => {
                    self.end(undecoded.into());
                    None
                }
                decoded => Some(decoded),
            };
        }
        self.counters.rx_bytes.add(bytes);
    }

    /// Gives away the frames that other workers own.
    fn distribute<B: Burst<Owned = F>>(&mut self, burst: &mut B, count: usize, rx_ns: u64) {
        for index in 0..count {
            let Some(Ok(decoded)) = &self.decoded[index] else { continue };
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
            let Some(Ok(decoded)) = self.decoded[index].take() else { continue };
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
        let payload = if carries { &[] } else { decoded.payload.of(frame.bytes) };
        let followed = self.follow(decoded, &frame.meta, payload, packet_ns);
        lap(&mut self.laps, Stage::Flow, &self.clock, &self.counters);
        let mut events = decoded.events;
        events.merge(&followed.tracked.events);
        self.counters.events.count(&events);
        if followed.bypassed {
            self.counters.bypassed.increment();
        }
        if !followed.passed && !followed.bypassed {
            self.detect(frame, decoded, payload, &followed, rx_ns);
        } else if followed.tracked.due {
            self.pass_over(&followed);
        }
        if let Some(laps) = self.laps.take() {
            self.counters.detection_ns.record(laps.total_ns());
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
        self.streams = Streams::new(&self.settings);
        self.detection.recover();
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
