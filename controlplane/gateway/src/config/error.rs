//! What is wrong with a configuration, where it was written, and the mend.

use std::fmt;
use std::path::{Path, PathBuf};

use super::nearest::nearest;

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In the configuration file, at this line and column (from 1).
    File {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
    /// On the command line, as `--set`.
    Set,
    /// In the environment, in this variable.
    Environment(String),
    /// Nowhere: the default.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line, column } => {
                write!(f, "{}:{line}:{column}", path.display())
            }
            Self::Set => f.write_str("--set"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A configuration that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("configuration {path}: {reason}; name a readable TOML file with -c")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// The file is not TOML.
    #[error("{origin}: not valid TOML: {reason}")]
    Syntax {
        /// Where.
        origin: Origin,
        /// What the parser says.
        reason: String,
    },
    /// There is no such key.
    #[error("{origin}: {key}: unknown key; {hint}")]
    UnknownKey {
        /// Where.
        origin: Origin,
        /// The key as written, with its section.
        key: String,
        /// The nearest key, or all that there are.
        hint: String,
    },
    /// The value cannot be used.
    #[error("{origin}: {key}: {reason}")]
    Value {
        /// Where.
        origin: Origin,
        /// The key, with its section.
        key: String,
        /// What is wrong, and the mend.
        reason: String,
    },
    /// An override is not `section.key=value`.
    #[error("{origin}: {written:?} is not a setting; write section.key=value")]
    Override {
        /// Where.
        origin: Origin,
        /// As written.
        written: String,
    },
}

impl ConfigError {
    /// An error of a value whose key is known.
    pub(super) fn value(origin: Origin, key: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self::Value { origin, key: key.into(), reason: reason.to_string() }
    }

    /// The error that serde's `message` stands for. `key` is the key at which it arose; for an unknown
    /// key, serde names it and the ones that there are.
    pub(super) fn of_serde(origin: Origin, key: &str, message: &str) -> Self {
        let Some(rest) = message.strip_prefix("unknown field `") else {
            return Self::value(origin, key, message);
        };
        let mut names = rest.split('`').step_by(2);
        let unknown = names.next().unwrap_or_default();
        let known: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
        let hint = match nearest(unknown, known.iter().copied()) {
            Some(name) => format!("did you mean {name:?}?"),
            None => format!("the keys here are {}", known.join(", ")),
        };
        // `key` may end at the section, at the unknown key or below it.
        let section = key.split('.').take_while(|part| !part.is_empty() && *part != unknown);
        let key = section.chain([unknown]).collect::<Vec<_>>().join(".");
        Self::UnknownKey { origin, key, hint }
    }

    /// An unreadable file.
    pub(super) fn unreadable(path: &Path, reason: &std::io::Error) -> Self {
        Self::Unreadable { path: path.to_owned(), reason: reason.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::{ConfigError, Origin};

    #[test]
    fn serde_messages_become_hints() {
        let message = "unknown field `cont`, expected one of `count`, `cores`, `idle`";
        let error = ConfigError::of_serde(Origin::Set, "workers.cont", message);
        assert_eq!(error.to_string(), "--set: workers.cont: unknown key; did you mean \"count\"?");
        let message = "unknown field `zebra`, expected `count` or `cores`";
        let error = ConfigError::of_serde(Origin::Default, "workers", message);
        assert_eq!(
            error.to_string(),
            "default: workers.zebra: unknown key; the keys here are count, cores"
        );
        let error = ConfigError::of_serde(Origin::Set, "a.b", "invalid type: map, expected u16");
        assert_eq!(error.to_string(), "--set: a.b: invalid type: map, expected u16");
    }
}
