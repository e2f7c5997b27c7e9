//! Address and port expressions: text → items, with nesting, negation and variables as written.

use crate::ast::{Span, Word};
use crate::limits::LIST_DEPTH_MAX;

/// One item of an expression.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Item<'a> {
    /// `!` stands before it.
    pub(crate) negated: bool,
    /// What it is.
    pub(crate) term: Term<'a>,
    /// Where it stands, in bytes of the expression.
    pub(crate) span: Span,
}

/// What an item is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Term<'a> {
    /// `any`.
    Any,
    /// `$NAME`, without the `$`.
    Variable(&'a str),
    /// `[a,b]`, or `a,b` on the outside.
    List(Vec<Item<'a>>),
    /// An address, a port, or a range of them.
    Leaf(&'a str),
}

/// Why an expression could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupError {
    /// Where, in bytes of the expression.
    pub(crate) span: Span,
    /// What is wrong.
    pub(crate) message: String,
    /// A bound of [`limits`](crate::limits) was crossed.
    pub(crate) limit: bool,
}

impl GroupError {
    pub(crate) fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), limit: false }
    }
}

/// Parses an expression, the outermost brackets optional.
pub(crate) fn parse(text: &str) -> Result<Item<'_>, GroupError> {
    let mut parser = Parser { text, at: 0 };
    let mut items = parser.items(None, 0)?;
    if items.len() == 1 {
        items.pop().ok_or_else(|| GroupError::new(Span::new(0, text.len()), "empty"))
    } else {
        Ok(Item { negated: false, term: Term::List(items), span: Span::new(0, text.len()) })
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&mut self) -> Option<u8> {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        self.text.as_bytes().get(self.at).copied()
    }

    /// Items up to the closing bracket at `open` (or the end), which is consumed. One comma may trail.
    fn items(&mut self, open: Option<usize>, depth: usize) -> Result<Vec<Item<'a>>, GroupError> {
        if depth > LIST_DEPTH_MAX {
            let message = format!("lists are nested deeper than {LIST_DEPTH_MAX}");
            return Err(GroupError { span: Span::new(self.at, self.at + 1), message, limit: true });
        }
        let mut items = Vec::new();
        loop {
            match self.peek() {
                Some(b']') if open.is_some() => break,
                None if open.is_none() && !items.is_empty() => break,
                _ => items.push(self.item(depth)?),
            }
            match (self.peek(), open) {
                (Some(b','), _) => self.at += 1,
                (Some(b']'), Some(_)) | (None, None) => break,
                (None, Some(open)) => {
                    return Err(GroupError::new(
                        Span::new(open, open + 1),
                        "this `[` is never closed",
                    ));
                }
                (Some(_), _) => {
                    let message = "a `,` is missing here, or a `[` before";
                    return Err(GroupError::new(Span::new(self.at, self.at + 1), message));
                }
            }
        }
        self.at += usize::from(open.is_some());
        Ok(items)
    }

    fn item(&mut self, depth: usize) -> Result<Item<'a>, GroupError> {
        let start = self.at;
        let negated = self.peek() == Some(b'!');
        self.at += usize::from(negated);
        let term = match self.peek() {
            Some(b'[') => {
                let open = self.at;
                self.at += 1;
                Term::List(self.items(Some(open), depth + 1)?)
            }
            Some(b'!') => {
                let message = "a negation of a negation";
                return Err(GroupError::new(Span::new(start, self.at + 1), message));
            }
            _ => self.leaf()?,
        };
        Ok(Item { negated, term, span: Span::new(start, self.at) })
    }

    fn leaf(&mut self) -> Result<Term<'a>, GroupError> {
        let rest = &self.text[self.at..];
        let length = rest.find([',', '[', ']']).unwrap_or(rest.len());
        let word = Word::trimmed(&rest[..length], self.at);
        self.at = word.span().end;
        Ok(match word.text {
            "" => return Err(GroupError::new(word.span(), "an item is missing here")),
            text if text.eq_ignore_ascii_case("any") => Term::Any,
            text => text.strip_prefix('$').map_or(Term::Leaf(text), Term::Variable),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Term, parse};
    use crate::ast::Span;

    #[test]
    fn nesting_negation_and_spans() {
        let item = parse("[1, ![$A ,3-4] ,ANY,]").unwrap();
        let Term::List(items) = item.term else { panic!("not a list") };
        assert_eq!(items.len(), 3);
        assert_eq!(items[0].term, Term::Leaf("1"));
        assert!(items[1].negated);
        assert_eq!(items[1].span, Span::new(4, 14));
        let Term::List(inner) = &items[1].term else { panic!("not a list") };
        assert_eq!(inner[0].term, Term::Variable("A"));
        assert_eq!(inner[1].term, Term::Leaf("3-4"));
        assert_eq!(items[2].term, Term::Any);
        assert_eq!(parse("!a").unwrap().term, Term::Leaf("a"));
        assert!(matches!(parse("1,2").unwrap().term, Term::List(items) if items.len() == 2));
        assert!(matches!(parse("[]").unwrap().term, Term::List(items) if items.is_empty()));
    }

    #[test]
    fn errors_name_the_place() {
        let deep = format!("{}1{}", "[".repeat(66), "]".repeat(66));
        let cases = [
            ("", 0, "missing"),
            ("[,1]", 1, "missing"),
            ("[1,,2]", 3, "missing"),
            ("[1,[2]", 0, "never closed"),
            ("[1]]", 3, "missing here"),
            ("[1]2", 3, "missing here"),
            ("!!1", 0, "negation"),
            (&deep, 65, "nested deeper"),
        ];
        for (text, start, message) in cases {
            let error = parse(text).unwrap_err();
            assert!(error.message.contains(message), "{text}: {}", error.message);
            assert_eq!(error.span.start, start, "{text}");
        }
    }
}
