//! Whatever the text: no panic, spans that lie in it, and counts that add up.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use proptest::prelude::*;
use rules::{Environment, Loaded, load, parse};

fn environment() -> Environment {
    let mut environment = Environment::default();
    environment.address_groups.insert("HOME_NET".into(), "[10.0.0.0/8,!10.1.1.1]".into());
    environment.port_groups.insert("HTTP_PORTS".into(), "[80,8080]".into());
    environment
}

fn check(text: &[u8]) -> Loaded {
    let loaded = load(text, "any", &environment());
    let counts = &loaded.counts;
    assert_eq!(counts.read, counts.loaded + counts.replaced + counts.refused);
    assert_eq!(counts.refused, counts.refused_by.values().sum::<usize>());
    for diagnostic in &loaded.diagnostics {
        let span = diagnostic.span;
        assert!(span.start <= span.end && span.end <= text.len(), "{diagnostic:?}");
        assert!(diagnostic.line >= 1 && diagnostic.column >= 1, "{diagnostic:?}");
    }
    loaded
}

/// Pieces of the language, so that what is generated gets past the first checks.
fn option() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "nocase",
            "startswith",
            "endswith",
            "fast_pattern",
            "fast_pattern:only",
            "rawbytes",
            "fast_pattern:1,2",
            "dsize:5<>9",
            "dsize:!5",
            "flags:+SA,12",
            "itype:8",
            "icode:>0",
            "ttl:<64",
            "rev:3",
            "gid:2",
            "priority:1",
            "classtype:odd",
            "reference:url,a.b/c",
            "metadata:a b, c d",
            "target:src_ip",
            "flow:to_server",
            "flow:established,only_stream",
            "flow: no_frag , stateless",
            "flowbits:set,a",
            "flowbits:isset,a|b",
            "flowbits:noalert",
            "flowint:ab,+,1",
            "flowint:ab,>,cd",
            "flow.age:>3",
            "stream_size:both,>,5",
            "noalert",
            "bypass",
            "content:!\"|0d 0a|\"",
            "pcre:\"/a\\/b/iR\"",
            "pcre:!\"/[^\\;]/sm\"",
            "msg:\"a\\;b\"",
            "isdataat:!1,relative",
            "isdataat:v",
            "byte_extract:2,1,v,relative,little",
            "byte_test:1,!&,0x80,-1,relative,bitmask 0xf0",
            "byte_test:v,=,v,v,string,hex",
            "byte_jump:4,0,from_end,align,multiplier 2,post_offset -3",
            "byte_math:bytes 1, offset 0, oper <<, rvalue v, result w, endian little",
            "base64_decode:bytes 4, offset 1, relative",
            "base64_data",
            "pkt_data",
            "bsize:<5",
            "rpc:100000,*,3",
            "prefilter",
            "replace:\"a\"",
            "distance:v",
        ])
        .prop_map(str::to_owned),
        "[a-z|0-9 ]{1,8}".prop_map(|text| format!("content:\"{text}\"")),
        ("(offset|depth|distance|within)", -20i32..70_000)
            .prop_map(|(name, n)| format!("{name}:{n}")),
    ]
}

fn rule() -> impl Strategy<Value = String> {
    let word = |words: Vec<&'static str>| prop::sample::select(words);
    (
        word(vec!["alert", "pass", "drop", "rejectboth", "log"]),
        word(vec!["tcp", "udp", "ip", "icmp", "tcp-pkt", "tcp-stream", "ip6", "sctp", "http"]),
        word(vec!["any", "$HOME_NET", "![1.1.1.1,::1]", "[10.0.0.0/8, !$HOME_NET]", "1.2.3"]),
        word(vec!["any", "80", "$HTTP_PORTS", "[1:1024,!80]", "!$HTTP_PORTS", "99999"]),
        word(vec!["->", "<>"]),
        prop::collection::vec(option(), 0..8),
        1u32..5,
    )
        .prop_map(|(action, protocol, address, ports, direction, options, sid)| {
            let options: String = options.iter().map(|option| format!("{option}; ")).collect();
            format!(
                "{action} {protocol} {address} {ports} {direction} any any ({options}sid:{sid};)"
            )
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(text in prop::collection::vec(any::<u8>(), 0..300)) {
        check(&text);
    }

    #[test]
    fn any_letters_of_the_language(text in "[ -~\\n\\\\é]{0,200}") {
        check(text.as_bytes());
        if let Ok(rule) = parse(&text) {
            for option in &rule.options {
                let span = option.name.span();
                prop_assert_eq!(&text[span.start..span.end], option.name.text);
            }
        }
    }

    #[test]
    fn mutated_rules(
        rules in prop::collection::vec(rule(), 1..4),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 0..6),
    ) {
        let mut text = rules.join("\n").into_bytes();
        for (at, byte, how) in edits {
            let at = at.index(text.len());
            match how {
                0 => text[at] = byte,
                1 => text.insert(at, byte),
                _ => { text.remove(at); }
            }
            if text.is_empty() { break; }
        }
        check(&text);
    }

    #[test]
    fn what_is_printed_reads_the_same(text in rule()) {
        let printed = parse(&text).unwrap().to_string();
        prop_assert_eq!(parse(&printed).unwrap().to_string(), printed.clone());
        let (a, b) = (check(text.as_bytes()), check(printed.as_bytes()));
        prop_assert_eq!(a.counts, b.counts);
        if let (Some(a), Some(b)) = (a.rules.first(), b.rules.first()) {
            let same = rules::hir::Rule { text: a.text.clone(), ..b.clone() };
            prop_assert_eq!(a, &same);
        }
    }
}
