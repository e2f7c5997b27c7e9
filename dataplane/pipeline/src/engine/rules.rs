//! The rules over a packet and what is due of its stream, and over what a flow leaves at its end.

use capture::Frame;
use contract::Stage;
use contract::record::PacketFacts;
use detect::{Inspect, PassScope};
use flow::{Direction, Ended, FlowCore, FlowStage};
use packet::Decoded;

use super::{Engine, Followed, lap};
use crate::clock::Clock;
use crate::detection::Subject;
use crate::flow_state::FlowState;
use crate::streams::Due;
use crate::view::{end_flow_view, end_view, flow_view, view};

/// Times that the rules look at what one direction of a flow leaves. A time takes what lies between two
/// gaps at least, so that only a flow that is full of them has more.
const ENDS_MAX: usize = 256;

impl<F: AsRef<[u8]> + Send, C: Clock> Engine<F, C> {
    /// Runs the rules over one packet with `payload`, and over what is due of its stream.
    pub(super) fn detect(
        &mut self,
        frame: &Frame<'_>,
        decoded: &Decoded,
        payload: &[u8],
        followed: &Followed,
        rx_ns: u64,
    ) {
        let tracked = &followed.tracked;
        let Some(flow) = self.flows.table.get(followed.reference) else { return };
        let due = if tracked.due {
            self.streams.due(&flow.state.stream, followed.direction)
        } else {
            Due::NONE
        };
        let in_flow = flow_view(decoded, &followed.core, followed.direction, tracked);
        // A packet without a flow is the first of its own.
        let first_in_direction = followed.addresses_due || in_flow.is_none();
        let mut view = Inspect {
            in_stream: tracked.in_stream,
            chunks: due.pieces(),
            flow: in_flow,
            ..view(decoded, frame.bytes, payload, first_in_direction)
        };
        view.events.merge(&tracked.events);
        let outcome = self.detection.inspect(&view, &mut flow.state.variables);
        flow.state.detect.passed |= outcome.pass == Some(PassScope::Flow);
        if outcome.bypass {
            flow.state.bypassed = true;
            flow.core.set_stage(FlowStage::Bypassed);
        }
        lap(&mut self.laps, Stage::Detect, &self.clock, &self.counters);
        if self.detection.has_alerts() {
            let subject = Subject {
                tuple: Some(&decoded.tuple),
                payload: decoded.payload.of(frame.bytes),
                flow: Some(&followed.core),
                direction: followed.direction,
                ..Subject::of_frame(&frame.meta, decoded.vlan, rx_ns)
            };
            self.detection.raise(&view, &subject, self.clock.now_ns());
            lap(&mut self.laps, Stage::Report, &self.clock, &self.counters);
        }
        if tracked.due {
            self.streams.inspected(&mut flow.state.stream, followed.direction);
        }
    }

    /// Lets what is due with a packet pass without a look at it.
    pub(super) fn pass_over(&mut self, followed: &Followed) {
        if let Some(flow) = self.flows.table.get(followed.reference) {
            self.streams.inspected(&mut flow.state.stream, followed.direction);
        }
    }

    /// The end of a flow that is out of the table: the rules look at what is left of its stream.
    pub(super) fn end_flow(&mut self, ended: Ended<FlowState>) {
        self.counters.end_flow(ended.end);
        let Ended { core, mut state, .. } = ended;
        let left = self.streams.finish(&mut state.stream);
        for direction in [Direction::ToServer, Direction::ToClient] {
            if left[direction.index()] && !state.detect.passed && !state.bypassed {
                self.counters.streams.flow_ends_inspected.increment();
                self.inspect_end(&core, &mut state, direction);
            }
        }
        self.streams.release(&mut state.stream);
    }

    fn inspect_end(&mut self, core: &FlowCore, state: &mut FlowState, direction: Direction) {
        let tuple = core.tuple(direction);
        let now_ns = self.clock.now_ns();
        for _ in 0..ENDS_MAX {
            let due = self.streams.due(&state.stream, direction);
            if due.pieces().is_empty() {
                break;
            }
            let flow = end_flow_view(core, direction, state.stream.sizes());
            let view = end_view(tuple, due.pieces(), flow);
            self.detection.inspect(&view, &mut state.variables);
            if self.detection.has_alerts() {
                let subject = Subject {
                    tuple: Some(&tuple),
                    payload: &[],
                    packet: PacketFacts { vlan: core.key.vlan, ..PacketFacts::default() },
                    number: 0,
                    flow: Some(core),
                    direction,
                    // Where packets bring times of their own, flows have these.
                    timestamp_ns: self.flows.has_packet_times().then_some(core.last_ns),
                    rx_ns: now_ns,
                };
                self.detection.raise(&view, &subject, self.clock.now_ns());
            }
            self.streams.inspected(&mut state.stream, direction);
        }
    }
}
