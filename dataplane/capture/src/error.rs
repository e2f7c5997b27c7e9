//! Why a source cannot go on.

/// Why a source cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The capture file could not be opened or read.
    #[error("{path}: {reason}; check that the file exists and that this user may read it")]
    Open {
        /// The file.
        path: String,
        /// The system's reason.
        reason: std::io::Error,
    },
    /// The bytes are not a capture file that is understood.
    #[error("{path}: not a capture file: {reason}; pcap and pcapng are read")]
    Format {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The file ends or is damaged in the middle of a packet.
    #[error(
        "{path}: damaged at byte {offset}, after packet {packets}: {reason}; the packets before it were used"
    )]
    Damaged {
        /// The file.
        path: String,
        /// Where.
        offset: u64,
        /// Packets read before.
        packets: u64,
        /// What is wrong.
        reason: String,
    },
    /// A device failed.
    #[error("{device}: {reason}")]
    Device {
        /// Port or queue.
        device: String,
        /// What is wrong, and the mend.
        reason: String,
    },
}
