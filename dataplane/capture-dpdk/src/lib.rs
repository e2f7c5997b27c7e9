//! Packet sources over DPDK ports.
//!
//! [`Dpdk::start`] brings up the environment and every device of a [`DpdkConfig`], with one receive queue
//! per worker on each. A worker takes its [`DpdkSource`], which polls that worker's queue of every device
//! in turn. At the end the sources are dropped, and [`Dpdk::shutdown`] takes all down in the order that
//! DPDK wants. `docs/dpdk.md` describes devices, memory modes and limits for users.
//!
//! ```no_run
//! use capture::{Burst, PacketSource, Polled};
//! use capture_dpdk::{Device, Dpdk, DpdkConfig, DpdkError, Memory};
//!
//! # fn main() -> Result<(), DpdkError> {
//! let config = DpdkConfig {
//!     memory: Memory::NoHuge,
//!     devices: vec![Device::Vdev("net_null0,size=64".to_owned())],
//!     ..DpdkConfig::default()
//! };
//! let mut dpdk = Dpdk::start(&config, 1)?;
//! if let Some(mut source) = dpdk.take_source(0) {
//!     let worker = std::thread::spawn(move || {
//!         let _registered = source.register_thread()?;
//!         let Ok(Polled::Burst(burst)) = source.poll(32) else { return Ok(0) };
//!         Ok::<_, DpdkError>((0..burst.len()).filter_map(|index| burst.frame(index)).count())
//!     });
//!     assert_eq!(worker.join().unwrap()?, 32);
//! }
//! dpdk.shutdown()
//! # }
//! ```

mod config;
mod diagnose;
mod environment;
mod error;
mod inject;
mod source;

pub use config::{Device, DpdkConfig, Memory};
pub use dpdk::{Mbuf, Registrar, WorkerThread};
pub use environment::{DevicePort, Dpdk};
pub use error::DpdkError;
pub use inject::Injector;
pub use source::{DpdkBurst, DpdkSource, LINEAR_BYTES_MAX};
