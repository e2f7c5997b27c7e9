//! `byte_test`, `byte_jump`, `byte_extract` and `byte_math`.

use super::fields::{VariableKind, decimal, fields, named, signed, unsigned, wrong};
use super::number::c_unsigned;
use super::read_number::{Draft, Strictness, TEXT_BYTES_MAX, once};
use super::{Argument, Lowering};
use crate::ast::Word;
use crate::diagnostic::{Fault, Kind};
use crate::hir::{
    Base, ByteComparison, ByteExtract, ByteJump, ByteMath, ByteTest, JumpFrom, Operator,
    PayloadTest, Quantity,
};

/// Bytes of the number of `byte_math`.
const MATH_BYTES_MAX: u8 = 10;

/// Largest `offset` and `post_offset` of numbers, to either side; `byte_test` takes any.
const OFFSET_MAX: i32 = u16::MAX as i32;

fn offset(word: Word<'_>) -> Result<i32, Fault> {
    signed(word, -OFFSET_MAX, OFFSET_MAX)
}

fn count(word: Word<'_>) -> Result<u8, Fault> {
    decimal(word, TEXT_BYTES_MAX.into()).map(|bytes| bytes as u8)
}

fn unknown(field: Word<'_>) -> Fault {
    wrong(field, format!("`{}` is not an option", field.text))
}

pub(crate) fn byte_test(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    let fields = fields(&argument);
    let [bytes, operator, value, place, options @ ..] = fields.as_slice() else {
        return Err(argument
            .invalid("not enough fields")
            .hint("it is `bytes, operator, value, offset`, and then options"));
    };
    let (negated, comparison) = comparison(*operator)?;
    let place = lowering.quantity(*place, |word| signed(word, i32::MIN, i32::MAX))?;
    let size = lowering.quantity(*bytes, count)?;
    let mut number = Draft::new(&argument, *bytes, size, place, Strictness::Loose);
    for option in options {
        if !number.option(*option)? {
            return Err(unknown(*option));
        }
    }
    let number = number.finish(|_| TEXT_BYTES_MAX)?;
    let value = lowering.quantity(*value, value_to_test)?;
    let test = ByteTest { number, comparison, negated, value };
    lowering.push(PayloadTest::ByteTest(test), &argument)
}

/// As in C, a sign is allowed, and negative numbers wrap around.
fn value_to_test(word: Word<'_>) -> Result<u64, Fault> {
    let (negative, digits) = match word.text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, word.text.strip_prefix('+').unwrap_or(word.text)),
    };
    let value = c_unsigned(digits);
    let value = value.map(|value| if negative { value.wrapping_neg() } else { value });
    value.ok_or_else(|| wrong(word, format!("`{}` is not a number of 64 bits", word.text)))
}

fn comparison(word: Word<'_>) -> Result<(bool, ByteComparison), Fault> {
    let rest = word.text.strip_prefix('!');
    let comparison = match rest.unwrap_or(word.text).trim_start() {
        "=" => ByteComparison::Equal,
        // `!` alone is `!=`.
        "" if rest.is_some() => ByteComparison::Equal,
        "<" => ByteComparison::Less,
        "<=" => ByteComparison::LessOrEqual,
        ">" => ByteComparison::Greater,
        ">=" => ByteComparison::GreaterOrEqual,
        "&" => ByteComparison::And,
        "^" => ByteComparison::Xor,
        _ => return Err(wrong(word, format!("`{}` is not a comparison", word.text))),
    };
    Ok((rest.is_some(), comparison))
}

pub(crate) fn byte_jump(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    let fields = fields(&argument);
    let [bytes, place, options @ ..] = fields.as_slice() else {
        return Err(argument
            .invalid("not enough fields")
            .hint("it is `bytes, offset`, and then options"));
    };
    let place = lowering.quantity(*place, offset)?;
    let size = lowering.quantity(*bytes, count)?;
    let mut number = Draft::new(&argument, *bytes, size, place, Strictness::Loose);
    let (mut factor, mut align, mut from, mut post_offset) = (1, false, JumpFrom::Number, 0);
    for option in options {
        let (name, value) = named(*option);
        match (name, value.text) {
            ("align", "") => align = true,
            ("from_beginning", "") if from != JumpFrom::End => from = JumpFrom::Beginning,
            ("from_end", "") if from != JumpFrom::Beginning => from = JumpFrom::End,
            ("from_beginning" | "from_end", "") => {
                let message = "a jump is `from_beginning` or `from_end`, not both";
                return Err(Fault::new(Kind::Conflict, option.span(), message));
            }
            ("multiplier", _) => factor = multiplier(value)?,
            ("post_offset", _) => post_offset = offset(value)?,
            // The manual has it, the peer's parser does not.
            ("bitmask", _) => return Err(unknown(*option)),
            _ if number.option(*option)? => {}
            _ => return Err(unknown(*option)),
        }
    }
    let jump = ByteJump {
        number: number.finish(|_| TEXT_BYTES_MAX)?,
        multiplier: factor,
        align,
        from,
        post_offset,
    };
    lowering.push(PayloadTest::ByteJump(jump), &argument)
}

