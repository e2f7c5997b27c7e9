//! What a rules file is read against, and the resolution of address and port expressions.
//!
//! Negation follows Suricata: all that is negated, at whatever depth of plain lists, is taken out of all
//! that is not; a negated list is worked out by itself first. Where only negated items name a family
//! (IPv4, IPv6), they are taken out of that whole family: `!10.0.0.0/8` is the rest of IPv4 and no IPv6.

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::config::Classification;
use crate::group::{GroupError, Item, Term, parse};
use crate::hir::{AddressSet, PortSet};
use crate::limits::{VARIABLE_BYTES_MAX, VARIABLE_DEPTH_MAX};
use crate::ranges::Ranges;

mod domain;

use domain::{ADDRESSES, Domain, PORTS};

/// What a rules file is read against.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// Address variables, without `$`: name → expression, which may name other variables.
    pub address_groups: BTreeMap<String, String>,
    /// Port variables, without `$`: name → expression, which may name other variables.
    pub port_groups: BTreeMap<String, String>,
    /// Classifications by lower-case short name; see [`parse_classifications`](crate::parse_classifications).
    pub classifications: BTreeMap<String, Classification>,
    /// Reference schemes in lower case → prefix of their URLs; see
    /// [`parse_references`](crate::parse_references).
    pub references: BTreeMap<String, String>,
}

/// The two families of an address; ports have the first only.
type Families = [Ranges; 2];

/// An expression, worked out as far as it goes without its surroundings.
#[derive(Clone, Debug, Default)]
struct Parts {
    positive: Families,
    negative: Families,
}

impl Parts {
    fn side(&mut self, negated: bool) -> &mut Families {
        if negated { &mut self.negative } else { &mut self.positive }
    }

    fn normalise(&mut self) {
        self.positive.iter_mut().chain(&mut self.negative).for_each(Ranges::normalise);
    }

    /// Takes the negated out of the rest. Refused, as in Suricata, if nothing would be left.
    fn merge(&mut self, domain: &Domain) -> Result<Families, String> {
        self.normalise();
        let mut out = Families::default();
        for (family, &maximum) in domain.maxima.iter().enumerate() {
            let (positive, negative) = (&self.positive[family], &self.negative[family]);
            out[family] = if positive.is_empty() && !negative.is_empty() {
                Ranges::one(0, maximum).minus(negative)
            } else {
                positive.minus(negative)
            };
        }
        if self.negative[0].is_full(domain.maxima[0]) {
            return Err(format!("every {} is negated", domain.whole));
        }
        if out.iter().all(Ranges::is_empty) {
            return Err(format!("no {} is left", domain.name));
        }
        Ok(out)
    }
}

/// A resolved side of a header.
#[derive(Clone, Debug)]
pub(crate) struct Resolved<T> {
    /// The set.
    pub(crate) set: T,
    /// A negation took part, here or in a variable.
    pub(crate) negated: bool,
}

/// Resolves expressions against an [`Environment`]; each text and each variable once.
pub(crate) struct Resolver<'e> {
    addresses: Table<'e>,
    ports: Table<'e>,
    address_sets: HashMap<String, Result<Resolved<AddressSet>, GroupError>>,
    port_sets: HashMap<String, Result<PortSet, GroupError>>,
}

impl<'e> Resolver<'e> {
    pub(crate) fn new(environment: &'e Environment) -> Self {
        Self {
            addresses: Table::new(&ADDRESSES, &environment.address_groups),
            ports: Table::new(&PORTS, &environment.port_groups),
            address_sets: HashMap::new(),
            port_sets: HashMap::new(),
        }
    }

    /// The addresses that `text` means. Spans of errors are bytes of `text`.
    pub(crate) fn addresses(&mut self, text: &str) -> Result<Resolved<AddressSet>, GroupError> {
        if let Some(known) = self.address_sets.get(text) {
            return known.clone();
        }
        let resolved = self.addresses.resolve(text).map(|(families, negated)| {
            let [v4, v6] = families;
            let v4 = v4.iter().map(|(low, high)| {
                Ipv4Addr::from_bits(low as u32)..=Ipv4Addr::from_bits(high as u32)
            });
            let v6 =
                v6.iter().map(|(low, high)| Ipv6Addr::from_bits(low)..=Ipv6Addr::from_bits(high));
            Resolved { set: AddressSet { v4: v4.collect(), v6: v6.collect() }, negated }
        });
        self.address_sets.insert(text.to_owned(), resolved.clone());
        resolved
    }

