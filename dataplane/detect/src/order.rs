//! The order in which rules are looked at and raised: action (pass, drop, reject, alert), then what the
//! rule does with flow variables, then priority, then the order in the rules file; the peer's default
//! (`action-order`).

use rules::hir::{Action, Effect, FlowTest, Rule};

/// Place of a rule in the order; smaller is earlier.
pub(crate) type Rank = (u8, u8, u8, u8);

/// Sort key of `rule`; rules of one key stay in the order in which they were given.
pub(crate) fn rank(rule: &Rule) -> Rank {
    let action = match rule.action {
        Action::Pass => 0,
        Action::Drop => 1,
        Action::Reject => 2,
        Action::Alert => 3,
    };
    let reads_bit = rule.flow.iter().any(|test| matches!(test, FlowTest::Bits { .. }));
    let writes_bit = rule.effects.iter().any(|effect| {
        matches!(effect, Effect::SetBit(_) | Effect::UnsetBit(_) | Effect::ToggleBit(_))
    });
    let reads_integer = rule.flow.iter().any(|test| matches!(test, FlowTest::Integer { .. }));
    let writes_integer = rule.effects.iter().any(|effect| matches!(effect, Effect::Integer { .. }));
    let (bits, integers) = (part(writes_bit, reads_bit), part(writes_integer, reads_integer));
    (action, bits, integers, rule.meta.priority)
}

/// Rules that write variables come before those that read them, so that what the first note is seen by
/// the others on the same packet; rules that do neither come last.
const fn part(writes: bool, reads: bool) -> u8 {
    match (writes, reads) {
        (true, false) => 0,
        (true, true) => 1,
        (false, true) => 2,
        (false, false) => 3,
    }
}

/// Whether `rule` stands for two directed rules: a `<>` between equal ends is one, as in the peer.
pub(crate) fn both_ways(rule: &Rule) -> bool {
    rule.bidirectional && rule.source != rule.destination
}
