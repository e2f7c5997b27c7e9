//! What goes in comes out: alerts, hand-over, generations, and the packet ledger after each scenario.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use common::{Said, alerts, ethernet, packets, read, rule_set, run, settings, wired, wired_on};
use contract::{
    AlertDrop, CrashLedger, FieldKind, Header, LatencyHistogram, LatencySnapshot, PacketDrop,
    Stage, crash, record,
};
use detect::Generation;
use pipeline::{Ended, Settings};
use ring::{Page, RecordScratch};
use testkit::ledgers::assert_balanced;
use testkit::{Chunk, Packet, Traffic, tcp_conversation};

const RULES: &str = r#"
alert tcp any any -> any 80 (msg:"request"; content:"GET /"; sid:1;)
alert tcp any 80 -> any any (msg:"reply"; content:"secret"; sid:2;)
alert udp any any -> any any (msg:"odd"; content:"ODD"; dsize:>3; sid:3;)
alert icmp any any -> any any (msg:"echo"; itype:8; sid:4;)
"#;

fn conversation(client: u16) -> Vec<Vec<u8>> {
    tcp_conversation(
        &format!("10.0.0.1:{client}"),
        "10.0.0.2:80",
        &[Chunk::Client(b"GET / HTTP/1.0\r\n\r\n"), Chunk::Server(b"the secret")],
    )
}

#[test]
fn every_packet_ends_in_one_counter_and_the_rules_alert() {
    let rules = rule_set(RULES);
    let mut frames = conversation(4_000);
    frames.push(Packet::ethernet().ip("10.0.0.3", "10.0.0.4").udp(1, 2).payload(b"ODD!").build());
    frames.push(Packet::ethernet().ip("10.0.0.3", "10.0.0.4").udp(1, 2).payload(b"ODD").build());
    frames.push(Packet::ethernet().ip("fe80::1", "fe80::2").udp(1, 2).payload(b"xxODD").build());
    frames.push(Packet::ethernet().ip("10.0.0.3", "10.0.0.4").echo_request(1, 1).build());
    frames.push(Packet::ethernet().ethertype(0x0806).payload(&[0; 28]).build());
    frames.push(vec![1, 2, 3]);
    let count = frames.len() as u64;
    let (mut links, ended) = run(wired(&settings(1), &rules), vec![ethernet(frames)]);
    assert!(matches!(ended[..], [Ended::Exhausted]));
    let ledger = packets(&links);
    assert_balanced(&ledger);
    assert_eq!(ledger.rx, count);
    assert_eq!(ledger.drops[PacketDrop::NotIp as usize], 1);
    assert_eq!(ledger.drops[PacketDrop::Malformed as usize], 1);
    let sids: Vec<_> = alerts(&mut links, &rules)
        .iter()
        .map(|said| match said {
            Said::Alert { sid, .. } => *sid,
            Said::Switch(_) => panic!("no switch was asked for"),
        })
        .collect();
    assert_eq!(sids, [1, 2, 3, 3, 4]);
    assert_eq!(links[0].counters.raised.get(), 5);
    // The echo has no payload, so there is nothing to digest.
    assert_eq!(links[0].counters.digest_misses.get(), 4);
}

