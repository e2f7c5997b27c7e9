//! The ring against a queue, and between two threads.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;

use proptest::prelude::*;

use super::{CAPACITY_MAX, spsc, spsc_from};
use contract::Slot;

/// Miri and valgrind run the same tests, only fewer.
const STRESS_ITEMS: u64 = if cfg!(miri) { 500 } else { 200_000 };

#[derive(Clone, Debug)]
enum Op {
    Push(u32),
    PushSlice(Vec<u32>),
    Pop,
    PopSlice(usize),
    Peek,
    Count,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        any::<u32>().prop_map(Op::Push),
        prop::collection::vec(any::<u32>(), 0..12).prop_map(Op::PushSlice),
        Just(Op::Pop),
        (0_usize..12).prop_map(Op::PopSlice),
        Just(Op::Peek),
        Just(Op::Count),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 256 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// The ring does what a bounded `VecDeque` does, also where the indices wrap.
    #[test]
    fn a_ring_is_a_bounded_queue(
        capacity in 1_usize..10,
        before_wrap in 0_usize..40,
        ops in prop::collection::vec(op(), 0..120),
    ) {
        let (mut producer, mut consumer) = spsc_from(capacity, 0_usize.wrapping_sub(before_wrap));
        let capacity = producer.capacity();
        let mut model = VecDeque::new();
        for op in ops {
            match op {
                Op::Push(item) => {
                    let fits = model.len() < capacity;
                    prop_assert_eq!(producer.push(item), if fits { Ok(()) } else { Err(item) });
                    model.extend(fits.then_some(item));
                }
                Op::PushSlice(items) => {
                    let fits = model.len() + items.len() <= capacity;
                    prop_assert_eq!(producer.push_slice(&items), fits);
                    model.extend(items.into_iter().take(if fits { usize::MAX } else { 0 }));
                }
                Op::Pop => prop_assert_eq!(consumer.pop(), model.pop_front()),
                Op::PopSlice(wanted) => {
                    let mut out = vec![0; wanted];
                    let popped = consumer.pop_slice(&mut out);
                    prop_assert_eq!(popped, wanted.min(model.len()));
                    prop_assert!(out[..popped].iter().copied().eq(model.drain(..popped)));
                }
                Op::Peek => prop_assert_eq!(consumer.peek(), model.front()),
                Op::Count => {
                    prop_assert_eq!(producer.free(), capacity - model.len());
                    prop_assert_eq!(consumer.len(), model.len());
                    prop_assert_eq!(consumer.is_empty(), model.is_empty());
                }
            }
        }
    }
}

#[test]
fn capacities_are_powers_of_two_within_bounds() {
    for (asked, got) in [(0, 1), (1, 1), (2, 2), (3, 4), (1_000, 1_024)] {
        assert_eq!(spsc::<u8>(asked).0.capacity(), got);
    }
    assert_eq!(spsc::<()>(usize::MAX).0.capacity(), CAPACITY_MAX);
}

#[test]
fn slots_start_at_a_cache_line() {
    let (mut producer, mut consumer) = spsc::<Slot>(4);
    assert!(producer.push_slice(&[[7; 64]; 4]));
    for _ in 0..4 {
        let slot: *const Slot = consumer.peek().unwrap();
        assert_eq!(slot.addr() % 64, 0);
        consumer.pop();
    }
}

#[test]
fn items_left_are_dropped_once_whichever_side_goes_last() {
    for producer_first in [true, false] {
        let item = Arc::new(());
        let (mut producer, mut consumer) = spsc_from(4, usize::MAX - 1);
        for _ in 0..4 {
            producer.push(Arc::clone(&item)).unwrap();
        }
        assert!(producer.push(Arc::clone(&item)).is_err());
        drop(consumer.pop());
        assert_eq!(Arc::strong_count(&item), 4);
        if producer_first {
            drop(producer);
            drop(consumer.pop());
            assert_eq!(Arc::strong_count(&item), 3);
            drop(consumer);
        } else {
            drop(consumer);
            drop(producer);
        }
        assert_eq!(Arc::strong_count(&item), 1);
    }
}

#[test]
fn each_side_sees_that_the_other_is_gone() {
    let (mut producer, mut consumer) = spsc(2);
    assert!(!producer.is_closed() && !consumer.is_closed());
    producer.push(1).unwrap();
    drop(producer);
    assert!(consumer.is_closed());
    assert_eq!((consumer.pop(), consumer.pop()), (Some(1), None));

    let (producer, consumer) = spsc::<u8>(2);
    drop(consumer);
    assert!(producer.is_closed());
}

/// Boxes cross threads one by one: each arrives once, in order, with what was written into it.
#[test]
fn boxes_cross_threads_in_order() {
    let (mut producer, mut consumer) = spsc(64);
    let sender = thread::spawn(move || {
        for number in 0..STRESS_ITEMS {
            let mut item = Box::new(number);
            while let Err(back) = producer.push(item) {
                item = back;
                thread::yield_now();
            }
        }
    });
    for expected in 0..STRESS_ITEMS {
        let item = loop {
            match consumer.pop() {
                Some(item) => break item,
                None => thread::yield_now(),
            }
        };
        assert_eq!(*item, expected);
    }
    sender.join().unwrap();
    assert!(consumer.is_closed() && consumer.pop().is_none());
}

fn slot(number: u64) -> Slot {
    let word = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes();
    std::array::from_fn(|at| word[at % 8])
}

/// Slots cross threads in batches of changing size: no slot is torn, lost or repeated.
#[test]
fn batches_cross_threads_untorn() {
    let (mut producer, mut consumer) = spsc::<Slot>(32);
    let sender = thread::spawn(move || {
        let mut sent = 0;
        while sent < STRESS_ITEMS {
            let count = (1 + sent % 9).min(STRESS_ITEMS - sent);
            let batch: Vec<Slot> = (sent..sent + count).map(slot).collect();
            while !producer.push_slice(&batch) {
                thread::yield_now();
            }
            sent += count;
        }
    });
    let mut received = 0;
    let mut out = [[0; 64]; 13];
    loop {
        let closed = consumer.is_closed();
        let count = consumer.pop_slice(&mut out[..1 + received as usize % 13]);
        for got in &out[..count] {
            assert_eq!(*got, slot(received));
            received += 1;
        }
        if count == 0 {
            if closed {
                break;
            }
            thread::yield_now();
        }
    }
    assert_eq!(received, STRESS_ITEMS);
    sender.join().unwrap();
}
