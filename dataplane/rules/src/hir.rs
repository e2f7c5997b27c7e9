//! A rule as meant: variables resolved, modifiers attached, defaults filled in, and its class known.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::sync::Arc;

use contract::Event;

mod buffer;
mod bytes;
mod flow;
mod headers;

pub use self::buffer::{Buffer, BufferName};
pub use self::bytes::{
    Base, Base64, BufferSize, ByteComparison, ByteExtract, ByteJump, ByteMath, ByteTest, DataAt,
    Encoding, JumpFrom, Operator, PlaceVariables, Quantity, ReadNumber, Rpc, Variable,
};
pub use self::flow::{
    Change, Comparison, Effect, FlowTest, IntegerTest, Operand, StreamSides, StreamSizeTest, Way,
};
pub use self::headers::{
    ChecksumTest, Checksummed, Field, FieldTest, FragmentBitsMode, FragmentBitsTest, IpOptionTest,
    IpProtocols, IpVersion,
};

/// One signature.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// What a match does.
    pub action: Action,
    /// Protocol word of the header.
    pub protocol: Protocol,
    /// Source side of the header.
    pub source: Endpoint,
    /// Destination side of the header.
    pub destination: Endpoint,
    /// `<>`: source and destination may be exchanged.
    pub bidirectional: bool,
    /// What the rule says of itself.
    pub meta: Meta,
    /// When and on what the rule is evaluated.
    pub class: Class,
    /// Tests of packet properties, in rule order.
    pub packet: Vec<PacketTest>,
    /// Tests of the payload, in rule order.
    pub payload: Vec<PayloadTest>,
    /// Tests of the flow and its variables, in rule order.
    pub flow: Vec<FlowTest>,
    /// What a match changes, in rule order, whether or not it raises an alert.
    pub effects: Vec<Effect>,
    /// A match raises an alert: `noalert` and `alert`, else the action, say so.
    pub raises: bool,
    /// Tests of other bytes, by buffer, each buffer once; each list in rule order.
    pub buffers: Vec<(Buffer, Vec<PayloadTest>)>,
    /// The rule as written.
    pub text: Arc<str>,
    /// Line of the rules file, from 1.
    pub line: u32,
}

/// Rule actions. A passive sensor alerts for `Drop` and `Reject` as for `Alert`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Raise an alert.
    Alert,
    /// Do not alert by rules of lower order on this packet.
    Pass,
    /// Alert; would discard the packet if inline.
    Drop,
    /// Alert; would reset the connection if inline.
    Reject,
}

/// Protocol word of a rule's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// `ip`: any packet with an IP header.
    Ip,
    /// `pkthdr`: as `ip`, for rules that are about headers.
    PktHdr,
    /// `ip4`, `ipv4`.
    Ipv4,
    /// `ip6`, `ipv6`.
    Ipv6,
    /// `tcp`.
    Tcp,
    /// `tcp-pkt`: the packet's payload, never the stream.
    TcpPkt,
    /// `tcp-stream`: the stream, or the payload of a packet that is in none.
    TcpStream,
    /// `udp`.
    Udp,
    /// `icmp`: ICMPv4 and ICMPv6.
    Icmp,
    /// `icmpv4`.
    Icmpv4,
    /// `icmpv6`.
    Icmpv6,
    /// `sctp`.
    Sctp,
}

/// One side of a rule's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Addresses, with negations already taken out.
    pub addresses: AddressSet,
    /// Ports, with negations already taken out. A set that is not `any` matches no packet without ports.
    pub ports: PortSet,
}

/// A set of addresses: sorted, disjoint, non-adjacent ranges of each family.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct AddressSet {
    /// IPv4 ranges.
    pub v4: Vec<RangeInclusive<Ipv4Addr>>,
    /// IPv6 ranges.
    pub v6: Vec<RangeInclusive<Ipv6Addr>>,
}

/// A set of ports: sorted, disjoint, non-adjacent ranges.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PortSet(pub Vec<RangeInclusive<u16>>);

