//! Steps that read numbers or look at sizes: `byte_test`, `byte_jump`, `byte_extract`, `byte_math`,
//! `isdataat`, `bsize`. None of them searches, so none is tried again by itself.

use rules::hir::{
    Base, BufferSize, ByteComparison, ByteExtract, ByteJump, ByteMath, ByteTest, DataAt, Encoding,
    JumpFrom, Operator, PayloadTest, Quantity, ReadNumber,
};

use super::workspace::{Variables, Work};

/// Bytes of a binary number.
const BINARY_BYTES_MAX: usize = 8;
/// Bytes of a number as text.
const TEXT_BYTES_MAX: usize = 23;
/// Bytes of a binary number of `byte_math`; of more, which the rule may say, the peer makes no match.
const MATH_BINARY_BYTES_MAX: usize = 4;
/// Bytes of a number as text of `byte_math`.
const MATH_TEXT_BYTES_MAX: usize = 10;

/// A compiled step.
#[derive(Clone, Copy, Debug)]
pub(super) enum BytesStep {
    Test(ByteTest),
    Jump(ByteJump),
    Extract(ByteExtract),
    Math(ByteMath),
    DataAt(DataAt),
    Size(BufferSize),
}

/// Where the position is after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// Where it was.
    Stays,
    To(usize),
}

/// A number in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Found {
    value: u64,
    start: usize,
    /// Bytes that it may take.
    bytes: usize,
    /// One past the bytes that it was read from.
    end: usize,
}

impl BytesStep {
    /// The step of `test`; `None` if it is of another kind.
    pub(super) const fn new(test: &PayloadTest) -> Option<Self> {
        Some(match test {
            PayloadTest::ByteTest(test) => Self::Test(*test),
            PayloadTest::ByteJump(jump) => Self::Jump(*jump),
            PayloadTest::ByteExtract(extract) => Self::Extract(*extract),
            PayloadTest::ByteMath(math) => Self::Math(*math),
            PayloadTest::DataAt(at) => Self::DataAt(*at),
            PayloadTest::BufferSize(size) => Self::Size(*size),
            PayloadTest::Content(_) | PayloadTest::Pcre(_) | PayloadTest::Base64(_) => return None,
        })
    }

    /// Whether it says the same of a buffer each time.
    pub(super) fn is_constant(&self) -> bool {
        let constant = |number: &ReadNumber| {
            !number.relative
                && matches!(number.bytes, Quantity::Literal(_))
                && matches!(number.offset, Quantity::Literal(_))
        };
        match self {
            Self::Test(test) => {
                constant(&test.number) && matches!(test.value, Quantity::Literal(_))
            }
            Self::Jump(jump) => constant(&jump.number),
            Self::Extract(extract) => constant(&extract.number),
            Self::Math(math) => {
                constant(&math.number) && matches!(math.operand, Quantity::Literal(_))
            }
            Self::DataAt(at) => !at.relative && matches!(at.position, Quantity::Literal(_)),
            Self::Size(_) => true,
        }
    }

    /// Evaluates the step behind `position`; `None` where it does not match.
    pub(super) fn evaluate(
        &self,
        buffer: &[u8],
        position: usize,
        variables: &mut Variables,
        work: &mut Work,
    ) -> Option<Moved> {
        let stays = |matched: bool| matched.then_some(Moved::Stays);
        match self {
            Self::Test(test) => {
                let found = read_within(&test.number, buffer, position, variables, work)?;
                let value = masked(found.value, test.number.bitmask);
                let other = variables.resolve(test.value, |value| value);
                stays(compare(test.comparison, value, other) != test.negated)
            }
            Self::Jump(jump) => {
                let found = read(&jump.number, buffer, position, variables, work)?;
                target(jump, found, buffer.len()).map(Moved::To)
            }
            Self::Extract(extract) => {
                let found = read_within(&extract.number, buffer, position, variables, work)?;
                let value = found.value.wrapping_mul(extract.multiplier.into());
                variables.set(extract.variable, aligned(value, extract.align.into()));
                Some(Moved::To(found.end))
            }
            Self::Math(math) => {
                let mut number = math.number;
                // The peer keeps 8 bits of a variable here.
                number.bytes = Quantity::Literal(variables.resolve(number.bytes, |n| n as u8));
                let found = read(&number, buffer, position, variables, work)?;
                let bytes_max = match math.number.encoding {
                    Encoding::Text(_) => MATH_TEXT_BYTES_MAX,
                    Encoding::BigEndian | Encoding::LittleEndian => MATH_BINARY_BYTES_MAX,
                };
                if !(1..=bytes_max).contains(&found.bytes) {
                    return None;
                }
                let operand = match math.operand {
                    Quantity::Literal(operand) => operand.into(),
                    Quantity::Variable(name) => variables.get(name),
                };
                let result = operate(math.operator, found.value, operand)?;
                variables.set(math.variable, masked(result, math.number.bitmask));
                Some(Moved::To(found.end))
            }
            Self::DataAt(at) => stays(is_data_at(at, buffer.len(), position, variables)),
            Self::Size(size) => stays(u32::try_from(buffer.len()).is_ok_and(|n| size.accepts(n))),
        }
    }
}

