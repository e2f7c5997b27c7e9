//! `content` and its modifiers.

use super::number::c_integer;
use super::{Argument, Lowering};
use crate::ast::Span;
use crate::diagnostic::{Fault, Kind};
use crate::hir::{Content, FastPattern, PayloadTest, Quantity, Variable};
use crate::limits::{DISTANCE_MAX, OFFSET_MAX, PAYLOAD_TESTS_MAX};

/// The content that modifiers belong to, and what HIR does not say of it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Current {
    index: usize,
    startswith: bool,
    rawbytes: bool,
}

pub(crate) fn content(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    let bytes = bytes(&argument)?;
    let content = Content { negated: argument.negated, ..Content::anywhere(bytes) };
    lowering.push(PayloadTest::Content(content), &argument)?;
    let index = lowering.tests_mut().len() - 1;
    lowering.current = Some(Current { index, ..Current::default() });
    Ok(())
}

/// The bytes that a value stands for.
pub(super) fn bytes(argument: &Argument<'_>) -> Result<Vec<u8>, Fault> {
    decode(argument.value.text).map_err(|(at, message)| {
        let start = argument.value.start + at;
        Fault::new(Kind::Value, Span::new(start, start + 1), message)
    })
}

impl Lowering<'_> {
    /// Appends a test, within the bound.
    pub(super) fn push(&mut self, test: PayloadTest, argument: &Argument<'_>) -> Result<(), Fault> {
        self.note(&test, argument)?;
        // As in Suricata, a test that counts from the match before it goes where that is, whatever `pkt_data`
        // says; contents and expressions do not.
        let follows = self.last_decoded && test.is_relative() && !test.is_search();
        let in_base64 = self.in_base64 || follows;
        self.last_decoded = in_base64;
        let tests = if in_base64 { &mut self.decoded } else { &mut self.payload };
        if tests.len() == PAYLOAD_TESTS_MAX {
            let message = format!("more than {PAYLOAD_TESTS_MAX} tests of bytes");
            return Err(Fault::new(Kind::Limit, argument.name.span(), message));
        }
        tests.push(test);
        Ok(())
    }

    /// The tests of the buffer at hand: the payload, or what `base64_decode` gives.
    pub(super) const fn tests_mut(&mut self) -> &mut Vec<PayloadTest> {
        if self.in_base64 { &mut self.decoded } else { &mut self.payload }
    }

    /// The content before a modifier.
    pub(super) fn modify(
        &mut self,
        argument: &Argument<'_>,
    ) -> Result<(&mut Content, &mut Current), Fault> {
        let tests = if self.in_base64 { &mut self.decoded } else { &mut self.payload };
        if let Some(current) = &mut self.current
            && let Some(PayloadTest::Content(content)) = tests.get_mut(current.index)
        {
            return Ok((content, current));
        }
        Err(argument.conflict(format!("`{}` has no `content` before it", argument.name.text)))
    }

    /// The content before a modifier of place, if its prefilter part allows one.
    fn place(&mut self, argument: &Argument<'_>) -> Result<(&mut Content, &mut Current), Fault> {
        let (content, current) = self.modify(argument)?;
        allows_place(content).map_err(|message| argument.conflict(message))?;
        Ok((content, current))
    }
}

fn allows_place(content: &Content) -> Result<(), &'static str> {
    match content.fast_pattern {
        FastPattern::Only => Err("a content with `fast_pattern:only` has no place"),
        FastPattern::Chosen | FastPattern::Chop { .. } if content.negated => {
            Err("a negated content with `fast_pattern` has no place")
        }
        _ => Ok(()),
    }
}

fn twice(argument: &Argument<'_>) -> Fault {
    argument.conflict(format!("this content has a `{}` already", argument.name.text))
}

fn mixed(argument: &Argument<'_>) -> Fault {
    argument.conflict(
        "`distance` and `within` are not for a content with `offset`, `depth` or `startswith`",
    )
}

