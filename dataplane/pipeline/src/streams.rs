//! The TCP streams of a worker: which segments belong to them, their payload, and what of it is due.
//!
//! What of a direction's stream is due is inspected on packets of that direction, as in the peer
//! (Suricata 7.0.10): acknowledged bytes once there are enough of them, or once the connection comes to its
//! end; what is left then, at the end of the flow.

use contract::{Event, EventSet, FlowStage, StreamCounters};
use flow::stream::{Arena, ArenaSettings, Chunk, Half, Inserted, PIECES_MAX, StreamSettings};
use flow::tcp::{Segment, SegmentOptions, Session, SessionSettings, Stage, TcpState, Timestamps};
use flow::{Direction, FlowCore};
use packet::TcpFacts;

use crate::settings::Settings;

/// What a flow keeps of its stream.
#[derive(Debug, Default)]
pub(crate) struct FlowStream {
    session: Session,
    halves: [Half; 2],
}

/// What a packet did to its stream.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tracked {
    /// Its payload went into the stream.
    pub(crate) in_stream: bool,
    /// `flow:established` holds for it.
    pub(crate) established: bool,
    /// How far the sequence numbers of client and server have come; `None` without a connection.
    pub(crate) sizes: Option<[u32; 2]>,
    /// Bytes of its direction are due.
    pub(crate) due: bool,
    /// What was noticed.
    pub(crate) events: EventSet,
}

/// The pieces of a stream that are due.
pub(crate) struct Due<'a> {
    pieces: [&'a [u8]; PIECES_MAX],
    count: usize,
}

impl FlowStream {
    /// How far the sequence numbers of client and server have come; `None` without a connection.
    pub(crate) fn sizes(&self) -> Option<[u32; 2]> {
        self.session.sizes()
    }
}

impl<'a> Due<'a> {
    /// Nothing is due.
    pub(crate) const NONE: Self = Self { pieces: [&[]; PIECES_MAX], count: 0 };

    /// In the order of the stream.
    pub(crate) fn pieces(&self) -> &[&'a [u8]] {
        self.pieces.get(..self.count).unwrap_or(&[])
    }
}

/// A worker's memory of streams.
pub(crate) struct Streams {
    arena: Arena,
    stream: StreamSettings,
    session: SessionSettings,
}

impl Streams {
    /// Takes the memory of all windows.
    pub(crate) fn new(settings: &Settings) -> Self {
        let memory = ArenaSettings::of_bytes(settings.stream_bytes_max);
        Self {
            arena: Arena::new(&memory, &settings.stream),
            stream: settings.stream,
            session: settings.session,
        }
    }

    /// Whether `segment` begins a new connection where the one of `stream` has ended.
    pub(crate) fn opens_anew(&self, stream: &FlowStream, segment: &Segment) -> bool {
        stream.session.is_superseded(segment, &self.session)
    }

    /// Takes in a segment of the flow `core` with its `payload`, as far as it belongs to the stream.
    pub(crate) fn take(
        &mut self,
        stream: &mut FlowStream,
        core: &mut FlowCore,
        segment: &Segment,
        payload: &[u8],
        counters: &StreamCounters,
    ) -> Tracked {
        let verdict = stream.session.packet(segment, self.stream.policy.into(), &self.session);
        let mut direction = segment.direction;
        if verdict.reversed {
            core.exchange_sides();
            direction = direction.opposite();
        }
        if core.stage() != FlowStage::Bypassed {
            core.set_stage(stage(stream.session.stage()));
        }
        let mut tracked = Tracked {
            established: verdict.established,
            sizes: stream.sizes(),
            events: verdict.events,
            ..Tracked::default()
        };
        let own = direction.index();
        for (half, begin) in stream.halves.iter_mut().zip(verdict.begin) {
            if let Some(seq) = begin {
                half.begin(seq, self.stream.policy, &self.stream);
                // No application layer reads yet.
                half.app_off();
            }
        }
        let [half, other] = match stream.halves.each_mut() {
            [to_server, to_client] if own == 0 => [to_server, to_client],
            [to_server, to_client] => [to_client, to_server],
        };
        if let Some(seq) = verdict.data.filter(|_| !payload.is_empty()) {
            let inserted = half.insert(&mut self.arena, seq, payload);
            // What finds no place in the stream is inspected as a packet.
            tracked.in_stream = inserted.no_memory == 0
                && inserted.unwanted == 0
                && !half.is_before_start(seq, segment.payload_len);
            note(&inserted, &mut tracked.events, counters);
        }
        if let Some(seq) = verdict.fin {
            half.fin(seq);
        }
        if verdict.reset {
            half.acknowledge_stored(&self.arena);
        }
        if let Some(ack) = verdict.acked {
            other.acknowledge(ack);
            while let Some(gap) = other.skip_gap(&self.arena) {
                counters.gaps.increment();
                counters.gap_bytes.add(gap.bytes);
                stream.session.note_gap();
                tracked.events.insert(Event::StreamReassemblySeqGap);
            }
        }
        if stream.session.is_one_sided() {
            // Nobody will acknowledge it.
            half.acknowledge(segment.seq.wrapping_add(segment.payload_len));
        }
        let enough = u64::from(self.stream.chunk(direction)).max(1);
        let due = half.raw_due();
        // The peer's order of states: from here on the connection comes to its end.
        let ends = verdict.state > TcpState::TimeWait;
        if !verdict.refused {
            tracked.due = due >= enough || (ends && due > 0);
        } else if due >= enough
            && !payload.is_empty()
            && half.is_acknowledged(segment.seq, segment.payload_len)
        {
            // What is refused says nothing of the connection, unless it repeats what was acknowledged.
            (tracked.in_stream, tracked.due) = (true, true);
        }
        tracked
    }

