//! What one rule asks of a flow and changes in it, its names resolved.

use rules::hir::{
    Change, Comparison, Effect, FlowTest, IntegerTest, NumberTest, Operand, Rule, StreamSides,
    StreamSizeTest, Way,
};

use super::names::Names;
use super::variables::FlowVariables;
use crate::error::RefusalReason;
use crate::{FlowView, Inspect};

/// The tests of the flow of one rule, and what its match changes.
#[derive(Debug)]
pub(crate) struct FlowProgram {
    checks: Box<[Check]>,
    steps: Box<[Step]>,
}

/// A test, its names resolved.
#[derive(Debug)]
enum Check {
    Member,
    Way(Way),
    Established(bool),
    Reassembled(bool),
    Age(NumberTest),
    StreamSize(StreamSizeTest),
    Bits { numbers: Box<[u16]>, set: bool },
    Valued { number: u16, valued: bool },
    Compare { number: u16, comparison: Comparison, with: Value },
}

/// A change, its names resolved.
#[derive(Debug)]
enum Step {
    SetBit(u16),
    UnsetBit(u16),
    ToggleBit(u16),
    Integer { number: u16, change: Change, by: Value },
    Bypass,
}

/// A number, or the integer that has it.
#[derive(Clone, Copy, Debug)]
enum Value {
    Number(u32),
    Integer(u16),
}

impl Value {
    #[inline]
    fn of(self, variables: &FlowVariables) -> u32 {
        match self {
            Self::Number(number) => number,
            Self::Integer(number) => variables.integer(number).unwrap_or(0),
        }
    }
}

impl FlowProgram {
    /// The program of `rule`; its names get numbers unless they have them.
    ///
    /// # Errors
    /// There is no number left for a name.
    pub(crate) fn compile(rule: &Rule, names: &mut Names) -> Result<Self, RefusalReason> {
        let checks = rule.flow.iter().filter_map(|test| Check::of(test, names).transpose());
        let checks = checks.collect::<Result<_, _>>()?;
        let steps = rule.effects.iter().map(|effect| Step::of(effect, names));
        Ok(Self { checks, steps: steps.collect::<Result<_, _>>()? })
    }

    /// Whether the rule needs the flow's variables.
    pub(crate) fn uses_variables(&self) -> bool {
        let asks = |check: &Check| {
            matches!(check, Check::Bits { .. } | Check::Valued { .. } | Check::Compare { .. })
        };
        self.checks.iter().any(asks) || self.steps.iter().any(|step| !matches!(step, Step::Bypass))
    }

    /// Whether a match changes something.
    #[inline]
    pub(crate) const fn changes(&self) -> bool {
        !self.steps.is_empty()
    }

    /// Whether `view` passes every test.
    #[inline]
    pub(crate) fn matches(&self, view: &Inspect<'_>, variables: &FlowVariables) -> bool {
        self.checks.iter().all(|check| check.passes(view, variables))
    }

    /// Makes the changes; whether the flow is to be bypassed.
    pub(crate) fn apply(&self, variables: &mut FlowVariables) -> bool {
        let mut bypass = false;
        for step in &self.steps {
            match *step {
                Step::SetBit(number) => variables.set_bit(number, true),
                Step::UnsetBit(number) => variables.set_bit(number, false),
                Step::ToggleBit(number) => variables.set_bit(number, !variables.bit(number)),
                Step::Integer { number, change, by } => {
                    change_integer(variables, number, change, by);
                }
                Step::Bypass => bypass = true,
            }
        }
        bypass
    }
}

fn change_integer(variables: &mut FlowVariables, number: u16, change: Change, by: Value) {
    let by = by.of(variables);
    let old = variables.integer(number);
    let new = match (change, old) {
        (Change::Set, _) => by,
        (Change::Add, old) => old.unwrap_or(0).wrapping_add(by),
        (Change::Subtract, Some(old)) => old.wrapping_sub(by),
        (Change::Subtract, None) => return,
    };
    variables.set_integer(number, new);
}

