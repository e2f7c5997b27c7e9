//! Prefilters: from a packet to the few rules that may match it.
//!
//! Each IP protocol that rules know has a [`Domain`]; TCP has one for each [`Situation`]. Rules with a literal are found by one pass of a
//! hashed-window filter over the payload ([`filter`], [`table`]), chosen by port group ([`groups`]);
//! rules without one by a packet property ([`property`]). What comes out is a superset of the rules
//! that match, never less.

mod domain;
mod fields;
mod filter;
mod groups;
mod property;
mod range_map;
mod table;
mod window;

pub(crate) use self::domain::{Domain, DomainBuilder, PatternMarks, PatternUse, Situation};
pub(crate) use self::table::{Pattern, Table};
pub(crate) use self::window::{Shape, fold, window_at};
