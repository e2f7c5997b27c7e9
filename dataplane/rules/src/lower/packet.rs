//! Keywords that test packet properties.

use super::number::number_test;
use super::{Argument, Lowering};
use crate::diagnostic::Fault;
use crate::hir::{FlagsMode, FlagsTest, NumberTest, PacketTest, PayloadTest};

/// Flags of packets that open or close a connection.
const FIN_SYN_RST: u8 = 0x07;

/// Flags that are seldom seen.
const URG_ECE_CWR: u8 = 0xe0;

fn number(
    lowering: &mut Lowering<'_>,
    argument: Argument<'_>,
    maximum: u32,
    test: fn(NumberTest) -> PacketTest,
) -> Result<(), Fault> {
    let value =
        number_test(argument.value.text, maximum).map_err(|error| argument.invalid(error))?;
    lowering.packet.push(test(value));
    Ok(())
}

pub(crate) fn dsize(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    if lowering.packet.iter().any(|test| matches!(test, PacketTest::Dsize(_))) {
        return Err(argument.conflict("a rule can have one `dsize` only"));
    }
    number(lowering, argument, u16::MAX.into(), PacketTest::Dsize)?;
    // Suricata does not look at packets without payload for `!n`.
    if let Some(PacketTest::Dsize(NumberTest::NotEqual(_))) = lowering.packet.last() {
        lowering.packet.push(PacketTest::Dsize(NumberTest::Greater(0)));
    }
    Ok(())
}

pub(crate) fn ttl(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    number(lowering, argument, u8::MAX.into(), PacketTest::Ttl)
}

pub(crate) fn itype(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    number(lowering, argument, u8::MAX.into(), PacketTest::Itype)
}

pub(crate) fn icode(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    number(lowering, argument, u8::MAX.into(), PacketTest::Icode)
}

pub(crate) fn flags(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    let test = parse_flags(argument.value.text).map_err(|message| argument.invalid(message))?;
    if test.flags == 0 {
        lowering.packet.push(PacketTest::Flags(without_flags(test.mode)));
    } else {
        lowering.packet.extend(with_companions(test));
    }
    Ok(())
}

/// A test of no flags (`0`) looks at all eight in Suricata, whatever is to be ignored.
const fn without_flags(mode: FlagsMode) -> FlagsTest {
    let (mode, flags) = match mode {
        FlagsMode::Exact | FlagsMode::All => (FlagsMode::Exact, 0),
        FlagsMode::Not => (FlagsMode::Any, u8::MAX),
        FlagsMode::Any => (FlagsMode::Any, 0),
    };
    FlagsTest { mode, flags, ignore: 0 }
}

/// The test, and what Suricata asks of a packet besides: a rule that names FIN, SYN or RST sees only
/// packets with one of them, one that names URG, ECE or CWR only packets with one of those. This matters
/// to `*` and `!`: `!S` is no match on a plain ACK.
fn with_companions(test: FlagsTest) -> impl Iterator<Item = PacketTest> {
    let needed = move |group: &u8| {
        let implied = match test.mode {
            FlagsMode::Exact | FlagsMode::All => true,
            FlagsMode::Any => test.flags & !group == 0,
            FlagsMode::Not => false,
        };
        test.flags & group != 0 && !implied
    };
    let any = |flags| FlagsTest { mode: FlagsMode::Any, flags, ignore: 0 };
    let companions = [FIN_SYN_RST, URG_ECE_CWR].into_iter().filter(needed).map(any);
    std::iter::once(test).chain(companions).map(PacketTest::Flags)
}

/// `[+*!]flags[,ignored]`; the modifier may stand anywhere among the flags.
fn parse_flags(text: &str) -> Result<FlagsTest, String> {
    let (tested, ignored) = text.split_once(',').map_or((text, None), |(a, b)| (a, Some(b)));
    let (mut mode, mut flags, mut named) = (FlagsMode::Exact, 0, false);
    let tested = tested.trim();
    let spaced = tested.strip_prefix(['+', '*', '!']).map(str::trim_start);
    for c in tested.chars().take(1).chain(spaced.unwrap_or(tested.get(1..).unwrap_or("")).chars()) {
        let modifier = match c {
            '+' => FlagsMode::All,
            '*' => FlagsMode::Any,
            '!' => FlagsMode::Not,
            c => {
                flags |= flag(c, true)?;
                named = true;
                continue;
            }
        };
        if mode != FlagsMode::Exact {
            return Err("one of `+`, `*`, `!` at most".into());
        }
        mode = modifier;
    }
    let mut ignore = 0;
    if let Some(ignored) = ignored.map(str::trim) {
        for c in ignored.chars() {
            ignore |= flag(c, false)?;
        }
        named &= !ignored.is_empty();
    }
    if !named {
        return Err("no flag is named".into());
    }
    Ok(FlagsTest { mode, flags, ignore })
}

fn flag(c: char, zero: bool) -> Result<u8, String> {
    Ok(match c {
        'F' => 0x01,
        'S' => 0x02,
        'R' => 0x04,
        'P' => 0x08,
        'A' => 0x10,
        'U' => 0x20,
        'E' | '2' => 0x40,
        'C' | '1' => 0x80,
        '0' if zero => 0,
        c => return Err(format!("`{c}` is not a flag of FSRPAUEC12")),
    })
}

/// Refuses contents that cannot all lie in a payload of exactly `dsize` bytes.
///
/// As in Suricata, a negated content counts as the others do, and only `dsize:n` is looked at.
pub(super) fn check_dsize(packet: &[PacketTest], payload: &[PayloadTest]) -> Result<(), String> {
    let exact = packet.iter().find_map(|test| match test {
        PacketTest::Dsize(NumberTest::Equal(size)) => Some(i64::from(*size)),
        _ => None,
    });
    let Some(size) = exact else { return Ok(()) };
    let (mut end, mut needed) = (0, 0);
    for test in payload {
        let PayloadTest::Content(content) = test else { continue };
        let start = if content.is_relative() {
            end + i64::from(content.distance.unwrap_or(0))
        } else {
            i64::from(content.offset.unwrap_or(0))
        };
        end = start + content.bytes.len() as i64;
        needed = needed.max(end);
    }
    if needed > size {
        return Err(format!("the contents need {needed} bytes, `dsize` allows {size}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::parse_flags;
    use crate::hir::FlagsMode::{All, Any, Exact, Not};

    #[test]
    fn flags_as_written() {
        let cases = [
            ("S", Some((Exact, 0x02, 0))),
            ("FSRPAUEC", Some((Exact, 0xff, 0))),
            ("12", Some((Exact, 0xc0, 0))),
            ("+SA", Some((All, 0x12, 0))),
            ("SA+", Some((All, 0x12, 0))),
            ("+ S", Some((All, 0x02, 0))),
            ("*SF", Some((Any, 0x03, 0))),
            ("!S", Some((Not, 0x02, 0))),
            ("S , 12", Some((Exact, 0x02, 0xc0))),
            ("+F,CE", Some((All, 0x01, 0xc0))),
            ("S0", Some((Exact, 0x02, 0))),
            ("0", Some((Exact, 0, 0))),
            ("s", None),
            ("=S", None),
            ("!*S", None),
            ("S,", None),
            ("S,0", None),
            ("+", None),
            ("S,1,2", None),
            ("S,!1", None),
            ("F S", None),
            ("S +", None),
            ("+SA+", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let got = parse_flags(text).ok().map(|test| (test.mode, test.flags, test.ignore));
            assert_eq!(got, expected, "{text}");
        }
    }
}
