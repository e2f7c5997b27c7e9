//! What a user says about DPDK.

use std::path::PathBuf;

use dpdk::{BURST_MAX, DATA_ROOM_MAX};
use serde::{Deserialize, Serialize};

use crate::error::DpdkError;

/// Mbufs that each worker keeps in a cache of its own.
pub(crate) const MBUF_CACHE: u32 = 256;
/// Smallest data room: a minimal Ethernet frame fits with room to spare.
const DATA_ROOM_MIN: u16 = 128;
/// Most workers: DPDK gives out 128 lcore numbers, one of which is the environment's own.
const WORKERS_MAX: u16 = 127;

/// Where DPDK's memory comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Memory {
    /// `"no-huge"`: ordinary pages. Works everywhere, without privileges, at about half the speed.
    NoHuge,
    /// `"in-memory"`: reserved hugepages, without a mount and without files. The default.
    #[default]
    InMemory,
    /// `{ huge_dir = "/dev/hugepages" }`: reserved hugepages from this hugetlbfs mount.
    #[serde(rename = "huge_dir")]
    HugeDir(PathBuf),
}

/// A device to capture from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// `{ vdev = "net_af_packet0,iface=eth0" }`: a virtual device, as for EAL's `--vdev`.
    Vdev(String),
    /// `{ pci = "0000:03:00.0" }`: a network card that is bound to a DPDK driver, with device arguments
    /// after a comma if it needs any.
    Pci(String),
}

impl Device {
    /// The device as the user wrote it.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Vdev(text) | Self::Pci(text) => text,
        }
    }

    /// The name without arguments, which is also the name of its port.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text().split(',').next().unwrap_or_default()
    }

    /// The values of the argument `key`, in order.
    pub(crate) fn arguments<'d>(&'d self, key: &'d str) -> impl Iterator<Item = &'d str> {
        self.text()
            .split(',')
            .skip(1)
            .filter_map(|argument| argument.split_once('='))
            .filter_map(move |(name, value)| (name == key).then_some(value))
    }
}

/// The `[dpdk]` part of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DpdkConfig {
    /// Where memory comes from. Default: `"in-memory"`.
    pub memory: Memory,
    /// Memory of the environment, MiB. Each device takes about `mbufs` × (`mbuf_data_room` + 384) bytes,
    /// each worker 64 KiB × `jumbo_mbufs`. Default: 256.
    pub memory_mb: u32,
    /// Keeps processes that use DPDK apart; each needs its own. Default: `"sensor"`.
    pub file_prefix: String,
    /// The devices. A worker reads one queue of each. Default: none, which is an error at the start.
    pub devices: Vec<Device>,
    /// Further arguments for EAL, one word each; not `-l`, `--lcores`, `--vdev` or `-a`, which are made
    /// from this configuration. Default: none.
    pub eal_args: Vec<String>,
    /// Packet buffers of each device. Default: 16383; a power of two less one wastes no memory.
    pub mbufs: u32,
    /// Packet bytes that one buffer holds; a longer frame takes several, and is copied together. 9728
    /// holds every jumbo frame. Default: 2048.
    pub mbuf_data_room: u16,
    /// Buffers per worker for frames that were copied together, 64 KiB each. A frame that finds none is
    /// dropped as `oversize`. Default: 128, twice the largest burst.
    pub jumbo_mbufs: u32,
    /// Descriptors of each receive queue, brought into the device's limits. Default: 1024.
    pub rx_descriptors: u16,
    /// Largest payload of a frame that the device accepts, bytes. Default: 1500.
    pub mtu: u16,
    /// Whether to take frames for other stations too. Default: true.
    pub promiscuous: bool,
    /// Whether the device is to spread flows over the workers, where it can, with a key under which both
    /// directions go to the same one. Without it workers hand packets over. Default: true.
    pub rss: bool,
    /// Whether a packet's time is the one in a `net_pcap` file instead of the time of its receipt. Only
    /// for tests with capture files. Default: false.
    pub packet_time: bool,
}

impl Default for DpdkConfig {
    fn default() -> Self {
        Self {
            memory: Memory::default(),
            memory_mb: 256,
            file_prefix: "sensor".to_owned(),
            devices: Vec::new(),
            eal_args: Vec::new(),
            mbufs: 16_383,
            mbuf_data_room: 2048,
            jumbo_mbufs: 2 * BURST_MAX as u32,
            rx_descriptors: 1024,
            mtu: 1500,
            promiscuous: true,
            rss: true,
            packet_time: false,
        }
    }
}

impl DpdkConfig {
    /// What can be checked without DPDK.
    ///
    /// # Errors
    /// The first setting that cannot work, and its mend.
    pub fn validate(&self, workers: u16) -> Result<(), DpdkError> {
        if self.devices.is_empty() {
            return Err(DpdkError::NoDevices);
        }
        for (index, device) in self.devices.iter().enumerate() {
            if self.devices.iter().take(index).any(|other| other.name() == device.name()) {
                return Err(DpdkError::DeviceTwice { device: device.name().to_owned() });
            }
        }
        if !(1..=WORKERS_MAX).contains(&workers) {
            return Err(DpdkError::Workers { workers, max: WORKERS_MAX });
        }
        if !(DATA_ROOM_MIN..=DATA_ROOM_MAX).contains(&self.mbuf_data_room) {
            let (min, max) = (DATA_ROOM_MIN, DATA_ROOM_MAX);
            return Err(DpdkError::DataRoom { room: self.mbuf_data_room, min, max });
        }
        let needed = self.mbufs_needed(workers);
        if self.mbufs < needed {
            return Err(DpdkError::MbufsFew { mbufs: self.mbufs, needed, workers });
        }
        Ok(())
    }

    /// Mbufs of a device that may be out of the pool at once: full queues, a burst per worker, and full
    /// caches, which DPDK lets grow to one and a half of their size.
    fn mbufs_needed(&self, workers: u16) -> u32 {
        let worker = u32::from(self.rx_descriptors) + BURST_MAX as u32 + MBUF_CACHE * 3 / 2;
        u32::from(workers) * worker
    }

    /// The arguments for EAL. Virtual devices are added later, one by one.
    pub(crate) fn eal_arguments(&self) -> Vec<String> {
        let mut words = vec!["--no-telemetry".to_owned()];
        words.extend(["--file-prefix".to_owned(), self.file_prefix.clone()]);
        words.extend(["-m".to_owned(), self.memory_mb.to_string()]);
        match &self.memory {
            Memory::NoHuge => words.push("--no-huge".to_owned()),
            Memory::InMemory => words.push("--in-memory".to_owned()),
            Memory::HugeDir(path) => {
                words.extend(["--huge-dir".to_owned(), path.display().to_string()]);
            }
        }
        let mut cards = false;
        for device in &self.devices {
            if let Device::Pci(text) = device {
                words.extend(["-a".to_owned(), text.clone()]);
                cards = true;
            }
        }
        if !cards {
            words.push("--no-pci".to_owned());
        }
        words.extend(self.eal_args.iter().cloned());
        words
    }
}

#[cfg(test)]
mod tests;
