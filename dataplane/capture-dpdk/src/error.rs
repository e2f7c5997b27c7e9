//! What can go wrong with DPDK, each with its mend.

use std::io;

/// Why capture over DPDK cannot start, or cannot end in order.
#[derive(Debug, thiserror::Error)]
pub enum DpdkError {
    /// Nothing to capture from.
    #[error(
        "no device is named; add one to `devices`, such as {{ vdev = \"net_af_packet0,iface=eth0\" }}"
    )]
    NoDevices,
    /// A device was named two times.
    #[error("device {device} is named twice; name it once, or number virtual devices apart")]
    DeviceTwice {
        /// The device.
        device: String,
    },
    /// The number of workers cannot work.
    #[error("{workers} workers were asked for; set 1 to {max} workers")]
    Workers {
        /// Workers asked for.
        workers: u16,
        /// Most that DPDK can number.
        max: u16,
    },
    /// The size of a buffer is out of its range.
    #[error("`mbuf_data_room` is {room}; set {min} to {max} bytes")]
    DataRoom {
        /// The setting.
        room: u16,
        /// Smallest.
        min: u16,
        /// Largest.
        max: u16,
    },
    /// Too few packet buffers.
    #[error(
        "{mbufs} mbufs are too few for {workers} workers with full queues and caches; set `mbufs` to at \
         least {needed}, or lower `rx_descriptors`"
    )]
    MbufsFew {
        /// The setting.
        mbufs: u32,
        /// What is needed.
        needed: u32,
        /// Workers asked for.
        workers: u16,
    },
    /// DPDK was started before in this process.
    #[error("DPDK was started before in this process, which it allows once; restart the sensor")]
    StartedBefore,
    /// Another process uses the same prefix.
    #[error(
        "another process uses DPDK with `file_prefix` {prefix:?}; stop it, or choose another prefix"
    )]
    PrefixTaken {
        /// The setting.
        prefix: String,
    },
    /// Too few hugepages.
    #[error(
        "{needed_mb} MiB of hugepages are needed and {free_mb} MiB are free; reserve them (as root: \
         sysctl vm.nr_hugepages={pages} for pages of 2 MiB), or set memory = \"no-huge\""
    )]
    Hugepages {
        /// What `memory_mb` asks for.
        needed_mb: u64,
        /// What is free.
        free_mb: u64,
        /// The number to reserve, in pages of 2 MiB.
        pages: u64,
    },
    /// The hugepage directory cannot be used.
    #[error(
        "no hugepages come from {path}: {reason}; mount hugetlbfs there (mount -t hugetlbfs none {path}) \
         and let this user write to it, or set memory = \"in-memory\""
    )]
    HugeDir {
        /// The setting.
        path: String,
        /// DPDK's reason.
        reason: dpdk::Error,
    },
    /// The environment did not start for another reason.
    #[error("the DPDK environment did not start; check `eal_args` and `memory_mb`: {0}")]
    Environment(dpdk::Error),
    /// No driver has the name of the device.
    #[error(
        "device {device}: DPDK has no driver of this name; check the spelling (net_af_packet0, \
         net_pcap0 …) and that the driver's package (librte-net-*) is installed"
    )]
    UnknownDriver {
        /// The device.
        device: String,
    },
    /// The capture file of a device cannot be read.
    #[error(
        "device {device}: the capture file {path} cannot be read: {reason}; check that it exists and \
         that this user may read it"
    )]
    CaptureFile {
        /// The device.
        device: String,
        /// The file.
        path: String,
        /// The system's reason.
        reason: io::Error,
    },
    /// The interface of a device does not exist.
    #[error(
        "device {device}: there is no interface {interface}; `ip link` lists those that there are"
    )]
    NoInterface {
        /// The device.
        device: String,
        /// The interface.
        interface: String,
    },
    /// The interface exists but may not be opened.
    #[error(
        "device {device}: interface {interface} cannot be opened; run as root, or give the process \
         CAP_NET_RAW (net_af_xdp: CAP_NET_ADMIN and CAP_BPF too): {reason}"
    )]
    Interface {
        /// The device.
        device: String,
        /// The interface.
        interface: String,
        /// DPDK's reason.
        reason: dpdk::Error,
    },
    /// A driver refused its device for another reason.
    #[error("device {device}: the driver refuses it; check its arguments: {reason}")]
    Refused {
        /// The device.
        device: String,
        /// DPDK's reason.
        reason: dpdk::Error,
    },
    /// A device came up without a port.
    #[error(
        "device {device}: it did not come up as a port; check its arguments or, for a card, its address \
         and that it is bound to a DPDK driver (dpdk-devbind.py --status)"
    )]
    NoPort {
        /// The device.
        device: String,
    },
    /// The device has fewer queues than there are workers.
    #[error(
        "device {device} offers {offered} receive queues and {workers} workers need one each; give it \
         more (net_pcap: one rx_pcap= for each worker; net_af_packet: qpairs={workers}), or set fewer \
         workers"
    )]
    QueuesFew {
        /// The device.
        device: String,
        /// Queues that it offers.
        offered: u16,
        /// Workers asked for.
        workers: u16,
    },
    /// Packets would go into queues that nobody reads.
    #[error(
        "device {device} has {offered} receive queues, of which {workers} workers would read only \
         {workers}, so that packets would be lost; give it {workers}, or set {offered} workers"
    )]
    QueuesUnread {
        /// The device.
        device: String,
        /// Queues that it has.
        offered: u16,
        /// Workers asked for.
        workers: u16,
    },
    /// The MTU is larger than the device's.
    #[error("device {device} takes an MTU of at most {max}; set `mtu` to no more")]
    Mtu {
        /// The device.
        device: String,
        /// Largest.
        max: u16,
    },
    /// The environment's memory is too small for the pools.
    #[error(
        "{memory_mb} MiB are too small for the packet buffers; raise `memory_mb`, or lower `mbufs` or \
         `jumbo_mbufs`: {reason}"
    )]
    MemorySmall {
        /// The setting.
        memory_mb: u32,
        /// DPDK's reason.
        reason: dpdk::Error,
    },
    /// An endless capture file does not fit.
    #[error(
        "device {device}: with infinite_rx each frame must fit one mbuf and all frames the pool; raise \
         `mbuf_data_room` (now {room}; 9728 holds jumbo frames) or `mbufs` (now {mbufs}): {reason}"
    )]
    Infinite {
        /// The device.
        device: String,
        /// The setting.
        room: u16,
        /// The setting.
        mbufs: u32,
        /// DPDK's reason.
        reason: dpdk::Error,
    },
    /// A device cannot be set up for another reason.
    #[error(
        "device {device}: it cannot be set up; check `rx_descriptors`, `mtu` and `mbuf_data_room`: {reason}"
    )]
    SetUp {
        /// The device.
        device: String,
        /// DPDK's reason.
        reason: dpdk::Error,
    },
    /// The device has no ring to put packets into.
    #[error(
        "device {device} cannot be injected into; use a free queue of a net_ring device: {reason}"
    )]
    Inject {
        /// The device.
        device: String,
        /// DPDK's reason.
        reason: dpdk::Error,
    },
    /// Another call of DPDK failed.
    #[error("DPDK: {0}")]
    Call(#[from] dpdk::Error),
    /// Sources, threads or frames are left, so that not all could be taken down.
    #[error("DPDK could not be taken down: {0}; drop every source, frame and registration before")]
    Busy(dpdk::Error),
    /// Frames are left, so that their memory was kept.
    #[error("{frames} frames are still in use, so that DPDK's memory was kept; drop them before")]
    FramesInUse {
        /// How many.
        frames: u32,
    },
}
