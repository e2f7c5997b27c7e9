//! The hot paths, each as a function that sets up its input and then goes through it in a function of its
//! own, which is what callgrind counts: `counted_` and the path's name, never inlined.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};

use alert_schema::PushError;
use contract::{FlowKey, LinkType, Slot};
use control::{Alert, EveOptions, render};
use detect::{CompileCache, CompileOptions, FlowVariables, Inspect, RuleSet, Scratch};
use flow::{FlowTable, Looked, Timeouts};
use hash::{DIGESTS_MAX, PayloadDigests};
use packet::OwnerHash;
use pipeline::view;
use ring::{RecordConsumer, RecordProducer, RecordScratch, record_ring};

use crate::alerts::{Messages, PAYLOAD_BYTES, alerts, record_slots, write_record};
use crate::workload::{content_rules, frames};

/// Items of a path that are gone through, unless asked otherwise.
pub const ITEMS: usize = 20_000;
/// Rules of `detect`.
const RULES: usize = 1_000;
/// Different alerts.
const ALERTS: usize = 2_000;
/// Flows that the table has room for.
const FLOWS_MAX: usize = 65_536;
/// The same where it is flooded.
const FLOODED_FLOWS_MAX: usize = 8_192;
/// Slots of the ring.
const RING_SLOTS: usize = 1_024;
/// Bytes of a payload that is looked up among the digests.
const DIGEST_BYTES: usize = 512;

/// A hot path.
pub struct Case {
    /// Its name.
    pub name: &'static str,
    /// Goes through at least so many items; returns how many.
    pub run: fn(usize) -> u64,
}

/// Every path.
pub const ALL: [Case; 8] = [
    Case { name: "decode", run: decode },
    Case { name: "flow_look_up", run: flow_look_up },
    Case { name: "flow_flood", run: flow_flood },
    Case { name: "detect_1000", run: detect_1000 },
    Case { name: "record_and_ring", run: record_and_ring },
    Case { name: "batch_encode", run: batch_encode },
    Case { name: "digest_hit", run: digest_hit },
    Case { name: "eve_render", run: eve_render },
];

/// Goes through the path named `name`; items, or `None` if there is no such path.
#[must_use]
pub fn run(name: &str) -> Option<u64> {
    ALL.iter().find(|case| case.name == name).map(|case| (case.run)(ITEMS))
}

fn decode(items: usize) -> u64 {
    let frames = frames();
    counted_decode(&frames, items)
}

#[inline(never)]
fn counted_decode(frames: &[Vec<u8>], items: usize) -> u64 {
    for frame in frames.iter().cycle().take(items) {
        let _ = black_box(packet::decode(LinkType::ETHERNET, black_box(frame)));
    }
    items as u64
}

fn flow_look_up(items: usize) -> u64 {
    let owners = OwnerHash::new([7; 16]);
    let frames = frames();
    let keys: Vec<_> = frames
        .iter()
        .filter_map(|frame| {
            let decoded = packet::decode(LinkType::ETHERNET, frame).ok()?;
            let (key, from_low) = decoded.flow_key();
            Some((key, owners.flow_hash(&key), from_low))
        })
        .collect();
    let mut flows = FlowTable::new(FLOWS_MAX, 0, Timeouts::default());
    counted_flow_look_up(&mut flows, &keys, items)
}

#[inline(never)]
fn counted_flow_look_up(
    flows: &mut FlowTable<()>,
    keys: &[(FlowKey, u64, bool)],
    items: usize,
) -> u64 {
    for (number, (key, hash, from_low)) in keys.iter().cycle().take(items).enumerate() {
        let now_ns = number as u64 * 10_000;
        loop {
            match flows.look_up(black_box(key), *hash, *from_low, now_ns) {
                Looked::Found(flow) | Looked::Created(flow) => {
                    let direction = flow.core.direction(*from_low);
                    flow.core.count(direction, 100, now_ns);
                    break;
                }
                Looked::Ended(ended) => drop(ended),
            }
        }
    }
    items as u64
}

fn flow_flood(items: usize) -> u64 {
    let owners = OwnerHash::new([7; 16]);
    let end = |number: u32| (IpAddr::V4(Ipv4Addr::from(number)), 1_000);
    let keys: Vec<_> = (0..2 * FLOODED_FLOWS_MAX.max(items) as u32)
        .map(|number| {
            let (low, high) = (end(number), end(u32::MAX));
            let key = FlowKey { low, high, protocol: 6, vlan: [0; 2], depth: 0 };
            (key, owners.flow_hash(&key))
        })
        .collect();
    let (before, flood) = keys.split_at(keys.len() - items);
    let mut flows = FlowTable::new(FLOODED_FLOWS_MAX, 0, Timeouts::default());
    let begun_ns = fill(&mut flows, before);
    counted_flow_flood(&mut flows, flood, begun_ns)
}

/// Fills the table: what comes now makes something else leave.
#[inline(never)]
fn fill(flows: &mut FlowTable<()>, keys: &[(FlowKey, u64)]) -> u64 {
    flood(flows, keys, 0)
}

