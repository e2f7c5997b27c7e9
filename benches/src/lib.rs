//! What measures the sensor from outside: the conformance scorer and the parts of the benchmarks.
//!
//! | module | job |
//! | --- | --- |
//! | [`conformance`] | scores a sensor against a corpus of captures |
//! | [`workload`] | rules and packets that the benchmarks inspect |
//! | [`stopwatch`], [`percentiles`], [`profiler`] | per-packet times, their tables, flame graphs |
//! | [`live`] | a sensor with a NATS server and a subscriber, in one process |
//! | [`rate`] | the sensor's binary beside DPDK's own receiver |
//! | [`instructions`] | instructions per packet, by callgrind |
//! | [`summary`] | one table of what the last runs wrote |

#![forbid(unsafe_code)]

pub mod conformance;
pub mod instructions;
pub mod live;
pub mod percentiles;
pub mod profiler;
pub mod rate;
pub mod stopwatch;
pub mod summary;
pub mod workload;
