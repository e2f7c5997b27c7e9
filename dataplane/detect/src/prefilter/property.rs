//! Rules without a literal: found by the packet property that narrows them down most.

use rules::hir::{PacketTest, PortSet, Rule};

use super::fields::{self, HeaderIndex, Trait};
use super::range_map::{Key, Range, RangeMap};
use crate::flow::way_and_state_pass;
use crate::header::{ends, flags_match, has_ports};
use crate::{FlowView, Inspect};

/// A property that more than this share of all values passes does not narrow a rule down.
const SHARE_MAX: f64 = 0.5;

/// Indexes from packet properties to rule ranks; each rule is in one of them.
#[derive(Debug, Default)]
pub(super) struct Properties {
    source: Addresses,
    destination: Addresses,
    source_port: RangeMap<u16>,
    destination_port: RangeMap<u16>,
    flags: RangeMap<u16>,
    itype: RangeMap<u16>,
    ttl: RangeMap<u16>,
    dsize: RangeMap<u32>,
    /// By [`flow_code`].
    flow: RangeMap<u16>,
    headers: HeaderIndex,
    /// Rules that no property narrows down.
    unfiltered: Box<[u32]>,
}

#[derive(Debug, Default)]
struct Addresses {
    v4: RangeMap<u32>,
    v6: RangeMap<u128>,
}

/// The ranges of each index while they are collected.
#[derive(Default)]
struct Collected {
    v4: [Vec<Range<u32>>; 2],
    v6: [Vec<Range<u128>>; 2],
    ports: [Vec<Range<u16>>; 2],
    flags: Vec<Range<u16>>,
    itype: Vec<Range<u16>>,
    ttl: Vec<Range<u16>>,
    dsize: Vec<Range<u32>>,
    flow: Vec<Range<u16>>,
    headers: fields::Collected,
    unfiltered: Vec<u32>,
}

/// The properties by which a rule can be filed.
#[derive(Clone, Copy, Debug)]
enum Property {
    /// Address of side 0 (source) or 1 (destination).
    Address(usize),
    Port(usize),
    Flags,
    Itype,
    Ttl,
    Dsize,
    /// Way and state of the flow.
    Flow,
    Header(Trait),
}

const PROPERTIES: [Property; 9] = [
    Property::Address(0),
    Property::Address(1),
    Property::Port(1),
    Property::Port(0),
    Property::Flags,
    Property::Itype,
    Property::Dsize,
    Property::Ttl,
    Property::Flow,
];

/// Values of [`flow_code`].
const FLOW_CODES: u16 = 5;

/// Way and state of a packet's flow as one number below [`FLOW_CODES`].
const fn flow_code(flow: Option<&FlowView>) -> u16 {
    match flow {
        None => 0,
        Some(flow) => 1 + flow.to_server as u16 + 2 * flow.established as u16,
    }
}

/// Every [`flow_code`], and whether `rule` accepts it.
fn flow_codes(rule: &Rule) -> impl Iterator<Item = (u16, bool)> + '_ {
    (0..FLOW_CODES).map(|code| {
        let flow = code.checked_sub(1).map(|bits| FlowView {
            to_server: bits & 1 != 0,
            established: bits & 2 != 0,
            age_s: 0,
            stream_sizes: None,
        });
        (code, way_and_state_pass(rule, flow.as_ref()))
    })
}

