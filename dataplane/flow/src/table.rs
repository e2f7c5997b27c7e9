//! The table: buckets of [`WAYS`] entries, found by tag.
//!
//! ```text
//! keyed hash ─┬─ low bits: first bucket ─► eight tags ─┬─► entry: core and state
//!             ├─ both: second bucket ────► eight tags ─┤
//!             └─ high bits: tag ───────────────────────┘
//! ```
//!
//! A flow lies in its first bucket, or in its second where the first was full. With one bucket for each, the
//! uneven spread of any hash would have one flow in 120 make room while half of the table is free; with
//! two it is one in 3,500.
//!
//! A look-up never drops a flow: where one has to go, it is handed out before the packet gets its own
//! ([`Looked::Ended`]). Whether a flow is silent too long is judged by the time of the packet that looks it
//! up, so that the outcome is the same whatever the wheel has done so far.

mod emergency;
mod evict;
mod handed;
mod wheel;

use std::hint::black_box;

use contract::{FlowEnd, FlowKey, FlowStage};

pub use emergency::EmergencyMarks;
pub use handed::{Ended, Flow, FlowRef, Looked};

use crate::core::FlowCore;
use crate::timeouts::Timeouts;
use emergency::Emergency;
use wheel::{TICK_NS, Wheel, tick_of};

/// Entries of a bucket.
pub const WAYS: usize = 8;

/// Disorder of packets in time, ns, that changes nothing: the wheel takes a flow out only so long after
/// its time-out.
const LATE_NS: u64 = 2_000_000_000;
/// A flow that is not silent is not looked at again before this has passed, ns.
const VISIT_NS_MIN: u64 = 8 * TICK_NS;

/// Low bit of every tag of an entry in use, so that 0 means free.
const USED: u32 = 1;

#[derive(Clone, Copy, Debug, Default)]
#[repr(align(32))]
struct Tags([u32; WAYS]);

/// Where a flow may lie. Both buckets are the same now and then.
#[derive(Clone, Copy, Debug)]
struct Place {
    first: usize,
    second: usize,
    tag: u32,
}

#[derive(Debug)]
struct Entry<T> {
    core: FlowCore,
    state: T,
}

/// Flows with a state `T` each; all memory is taken when it is made.
#[derive(Debug)]
pub struct FlowTable<T> {
    tags: Box<[Tags]>,
    entries: Box<[Option<Entry<T>>]>,
    mask: u64,
    timeouts: Timeouts,
    /// Every entry in use is in it.
    wheel: Wheel,
    emergency: Emergency,
    last_id: u64,
    used: usize,
}

impl<T: Default> FlowTable<T> {
    /// Bytes that the table takes for each flow that it has room for.
    pub const ENTRY_BYTES: usize =
        size_of::<Option<Entry<T>>>() + size_of::<Tags>() / WAYS + wheel::LINK_BYTES;

    /// A table for at least `flows_max` flows (rounded up to a power of two, at least one bucket, at most
    /// 2^30). Identifiers count up from the one after `before_first_id`.
    #[must_use]
    pub fn new(flows_max: usize, before_first_id: u64, timeouts: Timeouts) -> Self {
        let buckets = flows_max.min(wheel::ENTRIES_MAX).div_ceil(WAYS).next_power_of_two();
        let entries = buckets * WAYS;
        Self {
            tags: vec![Tags::default(); buckets].into_boxed_slice(),
            entries: std::iter::repeat_with(|| None).take(entries).collect(),
            mask: buckets as u64 - 1,
            timeouts,
            wheel: Wheel::new(entries),
            emergency: Emergency::new(entries, EmergencyMarks::default()),
            last_id: before_first_id,
            used: 0,
        }
    }

    /// The same, with other marks of the emergency.
    #[must_use]
    pub fn with_emergency(mut self, marks: EmergencyMarks) -> Self {
        self.emergency = Emergency::new(self.entries.len(), marks);
        self
    }

