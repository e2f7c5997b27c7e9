//! Counters of a port.

use std::{
    ffi::CStr,
    sync::{MutexGuard, PoisonError},
};

use dpdk_sys::{
    rte_eth_link, rte_eth_link_get_nowait, rte_eth_stats, rte_eth_stats_get, rte_eth_xstat,
    rte_eth_xstat_name, rte_eth_xstats_get, rte_eth_xstats_get_names,
};

use crate::{error::Error, error::check, log, port::Port};

/// What a port has counted since its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortStats {
    /// Packets received.
    pub ipackets: u64,
    /// Bytes received.
    pub ibytes: u64,
    /// Packets that the device dropped because no descriptor was free: the workers are too slow.
    pub imissed: u64,
    /// Packets that arrived damaged.
    pub ierrors: u64,
    /// Packets lost, or tries that failed, because the pool was empty.
    pub rx_nombuf: u64,
    /// Whether the link is up; false also where the driver does not know.
    pub link_up: bool,
    /// The driver's own counters, by its names.
    pub xstats: Vec<(String, u64)>,
}

impl Port {
    /// Reads the counters. For the control plane: it allocates, and may read device registers.
    ///
    /// # Errors
    /// [`Error::Call`] when the driver gives none.
    pub fn stats(&self) -> Result<PortStats, Error> {
        let _control = self.control();
        log::begin();
        let mut basic = rte_eth_stats::default();
        // SAFETY: the port exists while `self` lives; `basic` is valid during the call.
        let result = unsafe { rte_eth_stats_get(self.inner().id, &raw mut basic) };
        check("rte_eth_stats_get", self.name(), result)?;
        let mut link = rte_eth_link::default();
        // SAFETY: as above.
        let result = unsafe { rte_eth_link_get_nowait(self.inner().id, &raw mut link) };
        Ok(PortStats {
            ipackets: basic.ipackets,
            ibytes: basic.ibytes,
            imissed: basic.imissed,
            ierrors: basic.ierrors,
            rx_nombuf: basic.rx_nombuf,
            link_up: result == 0 && link.link_status() == 1,
            xstats: self.xstats()?,
        })
    }

    fn xstats(&self) -> Result<Vec<(String, u64)>, Error> {
        let id = self.inner().id;
        // SAFETY: asks for the number of names only.
        let count = unsafe { rte_eth_xstats_get_names(id, std::ptr::null_mut(), 0) };
        check("rte_eth_xstats_get_names", self.name(), count)?;
        let mut names = vec![rte_eth_xstat_name { name: [0; 64] }; count.unsigned_abs() as usize];
        let mut values = vec![rte_eth_xstat::default(); names.len()];
        let room = count.unsigned_abs();
        // SAFETY: both arrays have room for `room` entries; the driver writes no more and returns how many
        // it would have, so that a number that grew meanwhile is seen below.
        let (named, valued) = unsafe {
            (
                rte_eth_xstats_get_names(id, names.as_mut_ptr(), room),
                rte_eth_xstats_get(id, values.as_mut_ptr(), room),
            )
        };
        check("rte_eth_xstats_get_names", self.name(), named)?;
        check("rte_eth_xstats_get", self.name(), valued)?;
        names.truncate(named.unsigned_abs() as usize);
        values.truncate(valued.unsigned_abs() as usize);
        Ok(values.iter().filter_map(|stat| Some((name_of(&names, stat)?, stat.value))).collect())
    }

    fn control(&self) -> MutexGuard<'_, ()> {
        self.inner().control.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name of `stat`: its id is the index of the name.
fn name_of(names: &[rte_eth_xstat_name], stat: &rte_eth_xstat) -> Option<String> {
    let name = names.get(usize::try_from(stat.id).ok()?)?.name.map(|byte| byte as u8);
    Some(CStr::from_bytes_until_nul(&name).ok()?.to_string_lossy().into_owned())
}
