//! The rules file: bytes → logical lines, each with the way back to its place in the file.

use std::borrow::Cow;

/// A line of the file, its continuation lines joined and the white space at its end gone.
pub(crate) struct LogicalLine<'a> {
    /// The bytes; not necessarily UTF-8.
    pub(crate) text: Cow<'a, [u8]>,
    /// Number of the first physical line, from 1.
    pub(crate) line: u32,
    pieces: Vec<Piece>,
}

/// A part of a logical line that lies in one physical line.
struct Piece {
    /// First byte in the logical line.
    at: usize,
    /// First byte in the file.
    file: usize,
    /// Number of the physical line, from 1.
    line: u32,
}

/// A place in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Byte of the file.
    pub(crate) offset: usize,
    /// Line, from 1.
    pub(crate) line: u32,
    /// Column in characters, from 1.
    pub(crate) column: u32,
}

impl LogicalLine<'_> {
    /// The place in `file` of byte `at` of the line; `file` is what the line was read from.
    pub(crate) fn place(&self, at: usize, file: &[u8]) -> Place {
        let after = self.pieces.partition_point(|piece| piece.at <= at);
        let Some(piece) = self.pieces.get(after.saturating_sub(1)) else {
            return Place { offset: 0, line: self.line, column: 1 };
        };
        let offset = (piece.file + (at - piece.at)).min(file.len());
        // Not a byte that continues a UTF-8 sequence: the start of a character.
        let column = file[piece.file..offset].iter().filter(|&&byte| byte & 0xc0 != 0x80).count();
        Place { offset, line: piece.line, column: column as u32 + 1 }
    }
}

/// Reads the logical lines of `file`, without blank lines and comments.
///
/// A comment starts with `#` as a line's first character other than white space; within a continued
/// rule there are none. A line that ends in a backslash goes on in the next.
pub(crate) fn lines(file: &[u8]) -> impl Iterator<Item = LogicalLine<'_>> {
    let mut physical =
        Physical { file, at: file.strip_prefix(b"\xef\xbb\xbf").map_or(0, |_| 3), line: 0 };
    std::iter::from_fn(move || {
        loop {
            let (start, bytes) = physical.next()?;
            if matches!(bytes.trim_ascii_start().first(), None | Some(b'#')) {
                continue;
            }
            return Some(join(start, bytes, &mut physical));
        }
    })
}

fn join<'a>(start: usize, bytes: &'a [u8], physical: &mut Physical<'a>) -> LogicalLine<'a> {
    let line = physical.line;
    let mut pieces = vec![Piece { at: 0, file: start, line }];
    let mut text = Cow::Borrowed(bytes);
    while let Some(head) = text.strip_suffix(b"\\") {
        let at = head.len();
        text.to_mut().truncate(at);
        let Some((file, next)) = physical.next() else { break };
        pieces.push(Piece { at, file, line: physical.line });
        text.to_mut().extend_from_slice(next);
    }
    LogicalLine { text, line, pieces }
}

/// Physical lines, without the white space at their ends.
struct Physical<'a> {
    file: &'a [u8],
    at: usize,
    line: u32,
}

impl<'a> Physical<'a> {
    fn next(&mut self) -> Option<(usize, &'a [u8])> {
        let rest = self.file.get(self.at..).filter(|rest| !rest.is_empty())?;
        let start = self.at;
        let length = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
        self.at += length + 1;
        self.line += 1;
        Some((start, rest[..length].trim_ascii_end()))
    }
}

#[cfg(test)]
mod tests {
    use super::lines;

    fn read(file: &[u8]) -> Vec<(u32, String)> {
        lines(file).map(|line| (line.line, String::from_utf8_lossy(&line.text).into())).collect()
    }

    #[test]
    fn comments_blanks_endings_and_continuations() {
        let file = b"\xef\xbb\xbfone \r\n\n  # two\n\t\nthree \\\r\n  # four \\ \n five\nsix\\";
        assert_eq!(
            read(file),
            [(1, "one".into()), (5, "three   # four  five".into()), (8, "six".into())]
        );
        assert_eq!(read(b"a\\\n\n b"), [(1, "a".into()), (3, " b".into())]);
        assert_eq!(read(b""), []);
    }

    #[test]
    fn places_lead_back_to_the_file() {
        let file = "# ä\nxä\\\n yz\n".as_bytes();
        let line = lines(file).next().unwrap();
        let place = |at| {
            let place = line.place(at, file);
            (place.line, place.column, file.get(place.offset).copied())
        };
        assert_eq!(&*line.text, "xä yz".as_bytes());
        assert_eq!(place(0), (2, 1, Some(b'x')));
        assert_eq!(place(1), (2, 2, Some(0xc3)));
        assert_eq!(place(4), (3, 2, Some(b'y')));
        assert_eq!(place(6), (3, 4, Some(b'\n')));
    }
}
