//! Chosen packets for tests and benches of the whole way: a `net_ring` device is a loop from this
//! process into its own receive queues.

use std::sync::Arc;

use dpdk::{Mempool, Port, Ring};

use crate::error::DpdkError;

/// Puts frames into one receive queue of a `net_ring` device.
///
/// The driver's ring holds 1023 frames. It does not free what is left in it when the device closes: let
/// the worker receive all before [`Dpdk::shutdown`](crate::Dpdk::shutdown).
#[derive(Debug)]
pub struct Injector {
    ring: Ring,
    pool: Arc<Mempool>,
}

impl Injector {
    pub(crate) fn new(port: &Port, queue: u16) -> Result<Self, DpdkError> {
        let ring = port
            .ring(queue)
            .map_err(|reason| DpdkError::Inject { device: port.name().to_owned(), reason })?;
        Ok(Self { ring, pool: Arc::clone(port.pool()) })
    }

    /// Copies `frame` into the queue. False, and nothing done, when the ring or the pool has no room now,
    /// or the frame does not fit one mbuf.
    #[must_use]
    pub fn inject(&mut self, frame: &[u8]) -> bool {
        self.pool.mbuf_of(frame).is_some_and(|mbuf| self.ring.enqueue(mbuf).is_ok())
    }
}
