//! Keywords that test the fields of IP, TCP and ICMP headers.

use super::number::number_test;
use super::{Argument, Lowering};
use crate::diagnostic::Fault;
use crate::hir::{
    ChecksumTest, Checksummed, Field, FieldTest, FragmentBitsMode, FragmentBitsTest, IpOptionTest,
    IpVersion, NumberTest, PacketTest,
};

/// The options of `ipopts`, with their types (IANA registry of IP option numbers).
const IP_OPTIONS: [(&str, u8); 9] = [
    ("rr", 7),
    ("lsrr", 131),
    ("eol", 0),
    ("nop", 1),
    ("ts", 68),
    ("sec", 130),
    ("esec", 133),
    ("ssrr", 137),
    ("satid", 136),
];

/// Whether `test` stands in the way of looking at streams. As in Suricata, some do not: they are asked of
/// the packet on which the stream is looked at.
pub(super) const fn needs_packet(test: &PacketTest) -> bool {
    match test {
        PacketTest::Checksum(_) => false,
        PacketTest::Field(test) => !matches!(test.field, Field::IcmpSequence),
        other => !is_about_addresses(other),
    }
}

/// Whether `test` asks what is the same for all packets of a flow's direction.
pub(super) const fn is_about_addresses(test: &PacketTest) -> bool {
    matches!(test, PacketTest::IpProtocols(_) | PacketTest::Version(_))
}

impl Lowering<'_> {
    fn field(&mut self, field: Field, number: NumberTest) {
        self.packet.push(PacketTest::Field(FieldTest { field, number }));
    }

    /// A field that can be equal to a number only.
    fn equal(&mut self, field: Field, argument: &Argument<'_>) -> Result<(), Fault> {
        let number = digits(argument.value.text, field.maximum(), argument)?;
        self.field(field, NumberTest::Equal(number));
        Ok(())
    }

    /// A field that takes every [`number_test`].
    fn compared(&mut self, field: Field, argument: &Argument<'_>) -> Result<(), Fault> {
        let number = number_test(argument.value.text, field.maximum())
            .map_err(|error| argument.invalid(error))?;
        self.field(field, number);
        Ok(())
    }

    fn checksum(&mut self, of: Checksummed, argument: &Argument<'_>) -> Result<(), Fault> {
        let valid = match argument.value.text.to_ascii_lowercase().as_str() {
            "valid" => true,
            "invalid" => false,
            _ => return Err(argument.invalid("not `valid` or `invalid`")),
        };
        self.packet.push(PacketTest::Checksum(ChecksumTest { of, valid }));
        Ok(())
    }
}

/// Decimal digits of a number of at most `maximum`.
fn digits(text: &str, maximum: u32, argument: &Argument<'_>) -> Result<u32, Fault> {
    let number = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    number
        .filter(|number| *number <= maximum)
        .ok_or_else(|| argument.invalid(format!("`{text}` is not a number from 0 to {maximum}")))
}

pub(crate) fn id(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    lowering.equal(Field::IpId, &argument)
}

pub(crate) fn tos(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    let (text, maximum) = (argument.value.text, Field::Tos.maximum());
    let number = match text.strip_prefix(['x', 'X']) {
        Some(hex) if !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            u32::from_str_radix(hex, 16).ok().filter(|number| *number <= maximum).ok_or_else(
                || argument.invalid(format!("`{text}` is not a number from x0 to xff")),
            )?
        }
        _ => digits(text, maximum, &argument)?,
    };
    let test = if argument.negated { NumberTest::NotEqual } else { NumberTest::Equal };
    lowering.field(Field::Tos, test(number));
    Ok(())
}

pub(crate) fn fragoffset(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    let (text, maximum) = (argument.value.text, Field::FragmentOffset.maximum());
    let (sign, rest) = text.split_at(usize::from(text.starts_with(['!', '<', '>'])));
    if sign == "!" {
        return Err(argument
            .invalid("`fragoffset` cannot be negated")
            .hint("Suricata 7.0.10 refuses it too; use `<` and `>`"));
    }
    let number = digits(rest.trim_start(), maximum, &argument)?;
    let test = match sign {
        "<" if number > 0 => NumberTest::Less(number),
        ">" if number < maximum => NumberTest::Greater(number),
        "" => NumberTest::Equal(number),
        _ => return Err(argument.invalid(format!("`{text}` is never true"))),
    };
    lowering.field(Field::FragmentOffset, test);
    Ok(())
}

