//! Rules as the configuration names them: files and what they are read against.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use control::{LoadedRules, RuleDiagnostic};
use detect::CompileCache;
use rules::{Counts, Environment, Kind};

use crate::config::{self, Variable};
use crate::exit::{Exit, Failure};

/// What rules are read against, of `config`.
///
/// # Errors
/// [`Exit::Rules`] when a file cannot be read, [`Exit::Usage`] for a variable that means nothing.
pub fn environment(config: &config::Rules) -> Result<Environment, Failure> {
    let text = |variables: &BTreeMap<String, Variable>| {
        variables.iter().map(|(name, value)| (name.clone(), value.to_string())).collect()
    };
    let mut environment = Environment {
        address_groups: text(&config.address_groups),
        port_groups: text(&config.port_groups),
        ..Environment::default()
    };
    check_variables(&environment)?;
    if let Some(path) = &config.classification {
        let (classifications, errors) = rules::parse_classifications(&read_text(path)?);
        environment.classifications = classifications;
        warn_of(path, &errors);
    }
    if let Some(path) = &config.reference {
        let (references, errors) = rules::parse_references(&read_text(path)?);
        environment.references = references;
        warn_of(path, &errors);
    }
    Ok(environment)
}

/// Reads a rule that uses each variable, so that a bad one is named once and not by every rule.
fn check_variables(environment: &Environment) -> Result<(), Failure> {
    let addresses = environment.address_groups.keys().map(|name| {
        (
            format!("rules.address_groups.{name}"),
            format!("alert ip ${name} any -> any any (sid:1;)"),
        )
    });
    let ports = environment.port_groups.keys().map(|name| {
        (format!("rules.port_groups.{name}"), format!("alert tcp any ${name} -> any any (sid:1;)"))
    });
    let wrong = addresses.chain(ports).filter_map(|(key, rule)| {
        let loaded = rules::load(rule.as_bytes(), &key, environment);
        let said = loaded.diagnostics.into_iter().find(|said| said.kind == Kind::Group)?;
        Some(format!("{key}: {}", said.message))
    });
    // A variable that names a bad one is bad as well; the message with the fewest steps is the cause's.
    match wrong.min_by_key(|message| message.matches("in `$").count()) {
        Some(message) => Err(Failure::new(Exit::Usage, message)),
        None => Ok(()),
    }
}

fn warn_of(path: &Path, errors: &[rules::ConfigError]) {
    for error in errors {
        tracing::warn!(file = %path.display(), line = error.line, "{}", error.message);
    }
}

fn read_text(path: &Path) -> Result<String, Failure> {
    let bytes = read(path)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| {
        let path = path.display();
        Failure::new(
            Exit::Rules,
            format!(
                "rules file {path}: {error}; check that it exists and that this user may read it"
            ),
        )
    })
}

/// The text of all rules files, one after the other, and the way back to each.
#[derive(Debug)]
pub struct RuleText {
    /// The rules.
    pub text: Vec<u8>,
    /// First line of each file in `text`, from 1, with the file.
    starts: Vec<(u32, String)>,
}

impl RuleText {
    /// Reads `paths`, in order.
    ///
    /// # Errors
    /// [`Exit::Rules`] when a file cannot be read.
    pub fn read(paths: &[PathBuf]) -> Result<Self, Failure> {
        let mut joined = Self { text: Vec::new(), starts: Vec::new() };
        let mut line = 1;
        for path in paths {
            let mut text = read(path)?;
            // A blank line between files: a backslash at the end of one does not reach into the next.
            text.extend_from_slice(b"\n\n");
            joined.starts.push((line, path.display().to_string()));
            line += text.iter().filter(|byte| **byte == b'\n').count() as u32;
            joined.text.append(&mut text);
        }
        Ok(joined)
    }

    /// What the rules are called as a whole.
    #[must_use]
    pub fn source(&self) -> String {
        self.starts.iter().map(|(_, file)| file.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Loads and compiles the rules. Those that are refused are among the diagnostics.
    ///
    /// # Errors
    /// [`Exit::Rules`] when the set as a whole is over a limit.
    pub fn compile(&self, environment: &Environment) -> Result<LoadedRules, Failure> {
        let mut cache = CompileCache::new();
        let mut loaded = LoadedRules::compile(&self.text, &self.source(), environment, &mut cache)
            .map_err(|error| Failure::new(Exit::Rules, error))?;
        self.place(&mut loaded.diagnostics);
        Ok(loaded)
    }

    /// Turns lines of the whole into files and their lines.
    pub fn place(&self, diagnostics: &mut [RuleDiagnostic]) {
        for said in diagnostics {
            let after = self.starts.partition_point(|(first, _)| *first <= said.line);
            if let Some((first, file)) = self.starts.get(after.saturating_sub(1)) {
                said.file.clone_from(file);
                said.line -= first - 1;
            }
        }
    }
}

/// A diagnostic as compilers print them.
pub struct Said<'a>(pub &'a RuleDiagnostic);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RuleDiagnostic { file, line, column, severity, message, hint, .. } = self.0;
        write!(f, "{file}:{line}:{column}: {severity}: {message}")?;
        hint.as_ref().map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

/// Refused rules by what refused them, most first.
#[must_use]
pub fn refused_by(counts: &Counts) -> Vec<(&str, usize)> {
    let mut by_count: Vec<_> =
        counts.refused_by.iter().map(|(keyword, count)| (keyword.as_str(), *count)).collect();
    by_count.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    by_count
}

#[cfg(test)]
mod tests {
    use super::RuleText;

    #[test]
    fn files_keep_apart_and_lines_lead_back() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let one = file("1", "alert udp any any -> any any (bad; sid:1;)\n# \\");
        let two = file("2", "# two\nalert udp any any -> any any (bad; sid:2;)");
        let text = RuleText::read(&[one.clone(), two.clone()]).unwrap();
        let loaded = text.compile(&rules::Environment::default()).unwrap();
        assert_eq!((loaded.counts.read, loaded.counts.refused), (2, 2));
        let places: Vec<_> =
            loaded.diagnostics.iter().map(|said| (said.file.clone(), said.line)).collect();
        let name = |path: &std::path::Path| path.display().to_string();
        assert_eq!(places, [(name(&one), 1), (name(&two), 2)]);
    }
}
