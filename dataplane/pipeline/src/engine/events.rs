//! Packets that could not be decoded: rules about events see them all the same.

use capture::Frame;
use contract::record::PacketFacts;
use detect::FlowVariables;
use flow::Direction;
use packet::Undecoded;

use super::Engine;
use crate::clock::Clock;
use crate::detection::Subject;
use crate::view::undecoded_view;

impl<F: AsRef<[u8]> + Send, C: Clock> Engine<F, C> {
    /// Rules about events on a frame that could not be decoded, which ends here. It belongs to no flow, so
    /// the worker that received it does this. Its alerts are without addresses and flow, as in the peer.
    pub(super) fn inspect_undecoded(
        &mut self,
        frame: &Frame<'_>,
        undecoded: &Undecoded,
        rx_ns: u64,
    ) {
        self.counters.events.count(&undecoded.events);
        let view = undecoded_view(undecoded);
        self.detection.inspect(&view, &mut FlowVariables::default());
        if self.detection.has_alerts() {
            let subject = Subject {
                tuple: None,
                payload: &[],
                packet: PacketFacts {
                    wire_length: frame.meta.wire_length,
                    payload_length: 0,
                    vlan: undecoded.vlan,
                    port: frame.meta.port,
                },
                number: frame.meta.number,
                flow: None,
                direction: Direction::ToClient,
                timestamp_ns: frame.meta.timestamp_ns,
                rx_ns,
            };
            self.detection.raise(&view, &subject, self.clock.now_ns());
        }
        self.end(undecoded.error.into());
    }
}
