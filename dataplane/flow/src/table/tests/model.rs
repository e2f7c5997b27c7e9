//! The table against a list that is searched from end to end.

use std::collections::{BTreeMap, BTreeSet};

use contract::{FlowEnd, FlowKey, FlowStage};
use proptest::prelude::*;

use super::super::{Ended, FlowRef, FlowTable, LATE_NS, Looked, TICK_NS, WAYS};
use super::{S, key};
use crate::core::Direction;
use crate::timeouts::Timeouts;

/// The table has two buckets.
const BUCKETS: u64 = 2;
/// 80 % of its 16 entries, and the number below which 30 % are free.
const HIGH: usize = 12;
const LOW: usize = 12;
/// A flow is looked at once in the longest emergency time-out, 100 s, and its tick comes after it.
const VISIT_NS_MAX: u64 = 100 * S + 3 * TICK_NS;

/// One bucket or the other; few tags, so that many keys share one. With tag 1 a key may lie in both.
fn hash(host: u32) -> u64 {
    (u64::from(host % 3) << 33) | (u64::from(host) / 3 % BUCKETS)
}

/// First and second bucket of a host.
fn buckets(host: u32) -> [u64; 2] {
    let first = u64::from(host) / 3 % BUCKETS;
    [first, if host % 3 == 1 { 1 - first } else { first }]
}

#[derive(Clone, Debug)]
struct Sketch {
    key: FlowKey,
    bucket: u64,
    id: u64,
    stage: FlowStage,
    last_ns: u64,
    packets: [u64; 2],
    opened_by_low: bool,
    /// When its stage was last set from outside.
    set_ns: u64,
}

#[derive(Debug, Default)]
struct Model {
    flows: Vec<Sketch>,
    emergency: bool,
    emergencies: u64,
    created: u64,
}

impl Model {
    fn is_over(&self, flow: &Sketch, now_ns: u64) -> bool {
        let idle_ns = Timeouts::default().of(flow.key.protocol, flow.stage, self.emergency);
        now_ns.saturating_sub(flow.last_ns) > idle_ns
    }

    fn look(&mut self) {
        if !self.emergency && self.flows.len() >= HIGH {
            self.emergency = true;
            self.emergencies += 1;
        } else if self.flows.len() < LOW {
            self.emergency = false;
        }
    }

    fn remove(&mut self, id: u64) {
        self.flows.retain(|flow| flow.id != id);
        self.look();
    }

    fn of(&mut self, key: &FlowKey) -> Option<&mut Sketch> {
        self.flows.iter_mut().find(|flow| flow.key == *key)
    }

    /// The flows of a bucket, the longest silent first.
    fn of_bucket(&self, bucket: u64) -> Vec<&Sketch> {
        let mut flows: Vec<_> = self.flows.iter().filter(|flow| flow.bucket == bucket).collect();
        flows.sort_by_key(|flow| (flow.last_ns, flow.id));
        flows
    }

    /// The bucket that has room.
    fn room(&self, buckets: [u64; 2]) -> Option<u64> {
        buckets.into_iter().find(|bucket| self.of_bucket(*bucket).len() < WAYS)
    }

    /// Who has to end before a packet of `key` gets its flow.
    fn ends(&self, key: &FlowKey, buckets: [u64; 2], now_ns: u64) -> Option<(u64, FlowEnd)> {
        if let Some(flow) = self.flows.iter().find(|flow| flow.key == *key) {
            let over = self.is_over(flow, now_ns);
            return over.then_some((flow.id, FlowEnd::timed_out(flow.stage)));
        }
        if self.room(buckets).is_some() {
            return None;
        }
        let first = self.of_bucket(buckets[0]);
        if let Some(flow) = first.iter().find(|flow| self.is_over(flow, now_ns)) {
            return Some((flow.id, FlowEnd::timed_out(flow.stage)));
        }
        let of_stage = |flows: &[&Sketch], stage: FlowStage| {
            let flow = flows.iter().find(|flow| flow.stage == stage)?;
            Some((flow.id, FlowEnd::evicted(stage)))
        };
        let cheap = of_stage(&first, FlowStage::Closed).or(of_stage(&first, FlowStage::New));
        if cheap.is_some() {
            return cheap;
        }
        let mut both = [first, self.of_bucket(buckets[1])].concat();
        both.sort_by_key(|flow| (flow.last_ns, flow.id));
        if let Some(flow) = both.iter().find(|flow| self.is_over(flow, now_ns)) {
            return Some((flow.id, FlowEnd::timed_out(flow.stage)));
        }
        let order =
            [FlowStage::Closed, FlowStage::New, FlowStage::Bypassed, FlowStage::Established];
        order.into_iter().find_map(|stage| of_stage(&both, stage))
    }
}

