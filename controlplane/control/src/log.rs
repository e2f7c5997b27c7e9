//! The levels of the sensor's own log, as the control plane sees them.
//!
//! The program that prints the log owns the filter; the API shows and changes it through this trait.

/// Levels that can be asked for and changed while the sensor runs.
pub trait LogLevels: Send + Sync {
    /// The filter in use, as it was written.
    fn filter(&self) -> String;

    /// Puts `filter` in its place: `info`, or by part `info,control=debug`.
    ///
    /// # Errors
    /// What is wrong with it, or that nothing prints this log any more; the old one stays.
    fn set_filter(&self, filter: &str) -> Result<(), String>;
}

/// Levels that nobody can change: of a program whose log is not the sensor's.
#[derive(Clone, Copy, Debug, Default)]
pub struct FixedLevels;

impl LogLevels for FixedLevels {
    fn filter(&self) -> String {
        "off".into()
    }

    fn set_filter(&self, _: &str) -> Result<(), String> {
        Err("the levels of this program's log are fixed".into())
    }
}
