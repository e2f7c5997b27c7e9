//! The `sensor-gateway` binary: all of it is in the library.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    sensor_gateway::main().into()
}
