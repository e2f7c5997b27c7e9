//! Sessions against what the peer made of the same conversations.
//!
//! `tests/named.txt` has conversations written by hand, one for each behaviour; `tests/mutated.txt` ordinary
//! ones with seeded faults: segments swapped, dropped, repeated, with other numbers, windows, flags and
//! timestamps, and handshakes, resets and ends put in anywhere. The answers are Suricata 7.0.10's, taken with
//! `dataplane/flow/src/tcp/tests/ask_peer.py`. A line is a segment:
//!
//! ```text
//! side flags seq ack window payload options [@ms] | state[+] events
//! ```
//!
//! `+`: `flow:established` holds. Lines that begin with `#` name a conversation, `##` its settings.

mod properties;
mod table;

use std::mem::size_of;

use contract::{Event, EventSet};

use super::{
    Host, Segment, SegmentOptions, Session, SessionSettings, TcpState, Timestamps, Verdict, flag,
};
use crate::Direction;
use table::{Answer, Conversation, conversations, play};

/// Where the session answers otherwise than the peer, with the reason.
const DIFFERENCES: &[(&str, &str)] = &[(
    "midstream: no flags first",
    "where a flow began with a segment that starts no session, the peer takes the other side for the client",
)];

fn shown(answer: &Answer) -> String {
    let events: Vec<_> = answer.events.iter().map(|event| event.name()).collect();
    let plus = if answer.established { "+" } else { "" };
    format!("{}{plus} {}", answer.state.name(), events.join(" "))
}

/// The first segment on which the session and the peer differ.
fn first_difference(conversation: &Conversation) -> Option<String> {
    let answers = play(conversation);
    conversation.lines.iter().zip(&answers).enumerate().find_map(|(index, (line, answer))| {
        let peer = &line.peer;
        (peer != answer).then(|| {
            format!(
                "{}, segment {}: {}\n     peer: {}\n  session: {}",
                conversation.name,
                index + 1,
                line.text,
                shown(peer),
                shown(answer)
            )
        })
    })
}

/// Conversations of `text` that end otherwise than with the peer, without [`DIFFERENCES`].
fn check(text: &str) {
    let all = conversations(text);
    let (mut segments, mut alike) = (0, 0);
    let mut found = Vec::new();
    for conversation in &all {
        let answers = play(conversation);
        segments += answers.len();
        let pairs = conversation.lines.iter().zip(&answers);
        alike += pairs.filter(|(line, answer)| line.peer.events == answer.events).count();
        let known = DIFFERENCES.iter().any(|(name, _)| *name == conversation.name);
        match first_difference(conversation) {
            Some(difference) if !known => found.push(difference),
            None if known => found.push(format!("{}: no longer differs", conversation.name)),
            _ => {}
        }
    }
    assert!(!all.is_empty());
    assert!(
        found.is_empty(),
        "{} of {} conversations differ, events agree on {alike} of {segments} segments\n{}",
        found.len(),
        all.len(),
        found.join("\n")
    );
}

#[test]
fn named_conversations_go_as_with_the_peer() {
    check(include_str!("tests/named.txt"));
}

#[test]
fn mutated_conversations_go_as_with_the_peer() {
    check(include_str!("tests/mutated.txt"));
}

/// Every event that can be raised is raised somewhere in the data.
#[test]
fn the_conversations_cover_the_events() {
    let all = [include_str!("tests/named.txt"), include_str!("tests/mutated.txt")];
    let mut seen = EventSet::EMPTY;
    for conversation in all.iter().flat_map(|text| conversations(text)) {
        play(&conversation).iter().for_each(|answer| seen.merge(&answer.events));
    }
    let missing: Vec<_> = Event::ALL
        .iter()
        .filter(|event| event.name().starts_with("stream."))
        .filter(|event| !event.name().starts_with("stream.reassembly_"))
        .filter(|event| !seen.contains(**event))
        .map(|event| event.name())
        .collect();
    assert_eq!(missing, NEVER_RAISED);
}

/// Stream events that no session raises. The peer raises the first two and the last one only inline and with more
/// than one thread; the others it accepts in rules and raised in none of these conversations.
const NEVER_RAISED: [&str; 5] = [
    "stream.3whs_ack_data_inject",
    "stream.3whs_ack_in_wrong_dir",
    "stream.3whs_synack_resend_with_diff_seq",
    "stream.est_ack_zwp_data",
    "stream.wrong_thread",
];

#[test]
fn a_session_is_small() {
    assert!(size_of::<Session>() <= 160, "{}", size_of::<Session>());
    assert_eq!(Session::default().state(), TcpState::None);
}

/// A session of one client and one server, by default in order and without options.
#[derive(Default)]
struct Pair {
    session: Session,
    settings: SessionSettings,
    now_ns: u64,
    stamp: Option<u32>,
}

