//! The table at its limits, case by case; [`model`] has it against a slow twin.

mod model;

use std::net::{IpAddr, Ipv4Addr};

use contract::{FiveTuple, FlowEnd, FlowKey, FlowStage};

use super::{EmergencyMarks, Ended, FlowRef, FlowTable, Looked, WAYS};
use crate::core::Direction;
use crate::timeouts::Timeouts;

const S: u64 = 1_000_000_000;
const TCP: u8 = 6;
const UDP: u8 = 17;

fn key(host: u32, protocol: u8) -> (FlowKey, bool) {
    let tuple = FiveTuple {
        source: IpAddr::V4(Ipv4Addr::from(0x0A00_0000 | host)),
        destination: IpAddr::V4(Ipv4Addr::new(10, 255, 0, 1)),
        source_port: 1_000,
        destination_port: 80,
        protocol,
    };
    FlowKey::of(&tuple, [0, 0], 0)
}

/// Counts a packet to the server in the flow of `host`. The flow, and whether it is new; before that, what
/// ended for it.
fn packet(
    table: &mut FlowTable<u32>,
    (host, protocol): (u32, u8),
    now_ns: u64,
) -> (FlowRef, bool, Vec<(u64, FlowEnd)>) {
    let (key, from_low) = key(host, protocol);
    let mut ends = Vec::new();
    loop {
        // All keys of one tag, and of one bucket where the table has no more: the worst that can be.
        let (flow, is_new) = match table.look_up(&key, 1 << 40, from_low, now_ns) {
            Looked::Found(flow) => (flow, false),
            Looked::Created(flow) => (flow, true),
            Looked::Ended(ended) => {
                ends.push((ended.core.id, ended.end));
                continue;
            }
        };
        let direction = flow.core.direction(from_low);
        flow.core.count(direction, 60, now_ns);
        return (flow.reference, is_new, ends);
    }
}

fn set(table: &mut FlowTable<u32>, flow: FlowRef, stage: FlowStage) {
    table.get(flow).unwrap().core.set_stage(stage);
}

/// A table of one bucket, without an emergency before it is full.
fn bucket() -> FlowTable<u32> {
    let marks = EmergencyMarks { from_percent: 100, recovery_percent: 0 };
    let mut table = FlowTable::new(1, 0, calm(Timeouts::default())).with_emergency(marks);
    for host in 1..=WAYS as u32 {
        let (_, is_new, ends) = packet(&mut table, (host, TCP), u64::from(host) * S);
        assert_eq!((is_new, ends), (true, Vec::new()));
    }
    table
}

/// The same time-outs in an emergency as else.
fn calm(mut timeouts: Timeouts) -> Timeouts {
    let Timeouts { tcp, udp, icmp, default } = &mut timeouts;
    for protocol in [tcp, udp, icmp, default] {
        protocol.emergency = protocol.normal;
    }
    timeouts
}

#[test]
fn a_full_bucket_gives_up_what_matters_least() {
    use FlowStage::{Bypassed, Closed, Established, New};
    // Stages of flows 1 to 8, of which 1 is silent longest; the time; and the one that leaves.
    let cases = [
        ([New; 8], 10, 1, FlowEnd::EvictedNew),
        ([Established; 8], 10, 1, FlowEnd::EvictedEstablished),
        ([Bypassed; 8], 10, 1, FlowEnd::EvictedBypassed),
        (
            [Established, Established, New, New, Closed, Closed, New, New],
            10,
            5,
            FlowEnd::EvictedClosed,
        ),
        ([Established, Bypassed, New, New, New, New, New, New], 10, 3, FlowEnd::EvictedNew),
        (
            [
                Established,
                Established,
                Established,
                Bypassed,
                Bypassed,
                Bypassed,
                Bypassed,
                Bypassed,
            ],
            10,
            4,
            FlowEnd::EvictedBypassed,
        ),
        // The new ones are silent too long from 60 s on, and the established ones are not.
        (
            [Established, Established, Established, New, Closed, Established, Closed, New],
            65,
            4,
            FlowEnd::TimedOutNew,
        ),
        ([Established, Closed, New, New, New, New, New, New], 63, 2, FlowEnd::TimedOutClosed),
        ([Established; 8], 602, 1, FlowEnd::TimedOutEstablished),
        ([Bypassed; 8], 102, 1, FlowEnd::TimedOutBypassed),
    ];
    for (stages, now_s, leaves, end) in cases {
        let mut table = bucket();
        for (host, stage) in (1..).zip(stages) {
            let flow = packet(&mut table, (host, TCP), u64::from(host) * S).0;
            set(&mut table, flow, stage);
        }
        let (_, is_new, ends) = packet(&mut table, (99, TCP), now_s * S);
        assert_eq!((is_new, ends), (true, vec![(leaves, end)]), "{stages:?} at {now_s} s");
        assert_eq!(table.len(), WAYS);
    }
}

