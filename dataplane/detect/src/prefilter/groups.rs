//! Port groups: which filter is for which ports.
//!
//! Rules are filed by destination port, else by source port, else in every group. A packet is scanned
//! with the filter of its destination port (which holds the patterns of rules for any port too), and
//! with that of its source port where rules ask for one.

use std::collections::HashMap;

use rules::hir::PortSet;

use super::filter::Filter;
use super::range_map::{Range, RangeMap};
use super::table::Pattern;
use crate::header::is_any_port;

/// Filters of one side; ports beyond the largest groups share one filter.
const GROUPS_MAX: usize = 64;

/// The ports of a directed rule, and its pattern.
#[derive(Clone, Debug)]
pub(super) struct Member<'a> {
    pub(super) source: &'a PortSet,
    pub(super) destination: &'a PortSet,
    pub(super) pattern: u32,
}

/// From ports to filters.
#[derive(Debug, Default)]
pub(super) struct PortGroups {
    /// Rules for any port.
    any: Filter,
    destination: PortSide,
    source: PortSide,
}

#[derive(Debug, Default)]
struct PortSide {
    ports: RangeMap<u16>,
    /// Filter of each interval of `ports`.
    filter_of: Box<[u16]>,
    filters: Box<[Filter]>,
}

impl PortGroups {
    /// The groups of `members`.
    pub(super) fn new(members: &[Member<'_>], patterns: &[Pattern]) -> Self {
        let mut any: Vec<u32> = Vec::new();
        let (mut by_destination, mut by_source) = (Vec::new(), Vec::new());
        for member in members {
            let (set, ranges) = if !is_any_port(member.destination) {
                (member.destination, &mut by_destination)
            } else if !is_any_port(member.source) {
                (member.source, &mut by_source)
            } else {
                any.push(member.pattern);
                continue;
            };
            let item = member.pattern;
            ranges.extend(set.0.iter().map(|range| Range {
                low: *range.start(),
                high: *range.end(),
                item,
            }));
        }
        let (destinations, left_out) = RangeMap::new(merged(by_destination));
        any.extend(left_out);
        let (sources, left_out) = RangeMap::new(merged(by_source));
        any.extend(left_out);
        Self {
            destination: PortSide::new(destinations, &any, patterns),
            source: PortSide::new(sources, &[], patterns),
            any: filter(&any, patterns),
        }
    }

    /// Number of filters.
    pub(super) fn len(&self) -> usize {
        usize::from(!self.any.is_empty())
            + self.destination.filters.len()
            + self.source.filters.len()
    }

    /// Bytes of the filters.
    pub(super) fn bytes(&self) -> usize {
        self.any.bytes() + self.destination.bytes() + self.source.bytes()
    }

    /// The filters for a packet with `ports` (source, destination), or without any.
    #[inline]
    pub(super) fn filters(&self, ports: Option<(u16, u16)>) -> (&Filter, Option<&Filter>) {
        let Some((source, destination)) = ports else { return (&self.any, None) };
        let main = self.destination.filter(destination).unwrap_or(&self.any);
        (main, self.source.filter(source))
    }
}

impl PortSide {
    fn new(ports: RangeMap<u16>, always: &[u32], patterns: &[Pattern]) -> Self {
        let mut groups: Vec<Vec<u32>> = Vec::new();
        let mut known: HashMap<Vec<u32>, usize> = HashMap::new();
        let mut group_of = Vec::with_capacity(ports.len());
        for interval in 0..ports.len() {
            let mut list = ports.list(interval).to_vec();
            list.sort_unstable();
            list.dedup();
            let group = *known.entry(list).or_insert_with_key(|list| {
                groups.push(list.clone());
                groups.len() - 1
            });
            group_of.push(group);
        }
        let place = share_smallest(&mut groups);
        let filters = groups.iter_mut().map(|group| {
            if group.is_empty() && always.is_empty() {
                return Filter::default();
            }
            group.extend_from_slice(always);
            filter(group, patterns)
        });
        let filters = filters.collect();
        let filter_of =
            group_of.into_iter().map(|group| place.get(group).copied().unwrap_or(0)).collect();
        Self { ports, filter_of, filters }
    }

    #[inline]
    fn filter(&self, port: u16) -> Option<&Filter> {
        let group = self.filter_of.get(self.ports.interval(port)?)?;
        self.filters.get(usize::from(*group)).filter(|filter| !filter.is_empty())
    }

    fn bytes(&self) -> usize {
        self.ports.bytes()
            + self.filter_of.len() * 2
            + self.filters.iter().map(Filter::bytes).sum::<usize>()
    }
}

fn filter(list: &[u32], patterns: &[Pattern]) -> Filter {
    Filter::new(list.iter().filter_map(|pattern| patterns.get(*pattern as usize)))
}

/// Makes the ranges of each pattern disjoint: several rules may share it.
fn merged(mut ranges: Vec<Range<u16>>) -> Vec<Range<u16>> {
    ranges.sort_unstable_by_key(|range| (range.item, range.low));
    let mut out: Vec<Range<u16>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match out.last_mut() {
            Some(last) if last.item == range.item && range.low <= last.high => {
                last.high = last.high.max(range.high);
            }
            _ => out.push(range),
        }
    }
    out
}

/// Puts the smallest groups together until [`GROUPS_MAX`] are left; returns the new place of each.
fn share_smallest(groups: &mut Vec<Vec<u32>>) -> Vec<u16> {
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by_key(|index| core::cmp::Reverse(groups.get(*index).map_or(0, Vec::len)));
    let mut place = vec![0; groups.len()];
    let mut shared: Vec<Vec<u32>> = Vec::new();
    for index in order {
        let group = groups.get_mut(index).map(core::mem::take).unwrap_or_default();
        if shared.len() < GROUPS_MAX {
            shared.push(group);
        } else if let Some(last) = shared.last_mut() {
            last.extend(group);
        }
        if let Some(place) = place.get_mut(index) {
            *place = u16::try_from(shared.len().saturating_sub(1)).unwrap_or(u16::MAX);
        }
    }
    *groups = shared;
    place
}
