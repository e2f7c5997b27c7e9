//! Reloads while packets come over a pair of interfaces, at half of the rate that loses none: no packet is
//! lost to them.
//!
//! The test runs in a network namespace of its own. With `SENSOR_LONG` it takes more and longer samples.

#![cfg(feature = "dpdk")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::process::{Command, Stdio};

use support::scene::{background, many_rules};
use support::sensor::{Sensor, Setup, packets};

const TEST: &str = "reloads_lose_no_packets";
/// Set where the test runs in its namespace.
const INSIDE: &str = "SENSOR_E2E_INSIDE";
/// Packets per second that are tried.
const RATES: [u64; 7] = [4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000];
/// Reloads of a run, and rules of each.
const RELOADS: usize = 20;
const RULES: usize = 300;
/// Looks at a sensor that rests before what has not arrived is lost: packets may wait in the kernel.
const RESTS: usize = 10;

/// How much is sampled.
struct Samples {
    /// Pairs of runs; up to three times as many while the outcome is unclear.
    pairs: usize,
    /// Least seconds of a run.
    seconds: u64,
}

impl Samples {
    fn wanted() -> Self {
        if std::env::var_os("SENSOR_LONG").is_some() {
            Self { pairs: 9, seconds: 10 }
        } else {
            Self { pairs: 3, seconds: 2 }
        }
    }
}

/// A namespace with the pair of interfaces `v0` and `v1`, as long as this lives.
struct Namespace(String);

impl Namespace {
    /// `None` where this user may not make one.
    fn new() -> Option<Self> {
        let name = format!("sensor-e2e-{}", std::process::id());
        succeeds(Command::new("ip").args(["netns", "add", &name])).then_some(())?;
        let namespace = Self(name);
        // Without IPv6 the kernel sends nothing of its own.
        let quiet = "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6";
        succeeds(namespace.command("sh").args(["-c", quiet]));
        let steps = [
            "link set lo up",
            "link add v0 type veth peer name v1",
            "link set v0 up",
            "link set v1 up",
        ];
        let made = steps.iter().all(|words| {
            succeeds(Command::new("ip").args(["-n", &namespace.0]).args(words.split(' ')))
        });
        made.then_some(namespace)
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.0]).arg(program);
        command
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        succeeds(Command::new("ip").args(["netns", "del", &self.0]));
    }
}

fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|end| end.success())
}

#[test]
fn reloads_lose_no_packets() {
    if std::env::var_os(INSIDE).is_some() {
        return compare();
    }
    if !succeeds(Command::new("tcpreplay").arg("--version")) {
        println!("SKIPPED: tcpreplay is not installed");
        return;
    }
    let Some(namespace) = Namespace::new() else {
        println!("SKIPPED: network namespaces cannot be made");
        return;
    };
    let mut inside = namespace.command(std::env::current_exe().unwrap());
    inside.args(["--exact", TEST, "--nocapture"]).env(INSIDE, "1");
    let output = inside.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    // Not what the harness inside says, which the one outside says again.
    let ours = |line: &&str| line.starts_with("trying") || line.starts_with("pair");
    stdout.lines().filter(ours).for_each(|line| println!("{line}"));
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}\n{stderr}");
}

/// The sensor on `v0`, and the capture that is sent from `v1`.
struct Bench {
    sensor: Sensor,
    capture: String,
    /// Packets received so far.
    received: u64,
}

/// What became of the packets of one run.
struct Outcome {
    sent: u64,
    lost: u64,
    /// Packets per second that the sender reached.
    rate: f64,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { sent, lost, rate } = self;
        write!(f, "{lost} of {sent} lost at {rate:.0} packets/s")
    }
}

impl Bench {
    /// Sends `count` packets, `rate` a second; how many went out, and in how many seconds.
    fn send(&self, count: u64, rate: u64) -> (u64, f64) {
        let output = Command::new("tcpreplay")
            .args(["-i", "v1", "--preload-pcap", "--loop", "1000000"])
            .args(["--limit", &count.to_string(), "--pps", &rate.to_string(), &self.capture])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{output:?}");
        let after = |label: &str| {
            let rest = text.split_once(label).unwrap_or_else(|| panic!("no {label:?}: {text}")).1;
            rest.split_whitespace().next().unwrap().to_owned()
        };
        (after("Successful packets:").parse().unwrap(), after("sent in ").parse().unwrap())
    }

