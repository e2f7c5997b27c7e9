//! Which alerts have come already, in bounded memory.
//!
//! Delivery is at least once: what is sent again has the same ids. Each worker of each start of a sensor
//! has a window over the sequences of its alerts, one bit each.

use std::collections::HashMap;

/// Sequences of a block: the bits of a word.
const BLOCK: u64 = 64;
/// Blocks of a window: it reaches 262,144 sequences back from the newest, in 64 KiB. An alert that comes
/// later than that is passed on, since to print it twice is better than not at all.
const BLOCKS: usize = 4_096;
/// Windows, 32 MiB together. One more takes the place of the one that was used last the longest ago: if
/// that worker's alerts come again, they are taken for new.
const WINDOWS_MAX: usize = 512;

/// What is known of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It comes for the first time.
    New,
    /// It has come before.
    Repeated,
    /// It is older than the window: whether it came before is not known.
    Late,
}

/// The alerts that have come.
#[derive(Debug, Default)]
pub(super) struct Seen {
    boots: HashMap<String, HashMap<u16, Window>>,
    windows: usize,
    uses: u64,
    /// Alerts that were missing in windows that are forgotten.
    missing_before: u64,
}

/// The alerts of one worker.
#[derive(Debug)]
struct Window {
    /// Block number plus one (0: none), and a bit for each sequence that came. A block lies at its number
    /// modulo the blocks.
    blocks: Vec<(u64, u64)>,
    lowest: u64,
    highest: u64,
    /// Sequences that came; a late one counts each time.
    came: u64,
    used: u64,
}

impl Seen {
    /// Notes that alert `sequence` of `worker` came. `boot` names the start of the sensor: site, sensor
    /// and boot.
    pub(super) fn note(&mut self, boot: &str, worker: u16, sequence: u64) -> Verdict {
        self.uses += 1;
        let known = self.boots.get(boot).is_some_and(|workers| workers.contains_key(&worker));
        if !known {
            self.make_room();
            self.windows += 1;
            let window = Window::new(sequence);
            self.boots.entry(boot.to_owned()).or_default().insert(worker, window);
        }
        let window = self.boots.get_mut(boot).and_then(|workers| workers.get_mut(&worker));
        window.map_or(Verdict::New, |window| {
            window.used = self.uses;
            window.note(sequence)
        })
    }

    /// Alerts that have not come, although later ones of the same worker have.
    pub(super) fn missing(&self) -> u64 {
        let windows = self.boots.values().flat_map(HashMap::values);
        windows.map(Window::missing).fold(self.missing_before, u64::saturating_add)
    }

    /// Forgets the window that was used last the longest ago, if there is no room for another.
    fn make_room(&mut self) {
        if self.windows < WINDOWS_MAX {
            return;
        }
        let all = self.boots.iter().flat_map(|(boot, workers)| {
            workers.iter().map(move |(worker, window)| (window.used, boot, *worker))
        });
        let Some((_, boot, worker)) = all.min() else { return };
        let boot = boot.clone();
        if let Some(workers) = self.boots.get_mut(&boot) {
            let missing = workers.remove(&worker).map_or(0, |window| window.missing());
            self.missing_before = self.missing_before.saturating_add(missing);
            if workers.is_empty() {
                self.boots.remove(&boot);
            }
        }
        self.windows -= 1;
    }
}

impl Window {
    /// A window whose first alert will be `sequence`.
    fn new(sequence: u64) -> Self {
        let blocks = vec![(0, 0); BLOCKS];
        Self { blocks, lowest: sequence, highest: sequence, came: 0, used: 0 }
    }

