//! `alerts tail` against a real NATS server: batches are published as a sensor does, and what the binary
//! prints is compared.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test may fail so")]

mod common;
mod published;

use std::fs::File;
use std::process::{Child, Stdio};

use async_nats::HeaderMap;
use async_nats::jetstream::{self, stream};
use serde_json::Value;
use testkit::NatsServer;

use common::{Ended, Scratch, command, run, signal, wait_for};
use published::batch;

const STREAM: &str = "SENSOR_ALERTS";

/// A connection of the test's own.
struct Nats {
    runtime: tokio::runtime::Runtime,
    client: async_nats::Client,
    server: NatsServer,
}

impl Nats {
    /// A server; with the stream, if asked for.
    fn new(with_stream: bool) -> Option<Self> {
        let server = NatsServer::started()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = runtime.block_on(async_nats::connect(server.url())).unwrap();
        let nats = Self { runtime, client, server };
        if with_stream {
            nats.make_stream();
        }
        Some(nats)
    }

    fn make_stream(&self) {
        let subjects = vec!["sensor.*.*.alert.*".to_owned()];
        let config = stream::Config { name: STREAM.into(), subjects, ..Default::default() };
        self.runtime.block_on(async {
            jetstream::new(self.client.clone()).create_stream(config).await.unwrap();
        });
    }

    fn delete_stream(&self) {
        self.runtime.block_on(async {
            jetstream::new(self.client.clone()).delete_stream(STREAM).await.unwrap();
        });
    }

    /// Connects anew, to a server that has started again.
    fn connect(&mut self) {
        self.client = self.runtime.block_on(async_nats::connect(self.server.url())).unwrap();
    }

    /// Publishes to the stream, which has it then.
    fn store(&self, subject: &str, headers: HeaderMap, bytes: Vec<u8>) {
        self.runtime.block_on(async {
            let context = jetstream::new(self.client.clone());
            let sent = context.publish_with_headers(subject.to_owned(), headers, bytes.into());
            sent.await.unwrap().await.unwrap();
        });
    }

    /// Publishes alerts of sensor `s1`.
    fn alerts(&self, severity: u8, sequences: impl IntoIterator<Item = u64>) {
        let subject = format!("sensor.lab.s1.alert.{severity}");
        self.store(&subject, HeaderMap::new(), batch("s1", severity, sequences));
    }

    fn args<'a>(&'a self, url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        [&["alerts", "tail", "--server", url], more].concat()
    }

    /// Runs the binary to its end.
    fn tail(&self, more: &[&str]) -> Ended {
        run(&self.args(&self.server.url(), more))
    }

    /// Starts the binary, and waits until it listens.
    fn start(&self, scratch: &Scratch, more: &[&str]) -> Child {
        let file = |name| Stdio::from(File::create(scratch.path(name)).unwrap());
        let child = command()
            .args(self.args(&self.server.url(), more))
            .stdout(file("out"))
            .stderr(file("err"))
            .spawn()
            .unwrap();
        wait_for("listening", || read(scratch, "err").contains("listening").then_some(()));
        child
    }
}

fn read(scratch: &Scratch, name: &str) -> String {
    std::fs::read_to_string(scratch.path(name)).unwrap()
}

/// The sids of lines for people.
fn sids(output: &str) -> Vec<u64> {
    let sid = |line: &str| line.split("[1:").nth(1)?.split(':').next()?.parse().ok();
    output.lines().map(|line| sid(line).unwrap_or_else(|| panic!("no alert: {line}"))).collect()
}

#[track_caller]
fn assert_sids(ended: &Ended, wanted: &[u64]) {
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(sids(&ended.stdout), wanted, "{}", ended.stderr);
}

