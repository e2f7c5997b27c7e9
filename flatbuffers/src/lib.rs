//! The alert message: flatbuffers schema, encode and decode.
//!
//! [`BatchEncoder`] writes alerts straight into the [`Buffer`] that becomes the message; [`Batch`] verifies bytes from
//! anywhere and reads them back into the contract's types. The schema is `schema/alert.fbs`, and
//! `generate.sh` makes [`wire`] from it. `docs/alerts.md` describes the message for its consumers.
//!
#![doc = include_str!("../README.md")]

mod buffer;
mod decode;
mod encode;
mod fields;
mod shared;

/// Readers and writers that flatc generates from `schema/alert.fbs`; see `generate.sh`.
#[rustfmt::skip]
#[allow(
    missing_docs,
    unused_qualifications,
    unreachable_pub,
    clippy::all,
    clippy::undocumented_unsafe_blocks,
    clippy::unwrap_used,
    clippy::semicolon_if_nothing_returned,
    reason = "generated code is flatc's, and its drift is checked byte for byte"
)]
#[path = "generated/alert_generated.rs"]
mod generated;

pub use buffer::{Buffer, Encoded};
pub use decode::{Batch, DecodeError};
pub use encode::{BatchEncoder, PushError};
pub use fields::{AlertFields, BatchHead, SignatureFields};
pub use generated::sensor::alert as wire;
pub use wire::Action;

/// Largest message in bytes. A batch that would be longer is closed before its last alert.
pub const BATCH_BYTES_MAX: usize = 256 * 1024;

/// Version of the schema that this crate writes.
pub const SCHEMA_VERSION: u16 = 2;

/// The types that alerts are read into, so that consumers need not name their crate.
pub use contract;

#[cfg(test)]
mod tests;
