//! What is given up first when alerts come faster than the drain takes them.
//!
//! From the high-water mark of the alert lane on, alerts of the lowest severities are not put in, so that
//! the room that is left is for those that matter more:
//!
//! ```text
//! lane:   empty ────────────── mark ──── +1/3 ──── +2/3 ──── full
//! level:           0            │   1      │   2     │   3
//! kept:           all           │ 1, 2, 3  │  1, 2   │   1
//! ```
//!
//! A level is left only when the lane has drained half of a third below the mark at which it was entered,
//! so that it does not flap with every burst.

/// Levels above 0, each of which gives up one severity more.
const LEVELS: u8 = 3;
/// Lowest severity (largest number) that level 1 keeps.
const KEPT_AT_FIRST: u8 = 3;

/// The shedding of one lane.
#[derive(Debug)]
pub(crate) struct Shedding {
    /// Used slots at which each level is entered; empty where nothing is ever shed.
    marks: [usize; LEVELS as usize],
    /// Slots below its mark at which a level is left.
    gap: usize,
    level: u8,
}

impl Shedding {
    /// Sheds from `percent` of `slots` on; never where that is 100 or more.
    pub(crate) fn new(slots: usize, percent: u8) -> Self {
        let first = slots * usize::from(percent) / 100;
        let above = slots.saturating_sub(first);
        let third = above / usize::from(LEVELS);
        let mark = |level: usize| if above == 0 { usize::MAX } else { first + level * third };
        Self { marks: std::array::from_fn(mark), gap: third / 2, level: 0 }
    }

    /// The level now.
    pub(crate) const fn level(&self) -> u8 {
        self.level
    }

    /// Takes note of how many slots of the lane are used; the new level if it has changed.
    #[inline]
    pub(crate) fn look(&mut self, used: usize) -> Option<u8> {
        let entered = self.marks.iter().filter(|mark| used >= **mark).count() as u8;
        // Levels whose mark, less the gap, the lane is still above.
        let held =
            self.marks.iter().filter(|mark| used >= mark.saturating_sub(self.gap)).count() as u8;
        let level = self.level.clamp(entered, held);
        (level != std::mem::replace(&mut self.level, level)).then_some(level)
    }

    /// Whether an alert of `severity` (1 is the highest) is put into the lane at this level.
    #[inline]
    pub(crate) const fn keeps(&self, severity: u8) -> bool {
        self.level == 0 || severity <= KEPT_AT_FIRST + 1 - self.level
    }
}

#[cfg(test)]
mod tests {
    use super::Shedding;

    /// Of a lane of 1,200 slots with the mark at 75 %: fill before, fill now, level, severities kept.
    const CASES: [(usize, usize, u8, &[u8]); 16] = [
        (0, 0, 0, &[1, 2, 3, 4, 5, 255]),
        (0, 899, 0, &[1, 2, 3, 4, 5, 255]),
        (0, 900, 1, &[1, 2, 3]),
        (0, 999, 1, &[1, 2, 3]),
        (0, 1_000, 2, &[1, 2]),
        (0, 1_100, 3, &[1]),
        (0, 1_200, 3, &[1]),
        // A level is held until the lane is half of a third below its mark.
        (900, 851, 1, &[1, 2, 3]),
        (900, 849, 0, &[1, 2, 3, 4, 5, 255]),
        (1_000, 951, 2, &[1, 2]),
        (1_000, 949, 1, &[1, 2, 3]),
        (1_000, 849, 0, &[1, 2, 3, 4, 5, 255]),
        (1_200, 1_051, 3, &[1]),
        (1_200, 1_049, 2, &[1, 2]),
        (1_200, 0, 0, &[1, 2, 3, 4, 5, 255]),
        (1_000, 1_150, 3, &[1]),
    ];

    #[test]
    fn the_lowest_severities_go_first() {
        for (before, now, level, kept) in CASES {
            let mut shedding = Shedding::new(1_200, 75);
            shedding.look(before);
            shedding.look(now);
            let keeps: Vec<_> =
                [1, 2, 3, 4, 5, 255].into_iter().filter(|s| shedding.keeps(*s)).collect();
            assert_eq!((shedding.level(), &keeps[..]), (level, kept), "{before} -> {now}");
        }
    }

    #[test]
    fn a_level_does_not_flap() {
        let mut shedding = Shedding::new(1_200, 75);
        assert_eq!(shedding.look(900), Some(1));
        let changes = (0..100).filter_map(|turn| shedding.look(899 + turn % 2));
        assert_eq!(changes.count(), 0);
    }

    #[test]
    fn at_100_percent_nothing_is_shed() {
        for percent in [100, 255] {
            let mut shedding = Shedding::new(1_200, percent);
            assert_eq!(shedding.look(1_200), None);
            assert!(shedding.keeps(255));
        }
    }

    #[test]
    fn the_smallest_lanes_have_marks_too() {
        for slots in 1..64 {
            for percent in 0..100 {
                let mut shedding = Shedding::new(slots, percent);
                shedding.look(slots);
                assert!(!shedding.keeps(4) && shedding.keeps(1), "{slots} slots at {percent} %");
                shedding.look(0);
            }
        }
    }
}