/// [`read`], where a relative number of no bytes does not lie at the buffer's end.
fn read_within(
    number: &ReadNumber,
    buffer: &[u8],
    position: usize,
    variables: &Variables,
    work: &mut Work,
) -> Option<Found> {
    let found = read(number, buffer, position, variables, work)?;
    (!number.relative || found.start < buffer.len()).then_some(found)
}

fn read(
    number: &ReadNumber,
    buffer: &[u8],
    position: usize,
    variables: &Variables,
    work: &mut Work,
) -> Option<Found> {
    let offset = variables.resolve(number.offset, |value| value as i32);
    let base = if number.relative { position } else { 0 };
    let start = base.checked_add_signed(isize::try_from(offset).ok()?)?;
    let rest = buffer.get(start..)?;
    let bytes = match number.bytes {
        Quantity::Literal(bytes) => usize::from(bytes),
        // The peer keeps 32 bits, with a sign.
        Quantity::Variable(name) => usize::try_from(variables.get(name) as i32).ok()?,
    };
    let field = rest.get(..bytes)?;
    match number.encoding {
        Encoding::Text(base) => {
            let field = if bytes == 0 { rest } else { field };
            if bytes == 0 {
                work.spend(reach(field));
            }
            let (value, read) = digits(field, base).filter(|_| bytes <= TEXT_BYTES_MAX)?;
            Some(Found { value, start, bytes, end: start + read })
        }
        Encoding::BigEndian | Encoding::LittleEndian if bytes > BINARY_BYTES_MAX => None,
        Encoding::BigEndian => {
            let value = field.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
            Some(Found { value, start, bytes, end: start + bytes })
        }
        Encoding::LittleEndian => {
            let value = field.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte));
            Some(Found { value, start, bytes, end: start + bytes })
        }
    }
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | 0x09..=0x0d)
}

/// How far [`digits`] may look into `text`.
fn reach(text: &[u8]) -> usize {
    let may_be_read =
        |byte: &u8| is_blank(*byte) || byte.is_ascii_hexdigit() || b"+-xX".contains(byte);
    text.iter().position(|byte| !may_be_read(byte)).unwrap_or(text.len())
}

