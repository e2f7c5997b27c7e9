//! What can be asked of a CPU profile, and in which range.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use serde::Deserialize;

use super::Problem;
use crate::config::{FREQUENCY_HZ_MAX, ProfilingConfig};

/// Length of a profile where the request does not say, seconds.
const SECONDS: u64 = 30;

/// The query as it was written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfileQuery {
    seconds: Option<u64>,
    frequency: Option<u32>,
    #[serde(default)]
    format: Format,
}

/// Forms of a profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    /// Gzipped protobuf of google/pprof.
    #[default]
    Pprof,
    /// SVG.
    Flamegraph,
}

/// A profile that can be taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) length: Duration,
    pub(super) frequency_hz: u32,
    pub(super) format: Format,
}

/// What is asked for, or which part of it cannot be had.
pub(super) fn checked(
    query: Result<Query<ProfileQuery>, QueryRejection>,
    config: &ProfilingConfig,
) -> Result<Wanted, Problem> {
    let Query(query) = query.map_err(|error| {
        let mend = "seconds=30, frequency=99 and format=pprof or format=flamegraph can be asked";
        refused(error.body_text(), mend)
    })?;
    let seconds = query.seconds.unwrap_or(SECONDS.min(config.seconds_max));
    let frequency_hz = query.frequency.unwrap_or(config.frequency_hz);
    in_range("seconds", seconds, 1..=config.seconds_max)?;
    in_range("frequency", frequency_hz, 1..=FREQUENCY_HZ_MAX)?;
    Ok(Wanted { length: Duration::from_secs(seconds), frequency_hz, format: query.format })
}

fn in_range<T: PartialOrd + Display + Copy>(
    name: &str,
    value: T,
    range: RangeInclusive<T>,
) -> Result<(), Problem> {
    if range.contains(&value) {
        return Ok(());
    }
    let mend = format!("use {} to {}", range.start(), range.end());
    Err(refused(format!("{name}={value} is out of range"), mend))
}

fn refused(detail: impl Into<String>, mend: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "The query means nothing", detail, mend)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::extract::Query;
    use axum::http::Uri;

    use super::{Format, ProfileQuery, Wanted, checked};
    use crate::config::ProfilingConfig;

    fn ask(query: &str) -> Result<Wanted, String> {
        let uri: Uri = format!("http://localhost/profile?{query}").parse().unwrap();
        let config = ProfilingConfig { seconds_max: 60, ..ProfilingConfig::default() };
        checked(Query::<ProfileQuery>::try_from_uri(&uri), &config)
            .map_err(|problem| format!("{problem:?}"))
    }

    #[test]
    fn what_is_not_said_has_its_default() {
        let wanted = |seconds, frequency_hz, format| {
            Ok(Wanted { length: Duration::from_secs(seconds), frequency_hz, format })
        };
        assert_eq!(ask(""), wanted(30, 99, Format::Pprof));
        assert_eq!(ask("seconds=60&frequency=250"), wanted(60, 250, Format::Pprof));
        assert_eq!(ask("format=flamegraph&seconds=1"), wanted(1, 99, Format::Flamegraph));
    }

    #[test]
    fn what_cannot_be_had_is_named_with_its_range() {
        for (query, named) in [
            ("seconds=0", "use 1 to 60"),
            ("seconds=61", "seconds=61"),
            ("seconds=-1", "seconds"),
            ("frequency=0", "use 1 to 250"),
            ("frequency=251", "frequency=251"),
            ("format=text", "flamegraph"),
            ("second=1", "second"),
        ] {
            let problem = ask(query).unwrap_err();
            assert!(problem.contains(named) && problem.contains("400"), "{query}: {problem}");
        }
    }
}
