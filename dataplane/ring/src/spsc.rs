//! The ring and its two sides.
//!
//! `tail` counts the items pushed and `head` the items popped, both wrapping; slots from `head` to
//! `tail` hold items. Only the producer writes `tail` and only the consumer writes `head`, each with
//! release order after it has finished with the slots that it thereby gives to the other side, which
//! loads with acquire order. Each side keeps the other's index as last seen and looks again only when
//! that is not enough, so that in a burst the cache line of an index travels once.

use core::cell::Cell;
use core::marker::PhantomData;

use crate::slots::Slots;
use crate::sync::{Arc, AtomicBool, AtomicUsize, Ordering, Padded};

/// Largest capacity, in items; 1 GiB of 64-byte slots. Requests above it are cut to it.
pub const CAPACITY_MAX: usize = 1 << 24;

struct Shared<T> {
    /// Items pushed.
    tail: Padded<AtomicUsize>,
    /// Items popped.
    head: Padded<AtomicUsize>,
    slots: Slots<T>,
    producer_gone: AtomicBool,
    consumer_gone: AtomicBool,
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        // Both sides are gone, and the reference count ordered all they did before this.
        let tail = self.tail.0.load(Ordering::Relaxed);
        let mut head = self.head.0.load(Ordering::Relaxed);
        while head != tail {
            // SAFETY: slots from `head` to `tail` hold items, and each is taken once.
            drop(unsafe { self.slots.read(head) });
            head = head.wrapping_add(1);
        }
    }
}

/// Makes a ring of at least `capacity` items: rounded up to a power of two, from 1 to
/// [`CAPACITY_MAX`].
///
/// Items that are in the ring when both sides are gone are dropped by the side that goes last.
#[must_use]
pub fn spsc<T: Send>(capacity: usize) -> (Producer<T>, Consumer<T>) {
    spsc_from(capacity, 0)
}

/// Makes a ring whose indices start at `start`, so that tests can let them wrap.
fn spsc_from<T: Send>(capacity: usize, start: usize) -> (Producer<T>, Consumer<T>) {
    let shared = Arc::new(Shared {
        tail: Padded(AtomicUsize::new(start)),
        head: Padded(AtomicUsize::new(start)),
        slots: Slots::new(capacity.clamp(1, CAPACITY_MAX).next_power_of_two()),
        producer_gone: AtomicBool::new(false),
        consumer_gone: AtomicBool::new(false),
    });
    let producer =
        Producer { shared: Arc::clone(&shared), tail: start, head: start, not_sync: PhantomData };
    (producer, Consumer { shared, head: start, tail: start, not_sync: PhantomData })
}

/// The side that pushes. It may move to another thread, but belongs to one at a time:
///
/// ```compile_fail
/// fn shared<T: Sync>() {}
/// shared::<ring::Producer<u8>>();
/// ```
pub struct Producer<T> {
    shared: Arc<Shared<T>>,
    /// Our index.
    tail: usize,
    /// The consumer's index as last seen.
    head: usize,
    not_sync: PhantomData<Cell<()>>,
}

impl<T: Send> Producer<T> {
    /// Pushes one item.
    ///
    /// # Errors
    /// Gives the item back when the ring is full.
    #[inline]
    pub fn push(&mut self, item: T) -> Result<(), T> {
        if !self.has_room(1) {
            return Err(item);
        }
        // SAFETY: the slot is outside of `head..tail`, so it is ours until we publish it.
        unsafe { self.shared.slots.write(self.tail, item) };
        self.publish(1);
        Ok(())
    }

    /// Pushes all of `items`, or none when there is too little room; whether it did. The consumer sees
    /// all of them at once.
    #[inline]
    #[must_use]
    pub fn push_slice(&mut self, items: &[T]) -> bool
    where
        T: Copy,
    {
        if !self.has_room(items.len()) {
            return false;
        }
        // SAFETY: the slots are outside of `head..tail` and, as there is room, no more than there are.
        unsafe { self.shared.slots.write_slice(self.tail, items) };
        self.publish(items.len());
        true
    }

