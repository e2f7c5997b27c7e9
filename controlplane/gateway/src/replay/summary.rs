//! The closing words of a replay.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use contract::{AlertDrop, AlertLedger, PacketDrop, PacketLedger};

/// Signatures that the summary lists, the loudest first.
pub(super) const TOP_MAX: usize = 10;

/// One signature that alerted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Alerted {
    /// How often.
    pub(super) count: u64,
    /// Its message.
    pub(super) msg: String,
}

/// What a replay did.
#[derive(Debug)]
pub(super) struct Summary {
    /// The capture file.
    pub(super) pcap: PathBuf,
    /// From the first packet to the last alert.
    pub(super) elapsed: Duration,
    /// Bytes of the packets, as captured.
    pub(super) bytes: u64,
    /// Every packet.
    pub(super) packets: PacketLedger,
    /// Every alert.
    pub(super) alerts: AlertLedger,
    /// Alerts by (gid, sid).
    pub(super) alerted: BTreeMap<(u32, u32), Alerted>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.elapsed.as_secs_f64();
        writeln!(
            f,
            "{}: {} packets, {} bytes in {seconds:.3} s ({:.0} packets/s)",
            self.pcap.display(),
            self.packets.rx,
            self.bytes,
            self.packets.rx as f64 / seconds.max(1e-9),
        )?;
        self.write_alerted(f)?;
        let packets = &self.packets;
        write!(f, "packets: received {} = inspected {}", packets.rx, packets.inspected)?;
        let causes = PacketDrop::ALL.iter().map(|cause| cause.name());
        write_terms(f, causes.zip(packets.drops))?;
        write_balance(f, packets.in_flight, packets.imbalance())?;
        let alerts = &self.alerts;
        write!(f, "alerts: raised {} = written {}", alerts.raised, alerts.written)?;
        let causes = AlertDrop::ALL.iter().map(|cause| cause.name());
        write_terms(f, causes.zip(alerts.drops))?;
        write_balance(f, alerts.in_flight, alerts.imbalance())
    }
}

impl Summary {
    fn write_alerted(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut loudest: Vec<_> = self.alerted.iter().collect();
        loudest.sort_by_key(|(_, alerted)| std::cmp::Reverse(alerted.count));
        for ((gid, sid), Alerted { count, msg }) in loudest.iter().take(TOP_MAX) {
            writeln!(f, "{count:>10}  {gid}:{sid}  {msg}")?;
        }
        match loudest.len().saturating_sub(TOP_MAX) {
            0 => Ok(()),
            more => writeln!(f, "{:>10}  and {more} signatures more", "…"),
        }
    }
}

fn write_terms<'a>(
    f: &mut fmt::Formatter<'_>,
    terms: impl Iterator<Item = (&'a str, u64)>,
) -> fmt::Result {
    for (cause, count) in terms.filter(|(_, count)| *count > 0) {
        write!(f, " + {cause} {count}")?;
    }
    Ok(())
}

fn write_balance(f: &mut fmt::Formatter<'_>, in_flight: u64, imbalance: i128) -> fmt::Result {
    if in_flight > 0 {
        write!(f, " + in flight {in_flight}")?;
    }
    match imbalance {
        0 => writeln!(f, " (balanced)"),
        off => writeln!(f, " (off by {off})"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use contract::{AlertLedger, PacketDrop, PacketLedger};

    use super::{Alerted, Summary};

    #[test]
    fn says_all_of_it() {
        let mut drops = [0; PacketDrop::COUNT];
        drops[PacketDrop::NotIp as usize] = 2;
        let summary = Summary {
            pcap: "a.pcap".into(),
            elapsed: Duration::from_millis(500),
            bytes: 640,
            packets: PacketLedger { rx: 10, inspected: 7, drops, in_flight: 0 },
            alerts: AlertLedger { raised: 3, written: 3, ..AlertLedger::default() },
            alerted: [
                ((1, 5), Alerted { count: 1, msg: "five".into() }),
                ((1, 6), Alerted { count: 2, msg: "six".into() }),
            ]
            .into(),
        };
        assert_eq!(
            summary.to_string(),
            "a.pcap: 10 packets, 640 bytes in 0.500 s (20 packets/s)\n         \
             2  1:6  six\n         1  1:5  five\n\
             packets: received 10 = inspected 7 + not_ip 2 (off by 1)\n\
             alerts: raised 3 = written 3 (balanced)\n"
        );
    }
}