impl Check {
    /// `None` where the rule's class says all that the test asks.
    fn of(test: &FlowTest, names: &mut Names) -> Result<Option<Self>, RefusalReason> {
        Ok(Some(match test {
            FlowTest::Member => Self::Member,
            FlowTest::Way(way) => Self::Way(*way),
            FlowTest::Established(established) => Self::Established(*established),
            FlowTest::Stream(_) => return Ok(None),
            FlowTest::Reassembled(reassembled) => Self::Reassembled(*reassembled),
            FlowTest::Age(seconds) => Self::Age(*seconds),
            FlowTest::StreamSize(test) => Self::StreamSize(*test),
            FlowTest::Bits { names: bits, set } => {
                let numbers = bits.iter().map(|name| names.bit(name)).collect::<Result<_, _>>()?;
                Self::Bits { numbers, set: *set }
            }
            FlowTest::Integer { name, test } => {
                let number = names.integer(name)?;
                match test {
                    IntegerTest::Set => Self::Valued { number, valued: true },
                    IntegerTest::NotSet => Self::Valued { number, valued: false },
                    IntegerTest::Compare(comparison, operand) => {
                        let with = value(operand, names)?;
                        Self::Compare { number, comparison: *comparison, with }
                    }
                }
            }
        }))
    }

    #[inline]
    fn passes(&self, view: &Inspect<'_>, variables: &FlowVariables) -> bool {
        let flow = view.flow.as_ref();
        match self {
            Self::Member => flow.is_some(),
            Self::Way(way) => way_passes(*way, flow),
            Self::Established(established) => established_passes(*established, flow),
            Self::Reassembled(reassembled) => view.reassembled == *reassembled,
            Self::Age(seconds) => flow.is_some_and(|flow| seconds.accepts(flow.age_s)),
            Self::StreamSize(test) => flow
                .and_then(|flow| flow.stream_sizes)
                .is_some_and(|sizes| size_passes(test, sizes)),
            Self::Bits { numbers, set } => {
                flow.is_some() && numbers.iter().any(|number| variables.bit(*number) == *set)
            }
            Self::Valued { number, valued } => {
                flow.is_some() && variables.integer(*number).is_some() == *valued
            }
            Self::Compare { number, comparison, with } => {
                let left = variables.integer(*number).filter(|_| flow.is_some());
                left.is_some_and(|left| comparison.accepts(left, with.of(variables)))
            }
        }
    }
}

impl Step {
    fn of(effect: &Effect, names: &mut Names) -> Result<Self, RefusalReason> {
        Ok(match effect {
            Effect::SetBit(name) => Self::SetBit(names.bit(name)?),
            Effect::UnsetBit(name) => Self::UnsetBit(names.bit(name)?),
            Effect::ToggleBit(name) => Self::ToggleBit(names.bit(name)?),
            Effect::Integer { name, change, operand } => Self::Integer {
                number: names.integer(name)?,
                change: *change,
                by: value(operand, names)?,
            },
            Effect::Bypass => Self::Bypass,
        })
    }
}

fn value(operand: &Operand, names: &mut Names) -> Result<Value, RefusalReason> {
    Ok(match operand {
        Operand::Number(number) => Value::Number(*number),
        Operand::Variable(name) => Value::Integer(names.integer(name)?),
    })
}

#[inline]
fn way_passes(way: Way, flow: Option<&FlowView>) -> bool {
    flow.is_none_or(|flow| flow.to_server) == (way == Way::ToServer)
}

#[inline]
fn established_passes(established: bool, flow: Option<&FlowView>) -> bool {
    flow.is_some_and(|flow| flow.established) == established
}

/// Whether a packet with this flow can match `rule`, as far as way and state of the flow tell.
pub(crate) fn way_and_state_pass(rule: &Rule, flow: Option<&FlowView>) -> bool {
    rule.flow.iter().all(|test| match test {
        FlowTest::Member => flow.is_some(),
        FlowTest::Way(way) => way_passes(*way, flow),
        FlowTest::Established(established) => established_passes(*established, flow),
        _ => true,
    })
}

fn size_passes(test: &StreamSizeTest, [client, server]: [u32; 2]) -> bool {
    let (client, server) = (test.size.accepts(client), test.size.accepts(server));
    match test.sides {
        StreamSides::Client => client,
        StreamSides::Server => server,
        StreamSides::Both => client && server,
        StreamSides::Either => client || server,
    }
}
