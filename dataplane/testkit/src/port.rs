//! Ports to listen on.

use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::sync::atomic::{AtomicU16, Ordering};

/// Ports that tests listen on: below those that the kernel gives to outgoing connections, so that a port
/// which is found free stays free.
const PORTS: Range<u16> = 12_000..32_000;

/// A TCP port that nothing listens on, another one with every call.
///
/// # Panics
/// If every port is in use.
#[must_use]
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Processes begin at different places.
    let start = std::process::id() as u16;
    for _ in PORTS {
        let step = start.wrapping_mul(61).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = PORTS.start + step % (PORTS.end - PORTS.start);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("every port of {PORTS:?} is in use");
}
