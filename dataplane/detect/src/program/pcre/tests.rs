//! Translation and search of single expressions, as data.

use crate::program::workspace::Work;
use crate::testing::pcre;

use super::engine::{Found, Key, PcreCache, Regex};
use super::translate::translate;

fn find(pattern: &str, flags: &str, subject: &[u8]) -> Option<(usize, usize)> {
    let pcre = pcre(pattern, flags);
    let pattern = translate(&pcre).expect(pattern).pattern;
    let mut results = [1 << 20, 0].map(|dfa_bytes_max| {
        let anchored = pcre.anchored;
        let key = Key { pattern: pattern.clone(), anchored, needs_start: true, dfa_bytes_max };
        let regex = std::sync::Arc::new(Regex::compile(&key).expect(&pattern));
        assert_eq!(regex.is_simulated(), dfa_bytes_max == 0);
        let mut cache = PcreCache::new(core::slice::from_ref(&regex));
        let mut work = Work::new();
        let found = regex.find(subject, 0, &mut cache, &mut work);
        assert!(!work.is_exhausted());
        found.map(|Found { start, end }| (start, end))
    });
    assert_eq!(results[0], results[1], "table and simulation differ on {pattern}");
    results[0].take()
}

/// Expression, flags, subject, and the first match.
type Case = (&'static str, &'static str, &'static [u8], Option<(usize, usize)>);

/// Matches as PCRE2 10.42 finds them (8-bit, no UTF).
#[test]
fn matches() {
    let cases: &[Case] = &[
        ("a.c", "", b"a\nc", None),
        ("a.c", "s", b"a\nc", Some((0, 3))),
        ("a.c", "", b"a\rc", Some((0, 3))),
        ("A[b-d]", "i", b"xaC", Some((1, 3))),
        ("[^a]", "i", b"aAb", Some((2, 3))),
        ("(?i)a(?-i)B", "", b"AB", Some((0, 2))),
        ("(?i:a)B", "", b"Ab", None),
        ("a b # c", "x", b"ab", Some((0, 2))),
        ("[ ]b", "x", b" b", Some((0, 2))),
        ("^b", "m", b"a\nb", Some((2, 3))),
        ("^b", "", b"a\nb", None),
        ("a$", "m", b"a\nb", Some((0, 1))),
        ("a$", "E", b"a\n", None),
        ("a\\z", "", b"a\n", None),
        ("\\Aa", "m", b"b\na", None),
        ("\\x41\\x{42}\\.\\/", "", b"AB./", Some((0, 4))),
        ("\\x4z", "", b"\x04z", Some((0, 2))),
        ("[\\x00-\\x1f\\]]{2}", "", b"a\x01]", Some((1, 3))),
        ("[]a]+", "", b"x]a", Some((1, 3))),
        ("[[a]+", "", b"x[a", Some((1, 3))),
        ("[a&&b]", "", b"&", Some((0, 1))),
        ("[a-]", "", b"-", Some((0, 1))),
        ("[\\w-]+", "", b" a-b ", Some((1, 4))),
        ("[[:alpha:][:^digit:]]", "", b"1x", Some((1, 2))),
        ("a{,2}", "", b"a{,2}", Some((0, 5))),
        ("a{2", "", b"a{2", Some((0, 3))),
        ("a{1,2}?", "", b"aa", Some((0, 1))),
        ("a+", "G", b"aa", Some((0, 1))),
        ("a+?", "G", b"aa", Some((0, 2))),
        ("(?<name>a)(?:b)(?#note)(c)", "", b"abc", Some((0, 3))),
        ("\\Qa.b\\E.", "", b"a.bX", Some((0, 4))),
        ("\u{e9}", "", "\u{e9}".as_bytes(), Some((0, 2))),
        ("\\xe9", "", b"\xe9", Some((0, 1))),
        ("\\h\\N\\v", "", b"\ta\x0b", Some((0, 3))),
        ("\\bab\\b", "", b"-ab-", Some((1, 3))),
        ("a|ab", "", b"ab", Some((0, 1))),
        ("b", "A", b"ab", None),
    ];
    for (pattern, flags, subject, expected) in cases {
        assert_eq!(find(pattern, flags, subject), *expected, "/{pattern}/{flags} on {subject:?}");
    }
}

#[test]
fn an_end_before_a_final_newline_is_told_to_be_inexact() {
    // PCRE2 ends at 1.
    assert_eq!(find("x(?:&|$)", "", b"x\n"), Some((0, 2)));
    assert!(!translate(&pcre("x(?:&|$)", "")).unwrap().end_exact);
    assert!(translate(&pcre("x$", "m")).unwrap().end_exact);
}

#[test]
fn what_automata_cannot_say_is_refused() {
    let refused = [
        "(a)\\1",
        "\\g1",
        "a++",
        "a*+",
        "a{2}+",
        "(?>a)",
        "(?=a)",
        "(?!a)",
        "(?<=a)",
        "(?<!a)",
        "(?R)",
        "(?1)",
        "(?(1)a|b)",
        "(*FAIL)",
        "\\Ka",
        "\\Ga",
        "\\R",
        "\\p{L}",
        "a$b",
        "(a$)b",
        "(a$)+",
        "(a$)?b?",
        "\\103",
        "a$*",
        "\\y",
        "\\x{100}",
        "(?P=n)",
        "[a-\\d-z",
        "a)",
        "(a",
        "[a",
        "a\\",
    ];
    for pattern in refused {
        assert!(translate(&pcre(pattern, "")).is_err(), "/{pattern}/");
    }
    for pattern in ["^$", "a\n^", "(a|^)"] {
        assert!(translate(&pcre(pattern, "m")).is_err(), "/{pattern}/m");
    }
}
