//! Rules found by a field of the headers, and by what few packets have: IPv4 options, equal addresses.

use rules::hir::{Field, NumberTest, PacketTest, Rule};

use super::range_map::{Range, RangeMap};
use crate::Inspect;
use crate::headers;

/// Share of packets that are taken to have IPv4 options, or one address at both ends.
const RARE: f64 = 1e-4;

/// What of the headers narrows a rule down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trait {
    Field(Field),
    IpOptions,
    SameAddresses,
}

/// Rule ranks by header fields while they are collected.
#[derive(Default)]
pub(super) struct Collected {
    fields: [Vec<Range<u32>>; Field::ALL.len()],
    with_options: Vec<u32>,
    same_addresses: Vec<u32>,
}

/// Rule ranks by header fields. Only fields that a rule is filed by are read from a packet.
#[derive(Debug, Default)]
pub(super) struct HeaderIndex {
    fields: Box<[(Field, RangeMap<u32>)]>,
    with_options: Box<[u32]>,
    same_addresses: Box<[u32]>,
}

/// The trait that narrows `rule` down most, with the share of all values that it accepts.
pub(super) fn best(rule: &Rule) -> Option<(f64, Trait)> {
    let of_test = |test: &PacketTest| match test {
        PacketTest::IpOption(_) => Some((RARE, Trait::IpOptions)),
        PacketTest::SameAddresses => Some((RARE, Trait::SameAddresses)),
        PacketTest::Field(test) => Some((share(rule, test.field), Trait::Field(test.field))),
        _ => None,
    };
    rule.packet.iter().filter_map(of_test).min_by(|a, b| a.0.total_cmp(&b.0))
}

/// The share of all values of `field` that `rule` accepts.
fn share(rule: &Rule, field: Field) -> f64 {
    let count: f64 = accepted(rule, field)
        .into_iter()
        .map(|(low, high)| f64::from(high) - f64::from(low) + 1.0)
        .sum();
    count / (f64::from(field.maximum()) + 1.0)
}

/// The values of `field` that every test of `rule` accepts, as sorted, disjoint ranges.
fn accepted(rule: &Rule, field: Field) -> Vec<(u32, u32)> {
    let mut ranges = vec![(0, field.maximum())];
    for test in &rule.packet {
        let PacketTest::Field(test) = test else { continue };
        if test.field == field {
            let own = values(test.number, field.maximum());
            ranges = ranges
                .iter()
                .flat_map(|a| own.iter().map(|b| (a.0.max(b.0), a.1.min(b.1))))
                .filter(|(low, high)| low <= high)
                .collect();
        }
    }
    ranges
}

/// The values up to `maximum` that `test` accepts.
fn values(test: NumberTest, maximum: u32) -> Vec<(u32, u32)> {
    let below = |n: u32| n.checked_sub(1).map(|high| (0, high));
    let above = |n: u32| n.checked_add(1).map(|low| (low, maximum));
    let ranges = match test {
        NumberTest::Equal(n) => [Some((n, n)), None],
        NumberTest::NotEqual(n) => [below(n), above(n)],
        NumberTest::Less(n) => [below(n), None],
        NumberTest::LessOrEqual(n) => [Some((0, n)), None],
        NumberTest::Greater(n) => [above(n), None],
        NumberTest::GreaterOrEqual(n) => [Some((n, maximum)), None],
        NumberTest::Between(low, high) => [low.checked_add(1).zip(high.checked_sub(1)), None],
    };
    let cut = ranges.into_iter().flatten().map(|(low, high)| (low, high.min(maximum)));
    cut.filter(|(low, high)| low <= high).collect()
}

impl Collected {
    /// Files the rule of rank `item` by `by`.
    pub(super) fn file(&mut self, item: u32, rule: &Rule, by: Trait) {
        match by {
            Trait::Field(field) => {
                if let Some(list) = self.fields.get_mut(field as usize) {
                    let ranges = accepted(rule, field);
                    list.extend(ranges.iter().map(|&(low, high)| Range { low, high, item }));
                }
            }
            Trait::IpOptions => self.with_options.push(item),
            Trait::SameAddresses => self.same_addresses.push(item),
        }
    }

    /// The index; rules that it has no room for go to `unfiltered`.
    pub(super) fn finish(self, unfiltered: &mut Vec<u32>) -> HeaderIndex {
        let mut fields = Vec::new();
        for (field, ranges) in Field::ALL.into_iter().zip(self.fields) {
            if !ranges.is_empty() {
                let (map, left_out) = RangeMap::new(ranges);
                unfiltered.extend(left_out);
                fields.push((field, map));
            }
        }
        HeaderIndex {
            fields: fields.into_boxed_slice(),
            with_options: self.with_options.into_boxed_slice(),
            same_addresses: self.same_addresses.into_boxed_slice(),
        }
    }
}

impl HeaderIndex {
    /// Bytes of the index.
    pub(super) fn bytes(&self) -> usize {
        self.fields.iter().map(|(_, map)| map.bytes()).sum::<usize>()
            + (self.with_options.len() + self.same_addresses.len()) * 4
    }

    /// Names the rules that `view` may match.
    #[inline]
    pub(super) fn visit(&self, view: &Inspect<'_>, visit: &mut impl FnMut(&[u32])) {
        for (field, map) in &self.fields {
            if let Some(value) = headers::field(*field, view) {
                visit(map.get(value));
            }
        }
        if !view.headers.ip_options.is_empty() {
            visit(&self.with_options);
        }
        if view.tuple.source == view.tuple.destination {
            visit(&self.same_addresses);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rules::hir::{Field, FieldTest, NumberTest, PacketTest, Protocol};

    use super::{accepted, share};
    use crate::testing::rule;

    fn a_test() -> impl Strategy<Value = NumberTest> {
        let n = prop_oneof![0..6_u32, 250..=255_u32];
        prop_oneof![
            n.clone().prop_map(NumberTest::Equal),
            n.clone().prop_map(NumberTest::NotEqual),
            n.clone().prop_map(NumberTest::Less),
            n.clone().prop_map(NumberTest::LessOrEqual),
            n.clone().prop_map(NumberTest::Greater),
            n.clone().prop_map(NumberTest::GreaterOrEqual),
            (n.clone(), n).prop_map(|(low, high)| NumberTest::Between(low, high)),
        ]
    }

    proptest! {
        #[test]
        fn ranges_are_what_the_tests_accept(tests in prop::collection::vec(a_test(), 0..3)) {
            let field = Field::Tos;
            let packet = tests.iter().map(|&number| PacketTest::Field(FieldTest { field, number }));
            let rule = rule(Protocol::Ip, packet.collect(), Vec::new());
            let ranges = accepted(&rule, field);
            prop_assert!(ranges.windows(2).all(|pair| pair[0].1 < pair[1].0));
            let mut count = 0;
            for value in 0..=255_u32 {
                let inside = ranges.iter().any(|(low, high)| (*low..=*high).contains(&value));
                prop_assert_eq!(inside, tests.iter().all(|test| test.accepts(value)));
                count += u32::from(inside);
            }
            prop_assert_eq!(share(&rule, field), f64::from(count) / 256.0);
        }
    }
}