fn multiplier(word: Word<'_>) -> Result<u32, Fault> {
    match unsigned(word, u16::MAX.into())? {
        0 => Err(wrong(word, "a multiplier is not 0")),
        factor => Ok(factor as u32),
    }
}

/// Digits that a number of `byte_extract` may have.
const fn digits_max(base: Base) -> u8 {
    match base {
        Base::Hexadecimal => 14,
        Base::Decimal => 20,
        Base::Octal | Base::Prefix => TEXT_BYTES_MAX,
    }
}

pub(crate) fn byte_extract(
    lowering: &mut Lowering<'_>,
    argument: Argument<'_>,
) -> Result<(), Fault> {
    let fields = fields(&argument);
    let [bytes, place, name, options @ ..] = fields.as_slice() else {
        return Err(argument
            .invalid("not enough fields")
            .hint("it is `bytes, offset, name`, and then options"));
    };
    let (size, place) = (Quantity::Literal(count(*bytes)?), Quantity::Literal(offset(*place)?));
    let mut number = Draft::new(&argument, *bytes, size, place, Strictness::Strict);
    let (mut factor, mut align) = (None, None);
    for option in options {
        let (name, value) = named(*option);
        match name {
            "multiplier" => {
                let before = factor.replace(multiplier(value)?);
                once(*option, before.is_some())?;
            }
            "bitmask" => return Err(unknown(*option)),
            "align" => {
                let Some(to @ (2 | 4)) = value.text.parse().ok() else {
                    return Err(wrong(*option, "`align` is 2 or 4"));
                };
                once(*option, align.replace(to).is_some())?;
            }
            _ if number.option(*option)? => {}
            _ => return Err(unknown(*option)),
        }
    }
    let extract = ByteExtract {
        number: number.finish(digits_max)?,
        variable: lowering.new_variable(*name, VariableKind::Extract)?,
        multiplier: factor.unwrap_or(1),
        align: align.unwrap_or(1),
    };
    lowering.push(PayloadTest::ByteExtract(extract), &argument)
}

/// The fields of `byte_math`, each a name and a value, in any order.
#[derive(Default)]
struct Fields<'a> {
    bytes: Option<Word<'a>>,
    offset: Option<Word<'a>>,
    oper: Option<Word<'a>>,
    rvalue: Option<Word<'a>>,
    result: Option<Word<'a>>,
    options: Vec<Word<'a>>,
}

impl<'a> Fields<'a> {
    fn read(argument: &Argument<'a>) -> Result<Self, Fault> {
        let mut read = Self::default();
        for field in fields(argument) {
            let (name, value) = named(field);
            let slot = match name {
                "bytes" => &mut read.bytes,
                "offset" => &mut read.offset,
                "oper" => &mut read.oper,
                "rvalue" => &mut read.rvalue,
                "result" => &mut read.result,
                _ => {
                    read.options.push(field);
                    continue;
                }
            };
            once(field, slot.replace(value).is_some())?;
        }
        Ok(read)
    }
}

pub(crate) fn byte_math(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    let Fields { bytes, offset, oper, rvalue, result, options } = Fields::read(&argument)?;
    let (Some(bytes), Some(offset), Some(oper), Some(rvalue), Some(result)) =
        (bytes, offset, oper, rvalue, result)
    else {
        return Err(argument
            .invalid("a field is missing")
            .hint("it is `bytes …, offset …, oper …, rvalue …, result …`, and then options"));
    };
    let size = lowering.quantity(bytes, count)?;
    if size == Quantity::Literal(0) {
        return Err(wrong(bytes, "a number of no bytes"));
    }
    let place = Quantity::Literal(self::offset(offset)?);
    let mut number = Draft::new(&argument, bytes, size, place, Strictness::Once);
    for option in options {
        let (name, value) = named(option);
        match (name, value.text) {
            ("endian", _) => number.endian(value)?,
            ("string", _) => number.string(value)?,
            ("relative" | "dce", "") | ("bitmask", _) => drop(number.option(option)?),
            _ => return Err(unknown(option)),
        }
    }
    if number.relative
        && (lowering.in_base64 || lowering.in_buffer())
        && !lowering.tests_mut().iter().any(PayloadTest::is_search)
    {
        return Err(argument.conflict("`relative` has no content or `pcre` before it"));
    }
    let operator = operator(oper)?;
    let operand = lowering
        .quantity(rvalue, |word| decimal(word, u32::MAX.into()).map(|operand| operand as u32))?;
    let number = number.finish(|_| MATH_BYTES_MAX)?;
    let variable = lowering.new_variable(result, VariableKind::Math)?;
    let math = ByteMath { number, operator, operand, variable };
    lowering.push(PayloadTest::ByteMath(math), &argument)
}

fn operator(word: Word<'_>) -> Result<Operator, Fault> {
    Ok(match word.text {
        "+" => Operator::Add,
        "-" => Operator::Subtract,
        "*" => Operator::Multiply,
        "/" => Operator::Divide,
        "<<" => Operator::ShiftLeft,
        ">>" => Operator::ShiftRight,
        _ => return Err(wrong(word, format!("`{}` is not an operation", word.text))),
    })
}