#[test]
fn a_stream_is_printed_once_and_what_is_unreadable_does_not_end_it() {
    let Some(nats) = Nats::new(true) else { return };
    nats.alerts(2, [1]);
    nats.store("sensor.lab.s1.alert.2", HeaderMap::new(), b"no alerts".to_vec());
    nats.alerts(2, [1, 2, 5]);
    let mut headers = HeaderMap::new();
    headers.insert("Sensor-Replay", "1");
    nats.store("sensor.lab.s1.alert.2", headers, batch("s1", 2, [2, 3]));
    let ended = nats.tail(&["--from", "all", "--no-follow"]);
    assert_sids(&ended, &[1, 2, 5, 3]);
    assert_eq!(
        ended.stdout.lines().next().unwrap(),
        "2023-11-14T22:13:20.123456+0000  [**] [1:1:3] a test [**] [Classification: Misc activity] \
         [Priority: 2] {TCP} 192.0.2.1:49152 -> 198.51.100.2:80  lab/s1"
    );
    assert!(
        ended
            .stderr
            .contains("sensor.lab.s1.alert.2: 9 bytes that are no alerts: the file identifier")
    );
    let totals = "4 alerts printed, 0 filtered out, of 3 batches; 2 repeated, 0 late, 1 missing in gaps, \
                  1 unreadable";
    assert!(ended.stderr.contains(totals), "{}", ended.stderr);

    let ended = nats.tail(&["--from", "all", "--no-follow", "--json"]);
    let events: Vec<Value> =
        ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: Vec<_> = events.iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["s1.b1.1.1", "s1.b1.1.2", "s1.b1.1.5", "s1.b1.1.3"]);
    let replays: Vec<_> = events.iter().map(|event| event.get("replay").is_some()).collect();
    assert_eq!(replays, [false, false, false, true]);
    assert_eq!((&events[0]["event_type"], &events[0]["site"]), (&"alert".into(), &"lab".into()));
    assert!(events[0].get("payload").is_none());
    let ended = nats.tail(&["--from", "all", "--count", "1", "--json", "--payload"]);
    assert!(ended.stdout.contains(r#""payload":"aGVsbG8=""#), "{}", ended.stdout);
}

#[test]
fn filters_and_the_beginning_choose() {
    let Some(nats) = Nats::new(true) else { return };
    nats.alerts(1, [1, 2]);
    nats.alerts(3, [3]);
    nats.store("sensor.lab.s2.alert.1", HeaderMap::new(), batch("s2", 1, [4]));
    let all = |more: &[&str]| nats.tail(&[&["--from", "all", "--no-follow"], more].concat());
    assert_sids(&all(&[]), &[1, 2, 3, 4]);
    let ended = all(&["--severity", "1"]);
    assert_sids(&ended, &[1, 2, 4]);
    assert!(ended.stderr.contains("3 alerts printed, 1 filtered out"), "{}", ended.stderr);
    assert_sids(&all(&["--sensor", "s2"]), &[4]);
    assert_sids(&all(&["--site", "elsewhere"]), &[]);
    assert_sids(&all(&["--sid", "2,3", "--src", "192.0.2.0/24", "--msg", "TEST"]), &[2, 3]);
    assert_sids(&all(&["--port", "443"]), &[]);
    assert_sids(&nats.tail(&["--from", "1h", "--no-follow"]), &[1, 2, 3, 4]);
    assert_sids(&nats.tail(&["--from", "0s", "--no-follow"]), &[]);
    assert_sids(&nats.tail(&["--no-follow"]), &[]);
}

#[test]
fn a_durable_consumer_goes_on_behind_what_was_printed() {
    let Some(nats) = Nats::new(true) else { return };
    nats.alerts(2, [1]);
    nats.alerts(2, [2, 3]);
    nats.store("sensor.lab.s1.alert.2", HeaderMap::new(), b"no alerts".to_vec());
    nats.alerts(2, [4]);
    let durable =
        |more: &[&str]| nats.tail(&[&["--durable", "soc", "--from", "all"], more].concat());
    assert_sids(&durable(&["--count", "1"]), &[1]);
    // The second batch is cut by the count, so that it is not done and comes again, whole.
    assert_sids(&durable(&["--count", "1"]), &[2]);
    let rest = durable(&["--no-follow"]);
    assert_eq!(rest.code, Some(0), "{}", rest.stderr);
    assert!(rest.stderr.contains("1 unreadable"), "{}", rest.stderr);
    // The order of what comes again is the server's.
    let mut again = sids(&rest.stdout);
    again.sort_unstable();
    assert_eq!(again, [2, 3, 4]);
    assert_sids(&durable(&["--no-follow"]), &[]);
    nats.alerts(2, [5]);
    let ended = durable(&["--count", "1"]);
    assert_sids(&ended, &[5]);
    assert!(ended.stderr.contains("0 unreadable"), "{}", ended.stderr);
    let other = durable(&["--sensor", "s2", "--no-follow"]);
    assert_eq!(other.code, Some(2));
    assert!(other.stderr.contains("this consumer is for sensor.*.*.alert.*"), "{}", other.stderr);
}

#[test]
fn new_alerts_are_followed_until_a_signal() {
    let Some(nats) = Nats::new(true) else { return };
    nats.alerts(2, [1]);
    let scratch = Scratch::new();
    let child = nats.start(&scratch, &[]);
    nats.alerts(2, [2]);
    wait_for("an alert", || (read(&scratch, "out").lines().count() == 1).then_some(()));
    signal(child.id(), "INT");
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), sids(&read(&scratch, "out"))), (Some(0), vec![2]));
    let said = read(&scratch, "err");
    assert!(said.contains("1 alerts printed, 0 filtered out, of 1 batches"), "{said}");
}

