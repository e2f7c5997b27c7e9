//! Names and sets of events.

use alloc::vec::Vec;

use proptest::prelude::*;

use super::{Event, EventSet};

#[test]
fn every_event_is_found_by_its_name_and_stands_at_its_number() {
    for (number, event) in Event::ALL.iter().enumerate() {
        assert_eq!(*event as usize, number);
        let found = match event.name().split_once('.') {
            Some(("decoder", name)) => Event::decoder(name),
            Some(("stream", name)) => Event::stream(name),
            _ => None,
        };
        assert_eq!(found, Some(*event), "{}", event.name());
    }
}

#[test]
fn families_are_apart_and_unknown_names_are_none() {
    assert_eq!(Event::decoder("est_invalid_ack"), None);
    assert_eq!(Event::stream("ipv4.pkt_too_small"), None);
    assert_eq!(Event::decoder(""), None);
    assert_eq!(Event::decoder("ipv4"), None);
}

#[test]
fn both_spellings_of_another_acknowledgement_are_one_event() {
    for name in ["3whs_synack_resend_with_diff_ack", "3whs_synack_resend_with_different_ack"] {
        assert_eq!(Event::stream(name), Some(Event::StreamHandshake3SynackResendWithDiffAck));
    }
    for name in ["est_synack_resend_with_diff_ack", "est_synack_resend_with_different_ack"] {
        assert_eq!(Event::stream(name), Some(Event::StreamEstSynackResendWithDiffAck));
    }
}

proptest! {
    #[test]
    fn a_set_holds_what_was_put_in(numbers in proptest::collection::btree_set(0..Event::ALL.len(), 0..32)) {
        let events: Vec<Event> = numbers.iter().map(|number| Event::ALL[*number]).collect();
        let set: EventSet = events.iter().copied().collect();
        prop_assert_eq!(set.is_empty(), events.is_empty());
        prop_assert_eq!(set.iter().collect::<Vec<_>>(), events);
        for (number, event) in Event::ALL.iter().enumerate() {
            prop_assert_eq!(set.contains(*event), numbers.contains(&number));
        }
    }

    #[test]
    fn merging_is_union(a in 0..Event::ALL.len(), b in 0..Event::ALL.len()) {
        let mut set = EventSet::from_iter([Event::ALL[a]]);
        set.merge(&EventSet::from_iter([Event::ALL[b]]));
        prop_assert_eq!(set, EventSet::from_iter([Event::ALL[a], Event::ALL[b]]));
    }
}
