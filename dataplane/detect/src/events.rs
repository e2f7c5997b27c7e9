//! Rules about events: found by the events that a packet has, and by nothing else.

use contract::{Event, EventSet};
use rules::hir::{PacketTest, Rule};

/// From events to rule ranks; each rule about events is filed under the first that it names.
#[derive(Debug)]
pub(crate) struct EventIndex {
    ranks: Box<[Box<[u32]>]>,
}

impl EventIndex {
    /// Files each (rank, rule) that names an event.
    pub(crate) fn new<'a>(rules: impl Iterator<Item = (u32, &'a Rule)>) -> Self {
        let mut ranks = vec![Vec::new(); Event::ALL.len()];
        for (rank, rule) in rules {
            let list = first_event(rule).and_then(|event| ranks.get_mut(event as usize));
            if let Some(list) = list {
                list.push(rank);
            }
        }
        Self { ranks: ranks.into_iter().map(Vec::into_boxed_slice).collect() }
    }

    /// Names the rules that a packet with `events` may match.
    #[inline]
    pub(crate) fn visit(&self, events: &EventSet, mut visit: impl FnMut(u32)) {
        if events.is_empty() {
            return;
        }
        for event in events.iter() {
            let ranks = self.ranks.get(event as usize);
            ranks.into_iter().flatten().for_each(|rank| visit(*rank));
        }
    }

    /// Bytes of the index.
    pub(crate) fn bytes(&self) -> usize {
        self.ranks.iter().map(|list| size_of_val(&**list) + size_of_val(list)).sum()
    }
}

/// The event under which `rule` is filed; `None` where it names none.
pub(crate) fn first_event(rule: &Rule) -> Option<Event> {
    rule.packet.iter().find_map(|test| match test {
        PacketTest::Event(event) => Some(*event),
        _ => None,
    })
}
