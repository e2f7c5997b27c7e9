//! Rings of the `net_ring` driver: a way to put chosen packets into a receive queue.

use std::{marker::PhantomData, ptr::NonNull, sync::Arc};

use dpdk_sys::{rte_ring, rte_ring_lookup, shim_ring_enqueue};

use crate::{eal::c_string, error::Error, log, mbuf::Mbuf, port::PortInner};

/// The producer's side of the ring behind one queue of a `net_ring` device, from
/// [`Port::ring`](crate::Port::ring). The port stays open as long as it lives.
///
/// The driver does not free what is left in a ring when it closes: receive it all before.
#[derive(Debug)]
pub struct Ring {
    ring: NonNull<rte_ring>,
    _port: Arc<PortInner>,
    _not_sync: PhantomData<*const ()>,
}

// SAFETY: one thread at a time may enqueue, which `&mut self` ensures; not always the same one.
unsafe impl Send for Ring {}

impl Ring {
    /// The ring of `queue`. The caller sees to it that there is only one `Ring` of each queue.
    pub(crate) fn lookup(port: Arc<PortInner>, queue: u16) -> Result<Self, Error> {
        // The name that the net_ring driver gives to the ring of a queue.
        let name = format!("ETH_RXTX{queue}_{}", port.name);
        let text = c_string(&name)?;
        log::begin();
        // SAFETY: EAL runs as long as the port is held, and the text is valid during the call.
        let ring = unsafe { rte_ring_lookup(text.as_ptr()) };
        let ring = NonNull::new(ring).ok_or_else(|| Error::from_errno("rte_ring_lookup", name))?;
        Ok(Self { ring, _port: port, _not_sync: PhantomData })
    }

    /// Puts one packet into the queue.
    ///
    /// # Errors
    /// The packet, when the ring is full.
    pub fn enqueue(&mut self, mbuf: Mbuf) -> Result<(), Mbuf> {
        let pointer = mbuf.into_raw();
        // SAFETY: the device owns the ring and is open (`_port`); nobody else enqueues. One pointer is
        // given, and with it the ownership of the mbuf.
        if unsafe { shim_ring_enqueue(self.ring.as_ptr(), &raw const pointer, 1) } == 1 {
            return Ok(());
        }
        // SAFETY: the ring did not take it, and it came from an `Mbuf`, so that it is not NULL.
        Err(unsafe { Mbuf::from_raw(NonNull::new_unchecked(pointer)) })
    }
}