    /// Counts what was lost of `sent` packets that left in `seconds`.
    fn outcome(&mut self, sent: u64, seconds: f64) -> Outcome {
        let due = self.received + sent;
        let mut rests = 0;
        let stats = self.sensor.rests_when(|stats| {
            rests += 1;
            packets(stats, "rx") == due || rests > RESTS
        });
        let before = std::mem::replace(&mut self.received, packets(&stats, "rx"));
        assert_eq!(stats["ports"][0]["rx_packets"], self.received);
        let received = self.received - before;
        assert!(received <= sent, "{received} of {sent} packets came: others send, too");
        Outcome { sent, lost: sent - received, rate: sent as f64 / seconds }
    }

    /// The highest of [`RATES`] at which nothing is lost and the sender keeps up.
    fn rate_without_loss(&mut self) -> u64 {
        let mut best = RATES[0];
        for rate in RATES {
            let (sent, seconds) = self.send(rate / 2, rate);
            let outcome = self.outcome(sent, seconds);
            println!("trying {rate:>6} packets/s: {outcome}");
            if outcome.lost > 0 || outcome.rate < 0.8 * rate as f64 {
                break;
            }
            best = rate;
        }
        best
    }

    /// Sends for at least `seconds`, and until `done`, in pieces of half a second.
    fn run(&mut self, rate: u64, seconds: u64, mut done: impl FnMut() -> bool) -> Outcome {
        let (mut sent, mut took) = (0, 0.0);
        while sent < rate * seconds || !done() {
            let piece = self.send(rate / 2, rate);
            sent += piece.0;
            took += piece.1;
        }
        self.outcome(sent, took)
    }

    /// The same while the rules are replaced again and again.
    fn run_with_reloads(&mut self, rate: u64, seconds: u64) -> Outcome {
        let client = self.sensor.client();
        let reloads = std::thread::spawn(move || {
            for round in 0..RELOADS {
                let answer = client.put_rules(&many_rules(round, RULES, ""));
                assert_eq!(answer.status, 200, "{answer:?}");
            }
        });
        let outcome = self.run(rate, seconds, || reloads.is_finished());
        reloads.join().unwrap();
        outcome
    }
}

/// Runs in the namespace: pairs of runs without and with reloads.
fn compare() {
    let setup = Setup::new("af-packet", &many_rules(0, RULES, ""))
        .device(|_| "net_af_packet0,iface=v0,framecnt=4096".to_owned())
        .with_eve();
    let capture = setup.scratch.pcap("traffic.pcap", background(5, 2_000));
    let mut bench = Bench { sensor: setup.start(), capture, received: 0 };
    let rate = bench.rate_without_loss() / 2;
    let Samples { pairs, seconds } = Samples::wanted();
    let (mut without, mut with) = (Vec::new(), Vec::new());
    while with.len() < pairs || !is_within_spread(&without, &with) {
        assert!(with.len() < 3 * pairs, "lost with reloads {with:?}, without {without:?}");
        let outcomes = [bench.run(rate, seconds, || true), bench.run_with_reloads(rate, seconds)];
        println!("pair {}: without reloads {}", with.len(), outcomes[0]);
        println!("pair {}: with {RELOADS} reloads {}", with.len(), outcomes[1]);
        without.push(outcomes[0].lost);
        with.push(outcomes[1].lost);
    }
    bench.sensor.stop_in_order();
}

/// Whether the median of what was lost with reloads is within what was lost without. Single losses are the
/// machine's, and more pairs even them out; those of reloads would be in every run that has them.
fn is_within_spread(without: &[u64], with: &[u64]) -> bool {
    let mut with = with.to_vec();
    with.sort_unstable();
    with.get(with.len() / 2) <= without.iter().max()
}
