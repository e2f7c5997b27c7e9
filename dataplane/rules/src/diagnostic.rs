//! What is to be said about a rules file.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::ast::Span;

/// How much a diagnostic weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The rule is refused.
    Error,
    /// The rule is kept.
    Warning,
}

/// What a diagnostic is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The rule is not UTF-8.
    NotUtf8,
    /// The text is not shaped like a rule.
    Syntax,
    /// The header's action, protocol or direction is not one that exists.
    Header,
    /// An address or port expression is wrong, or nothing is left of it.
    Group,
    /// Suricata knows it, this version does not yet.
    Unsupported,
    /// Nobody knows the keyword.
    UnknownKeyword,
    /// A keyword's value is missing, superfluous or wrong.
    Value,
    /// Options contradict each other, or lack one that they need.
    Conflict,
    /// There is no `sid`.
    MissingSid,
    /// Another rule has the same `gid` and `sid`.
    Duplicate,
    /// A bound of [`limits`](crate::limits) was crossed.
    Limit,
    /// The `classtype` is not in the classifications.
    UnknownClasstype,
    /// The `reference` is of a scheme that is not configured.
    UnknownReference,
}

impl Kind {
    /// A stable name, also the key under which refusals without a keyword are counted.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotUtf8 => "not_utf8",
            Self::Syntax => "syntax",
            Self::Header => "header",
            Self::Group => "group",
            Self::Unsupported => "unsupported",
            Self::UnknownKeyword => "unknown_keyword",
            Self::Value => "value",
            Self::Conflict => "conflict",
            Self::MissingSid => "missing_sid",
            Self::Duplicate => "duplicate",
            Self::Limit => "limit",
            Self::UnknownClasstype => "unknown_classtype",
            Self::UnknownReference => "unknown_reference",
        }
    }
}

/// One thing to be said, with its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Whether the rule is refused.
    pub severity: Severity,
    /// What it is about.
    pub kind: Kind,
    /// The file, as its reader named it.
    #[serde(serialize_with = "text")]
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Bytes of the file.
    pub span: Span,
    /// The rule's `sid`, where it could be read.
    pub sid: Option<u32>,
    /// The keyword by its current name; `protocol NAME` for the header's protocol word.
    pub keyword: Option<Cow<'static, str>>,
    /// What is wrong, in a few words.
    pub message: String,
    /// What would be right.
    pub hint: Option<String>,
}

fn text<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}:{}:{}: {severity}: {}", self.file, self.line, self.column, self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

/// A problem of one rule, before its place in the file is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: Kind,
    /// Bytes of the rule.
    pub(crate) span: Span,
    pub(crate) keyword: Option<Cow<'static, str>>,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Fault {
    pub(crate) fn new(kind: Kind, span: Span, message: impl Into<String>) -> Self {
        Self { kind, span, keyword: None, message: message.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn keyword(mut self, keyword: impl Into<Cow<'static, str>>) -> Self {
        self.keyword = Some(keyword.into());
        self
    }

    /// The key under which a rule that this refuses is counted.
    pub(crate) fn key(&self) -> String {
        self.keyword.as_deref().unwrap_or(self.kind.name()).to_owned()
    }
}
