//! From a match to a record in the ring.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use contract::record::{FlowFacts, PacketFacts, RECORD_SLOTS_MAX, SLOT_BYTES, encode_tuple};
use contract::{
    AlertDrop, FieldKind, FiveTuple, Header, Kind, Lane, RecordBuilder, Slot, WorkerCounters, crash,
};
use detect::Generation;
use ring::{Page, PageCell, RecordProducer};

use crate::settings::{LaneFull, Settings};
use crate::shed::Shedding;

/// Writes a worker's records. Owns the producing ends of its lanes.
pub(crate) struct Reporter {
    lanes: [RecordProducer; 3],
    /// A switch that a full lane has not taken yet. Nothing goes before it.
    owed_switch: [Option<u32>; 3],
    slots: Box<[Slot]>,
    sequence: u64,
    worker: u16,
    lane_full: LaneFull,
    shedding: Shedding,
    /// The reader of the alert lane was looked at since the last burst.
    looked: bool,
    crash: CrashCells,
}

/// A worker's cells of the page that outlives a crash. Stored into by nobody else, and read by none
/// before the process has ended: plain stores.
pub(crate) struct CrashCells {
    raised: PageCell,
    lost: [PageCell; AlertDrop::COUNT],
}

impl CrashCells {
    pub(crate) fn of(page: &Arc<Page>, worker: u16) -> Self {
        let lost = |index: usize| page.share(crash::lost(worker, AlertDrop::ALL[index]));
        Self { raised: page.share(crash::raised(worker)), lost: std::array::from_fn(lost) }
    }
}

/// What all alerts of one packet have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raised<'a> {
    /// The packet's five-tuple; none where the packet could not be decoded.
    pub(crate) tuple: Option<&'a FiveTuple>,
    /// Its sizes and tags.
    pub(crate) packet: PacketFacts,
    /// Its flow, if it has one.
    pub(crate) flow: Option<FlowFacts>,
    /// The flow's identifier; 0 without a flow.
    pub(crate) flow_id: u64,
    /// It runs to the server.
    pub(crate) to_server: bool,
    /// Payload, cut to what goes into a record.
    pub(crate) payload: &'a [u8],
    /// SHA-256 of the whole payload, where there is one.
    pub(crate) sha256: Option<[u8; 32]>,
    /// Number of the packet.
    pub(crate) number: u64,
    /// Wall time of the packet.
    pub(crate) wall_ns: u64,
    /// Monotonic time of its reception.
    pub(crate) rx_ns: u64,
    /// Monotonic time now.
    pub(crate) now_ns: u64,
    /// Generation of the rules.
    pub(crate) generation: u32,
}

impl Reporter {
    pub(crate) fn new(
        lanes: [RecordProducer; 3],
        worker: u16,
        settings: &Settings,
        crash: CrashCells,
    ) -> Self {
        let shed_from_percent = match settings.lane_full {
            LaneFull::Drop => settings.shed_from_percent,
            LaneFull::Wait => 100,
        };
        Self {
            shedding: Shedding::new(lanes[Lane::Alerts as usize].slots(), shed_from_percent),
            lanes,
            owed_switch: [None; 3],
            slots: vec![[0; SLOT_BYTES]; RECORD_SLOTS_MAX].into_boxed_slice(),
            sequence: 0,
            worker,
            lane_full: settings.lane_full,
            looked: false,
            crash,
        }
    }

    /// Raises one alert by a rule of `rules`. Its sequence number is used whether or not it gets into the
    /// ring, so that consumers see the gap.
    pub(crate) fn alert(
        &mut self,
        signature: u32,
        raised: &Raised<'_>,
        rules: &Generation,
        counters: &WorkerCounters,
    ) {
        self.sequence += 1;
        counters.raised.increment();
        self.crash.raised.store(self.sequence, Ordering::Relaxed);
        self.look(counters);
        let lost = if self.shedding.level() > 0 && !self.shedding.keeps(rules.severity(signature)) {
            AlertDrop::Shed
        } else if self.put(signature, raised, counters) {
            return;
        } else {
            AlertDrop::RingFull
        };
        counters.drop_alert(lost);
        rules.losses.count(signature, lost);
        let count = counters.alert_drops[lost as usize].get();
        self.crash.lost[lost as usize].store(count, Ordering::Relaxed);
    }