/// What a rule says of itself; none of it takes part in matching.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Meta {
    /// Signature identifier; unique with `gid` in a rule set.
    pub sid: u32,
    /// Generator identifier; 1 unless the rule says.
    pub gid: u32,
    /// Revision; 0 where missing.
    pub rev: u32,
    /// Message, escapes resolved.
    pub msg: String,
    /// Short name of the classification.
    pub classtype: Option<String>,
    /// Description of the classification, the alert's `category`; empty where unknown.
    pub category: String,
    /// Priority, 1 (highest) to 255: the rule's own, else its classification's, else 3.
    pub priority: u8,
    /// References as (scheme, value).
    pub references: Vec<(String, String)>,
    /// Metadata as (key, value), in order, keys may repeat.
    pub metadata: Vec<(String, String)>,
}

/// What decides when a rule is evaluated, and on which bytes (design: Detection).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Each packet: the rule needs a packet property, or says `tcp-pkt`, or is not about TCP.
    Pkt,
    /// The reassembled stream only (`flow:only_stream`).
    Stream,
    /// TCP payload: the stream's chunk decides where the segment went into a stream, else the payload.
    PktOrStream,
    /// TCP payload with a content at a place (`offset`, `depth`, `startswith`): the payload of each packet,
    /// and the stream's chunk too.
    PktAndStream,
    /// Addresses (and IP protocol) only: once per flow direction, else each packet.
    IpOnly,
    /// Header only, each packet.
    PktHdr,
    /// Events only: each packet that has them, also one that could not be decoded.
    Event,
}

/// A test of a packet property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PacketTest {
    /// `dsize`: payload bytes.
    Dsize(NumberTest),
    /// `flags`: TCP flags.
    Flags(FlagsTest),
    /// `itype`: ICMP type.
    Itype(NumberTest),
    /// `icode`: ICMP code.
    Icode(NumberTest),
    /// `ttl`: time to live or hop limit.
    Ttl(NumberTest),
    /// `decode-event`, `engine-event`, `stream-event`: the packet has this event.
    Event(Event),
    /// `rpc`: a call at the payload's start.
    Rpc(Rpc),
    /// `ip_proto`: the IP protocol is one of these.
    IpProtocols(IpProtocols),
    /// `sameip`: source and destination are the same address.
    SameAddresses,
    /// `ipopts`: an IPv4 option is there.
    IpOption(IpOptionTest),
    /// `fragbits`: fragment bits of an IPv4 packet.
    FragmentBits(FragmentBitsTest),
    /// `l3_proto`: IP version.
    Version(IpVersion),
    /// `id`, `tcp.seq` and other numbers of headers.
    Field(FieldTest),
    /// `ipv4-csum` and the others: a checksum is right, or wrong.
    Checksum(ChecksumTest),
}

/// A test of an unsigned number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberTest {
    /// Equal.
    Equal(u32),
    /// Not equal.
    NotEqual(u32),
    /// Less.
    Less(u32),
    /// Less or equal.
    LessOrEqual(u32),
    /// Greater.
    Greater(u32),
    /// Greater or equal.
    GreaterOrEqual(u32),
    /// Strictly between the two, as the peer reads `a<>b`; see each keyword in `docs/rule-support.md`.
    Between(u32, u32),
}

impl NumberTest {
    /// Whether `value` passes.
    #[inline]
    #[must_use]
    pub const fn accepts(self, value: u32) -> bool {
        match self {
            Self::Equal(n) => value == n,
            Self::NotEqual(n) => value != n,
            Self::Less(n) => value < n,
            Self::LessOrEqual(n) => value <= n,
            Self::Greater(n) => value > n,
            Self::GreaterOrEqual(n) => value >= n,
            Self::Between(low, high) => value > low && value < high,
        }
    }
}

/// A test of TCP flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlagsTest {
    /// How `flags` is compared.
    pub mode: FlagsMode,
    /// The flags, as in the TCP header (FIN 1 … CWR 128).
    pub flags: u8,
    /// Flags that are left out of the comparison.
    pub ignore: u8,
}