#[test]
fn a_flow_that_is_silent_too_long_is_handed_out_before_its_key_is_given_anew() {
    let mut table = FlowTable::<u32>::new(64, 0, Timeouts::default());
    let (first, ..) = packet(&mut table, (1, UDP), 100 * S);
    *table.get(first).unwrap().state = 7;
    assert!(!packet(&mut table, (1, UDP), 130 * S).1);
    let (key, from_low) = key(1, UDP);
    let looked = table.look_up(&key, 1 << 40, from_low, 160 * S + 1);
    let Looked::Ended(Ended { core, state, end }) = looked else { panic!("{looked:?}") };
    assert_eq!((core.id, core.packets, state, end), (1, [2, 0], 7, FlowEnd::TimedOutNew));
    assert!(table.is_empty());
    let (second, is_new, ends) = packet(&mut table, (1, UDP), 160 * S + 1);
    assert_eq!((is_new, ends), (true, Vec::new()));
    assert!(table.get(first).is_none());
    assert_eq!(*table.get(second).unwrap().state, 0);
}

/// A reference changes nothing: a flow that was reached by it ends no later.
#[test]
fn a_reference_leads_to_its_flow_as_long_as_that_lives() {
    let mut table = FlowTable::<u32>::new(64, 0, Timeouts::default());
    let (flow, ..) = packet(&mut table, (1, UDP), 100 * S);
    let before = *table.get(flow).unwrap().core;
    assert_eq!((before.packets, before.last_ns), ([1, 0], 100 * S));
    let ended = table.end(flow, FlowEnd::Reused).unwrap();
    assert_eq!((ended.core.id, ended.end), (before.id, FlowEnd::Reused));
    assert!(table.get(flow).is_none() && table.end(flow, FlowEnd::Reused).is_none());
    // The entry is another flow's now.
    let (other, ..) = packet(&mut table, (1, UDP), 100 * S);
    assert!(table.get(flow).is_none() && table.get(other).is_some());
    assert_eq!(table.clear(), 1);
    assert!(table.get(other).is_none() && table.is_empty());
    let (third, ..) = packet(&mut table, (1, UDP), 100 * S);
    assert_eq!(table.get(third).unwrap().core.id, 3, "identifiers are not used again");
}

#[test]
fn the_opener_decides_the_direction() {
    let mut table = FlowTable::<()>::new(8, 0, Timeouts::default());
    let (key, from_low) = key(5, TCP);
    let Looked::Created(flow) = table.look_up(&key, 0, from_low, 0) else { panic!("not new") };
    assert_eq!(flow.core.direction(from_low), Direction::ToServer);
    assert_eq!(flow.core.direction(!from_low), Direction::ToClient);
}

/// Seven of a bucket's eight are established. Whatever number of others asks for the eighth place, it
/// is the only one that changes hands.
#[test]
fn a_flood_of_one_bucket_keeps_what_is_established() {
    let mut table = bucket();
    let kept: Vec<_> = (1..WAYS as u32)
        .map(|host| {
            let (flow, ..) = packet(&mut table, (host, TCP), 10 * S);
            set(&mut table, flow, FlowStage::Established);
            flow
        })
        .collect();
    let mut evicted = 0;
    for host in 0..100_000_u32 {
        let now_ns = 10 * S + u64::from(host) * 1_000;
        for (_, end) in packet(&mut table, (1_000 + host, TCP), now_ns).2 {
            assert_eq!(end, FlowEnd::EvictedNew);
            evicted += 1;
        }
    }
    assert_eq!((evicted, table.len()), (100_000, WAYS));
    assert!(kept.iter().all(|flow| table.get(*flow).is_some()));
}

