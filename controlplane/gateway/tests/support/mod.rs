//! What the end-to-end tests share: the sensor as a process, NATS, HTTP, and packets whose alerts are
//! known.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

#[path = "../common/mod.rs"]
pub mod common;
pub mod http;
pub mod nats;
pub mod scene;
pub mod sensor;

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Ports that tests listen on: below those that the kernel gives to outgoing connections, so that a port
/// which is found free stays free.
const PORTS: std::ops::Range<u16> = 12_000..32_000;

/// A port that nothing listens on.
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
