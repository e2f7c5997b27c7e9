//! On which packet rules that look at streams alert, as data: conversations with the peer's answers
//! (`data/streams.txt`), whole and cut into bursts at any place, by one worker and by two.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use capture::memory::MemorySource;
use common::{ethernet, packets, rule_set, run, settings, wired};
use contract::Kind;
use detect::RuleSet;
use pipeline::Link;
use ring::RecordScratch;
use testkit::ledgers::assert_balanced;
use testkit::{Side, tcp_flags};

const CASES: &str = include_str!("data/streams.txt");

/// A conversation and its alerts.
struct Case<'a> {
    line: &'a str,
    conversation: &'a str,
    expected: Vec<&'a str>,
}

fn cases() -> Vec<Case<'static>> {
    let lines = CASES.lines().filter(|line| line.contains(" =>"));
    let case = |line: &'static str| {
        let (conversation, expected) = line.split_once(" =>").unwrap();
        Case { line, conversation, expected: expected.split_whitespace().collect() }
    };
    lines.map(case).collect()
}

fn rules() -> String {
    CASES
        .lines()
        .filter_map(|line| line.strip_prefix("rule "))
        .map(|rule| format!("{rule}\n"))
        .collect()
}

/// Frames of a conversation: the head of the data file says how it is written.
fn frames(conversation: &str) -> Vec<Vec<u8>> {
    let mut sides = [
        Side::new("10.0.0.1:1234", "10.0.0.2:80", 1_000),
        Side::new("10.0.0.2:80", "10.0.0.1:1234", 5_000),
    ];
    let mut frames = Vec::new();
    for token in conversation.split_whitespace() {
        let from = usize::from(token.starts_with('s'));
        if let Some(skipped) = token[1..].strip_prefix('!') {
            sides[from].seq = sides[from].seq.wrapping_add(skipped.parse().unwrap());
            sides[1 - from].ack = sides[from].seq;
            continue;
        }
        let (offset, segment) = token[1..].split_once(':').unwrap();
        let (flags, data) = segment.split_once('=').unwrap_or((segment, ""));
        let (mark, length) = data.split_once('*').unwrap_or((data, ""));
        let length = length.parse().unwrap_or(mark.len());
        let mut data = mark.as_bytes().to_vec();
        data.resize(length, b'z');
        let flags = flags.chars().fold(0, |all, flag| all | bit(flag));
        let mut side = sides[from].clone();
        if flags & tcp_flags::ACK == 0 {
            side.ack = 0;
        }
        match offset.strip_prefix('@') {
            Some(offset) => {
                side.seq = side.seq.wrapping_add_signed(offset.parse().unwrap());
                frames.push(side.send(flags, &data).build());
            }
            None => {
                frames.push(side.send(flags, &data).build());
                sides[from].seq = side.seq;
                sides[1 - from].ack = side.seq;
            }
        }
    }
    frames
}

fn bit(flag: char) -> u8 {
    match flag {
        'F' => tcp_flags::FIN,
        'S' => tcp_flags::SYN,
        'R' => tcp_flags::RST,
        'P' => tcp_flags::PSH,
        'A' => tcp_flags::ACK,
        _ => panic!("no flag is called {flag}"),
    }
}

/// The alerts as `sid@packet`, sorted by both.
fn said(links: &mut [Link], rules: &RuleSet) -> Vec<String> {
    let mut alerts = Vec::new();
    let mut scratch = RecordScratch::new();
    for link in links {
        while let Some(record) = link.lanes[0].next(&mut scratch) {
            let header = record.unwrap().header;
            if header.kind == Kind::Alert {
                let sid = rules.signatures()[header.signature as usize].meta.sid;
                // Ends of flows come last, and have no number.
                alerts.push((sid, header.packet.wrapping_sub(1)));
            }
        }
    }
    alerts.sort_unstable();
    let text = |(sid, index): (u32, u64)| match index {
        u64::MAX => format!("{sid}@end"),
        _ => format!("{sid}@{}", index + 1),
    };
    alerts.into_iter().map(text).collect()
}

fn alerts(sources: Vec<MemorySource>, rules: &std::sync::Arc<RuleSet>) -> Vec<String> {
    let workers = sources.len() as u16;
    let (mut links, _) = run(wired(&settings(workers), rules), sources);
    assert_balanced(&packets(&links));
    for link in &links {
        assert_eq!(link.counters.streams.memory_bytes.get(), 0);
    }
    said(&mut links, rules)
}

#[test]
fn alerts_come_on_the_packets_on_which_the_peer_raises_them() {
    let rules = rule_set(&rules());
    let mut wrong = Vec::new();
    for case in cases() {
        let found = alerts(vec![ethernet(frames(case.conversation))], &rules);
        if found != case.expected {
            wrong.push(format!("{}\n    found {}", case.line, found.join(" ")));
        }
    }
    assert!(wrong.is_empty(), "{} cases differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn bursts_cut_at_any_place_give_the_same_alerts() {
    let rules = rule_set(&rules());
    for case in cases() {
        for bursts in [[1, 1, 1], [2, 3, 1], [5, 1, 2]] {
            let source = ethernet(frames(case.conversation)).bursts(bursts);
            assert_eq!(alerts(vec![source], &rules), case.expected, "{}", case.line);
        }
    }
}
