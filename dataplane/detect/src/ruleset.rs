//! The compiled rules, and matching them against one packet and what is due of its stream.

use std::sync::Arc;

use rules::hir::{Action, Class, Rule};

use crate::buffers::BufferPrograms;
use crate::error::Refusal;
use crate::events::EventIndex;
use crate::flow::{FlowProgram, Names};
use crate::header::{HeaderCheck, number};
use crate::headers::OTHER;
use crate::outcome::{Match, Outcome, PassScope, SignatureIndex};
use crate::prefilter::{Domain, PatternMarks, Situation};
use crate::program::pcre::Regex;
use crate::program::{Program, Workspace};
use crate::report::CompileReport;
use crate::scratch::{Candidate, CandidateSet, Scratch};
use crate::{FlowVariables, Inspect, Scope};

/// A rule in one direction; its index in [`RuleSet`] is its rank in the order of alerts.
#[derive(Debug)]
pub(crate) struct Directed {
    pub(crate) header: HeaderCheck,
    pub(crate) signature: u32,
    pub(crate) action: Action,
    /// A match raises an alert.
    pub(crate) raises: bool,
    /// Source and destination are exchanged.
    pub(crate) swapped: bool,
}

/// The prefilters by IP protocol, those of TCP by [`Situation`] as well.
#[derive(Debug)]
pub(crate) struct Domains {
    tcp: Domain,
    tcp_in_stream: Domain,
    tcp_chunk: Domain,
    udp: Domain,
    icmp: Domain,
    icmpv6: Domain,
    sctp: Domain,
    other: Domain,
}

impl Domains {
    pub(crate) fn new(mut build: impl FnMut(u8, Situation) -> Domain) -> Self {
        Self {
            tcp: build(number::TCP, Situation::Packet),
            tcp_in_stream: build(number::TCP, Situation::InStream),
            tcp_chunk: build(number::TCP, Situation::Chunk),
            udp: build(number::UDP, Situation::Packet),
            icmp: build(number::ICMP, Situation::Packet),
            icmpv6: build(number::ICMPV6, Situation::Packet),
            sctp: build(number::SCTP, Situation::Packet),
            other: build(OTHER, Situation::Packet),
        }
    }

    const fn all(&self) -> [&Domain; 8] {
        [
            &self.tcp,
            &self.tcp_in_stream,
            &self.tcp_chunk,
            &self.udp,
            &self.icmp,
            &self.icmpv6,
            &self.sctp,
            &self.other,
        ]
    }

