//! Counters that one worker writes and the control plane reads.

mod streams;

use core::sync::atomic::AtomicU32;

pub use streams::StreamCounters;

use crate::counter::Counter;
use crate::event_counters::EventCounters;
use crate::latency::LatencyHistogram;

/// Declares a fieldless enum of causes, or of stages, with a count, a list and a stable name for each.
macro_rules! causes {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// Every one, in the order of its index.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The name used in `/api/v1/stats`, metrics and documentation.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

causes! {
    /// Why a packet that was received ended without inspection.
    PacketDrop {
        /// Not IP (ARP, LLDP …): nothing in it that a rule can match yet.
        NotIp = "not_ip",
        /// A header is cut or contradicts itself, so that the packet cannot be decoded.
        Malformed = "malformed",
        /// The IP packet is longer than what was captured (a snap length). The peer inspects none of these.
        Cut = "cut",
        /// The capture's link type is not known to the decoder.
        UnknownLink = "unknown_link",
        /// A multi-segment frame is larger than the linearisation buffer.
        Oversize = "oversize",
        /// The ring to the owning worker was full.
        HandoverFull = "handover_full",
        /// A panic was caught while the packet's burst was processed.
        WorkerPanic = "worker_panic",
        /// The pipeline was stopped while the packet waited in a hand-over ring.
        Shutdown = "shutdown",
    }
}

causes! {
    /// Why an alert that was raised did not reach its consumer. Append only: the order is a part of the
    /// layout of [`crate::crash`].
    AlertDrop {
        /// The worker's alert lane was full.
        RingFull = "ring_full",
        /// A record in the ring could not be decoded, or its generation is no longer known.
        BadRecord = "bad_record",
        /// The queue to the publishing lane was full.
        LaneFull = "lane_full",
        /// NATS was not connected.
        NatsDown = "nats_down",
        /// NATS refused the message, or its acknowledgement did not come in time.
        PublishFailed = "publish_failed",
        /// The process ended before the alert could be delivered.
        Shutdown = "shutdown",
        /// The worker's alert lane was nearly full, and the rule's severity too low for the room left.
        Shed = "shed",
        /// The spool was at its limit, and this was the oldest that it held.
        SpoolFull = "spool_full",
        /// What the spool held of it could not be read back.
        SpoolCorrupt = "spool_corrupt",
        /// The file or stream that is the alerts' only destination could not be written.
        SinkFailed = "sink_failed",
    }
}

causes! {
    /// A stage of a packet's way through a worker.
    Stage {
        /// Its headers are decoded.
        Decode = "decode",
        /// It is put into its flow.
        Flow = "flow",
        /// The rules run over it.
        Detect = "detect",
        /// Its alerts are put into the ring. Packets without alerts have no such stage.
        Report = "report",
    }
}

causes! {
    /// How far a flow has come. It says how long the flow may be silent, and how soon it makes room for
    /// others (the peer's flow states).
    FlowStage {
        /// Opened, and not answered yet; for TCP, its handshake is not complete.
        New = "new",
        /// Both sides have spoken; for TCP, its handshake is complete.
        Established = "established",
        /// TCP: reset, or ended by both sides.
        Closed = "closed",
        /// Not inspected any further.
        Bypassed = "bypassed",
    }
}

causes! {
    /// Why a flow ended, and in which [`FlowStage`] it was where that matters. Every flow that was created
    /// is in the table or in exactly one of these.
    FlowEnd {
        /// Silent for its time-out, not answered.
        TimedOutNew = "flows_timed_out_new",
        /// Silent for its time-out, established.
        TimedOutEstablished = "flows_timed_out_established",
        /// Silent for its time-out, closed.
        TimedOutClosed = "flows_timed_out_closed",
        /// Silent for its time-out, bypassed.
        TimedOutBypassed = "flows_timed_out_bypassed",
        /// Made room for another flow before its time-out, not answered.
        EvictedNew = "flows_evicted_new",
        /// Made room for another flow before its time-out, established.
        EvictedEstablished = "flows_evicted_established",
        /// Made room for another flow before its time-out, closed.
        EvictedClosed = "flows_evicted_closed",
        /// Made room for another flow before its time-out, bypassed.
        EvictedBypassed = "flows_evicted_bypassed",
        /// Closed, and its addresses and ports were opened again.
        Reused = "flows_reused",
        /// The worker came to its end.
        Shutdown = "flows_shutdown",
        /// A panic was caught, and the worker's table made anew.
        WorkerPanic = "flows_worker_panic",
    }
}

impl FlowEnd {
    /// The end of a flow that was silent too long in `stage`.
    #[must_use]
    pub const fn timed_out(stage: FlowStage) -> Self {
        match stage {
            FlowStage::New => Self::TimedOutNew,
            FlowStage::Established => Self::TimedOutEstablished,
            FlowStage::Closed => Self::TimedOutClosed,
            FlowStage::Bypassed => Self::TimedOutBypassed,
        }
    }

    /// The end of a flow that made room for another in `stage`.
    #[must_use]
    pub const fn evicted(stage: FlowStage) -> Self {
        match stage {
            FlowStage::New => Self::EvictedNew,
            FlowStage::Established => Self::EvictedEstablished,
            FlowStage::Closed => Self::EvictedClosed,
            FlowStage::Bypassed => Self::EvictedBypassed,
        }
    }
}

/// The counters of one worker. The worker is the only writer of every field.
///
/// Aligned to two cache lines, so that neighbours' counters never share a line (adjacent-line
/// prefetch included).
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct WorkerCounters {
    /// Packets taken from the source by this worker.
    pub rx_packets: Counter,
    /// Bytes of these packets, as captured.
    pub rx_bytes: Counter,
    /// Packets that this worker, as their owner, put through detection.
    pub inspected: Counter,
    /// Of these, packets that no rule looked at because a rule with `bypass` had matched in their flow.
    pub bypassed: Counter,
    /// Packets that ended without inspection, by [`PacketDrop`].
    pub drops: [Counter; PacketDrop::COUNT],
    /// Packets given to another worker because that one owns their flow.
    pub handover_sent: Counter,
    /// Packets taken from other workers.
    pub handover_received: Counter,
    /// Frames of several segments that were copied together.
    pub linearised: Counter,
    /// Packets inside of tunnels that were inspected beside the packet that carried them.
    pub inner_packets: Counter,
    /// Packets inside of tunnels that could not be decoded.
    pub inner_malformed: Counter,
    /// IP fragments.
    pub fragments: Counter,
    /// Packets put together of fragments, inspected beside these.
    pub reassembled: Counter,
    /// Datagrams of which not all fragments came in time.
    pub reassembly_timeouts: Counter,
    /// Datagrams that made room for others before all fragments had come.
    pub reassembly_evicted: Counter,
    /// Fragments that fit no datagram: too long, or of a length that cannot be.
    pub reassembly_refused: Counter,
    /// Fragments that overlap another with other bytes.
    pub reassembly_overlaps: Counter,
    /// Fragments lost because all buffers for whole packets were under way.
    pub reassembly_no_buffer: Counter,
    /// Packets put together that could not be decoded.
    pub reassembled_malformed: Counter,
    /// Packets put together that found the ring to the worker that owns their flow full.
    pub reassembled_lost: Counter,
    /// TCP streams.
    pub streams: StreamCounters,
    /// Packets by what was unusual about them, those included that could not be decoded. A packet may have
    /// several events.
    pub events: EventCounters,
    /// Payload bytes delivered to the prefilters.
    pub bytes_delivered: Counter,
    /// Payload bytes scanned by the prefilters.
    pub bytes_scanned: Counter,
    /// Rules that a prefilter named as candidates.
    pub candidates: Counter,
    /// Searches given up at a limit of the engine (documented in `docs/rule-support.md`).
    pub match_limit: Counter,
    /// Alerts raised, whether or not they found room in the ring.
    pub raised: Counter,
    /// Alerts that a rule's packet limit cut before they were raised.
    pub alert_limit: Counter,
    /// Alerts lost before the drain, by [`AlertDrop`].
    pub alert_drops: [Counter; AlertDrop::COUNT],
    /// Records longer than the limit, delivered cut.
    pub records_cut: Counter,
    /// Payload digests found in the cache.
    pub digest_hits: Counter,
    /// Payload digests computed.
    pub digest_misses: Counter,
    /// Flows created.
    pub flows_created: Counter,
    /// Flows that ended, by [`FlowEnd`].
    pub flow_ends: [Counter; FlowEnd::COUNT],
    /// Flows in the table now, those that are silent too long and not taken out yet included.
    pub flows: Counter,
    /// Times that so many flows were in the table that emergency time-outs applied.
    pub flows_emergency: Counter,
    /// Bursts with at least one packet.
    pub bursts: Counter,
    /// Polls that found nothing.
    pub idle_polls: Counter,
    /// Panics caught at a burst.
    pub panics: Counter,
    /// Generation that the worker uses now.
    pub generation: AtomicU32,
    /// Level of shedding now: 0 when every alert is put into the ring, else the number of severities
    /// that are not: 4 and lower, 3, 2.
    pub shedding: AtomicU32,
    /// 1 while emergency time-outs apply, else 0.
    pub flow_emergency: AtomicU32,
    /// Nanoseconds from one poll of the source to the next.
    pub poll_gap_ns: LatencyHistogram,
    /// Nanoseconds of a burst's service divided by its packets, one sample a burst.
    pub service_ns: LatencyHistogram,
    /// Nanoseconds of each [`Stage`] of the packets that are timed.
    pub stage_ns: [LatencyHistogram; Stage::COUNT],
    /// Nanoseconds of detection, from a decoded packet to its alerts in the ring, of the packets that are
    /// timed.
    pub detection_ns: LatencyHistogram,
}

impl WorkerCounters {
    /// Counts one packet that ends without inspection.
    #[inline]
    pub fn drop_packet(&self, cause: PacketDrop) {
        self.drops[cause as usize].increment();
    }

    /// Counts one flow that has ended.
    #[inline]
    pub fn end_flow(&self, end: FlowEnd) {
        self.flow_ends[end as usize].increment();
    }

    /// Counts one alert that is lost before the drain.
    #[inline]
    pub fn drop_alert(&self, cause: AlertDrop) {
        self.alert_drops[cause as usize].increment();
    }
}