    /// The ports that `text` means. Spans of errors are bytes of `text`.
    pub(crate) fn ports(&mut self, text: &str) -> Result<PortSet, GroupError> {
        if let Some(known) = self.port_sets.get(text) {
            return known.clone();
        }
        let resolved = self.ports.resolve(text).map(|(families, _)| {
            PortSet(families[0].iter().map(|(low, high)| low as u16..=high as u16).collect())
        });
        self.port_sets.insert(text.to_owned(), resolved.clone());
        resolved
    }
}

/// The variables of one domain.
struct Table<'e> {
    domain: &'static Domain,
    variables: &'e BTreeMap<String, String>,
    /// What a variable came to; `None` while it is being worked out.
    known: HashMap<&'e str, Option<Result<Parts, String>>>,
}

impl<'e> Table<'e> {
    fn new(domain: &'static Domain, variables: &'e BTreeMap<String, String>) -> Self {
        Self { domain, variables, known: HashMap::new() }
    }

    fn resolve(&mut self, text: &str) -> Result<(Families, bool), GroupError> {
        let item = parse(text)?;
        let mut parts = Parts::default();
        self.collect(&item, &mut parts, 0)?;
        let whole = item.span;
        let families = parts.merge(self.domain).map_err(|error| GroupError::new(whole, error))?;
        Ok((families, parts.negative.iter().any(|ranges| !ranges.is_empty())))
    }

    fn collect(
        &mut self,
        item: &Item<'_>,
        into: &mut Parts,
        depth: usize,
    ) -> Result<(), GroupError> {
        let at = |message: String| GroupError::new(item.span, message);
        let inner = match &item.term {
            Term::Any => {
                for (side, &maximum) in into.side(item.negated).iter_mut().zip(self.domain.maxima) {
                    side.extend(&Ranges::one(0, maximum));
                }
                return Ok(());
            }
            Term::Leaf(text) => {
                let (family, low, high) = (self.domain.leaf)(text).map_err(at)?;
                into.side(item.negated)[family].extend(&Ranges::one(low, high));
                return Ok(());
            }
            Term::List(items) if !item.negated => {
                return items.iter().try_for_each(|item| self.collect(item, into, depth));
            }
            Term::List(items) => {
                let mut inner = Parts::default();
                items.iter().try_for_each(|item| self.collect(item, &mut inner, depth))?;
                inner
            }
            Term::Variable(name) => self.variable(name, depth).map_err(at)?,
        };
        self.include(inner, item.negated, into).map_err(at)
    }

    fn include(&self, mut inner: Parts, negated: bool, into: &mut Parts) -> Result<(), String> {
        let sides = if negated {
            [(inner.merge(self.domain)?, true), Default::default()]
        } else {
            [(inner.positive, false), (inner.negative, true)]
        };
        for (families, negated) in sides {
            for (side, ranges) in into.side(negated).iter_mut().zip(&families) {
                side.extend(ranges);
            }
        }
        Ok(())
    }

    fn variable(&mut self, name: &str, depth: usize) -> Result<Parts, String> {
        let Some((name, value)) = self.variables.get_key_value(name) else {
            return Err(format!("the {} variable `${name}` is not defined", self.domain.name));
        };
        match self.known.get(name.as_str()) {
            Some(Some(known)) => return known.clone(),
            Some(None) => return Err(format!("the variable `${name}` is defined by itself")),
            None if depth == VARIABLE_DEPTH_MAX => {
                return Err(format!("variables are nested deeper than {VARIABLE_DEPTH_MAX}"));
            }
            None => self.known.insert(name, None),
        };
        let parts = self.value(value, depth).map_err(|error| format!("in `${name}`: {error}"));
        self.known.insert(name, Some(parts.clone()));
        parts
    }

    fn value(&mut self, value: &str, depth: usize) -> Result<Parts, String> {
        if value.len() > VARIABLE_BYTES_MAX {
            return Err(format!("longer than {VARIABLE_BYTES_MAX} bytes"));
        }
        let item = parse(value).map_err(|error| error.message)?;
        let mut parts = Parts::default();
        self.collect(&item, &mut parts, depth + 1).map_err(|error| error.message)?;
        parts.normalise();
        Ok(parts)
    }
}

#[cfg(test)]
mod tests;
