//! Packets inside of packets: what a tunnel carries, and what fragments are put together to.
//!
//! None of them is in `rx`: the frame is received once, and each packet in it is inspected.

use capture::{Frame, FrameMeta};
use contract::{EventSet, LinkType};
use packet::{Decoded, Fragment};

use super::Engine;
use crate::clock::Clock;
use crate::handover::{Carried, Handed};
use crate::reassembly::Whole;

impl<F: AsRef<[u8]> + Send, C: Clock> Engine<F, C> {
    /// A packet, and what is inside of it: the packet that it carries, or that it completes. As in the
    /// peer, what is inside comes first. Goes no deeper than [`packet::TUNNEL_DEPTH_MAX`].
    pub(super) fn inspect_layers(&mut self, frame: &Frame<'_>, decoded: &Decoded, rx_ns: u64) {
        let carries = decoded.tunnel.is_some() && self.inspect_inner(frame, decoded, rx_ns);
        let Some(fragment) = &decoded.fragment else {
            self.inspect_packet(frame, decoded, carries, rx_ns);
            return;
        };
        self.counters.fragments.increment();
        let mut decoded = *decoded;
        let unusual = self.reassemble(frame, &decoded, fragment, rx_ns);
        decoded.events.merge(&unusual);
        self.inspect_packet(frame, &decoded, carries, rx_ns);
    }

    /// Takes in a fragment; inspects the packet that is whole with it, or gives it to its owner. What is
    /// unusual about the fragment.
    fn reassemble(
        &mut self,
        frame: &Frame<'_>,
        decoded: &Decoded,
        fragment: &Fragment,
        rx_ns: u64,
    ) -> EventSet {
        let hash = self.owners.fragment_hash(decoded, fragment);
        let packet_ns = frame.meta.timestamp_ns.unwrap_or(rx_ns);
        let (reassembly, counters) = (&mut self.reassembly, &self.counters);
        let whole = reassembly.insert(decoded, fragment, frame.bytes, hash, packet_ns, counters);
        // Kept: inside of the whole there may be fragments again.
        let unusual = self.reassembly.events;
        let Some(whole) = whole else { return unusual };
        let bytes = whole.as_ref();
        match packet::decode(LinkType::RAW, bytes) {
            Ok(mut inner) => {
                // As the fragments were tagged, and as deep as they lay.
                (inner.vlan, inner.depth) = (decoded.vlan, decoded.depth);
                inner.reassembled = true;
                self.inspect_whole(whole, &inner, &frame.meta, rx_ns);
            }
            Err(_) => {
                self.counters.reassembled_malformed.increment();
                self.reassembly.give_back(whole);
            }
        }
        unusual
    }

    fn inspect_whole(&mut self, whole: Whole, decoded: &Decoded, meta: &FrameMeta, rx_ns: u64) {
        if self.settings.workers > 1 {
            let innermost = packet::innermost(decoded, whole.as_ref());
            let owner = self.owners.owner(&innermost, self.settings.workers);
            if owner != self.index {
                self.send_whole(whole, decoded, meta, owner, rx_ns);
                return;
            }
        }
        let frame = Frame { bytes: whole.as_ref(), meta: *meta };
        self.inspect_layers(&frame, decoded, rx_ns);
        self.reassembly.give_back(whole);
    }

    /// Gives a whole packet to the worker that owns its flow.
    fn send_whole(
        &mut self,
        whole: Whole,
        decoded: &Decoded,
        meta: &FrameMeta,
        owner: u16,
        rx_ns: u64,
    ) {
        match self.reassembly.pack(whole) {
            Some(parcel) if self.mesh.has_room(owner) => {
                let frame = Carried::Whole(parcel, self.index);
                self.mesh.send(owner, Handed { frame, meta: *meta, decoded: *decoded, rx_ns });
            }
            Some(parcel) => {
                self.counters.reassembled_lost.increment();
                self.reassembly.unpack(parcel);
            }
            None => self.counters.reassembled_lost.increment(),
        }
    }

    /// Inspects the packet that `outer` carries; whether there is one.
    fn inspect_inner(&mut self, frame: &Frame<'_>, outer: &Decoded, rx_ns: u64) -> bool {
        match packet::decode_inner(outer, frame.bytes) {
            None => false,
            Some(Ok(inner)) if !inner.cut => {
                self.inspect_layers(frame, &inner, rx_ns);
                self.counters.inner_packets.increment();
                true
            }
            Some(_) => {
                self.counters.inner_malformed.increment();
                false
            }
        }
    }
}
