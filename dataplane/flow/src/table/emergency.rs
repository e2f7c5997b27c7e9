//! When the table is so full that flows have to end sooner.

/// Shares of the entries between which emergency time-outs begin and end.
///
/// With 80 % of the entries in use two buckets of five are full, and of 50 flows one has made another leave
/// since neither of its buckets had room (simulated): so that is where the emergency begins. It ends as the
/// peer's does, when 30 % are free again (Suricata's `flow.emergency-recovery`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmergencyMarks {
    /// Percent of the entries in use from which on emergency time-outs apply.
    pub from_percent: u8,
    /// Percent of the entries that must be free again for the normal ones to apply.
    pub recovery_percent: u8,
}

impl Default for EmergencyMarks {
    fn default() -> Self {
        Self { from_percent: 80, recovery_percent: 30 }
    }
}

/// Whether there is an emergency.
#[derive(Clone, Copy, Debug)]
pub(super) struct Emergency {
    /// Entries in use at which it begins, at least 1.
    high: usize,
    /// Entries in use below which it ends, at most `high`.
    low: usize,
    is_on: bool,
    begun: u64,
}

impl Emergency {
    pub(super) fn new(entries: usize, marks: EmergencyMarks) -> Self {
        let share = |percent: usize| entries / 100 * percent + entries % 100 * percent / 100;
        let high = share(usize::from(marks.from_percent.min(100))).max(1);
        let free = share(usize::from(marks.recovery_percent.min(100)));
        Self { high, low: (entries - free).clamp(1, high), is_on: false, begun: 0 }
    }

    /// Takes note of how many entries are in use.
    #[inline]
    pub(super) const fn look(&mut self, used: usize) {
        if !self.is_on && used >= self.high {
            self.is_on = true;
            self.begun += 1;
        } else if self.is_on && used < self.low {
            self.is_on = false;
        }
    }

    #[inline]
    pub(super) const fn is_on(&self) -> bool {
        self.is_on
    }

    /// How often it has begun.
    pub(super) const fn begun(&self) -> u64 {
        self.begun
    }
}

#[cfg(test)]
mod tests {
    use super::{Emergency, EmergencyMarks};

    #[test]
    fn it_begins_at_the_high_mark_and_ends_below_the_low_one() {
        let mut emergency = Emergency::new(1_000, EmergencyMarks::default());
        let states = [0, 799, 800, 1_000, 800, 700, 699, 799, 800].map(|used| {
            emergency.look(used);
            (emergency.is_on(), emergency.begun())
        });
        let expected = [
            (false, 0),
            (false, 0),
            (true, 1),
            (true, 1),
            (true, 1),
            (true, 1),
            (false, 1),
            (false, 1),
            (true, 2),
        ];
        assert_eq!(states, expected);
    }

    #[test]
    fn any_marks_make_an_order() {
        for entries in [8, 16, 1 << 20] {
            for from_percent in 0..=255 {
                for recovery_percent in 0..=255 {
                    let marks = EmergencyMarks { from_percent, recovery_percent };
                    let mut emergency = Emergency::new(entries, marks);
                    emergency.look(entries);
                    assert!(emergency.is_on(), "{marks:?} of {entries}");
                    emergency.look(0);
                    assert!(!emergency.is_on(), "{marks:?} of {entries}");
                }
            }
        }
    }
}