/// Flows come from one queue or the other by another rule than the owners', so that half of the packets change
/// hands.
#[test]
fn two_queues_give_the_alerts_of_one() {
    let rules = rule_set(RULES);
    let mut frames: Vec<_> = (4_000..4_100).flat_map(conversation).collect();
    frames.extend(
        Traffic::new(3)
            .pattern(b"ODD", 0.2)
            .pattern(b"secret", 0.1)
            .frames(3_000)
            .into_iter()
            .map(|frame| frame.bytes),
    );
    let (mut one, _) = run(wired(&settings(1), &rules), vec![ethernet(frames.clone())]);
    let expected = alerts(&mut one, &rules);
    assert!(expected.len() > 300, "{}", expected.len());

    // Both directions of a flow have the same sum of addresses and ports.
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    let odd = |frame: &Vec<u8>| frame.get(26..38).is_some_and(|ends| sum(ends) % 2 == 1);
    let (left, right): (Vec<_>, Vec<_>) = frames.into_iter().partition(odd);
    let bursts = [1, 7, 0, 32, 3];
    let queues = vec![ethernet(left).bursts(bursts), ethernet(right).bursts(bursts)];
    let (mut two, ended) = run(wired(&settings(2), &rules), queues);
    assert!(matches!(ended[..], [Ended::Exhausted, Ended::Exhausted]));
    assert_balanced(&packets(&two));
    let handed: u64 = two.iter().map(|link| link.counters.handover_sent.get()).sum();
    assert!(handed > 1_000, "{handed}");
    assert_eq!(alerts(&mut two, &rules), expected);
}

#[test]
fn a_full_handover_ring_drops_and_counts() {
    let rules = rule_set(RULES);
    let small = Settings { handover_frames: 2, ..settings(2) };
    let frames: Vec<_> = (4_000..4_100).flat_map(conversation).collect();
    let mut wired = wired(&small, &rules);
    // Worker 1 never runs: what it owns finds its ring full after two frames.
    let (_idle_seat, idle_link) = wired.pop().unwrap();
    let (seat, link) = wired.pop().unwrap();
    // Turn by turn: the last word of the second worker, for which `run` waits, will not come.
    let mut worker =
        pipeline::Worker::new(seat, ethernet(frames), pipeline::clock::TscClock::new());
    while !matches!(worker.turn(), Ok(pipeline::Step::Exhausted)) {}
    let ledger = packets(&[link, idle_link]);
    assert_eq!(ledger.imbalance(), 0);
    assert_eq!(ledger.in_flight, 2);
    assert!(ledger.drops[PacketDrop::HandoverFull as usize] > 100);
}

#[test]
fn a_full_lane_drops_the_alert_and_leaves_a_gap() {
    let rules = rule_set(RULES);
    let frames: Vec<_> = (4_000..4_400).flat_map(conversation).collect();
    let small = Settings { lane_slots: [1_024; 3], shed_from_percent: 100, ..settings(1) };
    let page = Page::heap(crash::cells(1));
    let (mut links, _) = run(wired_on(&page, &small, &rules), vec![ethernet(frames)]);
    let counters = &links[0].counters;
    let lost = counters.alert_drops[AlertDrop::RingFull as usize].get();
    assert_eq!(counters.raised.get(), 800);
    assert!(lost > 0);
    let read = read(&mut links[0].lanes[0], &rules);
    assert_eq!(read.len() as u64 + lost, 800);
    // What a start after a crash would find.
    let cells: Vec<_> = page.iter().map(|cell| cell.load(Ordering::Relaxed)).collect();
    let ledger = CrashLedger::read(&cells).unwrap();
    assert_eq!((ledger.raised(), ledger.dropped(AlertDrop::RingFull)), (800, lost));
    assert_eq!(ledger.lost_at_crash(), read.len() as u64);
}

