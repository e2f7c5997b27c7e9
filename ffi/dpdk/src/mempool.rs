//! Pools of packet buffers.

use std::{
    mem,
    ptr::NonNull,
    sync::{Arc, atomic::Ordering},
};

use dpdk_sys::{
    RTE_PKTMBUF_HEADROOM, rte_mempool, rte_mempool_free, rte_mempool_in_use_count,
    rte_pktmbuf_pool_create, shim_pktmbuf_from_bytes,
};

use crate::{
    eal::{Eal, Lease, c_string},
    error::Error,
    log,
    mbuf::Mbuf,
};

/// Most packet bytes that one mbuf of a pool may be made to hold: DPDK counts the room in 16 bits, the
/// headroom included.
pub const DATA_ROOM_MAX: u16 = u16::MAX - RTE_PKTMBUF_HEADROOM as u16;

/// What a pool is made of.
#[derive(Clone, Debug)]
pub struct PoolConfig<'a> {
    /// Name, unique in the process, at most 25 bytes.
    pub name: &'a str,
    /// Number of mbufs; a power of two less one wastes no memory.
    pub mbufs: u32,
    /// Mbufs that each registered thread keeps for itself; at most 512 and two thirds of `mbufs`.
    pub cache: u32,
    /// Packet bytes that one mbuf holds, at most [`DATA_ROOM_MAX`].
    pub data_room: u16,
    /// NUMA node; -1 for any.
    pub socket: i32,
}

/// A pool of mbufs.
///
/// An [`Mbuf`] does not count as a reference to its pool, since that would cost an atomic operation per
/// packet. Instead the pool is freed at its drop only if every mbuf is back **and** no thread is
/// registered that could still be writing to its cache. Otherwise the pool, and the environment with it,
/// stays until the process ends. So an mbuf never outlives its pool.
#[derive(Debug)]
pub struct Mempool {
    pool: NonNull<rte_mempool>,
    data_room: u16,
    lease: Arc<Lease>,
}

// SAFETY: DPDK's default pools are multi-producer and multi-consumer, also for threads that EAL does not
// know; creation and release happen with exclusive access.
unsafe impl Send for Mempool {}
// SAFETY: as above.
unsafe impl Sync for Mempool {}

impl Mempool {
    /// Makes a pool.
    ///
    /// # Errors
    /// [`Error::Call`]: ENOMEM or ENOBUFS when EAL's memory is too small, EEXIST when the name is taken,
    /// EINVAL when the sizes contradict each other.
    pub fn new(eal: &Eal, config: &PoolConfig<'_>) -> Result<Arc<Self>, Error> {
        let name = c_string(config.name)?;
        let data_room = config.data_room.min(DATA_ROOM_MAX);
        log::begin();
        // SAFETY: EAL runs (`eal`), and DPDK copies the name.
        let pool = unsafe {
            rte_pktmbuf_pool_create(
                name.as_ptr(),
                config.mbufs,
                config.cache,
                0,
                data_room + (u16::MAX - DATA_ROOM_MAX),
                config.socket,
            )
        };
        let pool = NonNull::new(pool)
            .ok_or_else(|| Error::from_errno("rte_pktmbuf_pool_create", config.name))?;
        Ok(Arc::new(Self { pool, data_room, lease: Arc::clone(eal.lease()) }))
    }

    /// Mbufs that are neither in the pool nor in a thread's cache.
    #[must_use]
    pub fn in_use(&self) -> u32 {
        // SAFETY: the pool is valid while `self` lives.
        unsafe { rte_mempool_in_use_count(self.pool.as_ptr()) }
    }

    /// Packet bytes that one mbuf holds.
    #[must_use]
    pub fn data_room(&self) -> u16 {
        self.data_room
    }

    /// An mbuf that holds a copy of `bytes`; `None` when the pool is empty or one mbuf is too small.
    #[must_use]
    pub fn mbuf_of(&self, bytes: &[u8]) -> Option<Mbuf> {
        let length = u16::try_from(bytes.len()).ok()?;
        // SAFETY: `bytes` has `length` bytes, and the pool is valid while `self` lives.
        let mbuf = unsafe { shim_pktmbuf_from_bytes(self.as_ptr(), bytes.as_ptr().cast(), length) };
        // SAFETY: a new mbuf has no other owner.
        NonNull::new(mbuf).map(|mbuf| unsafe { Mbuf::from_raw(mbuf) })
    }

    pub(crate) fn as_ptr(&self) -> *mut rte_mempool {
        self.pool.as_ptr()
    }
}

impl Drop for Mempool {
    fn drop(&mut self) {
        // Without registered threads every free goes through the pool's ring, whose last write is the
        // one that makes the mbuf count as returned: when all are back, nobody touches the pool any more.
        if self.lease.workers.load(Ordering::Acquire) == 0 && self.in_use() == 0 {
            // SAFETY: no mbuf is out, and nobody else has the pool (ports hold it by `Arc`).
            unsafe { rte_mempool_free(self.pool.as_ptr()) };
        } else {
            mem::forget(Arc::clone(&self.lease));
        }
    }
}
