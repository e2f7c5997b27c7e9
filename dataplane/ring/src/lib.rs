//! Bounded single-producer single-consumer rings.
//!
//! [`spsc`] makes a ring of any `Send` type: slots of records, frames handed to another worker,
//! boxed rule sets. [`record_ring`] puts whole records of [`contract::record`] through a ring of slots.
//! A [`Page`] is a row of counters that outlives the process.
//!
//! Neither side ever waits, locks, allocates or makes a system call; a full ring gives the item back.
//! The atomics are loom's under `--cfg loom`, so that the model checker runs the code that ships.

mod page;
mod records;
#[cfg_attr(loom, path = "slots_loom.rs")]
mod slots;
mod spsc;
mod sync;

pub use crate::page::{CELLS_MAX, Page, PageCell, read_page};
pub use crate::records::{
    BadRecord, Full, RecordConsumer, RecordProducer, RecordScratch, record_ring,
};
pub use crate::spsc::{CAPACITY_MAX, Consumer, Producer, spsc};
