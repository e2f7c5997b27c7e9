//! `pcre`.

use super::{Argument, Lowering};
use crate::diagnostic::{Fault, Kind};
use crate::hir::{PayloadTest, Pcre};

pub(crate) fn pcre(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    let (pattern, flags) = split(argument.value.text)
        .ok_or_else(|| argument.invalid("not an expression between slashes"))?;
    if flags.contains(',') || pattern.contains("(?P<flow_") || pattern.contains("(?P<pkt_") {
        let message = "`pcre` that sets a variable is not supported yet";
        return Err(argument.fault(Kind::Unsupported, message));
    }
    let mut pcre = Pcre {
        pattern: pattern.to_owned(),
        negated: argument.negated,
        relative: false,
        caseless: false,
        dot_all: false,
        multi_line: false,
        extended: false,
        anchored: false,
        dollar_end_only: false,
        ungreedy: false,
    };
    for flag in flags.chars() {
        apply(&mut pcre, flag, &argument)?;
    }
    // In a sticky buffer there is nothing before the first match, which then counts from the start.
    let first = !lowering.tests_mut().iter().any(PayloadTest::is_search);
    if pcre.relative && first && !lowering.in_base64 && !lowering.in_buffer() {
        return Err(argument.conflict("`pcre` with `R` has no match before it"));
    }
    lowering.push(PayloadTest::Pcre(pcre), &argument)
}

/// The expression and its flags. The expression ends at the last slash that is not escaped.
fn split(text: &str) -> Option<(&str, &str)> {
    let body = text.trim_start().strip_prefix('/')?;
    let (end, _) = body.rmatch_indices('/').find(|&(at, _)| {
        let before = &body[..at];
        !before.ends_with('\\') || before.ends_with("\\\\")
    })?;
    Some((&body[..end], &body[end + 1..]))
}

fn apply(pcre: &mut Pcre, flag: char, argument: &Argument<'_>) -> Result<(), Fault> {
    match flag {
        'i' => pcre.caseless = true,
        's' => pcre.dot_all = true,
        'm' => pcre.multi_line = true,
        'x' => pcre.extended = true,
        'A' => pcre.anchored = true,
        'E' => pcre.dollar_end_only = true,
        'G' => pcre.ungreedy = true,
        'R' => pcre.relative = true,
        // `B` is as `rawbytes`; `O` lifts a limit that is not Suricata's here.
        'B' | 'O' => {}
        'U' | 'I' | 'P' | 'Q' | 'H' | 'D' | 'M' | 'C' | 'S' | 'Y' | 'V' | 'W' | 'Z' => {
            let message = format!("flag `{flag}` (a buffer of HTTP) is not supported yet");
            return Err(argument.fault(Kind::Unsupported, message));
        }
        _ => return Err(argument.invalid(format!("`{flag}` is not a flag"))),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn the_last_bare_slash_ends_the_expression() {
        let cases = [
            ("/a/i", Some(("a", "i"))),
            ("/a/b/i", Some(("a/b", "i"))),
            (r"/a\/b/", Some((r"a\/b", ""))),
            (r"/a\/", None),
            (r"/a\\/i", Some((r"a\\", "i"))),
            ("//", Some(("", ""))),
            ("/a//", Some(("a/", ""))),
            ("/a", None),
            ("a/b/", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(split(text), expected, "{text}");
        }
    }
}
