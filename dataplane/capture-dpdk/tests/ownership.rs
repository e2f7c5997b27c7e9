//! Who owns a frame, and that nothing is freed under its user.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::sync::mpsc;

use capture::{Burst, PacketSource, Polled, SourceError};
use capture_dpdk::{Dpdk, DpdkError, DpdkSource};
use common::{alone, capture_file, config, frame, receive, start};

fn ten_frames() -> Vec<Vec<u8>> {
    // The sixth takes several mbufs.
    (0..10).map(|seed| frame(if seed == 5 { 5000 } else { 100 }, seed)).collect()
}

fn start_ten() -> (Dpdk, DpdkSource, u32) {
    let path = capture_file("ten.pcap", &ten_frames());
    let mut dpdk = start(&config(&[&format!("net_pcap0,rx_pcap={path}")]), 1);
    let source = dpdk.take_source(0).unwrap();
    let idle = dpdk.mbufs_in_use();
    (dpdk, source, idle)
}

#[test]
fn a_detached_frame_outlives_its_source() {
    alone("a_detached_frame_outlives_its_source", || {
        let (dpdk, mut source, idle) = start_ten();
        let (to_owner, handed_over) = mpsc::channel::<capture_dpdk::Mbuf>();
        let owner = std::thread::spawn(move || {
            handed_over.iter().map(|frame| frame.as_ref().to_vec()).collect::<Vec<_>>()
        });
        let Polled::Burst(mut burst) = source.poll(64).unwrap() else { panic!("no frame") };
        for index in 0..burst.len() {
            to_owner.send(burst.detach(index).unwrap()).unwrap();
            assert!(burst.frame(index).is_none() && burst.detach(index).is_none());
        }
        assert_eq!(burst.len(), 10);
        assert!(burst.detach(10).is_none());
        drop(burst);
        drop(source);
        drop(to_owner);
        assert_eq!(owner.join().unwrap(), ten_frames());
        assert_eq!(dpdk.mbufs_in_use(), idle);
        dpdk.shutdown().unwrap();
    });
}

#[test]
fn a_burst_dropped_early_leaks_nothing() {
    alone("a_burst_dropped_early_leaks_nothing", || {
        let (dpdk, mut source, idle) = start_ten();
        let Polled::Burst(mut burst) = source.poll(7).unwrap() else { panic!("no frame") };
        let kept = burst.detach(3).unwrap();
        assert_eq!(dpdk.mbufs_in_use(), idle + 7, "the copied frame takes one mbuf too");
        drop(burst);
        assert_eq!(dpdk.mbufs_in_use(), idle + 1);
        assert_eq!(kept.as_ref(), frame(100, 3));
        drop(kept);
        assert_eq!(dpdk.mbufs_in_use(), idle);
        // A burst that is forgotten is freed by the next poll.
        let Polled::Burst(burst) = source.poll(3).unwrap() else { panic!("no frame") };
        std::mem::forget(burst);
        assert!(matches!(source.poll(64), Ok(Polled::Idle)));
        assert_eq!(dpdk.mbufs_in_use(), idle);
        drop(source);
        dpdk.shutdown().unwrap();
    });
}

#[test]
fn frames_keep_their_memory() {
    alone("frames_keep_their_memory", || {
        let (dpdk, mut source, _) = start_ten();
        let Polled::Burst(mut burst) = source.poll(64).unwrap() else { panic!("no frame") };
        let kept = [burst.detach(0).unwrap(), burst.detach(5).unwrap()];
        drop(burst);
        drop(source);
        let error = dpdk.shutdown().unwrap_err();
        assert!(matches!(error, DpdkError::FramesInUse { frames: 2 }), "{error}");
        assert_eq!(kept[0].as_ref(), frame(100, 0));
        assert_eq!(kept[1].as_ref(), frame(5000, 5));
    });
}

#[test]
fn a_source_keeps_its_port() {
    alone("a_source_keeps_its_port", || {
        let (dpdk, mut source, _) = start_ten();
        let error = dpdk.shutdown().unwrap_err();
        assert!(matches!(error, DpdkError::Busy(_)), "{error}");
        receive(&mut source, 10, |shown| assert!(shown.is_some()));
    });
}

#[test]
fn a_registered_thread_keeps_the_environment() {
    alone("a_registered_thread_keeps_the_environment", || {
        let (dpdk, source, _) = start_ten();
        let registered = dpdk.register_thread().unwrap();
        drop(source);
        let error = dpdk.shutdown().unwrap_err();
        assert!(matches!(error, DpdkError::Busy(_)), "{error}");
        drop(registered);
    });
}

#[test]
fn injected_frames_come_to_the_chosen_worker() {
    alone("injected_frames_come_to_the_chosen_worker", || {
        let mut dpdk = start(&config(&["net_ring0"]), 2);
        let idle = dpdk.mbufs_in_use();
        let mut injectors = [0, 1].map(|queue| dpdk.injector("net_ring0", queue).unwrap());
        assert!(dpdk.injector("net_ring0", 0).is_err(), "a ring has one producer");
        assert!(dpdk.injector("net_ring1", 0).is_err());
        for (queue, injector) in injectors.iter_mut().enumerate() {
            for seed in 0..100 {
                assert!(injector.inject(&frame(60 + queue, seed)));
            }
            assert!(!injector.inject(&frame(2049, 0)), "larger than one mbuf");
        }
        for queue in 0..2 {
            let mut source = dpdk.take_source(queue).unwrap();
            let mut seed = 0;
            receive(&mut source, 100, |shown| {
                assert_eq!(shown.unwrap().bytes, frame(60 + usize::from(queue), seed));
                seed += 1;
            });
        }
        let full = (0..2000).take_while(|_| injectors[0].inject(&frame(60, 0))).count();
        assert_eq!(full, 1023, "the size of the driver's ring");
        drop(injectors);
        assert_eq!(dpdk.mbufs_in_use(), idle + 1023);
        assert!(matches!(dpdk.shutdown(), Err(DpdkError::FramesInUse { frames: 1023 })));
    });
}

unsafe extern "C" {
    /// DPDK's table of ports; the first entry is port 0.
    static mut rte_eth_devices: u8;
    /// What a driver calls to announce an event of a port.
    fn rte_eth_dev_callback_process(device: *mut u8, event: u32, argument: *mut u8) -> i32;
}

/// `RTE_ETH_EVENT_INTR_RMV`.
const REMOVAL: u32 = 6;

#[test]
fn a_removed_device_is_told_once_and_the_others_go_on() {
    alone("a_removed_device_is_told_once_and_the_others_go_on", || {
        let mut dpdk = start(&config(&["net_ring0", "net_ring1"]), 1);
        let mut source = dpdk.take_source(0).unwrap();
        assert!(matches!(source.poll(64), Ok(Polled::Idle)));
        // SAFETY: port 0 exists, and the event takes no argument.
        let result = unsafe {
            rte_eth_dev_callback_process(&raw mut rte_eth_devices, REMOVAL, std::ptr::null_mut())
        };
        assert_eq!(result, 0);
        match source.poll(64) {
            Err(SourceError::Device { device, .. }) => assert_eq!(device, "net_ring0 queue 0"),
            other => panic!("{other:?}"),
        }
        let mut injector = dpdk.injector("net_ring1", 0).unwrap();
        assert!(injector.inject(&frame(60, 1)));
        receive(&mut source, 1, |shown| assert_eq!(shown.unwrap().meta.port, 1));
        assert!(matches!(source.poll(64), Ok(Polled::Idle)));
        drop((source, injector));
        dpdk.shutdown().unwrap();
    });
}
