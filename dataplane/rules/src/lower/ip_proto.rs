//! `ip_proto`: which IP protocols a rule is about.

use super::{Argument, Lowering};
use crate::diagnostic::Fault;
use crate::hir::{IpProtocols, IpVersion, PacketTest, Protocol};
use crate::keyword::closest;

mod names;

/// How `ip_proto` compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Not,
    Less,
    Greater,
}

/// The IP protocols that a rule is about, as far as it was read.
#[derive(Debug)]
pub(crate) struct Protocols {
    /// The header's word, if it is one.
    header: Option<Protocol>,
    /// The IP version that header and `l3_proto` leave; `None`: either.
    version: Option<IpVersion>,
    /// The comparisons of `ip_proto` so far.
    comparisons: Vec<Comparison>,
    /// What they leave.
    set: IpProtocols,
}

impl Protocols {
    pub(crate) fn new(header: Option<Protocol>) -> Self {
        let version = header.and_then(Protocol::version);
        Self { header, version, comparisons: Vec::new(), set: IpProtocols::ALL }
    }

    /// Leaves `version` alone; `false` where the rule is about the other one.
    pub(super) fn narrow(&mut self, version: IpVersion) -> bool {
        *self.version.get_or_insert(version) == version
    }

    /// Whether the rule can be about packets of protocol `number`. A header that is wrong forbids none.
    pub(crate) fn cover(&self, number: u8) -> bool {
        self.set.contains(number) && self.header.is_none_or(|word| word.covers(number))
    }

    /// Why `comparison` cannot join those before it: as in Suricata, `=` stands alone, and `<` and `>`
    /// once each.
    fn refusal(&self, comparison: Comparison) -> Option<&'static str> {
        let had = |other| self.comparisons.contains(&other);
        match comparison {
            _ if had(Comparison::Equal) => Some("this rule names its protocol already"),
            Comparison::Equal if !self.comparisons.is_empty() => {
                Some("a protocol by name or number does not go with another `ip_proto`")
            }
            Comparison::Less | Comparison::Greater if had(comparison) => {
                Some("this rule has an `ip_proto` with this sign already")
            }
            _ => None,
        }
    }
}

/// `ip_proto:[!|<|>]name or number`.
pub(crate) fn ip_proto(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    let text = argument.value.text;
    // Inside of quotes the sign is part of the value.
    let (sign, name) = text.split_at(usize::from(text.starts_with(['!', '<', '>'])));
    let comparison = match sign {
        "" if argument.negated => Comparison::Not,
        _ if argument.negated => return Err(argument.invalid("one sign at most")),
        "!" => Comparison::Not,
        "<" => Comparison::Less,
        ">" => Comparison::Greater,
        _ => Comparison::Equal,
    };
    let number = number(name.trim_start(), &argument)?;
    let protocols = &mut lowering.protocols;
    if protocols.header.is_some_and(|word| !word.is_ip()) {
        return Err(argument
            .conflict("`ip_proto` is for rules of protocol `ip`")
            .hint("write `ip` in the header, or leave `ip_proto` out"));
    }
    if let Some(message) = protocols.refusal(comparison) {
        return Err(argument.conflict(message));
    }
    let own = IpProtocols::of(|candidate| match comparison {
        Comparison::Equal => candidate == number,
        Comparison::Not => candidate != number,
        Comparison::Less => candidate < number,
        Comparison::Greater => candidate > number,
    });
    protocols.comparisons.push(comparison);
    protocols.set = protocols.set.and(own);
    if protocols.set.is_empty() {
        return Err(argument.invalid("no IP protocol is left"));
    }
    let set = PacketTest::IpProtocols(protocols.set);
    let before = lowering.packet.iter_mut().find(|test| matches!(test, PacketTest::IpProtocols(_)));
    match before {
        Some(test) => *test = set,
        None => lowering.packet.push(set),
    }
    Ok(())
}

/// A protocol's number, by name or as digits.
fn number(name: &str, argument: &Argument<'_>) -> Result<u8, Fault> {
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        let number = name.parse().ok();
        return number.ok_or_else(|| {
            argument.invalid(format!("`{name}` is not a protocol number from 0 to 255"))
        });
    }
    let lower = name.to_ascii_lowercase();
    if let Some((_, number)) = names::PROTOCOLS.iter().find(|(known, _)| *known == lower) {
        return Ok(*number);
    }
    let fault = argument.invalid(format!("`{name}` is not an IP protocol"));
    Err(match closest(&lower, names::PROTOCOLS.iter().map(|(known, _)| *known)) {
        Some(near) => fault.hint(format!("did you mean `{near}`?")),
        None => fault.hint("protocols go by their number too"),
    })
}
