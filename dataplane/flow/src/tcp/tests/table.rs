//! The tables of conversations, and how a caller plays them.

use contract::{Event, EventSet};

use crate::Direction;
use crate::stream::OverlapPolicy;
use crate::tcp::{
    Host, Segment, SegmentOptions, Session, SessionSettings, TcpState, Timestamps, Verdict, flag,
};

/// What came of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) events: EventSet,
    pub(super) established: bool,
    pub(super) state: TcpState,
}

/// A segment and the peer's answer.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) text: String,
    /// From the side that is written as `>`.
    pub(super) forward: bool,
    /// Its direction is that of the line; the caller's may differ.
    pub(super) segment: Segment,
    pub(super) peer: Answer,
    /// With this segment the peer's reassembly found a gap.
    pub(super) gap: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Conversation {
    pub(super) name: String,
    pub(super) settings: SessionSettings,
    pub(super) host: Host,
    pub(super) lines: Vec<Line>,
}

/// Default distance of segments, ms.
const STEP_MS: u64 = 20;
const NS_PER_MS: u64 = 1_000_000;
/// The event of reassembly that a session is told of.
const GAP: &str = " reassembly_seq_gap";
/// Packet time of the conversations' start, ns.
const START_NS: u64 = 1_700_000_000_000_000_000;

pub(super) fn conversations(text: &str) -> Vec<Conversation> {
    let mut all: Vec<Conversation> = Vec::new();
    let (mut settings, mut host, mut group) = (SessionSettings::default(), Host::Windows, "");
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(words) = line.strip_prefix("## ") {
            group = words;
            (settings, host) = group_settings(words);
        } else if let Some(name) = line.strip_prefix("# ") {
            let name = format!("{group}: {name}");
            all.push(Conversation { name, settings, host, lines: Vec::new() });
        } else {
            let conversation = all.last_mut().expect("a name before the first segment");
            let index = conversation.lines.len() as u64;
            conversation.lines.push(parse(line, index));
        }
    }
    all
}

fn group_settings(words: &str) -> (SessionSettings, Host) {
    let mut settings = SessionSettings::default();
    let mut host = Host::Windows;
    for word in words.split_whitespace() {
        match word {
            "default" => {}
            "midstream" => settings.midstream = true,
            "oneside" => settings.async_oneside = true,
            policy => host = policy.parse::<OverlapPolicy>().expect("a setting").into(),
        }
    }
    (settings, host)
}

fn parse(line: &str, index: u64) -> Line {
    let (segment, peer) = line.split_once(" | ").expect("an answer");
    let gap = peer.contains(GAP);
    let peer = &peer.replace(GAP, "");
    let words: Vec<&str> = segment.split_whitespace().collect();
    let [side, flags, seq, ack, window, payload_len, options, rest @ ..] = &words[..] else {
        panic!("too few words: {line}")
    };
    let ms = rest.first().map_or((index + 1) * STEP_MS, |at| at[1..].parse().expect("ms"));
    let forward = *side == ">";
    Line {
        text: segment.to_owned(),
        forward,
        segment: Segment {
            direction: if forward { Direction::ToServer } else { Direction::ToClient },
            seq: seq.parse().expect("seq"),
            ack: ack.parse().expect("ack"),
            window: window.parse().expect("window"),
            flags: parse_flags(flags),
            payload_len: payload_len.parse().expect("payload"),
            options: parse_options(options),
            now_ns: START_NS + ms * NS_PER_MS,
        },
        peer: parse_answer(peer),
        gap,
    }
}

fn parse_flags(text: &str) -> u8 {
    text.chars().fold(0, |flags, letter| {
        flags
            | match letter {
                'F' => flag::FIN,
                'S' => flag::SYN,
                'R' => flag::RST,
                'P' => flag::PSH,
                'A' => flag::ACK,
                'U' => flag::URG,
                _ => 0,
            }
    })
}

fn parse_options(text: &str) -> SegmentOptions {
    let mut options = SegmentOptions::default();
    for option in text.split(',') {
        match option.split_once('=').unwrap_or((option, "")) {
            ("ws", shift) => options.window_scale = Some(shift.parse().expect("shift")),
            ("ts", stamps) => {
                let (value, echo) = stamps.split_once(':').expect("two values");
                options.timestamps = Some(Timestamps {
                    value: value.parse().expect("value"),
                    echo: echo.parse().expect("echo"),
                });
            }
            ("sack", _) => options.sack_permitted = true,
            ("tfo", _) => options.fast_open = true,
            ("md5", _) => options.signed = true,
            _ => {}
        }
    }
    options
}

fn parse_answer(text: &str) -> Answer {
    let mut words = text.split_whitespace();
    let state = words.next().expect("a state");
    let name = state.trim_end_matches('+');
    let state_of = STATES.into_iter().find(|state| state.name() == name);
    Answer {
        established: state.ends_with('+'),
        state: state_of.unwrap_or_else(|| panic!("no such state: {name}")),
        events: words
            .map(|word| Event::stream(word).unwrap_or_else(|| panic!("no such event: {word}")))
            .collect(),
    }
}

pub(super) const STATES: [TcpState; 11] = [
    TcpState::None,
    TcpState::SynSent,
    TcpState::SynRecv,
    TcpState::Established,
    TcpState::FinWait1,
    TcpState::FinWait2,
    TcpState::TimeWait,
    TcpState::LastAck,
    TcpState::CloseWait,
    TcpState::Closing,
    TcpState::Closed,
];

/// A flow as a caller keeps it: who opened it, and the session.
#[derive(Debug, Default)]
pub(super) struct Flow {
    session: Session,
    opened_forward: Option<bool>,
}

impl Flow {
    pub(super) fn state(&self) -> TcpState {
        self.session.state()
    }

    /// The caller is about to start a new flow.
    pub(super) fn is_superseded(&self, segment: &Segment, settings: &SessionSettings) -> bool {
        let forward = segment.direction == Direction::ToServer;
        let opened_forward = self.opened_forward.unwrap_or(forward);
        let direction = direction(forward, opened_forward);
        self.session.is_superseded(&Segment { direction, ..*segment }, settings)
    }

    pub(super) fn packet(
        &mut self,
        forward: bool,
        segment: &Segment,
        host: Host,
        settings: &SessionSettings,
    ) -> Verdict {
        let mut segment = *segment;
        let opened_forward = *self.opened_forward.get_or_insert(forward);
        segment.direction = direction(forward, opened_forward);
        if self.session.is_superseded(&segment, settings) {
            *self = Self { session: Session::default(), opened_forward: Some(forward) };
            segment.direction = Direction::ToServer;
        }
        let verdict = self.session.packet(&segment, host, settings);
        if verdict.reversed {
            self.opened_forward = self.opened_forward.map(|forward| !forward);
        }
        verdict
    }
}

fn direction(forward: bool, opened_forward: bool) -> Direction {
    if forward == opened_forward { Direction::ToServer } else { Direction::ToClient }
}

pub(super) fn play(conversation: &Conversation) -> Vec<Answer> {
    let mut flow = Flow::default();
    let Conversation { settings, host, .. } = conversation;
    let lines = conversation.lines.iter();
    lines
        .map(|line| {
            let verdict = flow.packet(line.forward, &line.segment, *host, settings);
            if line.gap {
                flow.session.note_gap();
            }
            Answer {
                events: verdict.events,
                established: verdict.established,
                state: verdict.state,
            }
        })
        .collect()
}
