//! The compiled rules, and matching them against one packet.

use std::sync::Arc;

use rules::hir::{Action, Class, Rule};

use crate::Inspect;
use crate::error::Refusal;
use crate::header::{HeaderCheck, number};
use crate::outcome::{Outcome, PassScope, SignatureIndex};
use crate::prefilter::{Domain, PatternMarks};
use crate::program::pcre::Regex;
use crate::program::{Program, Workspace};
use crate::report::CompileReport;
use crate::scratch::{CandidateSet, Scratch};

/// A rule in one direction; its index in [`RuleSet`] is its rank in the order of alerts.
#[derive(Debug)]
pub(crate) struct Directed {
    pub(crate) header: HeaderCheck,
    pub(crate) signature: u32,
    pub(crate) action: Action,
    /// Source and destination are exchanged.
    pub(crate) swapped: bool,
}

/// The prefilters by IP protocol.
#[derive(Debug)]
pub(crate) struct Domains {
    tcp: Domain,
    udp: Domain,
    icmp: Domain,
    icmpv6: Domain,
    sctp: Domain,
    other: Domain,
}

/// A protocol number that no rule can name (IANA: reserved).
const NO_PROTOCOL: u8 = 255;

impl Domains {
    pub(crate) fn new(mut build: impl FnMut(u8) -> Domain) -> Self {
        Self {
            tcp: build(number::TCP),
            udp: build(number::UDP),
            icmp: build(number::ICMP),
            icmpv6: build(number::ICMPV6),
            sctp: build(number::SCTP),
            other: build(NO_PROTOCOL),
        }
    }

    const fn all(&self) -> [&Domain; 6] {
        [&self.tcp, &self.udp, &self.icmp, &self.icmpv6, &self.sctp, &self.other]
    }

    #[inline]
    const fn of(&self, protocol: u8) -> &Domain {
        match protocol {
            number::TCP => &self.tcp,
            number::UDP => &self.udp,
            number::ICMP => &self.icmp,
            number::ICMPV6 => &self.icmpv6,
            number::SCTP => &self.sctp,
            _ => &self.other,
        }
    }

    /// Adds what the prefilters are to `report`.
    pub(crate) fn report(&self, report: &mut CompileReport) {
        for domain in self.all() {
            report.patterns += domain.patterns_len();
            report.groups += domain.groups_len();
            report.prefilter_bytes += domain.bytes();
            report.rules_unfiltered = report.rules_unfiltered.max(domain.unfiltered_len());
        }
    }
}

/// Compiled rules: immutable, and shared by all workers.
#[derive(Debug)]
pub struct RuleSet {
    pub(crate) signatures: Vec<Arc<Rule>>,
    /// The program of each signature.
    pub(crate) programs: Box<[Program]>,
    /// Expressions that need a worker's memory.
    pub(crate) simulated: Box<[Arc<Regex>]>,
    pub(crate) refused: Vec<Refusal>,
    pub(crate) directed: Box<[Directed]>,
    pub(crate) domains: Domains,
    pub(crate) alerts_max: usize,
    pub(crate) report: CompileReport,
}

impl RuleSet {
    /// The rules, by [`SignatureIndex`], in the order in which they were given.
    #[must_use]
    pub fn signatures(&self) -> &[Arc<Rule>] {
        &self.signatures
    }

    /// Rules that were left out, and why.
    #[must_use]
    pub fn refused(&self) -> &[Refusal] {
        &self.refused
    }

    /// What compiling did.
    #[must_use]
    pub const fn report(&self) -> &CompileReport {
        &self.report
    }

    /// Memory for one worker to match these rules. All allocation of matching happens here.
    #[must_use]
    pub fn new_scratch(&self) -> Scratch {
        let patterns = self.domains.all().into_iter().map(Domain::patterns_len).max();
        let steps = self.programs.iter().map(Program::len).max();
        Scratch {
            candidates: CandidateSet::new(self.directed.len()),
            marks: PatternMarks::new(patterns.unwrap_or(0)),
            workspace: Workspace::new(steps.unwrap_or(0), &self.simulated),
            alerts: Vec::with_capacity(self.directed.len().min(self.alerts_max)),
        }
    }

    /// Matches the rules against `view`. The alerts are then in [`Scratch::alerts`].
    ///
    /// Allocates nothing. `scratch` has to come from [`RuleSet::new_scratch`] of this rule set; with
    /// another's, rules may be missed.
    pub fn inspect(&self, view: &Inspect<'_>, scratch: &mut Scratch) -> Outcome {
        scratch.alerts.clear();
        scratch.workspace.start();
        let mut outcome = Outcome {
            bytes_scanned: self.domains.of(view.tuple.protocol).prefilter(
                view,
                &mut scratch.marks,
                &mut scratch.candidates,
            ),
            ..Outcome::default()
        };
        while let Some(rank) = scratch.candidates.pop() {
            outcome.candidates += 1;
            let Some(rule) = self.directed.get(rank as usize) else { continue };
            if !rule.header.matches(view) || !self.program_matches(rule, view, scratch) {
                continue;
            }
            if rule.action == Action::Pass {
                outcome.pass = Some(self.pass_scope(rule));
                scratch.candidates.clear();
            } else if scratch.alerts.len() < self.alerts_max.min(scratch.alerts.capacity()) {
                scratch.alerts.push(SignatureIndex(rule.signature));
            } else {
                outcome.alerts_cut += 1;
            }
        }
        outcome.match_limit_hits = scratch.workspace.limit_hits;
        outcome
    }

    #[inline]
    fn program_matches(&self, rule: &Directed, view: &Inspect<'_>, scratch: &mut Scratch) -> bool {
        self.programs
            .get(rule.signature as usize)
            .is_some_and(|program| program.matches(view.payload, &mut scratch.workspace))
    }

    fn pass_scope(&self, rule: &Directed) -> PassScope {
        match self.signatures.get(rule.signature as usize) {
            Some(rule) if rule.class == Class::IpOnly => PassScope::Flow,
            _ => PassScope::Packet,
        }
    }
}
