//! What types cannot say: limits, and keys that need each other.

use super::Config;

/// A value that cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Invalid {
    /// The dotted key.
    pub(super) key: String,
    /// What is wrong, and the mend.
    pub(super) reason: String,
}

impl From<control::config::ConfigError> for Invalid {
    fn from(error: control::config::ConfigError) -> Self {
        Self { key: error.key.to_owned(), reason: error.reason }
    }
}

pub(super) fn require(
    holds: bool,
    key: &str,
    reason: impl FnOnce() -> String,
) -> Result<(), Invalid> {
    if holds { Ok(()) } else { Err(Invalid { key: key.to_owned(), reason: reason() }) }
}

/// Fewest and most slots of a ring: the largest record has to fit twice, and memory has an end.
const SLOTS: std::ops::RangeInclusive<usize> = 2 * contract::record::RECORD_SLOTS_MAX..=1 << 24;

/// Longest sleep of an idle worker, µs: packets wait that long in the device.
const IDLE_SLEEP_US_MAX: u32 = 1_000;

impl Config {
    /// Checks every section; the first thing that is wrong.
    pub(super) fn validate(&self) -> Result<(), Invalid> {
        self.validate_sensor()?;
        self.validate_workers()?;
        self.fragments.validate()?;
        self.streams.validate()?;
        self.flow.validate()?;
        self.validate_detect()?;
        self.rules.store.validate()?;
        self.nats.validate()?;
        self.spool.validate()?;
        self.spool.validate_with(&self.nats)?;
        self.eve.validate()?;
        self.api.validate()?;
        self.profiling.validate()?;
        self.validate_log()?;
        self.validate_traces()
    }

    fn validate_sensor(&self) -> Result<(), Invalid> {
        for (key, word) in [("sensor.site", &self.sensor.site), ("sensor.name", &self.sensor.name)]
        {
            // NATS separates the parts of a subject by `.`; `*` and `>` are wildcards.
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            require(!word.is_empty() && word.chars().all(plain), key, || {
                format!("{word:?} cannot be part of a NATS subject; use letters, digits, - and _")
            })?;
        }
        Ok(())
    }

    fn validate_workers(&self) -> Result<(), Invalid> {
        let workers = &self.workers;
        require(workers.count > 0, "workers.count", || "0 workers; use at least 1".into())?;
        let enough = workers.cores.is_empty() || workers.cores.len() == usize::from(workers.count);
        require(enough, "workers.cores", || {
            let (named, count) = (workers.cores.len(), workers.count);
            format!("{named} cores for {count} workers; name one for each, or none")
        })?;
        let mut cores = workers.cores.clone();
        cores.sort_unstable();
        cores.dedup();
        require(cores.len() == workers.cores.len(), "workers.cores", || {
            "a core is named twice; each worker needs one of its own".into()
        })?;
        require(workers.idle_sleep_us <= IDLE_SLEEP_US_MAX, "workers.idle_sleep_us", || {
            format!("{} is out of range; use 0 to {IDLE_SLEEP_US_MAX}", workers.idle_sleep_us)
        })?;
        let most = pipeline::BURST_MAX;
        require((1..=most).contains(&workers.burst_max), "workers.burst_max", || {
            format!("{} is out of range; use 1 to {most}", workers.burst_max)
        })?;
        let power = |frames: usize| (2..=1 << 20).contains(&frames);
        require(power(workers.handover_frames), "workers.handover_frames", || {
            format!("{} is out of range; use 2 to 1048576", workers.handover_frames)
        })?;
        for (key, slots) in [
            ("workers.alert_slots", workers.alert_slots),
            ("workers.log_slots", workers.log_slots),
            ("workers.bulk_slots", workers.bulk_slots),
        ] {
            require(SLOTS.contains(&slots), key, || {
                format!("{slots} is out of range; use {} to {}", SLOTS.start(), SLOTS.end())
            })?;
        }
        let percent = workers.shed_from_percent;
        require((1..=100).contains(&percent), "workers.shed_from_percent", || {
            format!("{percent} is out of range; use 1 to 100, which is never")
        })
    }

    fn validate_detect(&self) -> Result<(), Invalid> {
        let detect = &self.detect;
        require(detect.payload_bytes_max <= 65_535, "detect.payload_bytes_max", || {
            format!("{} is out of range; use 0 to 65535", detect.payload_bytes_max)
        })?;
        require((1..=1 << 20).contains(&detect.digests_max), "detect.digests_max", || {
            format!("{} is out of range; use 1 to {}", detect.digests_max, 1 << 20)
        })
    }

    fn validate_log(&self) -> Result<(), Invalid> {
        let parsed = self.log.filter.parse::<tracing_subscriber::EnvFilter>();
        let reason = parsed.err().map(|error| error.to_string());
        require(reason.is_none(), "log.filter", || {
            let reason = reason.unwrap_or_default();
            format!("{:?} is not a filter: {reason}; write info or control=debug", self.log.filter)
        })
    }

    fn validate_traces(&self) -> Result<(), Invalid> {
        let (otlp, console) = ("traces.otlp_endpoint", "traces.console_listen");
        if let Some(endpoint) = &self.traces.otlp_endpoint {
            require(cfg!(feature = "otlp"), otlp, || {
                "this build sends no traces; build with the feature otlp".into()
            })?;
            require(endpoint.starts_with("http://"), otlp, || {
                format!("{endpoint:?} is not used; write http://host:4318/v1/traces")
            })?;
        }
        if let Some(listen) = &self.traces.console_listen {
            let built = cfg!(feature = "tokio-console") && cfg!(tokio_unstable);
            require(built, console, || {
                "this build has no tokio-console; build with the feature tokio-console and \
                 RUSTFLAGS=\"--cfg tokio_unstable\""
                    .into()
            })?;
            require(listen.ip().is_loopback(), console, || {
                format!("{listen} can be reached from other machines; listen on 127.0.0.1")
            })?;
        }
        Ok(())
    }
}
