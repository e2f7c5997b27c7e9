//! Thin safe types over DPDK: the environment ([`Eal`]), packet buffers ([`Mempool`], [`Mbuf`],
//! [`MbufBurst`]), ports ([`Port`]) and their receive queues ([`RxQueue`]).
//!
//! What the types enforce:
//!
//! - EAL starts once in the life of a process, in a thread of its own, so that no other thread is pinned
//!   to a core by it.
//! - An mbuf has one owner and is freed exactly once; it never outlives the memory that it lies in
//!   ([`Mempool`] says how).
//! - A receive queue has one owner; its port is stopped only after the last queue is gone.
//! - The order at the end is: queues, ports, pools, environment. What is still in use is kept, not freed
//!   under its user.
//!
//! Receiving costs one C call per burst, and none per packet.

mod eal;
mod error;
mod info;
mod log;
mod mbuf;
mod mempool;
mod port;
mod queue;
mod ring;
mod rss;
mod stats;
mod thread;

pub use eal::Eal;
pub use error::{Error, Failure};
pub use info::PortInfo;
pub use mbuf::{Mbuf, MbufBurst, TimestampField};
pub use mempool::{DATA_ROOM_MAX, Mempool, PoolConfig};
pub use port::{Port, PortConfig};
pub use queue::{BURST_MAX, RxQueue};
pub use ring::Ring;
pub use stats::PortStats;
pub use thread::{Registrar, WorkerThread};
