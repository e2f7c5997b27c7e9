//! The worker's flows: fetched ahead of their packets, aged by the time of the packets, and ended.

use std::sync::atomic::Ordering;

use capture::FrameMeta;
use contract::{FlowEnd, FlowKey};
use flow::{FlowTable, Looked};
use packet::Decoded;

use super::{Engine, FLOW_ID_BITS, Followed};
use crate::clock::Clock;
use crate::flow_state::FlowState;
use crate::settings::{BURST_MAX, Settings};
use crate::streams::{Tracked, segment};

/// Flows that the timer wheel looks at between two polls, at most. A burst makes no more new flows than
/// half of this, and each flow is looked at a few times in its life: what a flood leaves over, the turns
/// after it take up.
const VISITS_PER_TURN: usize = 128;

/// Bytes of a flow in the table, at most: 512 without what rules note in it.
const FLOW_BYTES_MAX: usize = 512 + size_of::<detect::FlowVariables>();
const _: () = assert!(FlowTable::<FlowState>::ENTRY_BYTES <= FLOW_BYTES_MAX);

/// A key with its hash.
pub(super) type Hashed = Option<(FlowKey, u64)>;

/// Flows of a worker, and what it knows of the burst's before it reaches them.
pub(crate) struct Flows {
    pub(super) table: FlowTable<FlowState>,
    /// Of each packet of the burst, by its index.
    ahead: Box<[Hashed; BURST_MAX]>,
    /// Of the packet that is inspected, or of one before it: a key has one hash.
    pub(super) current: Hashed,
    /// Times of the latest two packets that brought their own; `None` while packets go by the clock.
    own_ns: Option<[u64; 2]>,
}

impl Flows {
    pub(super) fn new(settings: &Settings, worker: u16) -> Self {
        let before_first_id = u64::from(worker) << FLOW_ID_BITS;
        let table = FlowTable::new(settings.flows_max, before_first_id, settings.timeouts);
        Self {
            table: table.with_emergency(settings.emergency),
            ahead: Box::new([const { None }; BURST_MAX]),
            current: None,
            own_ns: None,
        }
    }

    /// Moves to packet `index` of the burst.
    #[inline]
    pub(super) fn reach(&mut self, index: usize) {
        self.current = self.ahead.get_mut(index).and_then(Option::take);
    }

    /// Whether packets bring times of their own.
    pub(super) const fn has_packet_times(&self) -> bool {
        self.own_ns.is_some()
    }

    /// The packet's own time, ns: the source's, else that of its reception.
    #[inline]
    pub(super) fn packet_ns(&mut self, meta: &FrameMeta, rx_ns: u64) -> u64 {
        let Some(ns) = meta.timestamp_ns else { return rx_ns };
        self.own_ns = Some([self.own_ns.map_or(ns, |[_, before]| before), ns]);
        ns
    }

    /// The time by which flows are over, ns: that of the clock, unless packets bring times of their own.
    /// Then it stands still between them, and the earlier one of two counts, so that a single packet with a
    /// wrong time ends no flows.
    fn now_ns(&self, clock_ns: u64) -> u64 {
        self.own_ns.map_or(clock_ns, |[before, last]| before.min(last))
    }
}

impl<F: AsRef<[u8]> + Send, C: Clock> Engine<F, C> {
    /// Works out the keys of the burst's packets and has their entries read into the cache, so that the
    /// misses of all of them overlap. One packet alone has nothing to overlap with.
    pub(super) fn fetch_flows(&mut self, count: usize) {
        if count < 2 {
            return;
        }
        let Flows { table, ahead, .. } = &mut self.flows;
        for (decoded, hashed) in self.decoded.iter().zip(ahead.iter_mut()).take(count) {
            let decoded = decoded.as_ref().and_then(|decoded| decoded.as_ref().ok());
            *hashed = decoded.map(|decoded| {
                let (key, _) = self.owners.flow_key(decoded);
                let hash = self.owners.flow_hash(&key);
                table.fetch_tags(hash);
                (key, hash)
            });
        }
        for (_, hash) in ahead.iter().take(count).flatten() {
            table.fetch_entry(*hash);
        }
    }