/// The number at the start of `text`, and how many bytes it takes, as C's `strtoull` reads them: white
/// space, a sign, a prefix, digits. `None` without a digit or where it does not fit into 64 bits.
fn digits(text: &[u8], base: Base) -> Option<(u64, usize)> {
    let blanks = text.iter().take_while(|byte| is_blank(**byte)).count();
    let rest = text.get(blanks..)?;
    let (negative, rest) = match rest {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let (radix, rest) = match (base, rest) {
        (Base::Prefix | Base::Hexadecimal, [b'0', b'x' | b'X', rest @ ..])
            if rest.first().is_some_and(u8::is_ascii_hexdigit) =>
        {
            (16, rest)
        }
        (Base::Hexadecimal, rest) => (16, rest),
        (Base::Octal, rest) | (Base::Prefix, rest @ [b'0', ..]) => (8, rest),
        (Base::Decimal | Base::Prefix, rest) => (10, rest),
    };
    let (mut value, mut length) = (0_u64, 0);
    for digit in rest.iter().map_while(|byte| char::from(*byte).to_digit(radix)) {
        value = value.checked_mul(radix.into())?.checked_add(digit.into())?;
        length += 1;
    }
    let read = text.len() - rest.len() + length;
    let value = if negative { value.wrapping_neg() } else { value };
    (length > 0).then_some((value, read))
}

/// What `mask` keeps of `value`, shifted down by the mask's trailing zeros.
const fn masked(value: u64, mask: Option<u32>) -> u64 {
    match mask {
        None => value,
        Some(0) => 0,
        Some(mask) => (value & mask as u64) >> mask.trailing_zeros(),
    }
}

const fn compare(comparison: ByteComparison, value: u64, other: u64) -> bool {
    match comparison {
        ByteComparison::Equal => value == other,
        ByteComparison::Less => value < other,
        ByteComparison::LessOrEqual => value <= other,
        ByteComparison::Greater => value > other,
        ByteComparison::GreaterOrEqual => value >= other,
        ByteComparison::And => value & other != 0,
        ByteComparison::Xor => value ^ other != 0,
    }
}

/// `value` rounded up to a multiple of `to`.
const fn aligned(value: u64, to: u64) -> u64 {
    match value % to {
        0 => value,
        over => value.wrapping_add(to - over),
    }
}

const fn operate(operator: Operator, value: u64, operand: u64) -> Option<u64> {
    Some(match operator {
        Operator::Add => value.wrapping_add(operand),
        Operator::Subtract => value.wrapping_sub(operand),
        Operator::Multiply => value.wrapping_mul(operand),
        Operator::Divide => return value.checked_div(operand),
        Operator::ShiftLeft if operand >= 64 => 0,
        Operator::ShiftLeft => value << operand,
        // The peer's processor counts to 64 only.
        Operator::ShiftRight => value >> (operand % 64),
    })
}

/// How far before the buffer a jump may lead, to end at its start: the peer compares addresses, and what is
/// further back than an address can be has wrapped around to its end.
const BEFORE_MAX: u64 = 1 << 46;

/// Where `jump` leads from a number: the start at least; `None` behind the end of a buffer of `length`
/// bytes. Numbers wrap around, so that a large one leads backwards, as in the peer.
fn target(jump: &ByteJump, found: Found, length: usize) -> Option<usize> {
    let value = masked(found.value, jump.number.bitmask).wrapping_mul(jump.multiplier.into());
    let value = if jump.align { aligned(value, 4) } else { value };
    let from = match jump.from {
        JumpFrom::Number => found.end,
        JumpFrom::Beginning => 0,
        JumpFrom::End => length,
    };
    let to = (from as u64).wrapping_add(value).wrapping_add_signed(jump.post_offset.into());
    if to.wrapping_neg() < BEFORE_MAX {
        return Some(0);
    }
    usize::try_from(to).ok().filter(|to| *to <= length)
}

fn is_data_at(at: &DataAt, length: usize, position: usize, variables: &Variables) -> bool {
    let wanted = match at.position {
        Quantity::Literal(wanted) => wanted.into(),
        Quantity::Variable(name) => variables.get(name),
    };
    let (position, length) = (position as u64, length as u64);
    let there = if at.relative {
        position.checked_add(wanted).is_some_and(|end| end <= length)
    } else {
        wanted < length
    };
    there != at.negated
}

#[cfg(test)]
mod tests {
    use rules::hir::Base::{Decimal, Hexadecimal, Octal, Prefix};

    use super::{aligned, digits, masked};

    #[test]
    fn digits_as_c_reads_them() {
        let cases = [
            ("12x", Decimal, Some((12, 2))),
            (" \t-1", Decimal, Some((u64::MAX, 4))),
            ("+7", Decimal, Some((7, 2))),
            ("+-7", Decimal, None),
            ("0x1f", Hexadecimal, Some((31, 4))),
            ("0x1f", Prefix, Some((31, 4))),
            ("0x1f", Decimal, Some((0, 1))),
            ("0xg", Hexadecimal, Some((0, 1))),
            ("0x", Prefix, Some((0, 1))),
            ("017", Prefix, Some((15, 3))),
            ("018", Octal, Some((1, 2))),
            ("17", Prefix, Some((17, 2))),
            ("x", Decimal, None),
            ("", Decimal, None),
            ("-", Decimal, None),
            ("18446744073709551615", Decimal, Some((u64::MAX, 20))),
            ("18446744073709551616", Decimal, None),
            ("01777777777777777777777", Octal, Some((u64::MAX, 23))),
        ];
        for (text, base, expected) in cases {
            assert_eq!(digits(text.as_bytes(), base), expected, "{text} {base:?}");
        }
    }

    #[test]
    fn masks_and_multiples() {
        assert_eq!(masked(0xabcd, Some(0x0ff0)), 0xbc);
        assert_eq!((masked(7, Some(0)), masked(7, None)), (0, 7));
        assert_eq!((aligned(5, 4), aligned(8, 4), aligned(5, 1)), (8, 8, 5));
        assert_eq!(aligned(u64::MAX, 4), 0);
    }
}
