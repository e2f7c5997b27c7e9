//! Addresses as tests like to write them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What can stand for an IP address in a builder.
pub trait Address {
    /// The address.
    ///
    /// # Panics
    /// If a text is not an address.
    fn ip(self) -> IpAddr;
}

impl Address for IpAddr {
    fn ip(self) -> IpAddr {
        self
    }
}

impl Address for Ipv4Addr {
    fn ip(self) -> IpAddr {
        self.into()
    }
}

impl Address for Ipv6Addr {
    fn ip(self) -> IpAddr {
        self.into()
    }
}

impl Address for [u8; 4] {
    fn ip(self) -> IpAddr {
        self.into()
    }
}

impl Address for &str {
    fn ip(self) -> IpAddr {
        self.parse().unwrap_or_else(|_| panic!("{self:?} is not an IP address"))
    }
}
