//! Moments of UTC to the second, as text and as numbers.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

const DAY_S: i64 = 86_400;

/// Seconds since 1970; written `2026-11-24T03:00:00Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Moment(i64);

impl Moment {
    /// The moment `seconds` after the beginning of 1970.
    #[must_use]
    pub const fn at(seconds: i64) -> Self {
        Self(seconds)
    }

    /// The present one, by the system's clock.
    #[must_use]
    pub fn now() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the date of a run, which nothing waits by")]
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(since.as_secs() as i64)
    }

    /// This moment, `days` earlier.
    #[must_use]
    pub const fn days_before(self, days: i64) -> Self {
        Self(self.0.saturating_sub(days.saturating_mul(DAY_S)))
    }

    /// Whole days from `earlier` until this moment.
    #[must_use]
    pub const fn days_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0).div_euclid(DAY_S)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.0.div_euclid(DAY_S), self.0.rem_euclid(DAY_S));
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl FromStr for Moment {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        parse(text).with_context(|| format!("{text:?} is no date; write 2026-11-24T03:00:00Z"))
    }
}

impl TryFrom<String> for Moment {
    type Error = anyhow::Error;

    fn try_from(text: String) -> anyhow::Result<Self> {
        text.parse()
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.to_string()
    }
}

fn parse(text: &str) -> anyhow::Result<Moment> {
    let (date, time) = text.split_once('T').context("no T")?;
    let time = time.strip_suffix('Z').context("no Z")?;
    let numbers = |text: &str, separator| -> Option<[i64; 3]> {
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let mut parts = text.split(separator).filter(|part| digits(part)).map(str::parse);
        let numbers = [parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?];
        parts.next().is_none().then_some(numbers)
    };
    let [year, month, day] = numbers(date, '-').context("no year, month and day")?;
    let [hour, minute, second] = numbers(time, ':').context("no hour, minute and second")?;
    ensure!((1970..=9999).contains(&year) && (1..=12).contains(&month), "year or month");
    ensure!(hour < 24 && minute < 60 && second < 60, "time of day");
    let days = days_of(year, month, day);
    ensure!(civil(days) == (year, month, day), "the month has no such day");
    Ok(Moment(days * DAY_S + hour * 3_600 + minute * 60 + second))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar. Years begin in March here, so that the leap
/// day is the last one; an era is 400 years.
const fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year = year.rem_euclid(400);
    let month = (month + 9) % 12;
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + year * 365 + year / 4 - year / 100 + day_of_year - 719_468
}

/// The inverse of [`days_of`].
const fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day = days.rem_euclid(146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + carry, month, day)
}

#[cfg(test)]
mod tests {
    use super::Moment;

    #[test]
    fn text_and_number_are_the_same_moment() {
        // date -u -d @1795489200
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_489_200, "2026-11-24T03:00:00Z"),
        ] {
            assert_eq!(Moment::at(seconds).to_string(), text);
            assert_eq!(text.parse::<Moment>().unwrap(), Moment::at(seconds));
        }
        for day in 0..60_000 {
            let moment = Moment::at(day * 86_400 + day % 86_400);
            assert_eq!(moment.to_string().parse::<Moment>().unwrap(), moment);
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "T",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01",
            "2026-01-01T00:00Z",
            "99999999999999999999-01-01T00:00:00Z",
            "é-é-éTé:é:éZ",
        ] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }
}