    /// What is due of `direction`.
    pub(crate) fn due<'a>(&'a self, stream: &FlowStream, direction: Direction) -> Due<'a> {
        let mut chunks = [Chunk::NONE; PIECES_MAX];
        let count = stream.halves[direction.index()].raw_pieces(&self.arena, &mut chunks);
        Due { pieces: chunks.map(|chunk| chunk.bytes), count }
    }

    /// What was due has been inspected.
    pub(crate) fn inspected(&mut self, stream: &mut FlowStream, direction: Direction) {
        let half = &mut stream.halves[direction.index()];
        half.raw_done(&self.arena);
        half.slide(&mut self.arena);
        if let Some(seq) = half.first_needed() {
            stream.session.slide(direction, seq);
        }
    }

    /// Nothing more will come: all that is there is due. Whether something is, by direction.
    pub(crate) fn finish(&self, stream: &mut FlowStream) -> [bool; 2] {
        stream.halves.each_mut().map(|half| {
            half.finish(&self.arena);
            half.raw_due() > 0
        })
    }

    /// Shows how much memory is in use.
    pub(crate) fn show(&self, counters: &StreamCounters) {
        counters.memory_bytes.set(self.arena.bytes_used() as u64);
    }

    /// Gives the memory back at the end of the flow.
    pub(crate) fn release(&mut self, stream: &mut FlowStream) {
        for half in &mut stream.halves {
            half.release(&mut self.arena);
        }
    }
}

/// Counts what became of a segment's payload.
fn note(inserted: &Inserted, events: &mut EventSet, counters: &StreamCounters) {
    counters.segments.increment();
    counters.bytes.add(inserted.new.into());
    for (counter, bytes) in [
        (&counters.duplicate_bytes, inserted.duplicate),
        (&counters.beyond_depth_bytes, inserted.beyond_depth),
        (&counters.beyond_window_bytes, inserted.beyond_window),
        (&counters.no_memory_bytes, inserted.no_memory),
        (&counters.pieces_bytes, inserted.too_many_pieces),
    ] {
        if bytes > 0 {
            counter.add(bytes.into());
        }
    }
    if inserted.differs {
        counters.overlaps.increment();
        events.insert(Event::StreamReassemblyOverlapDifferentData);
    }
    if inserted.beyond_depth > 0 {
        events.insert(Event::StreamReassemblyDepthReached);
    }
    if inserted.no_memory > 0 {
        events.insert(Event::StreamReassemblyInsertMemcap);
    }
    if inserted.too_many_pieces > 0 {
        events.insert(Event::StreamReassemblyInsertLimit);
    }
}

/// What the session looks at of a decoded segment.
pub(crate) fn segment(
    tcp: &TcpFacts,
    direction: Direction,
    payload: &[u8],
    packet_ns: u64,
) -> Segment {
    let options = &tcp.options;
    Segment {
        direction,
        seq: tcp.seq,
        ack: tcp.ack,
        window: tcp.window,
        flags: tcp.flags,
        payload_len: payload.len() as u32,
        options: SegmentOptions {
            window_scale: options.window_scale,
            sack_permitted: options.sack_permitted,
            timestamps: options.timestamp.map(|(value, echo)| Timestamps { value, echo }),
            fast_open: options.fast_open,
            signed: false,
        },
        now_ns: packet_ns,
    }
}

/// How far a flow is whose connection is at `stage`.
const fn stage(stage: Stage) -> FlowStage {
    match stage {
        Stage::New => FlowStage::New,
        Stage::Established => FlowStage::Established,
        Stage::Closed => FlowStage::Closed,
    }
}
