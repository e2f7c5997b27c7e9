//! Capture files through DPDK's `net_pcap`, and packets that are none through `net_null`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::fs;

use capture::{Burst, PacketSource, Polled};
use capture_dpdk::{DpdkConfig, LINEAR_BYTES_MAX};
use common::{Runner, alone, alone_by, capture_file, config, frame, receive, start};
use contract::LinkType;

/// Every length around the sizes of one mbuf (2048) and of the linearisation buffer, in one file.
fn read_frames_of_all_sizes() {
    let longest = usize::from(LINEAR_BYTES_MAX);
    let lengths = [60, 512, 1514, 2048, 2049, 9000, longest, longest + 1, 64];
    let frames: Vec<_> = lengths.iter().zip(1..).map(|(len, seed)| frame(*len, seed)).collect();
    let path = capture_file("sizes.pcap", &frames);
    let config =
        DpdkConfig { packet_time: true, ..config(&[&format!("net_pcap0,rx_pcap={path}")]) };
    let mut dpdk = start(&config, 1);
    let mut source = dpdk.take_source(0).unwrap();
    assert!(dpdk.take_source(0).is_none() && dpdk.take_source(1).is_none());
    let thread = source.register_thread().unwrap();
    let idle = dpdk.mbufs_in_use();

    let mut index = 0;
    let mut linearised = 0;
    while index < frames.len() {
        let Polled::Burst(burst) = source.poll(4).unwrap() else { panic!("{index} frames came") };
        linearised += burst.linearised();
        for place in 0..burst.len() {
            let sent = &frames[index];
            burst.prefetch(place);
            match burst.frame(place) {
                Some(shown) => {
                    assert_eq!(shown.bytes, sent, "frame {index}");
                    assert_eq!(shown.meta.number, index as u64 + 1);
                    assert_eq!(shown.meta.wire_length as usize, sent.len());
                    assert_eq!((shown.meta.link, shown.meta.port), (LinkType::ETHERNET, 0));
                    let time =
                        testkit::FIRST_TIMESTAMP_NS + index as u64 * testkit::TIMESTAMP_STEP_NS;
                    assert_eq!(shown.meta.timestamp_ns, Some(time));
                }
                None => assert_eq!(sent.len(), longest + 1),
            }
            index += 1;
        }
    }
    assert_eq!(linearised, 3, "2049, 9000 and the longest");
    // The driver does not tell the end of a file.
    assert!((0..1000).all(|_| matches!(source.poll(64), Ok(Polled::Idle))));
    assert_eq!(dpdk.mbufs_in_use(), idle);
    let [port] = dpdk.port_stats().unwrap().try_into().unwrap();
    assert_eq!((port.name.as_str(), port.driver.as_str()), ("net_pcap0", "net_pcap"));
    assert_eq!(port.stats.ipackets, frames.len() as u64);
    assert_eq!((port.stats.imissed, port.stats.ierrors, port.stats.rx_nombuf), (0, 0, 0));
    let good = |(name, value): &(String, u64)| name == "rx_good_packets" && *value == 9;
    assert!(port.stats.xstats.iter().any(good), "{:?}", port.stats.xstats);
    drop((source, thread));
    dpdk.shutdown().unwrap();
}

#[test]
fn frames_of_all_sizes() {
    alone("frames_of_all_sizes", read_frames_of_all_sizes);
}

#[test]
fn frames_as_an_ordinary_user() {
    let nobody = |_: &std::path::Path| match fs::metadata("/proc/self")
        .map(|own| std::os::unix::fs::MetadataExt::uid(&own))
    {
        Ok(0) => Runner::Nobody,
        _ => Runner::Skipped("only root can become another user"),
    };
    alone_by("frames_as_an_ordinary_user", nobody, read_frames_of_all_sizes);
}

#[test]
fn time_is_left_to_the_receiver_by_default() {
    alone("time_is_left_to_the_receiver_by_default", || {
        let path = capture_file("one.pcap", &[frame(60, 1)]);
        let mut dpdk = start(&config(&[&format!("net_pcap0,rx_pcap={path}")]), 1);
        let mut source = dpdk.take_source(0).unwrap();
        receive(&mut source, 1, |shown| assert_eq!(shown.unwrap().meta.timestamp_ns, None));
    });
}

#[test]
fn large_mbufs_hold_jumbo_frames() {
    alone("large_mbufs_hold_jumbo_frames", || {
        let path = capture_file("jumbo.pcap", &[frame(9000, 1)]);
        let device = format!("net_pcap0,rx_pcap={path},infinite_rx=1");
        let config = DpdkConfig { mbuf_data_room: 9728, mtu: 9000, ..config(&[&device]) };
        let mut dpdk = start(&config, 1);
        let mut source = dpdk.take_source(0).unwrap();
        let Polled::Burst(burst) = source.poll(32).unwrap() else { panic!("no frame") };
        assert_eq!((burst.len(), burst.linearised()), (32, 0));
        assert_eq!(burst.frame(31).unwrap().bytes, frame(9000, 1));
    });
}