#[derive(Clone, Copy, Debug)]
enum Act {
    /// A packet of a host and protocol, from the key's low end or not.
    Packet(u32, u8, bool),
    /// The stage of a flow is set.
    Stage(u32, FlowStage),
    /// A flow is ended by its reference.
    End(u32),
    /// The wheel may look at so many.
    Expire(usize),
}

fn act() -> impl Strategy<Value = Act> {
    let host = || 0_u32..36;
    let stage = (0..FlowStage::COUNT).prop_map(|index| FlowStage::ALL[index]);
    let protocol = prop_oneof![Just(1), Just(6), Just(6), Just(17), Just(58)];
    prop_oneof![
        8 => (host(), protocol, any::<bool>()).prop_map(|(h, p, low)| Act::Packet(h, p, low)),
        2 => (host(), stage).prop_map(|(h, stage)| Act::Stage(h, stage)),
        1 => host().prop_map(Act::End),
        1 => (0_usize..6).prop_map(Act::Expire),
        1 => Just(Act::Expire(usize::MAX)),
    ]
}

/// Time goes on in small steps and large, and now and then back.
fn step_ms() -> impl Strategy<Value = i64> {
    prop_oneof![
        12 => 0_i64..3_000,
        4 => 0_i64..40_000,
        2 => 0_i64..900_000,
        2 => -1_500_i64..0,
        1 => -400_000_i64..0,
    ]
}

struct Pair {
    table: FlowTable<u64>,
    model: Model,
    now_ns: u64,
    latest_ns: u64,
    references: BTreeMap<u64, FlowRef>,
    ended: BTreeSet<u64>,
}

impl Pair {
    fn new() -> Self {
        Self {
            table: FlowTable::new(BUCKETS as usize * WAYS, 0, Timeouts::default()),
            model: Model::default(),
            now_ns: 1_000 * S,
            latest_ns: 0,
            references: BTreeMap::new(),
            ended: BTreeSet::new(),
        }
    }

    /// The end of a flow, which the model has as it is, and which has not ended before.
    fn end(&mut self, ended: &Ended<u64>) -> Result<(), TestCaseError> {
        let Ended { core, state, .. } = ended;
        let sketch = self.model.flows.iter().find(|flow| flow.id == core.id).cloned();
        let sketch = sketch.ok_or_else(|| TestCaseError::fail("handed out what was not there"))?;
        let seen = (core.key, core.stage(), core.last_ns, core.packets);
        prop_assert_eq!(seen, (sketch.key, sketch.stage, sketch.last_ns, sketch.packets));
        prop_assert_eq!(*state, sketch.packets.iter().sum::<u64>());
        prop_assert!(self.ended.insert(core.id), "{} was handed out twice", core.id);
        self.model.remove(core.id);
        Ok(())
    }

    fn packet(&mut self, host: u32, protocol: u8, low: bool) -> Result<(), TestCaseError> {
        let (key, buckets) = (key(host, protocol).0, buckets(host));
        loop {
            let expected = self.model.ends(&key, buckets, self.now_ns);
            let looked = self.table.look_up(&key, hash(host), low, self.now_ns);
            let (flow, is_new) = match looked {
                Looked::Ended(ended) => {
                    prop_assert_eq!(Some((ended.core.id, ended.end)), expected);
                    self.end(&ended)?;
                    continue;
                }
                Looked::Found(flow) => (flow, false),
                Looked::Created(flow) => (flow, true),
            };
            prop_assert_eq!(expected, None);
            prop_assert_eq!(is_new, self.model.of(&key).is_none());
            if is_new {
                let bucket = self.model.room(buckets).unwrap();
                self.model.created += 1;
                let id = self.model.created;
                self.references.insert(id, flow.reference);
                let (last_ns, stage, packets) = (self.now_ns, FlowStage::New, [0; 2]);
                self.model.flows.push(Sketch {
                    key,
                    bucket,
                    id,
                    stage,
                    last_ns,
                    packets,
                    opened_by_low: low,
                    set_ns: 0,
                });
                self.model.look();
            }
            let direction = flow.core.direction(low);
            flow.core.count(direction, 60, self.now_ns);
            *flow.state += 1;
            let sketch = self.model.of(&key).unwrap();
            prop_assert_eq!(flow.core.id, sketch.id);
            let to_server = low == sketch.opened_by_low;
            prop_assert_eq!(direction == Direction::ToServer, to_server);
            sketch.packets[usize::from(!to_server)] += 1;
            sketch.last_ns = sketch.last_ns.max(self.now_ns);
            let answered = sketch.packets.iter().all(|count| *count > 0);
            if protocol != 6 && sketch.stage == FlowStage::New && answered {
                sketch.stage = FlowStage::Established;
            }
            prop_assert_eq!(flow.core.packets, sketch.packets);
            return Ok(());
        }
    }

