//! The stream that keeps alerts: made where it is absent, never altered.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_nats::jetstream::context::{Context, ContextBuilder};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};

use crate::config::{Discard, NatsConfig, Retention, Storage, StreamConfig};

/// Subjects of the stream.
const SUBJECTS: &str = "sensor.*.*.alert.*";
/// Times that the stream is asked for. Several lanes, or sensors, may be making it at the same time, and
/// the server refuses all but one of them until it is there.
const TRIES: usize = 4;
/// Pause between two of them.
const TRY_PAUSE: Duration = Duration::from_millis(50);

/// A JetStream context of `client`, for what is asked about streams.
pub(super) fn context(client: async_nats::Client, config: &NatsConfig) -> Context {
    ContextBuilder::new().timeout(Duration::from_millis(config.ack_timeout_ms)).build(client)
}

/// The stream as it is made where it is absent.
fn wanted(config: &StreamConfig) -> Config {
    Config {
        name: config.name.clone(),
        subjects: vec![SUBJECTS.into()],
        max_bytes: i64::try_from(config.bytes_max).unwrap_or(i64::MAX),
        max_messages: limit(config.messages_max),
        max_age: Duration::from_secs(config.age_max_s),
        num_replicas: config.replicas,
        duplicate_window: Duration::from_secs(config.duplicate_window_s),
        retention: match config.retention {
            Retention::Limits => RetentionPolicy::Limits,
            Retention::Interest => RetentionPolicy::Interest,
            Retention::WorkQueue => RetentionPolicy::WorkQueue,
        },
        discard: match config.discard {
            Discard::Old => DiscardPolicy::Old,
            Discard::New => DiscardPolicy::New,
        },
        storage: match config.storage {
            Storage::File => StorageType::File,
            Storage::Memory => StorageType::Memory,
        },
        description: Some("Alerts of network sensors".into()),
        ..Config::default()
    }
}

/// A limit in the server's terms: -1 is none.
fn limit(value: u64) -> i64 {
    if value == 0 { -1 } else { i64::try_from(value).unwrap_or(i64::MAX) }
}

/// Sees to it that the stream exists; its settings.
///
/// # Errors
/// The server refuses it, or has no JetStream; in words.
#[tracing::instrument(name = "ensure alert stream", skip_all, fields(stream = config.name))]
pub(super) async fn ensure(context: &Context, config: &StreamConfig) -> Result<Config, String> {
    let mut tries = 1;
    loop {
        match context.get_or_create_stream(wanted(config)).await {
            Ok(stream) => return Ok(stream.cached_info().config.clone()),
            Err(error) if tries == TRIES => return Err(error.to_string()),
            Err(_) => tries += 1,
        }
        tokio::time::sleep(TRY_PAUSE).await;
    }
}

/// Whether `subject` is one of those of the stream.
pub(super) fn listens(stream: &Config, subject: &str) -> bool {
    stream.subjects.iter().any(|pattern| matches(pattern, subject))
}

/// Whether `pattern` means `subject`: `*` is any one token, `>` all that follow.
fn matches(pattern: &str, subject: &str) -> bool {
    let (mut patterns, mut tokens) = (pattern.split('.'), subject.split('.'));
    loop {
        match (patterns.next(), tokens.next()) {
            (Some(">"), Some(_)) | (None, None) => return true,
            (Some(pattern), Some(token)) if pattern == "*" || pattern == token => {}
            _ => return false,
        }
    }
}

/// What is known of the stream, for all lanes.
#[derive(Debug, Default)]
pub(super) struct StreamStatus(Mutex<Found>);

#[derive(Debug, Default)]
struct Found {
    replicas: Option<usize>,
    differences: Vec<String>,
}

impl StreamStatus {
    /// The stream was found with these settings. What differs from those of `config` is logged when it is
    /// found for the first time.
    pub(super) fn found(&self, found: &Config, config: &StreamConfig) {
        let differences = differences(&wanted(config), found);
        let mut status = self.lock();
        status.replicas = Some(found.num_replicas);
        if status.differences != differences {
            if !differences.is_empty() {
                let differences = differences.join("; ");
                let stream = &config.name;
                tracing::warn!(
                    stream,
                    differences,
                    "the alert stream is not as nats.stream says; it is used as it is"
                );
            }
            status.differences = differences;
        }
    }

