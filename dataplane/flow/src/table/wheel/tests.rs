//! The wheel against a list of entries with their ticks.

use proptest::prelude::*;

use super::{SLOTS, TICK_NS, Wheel, tick_of};

const ENTRIES: u32 = 24;

/// Which entries are in, and when they are due.
#[derive(Debug)]
struct Model {
    due: Vec<Option<u64>>,
    at: u64,
}

impl Model {
    fn new() -> Self {
        Self { due: vec![None; ENTRIES as usize], at: 0 }
    }

    fn arm(&mut self, entry: u32, tick: u64) {
        self.due[entry as usize] = Some(tick.clamp(self.at + 1, self.at + SLOTS - 1));
    }

    /// What is due in `tick`: the earliest tick, and every entry of it.
    fn due(&mut self, tick: u64) -> Vec<u32> {
        let floor = match tick.saturating_sub(SLOTS - 1) {
            floor if floor > self.at => floor,
            _ if tick + SLOTS <= self.at => tick,
            _ => self.at,
        };
        if floor != self.at {
            // Where ticks are forgotten, only their remainder is left.
            let anew = |due: u64| floor + (due + SLOTS - floor % SLOTS) % SLOTS;
            self.due.iter_mut().flatten().for_each(|due| *due = anew(*due));
            self.at = floor;
        }
        let first = self.due.iter().flatten().min().copied();
        let Some(first) = first.filter(|first| *first <= tick) else {
            self.at = self.at.max(tick);
            return Vec::new();
        };
        self.at = first;
        (0..ENTRIES).filter(|entry| self.due[*entry as usize] == Some(first)).collect()
    }
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Arm(u32, u64),
    Disarm(u32),
    /// Time goes on, or back, by so many ticks; so many entries are taken.
    Due(i64, usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (0..ENTRIES, 0_u64..300).prop_map(|(entry, ahead)| Act::Arm(entry, ahead)),
        1 => (0..ENTRIES).prop_map(Act::Disarm),
        2 => (-3_i64..40, 0_usize..6).prop_map(|(ticks, taken)| Act::Due(ticks, taken)),
        1 => (-300_i64..1_000, 0_usize..30).prop_map(|(ticks, taken)| Act::Due(ticks, taken)),
    ]
}

proptest! {
    #[test]
    fn agrees_with_a_list(acts in proptest::collection::vec(act(), 1..200)) {
        let (mut wheel, mut model) = (Wheel::new(ENTRIES as usize), Model::new());
        let mut now = 0_u64;
        for act in acts {
            match act {
                Act::Arm(entry, ahead) => {
                    wheel.arm(entry, now + ahead);
                    model.arm(entry, now + ahead);
                }
                Act::Disarm(entry) => {
                    wheel.disarm(entry);
                    model.due[entry as usize] = None;
                }
                Act::Due(ticks, taken) => {
                    now = now.saturating_add_signed(ticks);
                    for _ in 0..taken {
                        let expected = model.due(now);
                        let Some(entry) = wheel.due(now) else {
                            prop_assert_eq!(expected, Vec::<u32>::new());
                            break;
                        };
                        prop_assert!(expected.contains(&entry), "{} of {:?}", entry, expected);
                        wheel.disarm(entry);
                        model.due[entry as usize] = None;
                    }
                }
            }
        }
        let mut left = Vec::new();
        while let Some(entry) = wheel.next() {
            wheel.disarm(entry);
            left.push(entry);
        }
        left.sort_unstable();
        let expected: Vec<_> =
            (0..ENTRIES).filter(|entry| model.due[*entry as usize].is_some()).collect();
        prop_assert_eq!(left, expected);
    }
}

#[test]
fn what_lies_farther_than_the_wheel_comes_early_and_goes_in_again() {
    let mut wheel = Wheel::new(1);
    wheel.arm(0, 1_000);
    let mut seen = Vec::new();
    for tick in 0..=1_000 {
        if wheel.due(tick).is_some() {
            seen.push(tick);
            wheel.arm(0, 1_000.max(tick + 1));
        }
    }
    assert_eq!(seen, [127, 254, 381, 508, 635, 762, 889, 1_000]);
}

#[test]
fn after_a_gap_everything_is_due_at_once() {
    let mut wheel = Wheel::new(200);
    for entry in 0..200 {
        wheel.arm(entry, u64::from(entry));
    }
    let year = 365 * 86_400;
    let mut seen = 0;
    while let Some(entry) = wheel.due(year) {
        wheel.disarm(entry);
        seen += 1;
    }
    assert_eq!(seen, 200);
    // What is armed now is due in its time.
    wheel.arm(7, year + 60);
    assert_eq!((wheel.due(year + 59), wheel.due(year + 60)), (None, Some(7)));
}

/// One packet from the future does not stop the wheel.
#[test]
fn after_a_step_back_everything_is_due_within_a_turn() {
    let mut wheel = Wheel::new(1);
    assert_eq!(wheel.due(1_000_000), None);
    wheel.arm(0, 1_000_060);
    let due = (5_000..6_000).find(|tick| wheel.due(*tick).is_some());
    assert!(due.is_some_and(|tick| tick < 5_000 + SLOTS), "{due:?}");
    wheel.arm(0, 5_500);
    assert!((5_000..6_000).any(|tick| wheel.due(tick).is_some()));
}

#[test]
fn entries_that_are_not_there_are_nothing() {
    let mut wheel = Wheel::new(2);
    wheel.arm(2, 1);
    wheel.disarm(2);
    wheel.disarm(0);
    assert_eq!((wheel.due(1_000), wheel.next()), (None, None));
    wheel.arm(1, 0);
    wheel.clear();
    assert_eq!(wheel.next(), None);
    assert_eq!(tick_of(TICK_NS * 5 - 1), 4);
}