/// Nobody drains. What matters most has the last third of the room above the mark for itself.
#[test]
fn a_lane_that_fills_up_gives_up_the_lowest_severities_first() {
    let rules = rule_set(
        r#"
alert udp any any -> any 1 (content:"x"; priority:1; sid:1;)
alert udp any any -> any 2 (content:"x"; priority:2; sid:2;)
alert udp any any -> any 3 (content:"x"; priority:3; sid:3;)
alert udp any any -> any 4 (content:"x"; priority:4; sid:4;)
"#,
    );
    let packet = |port| Packet::ethernet().ip("10.0.0.3", "10.0.0.4").udp(9, port).payload(b"x");
    let frames = (0..1_000).map(|number| packet(number % 4 + 1).build());
    // Records of 5 slots: room for 1 to 4 until 768 slots, then for fewer and fewer.
    let lane = Settings { lane_slots: [1_024; 3], ..settings(1) };
    let page = Page::heap(crash::cells(1));
    let (mut links, _) = run(wired_on(&page, &lane, &rules), vec![ethernet(frames)]);
    assert_balanced(&packets(&links));
    let counters = Arc::clone(&links[0].counters);
    let [shed, full] = [AlertDrop::Shed, AlertDrop::RingFull]
        .map(|cause| counters.alert_drops[cause as usize].get());
    let losses: Vec<_> = links[0].losses.lost().collect();
    let kept = read(&mut links[0].lanes[0], &rules);
    let count = |wanted: u32| {
        kept.iter().filter(|said| matches!(said, Said::Alert { sid, .. } if *sid == wanted)).count()
            as u64
    };
    let kept_by_sid = [1, 2, 3, 4].map(count);
    assert!(kept_by_sid.is_sorted_by(|a, b| a > b), "{kept_by_sid:?}");
    assert_eq!(counters.shedding.load(Ordering::Relaxed), 3);
    // The alert ledger: in the ring, shed, or without room; and only the highest severity had no room.
    assert_eq!(counters.raised.get(), 1_000);
    assert_eq!(kept_by_sid.iter().sum::<u64>() + shed + full, 1_000);
    let of = |sid: u32| 250 - kept_by_sid[sid as usize - 1];
    let expected = [
        (0, AlertDrop::RingFull, of(1)),
        (1, AlertDrop::Shed, of(2)),
        (2, AlertDrop::Shed, of(3)),
        (3, AlertDrop::Shed, of(4)),
    ];
    assert_eq!(losses, expected);
    let cells: Vec<_> = page.iter().map(|cell| cell.load(Ordering::Relaxed)).collect();
    let ledger = CrashLedger::read(&cells).unwrap();
    assert_eq!(ledger.lost_at_crash(), kept_by_sid.iter().sum::<u64>());
}

