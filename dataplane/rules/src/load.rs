//! A whole rules file: each rule by itself, then which of those with the same `sid` counts.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::ast;
use crate::diagnostic::{Diagnostic, Fault, Kind, Severity};
use crate::environment::{Environment, Resolver};
use crate::hir::Rule;
use crate::limits::{RULE_BYTES_MAX, RULES_MAX};
use crate::lower::{Outcome, lower, meta};
use crate::parse::parse;
use crate::source::{LogicalLine, lines};

/// What came of a rules file.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The rules, in the order of the file; (gid, sid) is unique.
    pub rules: Vec<Rule>,
    /// Everything to be said, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
    /// Sums.
    pub counts: Counts,
}

/// `read = loaded + replaced + refused`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Rules in the file.
    pub read: usize,
    /// Rules kept.
    pub loaded: usize,
    /// Rules that gave way to one with the same `sid` and a higher `rev`.
    pub replaced: usize,
    /// Rules refused.
    pub refused: usize,
    /// Refused rules by the first reason of each: the keyword, `protocol NAME`, or the kind's name.
    pub refused_by: BTreeMap<String, usize>,
}

/// Loads the rules of `text`. `file` is how diagnostics name it. One bad rule never stops the others.
///
/// Of rules with the same `gid` and `sid` the one with the highest `rev` counts; one whose `rev` is not
/// higher than that of an earlier rule is refused as a duplicate, as in Suricata.
#[must_use]
pub fn load(text: &[u8], file: &str, environment: &Environment) -> Loaded {
    let mut loader = Loader {
        text,
        file: Arc::from(file),
        environment,
        resolver: Resolver::new(environment),
        rules: Vec::new(),
        by_sid: HashMap::new(),
        warned: HashSet::new(),
        loaded: Loaded::default(),
    };
    for line in lines(text) {
        if loader.loaded.counts.read == RULES_MAX {
            let message = format!("more than {RULES_MAX} rules; the rest is not read");
            let fault = Fault::new(Kind::Limit, ast::Span::new(0, 0), message);
            loader.say(Severity::Error, fault, &line, None);
            break;
        }
        loader.line(&line);
    }
    let Loader { rules, mut loaded, .. } = loader;
    loaded.rules = rules.into_iter().flatten().collect();
    loaded.counts.loaded = loaded.rules.len();
    loaded
}

struct Loader<'a> {
    text: &'a [u8],
    file: Arc<str>,
    environment: &'a Environment,
    resolver: Resolver<'a>,
    /// Rules kept so far; `None` where one was replaced.
    rules: Vec<Option<Rule>>,
    /// (gid, sid) → index in `rules`.
    by_sid: HashMap<(u32, u32), usize>,
    /// Unknown classtypes and reference schemes are named once.
    warned: HashSet<String>,
    loaded: Loaded,
}

impl Loader<'_> {
    fn line(&mut self, line: &LogicalLine<'_>) {
        self.loaded.counts.read += 1;
        let text = match checked(line) {
            Ok(text) => text,
            Err(fault) => return self.refuse(vec![fault], line, None),
        };
        let ast = match parse(text) {
            Ok(ast) => ast,
            Err(error) => {
                let kind = if error.limit { Kind::Limit } else { Kind::Syntax };
                let fault = Fault::new(kind, error.span, error.message);
                return self.refuse(vec![fault], line, None);
            }
        };
        let sid = written_sid(&ast);
        let outcome = lower(&ast, text, line.line, self.environment, &mut self.resolver);
        let Outcome { rule, warnings } = outcome;
        for warning in warnings {
            let once = matches!(warning.kind, Kind::UnknownClasstype | Kind::UnknownReference);
            if !once || self.warned.insert(warning.message.clone()) {
                self.say(Severity::Warning, warning, line, sid);
            }
        }
        match rule {
            Ok(rule) => self.keep(rule, &ast, line),
            Err(faults) => self.refuse(faults, line, sid),
        }
    }

    fn keep(&mut self, rule: Rule, ast: &ast::Rule<'_>, line: &LogicalLine<'_>) {
        let key = (rule.meta.gid, rule.meta.sid);
        let sid = Some(rule.meta.sid);
        let index = self.rules.len();
        let earlier = self.by_sid.get(&key).copied();
        if let Some(other) = earlier.and_then(|at| self.rules.get_mut(at)) {
            let (rev, line_before) = other.as_ref().map_or((0, 0), |o| (o.meta.rev, o.line));
            let span = sid_span(ast);
            if rule.meta.rev <= rev {
                let message = format!("`sid` {} is that of line {line_before}, rev {rev}", key.1);
                let fault = Fault::new(Kind::Duplicate, span, message)
                    .hint("take another `sid`, or a higher `rev` to replace it");
                return self.refuse(vec![fault], line, sid);
            }
            *other = None;
            self.loaded.counts.replaced += 1;
            let message = format!("replaces line {line_before}, which has a lower `rev`");
            self.say(Severity::Warning, Fault::new(Kind::Duplicate, span, message), line, sid);
        }
        self.by_sid.insert(key, index);
        self.rules.push(Some(rule));
    }

    fn refuse(&mut self, faults: Vec<Fault>, line: &LogicalLine<'_>, sid: Option<u32>) {
        let counts = &mut self.loaded.counts;
        counts.refused += 1;
        if let Some(first) = faults.first() {
            *counts.refused_by.entry(first.key()).or_default() += 1;
        }
        for fault in faults {
            self.say(Severity::Error, fault, line, sid);
        }
    }

    fn say(&mut self, severity: Severity, fault: Fault, line: &LogicalLine<'_>, sid: Option<u32>) {
        let start = line.place(fault.span.start, self.text);
        let end = line.place(fault.span.end, self.text).offset.max(start.offset);
        self.loaded.diagnostics.push(Diagnostic {
            severity,
            kind: fault.kind,
            file: Arc::clone(&self.file),
            line: start.line,
            column: start.column,
            span: ast::Span::new(start.offset, end),
            sid,
            keyword: fault.keyword,
            message: fault.message,
            hint: fault.hint,
        });
    }
}

fn checked<'a>(line: &'a LogicalLine<'_>) -> Result<&'a str, Fault> {
    if line.text.len() > RULE_BYTES_MAX {
        let message = format!("the rule is longer than {RULE_BYTES_MAX} bytes");
        return Err(Fault::new(Kind::Limit, ast::Span::new(0, line.text.len()), message));
    }
    std::str::from_utf8(&line.text).map_err(|error| {
        let at = error.valid_up_to();
        Fault::new(Kind::NotUtf8, ast::Span::new(at, at + 1), "the rule is not UTF-8")
            .hint("write other bytes of a content as `|hex|`")
    })
}

fn sid_word<'a>(rule: &ast::Rule<'a>) -> Option<ast::Word<'a>> {
    let sid = rule.options.iter().find(|option| option.name.text.eq_ignore_ascii_case("sid"));
    sid.and_then(|option| option.value)
}

fn written_sid(rule: &ast::Rule<'_>) -> Option<u32> {
    sid_word(rule).and_then(|word| meta::parse_sid(word.text))
}

fn sid_span(rule: &ast::Rule<'_>) -> ast::Span {
    sid_word(rule).map_or(rule.action.span(), |word| word.span())
}
