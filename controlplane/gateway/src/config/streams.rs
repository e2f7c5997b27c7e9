//! `[streams]`: how TCP connections are followed and put together.

use flow::stream::{OverlapPolicy, StreamSettings, UnknownPolicy};
use flow::tcp::SessionSettings;
use serde::{Deserialize, Serialize};

use super::validate::{Invalid, require};

/// `[streams]`: limits of a worker's memory of streams, and what is taken for a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Streams {
    /// Bytes of all windows of a worker.
    pub bytes_max: usize,
    /// Bytes of each direction that are put together; 0 for all.
    pub depth: u32,
    /// Bytes to the server that are gathered before rules look at them.
    pub chunk_to_server: u32,
    /// Bytes to the client that are gathered before rules look at them.
    pub chunk_to_client: u32,
    /// Which bytes count where segments overlap: those that the protected systems keep.
    pub overlaps: HostPolicy,
    /// Connections are followed whose handshake was not seen.
    pub midstream: bool,
    /// Connections are followed of which one direction only is seen.
    pub async_oneside: bool,
    /// Different SYNs of a connection beside the first.
    pub syn_queued_max: u8,
    /// Different SYN/ACKs of a connection beside the first.
    pub synack_queued_max: u8,
    /// A timestamp may be one less than the one before it.
    pub liberal_timestamps: bool,
}

impl Default for Streams {
    fn default() -> Self {
        let pipeline = pipeline::Settings::default();
        let (stream, session) = (pipeline.stream, pipeline.session);
        Self {
            bytes_max: pipeline.stream_bytes_max,
            depth: stream.depth,
            chunk_to_server: stream.chunk_to_server,
            chunk_to_client: stream.chunk_to_client,
            overlaps: HostPolicy(stream.policy),
            midstream: session.midstream,
            async_oneside: session.async_oneside,
            syn_queued_max: session.syn_queued_max,
            synack_queued_max: session.synack_queued_max,
            liberal_timestamps: session.liberal_timestamps,
        }
    }
}

/// An [`OverlapPolicy`] by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPolicy(pub OverlapPolicy);

impl TryFrom<String> for HostPolicy {
    type Error = UnknownPolicy;

    fn try_from(name: String) -> Result<Self, UnknownPolicy> {
        name.parse().map(Self)
    }
}

impl From<HostPolicy> for String {
    fn from(policy: HostPolicy) -> Self {
        policy.0.name().to_owned()
    }
}

impl Streams {
    /// What is taken, in the terms of the pipeline.
    pub(crate) fn settings(&self) -> StreamSettings {
        StreamSettings {
            depth: self.depth,
            chunk_to_server: self.chunk_to_server,
            chunk_to_client: self.chunk_to_client,
            policy: self.overlaps.0,
            ..StreamSettings::default()
        }
    }

    /// What is taken for a connection, in the terms of the pipeline.
    pub(crate) const fn session(&self) -> SessionSettings {
        SessionSettings {
            midstream: self.midstream,
            async_oneside: self.async_oneside,
            syn_queued_max: self.syn_queued_max,
            synack_queued_max: self.synack_queued_max,
            liberal_timestamps: self.liberal_timestamps,
        }
    }

    /// Checks what the types cannot say.
    pub(super) fn validate(&self) -> Result<(), Invalid> {
        let within = |value: u64, low: u64, high: u64, key| {
            require((low..=high).contains(&value), key, || {
                format!("{value} is out of range; use {low} to {high}")
            })
        };
        // Below this not even the largest window fits.
        within(self.bytes_max as u64, 1 << 24, 1 << 40, "streams.bytes_max")?;
        let chunks = [
            ("streams.chunk_to_server", self.chunk_to_server),
            ("streams.chunk_to_client", self.chunk_to_client),
        ];
        chunks.into_iter().try_for_each(|(key, bytes)| within(bytes.into(), 0, 1 << 19, key))
    }
}
