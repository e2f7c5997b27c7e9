//! `[spool]`: what NATS has not acknowledged yet, on disk.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ConfigError, NatsConfig, in_range, require};

/// Files that a full spool may have.
const SEGMENTS_MAX: u64 = 4_096;

/// `[spool]`: where alerts wait for NATS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpoolConfig {
    /// Its directory, of this sensor alone; none: alerts that NATS does not take are lost and counted. Needs a
    /// server in `[nats]`.
    pub path: Option<PathBuf>,
    /// Directory in memory (tmpfs) for the page on which a boot's ledger outlives its process. Spools may share
    /// it. On a disk, workers would wait for the disk now and then.
    pub pages_path: PathBuf,
    /// When a batch is written.
    pub mode: SpoolMode,
    /// When what was written is made to reach the disk.
    pub fsync: Fsync,
    /// Pause between two syncs with `fsync = "interval"`, ms.
    pub fsync_interval_ms: u64,
    /// Bytes of all segments. At the limit the oldest segment goes (`spool_full`).
    pub bytes_max: u64,
    /// Bytes of a segment, the unit in which the spool is freed.
    pub segment_bytes: u64,
    /// Bytes that may wait for the disk. At the limit a batch goes on unspooled (`bypassed`).
    pub queue_bytes_max: usize,
    /// Bytes a second at which what waits is sent once NATS is back.
    pub replay_bytes_per_s: u64,
    /// Seconds that a segment stays after NATS has acknowledged all of it, so that alerts can be sent again
    /// to a server that has lost what it acknowledged.
    pub keep_acknowledged_s: u64,
}

impl Default for SpoolConfig {
    fn default() -> Self {
        Self {
            path: None,
            pages_path: "/dev/shm".into(),
            mode: SpoolMode::WriteAhead,
            fsync: Fsync::Interval,
            fsync_interval_ms: 1_000,
            bytes_max: 1 << 30,
            segment_bytes: 32 << 20,
            queue_bytes_max: 32 << 20,
            replay_bytes_per_s: 64 << 20,
            keep_acknowledged_s: 0,
        }
    }
}

/// When a batch is written to the spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SpoolMode {
    /// Before it is published: a crash loses what the rings and the open batches held, and nothing else.
    WriteAhead,
    /// Only when NATS does not take it: a crash loses what was on its way as well.
    OnFailure,
}

impl SpoolMode {
    /// The name used in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WriteAhead => "write_ahead",
            Self::OnFailure => "on_failure",
        }
    }
}

/// When what was written is made to reach the disk (`fdatasync`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fsync {
    /// When the system likes: a power cut loses some seconds.
    Never,
    /// Every `fsync_interval_ms`: a power cut loses that much.
    Interval,
    /// Before a batch is published: a power cut loses nothing that was spooled. Batches that wait at the
    /// same time share a sync.
    Batch,
}

impl SpoolConfig {
    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let batch = alert_schema::BATCH_BYTES_MAX as u64;
        in_range("spool.fsync_interval_ms", self.fsync_interval_ms, 10..=600_000)?;
        in_range("spool.segment_bytes", self.segment_bytes, 4 * batch..=1 << 30)?;
        in_range("spool.bytes_max", self.bytes_max, 8 * batch..=1 << 44)?;
        in_range("spool.queue_bytes_max", self.queue_bytes_max as u64, 2 * batch..=1 << 32)?;
        in_range("spool.replay_bytes_per_s", self.replay_bytes_per_s, batch..=1 << 40)?;
        in_range("spool.keep_acknowledged_s", self.keep_acknowledged_s, 0..=30 * 86_400)?;
        require(2 * self.segment_bytes <= self.bytes_max, "spool.segment_bytes", || {
            "more than half of spool.bytes_max; the spool is freed by segments, so make it smaller"
                .into()
        })?;
        let segments = self.bytes_max / self.segment_bytes;
        require(segments <= SEGMENTS_MAX, "spool.segment_bytes", || {
            let least = self.bytes_max.div_ceil(SEGMENTS_MAX);
            format!("spool.bytes_max would be {segments} files; use at least {least}")
        })
    }

    /// Checks that there is something that alerts can wait for.
    ///
    /// # Errors
    /// `spool.path` without a server in `nats`.
    pub fn validate_with(&self, nats: &NatsConfig) -> Result<(), ConfigError> {
        require(self.path.is_none() || nats.is_enabled(), "spool.path", || {
            "alerts wait there for NATS, and no server is named; set nats.servers, or leave spool.path out"
                .into()
        })
    }
}
