//! The flow as the slow twin keeps it: variables by name, tests straight from HIR.

use std::collections::{BTreeMap, BTreeSet};

use rules::hir::{
    Change, Effect, FlowTest, IntegerTest, Operand, Rule, StreamSides, StreamSizeTest, Way,
};

use crate::Inspect;

/// What rules have noted in one flow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables {
    /// Names of the bits that are set.
    pub bits: BTreeSet<String>,
    /// The integers that have a value.
    pub integers: BTreeMap<String, u32>,
    /// The flow's later packets are not to be inspected.
    pub bypassed: bool,
}

impl Variables {
    fn value(&self, operand: &Operand) -> u32 {
        match operand {
            Operand::Number(number) => *number,
            Operand::Variable(name) => self.integers.get(name).copied().unwrap_or(0),
        }
    }

    /// Makes the changes of `rule`.
    pub(super) fn apply(&mut self, rule: &Rule) {
        for effect in &rule.effects {
            match effect {
                Effect::SetBit(name) => {
                    self.bits.insert(name.clone());
                }
                Effect::UnsetBit(name) => {
                    self.bits.remove(name);
                }
                Effect::ToggleBit(name) => {
                    if !self.bits.remove(name) {
                        self.bits.insert(name.clone());
                    }
                }
                Effect::Integer { name, change, operand } => {
                    self.change(name, *change, self.value(operand));
                }
                Effect::Bypass => self.bypassed = true,
            }
        }
    }

    fn change(&mut self, name: &str, change: Change, by: u32) {
        match change {
            Change::Set => {
                self.integers.insert(name.to_owned(), by);
            }
            Change::Add => {
                let value = self.integers.entry(name.to_owned()).or_default();
                *value = value.wrapping_add(by);
            }
            Change::Subtract => {
                if let Some(value) = self.integers.get_mut(name) {
                    *value = value.wrapping_sub(by);
                }
            }
        }
    }
}

/// Whether `view` passes every test of the flow of `rule`.
pub(super) fn matches(rule: &Rule, view: &Inspect<'_>, variables: &Variables) -> bool {
    rule.flow.iter().all(|test| passes(test, view, variables))
}

fn passes(test: &FlowTest, view: &Inspect<'_>, variables: &Variables) -> bool {
    match (test, &view.flow) {
        // The rule's class says it.
        (FlowTest::Stream(_), _) => true,
        (FlowTest::Reassembled(reassembled), _) => view.reassembled == *reassembled,
        (FlowTest::Way(Way::ToServer) | FlowTest::Established(false), None) => true,
        (_, None) => false,
        (FlowTest::Member, Some(_)) => true,
        (FlowTest::Way(Way::ToServer), Some(flow)) => flow.to_server,
        (FlowTest::Way(Way::ToClient), Some(flow)) => !flow.to_server,
        (FlowTest::Established(true), Some(flow)) => flow.established,
        (FlowTest::Established(false), Some(flow)) => !flow.established,
        (FlowTest::Age(seconds), Some(flow)) => seconds.accepts(flow.age_s),
        (FlowTest::StreamSize(test), Some(flow)) => {
            flow.stream_sizes.is_some_and(|[client, server]| size(test, client, server))
        }
        (FlowTest::Bits { names, set: true }, Some(_)) => {
            names.iter().any(|name| variables.bits.contains(name))
        }
        (FlowTest::Bits { names, set: false }, Some(_)) => {
            !names.iter().all(|name| variables.bits.contains(name))
        }
        (FlowTest::Integer { name, test }, Some(_)) => match (test, variables.integers.get(name)) {
            (IntegerTest::Set, value) => value.is_some(),
            (IntegerTest::NotSet, value) => value.is_none(),
            (IntegerTest::Compare(comparison, operand), Some(left)) => {
                comparison.accepts(*left, variables.value(operand))
            }
            (IntegerTest::Compare(..), None) => false,
        },
    }
}

fn size(test: &StreamSizeTest, client: u32, server: u32) -> bool {
    let counted: &[u32] = match test.sides {
        StreamSides::Client => &[client],
        StreamSides::Server => &[server],
        StreamSides::Both | StreamSides::Either => &[client, server],
    };
    match test.sides {
        StreamSides::Either => counted.iter().any(|bytes| test.size.accepts(*bytes)),
        _ => counted.iter().all(|bytes| test.size.accepts(*bytes)),
    }
}
