//! PCRE syntax to the syntax of finite automata, with the same meaning, or a refusal.
//!
//! Everything is spelt out: `.`, `^`, `$` and classes under the flags that hold where they stand, so
//! that only caselessness and greediness are left to flags. `$` (and `\Z`) before a final newline
//! becomes "an optional newline, then the end": the same set of matches as long as nothing follows it,
//! but the end may differ by the newline, which [`Translated::end_exact`] tells.

use core::fmt::Write as _;

use rules::hir::Pcre;

use super::class::ByteSet;
use crate::error::PcreError;

/// A translated expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Translated {
    /// For a parser in byte mode without Unicode.
    pub(crate) pattern: String,
    /// A match ends where it does in PCRE.
    pub(crate) end_exact: bool,
}

/// Flags as they hold at one place of the expression.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flags {
    pub(super) caseless: bool,
    pub(super) multi_line: bool,
    pub(super) dot_all: bool,
    pub(super) extended: bool,
}

/// What is known of an open group: whether its current alternative, or an earlier one, ends with an
/// anchor that must be the last (`$`) or must not be the last (`^` of lines).
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    pub(super) flags: Flags,
    dollar: bool,
    dollar_before: bool,
    caret: bool,
    caret_before: bool,
}

impl Level {
    pub(super) const fn new(flags: Flags) -> Self {
        Self { flags, dollar: false, dollar_before: false, caret: false, caret_before: false }
    }
}

pub(super) struct Translator<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) out: String,
    pub(super) level: Level,
    pub(super) outer: Vec<Level>,
    end_exact: bool,
    /// Something that a quantifier may follow was written last.
    last_is_dollar: bool,
}

/// Nesting of groups beyond which an expression is refused (PCRE2's own default).
pub(super) const GROUPS_DEPTH_MAX: usize = 250;

/// Translates `pcre`.
pub(crate) fn translate(pcre: &Pcre) -> Result<Translated, PcreError> {
    let flags = Flags {
        caseless: pcre.caseless,
        multi_line: pcre.multi_line,
        dot_all: pcre.dot_all,
        extended: pcre.extended,
    };
    let mut translator = Translator {
        bytes: pcre.pattern.as_bytes(),
        at: 0,
        out: String::with_capacity(pcre.pattern.len() * 2),
        level: Level::new(flags),
        outer: Vec::new(),
        end_exact: true,
        last_is_dollar: false,
    };
    if pcre.ungreedy {
        translator.out.push_str("(?U)");
    }
    if pcre.caseless {
        translator.out.push_str("(?i)");
    }
    while let Some(byte) = translator.next() {
        translator.token(byte, pcre.dollar_end_only)?;
    }
    translator.finish()
}

