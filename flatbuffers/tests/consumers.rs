//! The examples for those who write consumers, against a real NATS server: Rust and Python read the same
//! stream, drop what comes twice, and go on behind what is no message.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test may fail so")]

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use alert_schema::contract::record::{FlowFacts, Header, PacketFacts};
use alert_schema::contract::{FiveTuple, Kind};
use alert_schema::{Action, AlertFields, BATCH_BYTES_MAX, BatchEncoder, Buffer, SignatureFields};
use async_nats::jetstream::{self, stream};
use serde_json::Value;
use testkit::NatsServer;

#[allow(dead_code, unreachable_pub, reason = "its main is the example's own")]
#[path = "../examples/tail.rs"]
mod example;

const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python");

fn alert(sequence: u64) -> AlertFields<'static> {
    AlertFields {
        header: Header {
            kind: Kind::Alert,
            flags: Header::TO_SERVER,
            length: 0,
            generation: 1,
            signature: 0,
            flow: u64::MAX,
            sequence,
            packet: 1,
            wall_ns: 1_700_000_000_123_456_789,
            rx_ns: 0,
            raised_after_ns: 1_000,
            worker: 3,
        },
        tuple: Some(FiveTuple {
            source: "2001:db8::1".parse().unwrap(),
            destination: "2001:db8::2".parse().unwrap(),
            source_port: 49_152,
            destination_port: 443,
            protocol: 6,
        }),
        packet: PacketFacts { wire_length: 99, payload_length: 5, vlan: [0; 2], port: 0 },
        flow: FlowFacts::default(),
        signature: SignatureFields {
            gid: 1,
            sid: 4_000_000_000,
            rev: 3,
            msg: "Überprüfung \"quoted\"",
            category: "",
            severity: 2,
            action: Action::Alert,
        },
        payload: b"hello",
        payload_sha256: None,
        community_id: "1:zmqqF3YbXuKfrYGfMen4DTyXlQ8=",
        in_iface: "",
    }
}

fn batch(sequences: &[u64]) -> Vec<u8> {
    let mut encoder = BatchEncoder::new("lab", "s1", "b1");
    encoder.begin(Buffer::default(), BATCH_BYTES_MAX);
    for sequence in sequences {
        encoder.push(&alert(*sequence)).unwrap();
    }
    encoder.finish(0, 1, 1).as_ref().to_vec()
}

/// Publishes `messages` to the sensor's stream, which is made where it is absent.
async fn publish(server: &NatsServer, messages: impl IntoIterator<Item = Vec<u8>>) {
    let context = jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let subjects = vec!["sensor.*.*.alert.*".to_owned()];
    let config = stream::Config { name: "SENSOR_ALERTS".into(), subjects, ..Default::default() };
    context.get_or_create_stream(config).await.unwrap();
    for message in messages {
        let sent = context.publish("sensor.lab.s1.alert.2", message.into()).await.unwrap();
        sent.await.unwrap();
    }
}

/// Three alerts, one of them twice, and between them what is damaged and what is no message at all.
fn messages() -> Vec<Vec<u8>> {
    let mut damaged = batch(&[1, 2]);
    damaged.truncate(100);
    vec![batch(&[1]), b"no alerts".to_vec(), damaged, batch(&[1, 2]), batch(&[5])]
}