    /// Items that can be pushed now; only pushing makes it less.
    #[inline]
    pub fn free(&mut self) -> usize {
        self.head = self.shared.head.0.load(Ordering::Acquire);
        self.free_seen()
    }

    /// Items that the ring holds when full.
    #[inline]
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.shared.slots.capacity()
    }

    /// Whether the consumer was dropped: nobody will pop what is pushed.
    #[inline]
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.consumer_gone.load(Ordering::Acquire)
    }

    /// Items that could be pushed when the consumer was last looked at, less those pushed since.
    #[inline]
    #[must_use]
    pub fn free_seen(&self) -> usize {
        self.capacity() - self.tail.wrapping_sub(self.head)
    }

    fn has_room(&mut self, wanted: usize) -> bool {
        self.free_seen() >= wanted || self.free() >= wanted
    }

    fn publish(&mut self, pushed: usize) {
        self.tail = self.tail.wrapping_add(pushed);
        self.shared.tail.0.store(self.tail, Ordering::Release);
    }
}

impl<T> Drop for Producer<T> {
    fn drop(&mut self) {
        // Release: who sees it also sees everything that was pushed.
        self.shared.producer_gone.store(true, Ordering::Release);
    }
}

/// The side that pops. It may move to another thread, but belongs to one at a time:
///
/// ```compile_fail
/// fn shared<T: Sync>() {}
/// shared::<ring::Consumer<u8>>();
/// ```
pub struct Consumer<T> {
    shared: Arc<Shared<T>>,
    /// Our index.
    head: usize,
    /// The producer's index as last seen.
    tail: usize,
    not_sync: PhantomData<Cell<()>>,
}

impl<T: Send> Consumer<T> {
    /// Pops the oldest item; `None` when the ring is empty.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        if !self.has_items(1) {
            return None;
        }
        // SAFETY: the slot lies in `head..tail`, and we move past it before anyone can read it again.
        let item = unsafe { self.shared.slots.read(self.head) };
        self.release(1);
        Some(item)
    }

    /// Pops items into the front of `out` until it is full or the ring is empty; how many.
    #[inline]
    pub fn pop_slice(&mut self, out: &mut [T]) -> usize
    where
        T: Copy,
    {
        let wanted = out.len();
        let count = if self.has_items(wanted) { wanted } else { self.len_seen() };
        // SAFETY: the slots lie in `head..tail`, and `out` is cut to as many as these are.
        unsafe { self.shared.slots.read_slice(self.head, &mut out[..count]) };
        self.release(count);
        count
    }

    /// The oldest item, which stays in the ring; `None` when the ring is empty.
    #[inline]
    pub fn peek(&mut self) -> Option<&T> {
        // SAFETY: the slot lies in `head..tail`; the borrow of `self` keeps us from releasing it.
        self.has_items(1).then(|| unsafe { self.shared.slots.get(self.head) })
    }

    /// Items that can be popped now; only popping makes it less.
    #[inline]
    pub fn len(&mut self) -> usize {
        self.tail = self.shared.tail.0.load(Ordering::Acquire);
        self.len_seen()
    }

    /// Whether there is nothing to pop now.
    #[inline]
    pub fn is_empty(&mut self) -> bool {
        !self.has_items(1)
    }

    /// Whether the producer was dropped. What it had pushed can still be popped: the ring has ended
    /// when it is empty *after* this was true.
    #[inline]
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.producer_gone.load(Ordering::Acquire)
    }

    fn len_seen(&self) -> usize {
        self.tail.wrapping_sub(self.head)
    }

    fn has_items(&mut self, wanted: usize) -> bool {
        self.len_seen() >= wanted || self.len() >= wanted
    }

    fn release(&mut self, popped: usize) {
        self.head = self.head.wrapping_add(popped);
        self.shared.head.0.store(self.head, Ordering::Release);
    }
}

impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        // Release: who sees it also sees that the consumer has finished with its slots.
        self.shared.consumer_gone.store(true, Ordering::Release);
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
