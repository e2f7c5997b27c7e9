//! Overrides: `--set section.key=value` and the environment.

use super::error::{ConfigError, Origin};

/// Environment variables with this prefix override keys: `SENSOR_GATEWAY__WORKERS__COUNT=2`.
pub const ENVIRONMENT_PREFIX: &str = "SENSOR_GATEWAY__";

/// Sections whose keys are names of the user's, and keep their case.
const NAMED: [&str; 2] = ["address_groups", "port_groups"];

/// One key with the text of its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// Where it was written.
    pub origin: Origin,
    /// Section and key, dotted.
    pub key: String,
    /// The value as written: TOML, or else taken as a string.
    pub value: String,
}

/// Reads the argument of `--set`.
///
/// # Errors
/// [`ConfigError::Override`] when it is not `section.key=value`.
pub fn from_set(written: &str) -> Result<Override, ConfigError> {
    let malformed = || ConfigError::Override { origin: Origin::Set, written: written.to_owned() };
    let (key, value) = written.split_once('=').ok_or_else(malformed)?;
    let key = key.trim();
    if !key.contains('.') || key.split('.').any(str::is_empty) {
        return Err(malformed());
    }
    Ok(Override { origin: Origin::Set, key: key.to_owned(), value: value.trim().to_owned() })
}

/// The overrides among environment `variables`, ordered by name so that the outcome does not depend on
/// the environment's order.
#[must_use]
pub fn from_environment(variables: impl IntoIterator<Item = (String, String)>) -> Vec<Override> {
    let mut found: Vec<Override> = variables
        .into_iter()
        .filter_map(|(name, value)| {
            let key = key_of_variable(name.strip_prefix(ENVIRONMENT_PREFIX)?);
            Some(Override { origin: Origin::Environment(name), key, value })
        })
        .collect();
    found.sort_by(|a, b| a.key.cmp(&b.key));
    found
}

fn key_of_variable(name: &str) -> String {
    let mut key = Vec::new();
    let mut keeps_case = false;
    for part in name.split("__") {
        let part = if keeps_case { part.to_owned() } else { part.to_ascii_lowercase() };
        keeps_case = NAMED.contains(&part.as_str());
        key.push(part);
    }
    key.join(".")
}

#[cfg(test)]
mod tests {
    use super::{from_environment, from_set};

    #[test]
    fn reads_set() {
        let set = from_set("workers.count = 2").unwrap();
        assert_eq!((set.key.as_str(), set.value.as_str()), ("workers.count", "2"));
        let set = from_set("api.listen=127.0.0.1:1=x").unwrap();
        assert_eq!(set.value, "127.0.0.1:1=x");
        for bad in ["workers.count", "count=2", ".count=2", "workers.=2", "=", ""] {
            let error = from_set(bad).unwrap_err().to_string();
            assert!(error.contains("section.key=value"), "{error}");
        }
    }

    #[test]
    fn reads_the_environment() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let found = from_environment([
            pair("SENSOR_GATEWAY__WORKERS__BURST_MAX", "8"),
            pair("PATH", "/bin"),
            pair("SENSOR_GATEWAY__RULES__ADDRESS_GROUPS__HOME_NET", "10.0.0.0/8"),
        ]);
        let keys: Vec<&str> = found.iter().map(|found| found.key.as_str()).collect();
        assert_eq!(keys, ["rules.address_groups.HOME_NET", "workers.burst_max"]);
    }
}