#[test]
fn a_server_that_starts_again_is_followed_on() {
    let Some(mut nats) = Nats::new(true) else { return };
    let scratches = [Scratch::new(), Scratch::new()];
    let tails = [&[][..], &["--durable", "soc"]];
    let children: Vec<Child> =
        scratches.iter().zip(tails).map(|(scratch, more)| nats.start(scratch, more)).collect();
    let both_have = |alerts: usize| {
        wait_for("the alerts", || {
            let has = |scratch| sids(&read(scratch, "out")).len() == alerts;
            scratches.iter().all(has).then_some(())
        });
    };
    nats.alerts(2, [1]);
    both_have(1);
    nats.server.kill();
    nats.server.start();
    nats.connect();
    nats.alerts(2, [2]);
    both_have(2);
    for child in children {
        signal(child.id(), "TERM");
        assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
    }
    for scratch in &scratches {
        assert_eq!(sids(&read(scratch, "out")), [1, 2]);
        assert!(read(scratch, "err").contains("0 missing in gaps, 0 unreadable"));
    }
}

#[test]
fn a_stream_that_is_made_anew_is_read_and_a_consumer_that_is_gone_ends_the_command() {
    let Some(nats) = Nats::new(true) else { return };
    let (ordered, durable) = (Scratch::new(), Scratch::new());
    let ordered_child = nats.start(&ordered, &[]);
    let durable_child = nats.start(&durable, &["--durable", "soc"]);
    nats.alerts(2, [1]);
    nats.alerts(2, [2]);
    wait_for("the alerts", || (read(&ordered, "out").lines().count() == 2).then_some(()));
    nats.delete_stream();
    nats.make_stream();
    nats.alerts(2, [2, 3]);
    wait_for("the alert", || (read(&ordered, "out").lines().count() == 3).then_some(()));
    signal(ordered_child.id(), "TERM");
    assert_eq!(ordered_child.wait_with_output().unwrap().status.code(), Some(0));
    assert_eq!(sids(&read(&ordered, "out")), [1, 2, 3]);
    let said = read(&ordered, "err");
    assert!(said.contains("made anew") && said.contains("1 repeated"), "{said}");
    assert_eq!(durable_child.wait_with_output().unwrap().status.code(), Some(1));
    assert!(read(&durable, "err").contains("--durable soc: the consumer was deleted"));
}

#[test]
fn subjects_are_read_without_a_stream() {
    let Some(nats) = Nats::new(false) else { return };
    let scratch = Scratch::new();
    let child = nats.start(&scratch, &["--core", "--count", "2"]);
    nats.runtime.block_on(async {
        let subject = "sensor.lab.s1.alert.2";
        for bytes in [batch("s1", 2, [1]), batch("s1", 2, [1, 2, 3])] {
            nats.client.publish(subject, bytes.into()).await.unwrap();
        }
        nats.client.flush().await.unwrap();
    });
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), sids(&read(&scratch, "out"))), (Some(0), vec![1, 2]));
}

#[test]
fn what_cannot_be_read_says_why() {
    let ended = run(&["alerts", "tail"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("no NATS server; name one with --server"), "{}", ended.stderr);
    let ended = run(&["alerts", "tail", "--core", "--durable", "x"]);
    assert_eq!(ended.code, Some(2));
    let free = format!("nats://127.0.0.1:{}", testkit::free_port());
    let ended = run(&["alerts", "tail", "--server", &free]);
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    assert!(ended.stderr.contains("NATS at 127.0.0.1:"), "{}", ended.stderr);
    let keys = ["--set", "nats.token_file=/does/not/exist"];
    let ended = run(&[&["alerts", "tail", "--server", &free], &keys[..]].concat());
    assert_eq!(ended.code, Some(5));
    assert!(ended.stderr.contains("nats.token_file: /does/not/exist"), "{}", ended.stderr);
    let Some(nats) = Nats::new(false) else { return };
    let ended = nats.tail(&[]);
    assert_eq!(ended.code, Some(5));
    assert!(ended.stderr.contains("stream SENSOR_ALERTS"), "{}", ended.stderr);
}
