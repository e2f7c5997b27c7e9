//! Storage of a ring under loom: each slot is a cell whose accesses the model checker watches, so that
//! an access which the indices do not order is reported as a race.

use std::mem::MaybeUninit;

use loom::cell::UnsafeCell;

/// Room for a power of two of `T`.
pub(crate) struct Slots<T>(Box<[UnsafeCell<MaybeUninit<T>>]>);

// SAFETY: as for the storage that ships: items move between threads, and access is by unsafe methods.
unsafe impl<T: Send> Sync for Slots<T> {}

impl<T> Slots<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self((0..capacity).map(|_| UnsafeCell::new(MaybeUninit::uninit())).collect())
    }

    pub(crate) fn capacity(&self) -> usize {
        self.0.len()
    }

    fn slot(&self, index: usize) -> &UnsafeCell<MaybeUninit<T>> {
        &self.0[index & (self.0.len() - 1)]
    }

    pub(crate) unsafe fn write(&self, index: usize, value: T) {
        // SAFETY: loom checks that this is the only access; the pointer is valid in the closure.
        self.slot(index).with_mut(|slot| unsafe { (*slot).write(value) });
    }

    pub(crate) unsafe fn read(&self, index: usize) -> T {
        // SAFETY: the caller vouches that the slot is initialised. Taking the item out is an exclusive
        // access, so that loom reports any other.
        self.slot(index).with_mut(|slot| unsafe { (*slot).assume_init_read() })
    }

    pub(crate) unsafe fn get(&self, index: usize) -> &T {
        // SAFETY: the caller vouches that the slot is initialised and stays so during the borrow.
        self.slot(index).with(|slot| unsafe { (*slot).assume_init_ref() })
    }
}

impl<T: Copy> Slots<T> {
    pub(crate) unsafe fn write_slice(&self, index: usize, items: &[T]) {
        for (offset, item) in items.iter().enumerate() {
            // SAFETY: the caller keeps the contract of `write` for each slot.
            unsafe { self.write(index.wrapping_add(offset), *item) };
        }
    }

    pub(crate) unsafe fn read_slice(&self, index: usize, out: &mut [T]) {
        for (offset, item) in out.iter_mut().enumerate() {
            // SAFETY: the caller keeps the contract of `get` for each slot.
            *item = unsafe { *self.get(index.wrapping_add(offset)) };
        }
    }
}