#[inline(never)]
fn counted_flow_flood(flows: &mut FlowTable<()>, keys: &[(FlowKey, u64)], begun_ns: u64) -> u64 {
    flood(flows, keys, begun_ns);
    keys.len() as u64
}

/// A packet of each of the keys, and what a worker does between bursts; the time then.
#[inline(always)]
fn flood(flows: &mut FlowTable<()>, keys: &[(FlowKey, u64)], begun_ns: u64) -> u64 {
    let mut now_ns = begun_ns;
    for (number, (key, hash)) in keys.iter().enumerate() {
        now_ns += 10_000;
        while let Looked::Ended(ended) = flows.look_up(black_box(key), *hash, true, now_ns) {
            black_box(ended.core.id);
        }
        if number % 32 == 0 {
            let mut budget = 128;
            while let Some(ended) = flows.expire(now_ns, &mut budget) {
                black_box(ended.core.id);
            }
        }
    }
    now_ns
}

fn detect_1000(items: usize) -> u64 {
    let frames = frames();
    let packets: Vec<_> = frames
        .iter()
        .filter_map(|frame| {
            let decoded = packet::decode(LinkType::ETHERNET, frame).ok()?;
            Some(view(&decoded, frame, decoded.payload.of(frame), false))
        })
        .collect();
    let (options, mut cache) = (CompileOptions::default(), CompileCache::new());
    let Ok(rules) = RuleSet::compile(content_rules(RULES), &options, &mut cache) else { return 0 };
    let mut scratch = rules.new_scratch();
    counted_detect_1000(&rules, &packets, &mut scratch, items)
}

#[inline(never)]
fn counted_detect_1000(
    rules: &RuleSet,
    packets: &[Inspect<'_>],
    scratch: &mut Scratch,
    items: usize,
) -> u64 {
    let mut variables = FlowVariables::default();
    for packet in packets.iter().cycle().take(items) {
        black_box(rules.inspect(black_box(packet), &mut variables, scratch));
    }
    items as u64
}

fn record_and_ring(items: usize) -> u64 {
    let (mut producer, mut consumer) = record_ring(RING_SLOTS);
    let payload = vec![0x2E; PAYLOAD_BYTES];
    let (mut slots, mut scratch) = (record_slots(), RecordScratch::new());
    let ends = (&mut producer, &mut consumer);
    counted_record_and_ring(ends, &mut slots, &mut scratch, &payload, items)
}

#[inline(never)]
fn counted_record_and_ring(
    (producer, consumer): (&mut RecordProducer, &mut RecordConsumer),
    slots: &mut [Slot],
    scratch: &mut RecordScratch,
    payload: &[u8],
    items: usize,
) -> u64 {
    let mut read = 0;
    for number in 1..=items as u64 {
        let record = write_record(slots, number, payload);
        let pushed = producer.push(record).is_ok();
        if let Some(Ok(record)) = consumer.next(scratch) {
            black_box(record.header);
            read += u64::from(pushed);
        }
    }
    read
}

fn batch_encode(items: usize) -> u64 {
    let alerts = alerts(ALERTS.min(items));
    counted_batch_encode(&mut Messages::default(), &alerts, items)
}

#[inline(never)]
fn counted_batch_encode(messages: &mut Messages, alerts: &[Alert], items: usize) -> u64 {
    let mut encoded = 0;
    for alert in alerts.iter().cycle().take(items) {
        let mut pushed = messages.push(alert);
        if pushed == Err(PushError::Full) {
            messages.finish(|bytes| black_box(bytes.len()));
            pushed = messages.push(alert);
        }
        encoded += u64::from(pushed.is_ok());
    }
    messages.finish(|bytes| black_box(bytes.len()));
    encoded
}

fn digest_hit(items: usize) -> u64 {
    let mut digests = PayloadDigests::new(DIGESTS_MAX, [7; 16]);
    let payloads: Vec<Vec<u8>> = (0..DIGESTS_MAX as u32)
        .map(|number| number.to_le_bytes().repeat(DIGEST_BYTES / 4))
        .collect();
    for payload in &payloads {
        digests.digest(payload);
    }
    counted_digest_hit(&mut digests, &payloads, items)
}

#[inline(never)]
fn counted_digest_hit(digests: &mut PayloadDigests, payloads: &[Vec<u8>], items: usize) -> u64 {
    let payloads = payloads.iter().cycle().take(items);
    payloads.map(|payload| u64::from(digests.digest(black_box(payload)).hit)).sum()
}

fn eve_render(items: usize) -> u64 {
    let (alerts, mut line) = (alerts(ALERTS.min(items)), String::with_capacity(64 << 10));
    counted_eve_render(&alerts, &mut line, items)
}

#[inline(never)]
fn counted_eve_render(alerts: &[Alert], line: &mut String, items: usize) -> u64 {
    let mut rendered = 0;
    for alert in alerts.iter().cycle().take(items) {
        line.clear();
        render(alert, EveOptions { payload: true, packet_number: false }, line);
        rendered += u64::from(black_box(line.as_str()).ends_with('\n'));
    }
    rendered
}
