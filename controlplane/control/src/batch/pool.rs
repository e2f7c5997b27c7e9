//! The memory of messages, used again once they are gone.
//!
//! A message is sent from the buffer that it was built in. Buffers come in powers of two, and a batch
//! starts with one that its predecessor would have fitted into, so that messages on their way hold about
//! the bytes that they have.

use std::sync::{Arc, Mutex, PoisonError};

use alert_schema::{BATCH_BYTES_MAX, Buffer, Encoded};
use bytes::Bytes;

/// Smallest buffer, bytes.
const BUFFER_BYTES_MIN: usize = 1_024;
/// Sizes of buffers, each twice the one before.
const CLASSES: usize = (BATCH_BYTES_MAX / BUFFER_BYTES_MIN).ilog2() as usize + 1;
/// Bytes that wait to be used again; more are freed.
const FREE_BYTES_MAX: usize = 32 * BATCH_BYTES_MAX;
/// A message that fills less than this part of its buffer is copied out of it.
const FILLED_MIN: usize = 4;

/// Buffers that are not in use.
#[derive(Debug, Default)]
pub(super) struct BufferPool(Mutex<Free>);

#[derive(Debug, Default)]
struct Free {
    classes: [Vec<Buffer>; CLASSES],
    bytes: usize,
}

impl BufferPool {
    /// A buffer for a message of about `bytes` bytes.
    pub(super) fn take(&self, bytes: usize) -> Buffer {
        let wanted = (bytes + bytes / 8).clamp(BUFFER_BYTES_MIN, BATCH_BYTES_MAX);
        let wanted = wanted.next_power_of_two();
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match class_of(wanted).and_then(|class| free.classes[class].pop()) {
            Some(buffer) => {
                free.bytes -= wanted;
                buffer
            }
            None => {
                drop(free);
                Buffer::with_capacity(wanted)
            }
        }
    }

    fn give(&self, buffer: Buffer) {
        let bytes = buffer.capacity();
        let Some(class) = class_of(bytes) else { return };
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if free.bytes + bytes <= FREE_BYTES_MAX {
            free.bytes += bytes;
            free.classes[class].push(buffer);
        }
    }

    /// The message's bytes, which give the buffer back when the last of them is dropped.
    pub(super) fn message(self: &Arc<Self>, encoded: Encoded) -> Bytes {
        if encoded.as_ref().len() * FILLED_MIN < encoded.capacity() {
            let bytes = Bytes::copy_from_slice(encoded.as_ref());
            self.give(encoded.recycle());
            return bytes;
        }
        Bytes::from_owner(Message { encoded: Some(encoded), pool: Arc::clone(self) })
    }
}

/// The class of buffers of exactly `bytes` bytes, if there is one.
fn class_of(bytes: usize) -> Option<usize> {
    let in_range = (BUFFER_BYTES_MIN..=BATCH_BYTES_MAX).contains(&bytes);
    (in_range && bytes.is_power_of_two()).then(|| (bytes / BUFFER_BYTES_MIN).ilog2() as usize)
}

/// A message in its buffer.
struct Message {
    /// `None` only while it is dropped.
    encoded: Option<Encoded>,
    pool: Arc<BufferPool>,
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        self.encoded.as_ref().map_or(&[], AsRef::as_ref)
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        if let Some(encoded) = self.encoded.take() {
            self.pool.give(encoded.recycle());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use alert_schema::{BATCH_BYTES_MAX, Batch, BatchEncoder};

    use super::{BUFFER_BYTES_MIN, BufferPool, CLASSES, FREE_BYTES_MAX, class_of};
    use crate::testing::{alert, view};

    #[test]
    fn classes_are_the_powers_of_two() {
        assert_eq!(class_of(BUFFER_BYTES_MIN), Some(0));
        assert_eq!(class_of(BATCH_BYTES_MAX), Some(CLASSES - 1));
        for other in [0, 512, 1_500, 2 * BATCH_BYTES_MAX] {
            assert_eq!(class_of(other), None);
        }
        let pool = BufferPool::default();
        for (bytes, capacity) in
            [(0, 1_024), (1_000, 2_048), (200_000, 262_144), (1 << 20, 262_144)]
        {
            assert_eq!(pool.take(bytes).capacity(), capacity, "{bytes}");
        }
    }

    #[test]
    fn a_buffer_comes_back_when_its_message_is_gone() {
        let pool = Arc::new(BufferPool::default());
        let mut encoder = BatchEncoder::new("lab", "s1", "b");
        let mut encode = |buffer| {
            encoder.begin(buffer, BATCH_BYTES_MAX);
            encoder.push(&view(&alert(1, 1)).fields()).unwrap();
            encoder.finish(0, 1, 0)
        };
        let held = || pool.0.lock().unwrap().bytes;
        let message = pool.message(encode(pool.take(0)));
        let copy = message.clone();
        drop(message);
        assert_eq!((held(), Batch::decode(&copy).unwrap().len()), (0, 1));
        drop(copy);
        assert_eq!(held(), BUFFER_BYTES_MIN);
        // A small message does not hold a large buffer.
        let small = pool.message(encode(pool.take(100_000)));
        assert_eq!(held(), BUFFER_BYTES_MIN + 131_072);
        drop(small);
        assert_eq!(held(), BUFFER_BYTES_MIN + 131_072);
        for _ in 0..2 {
            let buffers: Vec<_> = (0..40).map(|_| pool.take(BATCH_BYTES_MAX)).collect();
            buffers.into_iter().for_each(|buffer| pool.give(buffer));
        }
        assert!(held() <= FREE_BYTES_MAX);
    }
}
