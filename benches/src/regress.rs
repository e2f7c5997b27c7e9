//! Guards against regressions: what benchmarks measured is kept in a history, and the newest run is held
//! against it.
//!
//! ```text
//! results of the benches ─► collect ─► history (JSON lines) ─► judge ─► report: table, JSON, exit code
//!                                ├───► budgets: limits that hold on any machine
//!                                └───► compare: two commits, measured in turn
//! ```
//!
//! **Threshold.** A value is a regression when it is worse than its anchor by more than
//! max([`CHANGE_MIN`], [`NOISE_FACTOR`] × noise). The noise is a standard deviation estimated robustly:
//! 1.4826 × MAD of the relative differences between successive runs, over √2. Successive differences
//! know neither a step (one difference of many) nor a slow drift (a small part of each), so that a
//! regression does not widen the threshold that is to find it. Five deviations instead of three because
//! an estimate from few runs is itself uncertain: with normal noise of 4 to 10 % a night's false alarm
//! is one in a thousand per metric.
//!
//! **Two anchors.** The median of the last seven days finds steps. A slow drift moves that median along,
//! and so the median of the last week is also held against the one of four to eight weeks ago.

mod budget;
mod calendar;
mod collect;
mod compare;
mod history;
mod judge;
mod noise;
mod report;

pub use budget::{BUDGETS, Budget, Checked};
pub use calendar::Moment;
pub use collect::{collect, machine};
pub use compare::{Compared, compare};
pub use history::{Entry, History, Measured};
pub use judge::{Judged, Verdict, judge};
pub use noise::{CHANGE_MIN, NOISE_FACTOR};
pub use report::Report;
