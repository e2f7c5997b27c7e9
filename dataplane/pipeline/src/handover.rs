//! The hand-over: an N×N mesh of rings, over which a frame goes to the worker that owns its flow.
//!
//! All packets of a flow that one queue received take one ring, so their order holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use capture::FrameMeta;
use packet::Decoded;
use ring::{Consumer, Producer};

/// A frame on its way to its owner.
pub(crate) struct Handed<F> {
    /// The bytes.
    pub(crate) frame: F,
    /// What travels with them.
    pub(crate) meta: FrameMeta,
    /// As decoded by the receiver.
    pub(crate) decoded: Decoded,
    /// When the receiver got it, monotonic nanoseconds.
    pub(crate) rx_ns: u64,
}

/// One worker's ends of the mesh, by the other worker; its own place is empty.
pub(crate) struct Mesh<F> {
    out: Vec<Option<Producer<Handed<F>>>>,
    inbox: Vec<Option<Consumer<Handed<F>>>>,
    /// The inbox to look into first, so that none starves.
    next: usize,
    quiet: Arc<Quiet>,
    said_quiet: bool,
}

/// How many workers will hand over nothing more.
#[derive(Debug, Default)]
pub(crate) struct Quiet(AtomicU16);

impl<F: Send> Mesh<F> {
    /// The ends of all workers, each ring for `frames` frames.
    pub(crate) fn all(workers: u16, frames: usize) -> Vec<Self> {
        let quiet = Arc::new(Quiet::default());
        let count = usize::from(workers);
        let empty = || Self {
            out: (0..count).map(|_| None).collect(),
            inbox: (0..count).map(|_| None).collect(),
            next: 0,
            quiet: Arc::clone(&quiet),
            said_quiet: false,
        };
        let mut meshes: Vec<Self> = (0..count).map(|_| empty()).collect();
        for from in 0..count {
            for to in (0..count).filter(|to| *to != from) {
                let (producer, consumer) = ring::spsc(frames);
                meshes[from].out[to] = Some(producer);
                meshes[to].inbox[from] = Some(consumer);
            }
        }
        meshes
    }

    /// Gives a frame to `owner`. [`Mesh::has_room`] is asked first: a full ring gives the frame up.
    pub(crate) fn send(&mut self, owner: u16, handed: Handed<F>) {
        if let Some(Some(ring)) = self.out.get_mut(usize::from(owner)) {
            let given = ring.push(handed);
            debug_assert!(given.is_ok(), "room was asked for");
        }
    }

    /// Whether the ring to `owner` has room; asked before a frame is taken out of its burst.
    pub(crate) fn has_room(&mut self, owner: u16) -> bool {
        let ring = self.out.get_mut(usize::from(owner)).and_then(Option::as_mut);
        ring.is_some_and(|ring| ring.free() > 0)
    }

    /// The next frame that another worker has given to this one.
    pub(crate) fn receive(&mut self) -> Option<Handed<F>> {
        let count = self.inbox.len();
        for step in 0..count {
            let at = (self.next + step) % count;
            if let Some(handed) = self.inbox[at].as_mut().and_then(Consumer::pop) {
                self.next = at;
                return Some(handed);
            }
        }
        // Every inbox is empty: begin with another one next time.
        self.next = (self.next + 1) % count.max(1);
        None
    }

    /// Says, once, that this worker hands over nothing more.
    pub(crate) fn say_quiet(&mut self) {
        if !self.said_quiet {
            self.said_quiet = true;
            // Release: whoever sees this worker quiet also sees all that it pushed.
            self.quiet.0.fetch_add(1, Ordering::Release);
        }
    }

    /// Whether no worker will hand over anything more.
    pub(crate) fn all_quiet(&self) -> bool {
        usize::from(self.quiet.0.load(Ordering::Acquire)) >= self.inbox.len()
    }
}
