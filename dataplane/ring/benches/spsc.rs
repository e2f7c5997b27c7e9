//! Our ring beside rtrb's: 64-byte slots, one by one and in batches, in one thread and between two.
//!
//! Between two threads, each pinned to a core, an iteration is one batch on its way; a side that cannot go on spins, and
//! yields now and then, so that the bench ends on a busy machine too.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::hint::{black_box, spin_loop};
use std::thread;
use std::time::{Duration, Instant};

use contract::Slot;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const CAPACITY: usize = 1_024;
const BATCHES: [usize; 3] = [1, 8, 32];
const SPINS_BEFORE_YIELD: u32 = 1_000;

/// What both rings can do; batches whole or not at all.
trait Push: Send + 'static {
    fn push(&mut self, slot: Slot) -> bool;
    fn push_batch(&mut self, slots: &[Slot]) -> bool;
}

trait Pop: Send + 'static {
    fn pop(&mut self) -> Option<Slot>;
    fn pop_batch(&mut self, slots: &mut [Slot]) -> bool;
}

impl Push for ring::Producer<Slot> {
    fn push(&mut self, slot: Slot) -> bool {
        self.push(slot).is_ok()
    }
    fn push_batch(&mut self, slots: &[Slot]) -> bool {
        self.push_slice(slots)
    }
}

impl Pop for ring::Consumer<Slot> {
    fn pop(&mut self) -> Option<Slot> {
        self.pop()
    }
    fn pop_batch(&mut self, slots: &mut [Slot]) -> bool {
        // The producer pushes whole batches of the same size, so there is a whole one or none.
        self.pop_slice(slots) == slots.len()
    }
}

impl Push for rtrb::Producer<Slot> {
    fn push(&mut self, slot: Slot) -> bool {
        self.push(slot).is_ok()
    }
    fn push_batch(&mut self, slots: &[Slot]) -> bool {
        self.push_entire_slice(slots).is_ok()
    }
}

impl Pop for rtrb::Consumer<Slot> {
    fn pop(&mut self) -> Option<Slot> {
        self.pop().ok()
    }
    fn pop_batch(&mut self, slots: &mut [Slot]) -> bool {
        self.pop_entire_slice(slots).is_ok()
    }
}

fn until(mut done: impl FnMut() -> bool) {
    let mut spins = 0;
    while !done() {
        spins += 1;
        if spins % SPINS_BEFORE_YIELD == 0 {
            thread::yield_now();
        }
        spin_loop();
    }
}

/// Time for `batches` batches of `size` slots from one thread to another.
fn transfer(
    (mut producer, mut consumer): (impl Push, impl Pop),
    size: usize,
    batches: u64,
) -> Duration {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    if let Some(core) = cores.first() {
        core_affinity::set_for_current(*core);
    }
    let start = Instant::now();
    let sender = thread::spawn(move || {
        if let Some(core) = cores.last() {
            core_affinity::set_for_current(*core);
        }
        let slots = vec![[1; 64]; size];
        for _ in 0..batches {
            until(|| producer.push_batch(black_box(&slots)));
        }
    });
    let mut out = vec![[0; 64]; size];
    for _ in 0..batches {
        until(|| consumer.pop_batch(black_box(&mut out)));
    }
    sender.join().unwrap();
    start.elapsed()
}

fn bench_ring<P: Push, C: Pop>(criterion: &mut Criterion, name: &str, make: fn() -> (P, C)) {
    let mut group = criterion.benchmark_group("one_thread");
    group.throughput(Throughput::Elements(1));
    group.bench_function(BenchmarkId::new(name, "single"), |bencher| {
        let (mut producer, mut consumer) = make();
        let slot = [1; 64];
        bencher.iter(|| {
            assert!(producer.push(black_box(slot)));
            consumer.pop()
        });
    });
    for size in BATCHES {
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(BenchmarkId::new(name, size), |bencher| {
            let (mut producer, mut consumer) = make();
            let slots = vec![[1; 64]; size];
            let mut out = vec![[0; 64]; size];
            bencher.iter(|| {
                assert!(producer.push_batch(black_box(&slots)));
                assert!(consumer.pop_batch(black_box(&mut out)));
            });
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("two_threads");
    for size in BATCHES {
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(BenchmarkId::new(name, size), |bencher| {
            bencher.iter_custom(|batches| transfer(make(), size, batches));
        });
    }
    group.finish();
}

fn spsc(criterion: &mut Criterion) {
    bench_ring(criterion, "ring", || ring::spsc(CAPACITY));
    bench_ring(criterion, "rtrb", || rtrb::RingBuffer::new(CAPACITY));
}

criterion_group!(benches, spsc);
criterion_main!(benches);
