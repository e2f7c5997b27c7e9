//! Tests of a buffer as a whole, and the choice of one: `isdataat`, `bsize`, `rpc`,
//! `base64_decode`, `base64_data`.

use super::fields::{decimal, fields, named, wrong};
use super::number::number_test;
use super::{Argument, Lowering};
use crate::ast::Word;
use crate::diagnostic::{Fault, Kind};
use crate::hir::{Base64, Content, DataAt, PacketTest, PayloadTest, PlaceVariables, Quantity, Rpc};
use crate::limits::OFFSET_MAX;

/// Largest `bytes` of `base64_decode`.
const BASE64_BYTES_MAX: u64 = u16::MAX as u64;

pub(crate) fn isdataat(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    let fields = fields(&argument);
    let [first, options @ ..] = fields.as_slice() else { return Err(argument.invalid("empty")) };
    let (negated, position) = match first.text.strip_prefix('!') {
        Some(rest) => (true, Word { text: rest, start: first.start + 1 }),
        None => (false, *first),
    };
    let relative = match options {
        [] => false,
        [option] | [option, Word { text: "rawbytes", .. }] if option.text == "relative" => true,
        [option, ..] => return Err(wrong(*option, "not `relative`, or `relative,rawbytes`")),
    };
    let position = lowering
        .quantity(position, |word| decimal(word, OFFSET_MAX.into()).map(|number| number as u32))?;
    if negated && relative && position == Quantity::Literal(1) && ends_content(lowering) {
        return Ok(());
    }
    lowering.push(PayloadTest::DataAt(DataAt { position, relative, negated }), &argument)
}

/// `isdataat:!1,relative` right after a content is `endswith`, as Suricata has it.
fn ends_content(lowering: &mut Lowering<'_>) -> bool {
    let Some(PayloadTest::Content(content)) = lowering.tests_mut().last_mut() else { return false };
    content.endswith = true;
    true
}

pub(crate) fn bsize(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    if !lowering.in_base64 && !lowering.in_buffer() {
        let message = "`bsize` is for a sticky buffer, not for the payload";
        return Err(argument.conflict(message).hint("use `dsize` for the size of the payload"));
    }
    let size =
        number_test(argument.value.text, u32::MAX).map_err(|error| argument.invalid(error))?;
    lowering.push(PayloadTest::BufferSize(size), &argument)
}

pub(crate) fn rpc(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    let fields = fields(&argument);
    let [program, rest @ ..] = fields.as_slice() else { return Err(argument.invalid("empty")) };
    if rest.len() > 2 {
        return Err(argument.invalid("not `program,version,procedure`"));
    }
    let number = |word: Word<'_>| decimal(word, u32::MAX.into()).map(|number| number as u32);
    let any = |word: Option<&Word<'_>>| match word {
        None => Ok(None),
        Some(word) if word.text == "*" => Ok(None),
        Some(word) => number(*word).map(Some),
    };
    let rpc = Rpc {
        program: number(*program)?,
        version: any(rest.first())?,
        procedure: any(rest.get(1))?,
    };
    lowering.packet.push(PacketTest::Rpc(rpc));
    Ok(())
}

pub(crate) fn base64_decode(
    lowering: &mut Lowering<'_>,
    argument: Argument<'_>,
) -> Result<(), Fault> {
    if lowering.in_base64 {
        let message = "`base64_decode` of what was decoded is not supported";
        return Err(argument.fault(Kind::Unsupported, message));
    }
    if lowering.in_buffer() {
        let message = "`base64_decode` of a header is not supported yet";
        return Err(argument.fault(Kind::Unsupported, message));
    }
    let fields = if argument.value.text.is_empty() { Vec::new() } else { fields(&argument) };
    let mut fields = fields.as_slice();
    let bytes = leading(&mut fields, "bytes");
    let bytes = bytes.map(|word| decimal(word, BASE64_BYTES_MAX)).transpose()?;
    let offset = leading(&mut fields, "offset");
    let offset = offset.map(|word| decimal(word, u32::MAX.into())).transpose()?;
    let relative = leading(&mut fields, "relative");
    if let Some(field) = fields.first().or(relative.as_ref().filter(|word| !word.text.is_empty())) {
        return Err(wrong(*field, "not `bytes N, offset N, relative`, in this order"));
    }
    let decode = Base64 {
        bytes: bytes.filter(|bytes| *bytes > 0).map(|bytes| bytes as u32),
        offset: offset.unwrap_or(0) as u32,
        relative: relative.is_some(),
        data: Vec::new(),
    };
    lowering.push(PayloadTest::Base64(decode), &argument)
}

/// Takes the first of `fields` if it is `name`; returns what follows the name.
fn leading<'a>(fields: &mut &[Word<'a>], name: &str) -> Option<Word<'a>> {
    let (first, rest) = fields.split_first()?;
    let (found, value) = named(*first);
    (found == name).then(|| {
        *fields = rest;
        value
    })
}

pub(crate) fn base64_data(
    lowering: &mut Lowering<'_>,
    argument: Argument<'_>,
) -> Result<(), Fault> {
    if lowering.in_buffer() {
        let message = "`base64_data` has no `base64_decode` of this buffer before it";
        return Err(argument.conflict(message).hint("write `pkt_data` before it"));
    }
    if !lowering.payload.iter().any(|test| matches!(test, PayloadTest::Base64(_))) {
        return Err(argument.conflict("`base64_data` has no `base64_decode` before it"));
    }
    if lowering.in_base64 {
        return Err(argument.conflict("`base64_data` is chosen already"));
    }
    lowering.in_base64 = true;
    lowering.current = None;
    Ok(())
}

/// Gives `base64_decode` the tests of `base64_data`.
///
/// As in Suricata, what follows it among the tests of the payload is not looked at, but for a content that
/// serves the prefilter: that has to be there (or not, for a negated one without another), wherever the
/// match before it ended.
pub(super) fn attach_decoded(lowering: &mut Lowering<'_>) {
    let is_decode = |test: &PayloadTest| matches!(test, PayloadTest::Base64(_));
    let Some(index) = lowering.payload.iter().position(is_decode) else { return };
    let is_content = |test: &&PayloadTest| matches!(test, PayloadTest::Content(_));
    let alone = lowering.payload.iter().filter(is_content).count() == 1;
    let rest = lowering.payload.split_off(index + 1);
    if let Some(PayloadTest::Base64(decode)) = lowering.payload.last_mut() {
        decode.data = std::mem::take(&mut lowering.decoded);
    }
    for test in rest {
        let PayloadTest::Content(content) = test else { continue };
        let placed = content.has_offset() || content.has_depth() || content.is_relative();
        if content.negated && (placed || !alone) {
            continue;
        }
        let (distance, within, variables) = (None, None, PlaceVariables::default());
        let anywhere = Content { distance, within, variables, endswith: false, ..content };
        lowering.payload.push(PayloadTest::Content(anywhere));
    }
}
