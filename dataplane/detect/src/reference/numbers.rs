//! The tests that read numbers or look at sizes, by plain arithmetic.

use std::collections::HashMap;

use rules::hir::{
    Base, ByteComparison, ByteJump, Encoding, JumpFrom, Operator, PayloadTest, Quantity,
    ReadNumber, Variable,
};

/// What variables hold.
#[derive(Debug, Default)]
pub(super) struct Values(HashMap<Variable, u64>);

impl Values {
    pub(super) fn get(&self, name: Variable) -> u64 {
        self.0.get(&name).copied().unwrap_or(0)
    }
}

/// What a test says: it fails, or the position after it.
pub(super) enum After {
    Fails,
    At(usize),
}

pub(super) fn evaluate(
    test: &PayloadTest,
    buffer: &[u8],
    position: usize,
    values: &mut Values,
) -> After {
    match outcome(test, buffer, position, values) {
        Some(position) => After::At(position),
        None => After::Fails,
    }
}

fn outcome(
    test: &PayloadTest,
    buffer: &[u8],
    position: usize,
    values: &mut Values,
) -> Option<usize> {
    let length = buffer.len();
    match test {
        PayloadTest::ByteTest(test) => {
            let (value, _) = read_within(&test.number, buffer, position, values)?;
            let value = mask(value, test.number.bitmask);
            let other = match test.value {
                Quantity::Literal(value) => value,
                Quantity::Variable(name) => values.get(name),
            };
            let holds = match test.comparison {
                ByteComparison::Equal => value == other,
                ByteComparison::Less => value < other,
                ByteComparison::LessOrEqual => value <= other,
                ByteComparison::Greater => value > other,
                ByteComparison::GreaterOrEqual => value >= other,
                ByteComparison::And => value & other > 0,
                ByteComparison::Xor => value != other,
            };
            (holds != test.negated).then_some(position)
        }
        PayloadTest::ByteJump(jump) => {
            let (value, end) = read(&jump.number, buffer, position, values)?;
            let to = jump_target(jump, value, end, length);
            (-1 << 46 < to && to <= length as i64).then_some(to.max(0) as usize)
        }
        PayloadTest::ByteExtract(extract) => {
            let (value, end) = read_within(&extract.number, buffer, position, values)?;
            let value = u128::from(value) * u128::from(extract.multiplier) % (1 << 64);
            values.0.insert(extract.variable, round_up(value, extract.align.into()));
            Some(end)
        }
        PayloadTest::ByteMath(math) => {
            let bytes = match math.number.bytes {
                Quantity::Literal(bytes) => bytes,
                Quantity::Variable(name) => (values.get(name) % 256) as u8,
            };
            let number = ReadNumber { bytes: Quantity::Literal(bytes), ..math.number };
            let (value, end) = read(&number, buffer, position, values)?;
            let text = matches!(math.number.encoding, Encoding::Text(_));
            if bytes == 0 || bytes > if text { 10 } else { 4 } {
                return None;
            }
            let operand = match math.operand {
                Quantity::Literal(operand) => operand.into(),
                Quantity::Variable(name) => values.get(name),
            };
            let result = operate(math.operator, value.into(), operand.into())?;
            values.0.insert(math.variable, mask(result, math.number.bitmask));
            Some(end)
        }
        PayloadTest::DataAt(at) => {
            let wanted = match at.position {
                Quantity::Literal(wanted) => u64::from(wanted),
                Quantity::Variable(name) => values.get(name),
            };
            let there = if at.relative {
                position as u128 + u128::from(wanted) <= length as u128
            } else {
                wanted < length as u64
            };
            (there != at.negated).then_some(position)
        }
        PayloadTest::BufferSize(size) => size.accepts(length as u32).then_some(position),
        PayloadTest::Content(_) | PayloadTest::Pcre(_) | PayloadTest::Base64(_) => None,
    }
}

/// [`read`], but a relative number has to begin before the buffer's end, even one of no bytes.
fn read_within(
    number: &ReadNumber,
    buffer: &[u8],
    position: usize,
    values: &Values,
) -> Option<(u64, usize)> {
    if number.relative {
        let offset = match number.offset {
            Quantity::Literal(offset) => offset,
            Quantity::Variable(name) => values.get(name) as i32,
        };
        if i64::from(offset) + position as i64 >= buffer.len() as i64 {
            return None;
        }
    }
    read(number, buffer, position, values)
}