    /// Flows in the table, those that are silent too long and were not taken out since included.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.used
    }

    /// Whether there is no flow.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Flows that it has room for.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.entries.len()
    }

    /// Whether emergency time-outs apply now.
    #[must_use]
    pub const fn is_emergency(&self) -> bool {
        self.emergency.is_on()
    }

    /// How often an emergency has begun.
    #[must_use]
    pub const fn emergencies(&self) -> u64 {
        self.emergency.begun()
    }

    /// Forgets every flow without its end, for use after a panic; how many there were. Identifiers are not
    /// used again.
    pub fn clear(&mut self) -> usize {
        self.tags.fill(Tags::default());
        self.entries.fill_with(|| None);
        self.wheel.clear();
        self.emergency.look(0);
        std::mem::take(&mut self.used)
    }

    /// Reads the tags that a look-up of `hash` will read. For several packets at once: their cache misses
    /// then overlap. A read, since safe Rust has no prefetch.
    #[inline]
    pub fn fetch_tags(&self, hash: u64) {
        black_box(self.tags[self.place(hash).first].0[0]);
    }

    /// Reads the entry that a look-up of `hash` will read, if there is one; after [`FlowTable::fetch_tags`].
    #[inline]
    pub fn fetch_entry(&self, hash: u64) {
        let Place { first, second, tag } = self.place(hash);
        let way = |bucket: usize| self.tags[bucket].0.iter().position(|other| *other == tag);
        let in_first = way(first).map(|way| first * WAYS + way);
        if let Some(position) = in_first.or_else(|| Some(second * WAYS + way(second)?)) {
            black_box(self.entries[position].as_ref().map(|entry| entry.core.last_ns));
        }
    }

    /// The flow of `key`, made if it is not there or is silent too long; or the flow that had to end for
    /// it, and then the caller looks up again. `hash` is the keyed hash of `key`, `now_ns` the packet's
    /// time; `opened_by_low` matters only for a new flow.
    #[inline]
    pub fn look_up(
        &mut self,
        key: &FlowKey,
        hash: u64,
        opened_by_low: bool,
        now_ns: u64,
    ) -> Looked<'_, T> {
        let place = self.place(hash);
        let (position, end) = match self.find(place, key) {
            Some((position, core)) if !self.is_over(core, now_ns) => (position, None),
            Some((position, core)) => (position, Some(FlowEnd::timed_out(core.stage()))),
            None => self.room(place, now_ns),
        };
        if let Some(end) = end
            && let Some(ended) = self.take_out(position, end)
        {
            return Looked::Ended(ended);
        }
        let is_new = self.entries[position].is_none();
        if is_new {
            self.begin(position, place.tag, key.protocol, now_ns);
        }
        let id = self.last_id;
        let entry = self.entries[position].get_or_insert_with(|| Entry {
            core: FlowCore::new(*key, id, opened_by_low, now_ns),
            state: T::default(),
        });
        let reference = FlowRef { position: position as u32, id: entry.core.id };
        let flow = Flow { reference, core: &mut entry.core, state: &mut entry.state };
        if is_new { Looked::Created(flow) } else { Looked::Found(flow) }
    }

    /// The flow that `reference` leads to, unless it has ended. Nothing else is changed: not its times, not
    /// its counts.
    #[inline]
    pub fn get(&mut self, reference: FlowRef) -> Option<Flow<'_, T>> {
        let entry = self.entries.get_mut(reference.position as usize)?.as_mut()?;
        (entry.core.id == reference.id).then_some(Flow {
            reference,
            core: &mut entry.core,
            state: &mut entry.state,
        })
    }

    /// Ends the flow that `reference` leads to.
    pub fn end(&mut self, reference: FlowRef, end: FlowEnd) -> Option<Ended<T>> {
        self.get(reference)?;
        self.take_out(reference.position as usize, end)
    }

    /// Takes out a flow that is silent too long at `now_ns`, the time of the latest packet, by 2 s. Looks at
    /// `budget` flows at most, and leaves of it what it did not need; `None` when there is nothing more to
    /// do.
    pub fn expire(&mut self, now_ns: u64, budget: &mut usize) -> Option<Ended<T>> {
        let judged_ns = now_ns.saturating_sub(LATE_NS);
        while *budget > 0 {
            let position = self.wheel.due(tick_of(judged_ns))?;
            *budget -= 1;
            match &self.entries[position as usize] {
                Some(Entry { core, .. }) if self.is_over(core, judged_ns) => {
                    let end = FlowEnd::timed_out(core.stage());
                    return self.take_out(position as usize, end);
                }
                Some(Entry { core, .. }) => {
                    let tick = self.next_visit(core, judged_ns);
                    self.wheel.arm(position, tick);
                }
                None => self.wheel.disarm(position),
            }
        }
        None
    }

    /// Takes out any flow, whatever its time, until there is none.
    pub fn end_next(&mut self, end: FlowEnd) -> Option<Ended<T>> {
        let position = self.wheel.next()?;
        self.take_out(position as usize, end)
    }

    /// Where a flow may lie: the low bits name the bucket and the high ones are the tag, so that these are
    /// independent.
    #[inline]
    const fn place(&self, hash: u64) -> Place {
        let high = hash >> 32;
        Place {
            first: (hash & self.mask) as usize,
            second: ((hash ^ (high >> 1)) & self.mask) as usize,
            tag: high as u32 | USED,
        }
    }

    /// Position and core of `key`.
    #[inline]
    fn find(&self, place: Place, key: &FlowKey) -> Option<(usize, &FlowCore)> {
        let find_in = |bucket: usize| {
            let tags = &self.tags[bucket].0;
            (0..WAYS).filter(|way| tags[*way] == place.tag).find_map(|way| {
                let position = bucket * WAYS + way;
                let core = &self.entries[position].as_ref()?.core;
                (core.key == *key).then_some((position, core))
            })
        };
        find_in(place.first).or_else(|| find_in(place.second))
    }

    /// Whether a flow is silent too long at `now_ns`.
    #[inline]
    const fn is_over(&self, core: &FlowCore, now_ns: u64) -> bool {
        let idle_ns = self.timeouts.of(core.key.protocol, core.stage(), self.emergency.is_on());
        now_ns.saturating_sub(core.last_ns) > idle_ns
    }

    /// Prepares the free entry at `position` for a new flow, and gives it its identifier.
    fn begin(&mut self, position: usize, tag: u32, protocol: u8, now_ns: u64) {
        self.last_id += 1;
        self.used += 1;
        self.emergency.look(self.used);
        self.tags[position / WAYS].0[position % WAYS] = tag;
        let tick = self.visit_tick(protocol, FlowStage::New, now_ns, now_ns);
        self.wheel.arm(position as u32, tick);
    }

    /// Frees the entry at `position`.
    fn take_out(&mut self, position: usize, end: FlowEnd) -> Option<Ended<T>> {
        let Entry { core, state } = self.entries.get_mut(position)?.take()?;
        self.tags[position / WAYS].0[position % WAYS] = 0;
        self.wheel.disarm(position as u32);
        self.used -= 1;
        self.emergency.look(self.used);
        Some(Ended { core, state, end })
    }

    /// When the wheel looks at a flow again that is not silent too long at `now_ns`.
    fn next_visit(&self, core: &FlowCore, now_ns: u64) -> u64 {
        self.visit_tick(core.key.protocol, core.stage(), core.last_ns, now_ns)
    }

    /// The tick after the one in which the flow may be over: by its time-out or, since an emergency may
    /// begin, after the emergency's time-out from now, if that is sooner. So nothing has to go through the
    /// table when an emergency begins, or when a flow gets a shorter time-out with its next stage.
    fn visit_tick(&self, protocol: u8, stage: FlowStage, last_ns: u64, now_ns: u64) -> u64 {
        let idle_ns = |emergency| self.timeouts.of(protocol, stage, emergency);
        let over_ns = if self.emergency.is_on() {
            last_ns.saturating_add(idle_ns(true))
        } else {
            let sooner_ns = now_ns.saturating_add(idle_ns(true).max(VISIT_NS_MIN));
            last_ns.saturating_add(idle_ns(false)).min(sooner_ns)
        };
        tick_of(over_ns) + 1
    }
}

#[cfg(test)]
mod tests;