    /// Sees how full the alert lane is. Its reader's index is looked at for the first alert of a burst
    /// only: that cache line is the reader's.
    fn look(&mut self, counters: &WorkerCounters) {
        let lane = &mut self.lanes[Lane::Alerts as usize];
        let used =
            if std::mem::replace(&mut self.looked, true) { lane.used_seen() } else { lane.used() };
        if let Some(level) = self.shedding.look(used) {
            counters.shedding.store(level.into(), Ordering::Relaxed);
        }
    }

    /// Puts the record of one alert into its lane; whether it had room.
    fn put(&mut self, signature: u32, raised: &Raised<'_>, counters: &WorkerCounters) -> bool {
        let mut builder = RecordBuilder::new(&mut self.slots);
        builder.field(FieldKind::Packet, &raised.packet.encode());
        if let Some(tuple) = raised.tuple {
            builder.field(FieldKind::Tuple, &encode_tuple(tuple));
        }
        if let Some(flow) = &raised.flow {
            builder.field(FieldKind::Flow, &flow.encode());
        }
        if let Some(sha256) = &raised.sha256 {
            builder.field(FieldKind::PayloadSha256, sha256);
            builder.field(FieldKind::Payload, raised.payload);
        }
        if builder.is_cut() {
            counters.records_cut.increment();
        }
        let after_ns = raised.now_ns.saturating_sub(raised.rx_ns);
        let record = builder.finish(Header {
            kind: Kind::Alert,
            flags: if raised.to_server { Header::TO_SERVER } else { 0 },
            length: 0,
            generation: raised.generation,
            signature,
            flow: raised.flow_id,
            sequence: self.sequence,
            packet: raised.number,
            wall_ns: raised.wall_ns,
            rx_ns: raised.rx_ns,
            raised_after_ns: u32::try_from(after_ns).unwrap_or(u32::MAX),
            worker: self.worker,
        });
        let lane = Lane::Alerts as usize;
        pay_switch(&mut self.lanes[lane], &mut self.owed_switch[lane], self.worker)
            && push(&mut self.lanes[lane], record, self.lane_full)
    }

    /// Called between two bursts.
    pub(crate) fn between_bursts(&mut self, counters: &WorkerCounters) {
        self.looked = false;
        if self.shedding.level() > 0 {
            // Shedding also has to end when no alert comes any more.
            self.look(counters);
        }
        self.settle();
    }

    /// Tells every lane that what follows belongs to `generation`.
    pub(crate) fn switch(&mut self, generation: u32) {
        self.owed_switch = [Some(generation); 3];
        self.settle();
    }

    /// Pushes the switches that full lanes have not taken yet.
    fn settle(&mut self) {
        for (lane, owed) in self.lanes.iter_mut().zip(&mut self.owed_switch) {
            pay_switch(lane, owed, self.worker);
        }
    }
}

/// Pushes the owed switch of a lane; whether none is owed any more.
fn pay_switch(lane: &mut RecordProducer, owed: &mut Option<u32>, worker: u16) -> bool {
    let Some(generation) = *owed else { return true };
    let mut slots = [[0; SLOT_BYTES]; 1];
    let record = RecordBuilder::new(&mut slots).finish(Header {
        kind: Kind::Switch,
        flags: 0,
        length: 0,
        generation,
        signature: 0,
        flow: 0,
        sequence: 0,
        packet: 0,
        wall_ns: 0,
        rx_ns: 0,
        raised_after_ns: 0,
        worker,
    });
    let paid = lane.push(record).is_ok();
    if paid {
        *owed = None;
    }
    paid
}

/// Pushes a record; whether the lane took it.
fn push(lane: &mut RecordProducer, record: &[Slot], lane_full: LaneFull) -> bool {
    match lane_full {
        LaneFull::Drop => lane.push(record).is_ok(),
        LaneFull::Wait => loop {
            if lane.push(record).is_ok() {
                return true;
            }
            // A reader that is gone makes no room any more.
            if lane.is_closed() {
                return false;
            }
            std::thread::yield_now();
        },
    }
}
