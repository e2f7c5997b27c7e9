//! What the sensor authenticates with is in none of its words: not in the log, not in the statistics.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{eventually_shows, nats_config, parts};
use control::Control;
use testkit::NatsServer;
use tracing_subscriber::filter::LevelFilter;

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The only test of its process, which has one log.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_refused_and_not_told() {
    let Some(mut server) = NatsServer::absent() else { return };
    server.configure("authorization { user: ids, password: pa55 }");
    server.start();
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .init();
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    std::fs::write(&password, "wr0ng-s3cret\n").unwrap();
    let (_workers, mut parts) = parts(1);
    parts.nats = nats_config(server.url());
    parts.nats.user = Some("ids".into());
    parts.nats.password_file = Some(password.clone());
    let shown = format!("{:?}", parts.nats);
    let control = Control::start(parts).await.unwrap();
    eventually_shows(&control, "it is refused", |s| {
        let nats = s.nats.as_ref().unwrap();
        nats.lanes.iter().all(|lane| lane.reason.contains("authorization violation"))
    });
    let snapshot = serde_json::to_string(&control.snapshot()).unwrap();
    control.shutdown(Duration::from_secs(5)).await;

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let refused = log.lines().filter(|line| line.contains("NATS does not take alerts"));
    assert_eq!(refused.count(), 1, "once for all lanes and attempts:\n{log}");
    assert!(log.contains("authorization violation"), "{log}");
    for words in [&log, &snapshot, &shown] {
        assert!(!words.contains("s3cret"), "{words}");
    }
}
