//! Panics as lines of the log.

use std::panic::PanicHookInfo;

/// Makes a panic, which is a fault of the sensor, one line of the log instead of a backtrace.
pub(crate) fn tell_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let message = describe(panic);
        if tracing::dispatcher::has_been_set() {
            tracing::error!("{message}");
        } else {
            eprintln!("sensor-gateway: {message}");
        }
    }));
}

fn describe(panic: &PanicHookInfo<'_>) -> String {
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed").to_owned();
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let reason = panic.payload_as_str().unwrap_or("no reason given");
    format!("a fault of the sensor in thread {thread} at {place}: {reason}; please report it")
}