#[test]
fn an_endless_file_repeats_without_time() {
    alone("an_endless_file_repeats_without_time", || {
        let frames: Vec<_> = (0..3).map(|seed| frame(100, seed)).collect();
        let path = capture_file("loop.pcap", &frames);
        let device = format!("net_pcap0,rx_pcap={path},infinite_rx=1");
        let config = DpdkConfig { packet_time: true, ..config(&[&device]) };
        let mut dpdk = start(&config, 1);
        let mut source = dpdk.take_source(0).unwrap();
        let mut index = 0;
        receive(&mut source, 64 * 100, |shown| {
            let shown = shown.unwrap();
            assert_eq!(shown.bytes, frames[index % 3]);
            assert_eq!(shown.meta.timestamp_ns, None);
            index += 1;
            assert_eq!(shown.meta.number, index as u64);
        });
        drop(source);
        dpdk.shutdown().unwrap();
    });
}

#[test]
fn each_worker_has_its_queue() {
    alone("each_worker_has_its_queue", || {
        let files: Vec<_> = (0..2u8)
            .map(|worker| {
                let frames: Vec<_> = (0..200).map(|_| frame(60, worker)).collect();
                capture_file(&format!("{worker}.pcap"), &frames)
            })
            .collect();
        let device = format!("net_pcap0,rx_pcap={},rx_pcap={}", files[0], files[1]);
        let mut dpdk = start(&config(&[&device]), 2);
        let idle = dpdk.mbufs_in_use();
        std::thread::scope(|scope| {
            for worker in 0..2u8 {
                let mut source = dpdk.take_source(worker.into()).unwrap();
                scope.spawn(move || {
                    let _registered = source.register_thread().unwrap();
                    assert!(source.register_thread().is_err(), "a thread is registered once");
                    receive(&mut source, 200, |shown| {
                        assert_eq!(shown.unwrap().bytes, frame(60, worker));
                    });
                });
            }
        });
        assert_eq!(dpdk.mbufs_in_use(), idle);
        dpdk.shutdown().unwrap();
    });
}

#[test]
fn devices_are_polled_in_turn() {
    alone("devices_are_polled_in_turn", || {
        let frames = vec![frame(60, 7); 200];
        let path = capture_file("a.pcap", &frames);
        let devices = [format!("net_pcap0,rx_pcap={path}"), format!("net_pcap1,rx_pcap={path}")];
        let mut dpdk = start(&config(&[&devices[0], &devices[1]]), 1);
        let mut source = dpdk.take_source(0).unwrap();
        let mut seen = Vec::new();
        while let Polled::Burst(burst) = source.poll(100).unwrap() {
            let first = burst.frame(0).unwrap().meta;
            seen.push((first.port, first.number, burst.len()));
        }
        let expected = [(1, 64), (65, 64), (129, 64), (193, 8)];
        let expected =
            expected.iter().flat_map(|(number, len)| [0, 1].map(|port| (port, *number, *len)));
        assert_eq!(seen, expected.collect::<Vec<_>>());
        drop(source);
        dpdk.shutdown().unwrap();
    });
}

#[test]
fn rss_is_set_up_symmetric() {
    alone("rss_is_set_up_symmetric", || {
        let mut dpdk = start(&config(&["net_null0,size=64", "net_ring0"]), 2);
        let rss: Vec<_> =
            dpdk.port_stats().unwrap().iter().map(|port| port.symmetric_rss).collect();
        assert_eq!(rss, [true, false], "net_null takes a key, net_ring cannot spread");
        let mut source = dpdk.take_source(1).unwrap();
        receive(&mut source, 6400, |shown| assert_eq!(shown.unwrap().bytes.len(), 64));
        drop(source);
        dpdk.shutdown().unwrap();
    });
}

/// The CPUs of every thread of the process, as the kernel lists them.
fn cpus_of_threads() -> Vec<String> {
    let threads = fs::read_dir("/proc/self/task").unwrap();
    let status = threads.map(|thread| fs::read_to_string(thread.unwrap().path().join("status")));
    let cpus = |status: String| {
        let mut lines = status.lines();
        lines.find(|line| line.starts_with("Cpus_allowed_list:")).unwrap().to_owned()
    };
    status.map(|status| cpus(status.unwrap())).collect()
}

#[test]
fn no_thread_is_pinned() {
    alone("no_thread_is_pinned", || {
        let before = cpus_of_threads();
        let dpdk = start(&config(&["net_null0"]), 1);
        let after = cpus_of_threads();
        assert!(after.len() > before.len(), "the environment has threads");
        assert!(after.iter().all(|cpus| *cpus == before[0]), "{before:?} {after:?}");
        dpdk.shutdown().unwrap();
    });
}
