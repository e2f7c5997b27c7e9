//! The reading window: a fixed buffer over a sequential reader.

use std::io::{ErrorKind, Read};

/// Bytes of the window: large enough that a system call serves thousands of small packets, small enough
/// to stay in a second-level cache of most of today's servers. No record may be longer.
pub const WINDOW_BYTES: usize = 1 << 20;

/// Unread bytes of a file, contiguous in one buffer that never grows.
#[derive(Debug)]
pub(super) struct Window<R> {
    reader: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Bytes that were consumed before they were read.
    skip: u64,
    /// Offset in the file of the byte at `start`.
    offset: u64,
}

impl<R: Read> Window<R> {
    pub(super) fn new(reader: R) -> Self {
        let buffer = vec![0; WINDOW_BYTES].into_boxed_slice();
        Self { reader, buffer, start: 0, end: 0, skip: 0, offset: 0 }
    }

    /// The whole buffer: positions of frames count from its start.
    pub(super) fn buffer(&self) -> &[u8] {
        &self.buffer
    }

    /// The unread bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or(&[])
    }

    /// Position in the buffer of the first unread byte.
    pub(super) fn position(&self) -> usize {
        self.start
    }

    /// Offset in the file of the first unread byte.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether bytes are consumed that have not been read yet.
    pub(super) fn is_skipping(&self) -> bool {
        self.skip > 0
    }

    /// Marks `bytes` as read, also those that lie beyond the window: [`Window::fill`] passes over them.
    pub(super) fn consume(&mut self, bytes: u64) {
        let here = bytes.min((self.end - self.start) as u64);
        self.start += here as usize;
        self.offset += here;
        self.skip = bytes - here;
    }

    /// Moves the unread bytes to the front and reads until the buffer is full or the file ends.
    pub(super) fn fill(&mut self) -> std::io::Result<()> {
        while self.skip > 0 {
            // What is skipped has not been read, so the window is empty and the buffer free.
            let bytes = self.read(0, self.skip.min(WINDOW_BYTES as u64) as usize)?;
            if bytes == 0 {
                return Ok(());
            }
            self.skip -= bytes as u64;
            self.offset += bytes as u64;
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        while self.end < WINDOW_BYTES {
            match self.read(self.end, WINDOW_BYTES)? {
                0 => break,
                bytes => self.end += bytes,
            }
        }
        Ok(())
    }

    /// Reads once into `from..to` of the buffer; 0 at the end of the file.
    fn read(&mut self, from: usize, to: usize) -> std::io::Result<usize> {
        let room = self.buffer.get_mut(from..to).unwrap_or(&mut []);
        loop {
            match self.reader.read(room) {
                Ok(bytes) => return Ok(bytes.min(room.len())),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
