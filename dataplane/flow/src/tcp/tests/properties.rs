//! What holds for any segments: no panic, states along edges, numbers that wrap, ends that come once.

use proptest::prelude::*;

use super::table::Flow;
use crate::Direction;
use crate::tcp::{
    Host, Segment, SegmentOptions, Session, SessionSettings, Stage, TcpState, Timestamps, flag,
};

const FIRST_NS: u64 = 1_700_000_000_000_000_000;
const HOSTS: [Host; 8] = [
    Host::Bsd,
    Host::Windows,
    Host::Windows2003,
    Host::Vista,
    Host::Linux,
    Host::OldLinux,
    Host::Solaris,
    Host::HpUx11,
];

/// States that may follow `from` with one segment, itself left out.
fn followers(from: TcpState) -> &'static [TcpState] {
    use TcpState as S;
    match from {
        S::None => &[S::SynSent, S::SynRecv, S::Established, S::FinWait1],
        S::SynSent => &[S::SynRecv, S::Established, S::Closed],
        S::SynRecv => &[S::Established, S::CloseWait, S::FinWait1, S::Closed],
        S::Established => &[S::CloseWait, S::FinWait1, S::Closed],
        S::FinWait1 => &[S::FinWait2, S::Closing, S::TimeWait, S::Closed],
        S::FinWait2 | S::Closing => &[S::TimeWait, S::Closed],
        S::CloseWait => &[S::LastAck, S::Closed],
        S::LastAck | S::TimeWait => &[S::Closed],
        S::Closed => &[],
    }
}

/// A number near one of the two beginnings, as most are, or any.
fn number() -> impl Strategy<Value = u32> {
    let near = (prop_oneof![Just(1_000_u32), Just(u32::MAX - 3)], -3_i32..40)
        .prop_map(|(base, offset)| base.wrapping_add_signed(offset));
    prop_oneof![9 => near, 1 => any::<u32>()]
}

fn options() -> impl Strategy<Value = SegmentOptions> {
    let stamps = (0_u32..20, 0_u32..20).prop_map(|(value, echo)| Timestamps { value, echo });
    (
        proptest::option::weighted(0.3, 0_u8..17),
        any::<bool>(),
        proptest::option::weighted(0.3, stamps),
        proptest::bool::weighted(0.1),
        proptest::bool::weighted(0.1),
    )
        .prop_map(|(window_scale, sack_permitted, timestamps, fast_open, signed)| {
            SegmentOptions { window_scale, sack_permitted, timestamps, fast_open, signed }
        })
}

fn flags() -> impl Strategy<Value = u8> {
    let usual = prop_oneof![
        3 => Just(flag::ACK),
        2 => Just(flag::ACK | flag::PSH),
        1 => Just(flag::SYN),
        1 => Just(flag::SYN | flag::ACK),
        1 => Just(flag::FIN | flag::ACK),
        1 => Just(flag::RST),
    ];
    prop_oneof![9 => usual, 1 => any::<u8>()]
}

prop_compose! {
    fn segment()(
        to_server in any::<bool>(),
        seq in number(),
        ack in number(),
        window in prop_oneof![Just(0_u16), 1_u16..50, any::<u16>()],
        flags in flags(),
        payload_len in prop_oneof![Just(0_u32), 1_u32..30, 0_u32..=65_535],
        options in options(),
        day in 0_u64..40,
    ) -> Segment {
        Segment {
            direction: if to_server { Direction::ToServer } else { Direction::ToClient },
            seq,
            ack,
            window,
            flags,
            payload_len,
            options,
            now_ns: FIRST_NS + day / 39 * 30 * 86_400 * 1_000_000_000,
        }
    }
}

fn settings() -> impl Strategy<Value = SessionSettings> {
    (any::<bool>(), any::<bool>(), any::<u8>(), any::<u8>(), any::<bool>()).prop_map(
        |(midstream, async_oneside, syn_queued_max, synack_queued_max, liberal_timestamps)| {
            SessionSettings {
                midstream,
                async_oneside,
                syn_queued_max,
                synack_queued_max,
                liberal_timestamps,
            }
        },
    )
}

