//! The two sums that must always hold: every packet and every alert ends in exactly one counter.

use crate::counters::{AlertDrop, PacketDrop, WorkerCounters};

/// `rx = inspected + sum of drops by cause (+ in flight)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PacketLedger {
    /// Packets received.
    pub rx: u64,
    /// Packets inspected.
    pub inspected: u64,
    /// Packets that ended without inspection, by [`PacketDrop`].
    pub drops: [u64; PacketDrop::COUNT],
    /// Packets that wait in a hand-over ring: sent to, and not yet taken by, their owner.
    pub in_flight: u64,
}

impl PacketLedger {
    /// The sum over `workers`.
    pub fn of<'a>(workers: impl IntoIterator<Item = &'a WorkerCounters>) -> Self {
        let mut sum = Self::default();
        let (mut sent, mut received) = (0, 0);
        for worker in workers {
            sum.rx += worker.rx_packets.get();
            sum.inspected += worker.inspected.get();
            for (total, count) in sum.drops.iter_mut().zip(&worker.drops) {
                *total += count.get();
            }
            sent += worker.handover_sent.get();
            received += worker.handover_received.get();
        }
        // The counters are read one after another while workers write them.
        sum.in_flight = u64::saturating_sub(sent, received);
        sum
    }

    /// What the ledger is short of (positive) or has too much (negative). Zero at rest, always.
    #[must_use]
    pub fn imbalance(&self) -> i128 {
        let ended = self.inspected + self.drops.iter().sum::<u64>() + self.in_flight;
        i128::from(self.rx) - i128::from(ended)
    }
}

/// `raised = acknowledged + sent + written + spooled + sum of drops by cause (+ in flight)`.
///
/// Which of the first three is used depends on the destination of the alerts: JetStream acknowledges,
/// core NATS only takes (`sent`), and without NATS the EVE file is the destination (`written`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlertLedger {
    /// Alerts raised by workers.
    pub raised: u64,
    /// Alerts in messages that JetStream acknowledged.
    pub acknowledged: u64,
    /// Alerts handed to core NATS, which acknowledges nothing.
    pub sent: u64,
    /// Alerts written to the EVE output, where that is their destination.
    pub written: u64,
    /// Alerts that wait in the spool.
    pub spooled: u64,
    /// Alerts lost, by [`AlertDrop`].
    pub drops: [u64; AlertDrop::COUNT],
    /// Alerts on their way: in a worker's ring or in the control plane.
    pub in_flight: u64,
}

impl AlertLedger {
    /// What the ledger is short of (positive) or has too much (negative). Zero at rest, always.
    #[must_use]
    pub fn imbalance(&self) -> i128 {
        let ended = self.acknowledged
            + self.sent
            + self.written
            + self.spooled
            + self.drops.iter().sum::<u64>()
            + self.in_flight;
        i128::from(self.raised) - i128::from(ended)
    }
}

#[cfg(test)]
mod tests {
    use super::PacketLedger;
    use crate::counters::{PacketDrop, WorkerCounters};

    #[test]
    fn a_lost_packet_shows() {
        let (a, b) = (WorkerCounters::default(), WorkerCounters::default());
        a.rx_packets.add(10);
        a.inspected.add(6);
        a.drop_packet(PacketDrop::NotIp);
        a.handover_sent.add(3);
        b.handover_received.add(2);
        b.inspected.add(2);
        assert_eq!(PacketLedger::of([&a, &b]).imbalance(), 0);
        a.rx_packets.add(1);
        assert_eq!(PacketLedger::of([&a, &b]).imbalance(), 1);
    }
}
