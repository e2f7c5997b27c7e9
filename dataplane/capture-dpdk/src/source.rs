//! A worker's source: its queue of every port, polled in turn.

use std::sync::Arc;

use capture::{Burst, Frame, FrameMeta, PacketSource, Polled, SourceError};
use contract::LinkType;
use dpdk::{
    BURST_MAX, DATA_ROOM_MAX, Mbuf, MbufBurst, Mempool, Registrar, RxQueue, TimestampField,
    WorkerThread,
};

use crate::error::DpdkError;

/// Longest frame that is shown when it does not lie in one mbuf: 64 KiB less the headroom of the mbuf
/// that it is copied to. A longer one is received, but [`Burst::frame`] gives `None`.
pub const LINEAR_BYTES_MAX: u16 = DATA_ROOM_MAX;

/// Nanoseconds in the unit of `net_pcap`'s timestamps, a microsecond.
const TIMESTAMP_UNIT_NS: u64 = 1_000;

/// One receive queue of every port, owned by one worker.
///
/// A poll gives frames of one port; the next poll begins with the next port, so that a busy port does not
/// starve the others. Frames that lie in several mbufs are copied into one at once, so that every frame
/// that is shown can also be detached without a copy.
#[derive(Debug)]
pub struct DpdkSource {
    queues: Vec<Queue>,
    next: usize,
    jumbo: Arc<Mempool>,
    stamp: Option<TimestampField>,
    registrar: Registrar,
}

#[derive(Debug)]
struct Queue {
    rx: RxQueue,
    /// Packets received so far.
    packets: u64,
    /// The device has gone, and the worker knows it.
    lost: bool,
}

impl DpdkSource {
    pub(crate) fn new(
        queues: Vec<RxQueue>,
        jumbo: Arc<Mempool>,
        stamp: Option<TimestampField>,
        registrar: Registrar,
    ) -> Self {
        let queues = queues.into_iter().map(|rx| Queue { rx, packets: 0, lost: false }).collect();
        Self { queues, next: 0, jumbo, stamp, registrar }
    }

    /// Registers the calling thread, which is to poll this source; see [`Registrar::register`].
    ///
    /// # Errors
    /// [`DpdkError::Call`] when the thread is registered already.
    pub fn register_thread(&self) -> Result<WorkerThread, DpdkError> {
        Ok(self.registrar.register()?)
    }

    /// Polls from the next queue on, until one gives something: its index and how many.
    #[inline]
    fn receive(&mut self, max: usize) -> Result<Option<(usize, usize)>, SourceError> {
        for _ in 0..self.queues.len() {
            let index = self.next;
            self.next = if index + 1 < self.queues.len() { index + 1 } else { 0 };
            let Some(queue) = self.queues.get_mut(index) else { break };
            if queue.lost {
                continue;
            }
            let count = queue.rx.poll(max);
            if count > 0 {
                return Ok(Some((index, count)));
            }
            if queue.rx.is_removed() {
                queue.lost = true;
                return Err(lost(&queue.rx));
            }
        }
        Ok(None)
    }
}

#[cold]
fn lost(queue: &RxQueue) -> SourceError {
    let reason = "the driver says that the device was removed or needs a reset; bring it back and \
                  restart the sensor";
    SourceError::Device { device: queue.name(), reason: reason.to_owned() }
}

impl PacketSource for DpdkSource {
    type Owned = Mbuf;
    type Burst<'s> = DpdkBurst<'s>;

    /// Takes at most `max` frames, and no more than 64. Some drivers give nothing for a `max` below 32.
    ///
    /// # Errors
    /// [`SourceError::Device`] once for each device that its driver reports as gone. The others can still
    /// be polled; when none is left, the source is exhausted.
    #[inline]
    fn poll(&mut self, max: usize) -> Result<Polled<DpdkBurst<'_>>, SourceError> {
        let Some((index, count)) = self.receive(max.min(BURST_MAX))? else {
            let gone = self.queues.iter().all(|queue| queue.lost);
            return Ok(if gone { Polled::Exhausted } else { Polled::Idle });
        };
        let Some(queue) = self.queues.get_mut(index) else { return Ok(Polled::Idle) };
        let first = queue.packets + 1;
        queue.packets += count as u64;
        let mut frames = queue.rx.burst();
        let linearised = linearise(&mut frames, &self.jumbo);
        let port = index as u16;
        Ok(Polled::Burst(DpdkBurst { frames, first, port, stamp: self.stamp, linearised }))
    }
}

/// Copies frames of several mbufs into one each, and returns how many. What is too long, or finds no
/// buffer, stays as it is and is not shown.
#[inline]
fn linearise(frames: &mut MbufBurst<'_>, jumbo: &Mempool) -> usize {
    let mut copied = 0;
    for index in 0..frames.len() {
        let Some(frame) = frames.get(index).filter(|frame| !frame.is_contiguous()) else {
            continue;
        };
        if let Some(whole) = frame.gather(jumbo) {
            frames.replace(index, whole);
            copied += 1;
        }
    }
    copied
}

/// Frames of one poll, all of one port. Those that are not detached are freed together at the drop.
#[derive(Debug)]
pub struct DpdkBurst<'s> {
    frames: MbufBurst<'s>,
    /// Number of the first frame in its queue, from 1.
    first: u64,
    port: u16,
    stamp: Option<TimestampField>,
    linearised: usize,
}

impl DpdkBurst<'_> {
    fn shown(&self, index: usize) -> Option<&Mbuf> {
        self.frames.get(index).filter(|frame| frame.is_contiguous())
    }
}

impl Burst for DpdkBurst<'_> {
    type Owned = Mbuf;

    #[inline]
    fn len(&self) -> usize {
        self.frames.len()
    }

    #[inline]
    fn frame(&self, index: usize) -> Option<Frame<'_>> {
        let frame = self.shown(index)?;
        let time = self.stamp.and_then(|field| frame.timestamp(field));
        let meta = FrameMeta {
            timestamp_ns: time.map(|time| time.saturating_mul(TIMESTAMP_UNIT_NS)),
            number: self.first + index as u64,
            wire_length: frame.packet_len(),
            link: LinkType::ETHERNET,
            port: self.port,
        };
        Some(Frame { bytes: frame.data(), meta })
    }

    #[inline]
    fn prefetch(&self, index: usize) {
        if let Some(frame) = self.frames.get(index) {
            frame.prefetch();
        }
    }

    #[inline]
    fn detach(&mut self, index: usize) -> Option<Mbuf> {
        self.shown(index)?;
        self.frames.take(index)
    }

    fn linearised(&self) -> usize {
        self.linearised
    }
}
