//! What the end-to-end tests share: the sensor as a process, what it publishes, HTTP, and packets whose
//! alerts are known.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

#[path = "../common/mod.rs"]
pub mod common;
pub mod faults;
pub mod http;
pub mod nats;
pub mod scene;
pub mod sensor;
