//! Scores `sensor-gateway`, or any sensor that writes EVE-style alerts, over conformance cases.

#![forbid(unsafe_code)]

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use benches::conformance::report::Report;
use benches::conformance::{Baseline, Case, Runner, Verdict, case};
use clap::Parser;
use regex_automata::meta::Regex;

/// Run a sensor over conformance cases and compare its alerts with the expected ones.
#[derive(Debug, Parser)]
struct Args {
    /// Folder with cases, at any depth.
    #[arg(long, value_name = "DIR")]
    cases: PathBuf,

    /// The sensor's command, split at blanks: {pcap} {rules} {out} {outdir} {case} are filled in.
    /// Default: the sensor-gateway beside this program, in replay.
    #[arg(long, value_name = "COMMAND")]
    cmd: Option<String>,

    /// Cases that run at the same time. Default: one per CPU.
    #[arg(long)]
    jobs: Option<usize>,

    /// Seconds that one case may take.
    #[arg(long, default_value_t = 60)]
    timeout: u64,

    /// Only cases whose name matches this regular expression.
    #[arg(long = "match", value_name = "REGEX")]
    filter: Option<String>,

    /// Fail if the score is below the one in this file.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    /// Write the score to the baseline file, unless a figure fell.
    #[arg(long, requires = "baseline")]
    update: bool,

    /// Write the whole result to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Keywords of wrong rules to list.
    #[arg(long, default_value_t = 30)]
    top: usize,

    /// Failing cases to list.
    #[arg(long, default_value_t = 20)]
    list: usize,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let filter = args.filter.as_deref().map(Regex::new).transpose().context("--match")?;
    let cases = case::find(&args.cases, filter.as_ref())?;
    ensure!(!cases.is_empty(), "no case found in {}", args.cases.display());

    let runner = Runner {
        command: command(args.cmd.as_deref())?,
        jobs: args.jobs.unwrap_or_else(|| available_parallelism().map_or(1, usize::from)),
        timeout: Duration::from_secs(args.timeout),
    };
    let terminal = std::io::stderr().is_terminal();
    let begun = Instant::now();
    let verdicts = runner.run(&cases, |done| {
        if terminal {
            eprint!("\r{done} / {}", cases.len());
        }
    })?;
    if terminal {
        eprintln!();
    }

    let report = Report {
        cases: &cases,
        verdicts: &verdicts,
        seconds: begun.elapsed().as_secs_f64(),
        keywords_max: args.top,
        failures_max: args.list,
    };
    print!("{report}");
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&report.to_json())? + "\n";
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    match &args.baseline {
        Some(path) => ratchet(path, &cases, &verdicts, args.update),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// The words of the sensor's command.
fn command(given: Option<&str>) -> Result<Vec<String>> {
    if let Some(line) = given {
        return Ok(line.split_whitespace().map(str::to_owned).collect());
    }
    let sensor = std::env::current_exe()?.with_file_name("sensor-gateway");
    if !sensor.is_file() {
        bail!("{} is missing: build it, or name a sensor with --cmd", sensor.display());
    }
    let options = ["replay", "--pcap", "{pcap}", "--rules", "{rules}", "--eve", "{out}"];
    let mut words = vec![sensor.display().to_string()];
    words.extend(options.map(str::to_owned));
    Ok(words)
}

/// Holds the score against the committed one.
fn ratchet(path: &Path, cases: &[Case], verdicts: &[Verdict], update: bool) -> Result<ExitCode> {
    let now = Baseline::of(cases, verdicts);
    if update && !path.exists() {
        now.write(path)?;
        println!("\nratchet: {} written", path.display());
        return Ok(ExitCode::SUCCESS);
    }
    let change = Baseline::read(path)?.compare(&now);
    println!();
    for line in change.rises.iter().chain(&change.falls) {
        println!("ratchet: {line}");
    }
    if !change.lost.is_empty() {
        println!("ratchet: exact before, not any more: {}", change.lost.join(", "));
    }
    if !change.falls.is_empty() {
        println!("ratchet: FAILED, {} holds a better score", path.display());
        return Ok(ExitCode::FAILURE);
    }
    if update {
        now.write(path)?;
        println!("ratchet: {} written", path.display());
    } else if !change.rises.is_empty() {
        println!("ratchet: better than committed; `make conformance UPDATE=1` keeps it");
    } else {
        println!("ratchet: as committed");
    }
    Ok(ExitCode::SUCCESS)
}