pub(crate) fn nocase(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    let (content, _) = lowering.modify(&argument)?;
    if std::mem::replace(&mut content.nocase, true) { Err(twice(&argument)) } else { Ok(()) }
}

pub(crate) fn rawbytes(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    if lowering.in_buffer() {
        return Err(argument.conflict("`rawbytes` is for contents of the payload"));
    }
    let (_, current) = lowering.modify(&argument)?;
    if std::mem::replace(&mut current.rawbytes, true) { Err(twice(&argument)) } else { Ok(()) }
}

pub(crate) fn endswith(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    let (content, _) = lowering.modify(&argument)?;
    content.endswith = true;
    Ok(())
}

pub(crate) fn startswith(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    let (content, current) = lowering.place(&argument)?;
    if content.has_offset() || content.has_depth() {
        return Err(argument.conflict("`startswith` is not for a content with `offset` or `depth`"));
    }
    if content.is_relative() {
        return Err(mixed(&argument));
    }
    current.startswith = true;
    content.offset = Some(0);
    content.depth = Some(content.bytes.len() as u32);
    Ok(())
}

/// A number within bounds, or a variable.
fn number(
    lowering: &Lowering<'_>,
    argument: &Argument<'_>,
    least: i32,
    most: i32,
) -> Result<Quantity<i32>, Fault> {
    lowering.quantity(argument.value, |word| {
        c_integer(word.text)
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| argument.invalid(format!("not a number from {least} to {most}")))
    })
}

/// Sets what a place modifier says.
fn set<T>(
    number: Quantity<i32>,
    literal: &mut Option<T>,
    variable: &mut Option<Variable>,
    convert: impl FnOnce(i32) -> T,
) {
    match number {
        Quantity::Literal(number) => *literal = Some(convert(number)),
        Quantity::Variable(name) => *variable = Some(name),
    }
}

pub(crate) fn offset(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    lowering.place(&argument)?;
    let number = number(lowering, &argument, 0, OFFSET_MAX as i32)?;
    let (content, current) = lowering.place(&argument)?;
    if content.is_relative() {
        return Err(mixed(&argument));
    }
    if current.startswith {
        return Err(argument.conflict("`offset` is not for a content with `startswith`"));
    }
    if content.has_offset() {
        return Err(twice(&argument));
    }
    set(number, &mut content.offset, &mut content.variables.offset, |number| number as u32);
    Ok(())
}

pub(crate) fn depth(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    lowering.place(&argument)?;
    let number = number(lowering, &argument, 0, OFFSET_MAX as i32)?;
    let (content, _) = lowering.place(&argument)?;
    shorter(&argument, content, number)?;
    if content.is_relative() {
        return Err(mixed(&argument));
    }
    if content.has_depth() {
        return Err(twice(&argument));
    }
    set(number, &mut content.depth, &mut content.variables.depth, |number| number as u32);
    Ok(())
}

/// A `depth` or `within` that is less than the content can never match.
fn shorter(argument: &Argument<'_>, content: &Content, number: Quantity<i32>) -> Result<(), Fault> {
    let Quantity::Literal(number) = number else { return Ok(()) };
    let length = content.bytes.len();
    if i64::from(number) < length as i64 {
        let keyword = argument.name.text;
        return Err(argument
            .invalid(format!("`{keyword}` is less than the {length} bytes of the content"))
            .hint(format!("`{keyword}` counts up to the last byte of the content")));
    }
    Ok(())
}

pub(crate) fn distance(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    relative(lowering, &argument)?;
    let number = number(lowering, &argument, -DISTANCE_MAX, DISTANCE_MAX)?;
    let content = relative(lowering, &argument)?;
    if content.has_distance() {
        return Err(twice(&argument));
    }
    set(number, &mut content.distance, &mut content.variables.distance, |number| number);
    Ok(())
}

