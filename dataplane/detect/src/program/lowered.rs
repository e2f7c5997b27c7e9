//! Buffers in lower case, each made when the first caseless content asks for it.

/// Bytes of the buffers of one inspection: a packet's payload with its headers, and pieces of one
/// window of a stream.
pub(super) const LOWERED_BYTES_MAX: usize = (1 << 20) + (1 << 16);
/// Buffers of one inspection.
const BUFFERS_MAX: usize = 11;

/// The buffers of one inspection in lower case.
#[derive(Debug)]
pub(super) struct Lowered {
    bytes: Box<[u8]>,
    used: usize,
    made: [Made; BUFFERS_MAX],
    count: usize,
}

/// A buffer that was made: whose, and where it lies.
#[derive(Clone, Copy, Debug, Default)]
struct Made {
    /// Address and length tell the buffers of one inspection apart.
    address: usize,
    length: usize,
    start: usize,
}

impl Lowered {
    /// Room for buffers of `bytes_max` bytes together.
    pub(super) fn new(bytes_max: usize) -> Self {
        let bytes = vec![0; bytes_max].into_boxed_slice();
        Self { bytes, used: 0, made: [Made::default(); BUFFERS_MAX], count: 0 }
    }

    /// Forgets all buffers: another inspection begins.
    #[inline]
    pub(super) const fn clear(&mut self) {
        (self.used, self.count) = (0, 0);
    }

    /// `buffer` in lower case. One that is longer than all buffers of an inspection together is cut.
    pub(super) fn of(&mut self, buffer: &[u8]) -> &[u8] {
        let length = buffer.len().min(self.bytes.len());
        let address = buffer.as_ptr().addr();
        let known = self.made.iter().take(self.count);
        let found = known.copied().find(|made| made.address == address && made.length == length);
        let start = match found {
            Some(made) => made.start,
            None => self.make(buffer, address, length),
        };
        self.bytes.get(start..start + length).unwrap_or_default()
    }

    /// Where `buffer` lies from now on.
    fn make(&mut self, buffer: &[u8], address: usize, length: usize) -> usize {
        if self.count == BUFFERS_MAX || self.used + length > self.bytes.len() {
            self.clear();
        }
        let start = self.used;
        for (to, from) in self.bytes.iter_mut().skip(start).zip(buffer.iter().take(length)) {
            *to = from.to_ascii_lowercase();
        }
        if let Some(made) = self.made.get_mut(self.count) {
            *made = Made { address, length, start };
            (self.count, self.used) = (self.count + 1, start + length);
        }
        start
    }
}

#[cfg(test)]
mod tests {
    use super::{BUFFERS_MAX, Lowered};

    const BYTES_MAX: usize = 100;

    #[test]
    fn buffers_are_made_once_and_kept_apart() {
        let mut lowered = Lowered::new(BYTES_MAX);
        let (one, two) = (b"ABC".to_vec(), b"DeFg".to_vec());
        assert_eq!(lowered.of(&one), b"abc");
        assert_eq!(lowered.of(&two), b"defg");
        assert_eq!(lowered.of(&one), b"abc");
        assert_eq!((lowered.count, lowered.used), (2, 7));
        lowered.clear();
        assert_eq!(lowered.of(&two), b"defg");
        assert_eq!((lowered.count, lowered.used), (1, 4));
    }

    #[test]
    fn more_than_there_is_room_for_begins_anew() {
        let mut lowered = Lowered::new(BYTES_MAX);
        let buffers: Vec<Vec<u8>> =
            (0..=BUFFERS_MAX).map(|length| vec![b'A'; length + 1]).collect();
        for buffer in &buffers {
            assert_eq!(lowered.of(buffer), vec![b'a'; buffer.len()]);
        }
        let (long, short) = (vec![b'A'; BYTES_MAX + 1], vec![b'B'; 3]);
        assert_eq!(lowered.of(&long).len(), BYTES_MAX);
        assert_eq!(lowered.of(&short), b"bbb");
        assert_eq!(lowered.count, 1);
    }
}
