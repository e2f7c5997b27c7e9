//! The prefilters of one IP protocol.

use std::sync::Arc;

use rules::hir::{Class, Rule};

use super::groups::{Member, PortGroups};
use super::property::Properties;
use super::table::{Pattern, Table};
use crate::Inspect;
use crate::cache::CompileCache;
use crate::header::{ends, has_ports};
use crate::scratch::CandidateSet;

/// Occurrences of one pattern in a payload that are looked at one by one; after them every rule of the
/// pattern becomes a candidate, wherever the rule wants it. Bounds the work on repetitive payloads.
const OCCURRENCES_MAX: u32 = 32;

/// A mark that says: nothing more to learn from this pattern in this packet.
const SETTLED: u32 = u32::MAX;

/// A rule's use of a pattern: where the pattern must lie for the rule to be a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PatternUse {
    /// Smallest start.
    pub(crate) earliest: u32,
    /// Largest end.
    pub(crate) latest: u32,
}

#[derive(Clone, Copy, Debug)]
struct Placed {
    rank: u32,
    place: PatternUse,
}

/// What is known of each pattern in the current packet.
#[derive(Debug)]
pub(crate) struct PatternMarks {
    epoch: u32,
    marks: Box<[Mark]>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    epoch: u32,
    occurrences: u32,
}

impl PatternMarks {
    /// Marks for domains of at most `patterns` patterns.
    pub(crate) fn new(patterns: usize) -> Self {
        Self { epoch: 0, marks: vec![Mark::default(); patterns].into_boxed_slice() }
    }

    /// Begins a packet.
    #[inline]
    pub(crate) fn start(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.marks.fill(Mark::default());
            self.epoch = 1;
        }
    }

    fn is_settled(&self, pattern: u32) -> bool {
        self.marks
            .get(pattern as usize)
            .is_some_and(|mark| mark.epoch == self.epoch && mark.occurrences == SETTLED)
    }

    fn of(&mut self, pattern: u32) -> Option<&mut u32> {
        let mark = self.marks.get_mut(pattern as usize)?;
        if mark.epoch != self.epoch {
            *mark = Mark { epoch: self.epoch, occurrences: 0 };
        }
        Some(&mut mark.occurrences)
    }
}

/// Which rules of a protocol a domain is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Situation {
    /// Packets whose payload is not in a stream.
    Packet,
    /// Packets whose payload is in a stream: rules that look at either wait for the chunk.
    InStream,
    /// Chunks of streams.
    Chunk,
}

impl Situation {
    /// Whether rules of `class` are looked at.
    pub(crate) const fn covers(self, class: Class) -> bool {
        match class {
            Class::PktOrStream => !matches!(self, Self::InStream),
            Class::PktAndStream => true,
            Class::Stream => matches!(self, Self::Chunk),
            Class::Pkt | Class::IpOnly | Class::PktHdr => !matches!(self, Self::Chunk),
            // Their index is by event.
            Class::Event => false,
        }
    }
}

/// The prefilters of one IP protocol in one [`Situation`].
#[derive(Debug)]
pub(crate) struct Domain {
    table: Arc<Table>,
    groups: PortGroups,
    /// Where the uses of each pattern begin; one more than patterns.
    use_lists: Box<[u32]>,
    uses: Box<[Placed]>,
    properties: Properties,
    /// Rules about addresses only, for the first packet of a flow's direction.
    ip_only: Properties,
}

impl Domain {
    /// Fills `candidates` with the ranks of rules that may match the packet; returns the bytes scanned.
    #[inline]
    pub(crate) fn prefilter(
        &self,
        view: &Inspect<'_>,
        marks: &mut PatternMarks,
        candidates: &mut CandidateSet,
    ) -> u32 {
        let mut insert_all = |ranks: &[u32]| ranks.iter().for_each(|rank| candidates.insert(*rank));
        self.properties.visit(view, &mut insert_all);
        if view.first_in_direction {
            self.ip_only.visit(view, &mut insert_all);
        }
        self.scan(view, view.payload, marks, candidates)
    }

    /// Fills `candidates` with the ranks of rules that may match a chunk; returns the bytes scanned.
    pub(crate) fn prefilter_chunks(
        &self,
        view: &Inspect<'_>,
        marks: &mut PatternMarks,
        candidates: &mut CandidateSet,
    ) -> u32 {
        self.properties
            .visit(view, |ranks: &[u32]| ranks.iter().for_each(|rank| candidates.insert(*rank)));
        let chunks = view.chunks.iter();
        chunks.fold(0, |sum, chunk| sum.saturating_add(self.scan(view, chunk, marks, candidates)))
    }

    /// Names the rules whose pattern is in `bytes`; returns how many bytes were scanned.
    #[inline]
    fn scan(
        &self,
        view: &Inspect<'_>,
        bytes: &[u8],
        marks: &mut PatternMarks,
        candidates: &mut CandidateSet,
    ) -> u32 {
        if bytes.is_empty() || self.uses.is_empty() {
            return 0;
        }
        marks.start();
        let ports =
            has_ports(view).then_some((view.tuple.source_port, view.tuple.destination_port));
        let (main, more) = self.groups.filters(ports);
        let mut hit = |at: usize, window: u32| self.on_window(bytes, at, window, marks, candidates);
        main.scan(bytes, &mut hit);
        if let Some(more) = more {
            more.scan(bytes, &mut hit);
        }
        u32::try_from(bytes.len()).unwrap_or(u32::MAX)
    }