    /// The hash of `key`, worked out before or now: a packet inside of a packet has a key of its own.
    #[inline]
    pub(super) fn flow_hash(&self, key: &FlowKey) -> u64 {
        match &self.flows.current {
            Some((ahead, hash)) if ahead == key => *hash,
            _ => self.owners.flow_hash(key),
        }
    }

    /// Puts the packet, which carries `payload`, into its flow and its stream.
    pub(super) fn follow(
        &mut self,
        decoded: &Decoded,
        meta: &FrameMeta,
        payload: &[u8],
        packet_ns: u64,
    ) -> Followed {
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
            let reference = flow.reference;
            let direction = flow.core.direction(from_low);
            let segment = decoded.tcp.map(|tcp| segment(&tcp, direction, payload, packet_ns));
            if let Some(segment) = &segment
                && self.streams.opens_anew(&flow.state.stream, segment)
            {
                let ended = self.flows.table.end(reference, FlowEnd::Reused);
                ended.into_iter().for_each(|ended| self.end_flow(ended));
                continue;
            }
            let bytes = if decoded.depth == 0 { meta.wire_length } else { decoded.network_bytes() };
            flow.core.count(direction, bytes, packet_ns);
            let (streams, counters) = (&mut self.streams, &self.counters.streams);
            let tracked = match &segment {
                Some(segment) => {
                    streams.take(&mut flow.state.stream, flow.core, segment, payload, counters)
                }
                None => {
                    // An ICMP error is no answer.
                    let established = flow.core.is_answered() && decoded.quoted.is_none();
                    Tracked { established, ..Tracked::default() }
                }
            };
            let detect = &mut flow.state.detect;
            detect.meet(self.detection.rules.number);
            // A SYN/ACK whose SYN was not seen comes from the server.
            let direction = flow.core.direction(from_low);
            return Followed {
                core: *flow.core,
                reference,
                direction,
                addresses_due: !decoded.wants_flow() || detect.addresses_due(direction),
                passed: detect.passed,
                bypassed: flow.state.bypassed,
                tracked,
            };
        }
    }

    /// Ends flows that are silent too long, some at a time. `clock_ns` is the worker's clock.
    pub(crate) fn age_flows(&mut self, clock_ns: u64) {
        let now_ns = self.flows.now_ns(clock_ns);
        let mut budget = VISITS_PER_TURN;
        while let Some(ended) = self.flows.table.expire(now_ns, &mut budget) {
            self.end_flow(ended);
        }
        self.show_flows();
    }

    /// Ends every flow, for the worker's own end.
    pub(crate) fn end_flows(&mut self) {
        while let Some(ended) = self.flows.table.end_next(FlowEnd::Shutdown) {
            self.end_flow(ended);
        }
        self.show_flows();
    }

    /// Forgets every flow after a panic, which may have torn any of them.
    pub(super) fn forget_flows(&mut self) {
        let forgotten = self.flows.table.clear();
        self.counters.flow_ends[FlowEnd::WorkerPanic as usize].add(forgotten as u64);
        self.flows.current = None;
        self.show_flows();
    }

    /// Shows how many flows there are.
    fn show_flows(&self) {
        self.streams.show(&self.counters.streams);
        let table = &self.flows.table;
        self.counters.flows.set(table.len() as u64);
        self.counters.flows_emergency.set(table.emergencies());
        self.counters.flow_emergency.store(table.is_emergency().into(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use capture::FrameMeta;
    use contract::LinkType;

    use super::Flows;
    use crate::settings::Settings;

    #[test]
    fn one_wrong_time_is_not_believed() {
        let settings = Settings { flows_max: 8, ..Settings::default() };
        let mut flows = Flows::new(&settings, 0);
        let meta = |timestamp_ns| FrameMeta {
            timestamp_ns,
            link: LinkType::ETHERNET,
            wire_length: 60,
            port: 0,
            number: 1,
        };
        // Without times of their own, packets go by the clock.
        assert_eq!((flows.packet_ns(&meta(None), 7), flows.now_ns(9)), (7, 9));
        let year_ns = 365 * 86_400_000_000_000;
        for (time_ns, now_ns) in
            [(100, 100), (200, 100), (year_ns, 200), (300, 300), (400, 300), (50, 50), (500, 50)]
        {
            assert_eq!(flows.packet_ns(&meta(Some(time_ns)), 7), time_ns);
            assert_eq!(flows.now_ns(9), now_ns);
        }
    }
}
