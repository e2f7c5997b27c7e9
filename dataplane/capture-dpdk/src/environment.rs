//! From the configuration to running ports, and back.

use std::sync::{Arc, Mutex, PoisonError};

use dpdk::{
    Eal, Mempool, PoolConfig, Port, PortConfig, PortInfo, PortStats, Registrar, RxQueue,
    TimestampField, WorkerThread,
};

use crate::{
    config::{Device, DpdkConfig, MBUF_CACHE},
    diagnose,
    error::DpdkError,
    inject::Injector,
    source::{DpdkSource, LINEAR_BYTES_MAX},
};

/// Drivers whose every queue gets packets, whether it is read or not.
const FIXED_QUEUES: [&str; 3] = ["net_pcap", "net_af_packet", "net_af_xdp"];

/// DPDK, running: the environment, the ports, and the sources that no worker has taken yet.
///
/// Dropped without [`Dpdk::shutdown`], it takes down what is not in use.
#[derive(Debug)]
pub struct Dpdk {
    // In the order of the end.
    /// Behind a lock only because a source may not be shared, and this may.
    sources: Mutex<Vec<Option<DpdkSource>>>,
    ports: Vec<Port>,
    pools: Vec<Arc<Mempool>>,
    registrar: Registrar,
    eal: Eal,
}

// Statistics and thread registration are for several threads.
const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<Dpdk>();
};

/// A port, what it has counted, and how it is spread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevicePort {
    /// The device's name, as in the configuration.
    pub name: String,
    /// Its driver.
    pub driver: String,
    /// Whether the device itself keeps flows on one worker.
    pub symmetric_rss: bool,
    /// Its counters.
    pub stats: PortStats,
}

impl Dpdk {
    /// Starts the environment and every device, with one queue per worker on each.
    ///
    /// # Errors
    /// One sentence that names the cause and the mend; see [`DpdkError`].
    pub fn start(config: &DpdkConfig, workers: u16) -> Result<Self, DpdkError> {
        config.validate(workers)?;
        let eal = Eal::start(&config.eal_arguments(), log_line)
            .map_err(|error| diagnose::environment(config, error))?;
        let ports = find_ports(&eal, config)?;
        for (device, info) in &ports {
            check_port(device, info, config, workers)?;
        }
        let jumbo = make_pool(
            &eal,
            config,
            &PoolConfig {
                name: "jumbo",
                mbufs: config.jumbo_mbufs.max(1).saturating_mul(u32::from(workers)),
                cache: 0,
                data_room: LINEAR_BYTES_MAX,
                socket: -1,
            },
        )?;
        let stamp = if config.packet_time { Some(TimestampField::register(&eal)?) } else { None };
        let mut started = Self {
            sources: Mutex::default(),
            ports: Vec::new(),
            pools: vec![Arc::clone(&jumbo)],
            registrar: eal.registrar(),
            eal,
        };
        let mut queues: Vec<Vec<RxQueue>> = (0..workers).map(|_| Vec::new()).collect();
        for (device, info) in ports {
            let opened = started.open(device, &info, config, workers)?;
            for (worker, queue) in queues.iter_mut().zip(opened) {
                worker.push(queue);
            }
        }
        let sources = queues.into_iter().map(|queues| {
            Some(DpdkSource::new(queues, Arc::clone(&jumbo), stamp, started.registrar.clone()))
        });
        started.sources = Mutex::new(sources.collect());
        Ok(started)
    }

    /// Makes the pool of a port, on the port's NUMA node, and starts the port.
    fn open(
        &mut self,
        device: &Device,
        info: &PortInfo,
        config: &DpdkConfig,
        workers: u16,
    ) -> Result<Vec<RxQueue>, DpdkError> {
        let pool = make_pool(
            &self.eal,
            config,
            &PoolConfig {
                name: &format!("rx-{}", info.id),
                mbufs: config.mbufs,
                cache: MBUF_CACHE,
                data_room: config.mbuf_data_room,
                socket: info.socket,
            },
        )?;
        let port = PortConfig {
            rx_queues: workers,
            rx_descriptors: config.rx_descriptors,
            mtu: config.mtu,
            promiscuous: config.promiscuous,
            rss: config.rss,
        };
        let (port, queues) = Port::open(&self.eal, info, &port, &pool)
            .map_err(|error| diagnose::set_up(device, config, error))?;
        self.ports.push(port);
        self.pools.push(pool);
        Ok(queues)
    }

    /// The source of worker `worker`, counted from 0, once.
    pub fn take_source(&mut self, worker: u16) -> Option<DpdkSource> {
        let sources = self.sources.get_mut().unwrap_or_else(PoisonError::into_inner);
        sources.get_mut(usize::from(worker))?.take()
    }

    /// Registers the calling thread; see [`Registrar::register`]. A worker does this in its thread, after
    /// pinning it, and keeps the result until it ends.
    ///
    /// # Errors
    /// [`DpdkError::Call`] when the thread is registered already.
    pub fn register_thread(&self) -> Result<WorkerThread, DpdkError> {
        Ok(self.registrar.register()?)
    }