fn between(direction: Direction, flags: u8, seq: u32, ack: u32, payload_len: u32) -> Segment {
    Segment {
        direction,
        seq,
        ack,
        window: 8_192,
        flags,
        payload_len,
        options: SegmentOptions::default(),
        now_ns: FIRST_NS,
    }
}

/// A session whose client started at `client` and whose server at `server`.
fn established(client: u32, server: u32) -> Session {
    let mut session = Session::default();
    let (first, answer) = (client.wrapping_add(1), server.wrapping_add(1));
    for segment in [
        between(Direction::ToServer, flag::SYN, client, 0, 0),
        between(Direction::ToClient, flag::SYN | flag::ACK, server, first, 0),
        between(Direction::ToServer, flag::ACK, first, answer, 0),
    ] {
        session.packet(&segment, Host::Windows, &SessionSettings::default());
    }
    assert_eq!(session.state(), TcpState::Established);
    session
}

proptest! {
    /// Whatever comes: states move along the edges, or back from a reset that was not meant; a refused segment
    /// is not part of the stream; payload is taken only where there is some.
    #[test]
    fn states_move_along_edges(
        segments in proptest::collection::vec(segment(), 1..40),
        settings in settings(),
        host in proptest::sample::select(&HOSTS[..]),
    ) {
        let mut flow = Flow::default();
        for segment in &segments {
            let before = flow.state();
            let superseded = flow.is_superseded(segment, &settings);
            let verdict =
                flow.packet(segment.direction == Direction::ToServer, segment, host, &settings);
            let from = if superseded { TcpState::None } else { before };
            let resumed = from == TcpState::Closed;
            prop_assert!(
                verdict.state == from || resumed || followers(from).contains(&verdict.state),
                "{from:?} to {:?}", verdict.state
            );
            prop_assert!(!(verdict.refused && verdict.valid));
            prop_assert!(verdict.valid || verdict.data.is_none());
            let carries = segment.payload_len > 0 && segment.flags & flag::RST == 0;
            prop_assert_eq!(verdict.data.is_some(), verdict.valid && carries);
        }
    }

    /// Only distances count: other initial numbers, also ones that wrap, change no verdict.
    #[test]
    fn only_distances_count(
        segments in proptest::collection::vec(segment(), 1..40),
        client in any::<u32>(),
        server in any::<u32>(),
    ) {
        let mut near = established(1_000, u32::MAX - 3);
        let mut far = established(1_000_u32.wrapping_add(client), (u32::MAX - 3).wrapping_add(server));
        for segment in &segments {
            let mut shifted = *segment;
            let (own, other) = match segment.direction {
                Direction::ToServer => (client, server),
                Direction::ToClient => (server, client),
            };
            shifted.seq = segment.seq.wrapping_add(own);
            shifted.ack = segment.ack.wrapping_add(other);
            // Of an acknowledgement field of 0 nothing is believed.
            if segment.ack == 0 || shifted.ack == 0 {
                continue;
            }
            let settings = SessionSettings::default();
            let one = near.packet(segment, Host::Windows, &settings);
            let two = far.packet(&shifted, Host::Windows, &settings);
            prop_assert_eq!(one.events, two.events);
            prop_assert_eq!((one.state, one.valid, one.ended), (two.state, two.valid, two.ended));
            prop_assert_eq!(one.data.map(|seq| seq.wrapping_add(own)), two.data);
            prop_assert_eq!(one.acked.map(|ack| ack.wrapping_add(other)), two.acked);
        }
    }

    /// Each half ends once, unless a reset turns out not to be meant; acknowledgements do not step back.
    #[test]
    fn halves_end_once(segments in proptest::collection::vec(segment(), 1..40)) {
        let mut session = established(1_000, u32::MAX - 3);
        let mut ended = [false; 2];
        for segment in &segments {
            let verdict = session.packet(segment, Host::Windows, &SessionSettings::default());
            let injected = verdict.events.contains(contract::Event::StreamSuspectedRstInject);
            if injected {
                ended = [false; 2];
            }
            for (was, is) in ended.iter_mut().zip(verdict.ended) {
                prop_assert!(!(*was && is));
                *was |= is;
            }
            if verdict.state == TcpState::Closed {
                prop_assert!(ended[0] && ended[1]);
                prop_assert_eq!(verdict.state.stage(), Stage::Closed);
            }
        }
    }
}
