//! What measures the sensor from outside: the conformance scorer and the parts of the benchmarks.
//!
//! | module | job |
//! | --- | --- |
//! | [`conformance`] | scores a sensor against a corpus of captures |
//! | [`workload`] | rules and packets that the benchmarks inspect |
//! | [`stopwatch`], [`percentiles`], [`profiler`] | per-packet times, their tables, flame graphs |
//! | [`alerts`] | alerts and records that the benchmarks carry |
//! | [`live`] | a sensor with a NATS server and a subscriber, in one process |
//! | [`alert_rate`] | the highest rate of alerts without a loss |
//! | [`ceiling`] | the NATS server without the sensor |
//! | [`rate`] | the sensor's binary beside DPDK's own receiver |
//! | [`instructions`] | instructions per packet, by callgrind |
//! | [`hotpath`] | instructions of the hot paths, held against a baseline |
//! | [`regress`] | a history of what was measured, and the guard against regressions |
//! | [`soak`] | a load for long: no loss, no growth |
//! | [`summary`] | one table of what the last runs wrote |

#![forbid(unsafe_code)]

pub mod alert_rate;
pub mod alerts;
pub mod ceiling;
pub mod conformance;
pub mod hotpath;
pub mod instructions;
pub mod live;
pub mod percentiles;
pub mod profiler;
pub mod rate;
pub mod regress;
pub mod soak;
pub mod stopwatch;
pub mod summary;
pub mod workload;
