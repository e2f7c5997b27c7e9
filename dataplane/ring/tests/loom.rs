//! Every interleaving of a few operations, and every reordering that the memory model allows:
//! `RUSTFLAGS="--cfg loom" cargo test -p ring --release --test loom`.
//!
//! Nothing here waits for the other side: a loop that spins would multiply the interleavings. Each side
//! tries a fixed number of times, and what is left is taken after the join.

#![cfg(loom)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use ring::spsc;

#[test]
fn single_items_wrap_around() {
    loom::model(|| {
        let (mut producer, mut consumer) = spsc(2);
        producer.push(0).unwrap();
        let sender = thread::spawn(move || {
            (1..4).filter(|item| producer.push(*item).is_ok()).collect::<Vec<u32>>()
        });
        let mut got: Vec<u32> = (0..2).filter_map(|_| consumer.pop()).collect();
        let pushed = sender.join().unwrap();
        got.extend(std::iter::from_fn(|| consumer.pop()));
        assert_eq!(got[0], 0);
        assert_eq!(got[1..], pushed);
    });
}

#[test]
fn a_slice_is_seen_whole_across_the_wrap() {
    loom::model(|| {
        let (mut producer, mut consumer) = spsc(4);
        assert!(producer.push_slice(&[0, 1, 2]));
        assert_eq!(consumer.pop_slice(&mut [0; 3]), 3);
        let sender = thread::spawn(move || {
            assert!(producer.push_slice(&[3, 4, 5]));
            producer.push_slice(&[6, 7])
        });
        let mut got = Vec::new();
        for _ in 0..2 {
            let mut out = [0; 8];
            let count = consumer.pop_slice(&mut out);
            got.extend_from_slice(&out[..count]);
            assert!(matches!(got.len(), 0 | 3 | 5), "a slice was seen in part");
        }
        let second = sender.join().unwrap();
        got.extend(std::iter::from_fn(|| consumer.pop()));
        assert_eq!(got, if second { vec![3, 4, 5, 6, 7] } else { vec![3, 4, 5] });
    });
}

#[test]
fn a_peeked_item_is_the_one_popped() {
    loom::model(|| {
        let (mut producer, mut consumer) = spsc(1);
        let sender = thread::spawn(move || {
            let pushed = [7_u32, 8].map(|item| producer.push(item).is_ok());
            (pushed, producer.free())
        });
        let peeked = consumer.peek().copied();
        let popped = consumer.pop();
        assert!(peeked.is_none() || peeked == popped);
        let (pushed, free) = sender.join().unwrap();
        assert!(pushed[0] && (!pushed[1] || popped == Some(7)));
        assert!(free <= 1);
        let left = usize::from(pushed[0]) + usize::from(pushed[1]) - usize::from(popped.is_some());
        assert_eq!(consumer.len(), left);
    });
}

#[test]
fn a_closed_and_empty_ring_has_given_everything() {
    loom::model(|| {
        let (mut producer, mut consumer) = spsc(2);
        let sender = thread::spawn(move || assert!(producer.push_slice(&[1_u8, 2])));
        let closed = consumer.is_closed();
        let got = (consumer.pop(), consumer.pop());
        assert!(!closed || got == (Some(1), Some(2)));
        sender.join().unwrap();
        assert!(consumer.is_closed());
    });
}

/// Counts its drops.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn both_sides_drop_at_once_and_each_item_goes_once() {
    loom::model(|| {
        let drops = Arc::new(AtomicUsize::new(0));
        let (mut producer, mut consumer) = spsc(2);
        assert!(producer.push(Counted(drops.clone())).is_ok());
        let counted = drops.clone();
        let sender = thread::spawn(move || {
            assert!(producer.push(Counted(counted)).is_ok());
            producer.is_closed()
        });
        drop(consumer.pop());
        drop(consumer);
        sender.join().unwrap();
        assert_eq!(drops.load(Ordering::Relaxed), 2);
    });
}