impl Properties {
    /// Files each (rank, rule, whether its ends are exchanged).
    pub(super) fn new<'a>(rules: impl Iterator<Item = (u32, &'a Rule, bool)>) -> Self {
        let mut collected = Collected::default();
        for (rank, rule, swapped) in rules {
            let best = PROPERTIES
                .iter()
                .map(|property| (share(rule, swapped, *property), *property))
                .chain(fields::best(rule).map(|(share, by)| (share, Property::Header(by))))
                .min_by(|a, b| a.0.total_cmp(&b.0))
                .filter(|(share, _)| *share < SHARE_MAX);
            match best {
                Some((_, property)) => collected.file(rank, rule, swapped, property),
                None => collected.unfiltered.push(rank),
            }
        }
        collected.finish()
    }

    /// Rules that no property narrows down.
    pub(super) const fn unfiltered_len(&self) -> usize {
        self.unfiltered.len()
    }

    /// Bytes of the indexes.
    pub(super) fn bytes(&self) -> usize {
        let sides = [&self.source, &self.destination];
        sides.iter().map(|side| side.v4.bytes() + side.v6.bytes()).sum::<usize>()
            + self.source_port.bytes()
            + self.destination_port.bytes()
            + self.flags.bytes()
            + self.itype.bytes()
            + self.ttl.bytes()
            + self.dsize.bytes()
            + self.flow.bytes()
            + self.headers.bytes()
            + self.unfiltered.len() * 4
    }

    /// Names the rules that `view` may match.
    #[inline]
    pub(super) fn visit(&self, view: &Inspect<'_>, mut visit: impl FnMut(&[u32])) {
        let tuple = &view.tuple;
        visit(&self.unfiltered);
        visit(self.source.get(tuple.source));
        visit(self.destination.get(tuple.destination));
        if has_ports(view) {
            visit(self.source_port.get(tuple.source_port));
            visit(self.destination_port.get(tuple.destination_port));
        }
        if let Some(flags) = view.tcp_flags {
            visit(self.flags.get(flags.into()));
        }
        if let Some((kind, _)) = view.icmp {
            visit(self.itype.get(kind.into()));
        }
        visit(self.ttl.get(view.ttl.into()));
        visit(self.dsize.get(view.payload_bytes));
        visit(self.flow.get(flow_code(view.flow.as_ref())));
        self.headers.visit(view, &mut visit);
    }
}

impl Addresses {
    #[inline]
    fn get(&self, address: std::net::IpAddr) -> &[u32] {
        match address {
            std::net::IpAddr::V4(address) => self.v4.get(address.to_bits()),
            std::net::IpAddr::V6(address) => self.v6.get(address.to_bits()),
        }
    }
}

impl Collected {
    fn file(&mut self, item: u32, rule: &Rule, swapped: bool, property: Property) {
        match property {
            Property::Address(side) => self.file_addresses(item, rule, swapped, side),
            Property::Port(side) => {
                let set = ports(rule, swapped, side);
                if let Some(list) = self.ports.get_mut(side) {
                    let ranges = set.0.iter();
                    list.extend(ranges.map(|range| Range {
                        low: *range.start(),
                        high: *range.end(),
                        item,
                    }));
                }
            }
            Property::Flags => spans(&mut self.flags, item, byte_values(rule, Property::Flags)),
            Property::Itype => spans(&mut self.itype, item, byte_values(rule, Property::Itype)),
            Property::Ttl => spans(&mut self.ttl, item, byte_values(rule, Property::Ttl)),
            Property::Flow => spans(&mut self.flow, item, flow_codes(rule)),
            Property::Header(by) => self.headers.file(item, rule, by),
            Property::Dsize => {
                let sizes = (0..=u32::from(u16::MAX)).map(|size| (size, dsize_accepts(rule, size)));
                spans(&mut self.dsize, item, sizes);
            }
        }
    }

    fn file_addresses(&mut self, item: u32, rule: &Rule, swapped: bool, side: usize) {
        let (source, destination) = ends(rule, swapped);
        let set = if side == 0 { &source.addresses } else { &destination.addresses };
        if let (Some(v4), Some(v6)) = (self.v4.get_mut(side), self.v6.get_mut(side)) {
            v4.extend(set.v4.iter().map(|range| Range {
                low: range.start().to_bits(),
                high: range.end().to_bits(),
                item,
            }));
            v6.extend(set.v6.iter().map(|range| Range {
                low: range.start().to_bits(),
                high: range.end().to_bits(),
                item,
            }));
        }
    }