    /// The ports and their counters, in the order of the configuration. Reads the devices.
    ///
    /// # Errors
    /// [`DpdkError::Call`] when a driver gives no counters.
    pub fn port_stats(&self) -> Result<Vec<DevicePort>, DpdkError> {
        let ports = self.ports.iter().map(|port| {
            Ok(DevicePort {
                name: port.name().to_owned(),
                driver: port.driver().to_owned(),
                symmetric_rss: port.has_symmetric_rss(),
                stats: port.stats()?,
            })
        });
        ports.collect()
    }

    /// Packet buffers that are in use now, over all pools: in queues, bursts and frames that were detached.
    #[must_use]
    pub fn mbufs_in_use(&self) -> u32 {
        self.pools.iter().map(|pool| pool.in_use()).sum()
    }

    /// An injector for `queue` (the worker's number) of the device `device`, which must be a `net_ring`.
    ///
    /// # Errors
    /// [`DpdkError::NoPort`] without such a device, [`DpdkError::Inject`] when it is not a `net_ring` or
    /// the queue has an injector already.
    pub fn injector(&self, device: &str, queue: u16) -> Result<Injector, DpdkError> {
        let named = |port: &&Port| port.name() == device;
        let Some(port) = self.ports.iter().find(named) else {
            return Err(DpdkError::NoPort { device: device.to_owned() });
        };
        Injector::new(port, queue)
    }

    /// Takes all down: ports, pools, environment. Sources that were taken, frames that were detached,
    /// injectors and thread registrations must be dropped before.
    ///
    /// # Errors
    /// [`DpdkError::Busy`] and [`DpdkError::FramesInUse`] when something is left. It stays valid, and the
    /// memory goes with the process.
    pub fn shutdown(self) -> Result<(), DpdkError> {
        let Self { sources, ports, pools, registrar, eal } = self;
        drop((sources, registrar));
        for port in ports {
            port.close().map_err(DpdkError::Busy)?;
        }
        let frames = pools.iter().map(|pool| pool.in_use()).sum();
        drop(pools);
        if frames != 0 {
            return Err(DpdkError::FramesInUse { frames });
        }
        eal.cleanup().map_err(DpdkError::Busy)
    }
}

/// DPDK's log, errors only, joins the sensor's.
fn log_line(line: &str) {
    tracing::error!(target: "dpdk", "{line}");
}

/// Adds the virtual devices, and finds the ports of each device. A card may have several.
fn find_ports<'c>(
    eal: &Eal,
    config: &'c DpdkConfig,
) -> Result<Vec<(&'c Device, PortInfo)>, DpdkError> {
    for device in &config.devices {
        if let Device::Vdev(text) = device {
            eal.probe(text).map_err(|error| diagnose::probe(device, error))?;
        }
    }
    let all = eal.ports()?;
    let mut found = Vec::new();
    for device in &config.devices {
        let before = found.len();
        let of_device = all.iter().filter(|info| info.device == device.name());
        found.extend(of_device.map(|info| (device, info.clone())));
        if found.len() == before {
            return Err(DpdkError::NoPort { device: device.name().to_owned() });
        }
    }
    Ok(found)
}

/// Whether the port can do what the configuration wants of it.
fn check_port(
    device: &Device,
    info: &PortInfo,
    config: &DpdkConfig,
    workers: u16,
) -> Result<(), DpdkError> {
    let device = device.name().to_owned();
    let offered = info.rx_queues_max;
    if offered < workers {
        return Err(DpdkError::QueuesFew { device, offered, workers });
    }
    if offered > workers && FIXED_QUEUES.contains(&info.driver.as_str()) {
        return Err(DpdkError::QueuesUnread { device, offered, workers });
    }
    if config.mtu > info.mtu_max {
        return Err(DpdkError::Mtu { device, max: info.mtu_max });
    }
    Ok(())
}

fn make_pool(
    eal: &Eal,
    config: &DpdkConfig,
    pool: &PoolConfig<'_>,
) -> Result<Arc<Mempool>, DpdkError> {
    let memory_mb = config.memory_mb;
    Mempool::new(eal, pool).map_err(|reason| DpdkError::MemorySmall { memory_mb, reason })
}

#[cfg(test)]
mod tests {
    use dpdk::PortInfo;

    use super::check_port;
    use crate::{Device, DpdkConfig};

    #[test]
    fn a_port_must_fit_the_workers() {
        let port = |driver: &str, rx_queues_max| PortInfo {
            id: 0,
            device: "d0".to_owned(),
            driver: driver.to_owned(),
            rx_queues_max,
            mtu_max: 3542,
            socket: -1,
            rss_types: 0,
            rss_key_len: 0,
            rx_offloads: 0,
        };
        let cases = [
            ("net_ixgbe", 8, 4, 1500, None),
            ("net_ixgbe", 2, 4, 1500, Some("offers 2")),
            ("net_af_packet", 2, 2, 1500, None),
            ("net_af_packet", 3, 2, 1500, Some("give it 2")),
            ("net_af_xdp", 1, 1, 3542, None),
            ("net_af_xdp", 1, 1, 9000, Some("at most 3542")),
        ];
        let device = Device::Vdev("d0".to_owned());
        for (driver, queues, workers, mtu, refused) in cases {
            let config = DpdkConfig { mtu, ..DpdkConfig::default() };
            let result = check_port(&device, &port(driver, queues), &config, workers);
            match (result, refused) {
                (Ok(()), None) => {}
                (Err(error), Some(part)) => assert!(error.to_string().contains(part), "{error}"),
                other => panic!("{driver}: {other:?}"),
            }
        }
    }
}
