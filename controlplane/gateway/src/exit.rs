//! How a command ends: the exit codes, and the error that carries one.

use std::fmt;
use std::process::ExitCode;

/// The exit codes of `sensor-gateway`, the same for every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// The command did what it was asked to do.
    Ok = 0,
    /// The sensor failed while it ran.
    Runtime = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// A rules file cannot be read, or rules were refused where that is an error.
    Rules = 3,
    /// The capture source cannot be opened, or ended in an error.
    Capture = 4,
    /// The API or NATS cannot be set up: address in use, token or credentials unreadable.
    Service = 5,
    /// An output file cannot be written.
    Output = 6,
}

impl Exit {
    /// Every code, in the order of its number.
    pub const ALL: [Self; 7] = [
        Self::Ok,
        Self::Runtime,
        Self::Usage,
        Self::Rules,
        Self::Capture,
        Self::Service,
        Self::Output,
    ];

    /// What the code says, as `--help` and `docs/configuration.md` have it.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "success",
            Self::Runtime => "the sensor failed while it ran",
            Self::Usage => "the command line or the configuration is wrong",
            Self::Rules => "a rules file cannot be read, or (check --strict) a rule was refused",
            Self::Capture => "the capture source cannot be opened, or it is damaged",
            Self::Service => "the API or NATS cannot be set up (address in use, token unreadable)",
            Self::Output => "an output file cannot be written",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command cannot go on: one sentence for the user, and the exit code.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// The code to exit with.
    pub exit: Exit,
    /// What, where, and the mend.
    pub message: String,
}

impl Failure {
    /// A failure that exits with `exit`.
    pub fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self { exit, message: message.to_string() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One sentence on one line, whatever a library put into its message.
        let mut words = self.message.split_whitespace();
        if let Some(first) = words.next() {
            f.write_str(first)?;
        }
        words.try_for_each(|word| write!(f, " {word}"))
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::{Exit, Failure};

    #[test]
    fn codes_are_their_place_in_the_list() {
        for (index, exit) in Exit::ALL.into_iter().enumerate() {
            assert_eq!(exit as usize, index);
        }
    }

    #[test]
    fn a_failure_is_one_line() {
        let failure = Failure::new(Exit::Runtime, "expected\n  a value\n");
        assert_eq!(failure.to_string(), "expected a value");
    }
}
