//! Receive queues.

use std::{marker::PhantomData, sync::Arc};

use dpdk_sys::shim_rx_burst;

use crate::{
    mbuf::{Mbuf, MbufBurst},
    port::PortInner,
};

/// Most packets of one burst.
pub const BURST_MAX: usize = 64;

/// The packets of the current burst.
#[derive(Debug)]
pub(crate) struct Slots {
    pub(crate) mbufs: [Option<Mbuf>; BURST_MAX],
    /// Places used since the last poll; those behind are `None`.
    pub(crate) len: usize,
}

/// One receive queue of a started port. It has one owner, and the port runs as long as that lives.
#[derive(Debug)]
pub struct RxQueue {
    slots: Box<Slots>,
    id: u16,
    port: Arc<PortInner>,
    /// A queue may change its thread, but two threads must not share it.
    _not_sync: PhantomData<*const ()>,
}

// SAFETY: DPDK wants at most one thread in a queue at a time, not always the same one; polling takes
// `&mut self`.
unsafe impl Send for RxQueue {}

impl RxQueue {
    pub(crate) fn new(port: Arc<PortInner>, id: u16) -> Self {
        let slots = Slots { mbufs: [const { None }; BURST_MAX], len: 0 };
        Self { slots: Box::new(slots), id, port, _not_sync: PhantomData }
    }

    /// Receives at most `max` packets (no more than [`BURST_MAX`]) and returns how many there are. Take
    /// them with [`RxQueue::burst`]; what was left of the last burst is freed. Never blocks.
    #[inline]
    pub fn poll(&mut self, max: usize) -> usize {
        if self.slots.len != 0 {
            self.slots.clear();
        }
        let max = max.min(BURST_MAX) as u16;
        // SAFETY: the port is started and has this queue as long as `port` is held; nobody else polls it
        // (`&mut self`); the array has room for `max` pointers, all `None` now.
        let count = unsafe {
            shim_rx_burst(self.port.id, self.id, self.slots.mbufs.as_mut_ptr().cast(), max)
        };
        self.slots.len = usize::from(count);
        self.slots.len
    }

    /// The packets of the last poll.
    #[inline]
    pub fn burst(&mut self) -> MbufBurst<'_> {
        MbufBurst(&mut self.slots)
    }

    /// Whether the driver said that the device is gone. It gives no packets then.
    #[inline]
    #[must_use]
    pub fn is_removed(&self) -> bool {
        self.port.is_removed()
    }

    /// The device's name and the queue's number, for messages.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} queue {}", self.port.name, self.id)
    }
}
