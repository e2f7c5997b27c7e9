//! DPDK's log: the last lines are kept for error messages, and each goes to a function of the caller.

use std::{
    collections::VecDeque,
    ffi::{c_char, c_void},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Lines that are kept. A failed start logs about ten.
const LINES_MAX: usize = 32;

struct Log {
    lines: VecDeque<String>,
    sink: Option<fn(&str)>,
}

static LOG: Mutex<Log> = Mutex::new(Log { lines: VecDeque::new(), sink: None });

fn lock() -> MutexGuard<'static, Log> {
    LOG.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sends DPDK's log to `sink`, line by line. False when the stream could not be made; the log then stays
/// on stderr.
pub(crate) fn redirect(sink: fn(&str)) -> bool {
    lock().sink = Some(sink);
    // SAFETY: `write` has the signature of a cookie's write function and is valid for ever.
    unsafe { dpdk_sys::shim_log_to(Some(write)) == 0 }
}

/// Forgets the lines so far: what follows belongs to the next operation.
pub(crate) fn begin() {
    lock().lines.clear();
}

/// The lines since [`begin`], as one.
pub(crate) fn recent() -> String {
    lock().lines.iter().map(String::as_str).collect::<Vec<_>>().join("; ")
}

/// Takes what DPDK writes to its log stream: one message per call.
unsafe extern "C" fn write(_cookie: *mut c_void, bytes: *const c_char, size: usize) -> isize {
    // SAFETY: stdio passes a buffer of `size` bytes that is valid during the call.
    let message = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), size) };
    let message = String::from_utf8_lossy(message);
    for line in message.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let sink = keep(line);
        if let Some(sink) = sink {
            sink(line);
        }
    }
    isize::try_from(size).unwrap_or(isize::MAX)
}

/// Keeps a line and returns the sink, so that the lock is free when the sink runs.
fn keep(line: &str) -> Option<fn(&str)> {
    let mut log = lock();
    if log.lines.len() == LINES_MAX {
        log.lines.pop_front();
    }
    log.lines.push_back(line.to_owned());
    log.sink
}
