//! What measures the sensor from outside: the conformance scorer. Benchmarks lie in `benches/`.

#![forbid(unsafe_code)]

pub mod conformance;
