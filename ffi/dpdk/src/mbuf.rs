//! Packet buffers with one owner.

use std::{mem, ptr::NonNull};

use dpdk_sys::{
    rte_mbuf, rte_mbuf_dyn_rx_timestamp_register, rte_pktmbuf_copy, rte_pktmbuf_free_bulk,
    shim_pktmbuf_free,
};

use crate::{
    eal::Eal,
    error::{Error, check},
    log,
    mempool::Mempool,
    queue::Slots,
};

/// One packet: an mbuf, or a chain of them, that is freed when dropped.
#[derive(Debug)]
#[repr(transparent)]
pub struct Mbuf(NonNull<rte_mbuf>);

// `rx_burst` writes pointers into an array of these.
const _: () = assert!(size_of::<Option<Mbuf>>() == size_of::<*mut rte_mbuf>());

// SAFETY: an mbuf has one owner, and pools take frees from any thread.
unsafe impl Send for Mbuf {}
// SAFETY: `&Mbuf` gives only read access.
unsafe impl Sync for Mbuf {}

impl Mbuf {
    /// # Safety
    /// `mbuf` is valid and has no other owner; it came from a [`Mempool`].
    pub(crate) unsafe fn from_raw(mbuf: NonNull<rte_mbuf>) -> Self {
        Self(mbuf)
    }

    pub(crate) fn into_raw(self) -> *mut rte_mbuf {
        let mbuf = self.0.as_ptr();
        mem::forget(self);
        mbuf
    }

    fn header(&self) -> &rte_mbuf {
        // SAFETY: the mbuf is valid, and this is its only owner.
        unsafe { self.0.as_ref() }
    }

    /// The bytes of the first segment: the whole packet if [`Mbuf::is_contiguous`].
    #[inline]
    #[must_use]
    pub fn data(&self) -> &[u8] {
        let header = self.header();
        // SAFETY: DPDK keeps `data_off + data_len` within the buffer, which lives as long as the mbuf and
        // is written by nobody else.
        unsafe {
            let start = header.buf_addr.cast::<u8>().add(usize::from(header.data_off));
            std::slice::from_raw_parts(start, usize::from(header.data_len))
        }
    }

    /// Length of the packet over all segments.
    #[inline]
    #[must_use]
    pub fn packet_len(&self) -> u32 {
        self.header().pkt_len
    }

    /// Whether the packet lies in one segment.
    #[inline]
    #[must_use]
    pub fn is_contiguous(&self) -> bool {
        self.header().nb_segs == 1
    }

    /// A contiguous copy of a packet of several segments, its metadata included, in an mbuf of `pool`;
    /// `None` when the pool is empty or the packet does not fit one mbuf of it.
    #[must_use]
    pub fn gather(&self, pool: &Mempool) -> Option<Self> {
        if self.packet_len() > u32::from(pool.data_room()) {
            return None;
        }
        // SAFETY: the mbuf and the pool are valid; the copy is a new mbuf.
        let copy = unsafe { rte_pktmbuf_copy(self.0.as_ptr(), pool.as_ptr(), 0, u32::MAX) };
        // SAFETY: a new mbuf has no other owner.
        NonNull::new(copy).map(|copy| unsafe { Self::from_raw(copy) })
    }

    /// The time that the driver noted, in the unit of the driver; `None` where it noted none.
    #[inline]
    #[must_use]
    pub fn timestamp(&self, field: TimestampField) -> Option<u64> {
        if self.header().ol_flags & field.flag == 0 {
            return None;
        }
        // SAFETY: DPDK gave the offset of eight bytes within the mbuf, and the flag says that they are
        // set; a 4-byte alignment is possible.
        Some(unsafe { self.0.as_ptr().byte_add(field.offset).cast::<u64>().read_unaligned() })
    }

    /// Hints that the first bytes will be read soon.
    #[inline]
    pub fn prefetch(&self) {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: a prefetch reads nothing that the program can see, whatever the address.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(self.data().as_ptr().cast()) };
        }
    }
}

impl AsRef<[u8]> for Mbuf {
    fn as_ref(&self) -> &[u8] {
        self.data()
    }
}

impl Drop for Mbuf {
    fn drop(&mut self) {
        // SAFETY: the only owner frees it once.
        unsafe { shim_pktmbuf_free(self.0.as_ptr()) };
    }
}

/// Where drivers note a packet's time.
#[derive(Clone, Copy, Debug)]
pub struct TimestampField {
    offset: usize,
    flag: u64,
}

impl TimestampField {
    /// Asks DPDK for the field, and makes it if no driver has done so.
    ///
    /// # Errors
    /// [`Error::Call`] when mbufs have no room for it.
    pub fn register(_eal: &Eal) -> Result<Self, Error> {
        let (mut offset, mut flag) = (0, 0);
        log::begin();
        // SAFETY: EAL runs; both pointers are valid during the call.
        let result = unsafe { rte_mbuf_dyn_rx_timestamp_register(&raw mut offset, &raw mut flag) };
        check("rte_mbuf_dyn_rx_timestamp_register", "mbufs", result)?;
        // A registered field has an offset of zero or more.
        Ok(Self { offset: usize::try_from(offset).unwrap_or_default(), flag })
    }
}

/// Packets that were received together. Those that are not taken are freed together at the drop.
#[derive(Debug)]
pub struct MbufBurst<'q>(pub(crate) &'q mut Slots);

impl MbufBurst<'_> {
    /// Number of packets, taken ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len
    }

    /// Whether there is no packet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.len == 0
    }

    /// Packet `index`, unless it was taken.
    #[inline]
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&Mbuf> {
        self.0.mbufs.get(index)?.as_ref()
    }

    /// Takes packet `index` out of the burst.
    #[inline]
    pub fn take(&mut self, index: usize) -> Option<Mbuf> {
        self.0.mbufs.get_mut(index)?.take()
    }

    /// Puts `mbuf` in the place of packet `index`, which is freed. A place out of range frees `mbuf`.
    pub fn replace(&mut self, index: usize, mbuf: Mbuf) {
        if let Some(slot) = self.0.mbufs.get_mut(..self.0.len).and_then(|used| used.get_mut(index))
        {
            *slot = Some(mbuf);
        }
    }
}

impl Drop for MbufBurst<'_> {
    fn drop(&mut self) {
        self.0.clear();
    }
}

impl Slots {
    /// Frees the packets that are left, in one call.
    pub(crate) fn clear(&mut self) {
        let used = self.mbufs.get_mut(..self.len).unwrap_or_default();
        // SAFETY: `Option<Mbuf>` is a pointer that may be NULL, which rte_pktmbuf_free_bulk skips. The
        // pointers are owned here and are forgotten below, before anything can drop them again.
        unsafe { rte_pktmbuf_free_bulk(used.as_mut_ptr().cast(), used.len() as u32) };
        for slot in used {
            mem::forget(slot.take());
        }
        self.len = 0;
    }
}
