//! The hand-over: an N×N mesh of rings, over which a frame goes to the worker that owns its flow.
//!
//! All packets of a flow that one queue received take one ring, so their order holds. Packets put together of
//! fragments go the same way; their parcels come back over rings of their own.

mod quiet;

use std::sync::Arc;

use capture::FrameMeta;
use packet::Decoded;
use ring::{Consumer, Producer};

use crate::reassembly::{PARCELS_MAX, Whole};
use quiet::Quiet;

/// A frame on its way to its owner.
pub(crate) struct Handed<F> {
    /// The bytes.
    pub(crate) frame: Carried<F>,
    /// What travels with them.
    pub(crate) meta: FrameMeta,
    /// As decoded by the receiver.
    pub(crate) decoded: Decoded,
    /// When the receiver got it, monotonic nanoseconds.
    pub(crate) rx_ns: u64,
}

/// What is handed over.
pub(crate) enum Carried<F> {
    /// A frame as it was received.
    Frame(F),
    /// A packet put together of fragments, in a parcel, and the worker to whom that goes back.
    Whole(Whole, u16),
}

impl<F: AsRef<[u8]>> AsRef<[u8]> for Carried<F> {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Frame(frame) => frame.as_ref(),
            Self::Whole(whole, _) => whole.as_ref(),
        }
    }
}

/// One worker's ends of the mesh, by the other worker; its own place is empty.
pub(crate) struct Mesh<F> {
    out: Vec<Option<Producer<Handed<F>>>>,
    inbox: Vec<Option<Consumer<Handed<F>>>>,
    /// Parcels on their way back, to and from the other worker.
    returns_out: Vec<Option<Producer<Whole>>>,
    returns: Vec<Option<Consumer<Whole>>>,
    index: usize,
    /// The inbox to look into first, so that none starves.
    next: usize,
    quiet: Arc<Quiet>,
    said_quiet: bool,
}

impl<F: Send> Mesh<F> {
    /// The ends of all workers, each ring for `frames` frames.
    pub(crate) fn all(workers: u16, frames: usize) -> Vec<Self> {
        let quiet = Arc::new(Quiet::new(workers));
        let count = usize::from(workers);
        let empty = |index| Self {
            out: (0..count).map(|_| None).collect(),
            inbox: (0..count).map(|_| None).collect(),
            returns_out: (0..count).map(|_| None).collect(),
            returns: (0..count).map(|_| None).collect(),
            index,
            next: 0,
            quiet: Arc::clone(&quiet),
            said_quiet: false,
        };
        let mut meshes: Vec<Self> = (0..count).map(empty).collect();
        for from in 0..count {
            for to in (0..count).filter(|to| *to != from) {
                let (producer, consumer) = ring::spsc(frames);
                meshes[from].out[to] = Some(producer);
                meshes[to].inbox[from] = Some(consumer);
                let (producer, consumer) = ring::spsc(PARCELS_MAX);
                meshes[from].returns_out[to] = Some(producer);
                meshes[to].returns[from] = Some(consumer);
            }
        }
        meshes
    }

    /// Gives a frame to `owner`. [`Mesh::has_room`] is asked first: a full ring gives the frame up.
    pub(crate) fn send(&mut self, owner: u16, handed: Handed<F>) {
        if let Some(Some(ring)) = self.out.get_mut(usize::from(owner)) {
            self.quiet.sending(self.index);
            let given = ring.push(handed);
            debug_assert!(given.is_ok(), "room was asked for");
        }
    }

    /// Whether the ring to `owner` has room; asked before a frame is taken out of its burst.
    pub(crate) fn has_room(&mut self, owner: u16) -> bool {
        let ring = self.out.get_mut(usize::from(owner)).and_then(Option::as_mut);
        ring.is_some_and(|ring| ring.free() > 0)
    }

    /// What [`Mesh::receive`] gave has been dealt with.
    pub(crate) fn done(&self) {
        self.quiet.done(self.index);
    }

    /// Sends a parcel back to the worker that it came from.
    pub(crate) fn give_back(&mut self, whole: Whole, to: u16) {
        if let Some(Some(ring)) = self.returns_out.get_mut(usize::from(to)) {
            // There is room for all parcels that a worker has.
            let given = ring.push(whole);
            debug_assert!(given.is_ok(), "more parcels than were made");
        }
    }

    /// A parcel that has come back.
    pub(crate) fn returned(&mut self) -> Option<Whole> {
        self.returns.iter_mut().flatten().find_map(Consumer::pop)
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

    /// Says, once, that this worker takes no more of its source.
    pub(crate) fn say_quiet(&mut self) {
        if !self.said_quiet {
            self.said_quiet = true;
            self.quiet.source_ended();
        }
    }

    /// Says that this worker leaves what it was sent undone.
    pub(crate) fn say_broken(&mut self) {
        self.say_quiet();
        self.quiet.broke();
    }

    /// Whether no worker will hand over anything more.
    pub(crate) fn all_quiet(&self) -> bool {
        self.quiet.is_over()
    }
}