    fn finish(self) -> Properties {
        let mut unfiltered = self.unfiltered;
        fn map<K: Key>(ranges: Vec<Range<K>>, unfiltered: &mut Vec<u32>) -> RangeMap<K> {
            let (map, left_out) = RangeMap::new(ranges);
            unfiltered.extend(left_out);
            map
        }
        let ([source_v4, destination_v4], [source_v6, destination_v6]) = (self.v4, self.v6);
        let [source_port, destination_port] = self.ports;
        let rest = &mut unfiltered;
        let mut properties = Properties {
            source: Addresses { v4: map(source_v4, rest), v6: map(source_v6, rest) },
            destination: Addresses { v4: map(destination_v4, rest), v6: map(destination_v6, rest) },
            source_port: map(source_port, rest),
            destination_port: map(destination_port, rest),
            flags: map(self.flags, rest),
            itype: map(self.itype, rest),
            ttl: map(self.ttl, rest),
            dsize: map(self.dsize, rest),
            flow: map(self.flow, rest),
            headers: self.headers.finish(rest),
            unfiltered: Box::default(),
        };
        unfiltered.sort_unstable();
        unfiltered.dedup();
        properties.unfiltered = unfiltered.into_boxed_slice();
        properties
    }
}

fn ports(rule: &Rule, swapped: bool, side: usize) -> &PortSet {
    let (source, destination) = ends(rule, swapped);
    if side == 0 { &source.ports } else { &destination.ports }
}

/// The share of all values of `property` that `rule` accepts; 1 where it says nothing of it.
fn share(rule: &Rule, swapped: bool, property: Property) -> f64 {
    let bytes = |property| {
        byte_values(rule, property).filter(|(_, accepted)| *accepted).count() as f64 / 256.0
    };
    match property {
        Property::Address(side) => {
            let (source, destination) = ends(rule, swapped);
            let set = if side == 0 { &source.addresses } else { &destination.addresses };
            let v4 = set.v4.iter().map(|range| {
                f64::from(range.end().to_bits() - range.start().to_bits()) / f64::from(u32::MAX)
            });
            let v6 = set.v6.iter().map(|range| {
                (range.end().to_bits() - range.start().to_bits()) as f64 / u128::MAX as f64
            });
            v4.sum::<f64>().max(v6.sum())
        }
        Property::Port(side) => {
            let set = ports(rule, swapped, side);
            set.0.iter().map(|r| f64::from(r.end() - r.start()) + 1.0).sum::<f64>() / 65_536.0
        }
        Property::Flags | Property::Itype | Property::Ttl => bytes(property),
        Property::Flow => {
            let accepted = flow_codes(rule).filter(|(_, accepted)| *accepted).count();
            accepted as f64 / f64::from(FLOW_CODES)
        }
        Property::Dsize if rule.packet.iter().any(|t| matches!(t, PacketTest::Dsize(_))) => {
            let sizes = 0..=u32::from(u16::MAX);
            sizes.filter(|size| dsize_accepts(rule, *size)).count() as f64 / 65_536.0
        }
        Property::Dsize | Property::Header(_) => 1.0,
    }
}

fn dsize_accepts(rule: &Rule, size: u32) -> bool {
    rule.packet.iter().all(|test| match test {
        PacketTest::Dsize(number) => number.accepts(size),
        _ => true,
    })
}

/// Every value of a property of one byte, and whether `rule` accepts it.
fn byte_values(rule: &Rule, property: Property) -> impl Iterator<Item = (u16, bool)> + '_ {
    (0..=u8::MAX).map(move |value| {
        let accepted = rule.packet.iter().all(|test| match (property, test) {
            (Property::Flags, PacketTest::Flags(flags)) => flags_match(flags, value),
            (Property::Itype, PacketTest::Itype(number))
            | (Property::Ttl, PacketTest::Ttl(number)) => number.accepts(value.into()),
            _ => true,
        });
        (u16::from(value), accepted)
    })
}

/// Adds the runs of accepted values as ranges.
fn spans<K: Key>(ranges: &mut Vec<Range<K>>, item: u32, values: impl Iterator<Item = (K, bool)>) {
    let mut open: Option<Range<K>> = None;
    for (value, accepted) in values {
        match (&mut open, accepted) {
            (Some(range), true) => range.high = value,
            (None, true) => open = Some(Range { low: value, high: value, item }),
            (_, false) => ranges.extend(open.take()),
        }
    }
    ranges.extend(open);
}
