//! What a port is and can do.

use std::ffi::{CStr, c_char};

use dpdk_sys::{
    RTE_MAX_ETHPORTS, SHIM_DEV_NO_OWNER, rte_dev_name, rte_eth_dev_info, rte_eth_dev_info_get,
    rte_eth_dev_socket_id, rte_eth_find_next_owned_by,
};

use crate::{
    error::{Error, check},
    log,
};

/// A port as its driver describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortInfo {
    /// DPDK's number of the port.
    pub id: u16,
    /// The device: the first word of a `--vdev` argument, or a PCI address.
    pub device: String,
    /// The driver: `net_pcap`, `net_ixgbe` …
    pub driver: String,
    /// Receive queues that it offers.
    pub rx_queues_max: u16,
    /// Largest MTU that it takes, bytes.
    pub mtu_max: u16,
    /// Its NUMA node; -1 where it has none.
    pub socket: i32,
    /// Bits (`RTE_ETH_RSS_*`) of the packet types that it can spread over queues by hash.
    pub rss_types: u64,
    /// Length of its RSS key in bytes; 0 where the driver does not say.
    pub rss_key_len: u8,
    /// Bits (`RTE_ETH_RX_OFFLOAD_*`) of its receive offloads.
    pub rx_offloads: u64,
}

impl PortInfo {
    /// Every port of the process.
    pub(crate) fn all() -> Result<Vec<Self>, Error> {
        let mut ports = Vec::new();
        let mut from = 0;
        loop {
            // SAFETY: EAL runs; the function takes any number.
            let found = unsafe { rte_eth_find_next_owned_by(from, SHIM_DEV_NO_OWNER) };
            let Some(id) = u16::try_from(found).ok().filter(|id| u32::from(*id) < RTE_MAX_ETHPORTS)
            else {
                return Ok(ports);
            };
            ports.push(Self::of(id)?);
            from = id + 1;
        }
    }

    /// Port `id`.
    pub(crate) fn of(id: u16) -> Result<Self, Error> {
        let mut info = rte_eth_dev_info::default();
        log::begin();
        // SAFETY: EAL runs, `info` is valid during the call; an unknown id is refused.
        let result = unsafe { rte_eth_dev_info_get(id, &raw mut info) };
        check("rte_eth_dev_info_get", format!("port {id}"), result)?;
        // SAFETY: the port exists, so that its device and its names do, which are strings.
        let (device, driver, socket) = unsafe {
            (text(rte_dev_name(info.device)), text(info.driver_name), rte_eth_dev_socket_id(id))
        };
        Ok(Self {
            id,
            device,
            driver,
            rx_queues_max: info.max_rx_queues,
            mtu_max: info.max_mtu,
            socket,
            rss_types: info.flow_type_rss_offloads,
            rss_key_len: info.hash_key_size,
            rx_offloads: info.rx_offload_capa,
        })
    }
}

/// # Safety
/// `string` is NULL or a C string.
unsafe fn text(string: *const c_char) -> String {
    if string.is_null() {
        return String::new();
    }
    // SAFETY: by the contract of this function.
    unsafe { CStr::from_ptr(string) }.to_string_lossy().into_owned()
}