/// The number, and where it ends.
fn read(
    number: &ReadNumber,
    buffer: &[u8],
    position: usize,
    values: &Values,
) -> Option<(u64, usize)> {
    let offset = match number.offset {
        Quantity::Literal(offset) => offset,
        Quantity::Variable(name) => values.get(name) as i32,
    };
    let bytes = match number.bytes {
        Quantity::Literal(bytes) => bytes,
        Quantity::Variable(name) => u8::try_from(values.get(name) as i32).ok()?,
    };
    let start = i64::from(offset) + if number.relative { position as i64 } else { 0 };
    let room = buffer.len() as i64 - start;
    if start < 0 || room < i64::from(bytes) {
        return None;
    }
    let rest: Vec<u8> = buffer.iter().skip(start as usize).copied().collect();
    let mut field = rest.get(..usize::from(bytes))?.to_vec();
    if let Encoding::Text(base) = number.encoding {
        let (value, read) = digits(if bytes == 0 { &rest } else { &field }, base)?;
        return (bytes <= 23).then_some((value, start as usize + read));
    }
    if number.encoding == Encoding::LittleEndian {
        field.reverse();
    }
    let value =
        field.iter().fold(0_u128, |value, byte| value % (1 << 100) * 256 + u128::from(*byte));
    (bytes <= 8).then_some((value as u64, start as usize + field.len()))
}

/// Digits as `strtoull` reads them: the longest beginning of `text` that is a number.
fn digits(text: &[u8], base: Base) -> Option<(u64, usize)> {
    let text: String = text.iter().map(|byte| char::from(*byte)).collect();
    let body = text.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let (minus, body) = match body.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, body.strip_prefix('+').unwrap_or(body)),
    };
    let hexadecimal = (body.starts_with("0x") || body.starts_with("0X"))
        && body.chars().nth(2).is_some_and(|digit| digit.is_ascii_hexdigit());
    let (radix, body) = match base {
        Base::Hexadecimal | Base::Prefix if hexadecimal => (16, body.get(2..)?),
        Base::Hexadecimal => (16, body),
        Base::Decimal => (10, body),
        Base::Octal => (8, body),
        Base::Prefix if body.starts_with('0') => (8, body),
        Base::Prefix => (10, body),
    };
    let number: String = body.chars().take_while(|digit| digit.is_digit(radix)).collect();
    let value = u64::from_str_radix(&number, radix).ok()?;
    let before = text.chars().count() - body.chars().count();
    Some((if minus { 0_u64.wrapping_sub(value) } else { value }, before + number.len()))
}

fn mask(value: u64, mask: Option<u32>) -> u64 {
    let Some(mask) = mask else { return value };
    let (mut value, mut mask) = (value & u64::from(mask), mask);
    while mask != 0 && mask & 1 == 0 {
        (value, mask) = (value / 2, mask / 2);
    }
    value
}

fn round_up(value: u128, to: u128) -> u64 {
    (value.div_ceil(to) * to) as u64
}

fn jump_target(jump: &ByteJump, value: u64, end: usize, length: usize) -> i64 {
    let value = u128::from(mask(value, jump.number.bitmask)) * u128::from(jump.multiplier);
    let value = if jump.align { round_up(value % (1 << 64), 4) } else { value as u64 };
    let from = match jump.from {
        JumpFrom::Number => end,
        JumpFrom::Beginning => 0,
        JumpFrom::End => length,
    };
    let to = i128::from(value) + from as i128 + i128::from(jump.post_offset);
    to.rem_euclid(1 << 64) as u64 as i64
}

fn operate(operator: Operator, value: u128, operand: u128) -> Option<u64> {
    let result = match operator {
        Operator::Add => value + operand,
        Operator::Subtract => (1 << 64) + value - operand,
        Operator::Multiply => value * operand,
        Operator::Divide if operand == 0 => return None,
        Operator::Divide => value / operand,
        Operator::ShiftLeft if operand < 64 => value << operand,
        Operator::ShiftLeft => 0,
        Operator::ShiftRight => value >> (operand % 64),
    };
    Some(result as u64)
}
