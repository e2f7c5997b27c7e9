//! Scores a sensor against a conformance corpus: captures, rules and the alerts expected of them.
//!
//! A case is a folder that holds `expected.json` and `input.pcap`; its rules are the file `rules`
//! beside them, or the file that `expected.json` names in `rules`, relative to the case. The sensor
//! runs once per case and writes EVE-style JSON lines, of which only the alerts are read.

pub mod baseline;
pub mod case;
pub mod compare;
pub mod keywords;
pub mod report;
pub mod run;
pub mod tally;

pub use baseline::Baseline;
pub use case::Case;
pub use compare::{Outcome, Verdict};
pub use run::Runner;
pub use tally::Tally;
