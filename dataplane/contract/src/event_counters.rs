//! How often each event was seen.

use crate::counter::Counter;
use crate::event::{Event, EventSet};

/// A counter for each [`Event`], with one writer.
#[derive(Debug)]
pub struct EventCounters([Counter; Event::ALL.len()]);

impl Default for EventCounters {
    fn default() -> Self {
        Self(core::array::from_fn(|_| Counter::default()))
    }
}

impl EventCounters {
    /// Counts each event of `events` once. Only the owning thread may call this.
    #[inline]
    pub fn count(&self, events: &EventSet) {
        if !events.is_empty() {
            events.iter().for_each(|event| self.0[event as usize].increment());
        }
    }

    /// How often `event` was counted.
    #[must_use]
    pub fn get(&self, event: Event) -> u64 {
        self.0[event as usize].get()
    }

    /// The events that were seen, and how often.
    pub fn iter(&self) -> impl Iterator<Item = (Event, u64)> + '_ {
        let counts = Event::ALL.iter().map(|event| (*event, self.get(*event)));
        counts.filter(|(_, count)| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::EventCounters;
    use crate::event::{Event, EventSet};

    #[test]
    fn each_event_is_counted_by_itself() {
        let counters = EventCounters::default();
        let both = EventSet::from_iter([Event::TooManyLayers, Event::StreamWrongThread]);
        counters.count(&both);
        counters.count(&EventSet::from_iter([Event::TooManyLayers]));
        counters.count(&EventSet::EMPTY);
        let seen = counters.iter().map(|(event, count)| (event.name(), count));
        assert!(seen.eq([("decoder.too_many_layers", 2), ("stream.wrong_thread", 1)]));
    }
}
