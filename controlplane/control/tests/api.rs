//! The API over a real socket: who may ask, what is told, and how rules change.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use common::{SimWorker, eventually_shows, parts};
use contract::{AlertDrop, FlowEnd};
use control::config::ApiConfig;
use control::{Control, LogLevels, Parts};
use serde_json::Value;

const TOKEN: &str = "0123456789abcdef0123";
const GOOD: &str = "alert tcp any any -> any any (msg:\"new\"; content:\"xyz\"; sid:9; rev:1;)\n";
const BAD: &str = "alert tcp any any -> any any (msg:\"bad\"; nonsense:1; sid:10; rev:1;)\n";

struct Answer {
    status: u16,
    headers: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// One request over one connection; `extra` are header lines.
fn ask(address: SocketAddr, line: &str, extra: &[&str], body: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(common::LIMIT)).unwrap();
    let mut head = format!("{line} HTTP/1.1\r\nConnection: close\r\n");
    if !extra.iter().any(|header| header.starts_with("Host:")) {
        head.push_str(&format!("Host: {address}\r\n"));
    }
    for header in extra {
        head.push_str(&format!("{header}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    stream.write_all(head.as_bytes()).unwrap();
    // The server may answer, and close, before it has read everything.
    let _ = stream.write_all(body.as_bytes());
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text);
    let (headers, body) = text.split_once("\r\n\r\n").expect("an answer");
    let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
    let chunked = headers.to_ascii_lowercase().contains("transfer-encoding: chunked");
    assert!(!chunked, "answers have a length");
    Answer { status, headers: headers.to_ascii_lowercase(), body: body.into() }
}

/// Polls the workers until it is dropped.
struct Polling {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Vec<SimWorker>>>,
}

impl Polling {
    fn start(mut workers: Vec<SimWorker>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            while !asked.load(Ordering::Acquire) {
                for worker in &mut workers {
                    worker.poll();
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            workers
        });
        Self { stop, thread: Some(thread) }
    }

    fn stop(mut self) -> Vec<SimWorker> {
        self.stop.store(true, Ordering::Release);
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
    }
}

fn open(parts: &mut Parts) {
    parts.api = ApiConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        allow_unauthenticated_loopback: true,
        ..ApiConfig::default()
    };
}

async fn start(parts: Parts) -> (Control, SocketAddr) {
    let control = Control::start(parts).await.unwrap();
    let address = control.api_address().unwrap();
    (control, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_described_is_there() {
    let (workers, mut parts) = parts(1);
    open(&mut parts);
    parts.log = Arc::new(NotedLevels::default());
    let (control, address) = start(parts).await;
    let polling = Polling::start(workers);
    let served = ask(address, "GET /api/v1/openapi.json", &[], "");
    assert_eq!(served.status, 200);
    assert_eq!(served.json(), serde_json::to_value(control::openapi()).unwrap());
    let mut operations = Vec::new();
    for (path, item) in served.json()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let body = match (method.as_str(), path.as_str()) {
                ("put", "/api/v1/log") => "info",
                ("put", _) => GOOD,
                _ => "",
            };
            let line = format!("{} {path}", method.to_uppercase());
            let answer = ask(address, &line, &[], body);
            let promised = operation["responses"].as_object().unwrap();
            let status = answer.status.to_string();
            assert!(promised.contains_key(&status), "{line}: {status} is not promised");
            // There is no spool that could send anything again.
            let expected = if path == "/api/v1/spool/replay" { 4 } else { 2 };
            assert_eq!(answer.status / 100, expected, "{line}: {}", answer.body);
            operations.push(line);
        }
    }
    operations.sort();
    assert_eq!(
        operations,
        [
            "GET /api/v1/log",
            "GET /api/v1/rules",
            "GET /api/v1/spool",
            "GET /api/v1/stats",
            "GET /healthz",
            "GET /metrics",
            "GET /readyz",
            "POST /api/v1/spool/replay",
            "PUT /api/v1/log",
            "PUT /api/v1/rules"
        ]
    );
    let missing = ask(address, "GET /api/v1/nothing", &[], "");
    assert_eq!((missing.status, &missing.json()["status"]), (404, &404.into()));
    assert!(missing.headers.contains("content-type: application/problem+json"));
    assert_eq!(ask(address, "DELETE /api/v1/rules", &[], "").status, 405);
    drop(polling);
    control.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_text_becomes_the_next_generation_and_the_old_one_is_freed() {
    let (workers, mut parts) = parts(2);
    open(&mut parts);
    let (control, address) = start(parts).await;
    let polling = Polling::start(workers);
    let before = ask(address, "GET /api/v1/rules?full=true", &[], "").json();
    assert_eq!((&before["number"], &before["counts"]["loaded"]), (&1.into(), &3.into()));
    assert_eq!(before["text"].as_str().unwrap(), common::RULES);
    let put = ask(address, "PUT /api/v1/rules", &["Content-Type: text/plain"], GOOD);
    assert_eq!(put.status, 200, "{}", put.body);
    assert_eq!((&put.json()["number"], &put.json()["confirmed_workers"]), (&2.into(), &2.into()));
    eventually_shows(&control, "generation 1 is freed", |s| s.rules.live == [2]);
    let mut workers = polling.stop();
    workers[0].raise(0);
    eventually_shows(&control, "the alert is written", |s| s.ledgers.alerts.written == 1);
    let after = ask(address, "GET /api/v1/rules", &[], "").json();
    assert_ne!(after["sha256"], before["sha256"]);
    assert!(after.get("text").is_none());
    control.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_rule_keeps_everything_as_it_is_unless_partial() {
    let (workers, mut parts) = parts(1);
    open(&mut parts);
    let (control, address) = start(parts).await;
    let polling = Polling::start(workers);
    let text = format!("{GOOD}{BAD}");
    let strict = ask(address, "PUT /api/v1/rules", &[], &text);
    assert_eq!(strict.status, 422);
    let problem = strict.json();
    let said = &problem["diagnostics"][0];
    assert_eq!((&said["severity"], &said["line"]), (&"error".into(), &2.into()));
    assert!(said["message"].as_str().unwrap().contains("nonsense"), "{said}");
    assert!(problem["mend"].as_str().unwrap().contains("partial=true"));
    assert_eq!(control.rules().info().number, 1);
    let partial = ask(address, "PUT /api/v1/rules?partial=true", &[], &text);
    assert_eq!(partial.status, 200, "{}", partial.body);
    let counts = &partial.json()["counts"];
    assert_eq!((&counts["loaded"], &counts["refused"]), (&1.into(), &1.into()));
    let empty = ask(address, "PUT /api/v1/rules?partial=true", &[], "# nothing\n");
    assert_eq!(empty.status, 422);
    let misspelt = ask(address, "PUT /api/v1/rules?partail=true", &[], GOOD);
    assert_eq!((misspelt.status, &misspelt.json()["status"]), (400, &400.into()));
    assert_eq!(control.rules().info().number, 2);
    drop(polling);
    control.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_does_not_answer_is_named_and_its_mailbox_fills() {
    let (mut workers, mut parts) = parts(2);
    open(&mut parts);
    parts.store.confirm_timeout_ms = 50;
    let (control, address) = start(parts).await;
    let mut stuck = workers.pop().unwrap();
    let polling = Polling::start(workers);
    for number in 2..=5 {
        let put = ask(address, "PUT /api/v1/rules", &[], GOOD);
        assert_eq!(put.status, 202, "{}", put.body);
        assert_eq!(put.json()["unconfirmed_workers"], serde_json::json!([1]));
        assert_eq!(put.json()["number"], number);
    }
    let full = ask(address, "PUT /api/v1/rules", &[], GOOD);
    assert_eq!(full.status, 503);
    assert!(full.json()["detail"].as_str().unwrap().contains("workers [1]"), "{}", full.body);
    assert_eq!(control.snapshot().rules.live, [1, 2, 3, 4, 5]);
    // It still uses generation 1, whose alerts have their text.
    stuck.raise(1);
    eventually_shows(&control, "the alert is written", |s| s.ledgers.alerts.written == 1);
    stuck.switch_to(5);
    eventually_shows(&control, "older generations are freed", |s| s.rules.live == [5]);
    let polled = Polling::start(vec![stuck]);
    assert_eq!(ask(address, "PUT /api/v1/rules", &[], GOOD).status, 200);
    drop((polling, polled));
    control.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn activations_wait_for_each_other() {
    let (workers, mut parts) = parts(1);
    open(&mut parts);
    let (control, address) = start(parts).await;
    let polling = Polling::start(workers);
    let puts: Vec<_> = (0..4)
        .map(|_| std::thread::spawn(move || ask(address, "PUT /api/v1/rules", &[], GOOD)))
        .collect();
    let mut numbers: Vec<_> = puts
        .into_iter()
        .map(|put| put.join().unwrap().json()["number"].as_u64().unwrap())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [2, 3, 4, 5]);
    drop(polling);
    control.shutdown(Duration::from_secs(5)).await;
}

/// Levels that are only noted; `loud` is none.
#[derive(Default)]
struct NotedLevels(Mutex<String>);

impl LogLevels for NotedLevels {
    fn filter(&self) -> String {
        self.0.lock().unwrap().clone()
    }

    fn set_filter(&self, filter: &str) -> Result<(), String> {
        if filter.contains("loud") {
            return Err("invalid filter directive".into());
        }
        *self.0.lock().unwrap() = filter.to_owned();
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn log_levels_change_and_what_is_no_level_changes_nothing() {
    let (_workers, mut parts) = parts(1);
    open(&mut parts);
    parts.log = Arc::new(NotedLevels::default());
    let (control, address) = start(parts).await;
    let put = ask(address, "PUT /api/v1/log", &[], "info,control=debug\n");
    assert_eq!((put.status, &put.json()["filter"]), (200, &"info,control=debug".into()));
    let too_long = "info,".repeat(1_000);
    for (body, status, named) in
        [("control=loud", 400, "control=loud"), (" \n", 400, "empty"), (&too_long, 413, "4096")]
    {
        let refused = ask(address, "PUT /api/v1/log", &[], body);
        assert_eq!(refused.status, status);
        assert!(refused.json()["detail"].as_str().unwrap().contains(named), "{}", refused.body);
    }
    let shown = ask(address, "GET /api/v1/log", &[], "").json();
    assert_eq!(shown["filter"], "info,control=debug");
    control.shutdown(Duration::from_secs(5)).await;
}

fn token_file() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    std::fs::write(&path, format!("{TOKEN}\n")).unwrap();
    (dir, path)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_everything_and_nothing_else_does() {
    let (workers, mut parts) = parts(1);
    open(&mut parts);
    let (_dir, path) = token_file();
    parts.api.token_file = Some(path);
    let (control, address) = start(parts).await;
    let polling = Polling::start(workers);
    let right = format!("Authorization: Bearer {TOKEN}");
    for (headers, status) in [
        (vec![], 401),
        (vec!["Authorization: Bearer wrong"], 401),
        (vec!["Authorization: Basic abc"], 401),
        (vec![right.as_str()], 200),
    ] {
        for line in ["GET /api/v1/stats", "GET /metrics", "GET /api/v1/rules", "PUT /api/v1/rules"]
        {
            let answer = ask(address, line, &headers, GOOD);
            assert_eq!(answer.status, status, "{line} {headers:?}");
            assert_eq!(status == 401, answer.headers.contains("www-authenticate: bearer"));
        }
    }
    assert_eq!(ask(address, "GET /healthz", &[], "").status, 200);
    drop(polling);
    control.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_this_machine_may_read_and_not_change() {
    let (_workers, mut parts) = parts(1);
    open(&mut parts);
    parts.api.allow_unauthenticated_loopback = false;
    let (control, address) = start(parts).await;
    assert_eq!(ask(address, "GET /api/v1/stats", &[], "").status, 200);
    assert_eq!(ask(address, "PUT /api/v1/log", &[], "debug").status, 403);
    let put = ask(address, "PUT /api/v1/rules", &[], GOOD);
    assert_eq!(put.status, 403);
    assert!(put.json()["mend"].as_str().unwrap().contains("api.token_file"));
    let rebound = ask(address, "GET /api/v1/stats", &["Host: evil.example"], "");
    assert_eq!(rebound.status, 403);
    control.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_too_long_is_not_read() {
    let (_workers, mut parts) = parts(1);
    open(&mut parts);
    parts.store.text_bytes_max = 2_000;
    let (control, address) = start(parts).await;
    let put = ask(address, "PUT /api/v1/rules", &[], &GOOD.repeat(100));
    assert_eq!(put.status, 413);
    assert!(put.json()["mend"].as_str().unwrap().contains("2000"));
    control.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_work_is_told_by_readyz() {
    let (workers, mut parts) = parts(1);
    open(&mut parts);
    parts.nats = common::nats_config(format!("nats://127.0.0.1:{}", testkit::free_port()));
    let (control, address) = start(parts).await;
    let polling = Polling::start(workers);
    let answer = ask(address, "GET /readyz", &[], "");
    assert_eq!(answer.status, 503);
    let reasons = answer.json()["reasons"].to_string();
    assert!(reasons.contains("NATS") && !reasons.contains("worker"), "{reasons}");
    drop(polling);
    control.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shedding_degrades_and_its_losses_outlive_the_generation() {
    let (workers, mut parts) = parts(2);
    open(&mut parts);
    let (control, address) = start(parts).await;
    let lose = |worker: &SimWorker, signature| {
        worker.counters.raised.increment();
        worker.lose(signature, AlertDrop::Shed);
    };
    workers.iter().for_each(|worker| lose(worker, 1));
    workers[1].counters.shedding.store(2, Ordering::Relaxed);
    let ready = ask(address, "GET /readyz", &[], "");
    assert_eq!(ready.status, 200, "{}", ready.body);
    let degraded = ready.json()["degraded"].to_string();
    assert!(degraded.contains("worker 1 sheds alerts of severity 3 and lower"), "{degraded}");
    assert!(!degraded.contains("worker 0"), "{degraded}");
    assert_eq!(control.snapshot().workers[1].shedding, 2);
    let told = || {
        let losses = control.rules().losses();
        losses.iter().map(|loss| (loss.sid, loss.cause, loss.count)).collect::<Vec<_>>()
    };
    assert_eq!(told(), [(2, AlertDrop::Shed, 2)]);
    let polling = Polling::start(workers);
    assert_eq!(ask(address, "PUT /api/v1/rules", &[], GOOD).status, 200);
    eventually_shows(&control, "generation 1 is freed", |s| s.rules.live == [2]);
    let workers = polling.stop();
    lose(&workers[0], 0);
    assert_eq!(told(), [(2, AlertDrop::Shed, 2), (9, AlertDrop::Shed, 1)]);
    let shown = ask(address, "GET /api/v1/stats", &[], "").json()["losses"][0].clone();
    let expected = serde_json::json!({
        "signature": "1:2", "gid": 1, "sid": 2, "cause": "shed", "count": 2
    });
    assert_eq!(shown, expected);
    let (_, alerts) = control.shutdown(Duration::from_secs(5)).await;
    assert_eq!((alerts.imbalance(), alerts.drops[AlertDrop::Shed as usize]), (0, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_flows_degrade_and_are_shown() {
    let (workers, mut parts) = parts(2);
    open(&mut parts);
    let (control, address) = start(parts).await;
    workers[1].counters.flows.set(700);
    workers[1].counters.end_flow(FlowEnd::EvictedNew);
    workers[1].counters.flow_emergency.store(1, Ordering::Relaxed);
    let degraded = ask(address, "GET /readyz", &[], "").json()["degraded"].to_string();
    assert!(degraded.contains("worker 1 has too many flows"), "{degraded}");
    assert!(!degraded.contains("worker 0"), "{degraded}");
    let shown = ask(address, "GET /api/v1/stats", &[], "").json()["workers"][1].clone();
    assert_eq!((&shown["flows"], &shown["flow_emergency"]), (&700.into(), &true.into()));
    assert_eq!(shown["counters"]["flows_evicted_new"], 1);
    assert_eq!(shown["counters"]["flows_timed_out_closed"], 0);
    control.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_cannot_be_names_the_setting() {
    let (_workers, mut parts) = parts(1);
    open(&mut parts);
    parts.api.token_file = Some("/nonexistent/token".into());
    let error = Control::start(parts).await.err().unwrap().to_string();
    assert!(error.contains("api.token_file") && error.contains("/nonexistent/token"), "{error}");
    let (_workers, mut parts) = common::parts(1);
    parts.api.listen = "0.0.0.0:0".parse().unwrap();
    let error = Control::start(parts).await.err().unwrap().to_string();
    assert!(error.starts_with("api.listen"), "{error}");
}
