//! Time: the workers' monotonic clock, and wall time, read and written.

use std::fmt;
#[cfg(test)]
use std::sync::Arc;
#[cfg(test)]
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

const NS_PER_US: u64 = 1_000;
const US_PER_S: u64 = 1_000_000;
const S_PER_DAY: u64 = 86_400;

/// The clock that the workers' times ([`contract::Header::rx_ns`]) are of: the processor's time-stamp
/// counter, calibrated once for the whole process; and wall time beside it.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    monotonic: quanta::Clock,
    /// What a test says that the wall clock shows.
    #[cfg(test)]
    wall_ns: Option<Arc<AtomicU64>>,
}

impl Clock {
    /// A clock; the first one of a process measures the counter's rate, which takes up to 200 ms.
    pub(crate) fn new() -> Self {
        Self {
            monotonic: quanta::Clock::new(),
            #[cfg(test)]
            wall_ns: None,
        }
    }

    /// A clock that stands still until the mock moves it.
    #[cfg(test)]
    pub(crate) fn mock() -> (Self, Arc<quanta::Mock>) {
        let (monotonic, mock) = quanta::Clock::mock();
        (Self { monotonic, wall_ns: None }, mock)
    }

    /// The same clock beside a wall clock that shows what the test says.
    #[cfg(test)]
    pub(crate) fn with_wall(self, wall_ns: &Arc<AtomicU64>) -> Self {
        Self { wall_ns: Some(Arc::clone(wall_ns)), ..self }
    }

    /// Monotonic nanoseconds.
    #[inline]
    pub(crate) fn now_ns(&self) -> u64 {
        self.monotonic.delta_as_nanos(0, self.monotonic.raw())
    }

    /// What the wall clock shows, nanoseconds since 1970: to be told, never to be waited by.
    pub(crate) fn wall_ns(&self) -> u64 {
        #[cfg(test)]
        if let Some(wall_ns) = &self.wall_ns {
            return wall_ns.load(Ordering::Relaxed);
        }
        wall_ns_now()
    }
}

/// Nanoseconds since 1970, now. It may step, and so it is for what people read, for names and for ages that are
/// shown; nothing waits by it.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place where the wall clock is read")]
pub fn wall_ns_now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// Nanoseconds since 1970 that display as EVE writes time: microseconds, and the offset `+0000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UtcTime(pub u64);

impl fmt::Display for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0 / NS_PER_US;
        let (seconds, micros) = (micros / US_PER_S, micros % US_PER_S);
        let (days, second) = (seconds / S_PER_DAY, seconds % S_PER_DAY);
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}+0000"
        )
    }
}

/// Year, month and day of the proleptic Gregorian calendar, `days` after 1970-01-01.
///
/// Years are taken to start in March, so that the leap day is the last; an era of 400 years has 146,097
/// days (the method of H. Hinnant, "chrono-compatible low-level date algorithms").
const fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + (month <= 2) as u64;
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::UtcTime;

    #[test]
    fn instants_have_their_dates() {
        for (ns, text) in [
            (0, "1970-01-01T00:00:00.000000+0000"),
            (951_782_400_000_000_000, "2000-02-29T00:00:00.000000+0000"),
            (1_078_012_799_999_999_999, "2004-02-28T23:59:59.999999+0000"),
            (1_700_000_000_123_456_789, "2023-11-14T22:13:20.123456+0000"),
            (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000000+0000"),
        ] {
            assert_eq!(UtcTime(ns).to_string(), text);
        }
    }
}