#[test]
fn shedding_ends_when_the_lane_is_drained_and_no_alert_comes() {
    let rules = rule_set(r#"alert udp any any -> any 4 (content:"x"; priority:4; sid:4;)"#);
    let packet = |port| Packet::ethernet().ip("10.0.0.3", "10.0.0.4").udp(9, port).payload(b"x");
    let frames = (0..320).map(|_| packet(4).build()).chain([packet(5).build()]);
    let lane = Settings { lane_slots: [1_024; 3], ..settings(1) };
    let (seat, mut link) = wired(&lane, &rules).pop().unwrap();
    let source = ethernet(frames).bursts([32]);
    let mut worker = pipeline::Worker::new(seat, source, pipeline::clock::TscClock::new());
    for _ in 0..10 {
        worker.turn().unwrap();
    }
    assert_eq!(link.counters.shedding.load(Ordering::Relaxed), 1);
    let lost = link.counters.alert_drops[AlertDrop::Shed as usize].get();
    assert_eq!(read(&mut link.lanes[0], &rules).len() as u64 + lost, 320);
    // The next burst has no alert in it.
    worker.turn().unwrap();
    assert_eq!(link.counters.shedding.load(Ordering::Relaxed), 0);
}

#[test]
fn one_of_64_packets_is_timed_through_its_stages() {
    let rules = rule_set(RULES);
    let frames: Vec<_> = (4_000..4_100).flat_map(conversation).collect();
    let count = frames.len() as u64;
    let (links, _) = run(wired(&settings(1), &rules), vec![ethernet(frames.clone())]);
    let of = |histogram: &LatencyHistogram| {
        let mut snapshot = LatencySnapshot::default();
        histogram.add_to(&mut snapshot);
        (snapshot.count(), snapshot.max)
    };
    let stages = |link: &pipeline::Link| {
        Stage::ALL.iter().map(|s| of(&link.counters.stage_ns[*s as usize]).0).collect::<Vec<_>>()
    };
    let counts = stages(&links[0]);
    let timed = count / 64;
    assert_eq!((timed > 10, &counts[..3]), (true, &[timed; 3][..]));
    // Two of the packets of each conversation have an alert.
    assert!((1..timed).contains(&counts[3]), "{counts:?}");
    let (detections, longest) = of(&links[0].counters.detection_ns);
    assert_eq!((detections, longest > 0), (timed, true));

    let never = Settings { stage_sample: 0, ..settings(1) };
    let (links, _) = run(wired(&never, &rules), vec![ethernet(frames)]);
    assert_eq!(stages(&links[0]), [0; 4]);
}

#[test]
fn a_generation_is_confirmed_announced_and_given_back() {
    let (old, new) =
        (rule_set(RULES), rule_set(r#"alert tcp any any -> any any (content:"secret"; sid:9;)"#));
    let mut wired = wired(&settings(1), &old);
    let (seat, mut link) = wired.pop().unwrap();
    let source = ethernet(conversation(4_000)).bursts([10]).repeat(2);
    let mut worker = pipeline::Worker::new(seat, source, pipeline::clock::TscClock::new());
    assert!(matches!(worker.turn(), Ok(pipeline::Step::Worked(10))));
    assert_eq!(link.counters.generation.load(Ordering::Acquire), 1);
    link.generations.push(Generation::new(2, new.clone())).unwrap();
    while matches!(worker.turn(), Ok(pipeline::Step::Worked(_))) {}
    assert_eq!(link.counters.generation.load(Ordering::Acquire), 2);
    assert_eq!(link.retired.pop().map(|old| old.number), Some(1));
    for lane in 1..3 {
        assert_eq!(read(&mut link.lanes[lane], &old), [Said::Switch(2)]);
    }
    let mut scratch = RecordScratch::new();
    let mut said = Vec::new();
    while let Some(record) = link.lanes[0].next(&mut scratch) {
        let header = record.unwrap().header;
        said.push((header.kind as u8, header.generation));
    }
    // 1 is an alert, 2 is the switch: nothing of the old generation comes after it.
    assert_eq!(said, [(1, 1), (1, 1), (2, 2), (1, 2)]);
    assert_balanced(&packets(&[link]));
}

#[test]
fn a_record_tells_all_about_its_packet() {
    let rules = rule_set(RULES);
    let payload = [b"ODD".as_slice(), &[b'x'; 900]].concat();
    let frame =
        Packet::ethernet().vlan(7).ip("10.0.0.3", "10.0.0.4").udp(5, 6).payload(&payload).build();
    let wire_length = frame.len() as u32;
    let short = Settings { payload_bytes_max: 100, ..settings(1) };
    let source = ethernet([frame]).timestamps(5_000_000_000, 1);
    let (mut links, _) = run(wired(&short, &rules), vec![source]);
    let mut scratch = RecordScratch::new();
    let record = links[0].lanes[0].next(&mut scratch).unwrap().unwrap();
    assert_eq!(record.header.wall_ns, 5_000_000_000);
    assert_eq!((record.header.sequence, record.header.packet), (1, 1));
    assert_eq!(record.header.flags, Header::TO_SERVER);
    assert_eq!(record.get(FieldKind::Payload), Some(&payload[..100]));
    assert_eq!(record.get(FieldKind::PayloadSha256), Some(&hash::sha256(&payload)[..]));
    let facts = record::PacketFacts::decode(record.get(FieldKind::Packet).unwrap()).unwrap();
    assert_eq!((facts.wire_length, facts.payload_length, facts.vlan), (wire_length, 903, [7, 0]));
    let flow = record::FlowFacts::decode(record.get(FieldKind::Flow).unwrap()).unwrap();
    assert_eq!((flow.packets_to_server, flow.bytes_to_server), (1, u64::from(wire_length)));
    assert_eq!(flow.start_wall_ns, 5_000_000_000);
}

/// Carriers have many flows, and few addresses of their own: a frame belongs to the worker of what it
/// carries, from whichever queue it comes.
#[test]
fn tunnels_over_two_queues_give_the_alerts_of_one() {
    let rules = rule_set(RULES);
    let carry = |frame: &[u8]| {
        Packet::ethernet().ip("172.16.0.1", "172.16.0.2").protocol(4).payload(&frame[14..]).build()
    };
    let plain: Vec<_> = (4_000..4_050).flat_map(conversation).collect();
    let frames: Vec<_> = plain.iter().map(|frame| carry(frame)).collect();
    let count = frames.len() as u64;
    let (mut bare, _) = run(wired(&settings(1), &rules), vec![ethernet(plain)]);
    let expected = sids(&alerts(&mut bare, &rules));
    let (mut one, _) = run(wired(&settings(1), &rules), vec![ethernet(frames.clone())]);
    assert_eq!(sids(&alerts(&mut one, &rules)), expected);
    assert_eq!(one[0].counters.inner_packets.get(), count);

    let (left, right) = frames.into_iter().enumerate().partition::<Vec<_>, _>(|(n, _)| n % 2 == 0);
    let queue = |frames: Vec<(usize, Vec<u8>)>| {
        ethernet(frames.into_iter().map(|(_, frame)| frame).collect::<Vec<_>>())
    };
    let (mut two, _) = run(wired(&settings(2), &rules), vec![queue(left), queue(right)]);
    let ledger = packets(&two);
    assert_balanced(&ledger);
    assert_eq!(ledger.inspected, count);
    assert!(two.iter().all(|link| link.counters.inner_packets.get() > 0), "both workers had work");
    assert_eq!(sids(&alerts(&mut two, &rules)), expected);
}

/// The signatures that alerted, sorted.
fn sids(said: &[Said]) -> Vec<u32> {
    let sid = |said: &Said| match said {
        Said::Alert { sid, .. } => Some(*sid),
        Said::Switch(_) => None,
    };
    let mut sids: Vec<_> = said.iter().filter_map(sid).collect();
    sids.sort_unstable();
    sids
}

/// The fragments of a datagram are one worker's, and the datagram may be another's.
#[test]
fn fragments_over_two_queues_give_the_alerts_of_one() {
    let rules = rule_set(RULES);
    let whole = |port: u16| {
        let text = [&[7; 40][..], b"ODD", &[7; 20]].concat();
        Packet::raw().ip("10.0.0.3", "10.0.0.4").id(port.into()).udp(port, 9).payload(&text).build()
    };
    let cut = |packet: Vec<u8>| {
        let (id, data) = (u16::from_be_bytes([packet[4], packet[5]]), packet[20..].to_vec());
        let piece = move |from: usize, to: usize| {
            let more = to < data.len();
            let bytes = &data[from..to.min(data.len())];
            let packet = Packet::ethernet().ip("10.0.0.3", "10.0.0.4").id(id.into());
            packet.fragment(from as u16, more).protocol(17).payload(bytes).build()
        };
        [piece(48, 200), piece(0, 24), piece(24, 48)]
    };
    let frames: Vec<_> = (1_000..1_200).flat_map(|port| cut(whole(port))).collect();
    let count = frames.len() as u64;
    for workers in [1, 2] {
        let mut queues = vec![Vec::new(); usize::from(workers)];
        // Bursts of one datagram's fragments come from every queue.
        for (n, frame) in frames.iter().enumerate() {
            queues[n % usize::from(workers)].push(frame.clone());
        }
        let sources = queues.into_iter().map(ethernet).collect();
        let (mut links, _) = run(wired(&settings(workers), &rules), sources);
        let ledger = packets(&links);
        assert_balanced(&ledger);
        assert_eq!(ledger.inspected, count);
        let sum = |read: fn(&contract::WorkerCounters) -> &contract::Counter| {
            links.iter().map(|link| read(&link.counters).get()).sum::<u64>()
        };
        assert_eq!(sum(|c| &c.reassembled), 200, "{workers} workers");
        assert_eq!(sum(|c| &c.reassembled_lost) + sum(|c| &c.reassembly_no_buffer), 0);
        assert_eq!(sids(&alerts(&mut links, &rules)), [3; 200]);
    }
}