fn lines(output: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(output).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[track_caller]
fn assert_alerts(output: &[u8], sequences: &[u64]) {
    let lines = lines(output);
    let ids: Vec<_> = lines.iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect();
    let wanted: Vec<_> = sequences.iter().map(|sequence| format!("s1.b1.3.{sequence}")).collect();
    assert_eq!(ids, wanted);
    for line in lines {
        assert_eq!(line["packet_ns"], 1_700_000_000_123_456_789_u64);
        assert_eq!((&line["sid"], &line["severity"]), (&4_000_000_000_u32.into(), &2.into()));
        assert_eq!(line["msg"], "Überprüfung \"quoted\"");
        assert_eq!(
            (&line["source"], &line["source_port"]),
            (&"2001:db8::1".into(), &49_152.into())
        );
        assert_eq!(
            (&line["destination"], &line["destination_port"]),
            (&"2001:db8::2".into(), &443.into())
        );
    }
}

#[tokio::test]
async fn the_rust_example_prints_each_alert_once() {
    let Some(server) = NatsServer::started() else { return };
    publish(&server, messages()).await;
    let mut out = Vec::new();
    example::follow(&server.url(), Some(3), &mut out).await.unwrap();
    assert_alerts(&out, &[1, 2, 5]);
}

#[tokio::test]
async fn the_rust_example_goes_on_where_it_was_when_a_server_has_started_again() {
    let Some(mut server) = NatsServer::started() else { return };
    publish(&server, messages()).await;
    let mut out = Vec::new();
    example::follow(&server.url(), Some(3), &mut out).await.unwrap();
    let (url, (mut read, mut write)) = (server.url(), std::io::pipe().unwrap());
    let follow =
        tokio::spawn(async move { example::follow(&url, Some(2), &mut write).await.unwrap() });
    let first_line = tokio::task::spawn_blocking(move || {
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            let mut byte = [0];
            read.read_exact(&mut byte).unwrap();
            line.push(byte[0]);
        }
        (read, line)
    });
    publish(&server, [batch(&[6])]).await;
    let (mut read, line) = first_line.await.unwrap();
    assert_alerts(&line, &[6]);
    server.kill();
    server.start();
    publish(&server, [batch(&[7])]).await;
    follow.await.unwrap();
    let mut rest = Vec::new();
    read.read_to_end(&mut rest).unwrap();
    assert_alerts(&rest, &[7]);
}

/// A Python with what tail.py requires, below the target folder; `None`, and a line that says so, where
/// PyPI does not give it.
fn python() -> Option<PathBuf> {
    let requirements = Path::new(PYTHON).join("requirements.txt");
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python-consumer");
    let (python, stamp) = (venv.join("bin/python"), venv.join("requirements.txt"));
    let wanted = std::fs::read(&requirements).unwrap();
    // Written last, so that a folder that has it is whole.
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Some(python);
    }
    let made = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv).output().unwrap();
    assert!(made.status.success(), "python3 -m venv: {}", stderr(&made));
    let pip = ["-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--retries", "1"];
    let installed =
        Command::new(&python).args(pip).args(["--timeout", "15", "-r"]).arg(&requirements).output();
    let installed = installed.unwrap();
    if !installed.status.success() {
        let last = stderr(&installed);
        let last = last.lines().last().unwrap_or_default();
        println!("SKIPPED: the Python consumer: PyPI does not give what it requires: {last}");
        return None;
    }
    std::fs::write(stamp, wanted).unwrap();
    Some(python)
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn the_python_example_prints_each_alert_once_and_goes_on_where_it_was() {
    let Some(server) = NatsServer::started() else { return };
    let Some(python) = python() else { return };
    let tail = |more: &[&str]| {
        let program = Path::new(PYTHON).join("tail.py");
        let url = server.url();
        // An example that hangs fails the test instead of holding it up.
        let mut command = Command::new("timeout");
        command.arg("60").arg(&python);
        command.env("PYTHONDONTWRITEBYTECODE", "1").arg(program).args(["--server", &url]);
        command.args(["--from", "all", "--no-follow"]).args(more);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        output
    };
    publish(&server, messages()).await;
    let output = tail(&[]);
    assert_alerts(&output.stdout, &[1, 2, 5]);
    let said = stderr(&output);
    assert!(said.contains("sensor.lab.s1.alert.2: the file identifier is not SGA1"), "{said}");
    assert!(said.contains("sensor.lab.s1.alert.2: not a valid flatbuffer"), "{said}");

    assert_alerts(&tail(&["--durable", "soc", "--count", "1"]).stdout, &[1]);
    assert_alerts(&tail(&["--durable", "soc"]).stdout, &[1, 2, 5]);
    publish(&server, [batch(&[6])]).await;
    assert_alerts(&tail(&["--durable", "soc"]).stdout, &[6]);
}
