//! Keywords about the flow, and about what a match raises.

use super::number::number_test;
use super::{Argument, Lowering};
use crate::ast::Word;
use crate::diagnostic::{Fault, Kind};
use crate::hir::{Action, Effect, FlowTest, NumberTest, StreamSides, StreamSizeTest, Way};

/// What a rule says of its flow, on its way.
#[derive(Default)]
pub(crate) struct Builder {
    pub(super) tests: Vec<FlowTest>,
    pub(super) effects: Vec<Effect>,
    /// There is a `flow` already.
    named: bool,
    /// `alert` or `noalert`, the last of them.
    alerts: Option<bool>,
}

impl Builder {
    /// Whether a match of a rule with `action` raises an alert.
    pub(super) fn raises(&self, action: Action) -> bool {
        self.alerts.unwrap_or(action != Action::Pass)
    }

    /// The rule says that its bytes are (`true`) or are not of the reassembled stream.
    pub(super) fn stream(&self) -> Option<bool> {
        self.tests.iter().find_map(|test| match test {
            FlowTest::Stream(stream) => Some(*stream),
            _ => None,
        })
    }

    /// Whether a test is of a property that only packets have.
    pub(super) fn needs_packet(&self) -> bool {
        self.tests.iter().any(|test| matches!(test, FlowTest::Age(_)))
    }

    /// Whether all that the rule says goes with one look at the addresses of a flow, as in the peer: its
    /// integers do not.
    pub(super) fn suits_addresses(&self) -> bool {
        self.tests.is_empty()
            && !self.effects.iter().any(|effect| matches!(effect, Effect::Integer { .. }))
    }

    /// The rule raises no alert.
    pub(super) const fn silence(&mut self) {
        self.alerts = Some(false);
    }
}

/// The parts of a value between its commas, without white space.
pub(super) fn fields<'a>(value: Word<'a>) -> impl Iterator<Item = Word<'a>> {
    let mut start = value.start;
    value.text.split(',').map(move |text| {
        let field = Word::trimmed(text, start);
        start += text.len() + 1;
        field
    })
}

/// A fault at one field of a value.
pub(super) fn at(field: Word<'_>, argument: &Argument<'_>, message: impl Into<String>) -> Fault {
    if field.text.is_empty() {
        return argument.invalid(message);
    }
    Fault::new(Kind::Value, field.span(), message)
}

/// Most words of one `flow`, as in the peer.
const FLOW_WORDS_MAX: usize = 3;

/// Kinds of words of `flow`; a rule has one of each at most.
const STATE: usize = 0;
const WAY: usize = 1;
const STREAM: usize = 2;
const FRAGMENT: usize = 3;

/// The kind of a word of `flow`, and what it asks.
fn flow_word(word: &str) -> Option<(usize, FlowTest)> {
    Some(match word.to_ascii_lowercase().as_str() {
        "established" => (STATE, FlowTest::Established(true)),
        "not_established" => (STATE, FlowTest::Established(false)),
        "stateless" => (STATE, FlowTest::Member),
        "to_server" | "from_client" => (WAY, FlowTest::Way(Way::ToServer)),
        "to_client" | "from_server" => (WAY, FlowTest::Way(Way::ToClient)),
        "only_stream" => (STREAM, FlowTest::Stream(true)),
        "no_stream" => (STREAM, FlowTest::Stream(false)),
        "only_frag" => (FRAGMENT, FlowTest::Reassembled(true)),
        "no_frag" => (FRAGMENT, FlowTest::Reassembled(false)),
        _ => return None,
    })
}

pub(crate) fn flow(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    if std::mem::replace(&mut lowering.flow.named, true) {
        return Err(argument
            .conflict("a rule can have one `flow` only")
            .hint("put its words into one, with commas between them"));
    }
    let mut kinds: [Option<Word<'_>>; 4] = [None; 4];
    for (count, field) in (1..).zip(fields(argument.value)) {
        if count > FLOW_WORDS_MAX {
            let message = format!("more than {FLOW_WORDS_MAX} words");
            return Err(at(field, &argument, message));
        }
        let Some((kind, test)) = flow_word(field.text) else {
            let message = format!("`{}` is not a word of `flow`", field.text);
            return Err(at(field, &argument, message).hint(
                "its words are established, not_established, stateless, to_server, to_client, \
                 from_server, from_client, only_stream, no_stream, only_frag, no_frag",
            ));
        };
        if let Some(other) = kinds.get_mut(kind).and_then(|slot| slot.replace(field)) {
            let message = format!("`{}` is not for a rule with `{}`", field.text, other.text);
            return Err(at(field, &argument, message));
        }
        if test != FlowTest::Member {
            lowering.flow.tests.push(test);
        }
    }
    if needs_member(kinds.map(|kind| kind.is_some())) {
        lowering.flow.tests.push(FlowTest::Member);
    }
    Ok(())
}

/// Whether words of these kinds ask for a packet that belongs to a flow. Seen on the peer: a way alone
/// does not, nor does anything but a way beside a word about streams.
const fn needs_member(kinds: [bool; 4]) -> bool {
    let [state, way, stream, fragment] = kinds;
    if way { state || stream || fragment } else { !stream }
}

pub(crate) fn age(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    let seconds =
        number_test(argument.value.text, u32::MAX).map_err(|error| argument.invalid(error))?;
    lowering.flow.tests.push(FlowTest::Age(seconds));
    Ok(())
}

pub(crate) fn stream_size(
    lowering: &mut Lowering<'_>,
    argument: Argument<'_>,
) -> Result<(), Fault> {
    let mut parts = fields(argument.value);
    let side = parts.next().unwrap_or(argument.value);
    let sides = match side.text {
        "client" => StreamSides::Client,
        "server" => StreamSides::Server,
        "both" => StreamSides::Both,
        "either" => StreamSides::Either,
        _ => return Err(at(side, &argument, "not one of `client`, `server`, `both`, `either`")),
    };
    let (Some(sign), Some(number), None) = (parts.next(), parts.next(), parts.next()) else {
        return Err(argument.invalid("not `side,comparison,number`"));
    };
    let digits = number.text.bytes().all(|byte| byte.is_ascii_digit());
    let bytes =
        number.text.parse().ok().filter(|_| digits).ok_or_else(|| {
            at(number, &argument, format!("not a number of at most {}", u32::MAX))
        })?;
    let size = match sign.text {
        "=" => NumberTest::Equal(bytes),
        "!" | "!=" => NumberTest::NotEqual(bytes),
        "<" => NumberTest::Less(bytes),
        "<=" => NumberTest::LessOrEqual(bytes),
        ">" => NumberTest::Greater(bytes),
        ">=" => NumberTest::GreaterOrEqual(bytes),
        _ => return Err(at(sign, &argument, "comparisons are = != < <= > >=")),
    };
    lowering.flow.tests.push(FlowTest::StreamSize(StreamSizeTest { sides, size }));
    Ok(())
}

pub(crate) fn noalert(lowering: &mut Lowering<'_>, _: Argument<'_>) -> Result<(), Fault> {
    lowering.flow.silence();
    Ok(())
}

pub(crate) fn alert(lowering: &mut Lowering<'_>, _: Argument<'_>) -> Result<(), Fault> {
    lowering.flow.alerts = Some(true);
    Ok(())
}

pub(crate) fn bypass(lowering: &mut Lowering<'_>, _: Argument<'_>) -> Result<(), Fault> {
    lowering.flow.effects.push(Effect::Bypass);
    Ok(())
}
