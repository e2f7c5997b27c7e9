//! A rule as written: words and where they stand, nothing resolved.

use std::fmt;

/// A range of bytes, `start` included and `end` not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash, serde::Serialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The span from `start` to `end`.
    #[must_use]
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }
}

/// A piece of a rule's text, without the white space around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    /// The text.
    pub text: &'a str,
    /// First byte in the rule.
    pub start: usize,
}

impl<'a> Word<'a> {
    /// `text` at `start`, without the white space around it.
    #[must_use]
    pub(crate) fn trimmed(text: &'a str, start: usize) -> Self {
        let rest = text.trim_start();
        Self { text: rest.trim_end(), start: start + (text.len() - rest.len()) }
    }

    /// Bytes of the rule that the word covers.
    #[must_use]
    pub const fn span(&self) -> Span {
        Span::new(self.start, self.start + self.text.len())
    }
}

/// A rule as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule<'a> {
    /// `alert`, `pass` …
    pub action: Word<'a>,
    /// `tcp`, `http` …
    pub protocol: Word<'a>,
    /// What stands left of the arrow.
    pub source: Side<'a>,
    /// The arrow.
    pub direction: Word<'a>,
    /// What stands right of the arrow.
    pub destination: Side<'a>,
    /// What stands in the parentheses.
    pub options: Vec<Setting<'a>>,
}

/// One side of a header as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side<'a> {
    /// Addresses, lists and variables unresolved.
    pub addresses: Word<'a>,
    /// Ports, lists and variables unresolved.
    pub ports: Word<'a>,
}

/// An option as written: `name;` or `name:value;`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting<'a> {
    /// The keyword.
    pub name: Word<'a>,
    /// What follows the colon, quotes and escapes included; `None` where it is missing or blank.
    pub value: Option<Word<'a>>,
}

impl fmt::Display for Rule<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (source, destination) = (&self.source, &self.destination);
        write!(
            f,
            "{} {} {} {} {} {} {} (",
            self.action.text,
            self.protocol.text,
            source.addresses.text,
            source.ports.text,
            self.direction.text,
            destination.addresses.text,
            destination.ports.text,
        )?;
        for (i, option) in self.options.iter().enumerate() {
            let space = if i == 0 { "" } else { " " };
            match option.value {
                Some(value) => write!(f, "{space}{}:{};", option.name.text, value.text)?,
                None => write!(f, "{space}{};", option.name.text)?,
            }
        }
        f.write_str(")")
    }
}
