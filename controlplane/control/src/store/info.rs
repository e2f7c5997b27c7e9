//! What the API tells of a generation.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use detect::{CompileReport, Refusal};
use rules::{Counts, Diagnostic, Severity};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use super::compile::LoadedRules;
use crate::time::UtcTime;

/// One thing to be said about a rules text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RuleDiagnostic {
    /// `error`: the rule is refused; `warning`: it is kept.
    pub severity: String,
    /// What it is about, a stable word.
    pub kind: String,
    /// The file, or what stands for it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// The rule's `sid`, where it could be read.
    pub sid: Option<u32>,
    /// The keyword, where it is about one.
    pub keyword: Option<String>,
    /// What is wrong.
    pub message: String,
    /// The mend.
    pub hint: Option<String>,
}

impl From<&Diagnostic> for RuleDiagnostic {
    fn from(said: &Diagnostic) -> Self {
        let severity = match said.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        Self {
            severity: severity.into(),
            kind: said.kind.name().into(),
            file: said.file.to_string(),
            line: said.line,
            column: said.column,
            sid: said.sid,
            keyword: said.keyword.as_ref().map(ToString::to_string),
            message: said.message.clone(),
            hint: said.hint.as_ref().map(ToString::to_string),
        }
    }
}

impl RuleDiagnostic {
    /// What the compiler said of a rule that it left out.
    pub(super) fn of_refusal(refusal: &Refusal, file: &str) -> Self {
        Self {
            severity: "error".into(),
            kind: "unsupported".into(),
            file: file.into(),
            line: refusal.line,
            column: 1,
            sid: Some(refusal.sid),
            keyword: None,
            message: refusal.reason.to_string(),
            hint: None,
        }
    }

    /// Whether it says that a rule is refused.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == "error"
    }
}

/// Rules of a text: `read = loaded + replaced + refused`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct RuleCounts {
    /// Rules in the text.
    pub read: usize,
    /// Rules in the generation.
    pub loaded: usize,
    /// Rules that gave way to one with the same `sid` and a higher `rev`.
    pub replaced: usize,
    /// Rules refused.
    pub refused: usize,
    /// Rules refused, by the first reason of each.
    pub refused_by: BTreeMap<String, usize>,
}

impl From<&Counts> for RuleCounts {
    fn from(counts: &Counts) -> Self {
        let Counts { read, loaded, replaced, refused, refused_by } = counts.clone();
        Self { read, loaded, replaced, refused, refused_by }
    }
}

/// What compiling a generation did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct CompileInfo {
    /// Distinct fast patterns.
    pub patterns: usize,
    /// Port groups with a prefilter of their own.
    pub groups: usize,
    /// Rules that no literal narrows down.
    pub rules_without_pattern: usize,
    /// Of these, rules that are candidates on every packet of their protocol.
    pub rules_unfiltered: usize,
    /// Regular expressions compiled, and taken from the cache.
    pub regexes_compiled: usize,
    /// Regular expressions taken from the cache.
    pub regexes_cached: usize,
    /// Matchers taken from the cache.
    pub matchers_cached: usize,
    /// Bytes of regular expressions and prefilters.
    pub bytes: usize,
    /// Milliseconds that it took.
    pub milliseconds: u64,
}

impl From<&CompileReport> for CompileInfo {
    fn from(report: &CompileReport) -> Self {
        let time = report.programs_time + report.patterns_time + report.prefilters_time;
        Self {
            patterns: report.patterns,
            groups: report.groups,
            rules_without_pattern: report.rules_without_pattern,
            rules_unfiltered: report.rules_unfiltered,
            regexes_compiled: report.regexes_compiled,
            regexes_cached: report.regexes_cached,
            matchers_cached: report.matchers_cached,
            bytes: report.regex_bytes + report.prefilter_bytes,
            milliseconds: u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// A generation, as the API tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct GenerationInfo {
    /// Its number; it rises by one for each generation of a boot.
    pub number: u32,
    /// Where it came from.
    pub source: String,
    /// When it was activated.
    pub activated: String,
    /// SHA-256 of its rules as written, one a line: of what `?full=true` gives.
    pub sha256: String,
    /// Rules of its text.
    pub counts: RuleCounts,
    /// What compiling it did.
    pub compile: CompileInfo,
}

impl GenerationInfo {
    pub(super) fn new(number: u32, source: &str, wall_ns: u64, loaded: &LoadedRules) -> Self {
        let mut sha256 = String::with_capacity(64);
        for byte in Sha256::digest(loaded.text()) {
            // Writing to a `String` cannot fail.
            let _ = write!(sha256, "{byte:02x}");
        }
        Self {
            number,
            source: source.into(),
            activated: UtcTime(wall_ns).to_string(),
            sha256,
            counts: RuleCounts::from(&loaded.counts),
            compile: CompileInfo::from(loaded.rules.report()),
        }
    }
}
