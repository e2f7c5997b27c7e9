//! Frames with systematic malformations: the events are those that the peer raised, and rules that look at
//! packets run where its ran. `tests/peer/frames.py` makes the frames and asks.

use std::collections::BTreeSet;

use contract::LinkType;

use crate::{Decoded, decode, decode_inner};

/// `LINK FRAME-IN-HEX EVENTS MARKS`, see `frames.py`.
const SEEN: &str = include_str!("../../tests/peer/events.txt");

/// BSD loopback as a machine of the other byte order writes it: the peer does not know it.
const LOOPBACK_SWAPPED: (&str, &str) = ("0", "000000");

/// What the peer says or we say of a frame: events, and whether packet rules ran.
type Said = (BTreeSet<String>, bool);

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks_exact(2);
    digits.map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}

fn ours(link: u16, frame: &[u8]) -> Said {
    let mut said = Said::default();
    let mut take = |packet: &Decoded| {
        said.0.extend(packet.events.iter().map(|event| event.name().to_owned()));
        said.1 |= !packet.cut && !packet.is_for_events_only();
    };
    match decode(LinkType(link), frame) {
        Err(undecoded) => {
            return (undecoded.events.iter().map(|event| event.name().to_owned()).collect(), false);
        }
        Ok(mut packet) => {
            take(&packet);
            // The peer drops a carried packet that cannot be decoded, events and all.
            while let Some(Ok(inner)) = decode_inner(&packet, frame) {
                // IPv4 in IPv4 the peer does not look into.
                let four_in_four = packet.tuple.protocol == 4 && packet.tuple.source.is_ipv4();
                if packet.cut || inner.cut || four_in_four {
                    break;
                }
                take(&inner);
                packet = inner;
            }
        }
    }
    said
}

fn theirs(events: &str, marks: &str) -> Said {
    // What fragments are to each other is not for decoding to say.
    let names = events.split(',').filter(|name| !matches!(*name, "-" | "ipv6.frag_pkt_too_large"));
    (names.map(|name| format!("decoder.{name}")).collect(), marks.contains('p'))
}

#[test]
fn events_are_the_peers() {
    let mut wrong = Vec::new();
    let mut frames = 0;
    for line in SEEN.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let [link, frame, events, marks] = fields[..] else { panic!("{line}") };
        frames += 1;
        if (link, frame.get(..6).unwrap_or("")) == LOOPBACK_SWAPPED {
            continue;
        }
        let (ours, theirs) = (ours(link.parse().unwrap(), &bytes(frame)), theirs(events, marks));
        if ours != theirs {
            wrong.push(format!("{link} {frame}: {ours:?}, the peer {theirs:?}"));
        }
    }
    assert!(frames > 1_000);
    assert!(wrong.is_empty(), "{} of {frames}:\n{}", wrong.len(), wrong.join("\n"));
}
