//! What the pipeline keeps with every flow, beside its [`flow::FlowCore`]: one field a stage.
//!
//! The application layer's field comes with that stage.

use detect::FlowVariables;
use flow::Direction;

use crate::streams::FlowStream;

/// State of a flow's stages.
#[derive(Debug, Default)]
pub(crate) struct FlowState {
    /// TCP's.
    pub(crate) stream: FlowStream,
    /// Detection's, under the rules of one generation.
    pub(crate) detect: FlowDetect,
    /// What rules have noted. It outlives a change of the rules.
    pub(crate) variables: FlowVariables,
    /// A rule has ended the inspection of the flow. As in the peer, a change of the rules does not take it
    /// up again.
    pub(crate) bypassed: bool,
}

/// What detection has done for a flow, and under which generation of the rules.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FlowDetect {
    generation: u32,
    /// Address-only rules have been evaluated, by direction.
    addresses_done: [bool; 2],
    /// A rule lets the whole flow pass without inspection.
    pub(crate) passed: bool,
}

impl FlowDetect {
    /// Forgets what another generation did.
    pub(crate) fn meet(&mut self, generation: u32) {
        if self.generation != generation {
            *self = Self { generation, ..Self::default() };
        }
    }

    /// Whether address-only rules are due for a packet of `direction`: once for each direction of a flow,
    /// and again after a change of rules.
    pub(crate) fn addresses_due(&mut self, direction: Direction) -> bool {
        !std::mem::replace(&mut self.addresses_done[direction.index()], true)
    }
}

#[cfg(test)]
mod tests {
    use flow::Direction::{ToClient, ToServer};

    use super::FlowDetect;

    #[test]
    fn once_for_each_direction_and_generation() {
        let mut flow = FlowDetect::default();
        let packets = [(ToServer, 1), (ToServer, 1), (ToClient, 1), (ToClient, 2), (ToServer, 2)];
        let due = packets.map(|(direction, generation)| {
            flow.meet(generation);
            flow.addresses_due(direction)
        });
        assert_eq!(due, [true, false, true, true, true]);
    }

    #[test]
    fn a_change_of_rules_ends_a_pass() {
        let mut flow = FlowDetect::default();
        flow.meet(1);
        flow.passed = true;
        flow.meet(1);
        assert!(flow.passed);
        flow.meet(2);
        assert!(!flow.passed);
    }
}
