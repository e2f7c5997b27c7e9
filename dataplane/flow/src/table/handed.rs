//! What the table hands out: flows, references to them, and flows that have ended.

use contract::FlowEnd;

use crate::core::FlowCore;

/// The way back to a flow that was looked up: where it lies, and which one it is. It leads nowhere once
/// the flow has ended, since no identifier is given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowRef {
    pub(super) position: u32,
    pub(super) id: u64,
}

/// A flow of the table.
#[derive(Debug)]
pub struct Flow<'a, T> {
    /// The way back to it.
    pub reference: FlowRef,
    /// Core.
    pub core: &'a mut FlowCore,
    /// State.
    pub state: &'a mut T,
}

/// A flow that has ended and is out of the table.
#[derive(Debug)]
#[must_use = "its end is to be worked and counted"]
pub struct Ended<T> {
    /// Core.
    pub core: FlowCore,
    /// State.
    pub state: T,
    /// Why it ended.
    pub end: FlowEnd,
}

/// What [`FlowTable::look_up`](super::FlowTable::look_up) gives.
#[derive(Debug)]
#[must_use = "where another flow ended, the packet has none yet"]
pub enum Looked<'a, T> {
    /// The packet's flow, which was there.
    Found(Flow<'a, T>),
    /// The packet's flow, which is new.
    Created(Flow<'a, T>),
    /// A flow that has ended lay where the packet's is to be. Work its end, and look up again.
    Ended(Ended<T>),
}
