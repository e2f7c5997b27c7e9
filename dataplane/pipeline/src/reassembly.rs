//! Fragments put together, and the buffers in which the whole packets lie.
//!
//! A whole packet is inspected by the worker that owns its flow, which may be another than the one that owns
//! its fragments: it goes there in a parcel that comes back. All buffers are made once.

use contract::{EventSet, WorkerCounters};
use flow::defrag::{DatagramKey, Defrag, Outcome, Piece, WHOLE_BYTES_MAX};
use packet::{Decoded, Fragment};

use crate::settings::Settings;

/// Whole packets that may be inspected at the same time: one in each of nested tunnels. Without a free buffer
/// the fragment is dropped (`reassembly_no_buffer`).
const BUFFERS: usize = 8;
/// Bytes and number of the parcels in which whole packets go to other workers, by size. Where no parcel is
/// free the packet is lost (`reassembled_lost`).
const PARCELS: [(usize, usize); 2] = [(4_096, 1_024), (WHOLE_BYTES_MAX, 32)];
/// Parcels of a worker.
pub(crate) const PARCELS_MAX: usize = PARCELS[0].1 + PARCELS[1].1;

/// A packet put together of fragments.
pub(crate) struct Whole {
    buffer: Box<[u8]>,
    bytes: usize,
}

impl AsRef<[u8]> for Whole {
    fn as_ref(&self) -> &[u8] {
        self.buffer.get(..self.bytes).unwrap_or(&[])
    }
}

/// One worker's fragments.
pub(crate) struct Reassembly {
    defrag: Defrag,
    /// VLAN tags tell datagrams apart.
    by_vlan: bool,
    buffers: Vec<Box<[u8]>>,
    /// Free parcels, as in [`PARCELS`].
    parcels: [Vec<Box<[u8]>>; PARCELS.len()],
    /// What was unusual about the fragment that was taken in last.
    pub(crate) events: EventSet,
}

impl Reassembly {
    pub(crate) fn new(settings: &Settings) -> Self {
        let buffers = |bytes: usize, count: usize| {
            (0..count).map(|_| vec![0; bytes].into_boxed_slice()).collect()
        };
        // A lone worker owns every flow.
        let share = if settings.workers > 1 { 1 } else { 0 };
        Self {
            defrag: Defrag::new(settings.defrag, settings.defrag_policy),
            by_vlan: settings.vlan_tracking,
            buffers: buffers(WHOLE_BYTES_MAX, BUFFERS),
            parcels: PARCELS.map(|(bytes, count)| buffers(bytes, count * share)),
            events: EventSet::EMPTY,
        }
    }

    /// Takes in `fragment`, with which `decoded` was read from `frame`. The whole packet, where it was the
    /// last that lacked.
    pub(crate) fn insert(
        &mut self,
        decoded: &Decoded,
        fragment: &Fragment,
        frame: &[u8],
        hash: u64,
        packet_ns: u64,
        counters: &WorkerCounters,
    ) -> Option<Whole> {
        self.events = EventSet::EMPTY;
        let Some(mut buffer) = self.buffers.pop() else {
            counters.reassembly_no_buffer.increment();
            return None;
        };
        let key = DatagramKey {
            source: decoded.tuple.source,
            destination: decoded.tuple.destination,
            id: fragment.id,
            protocol: decoded.tuple.protocol,
            vlan: if self.by_vlan { decoded.vlan } else { [0; 2] },
            depth: decoded.depth,
        };
        let part = |start: u32, end: u32| frame.get(start as usize..end as usize).unwrap_or(&[]);
        let piece = Piece {
            head: part(decoded.network_offset, fragment.head_end),
            next_header_at: (fragment.next_header_at.saturating_sub(decoded.network_offset))
                as usize,
            data: part(decoded.transport_offset, decoded.network_end),
            protocol: fragment.protocol,
            offset: fragment.offset,
            more: fragment.more,
        };
        let outcome = self.defrag.insert(&key, hash, &piece, packet_ns, &mut buffer);
        self.events = self.defrag.events(outcome, key.source.is_ipv4());
        self.count(counters);
        match outcome {
            Outcome::Whole(bytes) => Some(Whole { buffer, bytes }),
            Outcome::Waiting | Outcome::GivenUp(_) => {
                self.buffers.push(buffer);
                None
            }
        }
    }

    /// Takes a whole packet's buffer back.
    pub(crate) fn give_back(&mut self, whole: Whole) {
        if self.buffers.len() < BUFFERS {
            self.buffers.push(whole.buffer);
        }
    }

    /// Puts a whole packet into a parcel, and takes its own buffer back. `None` where no parcel is free.
    pub(crate) fn pack(&mut self, whole: Whole) -> Option<Whole> {
        let class = PARCELS.iter().position(|(bytes, _)| whole.bytes <= *bytes)?;
        let parcel = self.parcels[class].pop().map(|mut buffer| {
            buffer[..whole.bytes].copy_from_slice(whole.as_ref());
            Whole { buffer, bytes: whole.bytes }
        });
        self.give_back(whole);
        parcel
    }

    /// Takes a parcel back.
    pub(crate) fn unpack(&mut self, parcel: Whole) {
        let class = PARCELS.iter().position(|(bytes, _)| parcel.buffer.len() == *bytes);
        // After a panic there may be more of them than were made.
        if let Some(class) = class
            && self.parcels[class].len() < PARCELS[class].1
        {
            self.parcels[class].push(parcel.buffer);
        }
    }

    fn count(&self, counters: &WorkerCounters) {
        let counts = self.defrag.counts();
        counters.reassembled.set(counts.whole);
        counters.reassembly_timeouts.set(counts.timed_out);
        counters.reassembly_evicted.set(counts.evicted);
        counters.reassembly_refused.set(counts.given_up.iter().sum());
        counters.reassembly_overlaps.set(counts.overlaps);
    }
}
