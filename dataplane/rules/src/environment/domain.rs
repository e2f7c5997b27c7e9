//! The leaves of expressions: addresses and ports as text.

use std::net::{IpAddr, Ipv4Addr};

/// A leaf as (family, lowest, highest).
type Leaf = (usize, u128, u128);

/// What an expression is about.
pub(super) struct Domain {
    /// For messages.
    pub(super) name: &'static str,
    /// For messages: what the first family is called as a whole.
    pub(super) whole: &'static str,
    /// The largest number of each family.
    pub(super) maxima: &'static [u128],
    /// Reads a leaf.
    pub(super) leaf: fn(&str) -> Result<Leaf, String>,
}

/// Addresses: IPv4, IPv6.
pub(super) static ADDRESSES: Domain = Domain {
    name: "address",
    whole: "IPv4 address",
    maxima: &[u32::MAX as u128, u128::MAX],
    leaf: address,
};

/// Ports.
pub(super) static PORTS: Domain =
    Domain { name: "port", whole: "port", maxima: &[u16::MAX as u128], leaf: port };

/// `a`, `a/prefix`, `a/netmask` (IPv4) or `a-b`.
fn address(text: &str) -> Result<Leaf, String> {
    let number = |text: &str| match text.parse::<IpAddr>() {
        Ok(IpAddr::V4(v4)) => Ok((0, 32, u128::from(v4.to_bits()))),
        Ok(IpAddr::V6(v6)) => Ok((1, 128, v6.to_bits())),
        Err(_) => Err(format!("`{text}` is not an address")),
    };
    if let Some((first, last)) = text.split_once('-') {
        let (family, _, low) = number(first.trim_end())?;
        let (last_family, _, high) = number(last.trim_start())?;
        if family != last_family || low > high {
            return Err(format!("`{text}` is not a range from lower to higher"));
        }
        return Ok((family, low, high));
    }
    let (base, length) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
    let (family, bits, base) = number(base)?;
    let length = match length {
        None => bits,
        Some(length) => prefix(length, bits)
            .ok_or_else(|| format!("`{length}` is not a prefix length of at most {bits} bits"))?,
    };
    let host = u128::MAX.checked_shl(bits - length).map_or(u128::MAX, |high| !high);
    let all = u128::MAX >> (128 - bits);
    Ok((family, base & !host, (base | host) & all))
}

/// A prefix length, or for IPv4 a netmask that is equal to one.
fn prefix(text: &str, bits: u32) -> Option<u32> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().filter(|&length| length <= bits);
    }
    let mask = text.parse::<Ipv4Addr>().ok().filter(|_| bits == 32)?.to_bits();
    (mask.leading_ones() == mask.count_ones()).then(|| mask.count_ones())
}

/// `a`, `a:b`, `a:` or `:b`.
fn port(text: &str) -> Result<Leaf, String> {
    let number = |text: &str, missing: u16| match text.trim() {
        "" => Ok(missing),
        text if !text.starts_with('+') => {
            text.parse::<u16>().map_err(|_| format!("`{text}` is not a port"))
        }
        text => Err(format!("`{text}` is not a port")),
    };
    let (low, high) = match text.split_once(':') {
        Some((low, high)) => (number(low, 0)?, number(high, u16::MAX)?),
        None => number(text, 0).map(|port| (port, port))?,
    };
    if low > high {
        return Err(format!("`{text}` is not a range from lower to higher"));
    }
    Ok((0, low.into(), high.into()))
}
