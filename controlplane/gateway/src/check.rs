//! `check`: reads the configuration and the rules as `run` would, and says all that is wrong.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;

use control::{LoadedRules, RuleDiagnostic};
use serde::Serialize;

use crate::cli::{Check, Output};
use crate::exit::{Exit, Failure};
use crate::rulefiles::{self, RuleText, Said};

/// What `--output json` prints.
#[derive(Debug, Serialize)]
struct Report<'a> {
    /// Rules in the files.
    read: usize,
    /// Rules that match.
    loaded: usize,
    /// Rules that gave way to one with the same `sid` and a higher `rev`.
    replaced: usize,
    /// Rules that were refused.
    refused: usize,
    /// Refused rules by what refused them.
    refused_by_keyword: &'a BTreeMap<String, usize>,
    /// Everything to be said about the rules.
    diagnostics: &'a [RuleDiagnostic],
}

impl<'a> From<&'a LoadedRules> for Report<'a> {
    fn from(loaded: &'a LoadedRules) -> Self {
        let counts = &loaded.counts;
        Self {
            read: counts.read,
            loaded: counts.loaded,
            replaced: counts.replaced,
            refused: counts.refused,
            refused_by_keyword: &counts.refused_by,
            diagnostics: &loaded.diagnostics,
        }
    }
}

/// A report for people.
struct Text<'a>(&'a LoadedRules);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LoadedRules { counts, diagnostics, .. } = self.0;
        diagnostics.iter().try_for_each(|said| writeln!(f, "{}", Said(said)))?;
        writeln!(f, "the configuration is valid")?;
        let rules::Counts { read, loaded, refused, replaced, .. } = counts;
        write!(f, "{read} rules read: {loaded} loaded, {refused} refused")?;
        if *replaced > 0 {
            write!(f, ", {replaced} replaced")?;
        }
        writeln!(f)?;
        let by = rulefiles::refused_by(counts);
        by.iter().try_for_each(|(keyword, count)| writeln!(f, "{count:>10}  {keyword}"))
    }
}

/// Runs the command.
///
/// # Errors
/// [`Exit::Usage`] for the configuration, [`Exit::Rules`] for files that cannot be read and, with
/// `--strict`, for refused rules.
pub fn check(args: &Check) -> Result<(), Failure> {
    let config = args.config.load()?;
    crate::logging::start(&config.log);
    let files = if args.rules.is_empty() { &config.rules.files } else { &args.rules };
    let loaded = RuleText::read(files)?.compile(&rulefiles::environment(&config.rules)?)?;
    print(&loaded, args.output)?;
    match loaded.diagnostics.iter().find(|said| said.is_error()) {
        Some(first) if args.strict => Err(Failure::new(
            Exit::Rules,
            format!("{} rules are refused, the first: {}", loaded.counts.refused, Said(first)),
        )),
        _ => Ok(()),
    }
}

fn print(loaded: &LoadedRules, output: Output) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let printed = match output {
        Output::Text => write!(out, "{}", Text(loaded)),
        Output::Json => serde_json::to_writer_pretty(&mut out, &Report::from(loaded))
            .map_err(std::io::Error::from)
            .and_then(|()| writeln!(out)),
    };
    printed.map_err(|error| Failure::new(Exit::Output, format!("standard output: {error}")))
}
