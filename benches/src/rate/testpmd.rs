//! `dpdk-testpmd` in receive-only mode: the bare receive that the sensor is held against.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context;

use super::process::{Process, Rate, Reading};
use super::{Conditions, Device};

const INSTALL: &str = "apt-get install dpdk, or `make setup`";

/// The program.
#[derive(Clone, Copy, Debug)]
pub struct Testpmd;

impl Testpmd {
    /// Receives from `device` as long as `conditions` say.
    ///
    /// # Errors
    /// The program is missing, does not start, or receives nothing.
    pub fn measure(device: &Device, conditions: Conditions) -> anyhow::Result<Rate> {
        let cpu = conditions.cpu;
        let mut command = Command::new("dpdk-testpmd");
        command
            // A main thread, which sleeps, and one that forwards.
            .args(["--lcores", &format!("0@{cpu},1@{cpu}")])
            .args(["--no-pci", "--no-telemetry", "--log-level=error", "--no-huge", "-m", "256"])
            .args(["--file-prefix", &format!("bench-testpmd-{}", std::process::id())])
            .args(["--vdev", &device.vdev, "--"])
            .args(["--forward-mode=rxonly", "--stats-period=1", "--total-num-mbufs=16384"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = Process::spawn(&mut command, INSTALL)?;
        let mut output = process.child().stdout.take().context("the output is piped")?;
        let rate = watch(&mut output, process.pid(), conditions).context("dpdk-testpmd")?;
        process.terminate()?;
        // It writes its last words until it has ended.
        drop(output);
        Ok(rate)
    }
}

/// Reads a count of packets every second, and the threads' time with it. The first is from the start.
fn watch(output: &mut impl Read, pid: u32, conditions: Conditions) -> anyhow::Result<Rate> {
    let mut first: Option<(Instant, u64, Reading)> = None;
    let mut shown = 0;
    for line in BufReader::new(output).lines() {
        let Some(packets) = rx_packets(&line?) else { continue };
        let reading = Reading::of(pid)?;
        shown += 1;
        match &first {
            None if shown > 1 => first = Some((Instant::now(), packets, reading)),
            Some((since, before, earlier)) if since.elapsed() >= conditions.length => {
                return reading.since(earlier, packets.saturating_sub(*before));
            }
            _ => {}
        }
    }
    anyhow::bail!("it ended before the measurement did")
}

/// The packets of a line of port statistics.
fn rx_packets(line: &str) -> Option<u64> {
    let rest = line.trim_start().strip_prefix("RX-packets: ")?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::rx_packets;

    #[test]
    fn statistics_are_read() {
        let line = "  RX-packets: 8106176    RX-missed: 0          RX-bytes:  0";
        assert_eq!(rx_packets(line), Some(8_106_176));
        assert_eq!(rx_packets("  RX-errors: 0"), None);
    }
}
