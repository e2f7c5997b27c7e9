//! What a pipeline can be told. Every limit has its effect and its counter beside it.

use flow::defrag::{DefragLimits, Policy};
use flow::stream::{OverlapPolicy, StreamSettings};
use flow::tcp::SessionSettings;
use flow::{EmergencyMarks, Timeouts};

/// Largest burst: what a PMD hands over at once, and the bound of a burst's service time.
pub const BURST_MAX: usize = 64;

/// One of so many packets is timed through its stages, unless the settings say otherwise.
pub const STAGE_SAMPLE: u32 = 64;

/// Settings of all workers.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Number of workers; each has one queue of every port.
    pub workers: u16,
    /// Frames of a burst, 1 to [`BURST_MAX`].
    pub burst_max: usize,
    /// Flows that a worker keeps. Where there is no room, closed flows go first, then those without an
    /// answer, established ones last (`flows_evicted_*`).
    pub flows_max: usize,
    /// How long a flow may be silent (`flows_timed_out_*`).
    pub timeouts: Timeouts,
    /// When the table is so full that flows may be silent for emergency time-outs only
    /// (`flows_emergency`).
    pub emergency: EmergencyMarks,
    /// VLAN tags tell flows and fragments apart; `false` for networks where the directions of a flow have
    /// different ones.
    pub vlan_tracking: bool,
    /// Limits of putting fragments together. What exceeds them makes the longest silent datagram leave
    /// (`reassembly_evicted`).
    pub defrag: DefragLimits,
    /// Which bytes count where fragments overlap.
    pub defrag_policy: Policy,
    /// How TCP streams are put together.
    pub stream: StreamSettings,
    /// Bytes of a worker's windows. What finds no room (`stream_no_memory_bytes`) is inspected packet by packet.
    pub stream_bytes_max: usize,
    /// What is taken for a TCP connection.
    pub session: SessionSettings,
    /// Slots of a worker's rings, by [`contract::Lane`]. A full ring drops the record (`ring_full`), or
    /// holds the worker up, as [`Settings::lane_full`] says.
    pub lane_slots: [usize; 3],
    /// Percent of the alert lane's slots from which on alerts of the lowest severities are given up
    /// (`shed`); 100 for none. Nothing is shed where a full ring holds the worker up.
    pub shed_from_percent: u8,
    /// One of so many packets is timed through its stages; 0 for none. Each costs some looks at the clock.
    pub stage_sample: u32,
    /// Frames that fit each hand-over ring (one for every ordered pair of workers). A full one drops the
    /// packet (`handover_full`).
    pub handover_frames: usize,
    /// Payload digests that a worker remembers. A full cache forgets the least recently used.
    pub digests_max: usize,
    /// Payload bytes that go into an alert; the payload's whole length and digest are there as well.
    pub payload_bytes_max: usize,
    /// What a worker does when a ring is full.
    pub lane_full: LaneFull,
    /// What a worker does when there is nothing to do.
    pub idle: Idle,
    /// Key of every hash that an attacker must not foresee. Random for each boot.
    pub hash_key: [u8; 16],
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            workers: 1,
            burst_max: 32,
            flows_max: 262_144,
            timeouts: Timeouts::default(),
            emergency: EmergencyMarks::default(),
            vlan_tracking: true,
            defrag: DefragLimits::default(),
            defrag_policy: Policy::default(),
            stream: StreamSettings { policy: OverlapPolicy::Windows, ..StreamSettings::default() },
            stream_bytes_max: 128 << 20,
            session: SessionSettings::default(),
            lane_slots: [65_536, 4_096, 4_096],
            shed_from_percent: 75,
            stage_sample: STAGE_SAMPLE,
            handover_frames: 1_024,
            digests_max: hash::DIGESTS_MAX,
            payload_bytes_max: 4_096,
            lane_full: LaneFull::Drop,
            idle: Idle::default(),
            hash_key: [0; 16],
        }
    }
}

/// What a worker does when a ring to the control plane is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneFull {
    /// Live capture: the record is lost and counted.
    Drop,
    /// Replay: the worker yields until there is room, since a file can wait.
    Wait,
}

/// What a worker does when its queues are empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// Polls on: for isolated cores.
    BusyPoll,
    /// Spins for some polls, then sleeps between polls: for cores that others use too.
    Adaptive {
        /// Empty polls in a row before the first sleep.
        spins: u32,
        /// Microseconds of a sleep.
        sleep_us: u32,
    },
    /// Yields to other threads: replay and tests.
    Yield,
}

impl Default for Idle {
    fn default() -> Self {
        Self::Adaptive { spins: 2_000, sleep_us: 50 }
    }
}
