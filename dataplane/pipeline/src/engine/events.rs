//! Packets that could not be decoded: rules about events see them all the same.

use capture::Frame;
use detect::FlowVariables;
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
            let subject = Subject::of_frame(&frame.meta, undecoded.vlan, rx_ns);
            self.detection.raise(&view, &subject, self.clock.now_ns());
        }
        self.end(undecoded.error.into());
    }
}
