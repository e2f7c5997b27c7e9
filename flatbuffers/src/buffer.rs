//! The memory of a message: zeroed before, handed out whole after, and used again.

/// Zeroed memory to build a message in, from its end to its start.
#[derive(Debug, Default)]
pub struct Buffer(Vec<u8>);

impl Buffer {
    /// A buffer of `bytes` bytes. Building doubles it when it is too small, which copies.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self(vec![0; bytes])
    }

    /// Its bytes.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn into_inner(self) -> Vec<u8> {
        self.0
    }
}

/// A finished message, at the end of the buffer that it was built in.
#[derive(Debug)]
pub struct Encoded {
    buffer: Vec<u8>,
    start: usize,
}

impl Encoded {
    pub(crate) fn new((buffer, start): (Vec<u8>, usize)) -> Self {
        Self { buffer, start }
    }

    /// Bytes of the buffer that the message pins.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.buffer.len()
    }

    /// The buffer, zeroed, for another message.
    #[must_use]
    pub fn recycle(mut self) -> Buffer {
        self.buffer[self.start..].fill(0);
        Buffer(self.buffer)
    }
}

impl AsRef<[u8]> for Encoded {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[self.start..]
    }
}
