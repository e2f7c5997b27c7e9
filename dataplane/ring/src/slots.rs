//! Storage of a ring: a power of two of slots that both sides reach, each its own.
//!
//! The storage knows indices, which run freely and wrap, and nothing of who may touch which slot: that
//! is the contract of its unsafe methods. Its first slot is aligned to a cache line, so that a 64-byte
//! slot never lies across two.

use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr;

const LINE_BYTES: usize = 64;

/// A cache line of storage, which need not be initialised.
#[repr(C, align(64))]
struct Line([u8; LINE_BYTES]);

/// Room for a power of two of `T`.
pub(crate) struct Slots<T> {
    lines: Box<[MaybeUninit<UnsafeCell<Line>>]>,
    mask: usize,
    items: PhantomData<T>,
}

// SAFETY: the storage hands its items from one thread to another (hence `T: Send`) and gives access
// only through unsafe methods, whose callers keep the two sides to slots of their own.
unsafe impl<T: Send> Sync for Slots<T> {}

impl<T> Slots<T> {
    /// Room for `capacity` items, a power of two.
    pub(crate) fn new(capacity: usize) -> Self {
        const { assert!(align_of::<T>() <= align_of::<Line>()) };
        debug_assert!(capacity.is_power_of_two());
        let lines = size_of::<T>().saturating_mul(capacity).div_ceil(LINE_BYTES);
        Self { lines: Box::new_uninit_slice(lines), mask: capacity - 1, items: PhantomData }
    }

    /// Number of slots.
    pub(crate) fn capacity(&self) -> usize {
        self.mask + 1
    }

    /// The slot of `index`.
    fn slot(&self, index: usize) -> *mut T {
        let first = self.lines.as_ptr().cast_mut().cast::<T>();
        // SAFETY: `index & mask` is below the capacity, and `lines` has room for as many items. The
        // lines are `UnsafeCell`s, so writing through a pointer from a shared reference is allowed.
        unsafe { first.add(index & self.mask) }
    }

    /// Items from the slot of `index` to the end of the storage.
    fn until_end(&self, index: usize) -> usize {
        self.capacity() - (index & self.mask)
    }

    /// Moves `value` into the slot of `index`.
    ///
    /// # Safety
    /// Nobody else may use the slot until the caller has published it. What it held is overwritten and
    /// not dropped.
    pub(crate) unsafe fn write(&self, index: usize, value: T) {
        // SAFETY: the slot is valid and aligned; the caller is its only user.
        unsafe { self.slot(index).write(value) }
    }

    /// Moves the item out of the slot of `index`.
    ///
    /// # Safety
    /// The slot holds an item that was published to the caller, and nobody reads that item again.
    pub(crate) unsafe fn read(&self, index: usize) -> T {
        // SAFETY: the slot is valid, aligned and, says the caller, initialised and its own.
        unsafe { self.slot(index).read() }
    }

    /// The item in the slot of `index`.
    ///
    /// # Safety
    /// The slot holds an item that was published to the caller and stays there while it is borrowed.
    pub(crate) unsafe fn get(&self, index: usize) -> &T {
        // SAFETY: as for `read`; the caller keeps the slot unwritten for the borrow.
        unsafe { &*self.slot(index) }
    }
}

impl<T: Copy> Slots<T> {
    /// Copies `items` into the slots from `index` on.
    ///
    /// # Safety
    /// As for [`Slots::write`], for each of the slots; there are no more items than slots.
    pub(crate) unsafe fn write_slice(&self, index: usize, items: &[T]) {
        debug_assert!(items.len() <= self.capacity());
        let until_end = items.len().min(self.until_end(index));
        let rest = items.len() - until_end;
        // SAFETY: the first part ends at the storage's end at the latest; the second starts at slot 0
        // and ends before the first, as there are no more items than slots. The caller owns the slots,
        // so they do not overlap `items`.
        unsafe {
            ptr::copy_nonoverlapping(items.as_ptr(), self.slot(index), until_end);
            ptr::copy_nonoverlapping(items.as_ptr().add(until_end), self.slot(0), rest);
        }
    }

    /// Copies the items from `index` on into `out`, which it fills.
    ///
    /// # Safety
    /// As for [`Slots::get`], for each of the slots; `out` is no longer than there are slots.
    pub(crate) unsafe fn read_slice(&self, index: usize, out: &mut [T]) {
        debug_assert!(out.len() <= self.capacity());
        let until_end = out.len().min(self.until_end(index));
        let rest = out.len() - until_end;
        // SAFETY: as for `write_slice`; the caller vouches that the slots are initialised.
        unsafe {
            ptr::copy_nonoverlapping(self.slot(index), out.as_mut_ptr(), until_end);
            ptr::copy_nonoverlapping(self.slot(0), out.as_mut_ptr().add(until_end), rest);
        }
    }
}
