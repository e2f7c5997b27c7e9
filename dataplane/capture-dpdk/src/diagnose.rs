//! From DPDK's failures to their causes: what a user can see and mend.

use std::{fs, path::Path};

use dpdk::Error;

use crate::{
    config::{Device, DpdkConfig, Memory},
    error::DpdkError,
};

/// Where the kernel counts hugepages, one folder per size.
const HUGEPAGES: &str = "/sys/kernel/mm/hugepages";
/// KiB of a page of the usual size, in which the mend is told.
const USUAL_PAGE_KB: u64 = 2048;
/// What a driver returns for bad arguments (`EINVAL` of Linux).
const EINVAL: i32 = 22;

/// Why the environment did not start.
pub(crate) fn environment(config: &DpdkConfig, error: Error) -> DpdkError {
    if matches!(error, Error::AlreadyStarted) {
        return DpdkError::StartedBefore;
    }
    if error.log().contains("Cannot create lock") {
        return DpdkError::PrefixTaken { prefix: config.file_prefix.clone() };
    }
    if config.memory == Memory::NoHuge {
        return DpdkError::Environment(error);
    }
    let needed_kb = u64::from(config.memory_mb) * 1024;
    let free_kb = hugepages_free_kb(Path::new(HUGEPAGES));
    if free_kb < needed_kb {
        let pages = needed_kb.div_ceil(USUAL_PAGE_KB);
        let (needed_mb, free_mb) = (needed_kb / 1024, free_kb / 1024);
        return DpdkError::Hugepages { needed_mb, free_mb, pages };
    }
    match &config.memory {
        Memory::HugeDir(path) => {
            DpdkError::HugeDir { path: path.display().to_string(), reason: error }
        }
        _ => DpdkError::Environment(error),
    }
}

/// KiB of free hugepages of every size.
fn hugepages_free_kb(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let sizes = entries.flatten().filter_map(|entry| {
        let name = entry.file_name();
        let kb =
            name.to_str()?.strip_prefix("hugepages-")?.strip_suffix("kB")?.parse::<u64>().ok()?;
        let free = fs::read_to_string(entry.path().join("free_hugepages")).ok()?;
        Some(kb.saturating_mul(free.trim().parse::<u64>().ok()?))
    });
    sizes.fold(0, u64::saturating_add)
}

/// Why a virtual device did not come up.
pub(crate) fn probe(device: &Device, error: Error) -> DpdkError {
    let name = device.name().to_owned();
    if error.log().contains("failed to parse device") {
        return DpdkError::UnknownDriver { device: name };
    }
    for path in device.arguments("rx_pcap") {
        if let Err(reason) = fs::File::open(path) {
            return DpdkError::CaptureFile { device: name, path: path.to_owned(), reason };
        }
    }
    let keys = ["iface", "rx_iface", "rx_iface_in"];
    let Some(interface) = keys.into_iter().find_map(|key| device.arguments(key).next()) else {
        return DpdkError::Refused { device: name, reason: error };
    };
    let interface = interface.to_owned();
    if Path::new("/sys/class/net").join(&interface).exists() {
        DpdkError::Interface { device: name, interface, reason: error }
    } else {
        DpdkError::NoInterface { device: name, interface }
    }
}

/// Why a port could not be set up.
pub(crate) fn set_up(device: &Device, config: &DpdkConfig, reason: Error) -> DpdkError {
    let name = device.name().to_owned();
    let endless = device.arguments("infinite_rx").any(|value| value == "1");
    if endless && reason.errno() == Some(EINVAL) {
        let (room, mbufs) = (config.mbuf_data_room, config.mbufs);
        return DpdkError::Infinite { device: name, room, mbufs, reason };
    }
    DpdkError::SetUp { device: name, reason }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::hugepages_free_kb;

    #[test]
    fn hugepages_of_every_size_count() {
        let folder = tempfile::tempdir().unwrap();
        for (size, free) in [("hugepages-2048kB", "3\n"), ("hugepages-1048576kB", "1\n")] {
            let folder = folder.path().join(size);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("free_hugepages"), free).unwrap();
        }
        assert_eq!(hugepages_free_kb(folder.path()), 3 * 2048 + 1_048_576);
        assert_eq!(hugepages_free_kb(&folder.path().join("absent")), 0);
    }
}