impl Pair {
    fn send(
        &mut self,
        to_server: bool,
        flags: u8,
        seq: u32,
        ack: u32,
        payload_len: u32,
    ) -> Verdict {
        let segment = Segment {
            direction: if to_server { Direction::ToServer } else { Direction::ToClient },
            seq,
            ack,
            window: 8_192,
            flags,
            payload_len,
            options: SegmentOptions {
                timestamps: self.stamp.map(|value| Timestamps { value, echo: 0 }),
                sack_permitted: true,
                ..SegmentOptions::default()
            },
            now_ns: self.now_ns,
        };
        self.session.packet(&segment, Host::Windows, &self.settings)
    }

    /// The client's next number is 1001, the server's 5001.
    fn established(mut self) -> Self {
        self.send(true, flag::SYN, 1_000, 0, 0);
        self.send(false, flag::SYN | flag::ACK, 5_000, 1_001, 0);
        self.send(true, flag::ACK, 1_001, 5_001, 0);
        assert_eq!(self.session.state(), TcpState::Established);
        self
    }
}

/// RFC 7323 section 5.5. The peer's flows are over long before, so that it was asked with timeouts made longer: it
/// takes the segment, and complains of one with data all the same.
#[test]
fn an_old_timestamp_counts_after_24_days_of_silence() {
    const DAY_NS: u64 = 86_400 * 1_000_000_000;
    for (days, payload_len, valid, told) in
        [(1, 0, false, true), (25, 0, true, false), (25, 10, true, true)]
    {
        let mut pair = Pair { stamp: Some(1_000_000), ..Pair::default() }.established();
        pair.stamp = Some(5);
        pair.now_ns = days * DAY_NS;
        let verdict = pair.send(true, flag::ACK, 1_001, 5_001, payload_len);
        assert_eq!(verdict.valid, valid, "{days} {payload_len}");
        let event = Event::StreamPktInvalidTimestamp;
        assert_eq!(verdict.events.contains(event), told, "{days} {payload_len}");
    }
}

/// What ends before the window's beginning is a repeat and goes no further; the caller tells where it begins.
#[test]
fn the_window_that_slides_takes_repeats_out() {
    let mut pair = Pair::default().established();
    assert_eq!(pair.send(true, flag::ACK, 1_001, 5_001, 10).data, Some(1_001));
    assert_eq!(pair.send(false, flag::ACK, 5_001, 1_011, 0).acked, Some(1_011));
    let events = |pair: &mut Pair| pair.send(true, flag::ACK, 1_001, 5_001, 5).events;
    let spurious = Event::StreamPktSpuriousRetransmission;
    let both = EventSet::from_iter([spurious, Event::StreamEstPktBeforeLastAck]);
    assert_eq!(events(&mut pair), both);
    pair.session.slide(Direction::ToServer, 1_011);
    assert_eq!(events(&mut pair), EventSet::from_iter([spurious]));
}

/// Where the halves begin, what they acknowledge, and that each ends with the ACK of its FIN.
#[test]
fn a_verdict_tells_beginnings_and_ends() {
    let mut pair = Pair::default();
    assert_eq!(pair.send(true, flag::SYN, 1_000, 0, 0).begin, [Some(1_001), None]);
    let answer = pair.send(false, flag::SYN | flag::ACK, 5_000, 1_001, 0);
    assert_eq!(answer.begin, [None, Some(5_001)]);
    assert_eq!(pair.send(true, flag::ACK, 1_001, 5_001, 0).begin, [None, None]);
    assert!(pair.session.uses_sack());
    let fin = pair.send(true, flag::FIN | flag::ACK, 1_001, 5_001, 10);
    assert_eq!((fin.data, fin.fin), (Some(1_001), Some(1_011)));
    assert_eq!(fin.ended, [false, false]);
    let both = pair.send(false, flag::FIN | flag::ACK, 5_001, 1_012, 0);
    assert_eq!((both.acked, both.ended), (Some(1_012), [true, false]));
    assert_eq!(pair.send(true, flag::ACK, 1_012, 5_002, 0).ended, [false, true]);
    assert_eq!(pair.session.state(), TcpState::Closed);
}

/// A SYN/ACK without its SYN is the server's, whoever opened the flow.
#[test]
fn a_session_picked_up_at_the_syn_ack_exchanges_its_sides() {
    let settings = SessionSettings { midstream: true, async_oneside: true, ..Default::default() };
    let mut pair = Pair { settings, ..Pair::default() };
    let verdict = pair.send(true, flag::SYN | flag::ACK, 5_000, 1_001, 0);
    assert!(verdict.reversed && pair.session.is_one_sided());
    assert_eq!(verdict.begin, [Some(1_001), Some(5_001)]);
    assert!(pair.send(true, flag::ACK, 1_001, 5_001, 4).valid);
    assert!(!pair.session.is_one_sided());
}
