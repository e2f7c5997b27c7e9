//! Limits, refusals, hostile rules and reuse of compiled parts.

use rules::hir::{FastPattern, PayloadTest, Protocol, Rule};

use crate::error::{PcreError, RefusalReason};
use crate::testing::{alerts, compile, content, inspect, packet, pcre, port, rule, tuple, udp};
use crate::{CompileCache, CompileError, CompileOptions, RuleSet};

fn literal_rule(bytes: &[u8]) -> Rule {
    rule(Protocol::Udp, Vec::new(), vec![PayloadTest::Content(content(bytes))])
}

fn regex_rule(pattern: &str, flags: &str) -> Rule {
    rule(Protocol::Udp, Vec::new(), vec![PayloadTest::Pcre(pcre(pattern, flags))])
}

#[test]
fn a_rule_that_cannot_be_compiled_is_refused_alone() {
    let mut regex = regex_rule("(a)\\1", "");
    (regex.line, regex.meta.sid) = (8, 80);
    let rules = compile(vec![literal_rule(b"a"), regex, regex_rule("a{1000}{1000}", "")]);
    assert_eq!(rules.signatures().len(), 1);
    let [regex, large] = rules.refused() else { panic!("{:?}", rules.refused()) };
    assert_eq!((regex.sid, regex.line), (80, 8));
    assert_eq!(
        regex.to_string(),
        "line 8: rule 1:80: pcre: a back-reference at offset 4 is not supported"
    );
    assert!(matches!(large.reason, RefusalReason::Pcre(PcreError::TooLarge { .. })));
    assert_eq!(alerts(&rules, &udp(b"a")), [0]);
}

#[test]
fn too_many_rules_are_refused_as_a_whole() {
    let options = CompileOptions { rules_max: 1, ..CompileOptions::default() };
    let rules = vec![literal_rule(b"a"), literal_rule(b"b")];
    let result = RuleSet::compile(rules, &options, &mut CompileCache::new());
    assert_eq!(result.err(), Some(CompileError::TooManyRules { rules: 2, rules_max: 1 }));
}

#[test]
fn the_alert_limit_keeps_the_front_of_the_order_and_counts_the_rest() {
    let options = CompileOptions { alerts_per_packet_max: Some(15), ..CompileOptions::default() };
    let rules = (0..20).map(|_| literal_rule(b"a")).collect();
    let rules = RuleSet::compile(rules, &options, &mut CompileCache::new()).unwrap();
    let mut scratch = rules.new_scratch();
    let outcome = inspect(&rules, &udp(b"a"), &mut scratch);
    assert_eq!((scratch.alerts().len(), outcome.alerts_cut), (15, 5));
    assert_eq!(scratch.alerts().first().map(|found| found.signature.0), Some(0));
}

#[test]
fn a_reload_compiles_only_what_changed() {
    let rules = |last: &str| {
        let mut rules: Vec<_> = (0..50).map(|n| regex_rule(&format!("x{n}y+"), "i")).collect();
        rules.extend((0..50).map(|n| literal_rule(format!("literal {n}").as_bytes())));
        rules.push(regex_rule(last, ""));
        rules
    };
    let mut cache = CompileCache::new();
    let options = CompileOptions::default();
    let mut report =
        |last: &str| RuleSet::compile(rules(last), &options, &mut cache).unwrap().report().clone();
    let first = report("one");
    assert_eq!((first.regexes_compiled, first.regexes_cached), (51, 0));
    let second = report("two");
    assert_eq!((second.regexes_compiled, second.regexes_cached), (1, 50));
    assert!(second.matchers_cached > 0);
    report("three");
    let size = cache.len();
    let mut again = |last: &str| {
        RuleSet::compile(rules(last), &options, &mut cache).unwrap();
        cache.len()
    };
    assert_eq!((again("four"), again("five")), (size, size), "the cache does not grow");
}

#[test]
fn candidates_are_few_where_ports_and_literals_differ() {
    let mut list: Vec<_> =
        (0..1_000).map(|n| literal_rule(format!("needle-{n:04}-x").as_bytes())).collect();
    for (n, rule) in (0..).zip(&mut list) {
        if n % 2 == 0 {
            rule.destination = port(1_000 + n);
        }
    }
    let rules = compile(list);
    let mut scratch = rules.new_scratch();
    let view = packet(tuple(17, 5, 1_010), b"a needle-0010-x and needle-0011-x and needle-0012-x");
    let outcome = inspect(&rules, &view, &mut scratch);
    let found: Vec<u32> = scratch.alerts().iter().map(|found| found.signature.0).collect();
    assert_eq!((found, outcome.candidates <= 3), (vec![10, 11], true));
    let outcome = inspect(&rules, &packet(tuple(17, 5, 1_010), &[b'z'; 1_000]), &mut scratch);
    assert_eq!((outcome.candidates, outcome.bytes_scanned), (0, 1_000));
}

