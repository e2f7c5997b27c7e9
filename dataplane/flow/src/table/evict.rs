//! Which flow makes room for another.

use contract::{FlowEnd, FlowStage};

use super::{FlowTable, Place, WAYS};

/// Order in which flows make room that are not silent too long: closed ones have nothing to lose; half-open
/// ones are what a flood is made of; a bypassed flow can be bypassed again; what is known of an
/// established one cannot be won back.
const fn rank(stage: FlowStage) -> u8 {
    match stage {
        FlowStage::Closed => 1,
        FlowStage::New => CHEAP,
        FlowStage::Bypassed => 3,
        FlowStage::Established => 4,
    }
}

/// Highest rank of a flow for which no other bucket is looked at.
const CHEAP: u8 = 2;

/// A flow that may make room.
#[derive(Clone, Copy, Debug)]
struct Victim {
    /// Its rank (0 where it is silent too long), then the longest silent first, of equals the older.
    order: (u8, u64, u64),
    position: usize,
    end: FlowEnd,
}

impl<T: Default> FlowTable<T> {
    /// The position for a new flow: a free one of either bucket; else that of the flow that is to end for
    /// it. The second bucket is asked only where the first has none but bypassed and established flows, so
    /// that a flood costs no more than it must.
    pub(super) fn room(&self, place: Place, now_ns: u64) -> (usize, Option<FlowEnd>) {
        let free = |bucket: usize| self.tags[bucket].0.iter().position(|tag| *tag == 0);
        if let Some(way) = free(place.first) {
            return (place.first * WAYS + way, None);
        }
        if let Some(way) = free(place.second) {
            return (place.second * WAYS + way, None);
        }
        let first = self.victim(place.first, now_ns);
        let victim = match first {
            Some(Victim { order: (..=CHEAP, ..), .. }) => first,
            _ => first.into_iter().chain(self.victim(place.second, now_ns)).min_by_key(|v| v.order),
        };
        victim.map_or((place.first * WAYS, None), |victim| (victim.position, Some(victim.end)))
    }

    /// The flow of `bucket` that matters least.
    fn victim(&self, bucket: usize, now_ns: u64) -> Option<Victim> {
        let entries = self.entries.iter().enumerate().skip(bucket * WAYS).take(WAYS);
        let victims = entries.filter_map(|(position, entry)| {
            let core = &entry.as_ref()?.core;
            let (rank, end) = if self.is_over(core, now_ns) {
                (0, FlowEnd::timed_out(core.stage()))
            } else {
                (rank(core.stage()), FlowEnd::evicted(core.stage()))
            };
            Some(Victim { order: (rank, core.last_ns, core.id), position, end })
        });
        victims.min_by_key(|victim| victim.order)
    }
}
