//! Packet and capture builders for tests, the assertions that every end-to-end test shares, and a NATS
//! server of a test's own.
//!
//! Development only: what is wrong in a test's own input is a panic with a message.

#![forbid(unsafe_code)]
#![allow(clippy::panic, clippy::expect_used, reason = "a test helper reports misuse by panicking")]

mod address;
#[cfg(feature = "tls")]
mod authority;
mod checksum;
mod conversation;
mod files;
pub mod ledgers;
mod nats;
mod packet;
mod port;
mod proxy;
mod rng;
mod traffic;

pub use address::Address;
#[cfg(feature = "tls")]
pub use authority::Authority;
pub use conversation::{Chunk, Side, tcp_conversation};
pub use files::{
    FIRST_TIMESTAMP_NS, Frame, Interface, PcapFile, PcapngFile, TIMESTAMP_STEP_NS, write_pcap,
    write_pcapng,
};
pub use nats::NatsServer;
pub use packet::{Packet, tcp_flags};
pub use port::free_port;
pub use proxy::Proxy;
pub use rng::Rng;
pub use traffic::Traffic;
