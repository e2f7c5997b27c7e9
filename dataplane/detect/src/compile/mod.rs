//! HIR to [`RuleSet`]: programs → order → fast patterns → domains.

mod fast_pattern;

use std::sync::Arc;
use std::time::Instant;

use rules::hir::Rule;

use self::fast_pattern::Statistics;
use crate::buffers::BufferPrograms;
use crate::cache::CompileCache;
use crate::error::{CompileError, PcreError, Refusal};
use crate::events::{EventIndex, first_event};
use crate::flow::FlowProgram;
use crate::header::HeaderCheck;
use crate::headers::rule_covers;
use crate::order::{both_ways, rank};
use crate::prefilter::DomainBuilder;
use crate::program::Program;
use crate::program::pcre::{Limits, RegexCompiler};
use crate::report::CompileReport;
use crate::ruleset::{Directed, Domains, RuleSet};

/// Limits and choices of a compilation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileOptions {
    /// Alerts of one packet that are raised, counted from the front of the order; the others are
    /// counted in `Outcome::alerts_cut`. `None`: all. The peer's default is 15 (`packet-alert-max`).
    pub alerts_per_packet_max: Option<u32>,
    /// Rules of a set.
    pub rules_max: usize,
    /// Bytes of the DFA of one regular expression; a larger one is simulated as an NFA: slower, so
    /// that it meets `INSPECTION_WORK_MAX` sooner.
    pub regex_bytes_max: usize,
    /// Bytes of all automata of regular expressions; the expressions after it is reached are simulated.
    pub regex_total_bytes_max: usize,
}

impl Default for CompileOptions {
    fn default() -> Self {
        Self {
            alerts_per_packet_max: None,
            rules_max: 1 << 20,
            regex_bytes_max: 512 << 10,
            regex_total_bytes_max: 256 << 20,
        }
    }
}

impl RuleSet {
    /// Compiles `rules`. A rule that cannot be compiled is left out and named in
    /// [`RuleSet::refused`]; the others are not touched by it.
    ///
    /// # Errors
    /// [`CompileError`] where the set as a whole is beyond a limit.
    pub fn compile(
        rules: Vec<Rule>,
        options: &CompileOptions,
        cache: &mut CompileCache,
    ) -> Result<Self, CompileError> {
        if rules.len() > options.rules_max {
            let (rules, rules_max) = (rules.len(), options.rules_max);
            return Err(CompileError::TooManyRules { rules, rules_max });
        }
        cache.begin();
        let started = Instant::now();
        let mut programs = compile_programs(rules, options, cache);
        let programs_time = started.elapsed();

        let started = Instant::now();
        let statistics = Statistics::of(programs.signatures.iter().map(AsRef::as_ref));
        let patterns: Vec<_> =
            programs.signatures.iter().map(|rule| statistics.choose(rule)).collect();
        let patterns_time = started.elapsed();

        let started = Instant::now();
        let directed = directed_rules(&programs.signatures);
        let domains = Domains::new(|number, situation| {
            let mut builder = DomainBuilder::default();
            for (rank, directed) in (0_u32..).zip(&directed) {
                let index = directed.signature as usize;
                let Some(rule) = programs.signatures.get(index) else { continue };
                let is_here = rule_covers(rule, number) && situation.covers(rule.class);
                if is_here && first_event(rule).is_none() {
                    let pattern = patterns.get(index).and_then(Option::as_ref);
                    builder.add(rank, rule, directed.swapped, pattern);
                }
            }
            builder.build(cache)
        });
        let ranked = (0_u32..).zip(&directed).filter_map(|(rank, directed)| {
            Some((rank, programs.signatures.get(directed.signature as usize)?.as_ref()))
        });
        let events = EventIndex::new(ranked);
        let prefilters_time = started.elapsed();

        let hits = cache.end();
        let mut report = CompileReport {
            rules: programs.signatures.len(),
            refused: programs.refused.len(),
            rules_without_pattern: patterns.iter().filter(|pattern| pattern.is_none()).count(),
            regexes_compiled: hits.regexes_compiled,
            regexes_cached: hits.regexes_cached,
            matchers_cached: hits.tables_cached,
            regex_bytes: programs.regex_bytes,
            programs_time,
            patterns_time,
            prefilters_time,
            ..CompileReport::default()
        };
        domains.report(&mut report);
        report.prefilter_bytes += events.bytes();
        programs.refused.shrink_to_fit();
        Ok(Self {
            signatures: programs.signatures,
            programs: programs.programs.into_boxed_slice(),
            uses_variables: programs.flow_programs.iter().any(FlowProgram::uses_variables),
            flow_programs: programs.flow_programs.into_boxed_slice(),
            names: cache.names(),
            buffers: programs.buffers.into_boxed_slice(),
            simulated: programs.simulated.into_boxed_slice(),
            refused: programs.refused,
            directed: directed.into_boxed_slice(),
            domains,
            events,
            alerts_max: options.alerts_per_packet_max.map_or(usize::MAX, |most| most as usize),
            report,
        })
    }
}

