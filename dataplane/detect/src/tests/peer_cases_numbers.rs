//! What the peer (Suricata 7.0.10) answers to rules that look at numbers, sizes and encoded data, as data:
//! each rule was put to it with each payload over UDP.

use rules::{Environment, load};

use crate::testing::{alerts, compile, udp};

/// Options of a rule, and for each payload of the group whether it alerts.
type Case = (&'static str, &'static str);

/// What the cases show, the payloads, the rules.
type Group = (&'static str, &'static [&'static [u8]], &'static [Case]);

const CASES: &[Group] = &[
    (
        "what may not be anywhere keeps the content behind it from the start",
        &[b"b.....", b".b....", b"..b...", b"....b."],
        &[
            (r#"content:!"1A"; content:"b"; distance:0;"#, "--++"),
            (r#"content:!"1A"; content:"b"; distance:-1;"#, "-+++"),
            (r#"content:!"1A"; content:"b"; distance:2;"#, "---+"),
            (r#"content:!"1A"; content:"b"; within:3;"#, "+++-"),
            (r#"content:!"1A"; depth:4; content:"b"; distance:0;"#, "++++"),
            (r#"content:!"1A"; isdataat:1; content:"b"; distance:0;"#, "++++"),
            (r#"content:!"1A"; content:!"b"; distance:1; within:2;"#, "+--+"),
        ],
    ),
    (
        "a search is tried again for the next search or the next test",
        &[b"a1 a2zz"],
        &[
            (r#"content:"a"; byte_test:1,=,50,0,relative;"#, "+"),
            (r#"content:"a"; isdataat:!5,relative;"#, "+"),
            (r#"content:"a"; isdataat:1; content:"2"; distance:0; within:1;"#, "+"),
            (r#"content:"a"; byte_test:1,>,0,0; pcre:"/^2/R";"#, "+"),
            (r#"content:"a"; isdataat:1; byte_test:1,=,50,0,relative;"#, "-"),
            (r#"content:"a"; byte_test:1,>,0,0; isdataat:!5,relative;"#, "-"),
            (r#"content:"a"; byte_test:1,>,0,0,relative; isdataat:!5,relative;"#, "+"),
            (r#"content:"a"; content:!"q"; byte_test:1,=,50,0,relative;"#, "-"),
            (r#"content:"a"; content:!"q"; distance:0; byte_test:1,=,50,0,relative;"#, "+"),
            (r#"content:"a"; byte_extract:1,0,v,relative; byte_test:1,=,v,4;"#, "+"),
            (r#"pcre:"/a/"; byte_test:1,=,50,0,relative;"#, "+"),
            (
                r#"content:"a"; base64_decode:relative; base64_data; content:"|db|"; startswith;"#,
                "-",
            ),
        ],
    ),
    (
        "where numbers may lie",
        &[b"ab", b"abc"],
        &[
            (r#"content:"b"; byte_test:1,=,99,0,relative;"#, "-+"),
            (r#"content:"b"; byte_test:0,=,0,0,relative;"#, "-+"),
            (r#"content:"b"; byte_jump:0,0,relative;"#, "++"),
            (r#"content:"b"; byte_extract:0,0,v,relative;"#, "-+"),
            (r#"byte_test:0,=,0,2;"#, "++"),
            (r#"byte_test:0,=,0,3;"#, "-+"),
            (r#"byte_test:1,=,97,-1;"#, "--"),
            (r#"content:"b"; byte_test:1,=,97,-2,relative;"#, "++"),
            (r#"content:"b"; byte_test:1,=,97,-3,relative;"#, "--"),
            (r#"byte_test:2,=,0x6263,1;"#, "-+"),
            (r#"byte_test:2,=,25442,1,little;"#, "-+"),
            (r#"byte_test:1,!=,97,5;"#, "--"),
        ],
    ),
    (
        "numbers as text",
        &[b"0x1f 017 -1 9", b"18446744073709551616"],
        &[
            (r#"byte_test:4,=,31,0,string;"#, "+-"),
            (r#"byte_test:4,=,31,0,string,hex;"#, "+-"),
            (r#"byte_test:4,=,0,0,string,dec;"#, "+-"),
            (r#"byte_test:3,=,15,5,string;"#, "+-"),
            (r#"byte_test:3,=,17,5,string,dec;"#, "+-"),
            (r#"byte_test:3,=,15,4,string,oct;"#, "--"),
            (r#"byte_test:3,=,-1,8,string,dec;"#, "+-"),
            (r#"byte_test:20,>,0,0,string,dec;"#, "--"),
            (r#"byte_test:19,=,1844674407370955161,0,string,dec;"#, "-+"),
            (r#"byte_extract:4,0,v,string; byte_test:1,>,v,0;"#, "+-"),
            (r#"byte_extract:3,5,v,string; byte_test:0,=,17,5,string,dec;"#, "+-"),
            (r#"byte_test:0,=,0,0,string,dec;"#, "+-"),
        ],
    ),
    (
        "jumps stay in the buffer or start at its beginning",
        &[b"\x04abcd", b"\x05abcd", b"\xff\xff\xff\xff\xff\xff\xff\xffab", b"\x00\x00\x00\x02abcd"],
        &[
            (r#"byte_jump:1,0;"#, "+--+"),
            (r#"byte_jump:1,0; isdataat:0,relative;"#, "+--+"),
            (r#"byte_jump:1,0; isdataat:1,relative;"#, "---+"),
            (
                r#"byte_jump:1,0,from_beginning,post_offset -9; content:"|04|"; distance:0; within:1;"#,
                "+---",
            ),
            (r#"byte_jump:8,0;"#, "--+-"),
            (r#"byte_jump:8,0; content:"|ff|a"; distance:0; within:2;"#, "--+-"),
            (r#"byte_jump:8,0,post_offset -20; content:"|ff ff|"; distance:0; within:2;"#, "--+-"),
            (r#"byte_jump:4,0; content:"c"; distance:0; within:1;"#, "---+"),
            (r#"byte_jump:4,0,align; isdataat:!1,relative;"#, "---+"),
            (r#"byte_jump:4,0,multiplier 2; isdataat:!1,relative;"#, "---+"),
            (r#"byte_jump:4,0,from_beginning; content:"|00 02|"; distance:0; within:2;"#, "---+"),
            (
                r#"byte_jump:0,0,from_end,post_offset -2; content:"cd"; distance:0; within:2;"#,
                "++-+",
            ),
            (r#"byte_jump:0,0,from_end; isdataat:0,relative;"#, "++++"),
        ],
    ),
    (
        "the operations of byte math",
        &[b"\x08\x04\x02\x01\x00\x10@#"],
        &[
            (r#"byte_math:bytes 1, offset 0, oper +, rvalue 8, result v; byte_test:1,=,v,5;"#, "+"),
            (r#"byte_math:bytes 1, offset 0, oper -, rvalue 8, result v; byte_test:1,=,v,4;"#, "+"),
            (r#"byte_math:bytes 1, offset 0, oper *, rvalue 8, result v; byte_test:1,=,v,6;"#, "+"),
            (r#"byte_math:bytes 1, offset 0, oper /, rvalue 3, result v; byte_test:1,=,v,2;"#, "+"),
            (r#"byte_math:bytes 1, offset 0, oper /, rvalue 0, result v;"#, "-"),
            (
                r#"byte_math:bytes 1, offset 0, oper <<, rvalue 64, result v; byte_test:1,=,v,4;"#,
                "+",
            ),
            (
                r#"byte_math:bytes 1, offset 0, oper >>, rvalue 65, result v; byte_test:1,=,v,1;"#,
                "+",
            ),
            (
                r#"byte_math:bytes 1, offset 7, oper +, rvalue 13, result v, bitmask 0xf0; byte_test:1,=,v,3;"#,
                "-",
            ),
            (r#"byte_math:bytes 5, offset 0, oper +, rvalue 1, result v;"#, "-"),
            (r#"byte_math:bytes 4, offset 0, oper +, rvalue 1, result v;"#, "+"),
            (
                r#"byte_math:bytes 1, offset 3, oper +, rvalue 0, result v; content:"|00|"; distance:0; within:1;"#,
                "+",
            ),
            (
                r#"byte_extract:1,2,v; byte_math:bytes v, offset 4, oper +, rvalue 0, result w; content:"@"; distance:0; within:1;"#,
                "+",
            ),
        ],
    ),
    (
        "the first of each kind share a variable",
        &[b"\x02\x05\x02\x09"],
        &[
            (
                r#"byte_extract:1,0,x; byte_math:bytes 1, offset 1, oper +, rvalue 4, result y; byte_test:1,=,x,3;"#,
                "+",
            ),
            (
                r#"byte_extract:1,0,x; byte_math:bytes 1, offset 1, oper +, rvalue 4, result y; byte_test:1,=,x,2;"#,
                "-",
            ),
            (
                r#"byte_extract:1,0,x; byte_extract:1,1,z; byte_math:bytes 1, offset 1, oper +, rvalue 4, result y; byte_test:1,=,z,1;"#,
                "+",
            ),
            (r#"byte_extract:1,0,x; byte_extract:1,1,x; byte_test:1,=,x,2;"#, "+"),
        ],
    ),
    (
        "variables as places",
        &[b"\x02abcdefg", b"\x00abcdefg"],
        &[
            (r#"byte_extract:1,0,v; content:"b"; offset:v;"#, "++"),
            (r#"byte_extract:1,0,v; content:"a"; offset:v;"#, "-+"),
            (r#"byte_extract:1,0,v; content:"a"; depth:v;"#, "+-"),
            (r#"byte_extract:1,0,v; content:"b"; offset:1; depth:v;"#, "+-"),
            (r#"byte_extract:1,0,v; content:"c"; offset:1; depth:v;"#, "--"),
            (r#"byte_extract:1,0,v; content:"b"; within:v;"#, "+-"),
            (r#"byte_extract:1,0,v; content:"c"; within:v;"#, "--"),
            (r#"byte_extract:1,0,v; content:"b"; distance:v;"#, "-+"),
            (r#"byte_extract:1,0,v; content:"c"; distance:v;"#, "++"),
            (r#"byte_extract:1,0,v; content:"f"; distance:v; within:1;"#, "+-"),
            (r#"byte_extract:1,0,v; content:"g"; distance:v; within:1;"#, "--"),
            (r#"byte_extract:1,0,v; content:"b"; distance:v; within:1;"#, "-+"),
            (r#"byte_extract:1,0,v; isdataat:v;"#, "++"),
            (r#"byte_extract:1,0,v; byte_jump:1,v;"#, "-+"),
            (r#"byte_extract:1,0,v; byte_test:v,=,0x6162,1;"#, "+-"),
        ],
    ),
    (
        "data at",
        &[b"a", b"xa", b"ab", b"xax"],
        &[
            (r#"isdataat:1;"#, "-+++"),
            (r#"isdataat:!1;"#, "+---"),
            (r#"isdataat:1,relative;"#, "++++"),
            (r#"isdataat:2,relative;"#, "-+++"),
            (r#"isdataat:0;"#, "++++"),
            (r#"content:"a"; isdataat:1,relative;"#, "--++"),
            (r#"content:"a"; isdataat:0,relative;"#, "++++"),
            (r#"content:"a"; isdataat:!1,relative;"#, "++--"),
            (r#"content:"x"; content:!"a"; isdataat:!1,relative;"#, "---+"),
            (r#"content:"a"; isdataat:!2,relative;"#, "++++"),
        ],
    ),
    (
        "decoded data",
        &[b"YWJj", b"xYWJj", b"YWI", b"YWJjYWQ=", b"YWJj!zz"],
        &[
            (r#"base64_decode; base64_data; content:"abc";"#, "+--++"),
            (r#"base64_decode:offset 1; base64_data; content:"abc";"#, "-+---"),
            (r#"base64_decode:bytes 3; base64_data; bsize:2;"#, "+++++"),
            (r#"base64_decode; base64_data; bsize:>2;"#, "++-++"),
            (r#"base64_decode; base64_data; content:"BC"; nocase; offset:1;"#, "+--++"),
            (
                r#"content:"x"; base64_decode:relative; base64_data; content:"c"; distance:0;"#,
                "-+---",
            ),
            (
                r#"content:"x"; base64_decode:relative; base64_data; content:"a"; distance:0;"#,
                "-----",
            ),
            (r#"base64_decode;"#, "-----"),
            (r#"base64_decode; base64_data; isdataat:3;"#, "---+-"),
            (
                r#"base64_decode; base64_data; content:"a"; content:"d"; distance:2; within:2;"#,
                "---+-",
            ),
            (r#"base64_decode; base64_data; pcre:"/^abc$/";"#, "+---+"),
            (r#"base64_decode; base64_data; content:"a"; pkt_data; content:"zz";"#, "----+"),
            (r#"base64_decode; base64_data; content:"a"; pkt_data; byte_test:1,=,0,0;"#, "+-+++"),
            (r#"base64_decode; content:!"zz"; base64_data; content:"a";"#, "+-++-"),
            (
                r#"base64_decode; base64_data; content:"a"; pkt_data; byte_test:1,=,98,0,relative;"#,
                "+-+++",
            ),
        ],
    ),
];

/// The payloads on which a UDP rule with `options` alerts, as `+`, and the others.
fn verdicts(options: &str, payloads: &[&[u8]]) -> String {
    let text = format!("alert udp any any -> any any ({options} sid:1;)");
    let loaded = load(text.as_bytes(), "rules", &Environment::default());
    assert_eq!(loaded.rules.len(), 1, "{options}: {:?}", loaded.diagnostics);
    let rules = compile(loaded.rules);
    assert!(rules.refused().is_empty(), "{options}: {:?}", rules.refused());
    let verdict =
        |payload: &&[u8]| if alerts(&rules, &udp(payload)).is_empty() { '-' } else { '+' };
    payloads.iter().map(verdict).collect()
}

#[test]
fn as_the_peer_answers() {
    for (what, payloads, cases) in CASES {
        for (options, expected) in *cases {
            assert_eq!(verdicts(options, payloads), *expected, "{what}: {options}");
        }
    }
}

/// The literal, or the expression, is tried again within the same limit as for a content.
#[test]
fn the_step_limit_holds_for_numbers() {
    for (repeats, expected) in [(2_997, "+"), (2_998, "-")] {
        let payload = format!("{}ab", "a".repeat(repeats));
        let options = "content:\"a\"; byte_test:1,=,98,0,relative;";
        assert_eq!(verdicts(options, &[payload.as_bytes()]), expected, "{repeats}");
    }
}

/// Numbers without an end, and data to decode, count as work for each place that is tried.
#[test]
fn hostile_payloads_stay_within_the_work_limit() {
    let spaces = vec![b' '; 60_000];
    let text = vec![b'A'; 60_000];
    for (options, payload) in [
        ("content:\" \"; byte_test:0,=,1,0,string,dec,relative;", &spaces),
        (
            "content:\"A\"; byte_test:1,=,65,0,relative; base64_decode; base64_data; pcre:\"/q/\";",
            &text,
        ),
    ] {
        assert_eq!(verdicts(options, &[payload]), "-", "{options}");
    }
}
