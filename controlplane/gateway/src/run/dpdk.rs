//! DPDK's ports as the source of `run`.

use std::sync::{Arc, Mutex, PoisonError};

use capture_dpdk::{DevicePort, Dpdk, DpdkConfig, DpdkSource};
use control::stats::{PortStats, PortView};

use crate::exit::{Exit, Failure};

/// The ports that were started, for stats and for the end. None once they are down.
pub(super) struct Ports(Mutex<Option<Dpdk>>);

/// DPDK, running.
pub(super) struct Started {
    /// The ports.
    pub(super) ports: Arc<Ports>,
    /// A source for each worker.
    pub(super) sources: Vec<DpdkSource>,
    /// The ports' names, by index.
    pub(super) interfaces: Vec<String>,
}

impl Ports {
    /// Starts EAL, in a thread of its own, and every device.
    pub(super) fn start(config: &DpdkConfig, workers: u16) -> Result<Started, Failure> {
        let failed = |error| Failure::new(Exit::Capture, format!("capture.dpdk: {error}"));
        let mut dpdk = Dpdk::start(config, workers).map_err(failed)?;
        let sources = (0..workers).filter_map(|worker| dpdk.take_source(worker)).collect();
        let ports = dpdk.port_stats().map_err(failed)?;
        for port in &ports {
            let DevicePort { name, driver, symmetric_rss, .. } = port;
            tracing::info!(name, driver, symmetric_rss, workers, "port");
        }
        let interfaces = ports.into_iter().map(|port| port.name).collect();
        Ok(Started { ports: Arc::new(Self(Mutex::new(Some(dpdk)))), sources, interfaces })
    }

    /// Takes everything down, once the workers have given their sources back.
    pub(super) fn shutdown(&self) {
        let dpdk = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(error)) = dpdk.map(Dpdk::shutdown) {
            tracing::warn!(%error, "DPDK did not end in order");
        }
    }
}

impl PortStats for Ports {
    fn ports(&self) -> Vec<PortView> {
        let dpdk = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(ports) = dpdk.as_ref().map(Dpdk::port_stats) else { return Vec::new() };
        match ports {
            Ok(ports) => ports.into_iter().map(view).collect(),
            Err(error) => {
                tracing::warn!(%error, "a port gives no counters");
                Vec::new()
            }
        }
    }
}

fn view(port: DevicePort) -> PortView {
    let DevicePort { name, driver, stats, .. } = port;
    PortView {
        name,
        driver,
        link_up: stats.link_up,
        rx_packets: stats.ipackets,
        rx_bytes: stats.ibytes,
        rx_missed: stats.imissed,
        rx_errors: stats.ierrors,
        rx_no_mbuf: stats.rx_nombuf,
        extended: stats.xstats.into_iter().collect(),
    }
}
