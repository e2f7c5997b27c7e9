//! Groups, inline flags and bracketed classes of [`translate`](super::translate).

use super::class::ByteSet;
use super::translate::{GROUPS_DEPTH_MAX, Level, Translator};
use crate::error::PcreError;

impl Translator<'_> {
    /// A group whose `(` was just read. Captures mean nothing here, so that every group only groups.
    pub(super) fn open(&mut self) -> Result<(), PcreError> {
        if self.peek() == Some(b'*') {
            return self.unsupported("a verb `(*`");
        }
        if self.peek() != Some(b'?') {
            return self.enter("(?:");
        }
        self.at += 1;
        match self.rest() {
            [b'#', ..] => {
                while self.next().is_some_and(|byte| byte != b')') {}
                Ok(())
            }
            [b':' | b'|', ..] => {
                self.at += 1;
                self.enter("(?:")
            }
            [b'=' | b'!', ..] | [b'<', b'=' | b'!', ..] => self.unsupported("a look-around group"),
            [b'>', ..] => self.unsupported("an atomic group"),
            [b'<' | b'\'', ..] | [b'P', b'<', ..] => self.named(),
            [b'i' | b'm' | b's' | b'x' | b'U' | b'J' | b'n' | b'-' | b'^', ..] => {
                self.inline_flags()
            }
            _ => self.unsupported("a recursive, conditional or referring group"),
        }
    }

    fn enter(&mut self, open: &str) -> Result<(), PcreError> {
        self.atom()?;
        if self.outer.len() >= GROUPS_DEPTH_MAX {
            return self.unsupported("a group this deeply nested");
        }
        self.out.push_str(open);
        self.outer.push(self.level);
        self.level = Level::new(self.level.flags);
        Ok(())
    }

    fn named(&mut self) -> Result<(), PcreError> {
        let close = if self.peek() == Some(b'\'') { b'\'' } else { b'>' };
        self.at += if self.peek() == Some(b'P') { 2 } else { 1 };
        while let Some(byte) = self.next() {
            if byte == close {
                return self.enter("(?:");
            }
        }
        self.unsupported("a group name without an end")
    }

    /// `(?flags)`, which hold to the end of the group around them, or `(?flags:`.
    fn inline_flags(&mut self) -> Result<(), PcreError> {
        let mut flags = self.level.flags;
        let mut on = true;
        let mut rust = String::from("(?");
        loop {
            match self.next() {
                Some(b'-') if on => {
                    on = false;
                    rust.push('-');
                }
                Some(b'i') => {
                    flags.caseless = on;
                    rust.push('i');
                }
                Some(b'U') => rust.push('U'),
                Some(b'm') => flags.multi_line = on,
                Some(b's') => flags.dot_all = on,
                Some(b'x') => flags.extended = on,
                Some(b'J' | b'n') => {}
                Some(end @ (b')' | b':')) => {
                    if rust.ends_with('-') {
                        rust.pop();
                    }
                    return self.flags_end(end, flags, &rust);
                }
                _ => return self.unsupported("an inline flag"),
            }
        }
    }

    fn flags_end(
        &mut self,
        end: u8,
        flags: super::translate::Flags,
        rust: &str,
    ) -> Result<(), PcreError> {
        let empty = rust.len() == 2;
        if end == b':' {
            self.enter(if empty { "(?" } else { rust })?;
            self.out.push(':');
        } else if !empty {
            self.out.push_str(rust);
            self.out.push(')');
        }
        self.level.flags = flags;
        Ok(())
    }

    /// A class whose `[` was just read.
    pub(super) fn class(&mut self) -> Result<(), PcreError> {
        self.atom()?;
        let negated = self.peek() == Some(b'^');
        if negated {
            self.at += 1;
        }
        let mut set = ByteSet::EMPTY;
        let mut first = true;
        loop {
            let Some(byte) = self.next() else {
                return Err(PcreError::Syntax("missing `]`".to_owned()));
            };
            if byte == b']' && !first {
                break;
            }
            first = false;
            self.class_item(byte, &mut set)?;
        }
        if self.level.flags.caseless {
            set.fold_case();
        }
        if negated {
            set = set.complement();
        }
        set.write(&mut self.out);
        Ok(())
    }

    fn class_item(&mut self, byte: u8, set: &mut ByteSet) -> Result<(), PcreError> {
        if byte == b'['
            && self.peek() == Some(b':')
            && let Some(posix) = self.posix()?
        {
            set.add(posix);
            return Ok(());
        }
        let low = match self.class_atom(byte)? {
            Atom::Byte(low) => low,
            Atom::Set(more) => {
                set.add(*more);
                return Ok(());
            }
            Atom::Nothing => return Ok(()),
        };
        let is_range = matches!(self.rest(), [b'-', after, ..] if *after != b']');
        if !is_range {
            set.add_range(low, low);
            return Ok(());
        }
        self.at += 1;
        let after = self.next().unwrap_or(b'-');
        if after == b'[' && self.peek() == Some(b':') {
            return self.unsupported("a class as the end of a range");
        }
        match self.class_atom(after)? {
            Atom::Byte(high) if high >= low => set.add_range(low, high),
            // A hyphen before a class is a hyphen.
            Atom::Set(more) => {
                set.add_range(low, low);
                set.add_range(b'-', b'-');
                set.add(*more);
            }
            _ => return self.unsupported("a range out of order"),
        }
        Ok(())
    }

    /// What `byte`, or the escape that it begins, stands for in a class.
    fn class_atom(&mut self, byte: u8) -> Result<Atom, PcreError> {
        if byte != b'\\' {
            return Ok(Atom::Byte(byte));
        }
        let Some(letter) = self.next() else {
            return Err(PcreError::Syntax("missing `]`".to_owned()));
        };
        if letter == b'N' {
            return self.unsupported("`\\N` in a class");
        }
        if let Some(set) = ByteSet::of_escape(letter) {
            return Ok(Atom::Set(Box::new(set)));
        }
        match letter {
            b'b' => Ok(Atom::Byte(0x08)),
            b'E' => Ok(Atom::Nothing),
            b'Q' => self.unsupported("`\\Q` in a class"),
            b'1'..=b'7' => {
                self.at -= 1;
                Ok(Atom::Byte(self.octal()))
            }
            other => Ok(Atom::Byte(self.escaped_byte(other)?)),
        }
    }

    /// Up to three octal digits, as PCRE reads `\1` to `\7` in a class.
    fn octal(&mut self) -> u8 {
        let mut value = 0_u32;
        for _ in 0..3 {
            let Some(digit) = self.peek().and_then(|byte| char::from(byte).to_digit(8)) else {
                break;
            };
            value = value * 8 + digit;
            self.at += 1;
        }
        (value & 0xff) as u8
    }

    /// A POSIX class whose `[` was just read and which `:` follows; `None` where it is none.
    fn posix(&mut self) -> Result<Option<ByteSet>, PcreError> {
        let Some(end) = self.rest().windows(2).position(|pair| pair == b":]") else {
            return Ok(None);
        };
        let name = self.rest().get(1..end).unwrap_or_default();
        if name.iter().any(|byte| !byte.is_ascii_alphabetic() && *byte != b'^') {
            return Ok(None);
        }
        let Some(set) = ByteSet::of_posix(name) else {
            return self.unsupported("an unknown POSIX class");
        };
        self.at += end + 2;
        Ok(Some(set))
    }
}

/// One item of a class.
enum Atom {
    Byte(u8),
    Set(Box<ByteSet>),
    Nothing,
}
