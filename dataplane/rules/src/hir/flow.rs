//! What a rule asks of the flow of a packet, and what its match changes there.

use super::NumberTest;

/// A test of the packet's flow, or of how the packet came about. A packet that belongs to no flow passes
/// those alone that say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowTest {
    /// The packet belongs to a flow: `flow:stateless`, and what comes with most other words of `flow`.
    Member,
    /// `flow:to_server`, `flow:to_client`: the way the packet runs. A packet without a flow runs to the
    /// server, as in the peer.
    Way(Way),
    /// `flow:established` (or `not_established`, which a packet without a flow is).
    Established(bool),
    /// `flow:only_stream` (or `no_stream`): the bytes are a chunk of the reassembled stream.
    Stream(bool),
    /// `flow:only_frag` (or `no_frag`): the packet was put together of fragments.
    Reassembled(bool),
    /// `flow.age`: whole seconds from the flow's first packet to this one.
    Age(NumberTest),
    /// `stream_size`.
    StreamSize(StreamSizeTest),
    /// `flowbits:isset` (or `isnotset`): one at least of these bits is set (or not).
    Bits {
        /// Names of the bits; never empty.
        names: Vec<String>,
        /// Whether it has to be set.
        set: bool,
    },
    /// `flowint` that tests.
    Integer {
        /// Name of the variable.
        name: String,
        /// What is asked of it.
        test: IntegerTest,
    },
}

/// The way of a packet in its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// From the side that opened the flow.
    ToServer,
    /// To the side that opened the flow.
    ToClient,
}

/// What is asked of an integer of the flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntegerTest {
    /// It has a value.
    Set,
    /// It has none.
    NotSet,
    /// Its value compares so with another; never true where it has none.
    Compare(Comparison, Operand),
}

/// What an integer of the flow is compared with or changed by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A number.
    Number(u32),
    /// The value of another integer of the flow; 0 where it has none.
    Variable(String),
}

/// How two numbers compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `=` or `==`.
    Equal,
    /// `!=`.
    NotEqual,
    /// `<`.
    Less,
    /// `<=`.
    LessOrEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
}

impl Comparison {
    /// Whether `left` compares so with `right`.
    #[inline]
    #[must_use]
    pub const fn accepts(self, left: u32, right: u32) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

/// `stream_size`: a test of how far the sequence numbers of a TCP connection have come, which counts
/// SYN as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamSizeTest {
    /// Whose sequence numbers.
    pub sides: StreamSides,
    /// The size, in bytes.
    pub size: NumberTest,
}

/// Whose bytes `stream_size` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StreamSides {
    /// What the client sent.
    Client,
    /// What the server sent.
    Server,
    /// Each of the two has to pass.
    Both,
    /// One of the two has to pass.
    Either,
}

/// What the match of a rule changes beside what its action does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// `flowbits:set`.
    SetBit(String),
    /// `flowbits:unset`.
    UnsetBit(String),
    /// `flowbits:toggle`.
    ToggleBit(String),
    /// `flowint` that changes.
    Integer {
        /// Name of the variable.
        name: String,
        /// How it changes.
        change: Change,
        /// By what.
        operand: Operand,
    },
    /// `bypass`: later packets of the flow are not inspected.
    Bypass,
}

/// How an integer of the flow changes, in arithmetic modulo 2³².
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// `=`.
    Set,
    /// `+`; what has no value counts as 0.
    Add,
    /// `-`; what has no value stays without.
    Subtract,
}