    fn expire(&mut self, mut budget: usize) -> Result<(), TestCaseError> {
        let all = budget == usize::MAX;
        let judged_ns = self.now_ns.saturating_sub(LATE_NS);
        while let Some(ended) = self.table.expire(self.now_ns, &mut budget) {
            let flow = self.model.flows.iter().find(|flow| flow.id == ended.core.id);
            prop_assert!(flow.is_some_and(|flow| self.model.is_over(flow, judged_ns)));
            prop_assert_eq!(ended.end, FlowEnd::timed_out(ended.core.stage()));
            self.end(&ended)?;
        }
        // What is left has not been over, by its stage and the normal time-outs, for longer than from one
        // visit to the next.
        let floor_ns = judged_ns.saturating_sub(VISIT_NS_MAX);
        let is_late = |flow: &&Sketch| {
            let idle_ns = Timeouts::default().of(flow.key.protocol, flow.stage, false);
            floor_ns.saturating_sub(flow.last_ns) > idle_ns && floor_ns > flow.set_ns
        };
        if all && self.now_ns == self.latest_ns {
            let late = self.model.flows.iter().find(is_late);
            prop_assert!(late.is_none(), "at {}: {:?}", self.now_ns, late);
        }
        Ok(())
    }

    fn act(&mut self, act: Act) -> Result<(), TestCaseError> {
        match act {
            Act::Packet(host, protocol, low) => self.packet(host, protocol, low)?,
            Act::Stage(host, stage) => {
                let key = key(host, 6).0;
                if let Some(sketch) = self.model.of(&key) {
                    (sketch.stage, sketch.set_ns) = (stage, self.latest_ns);
                    let flow = self.table.get(self.references[&sketch.id]);
                    flow.unwrap().core.set_stage(stage);
                }
            }
            Act::End(host) => {
                let key = key(host, 17).0;
                if let Some(id) = self.model.of(&key).map(|sketch| sketch.id) {
                    let ended = self.table.end(self.references[&id], FlowEnd::Reused);
                    self.end(&ended.unwrap())?;
                }
            }
            Act::Expire(budget) => self.expire(budget)?,
        }
        prop_assert_eq!(self.table.len(), self.model.flows.len());
        prop_assert_eq!(self.table.is_emergency(), self.model.emergency);
        prop_assert_eq!(self.table.emergencies(), self.model.emergencies);
        Ok(())
    }
}

proptest! {
    #[test]
    fn agrees_with_a_list(acts in proptest::collection::vec((act(), step_ms()), 1..300)) {
        let mut pair = Pair::new();
        for (act, step_ms) in acts {
            pair.now_ns = pair.now_ns.saturating_add_signed(step_ms * 1_000_000);
            pair.latest_ns = pair.latest_ns.max(pair.now_ns);
            pair.act(act)?;
        }
        for (id, reference) in &pair.references {
            let id_there = pair.table.get(*reference).map(|flow| flow.core.id);
            prop_assert_eq!(id_there, (!pair.ended.contains(id)).then_some(*id));
        }
        while let Some(ended) = pair.table.end_next(FlowEnd::Shutdown) {
            prop_assert_eq!(ended.end, FlowEnd::Shutdown);
            pair.end(&ended)?;
        }
        // Every flow was handed out, once.
        prop_assert_eq!(pair.ended, (1..=pair.model.created).collect::<BTreeSet<_>>());
        prop_assert!(pair.table.is_empty());
    }
}