/// How TCP flags are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagsMode {
    /// Exactly these.
    Exact,
    /// These and any others (`+`).
    All,
    /// At least one of these (`*`).
    Any,
    /// Not all of these (`!`), as the peer compares.
    Not,
}

/// A test of the payload.
#[derive(Clone, Debug, PartialEq)]
pub enum PayloadTest {
    /// `content`.
    Content(Content),
    /// `pcre`.
    Pcre(Pcre),
    /// `byte_test`.
    ByteTest(ByteTest),
    /// `byte_jump`.
    ByteJump(ByteJump),
    /// `byte_extract`.
    ByteExtract(ByteExtract),
    /// `byte_math`.
    ByteMath(ByteMath),
    /// `isdataat`.
    DataAt(DataAt),
    /// `bsize`.
    BufferSize(BufferSize),
    /// `base64_decode` with the tests of `base64_data`.
    Base64(Base64),
}

/// A literal and where it has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The bytes, hex and escapes resolved; never empty.
    pub bytes: Vec<u8>,
    /// Must not be there.
    pub negated: bool,
    /// ASCII letters match in both cases.
    pub nocase: bool,
    /// Earliest start, from the buffer's start. `startswith` is offset 0 and depth = length. Beside
    /// `distance` it is a further bound, which only the peer's own reckoning sets.
    pub offset: Option<u32>,
    /// Absolute: bytes from `offset` in which the whole literal has to be.
    pub depth: Option<u32>,
    /// Relative: start at least so far after the end of the last match.
    pub distance: Option<i32>,
    /// Relative: the whole literal within so many bytes from the end of the last match.
    pub within: Option<i32>,
    /// Variables that say the place; where one is set, the number beside it is not.
    pub variables: PlaceVariables,
    /// Ends where the buffer ends.
    pub endswith: bool,
    /// Its part in the prefilter.
    pub fast_pattern: FastPattern,
}

impl Content {
    /// `bytes` anywhere in the payload, as written, without a modifier.
    #[must_use]
    pub const fn anywhere(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            negated: false,
            nocase: false,
            offset: None,
            depth: None,
            distance: None,
            within: None,
            variables: PlaceVariables { offset: None, depth: None, distance: None, within: None },
            endswith: false,
            fast_pattern: FastPattern::Auto,
        }
    }

    /// Whether its place depends on the match before it.
    #[must_use]
    pub const fn is_relative(&self) -> bool {
        self.has_distance() || self.has_within()
    }

    /// Whether it has an `offset`, as a number or a variable.
    #[must_use]
    pub const fn has_offset(&self) -> bool {
        self.offset.is_some() || self.variables.offset.is_some()
    }

    /// Whether it has a `depth`.
    #[must_use]
    pub const fn has_depth(&self) -> bool {
        self.depth.is_some() || self.variables.depth.is_some()
    }

    /// Whether it has a `distance`.
    #[must_use]
    pub const fn has_distance(&self) -> bool {
        self.distance.is_some() || self.variables.distance.is_some()
    }

    /// Whether it has a `within`.
    #[must_use]
    pub const fn has_within(&self) -> bool {
        self.within.is_some() || self.variables.within.is_some()
    }
}

/// A content's part in the prefilter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FastPattern {
    /// The compiler may choose it.
    Auto,
    /// The rule chose it.
    Chosen,
    /// The rule chose it, and it is not checked again (`only`).
    Only,
    /// The rule chose a part of it.
    Chop {
        /// First byte of the part.
        offset: u16,
        /// Bytes of the part.
        length: u16,
    },
}

/// A regular expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pcre {
    /// The expression between the delimiters, as written.
    pub pattern: String,
    /// Must not match.
    pub negated: bool,
    /// Starts at the end of the last match (`R`).
    pub relative: bool,
    /// `i`.
    pub caseless: bool,
    /// `s`.
    pub dot_all: bool,
    /// `m`.
    pub multi_line: bool,
    /// `x`.
    pub extended: bool,
    /// `A`.
    pub anchored: bool,
    /// `E`: `$` only at the very end.
    pub dollar_end_only: bool,
    /// `G`: quantifiers are not greedy.
    pub ungreedy: bool,
}