    fn note(&mut self, sequence: u64) -> Verdict {
        let number = sequence / BLOCK;
        let bit = 1 << (sequence % BLOCK);
        // The newest block bounds the window, so that what a jump leaves behind is late at once.
        let late = self.highest / BLOCK >= number.saturating_add(BLOCKS as u64);
        let block = &mut self.blocks[(number % BLOCKS as u64) as usize];
        if !late && block.0 != number + 1 {
            *block = (number + 1, 0);
        }
        if !late && block.1 & bit != 0 {
            return Verdict::Repeated;
        }
        self.lowest = self.lowest.min(sequence);
        self.highest = self.highest.max(sequence);
        self.came += 1;
        if late {
            return Verdict::Late;
        }
        block.1 |= bit;
        Verdict::New
    }

    fn missing(&self) -> u64 {
        (self.highest - self.lowest).saturating_add(1).saturating_sub(self.came)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use testkit::Rng;

    use super::{BLOCK, BLOCKS, Seen, Verdict, WINDOWS_MAX};

    const REACH: u64 = BLOCK * BLOCKS as u64;

    #[test]
    fn an_id_is_new_once() {
        let mut seen = Seen::default();
        for (boot, worker, sequence, verdict) in [
            ("a", 0, 1, Verdict::New),
            ("a", 0, 1, Verdict::Repeated),
            ("a", 1, 1, Verdict::New),
            ("b", 0, 1, Verdict::New),
            ("a", 0, 3, Verdict::New),
            ("a", 0, 2, Verdict::New),
            ("a", 0, 2, Verdict::Repeated),
            ("a", 0, 0, Verdict::New),
            ("a", 0, u64::MAX, Verdict::New),
            ("a", 0, u64::MAX, Verdict::Repeated),
        ] {
            assert_eq!(seen.note(boot, worker, sequence), verdict, "{boot} {worker} {sequence}");
        }
    }

    #[test]
    fn ids_in_any_order_are_told_apart_within_the_window() {
        let (mut seen, mut model, mut rng) = (Seen::default(), BTreeSet::new(), Rng::new(7));
        for step in 0..200_000_u64 {
            let sequence = step + rng.below(5_000) as u64;
            let new = model.insert(sequence);
            let verdict = if new { Verdict::New } else { Verdict::Repeated };
            assert_eq!(seen.note("a", 0, sequence), verdict, "{sequence}");
        }
        let span = model.last().unwrap() - model.first().unwrap() + 1;
        assert_eq!(seen.missing(), span - model.len() as u64);
    }

    #[test]
    fn what_is_older_than_the_window_is_late_and_not_dropped() {
        let mut seen = Seen::default();
        assert_eq!(seen.note("a", 0, 1), Verdict::New);
        assert_eq!(seen.note("a", 0, REACH - 1), Verdict::New);
        assert_eq!(seen.note("a", 0, 1), Verdict::Repeated);
        assert_eq!(seen.note("a", 0, REACH), Verdict::New);
        assert_eq!(seen.note("a", 0, 1), Verdict::Late);
        assert_eq!(seen.note("a", 0, REACH), Verdict::Repeated);
    }

    #[test]
    fn gaps_are_what_has_not_come_in_between() {
        let mut seen = Seen::default();
        for sequence in [10, 14, 12, 12] {
            seen.note("a", 0, sequence);
        }
        assert_eq!(seen.missing(), 2);
        seen.note("a", 0, 11);
        seen.note("b", 0, 500);
        assert_eq!(seen.missing(), 1);
    }

    #[test]
    fn the_window_that_rested_longest_makes_room_and_its_gaps_stay_counted() {
        let mut seen = Seen::default();
        seen.note("old", 0, 1);
        seen.note("old", 0, 3);
        for worker in 1..WINDOWS_MAX as u16 {
            seen.note("busy", worker, 1);
        }
        assert_eq!(seen.note("old", 0, 3), Verdict::Repeated);
        assert_eq!(seen.note("more", 0, 1), Verdict::New);
        assert_eq!(seen.note("old", 0, 3), Verdict::Repeated);
        assert_eq!(seen.note("busy", 1, 1), Verdict::New, "it made room");
        assert_eq!((seen.windows, seen.missing()), (WINDOWS_MAX, 1));
    }
}