pub(crate) fn within(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    relative(lowering, &argument)?;
    let number = number(lowering, &argument, -DISTANCE_MAX, DISTANCE_MAX)?;
    let content = relative(lowering, &argument)?;
    shorter(&argument, content, number)?;
    if content.has_within() {
        return Err(twice(&argument));
    }
    set(number, &mut content.within, &mut content.variables.within, |number| number);
    Ok(())
}

/// The content of a `distance` or `within`. Without a match before it, it counts from the start.
fn relative<'a>(
    lowering: &'a mut Lowering<'_>,
    argument: &Argument<'_>,
) -> Result<&'a mut Content, Fault> {
    let before = lowering.current.and_then(|current| current.index.checked_sub(1));
    if let Some(PayloadTest::Content(content)) =
        before.and_then(|index| lowering.tests_mut().get(index))
        && content.fast_pattern == FastPattern::Only
    {
        let message =
            "the content before has `fast_pattern:only`, so nothing can be relative to it";
        return Err(argument.conflict(message));
    }
    let (content, _) = lowering.place(argument)?;
    if content.has_offset() || content.has_depth() {
        return Err(mixed(argument));
    }
    Ok(content)
}

pub(crate) fn fast_pattern(
    lowering: &mut Lowering<'_>,
    argument: Argument<'_>,
) -> Result<(), Fault> {
    let (content, _) = lowering.modify(&argument)?;
    let part = part(&argument, content.bytes.len())?;
    choose(lowering, &argument, part)
}

/// Chooses `part` of the content before for the prefilter.
pub(super) fn choose(
    lowering: &mut Lowering<'_>,
    argument: &Argument<'_>,
    part: FastPattern,
) -> Result<(), Fault> {
    let chosen = lowering.payload.iter().any(|test| {
        matches!(test, PayloadTest::Content(content) if content.fast_pattern != FastPattern::Auto)
    });
    let in_base64 = lowering.in_base64;
    let (content, _) = lowering.modify(argument)?;
    if chosen {
        return Err(argument.conflict("a rule can have one `fast_pattern` only"));
    }
    if in_base64 {
        // As in Suricata: loads, without an effect.
        return Ok(());
    }
    content.fast_pattern = part;
    let placed = content.has_offset() || content.has_depth() || content.is_relative();
    if content.fast_pattern == FastPattern::Only && content.negated {
        return Err(argument.conflict("`fast_pattern:only` is not for a negated content"));
    }
    if placed {
        allows_place(content).map_err(|message| argument.conflict(message))?;
    }
    Ok(())
}

/// The value of `fast_pattern` for a content of `length` bytes.
fn part(argument: &Argument<'_>, length: usize) -> Result<FastPattern, Fault> {
    let text = argument.value.text;
    if text.is_empty() {
        return Ok(FastPattern::Chosen);
    }
    if text == "only" {
        return Ok(FastPattern::Only);
    }
    let Some((offset, length_text)) = text.split_once(',') else {
        return Err(argument.invalid("not `only` or `offset,length`"));
    };
    let number = |text: &str| c_integer(text.trim()).and_then(|number| u16::try_from(number).ok());
    match (number(offset), number(length_text)) {
        (Some(offset), Some(part))
            if part > 0 && usize::from(offset) + usize::from(part) <= length =>
        {
            Ok(FastPattern::Chop { offset, length: part })
        }
        _ => Err(argument.invalid(format!("not a part of the {length} bytes of the content"))),
    }
}

