//! Whole records through a ring, and slots that start none.

use contract::record::RECORD_SLOTS_MAX;
use contract::{FieldKind, Header, Kind, RecordBuilder, Slot};
use proptest::prelude::*;

use super::{BadRecord, Full, RecordScratch, record_ring};

fn header(sequence: u64) -> Header {
    Header {
        kind: Kind::Alert,
        flags: 0,
        length: 0,
        generation: 1,
        signature: 2,
        flow: 3,
        sequence,
        packet: 4,
        wall_ns: 5,
        rx_ns: 6,
        raised_after_ns: 7,
        worker: 8,
    }
}

fn record(slots: &mut [Slot], sequence: u64, payload: &[u8]) -> Vec<Slot> {
    let mut builder = RecordBuilder::new(slots);
    builder.field(FieldKind::Payload, payload);
    builder.finish(header(sequence)).to_vec()
}

#[test]
fn records_come_out_as_they_went_in() {
    let (mut producer, mut consumer) = record_ring(1);
    let mut scratch = RecordScratch::new();
    let mut slots = vec![[0; 64]; RECORD_SLOTS_MAX];
    for sequence in 0..5_000 {
        let payload = vec![sequence as u8; sequence as usize * 37 % 3_000];
        producer.push(&record(&mut slots, sequence, &payload)).unwrap();
        let got = consumer.next(&mut scratch).unwrap().unwrap();
        assert_eq!(got.header.sequence, sequence);
        assert_eq!(got.get(FieldKind::Payload), Some(payload.as_slice()));
    }
    assert!(consumer.next(&mut scratch).is_none());
}

#[test]
fn a_record_without_room_leaves_the_ring_as_it_was() {
    let (mut producer, mut consumer) = record_ring(RECORD_SLOTS_MAX);
    let mut scratch = RecordScratch::new();
    let mut slots = vec![[0; 64]; RECORD_SLOTS_MAX];
    let largest = record(&mut slots, 1, &[1; RECORD_SLOTS_MAX * 64]);
    assert_eq!(largest.len(), RECORD_SLOTS_MAX);
    let half = record(&mut slots, 2, &[2; 511 * 64 - 8]);
    assert_eq!((producer.used(), producer.slots()), (0, RECORD_SLOTS_MAX));
    producer.push(&half).unwrap();
    assert_eq!(producer.used_seen(), RECORD_SLOTS_MAX / 2);
    assert_eq!(producer.push(&largest), Err(Full));
    assert_eq!(producer.used(), RECORD_SLOTS_MAX / 2);
    assert_eq!(consumer.next(&mut scratch).unwrap().unwrap().header.sequence, 2);
    assert_eq!(producer.used_seen(), RECORD_SLOTS_MAX / 2, "the reader was not looked at");
    assert_eq!((producer.used(), producer.used_seen()), (0, 0));
    producer.push(&largest).unwrap();
    assert_eq!(producer.used_seen(), RECORD_SLOTS_MAX);
    let got = consumer.next(&mut scratch).unwrap().unwrap();
    assert_eq!(got.header.flags, Header::CUT);
    drop(producer);
    assert!(consumer.is_closed() && consumer.is_empty());
}

#[test]
fn what_is_no_record_is_skipped_a_slot_at_a_time() {
    let (mut producer, mut consumer) = record_ring(RECORD_SLOTS_MAX);
    let mut scratch = RecordScratch::new();
    let mut slots = vec![[0; 64]; RECORD_SLOTS_MAX];
    let good = record(&mut slots, 9, b"payload");
    let mut huge = good[0];
    huge[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    let mut cut_short = good[0];
    cut_short[4..8].copy_from_slice(&(64_u32 * 900).to_le_bytes());
    producer.push(&[[0xFF; 64], huge, cut_short]).unwrap();
    producer.push(&good).unwrap();
    for _ in 0..3 {
        assert_eq!(consumer.next(&mut scratch).unwrap().err(), Some(BadRecord));
    }
    assert_eq!(consumer.next(&mut scratch).unwrap().unwrap().header.sequence, 9);
    assert!(consumer.next(&mut scratch).is_none());
}

fn any_slot() -> impl Strategy<Value = Slot> {
    // Half of the slots look like headers, so that the lengths are reached.
    (any::<bool>(), any::<u32>(), any::<[u8; 32]>()).prop_map(|(headed, length, noise)| {
        let mut slot = [0; 64];
        slot[..32].copy_from_slice(&noise);
        if headed {
            slot[..2].copy_from_slice(&[1 + noise[0] % 2, contract::record::VERSION]);
            slot[4..8].copy_from_slice(&(length >> (length % 32)).to_le_bytes());
        }
        slot
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 256 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn arbitrary_slots_end(slots in prop::collection::vec(any_slot(), 0..200)) {
        let (mut producer, mut consumer) = record_ring(RECORD_SLOTS_MAX);
        let mut scratch = RecordScratch::new();
        producer.push(&slots).unwrap();
        let mut taken = 0;
        while let Some(next) = consumer.next(&mut scratch) {
            taken += next.map_or(1, |record| record.header.slots());
            prop_assert!(taken <= slots.len());
        }
        prop_assert_eq!(taken, slots.len());
    }
}
