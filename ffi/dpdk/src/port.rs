//! Ports: configuration, start, and the end in the right order.

use std::{
    ffi::c_void,
    ptr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use dpdk_sys::{
    RTE_ETH_EVENT_INTR_RESET, RTE_ETH_EVENT_INTR_RMV, RTE_ETH_MQ_RX_RSS, RTE_ETHER_HDR_LEN,
    RTE_MAX_ETHPORTS, SHIM_RX_OFFLOAD_SCATTER, rte_eth_conf, rte_eth_dev_adjust_nb_rx_tx_desc,
    rte_eth_dev_callback_register, rte_eth_dev_callback_unregister, rte_eth_dev_close,
    rte_eth_dev_configure, rte_eth_dev_rss_hash_conf_get, rte_eth_dev_rss_hash_update,
    rte_eth_dev_start, rte_eth_dev_stop, rte_eth_event_type, rte_eth_promiscuous_enable,
    rte_eth_rss_conf, rte_eth_rx_queue_setup,
};

use crate::{
    eal::{Eal, Lease},
    error::{Error, check},
    info::PortInfo,
    log,
    mempool::Mempool,
    queue::RxQueue,
    ring::Ring,
    rss,
};

/// Bytes around the MTU: the Ethernet header, two VLAN tags, and the checksum that some devices keep.
const FRAME_OVERHEAD: u32 = RTE_ETHER_HDR_LEN + 2 * 4 + 4;
/// Not supported: the number that drivers return (`ENOTSUP` of Linux).
const ENOTSUP: i32 = 95;
/// Try again: the callback runs at this moment (`EAGAIN` of Linux).
const EAGAIN: i32 = 11;
/// The events after which a device gives no packets any more.
const LOSS_EVENTS: [rte_eth_event_type; 2] = [RTE_ETH_EVENT_INTR_RMV, RTE_ETH_EVENT_INTR_RESET];

/// Whether a port's device has gone. Static, so that a late event never meets freed memory.
static REMOVED: [AtomicBool; RTE_MAX_ETHPORTS as usize] =
    [const { AtomicBool::new(false) }; RTE_MAX_ETHPORTS as usize];

/// How a port is set up.
#[derive(Clone, Debug)]
pub struct PortConfig {
    /// Receive queues.
    pub rx_queues: u16,
    /// Descriptors of each queue; brought into the device's limits.
    pub rx_descriptors: u16,
    /// MTU in bytes: longer frames may be dropped by the device.
    pub mtu: u16,
    /// Whether to take frames for other stations too, where the device filters addresses.
    pub promiscuous: bool,
    /// Whether to spread flows over the queues with a symmetric key, where the device can.
    pub rss: bool,
}

/// A started port.
#[derive(Debug)]
pub struct Port(Arc<PortInner>);

/// What the port and its queues share. Dropping the last of them stops and closes the device, and only
/// then lets its pool go.
#[derive(Debug)]
pub(crate) struct PortInner {
    pub(crate) id: u16,
    pub(crate) name: String,
    /// Held during each call that is not a receive: drivers do not expect two at a time.
    pub(crate) control: Mutex<()>,
    driver: String,
    rss: bool,
    started: bool,
    /// Queues whose ring has been given out.
    rings: Mutex<Vec<u16>>,
    pool: Arc<Mempool>,
    _lease: Arc<Lease>,
}

impl Port {
    /// Configures and starts the port that `info` describes, with `config.rx_queues` queues whose
    /// packets lie in mbufs of `pool`.
    ///
    /// # Errors
    /// [`Error::PortOpen`] on the second time in a process, [`Error::Call`] when the driver refuses a
    /// step; the port is closed then.
    pub fn open(
        eal: &Eal,
        info: &PortInfo,
        config: &PortConfig,
        pool: &Arc<Mempool>,
    ) -> Result<(Self, Vec<RxQueue>), Error> {
        eal.lease().open(info.id)?;
        let mut inner = PortInner {
            id: info.id,
            name: info.device.clone(),
            control: Mutex::default(),
            driver: info.driver.clone(),
            rss: false,
            started: false,
            rings: Mutex::default(),
            pool: Arc::clone(pool),
            _lease: Arc::clone(eal.lease()),
        };
        log::begin();
        inner.watch()?;
        let key = inner.configure(info, config, pool)?;
        for queue in 0..config.rx_queues {
            inner.set_up_queue(queue, config, info, pool)?;
        }
        inner.start(config)?;
        inner.rss = key.is_some_and(|mut key| inner.has_key(&key) || inner.set_key(&mut key, info));
        let inner = Arc::new(inner);
        let queues =
            (0..config.rx_queues).map(|queue| RxQueue::new(Arc::clone(&inner), queue)).collect();
        Ok((Self(inner), queues))
    }

    /// The device's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The driver's name.
    #[must_use]
    pub fn driver(&self) -> &str {
        &self.0.driver
    }

    /// Whether the device spreads flows over the queues with the symmetric key.
    #[must_use]
    pub fn has_symmetric_rss(&self) -> bool {
        self.0.rss
    }

    /// The pool of its packets.
    #[must_use]
    pub fn pool(&self) -> &Arc<Mempool> {
        &self.0.pool
    }

    /// The ring behind `queue` of a `net_ring` device: what is enqueued there is received here.
    ///
    /// # Errors
    /// [`Error::Call`] when the device is none of `net_ring`, or has no such queue; [`Error::InUse`] when
    /// the ring was given out before, since it has only one producer.
    pub fn ring(&self, queue: u16) -> Result<Ring, Error> {
        let mut taken = self.0.rings.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.contains(&queue) {
            let object = format!("the ring of {} queue {queue}", self.0.name);
            return Err(Error::InUse { object, users: "another producer".to_owned() });
        }
        let ring = Ring::lookup(Arc::clone(&self.0), queue)?;
        taken.push(queue);
        Ok(ring)
    }

    pub(crate) fn inner(&self) -> &PortInner {
        &self.0
    }

    /// Stops and closes the device.
    ///
    /// # Errors
    /// [`Error::InUse`] when a queue or ring of it still lives; the port goes on until that is dropped.
    pub fn close(self) -> Result<(), Error> {
        let name = self.0.name.clone();
        match Arc::into_inner(self.0) {
            Some(inner) => {
                drop(inner);
                Ok(())
            }
            None => Err(Error::InUse { object: name, users: "a receive queue or ring".to_owned() }),
        }
    }
}

impl PortInner {
    pub(crate) fn is_removed(&self) -> bool {
        REMOVED.get(usize::from(self.id)).is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    fn check(&self, call: &'static str, result: i32) -> Result<(), Error> {
        check(call, self.name.as_str(), result)
    }

    /// Asks to be told when the device goes.
    fn watch(&self) -> Result<(), Error> {
        for event in LOSS_EVENTS {
            // SAFETY: the callback and what it touches are static.
            let result = unsafe {
                rte_eth_dev_callback_register(self.id, event, Some(on_loss), ptr::null_mut())
            };
            self.check("rte_eth_dev_callback_register", result)?;
        }
        Ok(())
    }

    /// Configures the device and returns the RSS key that it was given, if any.
    fn configure(
        &self,
        info: &PortInfo,
        config: &PortConfig,
        pool: &Mempool,
    ) -> Result<Option<Vec<u8>>, Error> {
        let mut device = rte_eth_conf::default();
        device.rxmode.mtu = u32::from(config.mtu);
        if device.rxmode.mtu + FRAME_OVERHEAD > u32::from(pool.data_room()) {
            device.rxmode.offloads = info.rx_offloads & SHIM_RX_OFFLOAD_SCATTER;
        }
        let spread = config.rss && config.rx_queues > 1 && rss::can_spread(info);
        let mut key = spread.then(|| rss::symmetric_key(info.rss_key_len));
        if let Some(key) = &mut key {
            device.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
            device.rx_adv_conf.rss_conf = rss::conf(key, info);
        }
        // SAFETY: EAL runs; DPDK copies the configuration, and the key lives during the call.
        let result =
            unsafe { rte_eth_dev_configure(self.id, config.rx_queues, 0, &raw const device) };
        self.check("rte_eth_dev_configure", result)?;
        Ok(key)
    }

    fn set_up_queue(
        &self,
        queue: u16,
        config: &PortConfig,
        info: &PortInfo,
        pool: &Mempool,
    ) -> Result<(), Error> {
        let mut descriptors = config.rx_descriptors;
        // SAFETY: the port exists; a NULL for the transmit side is allowed.
        let result = unsafe {
            rte_eth_dev_adjust_nb_rx_tx_desc(self.id, &raw mut descriptors, ptr::null_mut())
        };
        self.check("rte_eth_dev_adjust_nb_rx_tx_desc", result)?;
        // A node of -1 means any, which DPDK writes as the largest number.
        let socket = info.socket.cast_unsigned();
        // SAFETY: the port is configured with this queue; the pool outlives it (`self.pool`); no queue
        // configuration means the driver's own.
        let result = unsafe {
            rte_eth_rx_queue_setup(self.id, queue, descriptors, socket, ptr::null(), pool.as_ptr())
        };
        self.check("rte_eth_rx_queue_setup", result)
    }

    fn start(&mut self, config: &PortConfig) -> Result<(), Error> {
        // SAFETY: the port is configured and its queues are set up.
        self.check("rte_eth_dev_start", unsafe { rte_eth_dev_start(self.id) })?;
        self.started = true;
        if config.promiscuous {
            // SAFETY: the port exists.
            let result = unsafe { rte_eth_promiscuous_enable(self.id) };
            // A device without an address filter takes every frame anyway.
            if result != -ENOTSUP {
                self.check("rte_eth_promiscuous_enable", result)?;
            }
        }
        Ok(())
    }

    /// Gives the device its key once more: some drivers do not take it from the configuration.
    fn set_key(&self, key: &mut [u8], info: &PortInfo) -> bool {
        let mut conf = rss::conf(key, info);
        // SAFETY: the port is started; `conf` and its key are valid during the call.
        let result = unsafe { rte_eth_dev_rss_hash_update(self.id, &raw mut conf) };
        result == 0 && self.has_key(key)
    }

    /// Whether the device reports `key` as the one in use.
    fn has_key(&self, key: &[u8]) -> bool {
        let mut reported = vec![0; key.len()];
        let mut conf = rte_eth_rss_conf {
            rss_key: reported.as_mut_ptr(),
            rss_key_len: key.len() as u8,
            rss_hf: 0,
        };
        // SAFETY: the port is started; `conf` and its key of the device's length are valid.
        let result = unsafe { rte_eth_dev_rss_hash_conf_get(self.id, &raw mut conf) };
        result == 0 && conf.rss_hf != 0 && reported == key
    }
}

impl Drop for PortInner {
    fn drop(&mut self) {
        for event in LOSS_EVENTS {
            // SAFETY: as in `watch`; nothing is unregistered that was not registered.
            while unsafe {
                rte_eth_dev_callback_unregister(self.id, event, Some(on_loss), ptr::null_mut())
            } == -EAGAIN
            {
                std::thread::yield_now();
            }
        }
        // SAFETY: no queue is left that could be polled, and the pool is still held. Both calls refuse a
        // port that is not there any more. A failure leaves nothing else to do.
        unsafe {
            if self.started {
                let _ = rte_eth_dev_stop(self.id);
            }
            let _ = rte_eth_dev_close(self.id);
        }
    }
}

/// Called by DPDK, in its interrupt thread, when a device goes.
unsafe extern "C" fn on_loss(
    port: u16,
    _event: rte_eth_event_type,
    _argument: *mut c_void,
    _result: *mut c_void,
) -> i32 {
    if let Some(flag) = REMOVED.get(usize::from(port)) {
        flag.store(true, Ordering::Relaxed);
    }
    0
}