impl<'a> Translator<'a> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(super) fn unsupported<T>(&self, what: &'static str) -> Result<T, PcreError> {
        Err(PcreError::Unsupported { what, offset: self.at.saturating_sub(1) })
    }

    fn finish(self) -> Result<Translated, PcreError> {
        if !self.outer.is_empty() {
            return Err(PcreError::Syntax("missing `)`".to_owned()));
        }
        if self.level.caret || self.level.caret_before {
            return self.unsupported("`^` of lines with nothing behind it");
        }
        Ok(Translated { pattern: self.out, end_exact: self.end_exact })
    }

    fn token(&mut self, byte: u8, dollar_end_only: bool) -> Result<(), PcreError> {
        if self.level.flags.extended && self.skip_extended(byte) {
            return Ok(());
        }
        match byte {
            b'\\' => self.escape(),
            b'[' => self.class(),
            b'(' => self.open(),
            b')' => self.close(),
            b'|' => {
                self.alternative();
                Ok(())
            }
            b'^' => self.caret(),
            b'$' => self.dollar(dollar_end_only),
            b'.' => {
                let dot_all = self.level.flags.dot_all;
                self.atom()?;
                ByteSet::of(|byte| dot_all || byte != b'\n').write(&mut self.out);
                Ok(())
            }
            b'*' | b'+' | b'?' => self.quantifier(byte),
            b'{' if self.counted().is_some() => self.quantifier(byte),
            literal => self.literal(literal),
        }
    }

    /// Skips `byte` (and the rest of a comment) where the extended syntax gives it no meaning.
    fn skip_extended(&mut self, byte: u8) -> bool {
        if byte == b'#' {
            while self.next().is_some_and(|byte| byte != b'\n') {}
            return true;
        }
        matches!(byte, b' ' | 0x09..=0x0d)
    }

    /// Something that consumes bytes, or looks at them, is about to be written.
    pub(super) fn atom(&mut self) -> Result<(), PcreError> {
        self.assertion()?;
        self.level.caret = false;
        Ok(())
    }

    fn assertion(&mut self) -> Result<(), PcreError> {
        self.last_is_dollar = false;
        if self.level.dollar {
            self.unsupported("an expression that goes on after `$`")
        } else {
            Ok(())
        }
    }

    pub(super) fn literal(&mut self, byte: u8) -> Result<(), PcreError> {
        self.atom()?;
        if byte.is_ascii_alphanumeric() {
            self.out.push(byte.into());
        } else {
            // Writing to a string does not fail.
            let _ = write!(self.out, "\\x{byte:02X}");
        }
        Ok(())
    }

    fn caret(&mut self) -> Result<(), PcreError> {
        self.assertion()?;
        if self.level.flags.multi_line {
            self.out.push_str("(?m:^)");
            self.level.caret = true;
        } else {
            self.out.push_str("\\A");
        }
        Ok(())
    }

    fn dollar(&mut self, end_only: bool) -> Result<(), PcreError> {
        self.assertion()?;
        if self.level.flags.multi_line {
            self.out.push_str("(?m:$)");
        } else if end_only {
            self.out.push_str("\\z");
        } else {
            self.end_or_newline();
        }
        self.last_is_dollar = true;
        Ok(())
    }

    fn end_or_newline(&mut self) {
        self.out.push_str("(?:\\x0A?\\z)");
        self.level.dollar = true;
        self.end_exact = false;
    }

    fn alternative(&mut self) {
        self.out.push('|');
        let level = &mut self.level;
        level.dollar_before |= level.dollar;
        level.caret_before |= level.caret;
        (level.dollar, level.caret) = (false, false);
        self.last_is_dollar = false;
    }

    fn close(&mut self) -> Result<(), PcreError> {
        let inner = self.level;
        let Some(outer) = self.outer.pop() else {
            return Err(PcreError::Syntax("unmatched `)`".to_owned()));
        };
        self.level = outer;
        self.level.dollar |= inner.dollar || inner.dollar_before;
        self.level.caret |= inner.caret || inner.caret_before;
        self.last_is_dollar = self.level.dollar;
        self.out.push(')');
        Ok(())
    }

    /// Length of a counted repetition `{n}`, `{n,}` or `{n,m}` whose `{` was just read; anything else
    /// is a literal brace.
    fn counted(&self) -> Option<usize> {
        let end = self.rest().iter().position(|byte| *byte == b'}')?;
        let inside = self.rest().get(..end)?;
        let mut parts = inside.splitn(2, |byte| *byte == b',');
        let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
        let low = parts.next()?;
        let high = parts.next().unwrap_or_default();
        (!low.is_empty() && digits(low) && digits(high)).then_some(end + 1)
    }

    fn quantifier(&mut self, byte: u8) -> Result<(), PcreError> {
        if self.last_is_dollar && byte != b'?' {
            return self.unsupported("a repeated `$`");
        }
        self.out.push(byte.into());
        if byte == b'{' {
            let length = self.counted().unwrap_or(0);
            let counted = self.rest().get(..length).unwrap_or_default();
            self.out.extend(counted.iter().map(|byte| char::from(*byte)));
            self.at += length;
        }
        match self.peek() {
            Some(b'+') => {
                self.at += 1;
                self.unsupported("a possessive quantifier")
            }
            Some(b'?') => {
                self.at += 1;
                self.out.push('?');
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn escape(&mut self) -> Result<(), PcreError> {
        let Some(letter) = self.next() else {
            return Err(PcreError::Syntax("`\\` at the end".to_owned()));
        };
        if let Some(set) = ByteSet::of_escape(letter) {
            self.atom()?;
            set.write(&mut self.out);
            return Ok(());
        }
        match letter {
            b'b' | b'B' | b'A' | b'z' => {
                self.assertion()?;
                self.out.push('\\');
                self.out.push(letter.into());
                Ok(())
            }
            b'Z' => {
                self.assertion()?;
                self.end_or_newline();
                self.last_is_dollar = true;
                Ok(())
            }
            b'Q' => self.quoted(),
            b'E' => Ok(()),
            b'1'..=b'9' | b'g' | b'k' => self.unsupported("a back-reference"),
            b'K' | b'G' => self.unsupported("`\\K` or `\\G`"),
            b'R' | b'X' | b'C' | b'p' | b'P' => {
                self.unsupported("`\\R`, `\\X`, `\\C`, `\\p` or `\\P`")
            }
            other => {
                let byte = self.escaped_byte(other)?;
                self.literal(byte)
            }
        }
    }

    fn quoted(&mut self) -> Result<(), PcreError> {
        while !self.rest().is_empty() {
            if self.rest().starts_with(b"\\E") {
                self.at += 2;
                return Ok(());
            }
            if let Some(byte) = self.next() {
                self.literal(byte)?;
            }
        }
        Ok(())
    }

    /// The byte that `\letter…` stands for, inside or outside of a class.
    pub(super) fn escaped_byte(&mut self, letter: u8) -> Result<u8, PcreError> {
        Ok(match letter {
            b't' => b'\t',
            b'n' => b'\n',
            b'r' => b'\r',
            b'f' => 0x0c,
            b'a' => 0x07,
            b'e' => 0x1b,
            b'c' => match self.next() {
                Some(control) if control.is_ascii() => control.to_ascii_uppercase() ^ 0x40,
                _ => return self.unsupported("`\\c` without a letter"),
            },
            b'x' if self.peek() == Some(b'{') => return self.braced_hex(),
            b'x' => self.digits(16, 2),
            b'0' => self.digits(8, 2),
            other if other.is_ascii_alphanumeric() => {
                return self.unsupported("an unknown escape");
            }
            other => other,
        })
    }

    fn braced_hex(&mut self) -> Result<u8, PcreError> {
        self.at += 1;
        let value = self.digits(16, 2);
        if self.next() == Some(b'}') {
            Ok(value)
        } else {
            self.unsupported("a code point above 255")
        }
    }

    /// The value of at most `most` digits.
    fn digits(&mut self, radix: u32, most: usize) -> u8 {
        let mut value = 0_u32;
        for _ in 0..most {
            let Some(digit) = self.peek().and_then(|byte| char::from(byte).to_digit(radix)) else {
                break;
            };
            value = value * radix + digit;
            self.at += 1;
        }
        u8::try_from(value).unwrap_or(u8::MAX)
    }
}
