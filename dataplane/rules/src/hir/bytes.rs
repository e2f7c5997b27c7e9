//! Tests of numbers, sizes and encoded data in the payload.

use super::{NumberTest, PayloadTest};

/// A variable of one rule: `byte_extract` and `byte_math` set it, later tests read it. Two names may stand
/// for one variable, as in Suricata.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Variable(pub u8);

/// A number that the rule says, or a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity<T> {
    /// As the rule says.
    Literal(T),
    /// What the variable holds.
    Variable(Variable),
}

/// Variables instead of the numbers of a content's place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlaceVariables {
    /// For `offset`.
    pub offset: Option<Variable>,
    /// For `depth`.
    pub depth: Option<Variable>,
    /// For `distance`.
    pub distance: Option<Variable>,
    /// For `within`.
    pub within: Option<Variable>,
}

/// How a number is written in the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Binary, the most significant byte first.
    BigEndian,
    /// Binary, the least significant byte first.
    LittleEndian,
    /// Digits of this base, as C's `strtoull` reads them.
    Text(Base),
}

/// The base of digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// `0x` hexadecimal, `0` octal, else decimal.
    Prefix,
    /// 8.
    Octal,
    /// 10.
    Decimal,
    /// 16, with or without `0x`.
    Hexadecimal,
}

/// A number to be read from the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadNumber {
    /// Bytes that it takes: up to 8 in binary, up to 23 as text (4 and 10 for `byte_math`, which needs one).
    /// 0 is the number 0 in binary, and as text whatever digits there are.
    pub bytes: Quantity<u8>,
    /// Where it begins, counted from the buffer's start or, if `relative`, from the last match's end.
    pub offset: Quantity<i32>,
    /// See `offset`.
    pub relative: bool,
    /// How it is written.
    pub encoding: Encoding,
    /// Kept bits; the result is shifted down by the mask's trailing zeros.
    pub bitmask: Option<u32>,
}

/// `byte_test`: compares a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteTest {
    /// The number.
    pub number: ReadNumber,
    /// How it is compared.
    pub comparison: ByteComparison,
    /// The comparison must fail.
    pub negated: bool,
    /// With what.
    pub value: Quantity<u64>,
}

/// The comparisons of `byte_test`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteComparison {
    /// `=`.
    Equal,
    /// `<`.
    Less,
    /// `<=`.
    LessOrEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
    /// `&`: they have a bit in common.
    And,
    /// `^`: they differ in a bit.
    Xor,
}

/// `byte_jump`: moves the position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteJump {
    /// The number.
    pub number: ReadNumber,
    /// It is multiplied by this.
    pub multiplier: u32,
    /// Then rounded up to a multiple of 4.
    pub align: bool,
    /// Where the jump begins.
    pub from: JumpFrom,
    /// Added to where it ends.
    pub post_offset: i32,
}

/// Where a jump begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JumpFrom {
    /// Behind the number.
    Number,
    /// At the buffer's start.
    Beginning,
    /// At the buffer's end.
    End,
}

/// `byte_extract`: keeps a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteExtract {
    /// The number.
    pub number: ReadNumber,
    /// Where it is kept.
    pub variable: Variable,
    /// It is multiplied by this.
    pub multiplier: u32,
    /// Then rounded up to a multiple of this, 2 or 4; 1 for as it is.
    pub align: u8,
}

/// `byte_math`: keeps the result of an operation on a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteMath {
    /// The number; its bitmask is for the result.
    pub number: ReadNumber,
    /// The operation.
    pub operator: Operator,
    /// What the number is operated with.
    pub operand: Quantity<u32>,
    /// Where the result is kept.
    pub variable: Variable,
}

/// The operations of `byte_math`, on unsigned numbers of 64 bits that wrap around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `+`.
    Add,
    /// `-`.
    Subtract,
    /// `*`.
    Multiply,
    /// `/`; by 0 is no match.
    Divide,
    /// `<<`.
    ShiftLeft,
    /// `>>`.
    ShiftRight,
}

/// `isdataat`: the buffer is long enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataAt {
    /// Without `relative`, there must be a byte at this offset. With it, this many bytes must follow the
    /// last match.
    pub position: Quantity<u32>,
    /// See `position`.
    pub relative: bool,
    /// There must not.
    pub negated: bool,
}

/// `base64_decode`, and the tests of `base64_data`.
#[derive(Clone, Debug, PartialEq)]
pub struct Base64 {
    /// Encoded bytes to decode at most; `None` for up to the end of the buffer.
    pub bytes: Option<u32>,
    /// Bytes to skip before, from the buffer's start or the last match's end.
    pub offset: u32,
    /// See `offset`.
    pub relative: bool,
    /// Tests of what was decoded; without any, the rule never matches.
    pub data: Vec<PayloadTest>,
}

/// `rpc`: a call of ONC RPC (RFC 5531 section 9) at the payload's start, for TCP behind a record mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rpc {
    /// The program.
    pub program: u32,
    /// Its version; `None` for any.
    pub version: Option<u32>,
    /// The procedure; `None` for any.
    pub procedure: Option<u32>,
}

/// `bsize`: bytes of the buffer.
pub type BufferSize = NumberTest;

impl PayloadTest {
    /// Whether its place depends on the match before it.
    #[must_use]
    pub const fn is_relative(&self) -> bool {
        match self {
            Self::Content(content) => content.is_relative(),
            Self::Pcre(pcre) => pcre.relative,
            Self::ByteTest(test) => test.number.relative,
            Self::ByteJump(jump) => jump.number.relative,
            Self::ByteExtract(extract) => extract.number.relative,
            Self::ByteMath(math) => math.number.relative,
            Self::DataAt(at) => at.relative,
            Self::Base64(decode) => decode.relative,
            Self::BufferSize(_) => false,
        }
    }

    /// Whether it searches for something, so that it may be tried again at a later place.
    #[must_use]
    pub const fn is_search(&self) -> bool {
        matches!(self, Self::Content(_) | Self::Pcre(_))
    }
}
