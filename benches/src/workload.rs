//! What the benchmarks inspect: generated rules and generated packets, the same at every run.

use std::fmt::Write;
use std::sync::Arc;

use detect::{CompileCache, CompileOptions, RuleSet};
use rules::hir::{Endpoint, PayloadTest, Protocol, Rule};
use testkit::{Packet, Rng, Traffic};

// One generator: that of detect's own program for counting instructions, so that figures compare.
#[allow(dead_code, clippy::expect_used, reason = "reading of rules files is that program's own")]
#[path = "../../dataplane/detect/examples/instructions/rules_of.rs"]
mod rules_of;

/// Sizes of rule sets that are compared.
pub const RULE_COUNTS: [usize; 3] = [100, 1_000, 10_000];
/// Packets of [`frames`].
pub const FRAMES: usize = 8_192;
/// Rules whose literals are sprinkled over the traffic: the first ones, which every rule set has.
const SPRINKLED_RULES: usize = 20;
/// Share of the payloads that carry the literal of one such rule.
const SPRINKLED_RATE: f64 = 0.01;

/// `count` content rules; the first of a longer list are the shorter list.
#[must_use]
pub fn content_rules(count: usize) -> Vec<Rule> {
    rules_of::generate(count)
}

/// [`content_rules`], compiled.
///
/// # Errors
/// The set is over a limit of the compiler.
pub fn rule_set(count: usize) -> anyhow::Result<Arc<RuleSet>> {
    let options = CompileOptions::default();
    Ok(Arc::new(RuleSet::compile(content_rules(count), &options, &mut CompileCache::new())?))
}

/// [`content_rules`] in the rule language, one a line.
#[must_use]
pub fn rules_text(count: usize) -> String {
    let mut text = String::new();
    for rule in content_rules(count) {
        let protocol = if rule.protocol == Protocol::Udp { "udp" } else { "tcp" };
        let ports = ports_text(&rule.destination);
        let sid = rule.meta.sid;
        // Writing to a String does not fail.
        let _ = write!(text, "alert {protocol} any any -> any {ports} (msg:\"generated {sid}\";");
        for test in &rule.payload {
            let PayloadTest::Content(content) = test else { continue };
            let hex: Vec<_> = content.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let nocase = if content.nocase { " nocase;" } else { "" };
            let _ = write!(text, " content:\"|{}|\";{nocase}", hex.join(" "));
        }
        let _ = writeln!(text, " sid:{sid}; rev:1;)");
    }
    text
}

/// The generator gives one range of ports: all, or one port.
fn ports_text(end: &Endpoint) -> String {
    match end.ports.0.first() {
        Some(range) if range.start() == range.end() => range.start().to_string(),
        _ => "any".to_owned(),
    }
}

/// Mixed traffic, in which a fifth of the payloads carries a literal that some rule looks for.
#[must_use]
pub fn frames() -> Vec<Vec<u8>> {
    let mut traffic = Traffic::new(2_024);
    for rule in content_rules(SPRINKLED_RULES) {
        if let Some(PayloadTest::Content(content)) = rule.payload.first() {
            traffic = traffic.pattern(&content.bytes, SPRINKLED_RATE);
        }
    }
    traffic.frames(FRAMES).into_iter().map(|frame| frame.bytes).collect()
}

/// Frames of one length (at least 60 bytes), TCP with text in it, over many flows.
#[must_use]
pub fn frames_of_length(bytes: usize, count: usize) -> Vec<Vec<u8>> {
    const HEADERS: usize = 14 + 20 + 20;
    const TEXT: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789 /.:-_=&";
    let mut rng = Rng::new(60);
    let frame = |index: usize| {
        let payload: Vec<u8> =
            (0..bytes.saturating_sub(HEADERS)).map(|_| *rng.pick(TEXT)).collect();
        let client = format!("10.0.{}.{}", index % 4, 1 + index / 4 % 250);
        let packet = Packet::ethernet().ip(client.as_str(), "192.0.2.80").tcp(40_000, 80);
        packet.payload(&payload).build()
    };
    (0..count).map(frame).collect()
}

/// A UDP frame that [`MARKER_RULE`] alerts on; `number` varies flow and payload.
#[must_use]
pub fn marked_frame(number: u16) -> Vec<u8> {
    let payload = format!("{number:05} {MARKER} {}", "x".repeat(100));
    let packet = Packet::ethernet().ip("10.0.0.1", "192.0.2.53");
    packet.udp(1_024 + number % 1_024, 53).payload(payload.as_bytes()).build()
}

const MARKER: &str = "bench-marker-7d1f";
/// Alerts on every [`marked_frame`], and on nothing else.
pub const MARKER_RULE: &str = "alert udp any any -> any any \
     (msg:\"benchmark\"; content:\"bench-marker-7d1f\"; priority:1; sid:9000001; rev:1;)\n";

#[cfg(test)]
mod tests {
    use super::{FRAMES, MARKER, MARKER_RULE, frames, frames_of_length, marked_frame, rules_text};

    #[test]
    fn the_text_says_what_the_rules_say() {
        let loaded =
            rules::load(rules_text(200).as_bytes(), "generated", &rules::Environment::default());
        assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
        let of = |rules: Vec<rules::hir::Rule>| -> Vec<_> {
            rules.into_iter().map(|rule| (rule.protocol, rule.payload)).collect()
        };
        assert_eq!(of(loaded.rules), of(super::content_rules(200)));
    }

    #[test]
    fn frames_are_as_asked_for() {
        assert_eq!(frames().len(), FRAMES);
        assert!(frames_of_length(512, 300).iter().all(|frame| frame.len() == 512));
        assert!(frames_of_length(60, 3).iter().all(|frame| frame.len() == 60));
        let marked = marked_frame(7);
        assert!(marked.windows(MARKER.len()).any(|window| window == MARKER.as_bytes()));
        assert!(MARKER_RULE.contains(MARKER));
    }
}
