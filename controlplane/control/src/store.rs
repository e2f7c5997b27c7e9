//! Rules at run time: numbered, immutable generations.
//!
//! A text is loaded and compiled off the workers' cores. Only a set that is wanted as it is gets a
//! number; it is put into every worker's mailbox, each confirms it between two bursts, and what they
//! leave behind comes back here to be freed. Nothing of an old generation is freed before every worker
//! has confirmed a later one and the drain has passed every switch.

mod activate;
mod compile;
mod info;
mod losses;
mod mailbox;

pub use activate::{ActivateError, Activation, Policy, RuleStore};
pub use compile::LoadedRules;
pub use info::{CompileInfo, GenerationInfo, RuleCounts, RuleDiagnostic};
pub(crate) use mailbox::{Mailbox, Mailboxes};
