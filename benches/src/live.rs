//! A live sensor in one process, from a paced source to a subscriber behind a real NATS server; and its control
//! plane alone, fed as fast as it goes.
//!
//! The worker is pinned to the last CPU, everything else (control plane, NATS server, subscriber) is
//! kept on the others, as a sensor of one worker is deployed.

mod feed;
mod paced;
mod sensor;
mod stages;
mod subscriber;

pub use feed::Feed;
pub use paced::PacedSource;
pub use sensor::{Delivered, Kept, Sensor};
pub use subscriber::Subscriber;

use core_affinity::CoreId;

/// Keeps this thread, and all that it starts from now on, on the first CPU; the CPU for the worker. `None`
/// where the system does not tell or there is but one: the system decides then, and figures are noisier.
#[must_use]
pub fn leave_a_cpu_for_the_worker() -> Option<CoreId> {
    let cpus = core_affinity::get_core_ids().unwrap_or_default();
    let (first, last) = (cpus.first()?, cpus.last()?);
    (first != last && core_affinity::set_for_current(*first)).then_some(*last)
}
