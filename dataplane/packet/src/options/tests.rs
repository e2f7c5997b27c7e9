//! Options as plain values, and the events of those that cannot be.

use contract::{Event, EventSet};
use proptest::prelude::*;

use super::TcpOptions;

fn parse(bytes: &[u8]) -> (TcpOptions, EventSet) {
    let mut events = EventSet::EMPTY;
    (TcpOptions::parse(bytes, &mut events), events)
}

#[test]
fn what_a_handshake_says() {
    let linux = [2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 7, 0, 0, 0, 9, 1, 3, 3, 7];
    let (options, events) = parse(&linux);
    assert!(events.is_empty());
    let expected = TcpOptions {
        mss: Some(1_460),
        window_scale: Some(7),
        timestamp: Some((7, 9)),
        sack_permitted: true,
        ..TcpOptions::default()
    };
    assert_eq!(options, expected);
    let cookie = [34, 10, 1, 2, 3, 4, 5, 6, 7, 8];
    let draft = [254, 4, 0xf9, 0x89];
    for (bytes, expected) in
        [(&cookie[..], true), (&[34, 2], true), (&draft, true), (&[1, 1], false)]
    {
        let (options, events) = parse(bytes);
        assert_eq!((options.fast_open, events.is_empty()), (expected, true), "{bytes:?}");
    }
}

#[test]
fn what_cannot_be_is_left_out_and_named() {
    let invalid = EventSet::from_iter([Event::TcpOptInvalidLen]);
    let twice = EventSet::from_iter([Event::TcpOptDuplicate]);
    let cases: &[(&[u8], Option<u16>, EventSet)] = &[
        (&[2, 5, 1, 1, 1], None, invalid),
        (&[2, 40, 1, 1], None, invalid),
        (&[2, 0, 1, 1], None, invalid),
        (&[2, 1, 1, 1], None, invalid),
        (&[3, 4, 1, 1, 2, 4, 0, 9], Some(9), invalid),
        (&[2, 4, 0, 8, 2, 4, 0, 9], Some(8), twice),
        (&[0, 2, 40], None, EventSet::EMPTY),
        (&[1, 1, 2], None, EventSet::EMPTY),
        (&[77, 3, 0, 2, 4, 0, 9], Some(9), EventSet::EMPTY),
    ];
    for (bytes, mss, expected) in cases {
        let (options, events) = parse(bytes);
        assert_eq!((options.mss, events), (*mss, *expected), "{bytes:?}");
    }
}

proptest! {
    /// Written options are read back, wherever padding stands.
    #[test]
    fn written_options_are_read(mss: u16, scale: u8, times: (u32, u32), pads in [0_usize..4, 0..4, 0..4]) {
        let mut bytes = vec![1; pads[0]];
        bytes.extend([2, 4]);
        bytes.extend(mss.to_be_bytes());
        bytes.extend(vec![1; pads[1]]);
        bytes.extend([3, 3, scale, 8, 10]);
        bytes.extend(times.0.to_be_bytes());
        bytes.extend(times.1.to_be_bytes());
        bytes.extend(vec![0; pads[2]]);
        let (options, events) = parse(&bytes);
        prop_assert!(events.is_empty());
        prop_assert_eq!((options.mss, options.window_scale, options.timestamp), (Some(mss), Some(scale), Some(times)));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..41)) {
        parse(&bytes);
    }
}