/// The bytes of a content as written, or where it is wrong.
///
/// `|…|` holds hexadecimal digits, spaces ignored; outside of it a backslash must stand before `\`, `;`,
/// `:` and `"` only. As in Suricata, bars without a digit between them stand for themselves if nothing else
/// of the content needs decoding, and so does a backslash at the end.
fn decode(text: &str) -> Result<Vec<u8>, (usize, &'static str)> {
    let mut bytes = Vec::with_capacity(text.len());
    let (mut bar, mut half) = (None, None);
    let mut decoded = false;
    let mut input = text.bytes().enumerate().peekable();
    while let Some((at, byte)) = input.next() {
        match (bar, byte) {
            (None, b'|') => bar = Some(at),
            (Some(_), b'|') if half.is_some() => return Err((at, "half a byte before `|`")),
            (Some(_), b'|') => bar = None,
            (Some(_), b' ') => {}
            (Some(_), digit) => {
                let Some(digit) = char::from(digit).to_digit(16) else {
                    return Err((at, "not a hexadecimal digit"));
                };
                match half.take() {
                    None => half = Some(digit),
                    Some(high) => bytes.push((high << 4 | digit) as u8),
                }
                decoded = true;
            }
            (None, b'\\') => match input.peek() {
                Some(&(_, escaped @ (b'\\' | b';' | b':' | b'"'))) => {
                    bytes.push(escaped);
                    input.next();
                    decoded = true;
                }
                Some(_) => return Err((at, "a backslash is written `\\\\`")),
                None => bytes.push(b'\\'),
            },
            (None, b'"') => return Err((at, "a double quote is written `\\\"`")),
            (None, byte) => bytes.push(byte),
        }
    }
    match bar {
        Some(at) => Err((at, "this `|` has no second")),
        None if decoded => Ok(bytes),
        None => Ok(text.as_bytes().to_vec()),
    }
}

/// A rule whose only content is negated and may lie anywhere is decided by the peer's prefilter: it does
/// not match where the literal is in the payload at all, with `endswith` or without.
pub(crate) fn settle_lone_negated(payload: &mut [PayloadTest]) {
    let mut contents = payload.iter_mut().filter_map(|test| match test {
        PayloadTest::Content(content) => Some(content),
        _ => None,
    });
    let (Some(only), None) = (contents.next(), contents.next()) else { return };
    if only.negated && !only.has_offset() && !only.has_depth() && !only.is_relative() {
        only.endswith = false;
    }
}

/// The peer takes a literal that may not be anywhere for one that is, when it works out where the content
/// behind it can begin at the earliest: not before the literal's length and `distance`.
pub(crate) fn settle_behind_negated(payload: &mut [PayloadTest]) {
    for index in 1..payload.len() {
        let [PayloadTest::Content(before), PayloadTest::Content(content)] =
            &mut payload[index - 1..=index]
        else {
            continue;
        };
        let placed = before.has_offset() || before.has_depth() || before.is_relative();
        if let Some(distance) = content.distance
            && before.negated
            && !placed
            && !content.negated
        {
            let earliest = i64::from(distance) + before.bytes.len() as i64;
            content.offset = u32::try_from(earliest).ok().filter(|earliest| *earliest > 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn contents_as_written() {
        let cases: &[(&str, Result<&[u8], usize>)] = &[
            ("abc", Ok(b"abc")),
            (" a ", Ok(b" a ")),
            ("|41|", Ok(b"A")),
            ("|4 1|x|0d 0A|", Ok(b"Ax\r\n")),
            ("|41||42|", Ok(b"AB")),
            (r#"a\;\"\:\\b"#, Ok(br#"a;":\b"#)),
            ("||", Ok(b"||")),
            ("a||b", Ok(b"a||b")),
            ("a||b|41|", Ok(b"abA")),
            (r"a\", Ok(br"a\")),
            ("é", Ok("é".as_bytes())),
            ("|4|", Err(2)),
            ("|41 42", Err(0)),
            ("|4g|", Err(2)),
            ("|41\t42|", Err(3)),
            (r#"a"b"#, Err(1)),
            (r"a\q", Err(1)),
            (r"a\|b", Err(1)),
        ];
        for (text, expected) in cases {
            let got = decode(text);
            assert_eq!(got.as_deref().map_err(|error| error.0), *expected, "{text}");
        }
    }
}
