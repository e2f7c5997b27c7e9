//! Profiles over a real socket: what is sampled, one at a time, and how they end.
//!
//! One timer and one signal per process: the tests of CPU profiles take turns.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use common::{LIMIT, eventually, parts};
use control::Control;
use control::config::ProfilingConfig;
use flate2::read::GzDecoder;
use pprof::protos::{Message as _, Profile};
use tokio::sync::Mutex;

/// The process's profiler.
static TURN: Mutex<()> = Mutex::const_new(());

/// The loop that a profile must name, as the function that runs and not only as what called it.
#[inline(never)]
fn spin_in_the_leaf(stop: &AtomicBool) -> u64 {
    let mut value = 1_u64;
    while !stop.load(Ordering::Relaxed) {
        for round in 0..1_000 {
            value = black_box(value.wrapping_mul(31) ^ round);
        }
    }
    value
}

/// A thread that is busy until it is dropped.
struct Busy {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<u64>>,
}

impl Busy {
    fn start(name: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name(name.into());
        let thread = thread.spawn(move || spin_in_the_leaf(&asked)).unwrap();
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

struct Answer {
    status: u16,
    headers: String,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

fn connect(address: SocketAddr, path: &str, extra: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let host =
        if extra.starts_with("Host:") { String::new() } else { format!("Host: {address}\r\n") };
    let head = format!("GET {path} HTTP/1.1\r\n{host}Connection: close\r\n{extra}\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

fn read(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let headers = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, headers, body: bytes.split_off(end + 4) }
}

fn ask(address: SocketAddr, path: &str) -> Answer {
    read(connect(address, path, ""))
}

async fn start(change: impl FnOnce(&mut ProfilingConfig)) -> (Control, Option<SocketAddr>) {
    let (_workers, mut parts) = parts(1);
    parts.profiling =
        ProfilingConfig { listen: "127.0.0.1:0".parse().unwrap(), ..ProfilingConfig::default() };
    change(&mut parts.profiling);
    let control = Control::start(parts).await.unwrap();
    let address = control.profiling_address();
    (control, address)
}

/// Starts a long profile, and shows that it keeps others out: their answer, and the connections, one of
/// which has the profile. (The others came while one that asked had it.)
fn occupy(address: SocketAddr) -> (Answer, Vec<TcpStream>) {
    let (mut refused, mut long) = (None, Vec::new());
    eventually("a long profile is taken", || {
        long.push(connect(address, "/debug/pprof/profile?seconds=300", ""));
        refused = Some(ask(address, "/debug/pprof/profile?seconds=1"));
        refused.as_ref().is_some_and(|answer| answer.status == 409)
    });
    (refused.unwrap(), long)
}

fn decode(zipped: &[u8]) -> Profile {
    let mut bytes = Vec::new();
    GzDecoder::new(zipped).read_to_end(&mut bytes).unwrap();
    Profile::decode(bytes.as_slice()).unwrap()
}

/// The name of the function that ran, and of the thread, of each sample; and how often.
fn leaves(profile: &Profile) -> Vec<(String, String, i64)> {
    let text = |index: i64| profile.string_table[usize::try_from(index).unwrap()].clone();
    let name = |location: &u64| {
        let location = profile.location.iter().find(|one| one.id == *location).unwrap();
        let id = location.line[0].function_id;
        text(profile.function.iter().find(|one| one.id == id).unwrap().name)
    };
    let samples = profile.sample.iter();
    samples
        .map(|sample| {
            let [label] = sample.label.as_slice() else { panic!("one label") };
            assert_eq!(text(label.key), "thread");
            // What was inlined into the loop comes before it.
            let names = sample.location_id.iter().map(name);
            let leaf = names.take(4).find(|name| name.contains("spin_in_the_leaf"));
            (leaf.unwrap_or_default(), text(label.str), sample.value[0])
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_names_the_function_that_ran_and_its_thread() {
    let _turn = TURN.lock().await;
    let (control, address) = start(|_| {}).await;
    let address = address.unwrap();
    let _busy = Busy::start("worker-0");
    let answer = ask(address, "/debug/pprof/profile?seconds=1");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.headers.contains("content-type: application/octet-stream"));
    let profile = decode(&answer.body);
    assert_eq!(profile.period, 1_000_000_000 / 99);
    assert!(profile.duration_nanos >= 1_000_000_000, "{}", profile.duration_nanos);
    let leaves = leaves(&profile);
    let all: i64 = leaves.iter().map(|(.., count)| count).sum();
    let busy = leaves.iter().filter(|(leaf, thread, _)| !leaf.is_empty() && thread == "worker-0");
    let busy: i64 = busy.map(|(.., count)| count).sum();
    // The thread has a share of a machine that others use; of what was sampled it is nearly all.
    assert!(busy > 5 && busy * 10 >= all * 8, "{busy} of {all}: {leaves:?}");
    let graph = ask(address, "/debug/pprof/profile?seconds=1&frequency=199&format=flamegraph");
    assert!(graph.headers.contains("content-type: image/svg+xml"), "{}", graph.headers);
    let svg = graph.text();
    for part in ["<svg", "worker-0", "spin_in_the_leaf"] {
        assert!(svg.contains(part), "no {part}");
    }
    control.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_profile_at_a_time_and_a_client_that_goes_ends_its_own() {
    let _turn = TURN.lock().await;
    let (control, address) = start(|_| {}).await;
    let address = address.unwrap();
    let (second, long) = occupy(address);
    assert!(second.headers.contains("content-type: application/problem+json"));
    assert!(second.text().contains("mend"), "{}", second.text());
    drop(long);
    eventually("the place is free", || {
        ask(address, "/debug/pprof/profile?seconds=1").status == 200
    });
    control.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sensors_end_ends_a_profile() {
    let _turn = TURN.lock().await;
    let (control, address) = start(|_| {}).await;
    let address = address.unwrap();
    let (_, long) = occupy(address);
    let begun = Instant::now();
    control.shutdown(Duration::from_secs(10)).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let cut_short = long.into_iter().map(read).filter(|answer| answer.status == 503).count();
    assert_eq!(cut_short, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_is_in_its_place() {
    let (control, address) = start(|_| {}).await;
    let address = address.unwrap();
    let index = ask(address, "/debug/pprof/");
    assert!(index.headers.contains("content-type: text/html"));
    for link in ["profile", "heap", "cmdline"] {
        assert!(index.text().contains(&format!("href=\"{link}")), "{link}");
    }
    let moved = ask(address, "/debug/pprof");
    assert!(moved.headers.contains("location: /debug/pprof/"), "{}", moved.headers);
    let words = ask(address, "/debug/pprof/cmdline").text();
    assert_eq!(words.split('\0').collect::<Vec<_>>(), std::env::args().collect::<Vec<_>>());
    let heap = ask(address, "/debug/pprof/heap");
    assert_eq!(heap.status, 404);
    assert!(heap.text().contains("profiling.heap = true"), "{}", heap.text());
    for (path, status) in [
        ("/debug/pprof/profile?seconds=0", 400),
        ("/debug/pprof/profile?format=text", 400),
        ("/debug/pprof/trace", 404),
        ("/", 404),
    ] {
        let answer = ask(address, path);
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.text().contains("\"mend\""), "{path}: {}", answer.text());
    }
    let rebound = read(connect(address, "/debug/pprof/", "Host: evil.example\r\n"));
    assert_eq!(rebound.status, 403);
    control.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_asked_for_where_one_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "0123456789abcdef0123\n").unwrap();
    let (control, address) = start(|config| config.token_file = Some(path)).await;
    let address = address.unwrap();
    let refused = ask(address, "/debug/pprof/");
    assert_eq!(refused.status, 401);
    assert!(refused.text().contains("profiling.token_file"), "{}", refused.text());
    let right = "Authorization: Bearer 0123456789abcdef0123\r\n";
    assert_eq!(read(connect(address, "/debug/pprof/", right)).status, 200);
    control.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_stops_no_sensor() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (control, address) = start(|config| config.listen = taken.local_addr().unwrap()).await;
    assert_eq!(address, None);
    control.shutdown(Duration::from_secs(5)).await;
    let (control, address) = start(|config| config.enabled = false).await;
    assert_eq!(address, None);
    control.shutdown(Duration::from_secs(5)).await;
}
