//! The `sensor-gateway` binary.

fn main() {}
