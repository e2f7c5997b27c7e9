//! Character classes of PCRE as sets of bytes.

use core::fmt::Write as _;

/// A set of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ByteSet([bool; 256]);

impl ByteSet {
    /// The empty set.
    pub(super) const EMPTY: Self = Self([false; 256]);

    /// The bytes that `predicate` accepts.
    pub(super) fn of(predicate: impl Fn(u8) -> bool) -> Self {
        let mut set = Self::EMPTY;
        for (byte, member) in (0..=u8::MAX).zip(&mut set.0) {
            *member = predicate(byte);
        }
        set
    }

    /// The class that the escape `\letter` stands for, inside or outside of brackets.
    pub(super) fn of_escape(letter: u8) -> Option<Self> {
        let set = Self::of(|byte| match letter.to_ascii_lowercase() {
            b'd' => byte.is_ascii_digit(),
            b'w' => byte.is_ascii_alphanumeric() || byte == b'_',
            b's' => matches!(byte, b' ' | 0x09..=0x0d),
            b'h' => matches!(byte, b' ' | b'\t' | 0xa0),
            b'v' => matches!(byte, 0x0a..=0x0d | 0x85),
            _ => false,
        });
        match letter {
            b'd' | b'w' | b's' | b'h' | b'v' => Some(set),
            b'D' | b'W' | b'S' | b'H' | b'V' => Some(set.complement()),
            b'N' => Some(Self::of(|byte| byte != b'\n')),
            _ => None,
        }
    }

    /// The class of the POSIX name between `[:` and `:]`, which may begin with `^`.
    pub(super) fn of_posix(name: &[u8]) -> Option<Self> {
        if let Some(name) = name.strip_prefix(b"^") {
            return Self::of_posix(name).map(Self::complement);
        }
        let predicate: fn(u8) -> bool = match name {
            b"alpha" => |byte| byte.is_ascii_alphabetic(),
            b"digit" => |byte| byte.is_ascii_digit(),
            b"alnum" => |byte| byte.is_ascii_alphanumeric(),
            b"upper" => |byte| byte.is_ascii_uppercase(),
            b"lower" => |byte| byte.is_ascii_lowercase(),
            b"space" => |byte| matches!(byte, b' ' | 0x09..=0x0d),
            b"blank" => |byte| matches!(byte, b' ' | b'\t'),
            b"punct" => |byte| byte.is_ascii_punctuation(),
            b"print" => |byte| matches!(byte, b' '..=b'~'),
            b"graph" => |byte| byte.is_ascii_graphic(),
            b"cntrl" => |byte| byte.is_ascii_control(),
            b"xdigit" => |byte| byte.is_ascii_hexdigit(),
            b"word" => |byte| byte.is_ascii_alphanumeric() || byte == b'_',
            b"ascii" => |byte| byte.is_ascii(),
            _ => return None,
        };
        Some(Self::of(predicate))
    }

    /// Every byte that is not in the set.
    pub(super) fn complement(self) -> Self {
        Self(self.0.map(|member| !member))
    }

    /// Adds the bytes of `other`.
    pub(super) fn add(&mut self, other: Self) {
        for (member, more) in self.0.iter_mut().zip(other.0) {
            *member |= more;
        }
    }

    /// Adds `low` to `high`, both included.
    pub(super) fn add_range(&mut self, low: u8, high: u8) {
        self.add(Self::of(|byte| (low..=high).contains(&byte)));
    }

    /// Adds the other case of every ASCII letter in the set.
    pub(super) fn fold_case(&mut self) {
        let before = *self;
        self.add(Self::of(|byte| {
            let other = if byte.is_ascii_alphabetic() { byte ^ 0x20 } else { byte };
            before.0.get(usize::from(other)).is_some_and(|member| *member)
        }));
    }

    /// Writes the set as a class that means the same under every flag.
    pub(super) fn write(&self, out: &mut String) {
        if !self.0.contains(&true) {
            out.push_str(r"[^\x00-\xFF]");
            return;
        }
        out.push_str("(?-i:[");
        let mut byte = 0;
        while let Some(rest) = self.0.get(byte..) {
            let Some(skip) = rest.iter().position(|member| *member) else { break };
            let low = byte + skip;
            let length = rest.iter().skip(skip).take_while(|member| **member).count();
            let high = low + length - 1;
            // Writing to a string does not fail.
            let _ = if low == high {
                write!(out, "\\x{low:02X}")
            } else {
                write!(out, "\\x{low:02X}-\\x{high:02X}")
            };
            byte = high + 1;
        }
        out.push_str("])");
    }
}
