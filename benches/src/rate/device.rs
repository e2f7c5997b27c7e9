//! The virtual devices that packets come from.

use std::path::{Path, PathBuf};

use crate::workload::{frames_of_length, marked_frame};

/// Frames of a capture that `net_pcap` repeats: it keeps each in an mbuf.
const CAPTURE_FRAMES: usize = 1_000;
/// Bytes of the frames between those that alert.
const ALERTING_BYTES: usize = 128;

/// A test device: its driver's arguments, and what its packets are.
#[derive(Clone, Debug)]
pub struct Device {
    /// Name in the table.
    pub name: &'static str,
    /// As for EAL's `--vdev`.
    pub vdev: String,
    /// What the sensor makes of its packets.
    pub note: &'static str,
}

impl Device {
    /// The devices that are compared; captures are written into `folder`.
    #[must_use]
    pub fn all(folder: &Path) -> Vec<Self> {
        const ZEROS: &str = "zeros, not IP: decode ends them";
        const TCP: &str = "TCP: decode, flow, rules";
        let repeated =
            |bytes| format!("net_pcap0,rx_pcap={},infinite_rx=1", capture(folder, bytes));
        let of = |name, vdev, note| Self { name, vdev, note };
        vec![
            of("net_null", "net_null0,size=64".to_owned(), ZEROS),
            of("net_null,copy=1", "net_null0,size=64,copy=1".to_owned(), ZEROS),
            of("net_pcap infinite, 60 B", repeated(60), TCP),
            of("net_pcap infinite, 512 B", repeated(512), TCP),
        ]
    }

    /// A device that repeats text over TCP, in which one packet of `one_in` raises an alert.
    #[must_use]
    pub fn alerting(folder: &Path, one_in: usize) -> Self {
        let one_in = one_in.clamp(1, CAPTURE_FRAMES);
        let path: PathBuf = folder.join("frames-alerting.pcap");
        let mut frames = frames_of_length(ALERTING_BYTES, CAPTURE_FRAMES / one_in * one_in);
        for (number, frame) in frames.iter_mut().step_by(one_in).enumerate() {
            // Of many flows, so that every lane has some.
            *frame = marked_frame(number as u16);
        }
        testkit::write_pcap(&path, frames);
        let vdev = format!("net_pcap0,rx_pcap={},infinite_rx=1", path.display());
        Self { name: "net_pcap infinite, alerts", vdev, note: "TCP, and UDP that alerts" }
    }
}

fn capture(folder: &Path, bytes: usize) -> String {
    let path: PathBuf = folder.join(format!("frames-{bytes}.pcap"));
    testkit::write_pcap(&path, frames_of_length(bytes, CAPTURE_FRAMES));
    path.display().to_string()
}