    /// Copies of the stream; `None` before it was found.
    pub(super) fn replicas(&self) -> Option<usize> {
        self.lock().replicas
    }

    /// What differs from the configuration, a sentence for each setting.
    pub(super) fn differences(&self) -> Vec<String> {
        self.lock().differences.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The settings of `found` that differ from `wanted`: `name: … wanted, … found`.
fn differences(wanted: &Config, found: &Config) -> Vec<String> {
    fn setting<T: PartialEq>(
        name: &str,
        values: [T; 2],
        show: impl Fn(&T) -> String,
    ) -> Option<String> {
        let [wanted, found] = values;
        (wanted != found)
            .then(|| format!("{name}: {} wanted, {} found", show(&wanted), show(&found)))
    }
    fn number(value: &i64) -> String {
        if *value < 0 { "none".into() } else { value.to_string() }
    }
    fn word<T: serde::Serialize>(value: &T) -> String {
        serde_json::to_string(value).unwrap_or_default()
    }
    fn seconds(value: &Duration) -> String {
        format!("{} s", value.as_secs())
    }
    fn none_below_1(value: i64) -> i64 {
        // A server says 0 or -1 for "none".
        if value < 1 { -1 } else { value }
    }
    let both = [wanted, found];
    let subjects = both.map(|config| config.subjects.iter().cloned().collect::<BTreeSet<_>>());
    [
        setting("subjects", subjects, |all| {
            all.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
        }),
        setting("retention", both.map(|config| config.retention), word),
        setting("discard", both.map(|config| config.discard), word),
        setting("storage", both.map(|config| config.storage), word),
        setting("replicas", both.map(|config| config.num_replicas.max(1)), usize::to_string),
        setting("bytes_max", both.map(|config| none_below_1(config.max_bytes)), number),
        setting("messages_max", both.map(|config| none_below_1(config.max_messages)), number),
        setting("age_max_s", both.map(|config| config.max_age), seconds),
        setting("duplicate_window_s", both.map(|config| config.duplicate_window), seconds),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_nats::jetstream::stream::{Config, DiscardPolicy, StorageType};

    use super::{SUBJECTS, differences, matches, wanted};
    use crate::config::StreamConfig;

    #[test]
    fn patterns_mean_subjects() {
        let subject = "sensor.lab.s1.alert.1";
        for pattern in [SUBJECTS, ">", "sensor.>", "sensor.lab.*.*.1", subject] {
            assert!(matches(pattern, subject), "{pattern}");
        }
        let longer = "sensor.lab.s1.alert.1.>";
        for pattern in ["other.>", "sensor.*", "sensor.lab.s1.alert", longer, "*", ""] {
            assert!(!matches(pattern, subject), "{pattern}");
        }
    }

    #[test]
    fn every_difference_is_named() {
        let wanted = wanted(&StreamConfig::default());
        assert_eq!(differences(&wanted, &wanted), [""; 0]);
        let found = Config {
            subjects: vec!["sensor.>".into()],
            discard: DiscardPolicy::New,
            storage: StorageType::Memory,
            num_replicas: 3,
            max_bytes: -1,
            max_messages: 77,
            max_age: Duration::ZERO,
            duplicate_window: Duration::from_secs(120),
            ..wanted.clone()
        };
        assert_eq!(
            differences(&wanted, &found),
            [
                "subjects: sensor.*.*.alert.* wanted, sensor.> found",
                "discard: \"old\" wanted, \"new\" found",
                "storage: \"file\" wanted, \"memory\" found",
                "replicas: 1 wanted, 3 found",
                "bytes_max: 1073741824 wanted, none found",
                "messages_max: none wanted, 77 found",
                "age_max_s: 604800 s wanted, 0 s found",
                "duplicate_window_s: 1200 s wanted, 120 s found",
            ]
        );
    }
}