    /// The domain for the packet of `view`.
    #[inline]
    const fn of(&self, view: &Inspect<'_>) -> &Domain {
        match view.tuple.protocol {
            number::TCP if view.in_stream => &self.tcp_in_stream,
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
    /// What each signature asks of flows and changes in them.
    pub(crate) flow_programs: Box<[FlowProgram]>,
    /// The names of flow variables, those of earlier generations included.
    pub(crate) names: Arc<Names>,
    /// The programs of each signature's sticky buffers.
    pub(crate) buffers: Box<[BufferPrograms]>,
    /// Expressions that need a worker's memory.
    pub(crate) simulated: Box<[Arc<Regex>]>,
    pub(crate) refused: Vec<Refusal>,
    pub(crate) directed: Box<[Directed]>,
    pub(crate) domains: Domains,
    pub(crate) events: EventIndex,
    pub(crate) alerts_max: usize,
    /// A rule reads or writes variables of flows.
    pub(crate) uses_variables: bool,
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
        let in_buffers = self.buffers.iter().map(BufferPrograms::len_max);
        let steps = self.programs.iter().map(Program::len).chain(in_buffers).max();
        Scratch {
            candidates: CandidateSet::new(self.directed.len()),
            chunk_candidates: CandidateSet::new(self.directed.len()),
            marks: PatternMarks::new(patterns.unwrap_or(0)),
            workspace: Workspace::new(steps.unwrap_or(0), &self.simulated),
            alerts: Vec::with_capacity(self.directed.len().min(self.alerts_max)),
        }
    }

    /// Whether any rule needs the variables of flows; if none does, any will do for
    /// [`RuleSet::inspect`].
    #[must_use]
    pub const fn uses_variables(&self) -> bool {
        self.uses_variables
    }

    /// Matches the rules against `view`, a packet of the flow with `variables`, in the order in which
    /// they are raised: each rule at most once, in the packet or in a chunk of its stream, and what one notes,
    /// the next sees. The alerts are then in [`Scratch::alerts`].
    ///
    /// Allocates nothing. `scratch` has to come from [`RuleSet::new_scratch`] of this rule set; with
    /// another's, rules may be missed.
    pub fn inspect(
        &self,
        view: &Inspect<'_>,
        variables: &mut FlowVariables,
        scratch: &mut Scratch,
    ) -> Outcome {
        scratch.alerts.clear();
        scratch.workspace.start();
        let mut outcome =
            Outcome { bytes_scanned: self.prefilter(view, scratch), ..Outcome::default() };
        while let Some(candidate) = scratch.next_candidate() {
            outcome.candidates += 1;
            let Some(rule) = self.directed.get(candidate.rank as usize) else { continue };
            let Some(flow) = self.flow_programs.get(rule.signature as usize) else { continue };
            // After a `pass` nothing is raised; what rules note is noted all the same.
            let passed = outcome.pass.is_some();
            if (passed && !flow.changes())
                || !rule.header.matches(view)
                || !flow.matches(view, variables)
            {
                continue;
            }
            let Some(found) = self.find(rule, candidate, view, scratch) else { continue };
            if flow.changes() && view.flow.is_some() {
                outcome.bypass |= flow.apply(variables);
            }
            if passed {
                continue;
            }
            if rule.action == Action::Pass {
                outcome.pass = Some(self.pass_scope(rule));
            }
            if rule.raises {
                self.raise(found, scratch, &mut outcome);
            }
        }
        outcome.match_limit_hits = scratch.workspace.limit_hits;
        outcome
    }

    fn raise(&self, found: Match, scratch: &mut Scratch, outcome: &mut Outcome) {
        if scratch.alerts.len() < self.alerts_max.min(scratch.alerts.capacity()) {
            scratch.alerts.push(found);
        } else {
            outcome.alerts_cut += 1;
        }
    }

    /// Fills the candidates of `scratch`; returns the bytes scanned.
    #[inline]
    fn prefilter(&self, view: &Inspect<'_>, scratch: &mut Scratch) -> u32 {
        let mut scanned = 0;
        if !view.chunks_only {
            let (domain, candidates) = (self.domains.of(view), &mut scratch.candidates);
            match view.scope {
                Scope::Whole => scanned = domain.prefilter(view, &mut scratch.marks, candidates),
                Scope::Malformed | Scope::Undecoded => domain.addresses(view, candidates),
            }
            self.events.visit(&view.events, |rank| candidates.insert(rank));
        }
        if !view.chunks.is_empty() {
            let (marks, candidates) = (&mut scratch.marks, &mut scratch.chunk_candidates);
            let more = self.domains.tcp_chunk.prefilter_chunks(view, marks, candidates);
            scanned = scanned.saturating_add(more);
        }
        scanned
    }

    /// Where the programs of `rule`, whose header has matched, match: those of its sticky buffers, and that of
    /// the payload. As in the peer, the stream is looked at before the packet.
    #[inline]
    fn find(
        &self,
        rule: &Directed,
        candidate: Candidate,
        view: &Inspect<'_>,
        scratch: &mut Scratch,
    ) -> Option<Match> {
        let (signature, index) = (SignatureIndex(rule.signature), rule.signature as usize);
        let program = self.programs.get(index)?;
        if !self.buffers.get(index)?.match_all(view, &mut scratch.workspace) {
            return None;
        }
        if candidate.chunk {
            for (index, chunk) in (0_u8..).zip(view.chunks) {
                if program.matches(chunk, &mut scratch.workspace) {
                    return Some(Match { signature, chunk: Some(index) });
                }
            }
        }
        let found = candidate.packet && program.matches(view.payload, &mut scratch.workspace);
        found.then_some(Match { signature, chunk: None })
    }

    fn pass_scope(&self, rule: &Directed) -> PassScope {
        match self.signatures.get(rule.signature as usize) {
            Some(rule) if rule.class == Class::IpOnly => PassScope::Flow,
            _ => PassScope::Packet,
        }
    }
}
