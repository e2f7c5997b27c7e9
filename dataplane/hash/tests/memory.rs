//! The cache's memory: all of it at construction, and less than 100 kB for 1,000 digests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use allocation_counter::measure;
use hash::{DIGESTS_MAX, PayloadDigests};

#[test]
fn a_thousand_digests_take_less_than_100_kb_and_nothing_later() {
    let mut payload = [0_u8; 1_460];
    let mut made = None;
    let construction = measure(|| made = Some(Box::new(PayloadDigests::new(DIGESTS_MAX, [7; 16]))));
    let (mut digests, bytes) = (made.unwrap(), construction.bytes_current);
    assert!((0..100_000).contains(&bytes), "{bytes} bytes");

    let mut hits = 0;
    let later = measure(|| {
        for round in 0..5_000_u32 {
            payload[..4].copy_from_slice(&(round / 2).to_le_bytes());
            hits += u32::from(digests.digest(&payload).hit);
        }
    });
    assert_eq!(hits, 2_500);
    assert_eq!(later.count_total, 0, "allocations after construction");
    println!("{bytes} bytes for {DIGESTS_MAX} digests");
}