pub(crate) fn seq(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    lowering.equal(Field::TcpSequence, &argument)
}

pub(crate) fn ack(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    lowering.equal(Field::TcpAcknowledgement, &argument)
}

pub(crate) fn window(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    let (text, field) = (argument.value.text, Field::TcpWindow);
    let test = match text.strip_prefix('!') {
        Some(rest) => NumberTest::NotEqual(digits(rest.trim_start(), field.maximum(), &argument)?),
        None => NumberTest::Equal(digits(text, field.maximum(), &argument)?),
    };
    lowering.field(field, test);
    Ok(())
}

pub(crate) fn mss(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    lowering.compared(Field::TcpMss, &argument)
}

pub(crate) fn icmp_id(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    lowering.equal(Field::IcmpId, &argument)
}

pub(crate) fn icmp_seq(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    lowering.equal(Field::IcmpSequence, &argument)
}

pub(crate) fn icmpv6_mtu(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    lowering.compared(Field::Icmpv6Mtu, &argument)
}

pub(crate) fn sameip(lowering: &mut Lowering<'_>, _: Argument<'_>) -> Result<(), Fault> {
    lowering.packet.push(PacketTest::SameAddresses);
    Ok(())
}

pub(crate) fn ipopts(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    let name = argument.value.text.to_ascii_lowercase();
    let test = match IP_OPTIONS.iter().find(|(known, _)| *known == name) {
        Some((_, kind)) => IpOptionTest::Type(*kind),
        None if name == "any" => IpOptionTest::Any,
        None => {
            let known = IP_OPTIONS.map(|(name, _)| name).join(", ");
            return Err(argument
                .invalid(format!("`{}` is not an IP option", argument.value.text))
                .hint(format!("options are {known} and any")));
        }
    };
    lowering.packet.push(PacketTest::IpOption(test));
    Ok(())
}

pub(crate) fn fragbits(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    let test = fragment_bits(argument.value.text).map_err(|message| argument.invalid(message))?;
    lowering.packet.push(PacketTest::FragmentBits(test));
    Ok(())
}

/// `[+*!]bits`.
fn fragment_bits(text: &str) -> Result<FragmentBitsTest, String> {
    let (sign, letters) = text.split_at(usize::from(text.starts_with(['+', '*', '!'])));
    let mode = match sign {
        "+" => FragmentBitsMode::AndOthers,
        "*" => FragmentBitsMode::Any,
        "!" => FragmentBitsMode::NotAll,
        _ => FragmentBitsMode::Exact,
    };
    let mut bits = 0;
    for letter in letters.trim_start().chars() {
        bits |= match letter {
            'R' => 4,
            'D' => 2,
            'M' => 1,
            other => return Err(format!("`{other}` is not one of the bits M, D and R")),
        };
    }
    if bits == 0 { Err("no bit is named".into()) } else { Ok(FragmentBitsTest { mode, bits }) }
}

pub(crate) fn l3_proto(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    let version = match argument.value.text.to_ascii_lowercase().as_str() {
        "ipv4" | "ip4" => IpVersion::V4,
        "ipv6" | "ip6" => IpVersion::V6,
        _ => return Err(argument.invalid("not `ipv4` or `ipv6`")),
    };
    if !lowering.protocols.narrow(version) {
        return Err(argument.conflict("this rule is about the other version of IP"));
    }
    lowering.packet.push(PacketTest::Version(version));
    Ok(())
}

pub(crate) fn ipv4_csum(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    lowering.checksum(Checksummed::Ipv4, &argument)
}

pub(crate) fn tcpv4_csum(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    lowering.checksum(Checksummed::Tcp(IpVersion::V4), &argument)
}

pub(crate) fn tcpv6_csum(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    lowering.checksum(Checksummed::Tcp(IpVersion::V6), &argument)
}

pub(crate) fn udpv4_csum(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    lowering.checksum(Checksummed::Udp(IpVersion::V4), &argument)
}

pub(crate) fn udpv6_csum(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    lowering.checksum(Checksummed::Udp(IpVersion::V6), &argument)
}

pub(crate) fn icmpv4_csum(
    lowering: &mut Lowering<'_>,
    argument: Argument<'_>,
) -> Result<(), Fault> {
    lowering.checksum(Checksummed::Icmpv4, &argument)
}

pub(crate) fn icmpv6_csum(
    lowering: &mut Lowering<'_>,
    argument: Argument<'_>,
) -> Result<(), Fault> {
    lowering.checksum(Checksummed::Icmpv6, &argument)
}