/// Keys whose first bucket is full lie in their second, and are found there.
#[test]
fn two_buckets_take_what_one_has_no_room_for() {
    let mut table = FlowTable::<u32>::new(64, 0, calm(Timeouts::default()));
    // All have bucket 0 first and bucket 3 second; the tags differ.
    let hash = |host: u32| ((u64::from(host) << 3) | 3) << 33;
    let mut look_up = |host: u32| {
        let (key, from_low) = key(host, TCP);
        table.fetch_tags(hash(host));
        table.fetch_entry(hash(host));
        match table.look_up(&key, hash(host), from_low, 0) {
            Looked::Found(flow) => (flow.core.id, "found"),
            Looked::Created(flow) => (flow.core.id, "created"),
            Looked::Ended(ended) => (ended.core.id, "ended"),
        }
    };
    let room = 2 * WAYS as u32;
    for expected in ["created", "found"] {
        for host in 1..=room {
            assert_eq!(look_up(host), (host.into(), expected));
        }
    }
    assert_eq!(look_up(room + 1), (1, "ended"));
    assert_eq!(look_up(room + 1), (u64::from(room) + 1, "created"));
}

#[test]
fn the_emergency_shortens_time_outs_until_there_is_room() {
    let mut table = FlowTable::<u32>::new(1, 0, Timeouts::default());
    // 6 of 8 are 80 percent; below 6 there are 30 percent free.
    for host in 1..=5 {
        packet(&mut table, (host, UDP), 100 * S);
    }
    assert!(!table.is_emergency());
    packet(&mut table, (6, UDP), 100 * S);
    assert!(table.is_emergency());
    // New UDP flows are over after 10 s now, instead of 30.
    let (_, is_new, ends) = packet(&mut table, (1, UDP), 111 * S);
    assert_eq!((is_new, ends), (true, vec![(1, FlowEnd::TimedOutNew)]));
    let mut budget = usize::MAX;
    let mut ended = 0;
    while let Some(Ended { end, .. }) = table.expire(115 * S, &mut budget) {
        assert_eq!(end, FlowEnd::TimedOutNew);
        ended += 1;
    }
    // With the first of them gone the emergency is over, and the others have their 30 s back.
    assert_eq!((ended, table.len(), table.is_emergency()), (1, 5, false));
    assert_eq!(table.emergencies(), 2);
}

#[test]
fn the_wheel_does_no_more_than_it_may() {
    let mut table = FlowTable::<u32>::new(1 << 12, 0, Timeouts::default());
    for host in 0..1_000_u32 {
        let (key, from_low) = key(host, UDP);
        let hash = (u64::from(host) << 32) | u64::from(host);
        assert!(matches!(table.look_up(&key, hash, from_low, S), Looked::Created(_)));
    }
    let mut turns = 0;
    while !table.is_empty() {
        let mut budget = 10;
        let mut ended = 0;
        while let Some(Ended { end, .. }) = table.expire(1_000 * S, &mut budget) {
            assert_eq!(end, FlowEnd::TimedOutNew);
            ended += 1;
        }
        assert_eq!((ended, budget), (10, 0));
        turns += 1;
    }
    assert_eq!(turns, 100);
    let mut budget = 10;
    assert!(table.expire(1_000 * S, &mut budget).is_none());
    assert_eq!(budget, 10);
}

/// Packets may be out of order in time by less than two seconds: a later one, whose time has the
/// wheel turn on, does not end a flow that an earlier one still finds.
#[test]
fn the_wheel_waits_for_packets_that_are_late() {
    let mut table = FlowTable::<u32>::new(64, 0, Timeouts::default());
    packet(&mut table, (1, UDP), 100 * S);
    let mut budget = usize::MAX;
    assert!(table.expire(131 * S, &mut budget).is_none());
    assert!(!packet(&mut table, (1, UDP), 130 * S).1);
    assert!(table.expire(165 * S, &mut budget).is_some());
}
