//! What cannot start, each with one sentence that names the cause and the mend.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::{env, os::unix::fs::MetadataExt, process::Command};

use capture_dpdk::{Dpdk, DpdkConfig, DpdkError, Memory};
use common::{Runner, alone, alone_by, capture_file, config, frame, start};

/// The sentence of a start that must fail, checked for its `parts`.
fn refuse(config: &DpdkConfig, workers: u16, parts: &[&str]) {
    let sentence = Dpdk::start(config, workers).map(drop).unwrap_err().to_string();
    println!("{sentence}");
    for part in parts {
        assert!(sentence.contains(part), "{part:?} is not in: {sentence}");
    }
    assert!(!sentence.contains('\n'), "{sentence}");
}

#[test]
fn a_missing_capture_file() {
    alone("a_missing_capture_file", || {
        let config = config(&["net_pcap0,rx_pcap=/nonexistent/a.pcap"]);
        refuse(&config, 1, &["net_pcap0", "/nonexistent/a.pcap", "No such file", "exists"]);
    });
}

#[test]
fn an_unknown_driver() {
    alone("an_unknown_driver", || {
        refuse(&config(&["net_nul0"]), 1, &["net_nul0", "no driver", "spelling"]);
    });
}

#[test]
fn a_card_that_is_not_there() {
    alone("a_card_that_is_not_there", || {
        let pci = capture_dpdk::Device::Pci("0000:ff:1f.7".to_owned());
        let config = DpdkConfig { devices: vec![pci], ..config(&[]) };
        refuse(&config, 1, &["0000:ff:1f.7", "dpdk-devbind.py"]);
    });
}

#[test]
fn arguments_that_a_driver_refuses() {
    alone("arguments_that_a_driver_refuses", || {
        refuse(&config(&["net_pcap0,rx_pcab=a.pcap"]), 1, &["net_pcap0", "arguments"]);
    });
}

#[test]
fn too_few_hugepages() {
    alone("too_few_hugepages", || {
        let terabyte =
            DpdkConfig { memory: Memory::InMemory, memory_mb: 1 << 20, ..config(&["net_null0"]) };
        refuse(&terabyte, 1, &["1048576 MiB of hugepages", "vm.nr_hugepages=524288", "no-huge"]);
    });
}

#[test]
fn the_prefix_of_another_process() {
    const SECOND: &str = "SENSOR_DPDK_SECOND";
    alone("the_prefix_of_another_process", || {
        let config = config(&["net_null0"]);
        if env::var_os(SECOND).is_some() {
            return refuse(&config, 1, &["another process", "sensor-test", "another prefix"]);
        }
        let dpdk = start(&config, 1);
        let mut second = Command::new(env::current_exe().unwrap());
        let name = "the_prefix_of_another_process";
        second.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(SECOND, "1");
        assert!(second.status().unwrap().success());
        dpdk.shutdown().unwrap();
    });
}

#[test]
fn a_second_start() {
    alone("a_second_start", || {
        let config = config(&["net_null0"]);
        start(&config, 1).shutdown().unwrap();
        assert!(matches!(Dpdk::start(&config, 1), Err(DpdkError::StartedBefore)));
    });
}

#[test]
fn an_interface_that_is_not_there() {
    alone("an_interface_that_is_not_there", || {
        refuse(&config(&["net_af_packet0,iface=absent0"]), 1, &["no interface absent0", "ip link"]);
    });
}

#[test]
fn an_interface_without_permission() {
    let nobody = |folder: &std::path::Path| match folder.metadata().map(|own| own.uid()) {
        Ok(0) => Runner::Nobody,
        _ => Runner::Plain,
    };
    alone_by("an_interface_without_permission", nobody, || {
        refuse(&config(&["net_af_packet0,iface=lo"]), 1, &["interface lo", "CAP_NET_RAW"]);
    });
}

#[test]
fn more_workers_than_queues() {
    alone("more_workers_than_queues", || {
        let path = capture_file("a.pcap", &[frame(60, 0)]);
        let config = config(&[&format!("net_pcap0,rx_pcap={path}")]);
        refuse(&config, 2, &["net_pcap0", "1 receive queues", "2 workers", "rx_pcap="]);
    });
}

#[test]
fn queues_that_nobody_would_read() {
    alone("queues_that_nobody_would_read", || {
        let path = capture_file("a.pcap", &[frame(60, 0)]);
        let config = config(&[&format!("net_pcap0,rx_pcap={path},rx_pcap={path}")]);
        refuse(&config, 1, &["net_pcap0", "2 receive queues", "lost", "2 workers"]);
    });
}

#[test]
fn memory_too_small_for_the_pools() {
    alone("memory_too_small_for_the_pools", || {
        let config = DpdkConfig { memory_mb: 64, mbufs: 65_535, ..config(&["net_null0"]) };
        refuse(&config, 1, &["64 MiB", "raise `memory_mb`"]);
    });
}

#[test]
fn an_endless_file_whose_frames_do_not_fit_an_mbuf() {
    alone("an_endless_file_whose_frames_do_not_fit_an_mbuf", || {
        let path = capture_file("jumbo.pcap", &[frame(9000, 0)]);
        let config = config(&[&format!("net_pcap0,rx_pcap={path},infinite_rx=1")]);
        refuse(&config, 1, &["net_pcap0", "`mbuf_data_room` (now 2048"]);
    });
}

#[test]
fn an_endless_file_with_more_frames_than_mbufs() {
    alone("an_endless_file_with_more_frames_than_mbufs", || {
        let path = capture_file("many.pcap", &vec![frame(60, 0); 5_000]);
        let config = config(&[&format!("net_pcap0,rx_pcap={path},infinite_rx=1")]);
        refuse(&config, 1, &["net_pcap0", "`mbufs` (now 4095)"]);
    });
}
