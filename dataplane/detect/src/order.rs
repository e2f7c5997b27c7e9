//! The order in which matching rules are raised: action (pass, drop, reject, alert), then priority,
//! then the order in the rules file; the peer's default (`action-order`).

use rules::hir::{Action, Rule};

/// Sort key of `rule`; rules of one key stay in the order in which they were given.
pub(crate) const fn rank(rule: &Rule) -> (u8, u8) {
    let action = match rule.action {
        Action::Pass => 0,
        Action::Drop => 1,
        Action::Reject => 2,
        Action::Alert => 3,
    };
    (action, rule.meta.priority)
}

/// Whether `rule` stands for two directed rules: a `<>` between equal ends is one, as in the peer.
pub(crate) fn both_ways(rule: &Rule) -> bool {
    rule.bidirectional && rule.source != rule.destination
}
