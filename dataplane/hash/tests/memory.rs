//! The cache's memory: all of it at construction, and less than 100 kB for 1,000 digests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use hash::{DIGESTS_MAX, PayloadDigests};

thread_local! {
    /// Allocations made and bytes held by this thread; the test harness has threads of its own.
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static HELD: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every request goes to the system's allocator as it came; the counters are thread-local cells
// without a destructor, which allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        HELD.set(HELD.get() + layout.size() as isize);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.set(HELD.get() - layout.size() as isize);
        // SAFETY: the caller keeps the contract of `dealloc`; the block came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_thousand_digests_take_less_than_100_kb_and_nothing_later() {
    let mut payload = [0_u8; 1_460];
    let held = HELD.get();
    let mut digests = Box::new(PayloadDigests::new(DIGESTS_MAX, [7; 16]));
    let bytes = HELD.get() - held;
    assert!((0..100_000).contains(&bytes), "{bytes} bytes");

    let count = COUNT.get();
    let mut hits = 0;
    for round in 0..5_000_u32 {
        payload[..4].copy_from_slice(&(round / 2).to_le_bytes());
        hits += u32::from(digests.digest(&payload).hit);
    }
    assert_eq!(hits, 2_500);
    assert_eq!(COUNT.get() - count, 0, "allocations after construction");
    println!("{bytes} bytes for {DIGESTS_MAX} digests");
}
