//! Text of one rule → [`ast::Rule`].

use crate::ast::{Rule, Setting, Side, Span, Word};
use crate::limits::OPTIONS_MAX;

/// Why a text is not shaped like a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where, in bytes of the rule.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// A bound of [`limits`](crate::limits) was crossed.
    pub limit: bool,
}

fn error(span: Span, message: impl Into<String>) -> SyntaxError {
    SyntaxError { span, message: message.into(), limit: false }
}

/// Parses one rule: `action protocol addresses ports direction addresses ports (options)`.
///
/// # Errors
/// If a part of the header is missing, the parentheses are, or an option does not end in `;`.
pub fn parse(text: &str) -> Result<Rule<'_>, SyntaxError> {
    let whole = Word::trimmed(text, 0).span();
    let Some(open) = text.find('(') else {
        return Err(error(whole, "a rule needs its options in parentheses"));
    };
    let Some(close) = text.trim_end().strip_suffix(')').map(str::len).filter(|&at| at > open)
    else {
        return Err(error(Span::new(open, whole.end), "the options do not end in `)`"));
    };
    let mut words = Words { text: &text[..open], at: 0 };
    let rule = Rule {
        action: words.next("action")?,
        protocol: words.next("protocol")?,
        source: words.side("source")?,
        direction: words.next("direction")?,
        destination: words.side("destination")?,
        options: options(&text[open + 1..close], open + 1)?,
    };
    if let Some(extra) = words.advance()? {
        return Err(error(extra.span(), format!("`{}` is one word too many", extra.text)));
    }
    Ok(rule)
}

/// The header's words: separated by white space, except that brackets hold together.
struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Words<'a> {
    fn advance(&mut self) -> Result<Option<Word<'a>>, SyntaxError> {
        let rest = &self.text[self.at..];
        let start = self.at + (rest.len() - rest.trim_start().len());
        let mut depth = 0usize;
        let mut end = self.text.len();
        for (at, c) in self.text[start..].char_indices() {
            match c {
                '[' => depth += 1,
                ']' => depth = depth.saturating_sub(1),
                c if c.is_whitespace() && depth == 0 => {
                    end = start + at;
                    break;
                }
                _ => {}
            }
        }
        self.at = end;
        if depth > 0 {
            return Err(error(Span::new(start, end), "a `[` is never closed"));
        }
        Ok((start < end).then(|| Word { text: &self.text[start..end], start }))
    }

    fn next(&mut self, what: &str) -> Result<Word<'a>, SyntaxError> {
        let end = self.text.len();
        self.advance()?
            .ok_or_else(|| error(Span::new(end, end), format!("the header ends before its {what}")))
    }

    fn side(&mut self, which: &str) -> Result<Side<'a>, SyntaxError> {
        Ok(Side {
            addresses: self.next(&format!("{which} address"))?,
            ports: self.next(&format!("{which} port"))?,
        })
    }
}

/// Splits `name:value;` settings. A `;` ends one, quoted or not, unless a backslash is right before it.
fn options(text: &str, base: usize) -> Result<Vec<Setting<'_>>, SyntaxError> {
    let mut settings = Vec::new();
    let mut from = 0;
    for (at, _) in text.match_indices(';') {
        if text[..at].ends_with('\\') && at > from {
            continue;
        }
        if settings.len() == OPTIONS_MAX {
            let message = format!("more than {OPTIONS_MAX} options");
            return Err(SyntaxError {
                span: Span::new(base + from, base + at),
                message,
                limit: true,
            });
        }
        settings.push(setting(&text[from..at], base + from)?);
        from = at + 1;
    }
    let rest = Word::trimmed(&text[from..], base + from);
    if rest.text.is_empty() {
        Ok(settings)
    } else {
        Err(error(rest.span(), "no `;` ends this option"))
    }
}

fn setting(text: &str, start: usize) -> Result<Setting<'_>, SyntaxError> {
    let (name, value) = match text.split_once(':') {
        Some((name, value)) => (name, Some(Word::trimmed(value, start + name.len() + 1))),
        None => (text, None),
    };
    let name = Word::trimmed(name, start);
    if name.text.is_empty() {
        return Err(error(Span::new(start, start + text.len() + 1), "an option has no keyword"));
    }
    Ok(Setting { name, value: value.filter(|value| !value.text.is_empty()) })
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::ast::Span;

    #[test]
    fn words_options_and_spans() {
        let text = r#"alert tcp [1.1.1.1, $A] any -> any 80 (msg:"a\;b"; nocase ; sid : 5 ;)"#;
        let rule = parse(text).unwrap();
        assert_eq!(rule.source.addresses.text, "[1.1.1.1, $A]");
        assert_eq!(rule.destination.ports.text, "80");
        let options: Vec<_> = rule
            .options
            .iter()
            .map(|option| (option.name.text, option.value.map(|value| value.text)))
            .collect();
        assert_eq!(options, [("msg", Some(r#""a\;b""#)), ("nocase", None), ("sid", Some("5"))]);
        for option in &rule.options {
            let span = option.name.span();
            assert_eq!(&text[span.start..span.end], option.name.text);
        }
    }

    #[test]
    fn a_semicolon_ends_an_option_even_in_quotes() {
        let rule = parse(r#"alert tcp any any -> any any (msg:"a;b"; sid:1;)"#).unwrap();
        assert_eq!(rule.options[0].value.unwrap().text, r#""a"#);
        assert_eq!(rule.options[1].name.text, r#"b""#);
    }

    #[test]
    fn errors_name_the_place() {
        let cases = [
            ("alert tcp any any -> any any", 0, "parentheses"),
            ("alert tcp any any -> any any (sid:1;", 29, "do not end"),
            ("alert tcp any any (sid:1;)", 18, "before its direction"),
            ("alert tcp any any -> any any 80 (sid:1;)", 29, "too many"),
            ("alert tcp [any any -> any any (sid:1;)", 10, "never closed"),
            ("alert tcp any any -> any any (sid:1)", 30, "no `;`"),
            ("alert tcp any any -> any any (;sid:1;)", 30, "no keyword"),
        ];
        for (text, start, message) in cases {
            let error = parse(text).unwrap_err();
            assert!(error.message.contains(message), "{text}: {}", error.message);
            assert_eq!(error.span.start, start, "{text}");
        }
        assert_eq!(Span::new(1, 3), Span { start: 1, end: 3 });
    }
}