/// Rules with their programs, and those that have none.
#[derive(Default)]
struct Programs {
    signatures: Vec<Arc<Rule>>,
    programs: Vec<Program>,
    flow_programs: Vec<FlowProgram>,
    buffers: Vec<BufferPrograms>,
    refused: Vec<Refusal>,
    simulated: Vec<Arc<crate::program::pcre::Regex>>,
    regex_bytes: usize,
}

fn compile_programs(
    rules: Vec<Rule>,
    options: &CompileOptions,
    cache: &mut CompileCache,
) -> Programs {
    let limits = Limits {
        dfa_bytes_max: options.regex_bytes_max,
        total_bytes_max: options.regex_total_bytes_max,
    };
    let mut compiled = Programs::default();
    let mut flows = Vec::with_capacity(rules.len());
    // The two take turns with the cache, so the flows' programs come first.
    for rule in &rules {
        flows.push(cache.flow_program(rule));
    }
    let mut regexes = RegexCompiler::new(cache, limits);
    for (rule, flow) in rules.into_iter().zip(flows) {
        let programs = flow.and_then(|flow| Ok((programs_of(&rule, &mut regexes)?, flow)));
        match programs {
            Ok(((program, buffers), flow)) => {
                compiled.programs.push(program);
                compiled.buffers.push(buffers);
                compiled.flow_programs.push(flow);
                compiled.signatures.push(Arc::new(rule));
            }
            Err(reason) => {
                let (gid, sid, line) = (rule.meta.gid, rule.meta.sid, rule.line);
                compiled.refused.push(Refusal { gid, sid, line, reason });
            }
        }
    }
    compiled.regex_bytes = regexes.bytes;
    compiled.simulated = regexes.into_simulated();
    compiled
}

/// The programs of the payload and of the sticky buffers of `rule`.
fn programs_of(
    rule: &Rule,
    regexes: &mut RegexCompiler<'_>,
) -> Result<(Program, BufferPrograms), PcreError> {
    Ok((Program::compile(&rule.payload, regexes)?, BufferPrograms::compile(rule, regexes)?))
}

/// The rules in the order in which they are raised, those for both directions twice.
fn directed_rules(signatures: &[Arc<Rule>]) -> Vec<Directed> {
    let mut directed = Vec::with_capacity(signatures.len());
    for (signature, rule) in (0_u32..).zip(signatures) {
        for swapped in [false, true] {
            if !swapped || both_ways(rule) {
                directed.push(Directed {
                    header: HeaderCheck::new(rule, swapped),
                    signature,
                    action: rule.action,
                    raises: rule.raises,
                    swapped,
                });
            }
        }
    }
    let key =
        |directed: &Directed| signatures.get(directed.signature as usize).map(|rule| rank(rule));
    directed.sort_by_key(key);
    directed
}
