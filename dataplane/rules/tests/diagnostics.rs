//! Where a rules file is wrong, and what is said of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use rules::{Environment, Kind, Loaded, Severity, load};

fn read(text: impl AsRef<[u8]>) -> Loaded {
    load(text.as_ref(), "local.rules", &Environment::default())
}

fn said(text: impl AsRef<[u8]>) -> Vec<String> {
    read(text).diagnostics.iter().map(ToString::to_string).collect()
}

#[test]
fn places_messages_and_hints() {
    let cases = [
        (
            "\n\n alert tcp any any -> any any (msg:\"é\"; contnt:\"x\"; sid:1;)",
            "local.rules:3:41: error: unknown keyword `contnt`; did you mean `content`?",
        ),
        (
            "alert tcp any any <- any any (sid:1;)",
            "local.rules:1:19: error: `<-` is not a direction; exchange the sides and write `->`",
        ),
        (
            "alert tcp [1.2.3.4,1.2.3] any -> any any (sid:1;)",
            "local.rules:1:20: error: `1.2.3` is not an address",
        ),
        (
            "alert tcp any any -> any $WEB (sid:1;)",
            "local.rules:1:26: error: the port variable `$WEB` is not defined",
        ),
        (
            "alert tcp any any -> any any \\\n(content:\"a\"; \\\n depth:0; sid:1;)",
            "local.rules:3:8: error: `depth` is less than the 1 bytes of the content; \
             `depth` counts up to the last byte of the content",
        ),
        (
            "alert tcp any any -> any any (content:\"ab|4x|\"; sid:1;)",
            "local.rules:1:44: error: not a hexadecimal digit",
        ),
        (
            "alert http any any -> any any (sid:1;)",
            "local.rules:1:7: error: application-layer protocol `http` is not supported yet",
        ),
        (
            "alert tcp-stream any any -> any any (dsize:5; sid:1;)",
            "local.rules:1:7: error: `tcp-stream` has no packets to test properties of; \
             use `tcp` or `tcp-pkt`",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(said(text), [expected], "{text}");
    }
}

#[test]
fn places_and_hints_of_flows_and_numbers() {
    let cases = [
        (
            "alert tcp any any -> any any (flow:to_server, to_client; sid:1;)",
            "local.rules:1:47: error: `to_client` is not for a rule with `to_server`",
        ),
        (
            "alert tcp any any -> any any (flow:only_stream; dsize:5; sid:1;)",
            "local.rules:1:7: error: `flow:only_stream` has no packets to test properties of; \
             leave out `only_stream`",
        ),
        (
            "alert tcp any any -> any any (flowbits:set,a|b; sid:1;)",
            "local.rules:1:44: error: several names are for `isset` and `isnotset` only",
        ),
        (
            "alert tcp any any -> any any (flowint:ab, *, 1; sid:1;)",
            "local.rules:1:43: error: `*` is not a modifier of `flowint`; \
             modifiers are + - = == != < <= > >= isset notset isnotset",
        ),
        (
            "alert tcp any any -> any any (byte_test:2, >, 1, 0, dce; sid:1;)",
            "local.rules:1:53: error: `dce` (the byte order of DCE/RPC) is not supported yet",
        ),
        (
            "alert tcp any any -> any any (byte_jump:9,0,relative; sid:1;)",
            "local.rules:1:41: error: a number of more than 8 bytes",
        ),
        (
            "alert tcp any any -> any any (content:\"a\"; depth:x; byte_extract:1,0,x; sid:1;)",
            "local.rules:1:50: error: no variable `x` is known here; \
             `byte_extract` or `byte_math` have to set it before",
        ),
        (
            "alert tcp any any -> any any (bsize:5; sid:1;)",
            "local.rules:1:31: error: `bsize` is for a sticky buffer, not for the payload; \
             use `dsize` for the size of the payload",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(said(text), [expected], "{text}");
    }
}

#[test]
fn bytes_that_are_not_utf8_refuse_their_rule_only() {
    let loaded = read(
        b"alert tcp any any -> any any (content:\"\xff\"; sid:1;)\r\n\
                        alert tcp any any -> any any (sid:2;)\r\n# \xff\r\n",
    );
    assert_eq!(loaded.rules.len(), 1);
    let [diagnostic] = loaded.diagnostics.as_slice() else { panic!("one diagnostic") };
    assert_eq!((diagnostic.kind, diagnostic.line, diagnostic.column), (Kind::NotUtf8, 1, 40));
    assert_eq!((diagnostic.span.start, diagnostic.span.end), (39, 40));
}

#[test]
fn every_unsupported_keyword_is_named_and_the_first_is_counted() {
    let loaded = read(
        "alert http any any -> any any (lua:a; file_data; content:bad; depth:x; \
         lua:b; http_uri; nonesuch; sid:7;)",
    );
    let keywords: Vec<_> = loaded
        .diagnostics
        .iter()
        .map(|diagnostic| diagnostic.keyword.as_deref().unwrap())
        .collect();
    let expected = ["protocol http", "lua", "file.data", "http_uri", "nonesuch"];
    assert_eq!(keywords, expected, "what follows a fault may be wrong only because of it");
    assert!(loaded.diagnostics.iter().all(|diagnostic| diagnostic.sid == Some(7)));
    assert_eq!(loaded.counts.refused_by.get("protocol http"), Some(&1));
    assert_eq!((loaded.counts.read, loaded.counts.refused), (1, 1));
}

#[test]
fn the_highest_revision_of_a_sid_counts() {
    let rule =
        |msg: &str, rest: &str| format!("alert ip any any -> any any (msg:\"{msg}\"; {rest})\n");
    let text = [
        rule("a", "sid:1; rev:2;"),
        rule("b", "sid:1; rev:1;"),
        rule("c", "sid:1; rev:2;"),
        rule("d", "sid:2;"),
        rule("e", "sid:1; rev:3;"),
        rule("f", "sid:1; gid:2;"),
        rule("g", "sid:1; rev:x;"),
    ]
    .concat();
    let loaded = read(&text);
    let kept: Vec<_> = loaded.rules.iter().map(|rule| rule.meta.msg.as_str()).collect();
    assert_eq!(kept, ["d", "e", "f"]);
    let said: Vec<_> =
        loaded.diagnostics.iter().map(|said| (said.line, said.severity, said.kind)).collect();
    assert_eq!(
        said,
        [
            (2, Severity::Error, Kind::Duplicate),
            (3, Severity::Error, Kind::Duplicate),
            (5, Severity::Warning, Kind::Duplicate),
            (7, Severity::Error, Kind::Value),
        ]
    );
    let counts = &loaded.counts;
    assert_eq!((counts.read, counts.loaded, counts.replaced, counts.refused), (7, 3, 1, 3));
}

#[test]
fn unknown_classtypes_and_schemes_are_warned_of_once() {
    let rule =
        |sid| format!("alert ip any any -> any any (classtype:odd; reference:url,a; sid:{sid};)\n");
    let loaded = read(rule(1) + &rule(2));
    assert_eq!(loaded.rules.len(), 2);
    let kinds: Vec<_> = loaded.diagnostics.iter().map(|said| said.kind).collect();
    assert_eq!(kinds, [Kind::UnknownClasstype, Kind::UnknownReference]);
    assert_eq!(loaded.rules[0].meta.priority, 3);
}

#[test]
fn limits_are_errors_that_name_the_bound() {
    let long = format!("alert ip any any -> any any (msg:\"{}\"; sid:1;)", "x".repeat(70_000));
    let options = format!("alert ip any any -> any any ({} sid:1;)", "gid:1; ".repeat(1_100));
    let contents =
        format!("alert ip any any -> any any ({} sid:1;)", "content:\"a\"; ".repeat(300));
    let deep =
        format!("alert ip {}1.1.1.1{} any -> any any (sid:1;)", "[".repeat(90), "]".repeat(90));
    for (text, bound) in [(long, "65536"), (options, "1024"), (contents, "256"), (deep, "64")] {
        let loaded = read(&text);
        let [said] = loaded.diagnostics.as_slice() else { panic!("one diagnostic for {bound}") };
        assert_eq!(said.kind, Kind::Limit);
        assert!(said.message.contains(bound), "{}", said.message);
    }
}

#[test]
fn diagnostics_are_json() {
    let loaded = read("alert tcp any any -> any any (lua:a; sid:9;)");
    let json = serde_json::to_value(&loaded.diagnostics[0]).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "severity": "error", "kind": "unsupported", "file": "local.rules", "line": 1,
            "column": 31, "span": {"start": 30, "end": 33}, "sid": 9, "keyword": "lua",
            "message": "keyword `lua` is not supported yet", "hint": null
        })
    );
}
