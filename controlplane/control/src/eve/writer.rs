//! Lines into a writer, and how many of them reached it.

use std::io::{self, Write};

use super::render::{EveOptions, render};
use crate::alert::Alert;

/// Bytes that wait at most; more are written at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// Writes alerts as lines. Nothing is written without a full buffer or [`EveWriter::flush`].
///
/// When the output fails, the lines that waited are lost, and the error says so; the next line starts on
/// a line of its own, whatever part of the lost ones was written.
#[derive(Debug)]
pub struct EveWriter<W> {
    out: W,
    options: EveOptions,
    buffer: String,
    waiting: u64,
    torn: bool,
}

/// The output could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{alerts} alerts could not be written: {error}")]
pub struct EveError {
    /// Alerts that are lost by it.
    pub alerts: u64,
    /// Why.
    pub error: io::Error,
}

impl<W: Write> EveWriter<W> {
    /// A writer into `out`.
    pub fn new(out: W, options: EveOptions) -> Self {
        let buffer = String::with_capacity(2 * BUFFER_BYTES);
        Self { out, options, buffer, waiting: 0, torn: false }
    }

    /// Writes an alert. The answer is how many alerts, this one and earlier ones, have reached the output
    /// by it; most times none, since lines are written together.
    ///
    /// # Errors
    /// The lines that waited could not be written and are lost.
    pub fn write(&mut self, alert: &Alert) -> Result<u64, EveError> {
        if std::mem::take(&mut self.torn) {
            self.buffer.push('\n');
        }
        render(alert, self.options, &mut self.buffer);
        self.waiting += 1;
        if self.buffer.len() < BUFFER_BYTES { Ok(0) } else { self.flush() }
    }

    /// Writes what waits; how many alerts that were.
    ///
    /// # Errors
    /// The lines that waited could not be written and are lost.
    pub fn flush(&mut self) -> Result<u64, EveError> {
        let alerts = std::mem::take(&mut self.waiting);
        if alerts == 0 {
            return Ok(0);
        }
        let written = self.out.write_all(self.buffer.as_bytes()).and_then(|()| self.out.flush());
        self.buffer.clear();
        self.torn = written.is_err();
        written.map(|()| alerts).map_err(|error| EveError { alerts, error })
    }

    /// Writes into `out` from now on. What waits is flushed first by the caller, or goes there too.
    pub fn redirect(&mut self, out: W) {
        self.out = out;
        self.torn = false;
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};

    use super::EveWriter;
    use crate::eve::EveOptions;
    use crate::testing::alert;

    /// Fails on one of its writes, after half of the bytes.
    #[derive(Default)]
    struct Flaky {
        bytes: Vec<u8>,
        writes: usize,
        failing: Option<usize>,
    }

    impl Write for Flaky {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.writes += 1;
            if self.failing == Some(self.writes) {
                self.bytes.extend_from_slice(&bytes[..bytes.len() / 2]);
                return Err(io::Error::other("no space"));
            }
            self.bytes.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_wait_for_a_flush_or_a_full_buffer() {
        let mut writer = EveWriter::new(Flaky::default(), EveOptions::default());
        assert_eq!(writer.write(&alert(1, 1)).unwrap(), 0);
        assert_eq!(writer.out.writes, 0);
        assert_eq!(writer.flush().unwrap(), 1);
        assert_eq!(writer.flush().unwrap(), 0);
        let mut reached = 0;
        for _ in 0..500 {
            reached += writer.write(&alert(1, 1)).unwrap();
        }
        assert!(reached > 0 && reached < 500);
        assert_eq!(reached + writer.flush().unwrap(), 500);
    }

    #[test]
    fn a_failed_write_loses_its_lines_and_tears_no_other() {
        let out = Flaky { failing: Some(1), ..Flaky::default() };
        let mut writer = EveWriter::new(out, EveOptions::default());
        writer.write(&alert(1, 1)).unwrap();
        writer.write(&alert(2, 1)).unwrap();
        assert_eq!(writer.flush().unwrap_err().alerts, 2);
        writer.write(&alert(3, 1)).unwrap();
        assert_eq!(writer.flush().unwrap(), 1);
        let text = String::from_utf8(writer.out.bytes).unwrap();
        let last = text.lines().last().unwrap();
        assert!(last.starts_with('{') && last.contains(r#""signature_id":3"#), "{last}");
    }
}