#[test]
fn single_bytes_and_repeats_stay_bounded() {
    let mut list: Vec<_> = (0..1_000).map(|n| literal_rule(&[(n % 251) as u8])).collect();
    let mut far = content(b"a");
    far.offset = Some(60_000);
    list.push(rule(Protocol::Udp, Vec::new(), vec![PayloadTest::Content(far)]));
    list.push(literal_rule(&[b'a'; 255]));
    let mut caseless = content(&[&[b'A'; 254][..], b"b"].concat());
    caseless.nocase = true;
    list.push(rule(Protocol::Udp, Vec::new(), vec![PayloadTest::Content(caseless)]));
    let rules = compile(list);
    let payload = vec![b'a'; 65_535];
    let mut scratch = rules.new_scratch();
    let outcome = inspect(&rules, &udp(&payload), &mut scratch);
    assert_eq!(outcome.candidates, 4 + 2, "four rules for `a`, two for long literals of it");
    let found: Vec<u32> = scratch.alerts().iter().map(|found| found.signature.0).collect();
    assert_eq!(found, [97, 348, 599, 850, 1_000, 1_001]);
}

#[test]
fn a_regex_too_large_for_a_table_is_simulated_within_its_work_limit() {
    let rules = compile(vec![regex_rule("x[^y]{800}(a|b)*[ac]{300}z", "")]);
    assert!(rules.refused().is_empty(), "{:?}", rules.refused());
    let mut scratch = rules.new_scratch();
    let outcome = inspect(&rules, &udp(&[b'x'; 65_535]), &mut scratch);
    assert_eq!((scratch.alerts().len(), outcome.match_limit_hits), (0, 1));
    let mut payload = vec![b'x'; 801];
    payload.extend_from_slice(&[b'a'; 300]);
    payload.push(b'z');
    assert_eq!(alerts(&rules, &udp(&payload)), [0]);
}

#[test]
fn an_expression_tried_again_at_every_place_stays_within_the_work_limit() {
    let again = |pattern| {
        let tests =
            vec![PayloadTest::Content(content(b"a")), PayloadTest::Pcre(pcre(pattern, "R"))];
        compile(vec![rule(Protocol::Udp, Vec::new(), tests)])
    };
    let payload = vec![b'a'; 65_535];
    for rules in [again("b[^y]{250}(b|c)*[bd]{180}"), again("b+c")] {
        assert!(rules.refused().is_empty(), "{:?}", rules.refused());
        let outcome = inspect(&rules, &udp(&payload), &mut rules.new_scratch());
        assert_eq!((outcome.candidates, outcome.match_limit_hits), (1, 1));
    }
}

#[test]
fn catastrophic_for_backtracking_is_linear_here() {
    let rules = compile(vec![regex_rule("^(a+)+$", ""), regex_rule("(x+x+)+y", "")]);
    let payload = [&[b'a'; 30_000][..], b"!"].concat();
    assert_eq!(alerts(&rules, &udp(&payload)), [0; 0]);
    assert_eq!(alerts(&rules, &udp(&[b'a'; 3_000])), [0]);
}

#[test]
fn a_content_that_only_serves_the_prefilter_is_no_place() {
    let mut only = content(b"needle");
    only.fast_pattern = FastPattern::Only;
    let mut start = content(b"ab");
    start.depth = Some(2);
    let tests = vec![PayloadTest::Content(start), PayloadTest::Content(only)];
    let rules = compile(vec![rule(Protocol::Udp, Vec::new(), tests)]);
    assert_eq!(alerts(&rules, &udp(b"ab needle")), [0]);
    assert_eq!(alerts(&rules, &udp(b"ab noodle")), [0; 0]);
}

#[test]
fn a_chopped_pattern_is_verified_whole() {
    let mut chopped = content(b"abcdefgh");
    chopped.fast_pattern = FastPattern::Chop { offset: 2, length: 3 };
    chopped.offset = Some(1);
    chopped.depth = Some(8);
    let rules = compile(vec![rule(Protocol::Udp, Vec::new(), vec![PayloadTest::Content(chopped)])]);
    assert_eq!(alerts(&rules, &udp(b".abcdefgh")), [0]);
    assert_eq!(alerts(&rules, &udp(b".xxcdexxx")), [0; 0]);
    assert_eq!(alerts(&rules, &udp(b"..abcdefgh")), [0; 0]);
}
