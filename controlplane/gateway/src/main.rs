//! The `sensor-gateway` binary: all of it is in the library.

#![forbid(unsafe_code)]

use std::process::ExitCode;

/// The allocator whose heap profiles `/debug/pprof/heap` serves.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    sensor_gateway::main().into()
}