    #[inline(never)]
    fn on_window(
        &self,
        payload: &[u8],
        at: usize,
        window: u32,
        marks: &mut PatternMarks,
        candidates: &mut CandidateSet,
    ) {
        let mut after = None;
        while let Some(found) =
            self.table.verify(payload, at, window, after, |pattern| !marks.is_settled(pattern))
        {
            self.on_pattern(found.pattern, found.start, found.end, marks, candidates);
            after = Some(found.entry);
        }
    }

    fn on_pattern(
        &self,
        pattern: u32,
        start: usize,
        end: usize,
        marks: &mut PatternMarks,
        candidates: &mut CandidateSet,
    ) {
        let index = pattern as usize;
        let Some([from, to]) = self.use_lists.get(index..index + 2) else { return };
        let Some(occurrences) = marks.of(pattern) else { return };
        *occurrences += 1;
        let all = *occurrences > OCCURRENCES_MAX;
        let mut settled = true;
        for placed in self.uses.get(*from as usize..*to as usize).unwrap_or_default() {
            let place = placed.place;
            if all || (start >= place.earliest as usize && end <= place.latest as usize) {
                candidates.insert(placed.rank);
            } else {
                settled = false;
            }
            settled &= all || (place.earliest == 0 && place.latest == u32::MAX);
        }
        if settled {
            *occurrences = SETTLED;
        }
    }

    /// Fills `candidates` with the rules about addresses only, where they are due.
    pub(crate) fn addresses(&self, view: &Inspect<'_>, candidates: &mut CandidateSet) {
        if view.first_in_direction {
            self.ip_only
                .visit(view, |ranks| ranks.iter().for_each(|rank| candidates.insert(*rank)));
        }
    }

    /// Number of distinct patterns.
    pub(crate) const fn patterns_len(&self) -> usize {
        self.use_lists.len().saturating_sub(1)
    }

    /// Number of filters.
    pub(crate) fn groups_len(&self) -> usize {
        self.groups.len()
    }

    /// Rules that are candidates for every packet of the protocol.
    pub(crate) const fn unfiltered_len(&self) -> usize {
        self.properties.unfiltered_len() + self.ip_only.unfiltered_len()
    }

    /// Bytes of the prefilters.
    pub(crate) fn bytes(&self) -> usize {
        self.table.size()
            + self.groups.bytes()
            + size_of_val(&*self.use_lists)
            + size_of_val(&*self.uses)
            + self.properties.bytes()
            + self.ip_only.bytes()
    }
}

/// A rule on its way into a domain.
struct Filed<'a> {
    rank: u32,
    rule: &'a Rule,
    swapped: bool,
}

/// Collects the rules of a domain.
#[derive(Default)]
pub(crate) struct DomainBuilder<'a> {
    with_pattern: Vec<(Pattern, PatternUse, Filed<'a>)>,
    without_pattern: Vec<Filed<'a>>,
}

impl<'a> DomainBuilder<'a> {
    /// Adds the directed rule of `rank`, to be found by `pattern` or, without one, by a property.
    pub(crate) fn add(
        &mut self,
        rank: u32,
        rule: &'a Rule,
        swapped: bool,
        pattern: Option<&(Pattern, PatternUse)>,
    ) {
        let filed = Filed { rank, rule, swapped };
        match pattern {
            Some((pattern, place)) => {
                self.with_pattern.push((pattern.clone(), *place, filed));
            }
            None => self.without_pattern.push(filed),
        }
    }

    /// Builds the domain.
    pub(crate) fn build(self, cache: &mut CompileCache) -> Domain {
        let mut patterns: Vec<Pattern> =
            self.with_pattern.iter().map(|(pattern, ..)| pattern.clone()).collect();
        patterns.sort_unstable();
        patterns.dedup();
        let mut members = Vec::with_capacity(self.with_pattern.len());
        let mut uses = Vec::with_capacity(self.with_pattern.len());
        for (pattern, place, filed) in &self.with_pattern {
            let index = patterns.binary_search(pattern).unwrap_or_else(|index| index);
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            let (source, destination) = ends(filed.rule, filed.swapped);
            members.push(Member {
                source: &source.ports,
                destination: &destination.ports,
                pattern: index,
            });
            uses.push((index, Placed { rank: filed.rank, place: *place }));
        }
        uses.sort_by_key(|(pattern, placed)| (*pattern, placed.rank));
        let use_lists = (0..=u32::try_from(patterns.len()).unwrap_or(u32::MAX))
            .map(|pattern| uses.partition_point(|(own, _)| *own < pattern))
            .map(|start| u32::try_from(start).unwrap_or(u32::MAX))
            .collect();
        let properties = |ip_only: bool| {
            let rules = self.without_pattern.iter();
            Properties::new(
                rules
                    .filter(|filed| (filed.rule.class == Class::IpOnly) == ip_only)
                    .map(|filed| (filed.rank, filed.rule, filed.swapped)),
            )
        };
        Domain {
            table: cache.table(&patterns),
            groups: PortGroups::new(&members, &patterns),
            use_lists,
            uses: uses.into_iter().map(|(_, placed)| placed).collect(),
            properties: properties(false),
            ip_only: properties(true),
        }
    }
}
