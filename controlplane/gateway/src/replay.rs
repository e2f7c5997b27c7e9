//! `replay`: a capture file through the same worker as live traffic, with the times of its packets.
//!
//! The worker has a thread of its own; this one drains its rings. A ring that is full makes the worker
//! wait, so that nothing is lost.

mod output;
mod summary;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use capture::SourceError;
use capture::file::{FileSource, Progress};
use contract::{PacketLedger, WallOffset};
use control::stats::alert_ledger;
use control::{
    Drain, Enricher, GenerationText, IDLE_SLEEP, LoadedRules, Registry, RegistryReader, Tally,
};
use detect::Generation;
use indicatif::{ProgressBar, ProgressStyle};
use pipeline::clock::TscClock;
use pipeline::{Ended, Settings, Worker};

use crate::cli::{Replay, is_stdout};
use crate::exit::{Exit, Failure};
use crate::rulefiles::{self, RuleText, Said};
use crate::settings;
use output::AlertOutput;
use summary::Summary;

/// The one generation of a replay.
const GENERATION: u32 = 1;
/// How often the progress bar is drawn.
const PROGRESS_STEP: Duration = Duration::from_millis(100);

/// Runs the command.
///
/// # Errors
/// The exit code says which side failed. What was found before a capture turned out to be damaged has
/// been written.
pub fn replay(args: &Replay) -> Result<(), Failure> {
    let config = args.config.load()?;
    crate::logging::start(&config.log);
    let files = if args.rules.is_empty() { &config.rules.files } else { &args.rules };
    if files.is_empty() {
        let message = "no rules; name a file with --rules, or in rules.files of the configuration";
        return Err(Failure::new(Exit::Usage, message));
    }
    let rules = RuleText::read(files)?.compile(&rulefiles::environment(&config.rules)?)?;
    let source = FileSource::open(&args.pcap).map_err(|e| Failure::new(Exit::Capture, e))?;
    let eve = args.eve_path().or_else(|| config.eve.path.clone());
    let output = AlertOutput::open(eve.as_deref(), config.eve.payload)?;
    let to_stderr = eve.as_deref().is_some_and(is_stdout);
    say(to_stderr, &rules_line(&rules, args.verbose))?;
    let played = play(&args.pcap, source, &settings::replay(&config), &rules, output)?;
    say(to_stderr, &played.summary.to_string())?;
    played.outcome
}

/// A replay that has ended.
struct Played {
    summary: Summary,
    outcome: Result<(), Failure>,
}

fn play(
    pcap: &Path,
    source: FileSource<std::fs::File>,
    settings: &Settings,
    rules: &LoadedRules,
    output: AlertOutput,
) -> Result<Played, Failure> {
    let wall = Arc::new(WallOffset::zero());
    let first = |_| Generation::new(GENERATION, Arc::clone(&rules.rules));
    let wired = pipeline::wire(settings, &wall, first).pop();
    let Some((seat, link)) = wired else {
        return Err(Failure::new(Exit::Runtime, "the pipeline has no worker"));
    };
    let registry = Arc::new(Registry::default());
    let signatures = rules.rules.signatures().iter().map(AsRef::as_ref);
    registry.insert(GenerationText::new(GENERATION, signatures));
    let tally = Tally::new();
    let enricher = Enricher::new(RegistryReader::new(registry), &[]);
    let mut drain = Drain::new(enricher, Arc::clone(&tally), output);
    let counters = Arc::clone(&link.counters);
    let drained = drain.attach(Arc::clone(&counters), link.lanes);

    let started = Instant::now();
    let progress = source.progress();
    let worker = std::thread::Builder::new()
        .name("worker-0".into())
        .spawn(move || {
            let mut worker = Worker::new(seat, source, TscClock::new());
            worker.run(&AtomicBool::new(false))
        })
        .map_err(|error| Failure::new(Exit::Runtime, format!("worker thread: {error}")))?;
    drain_until_ended(&mut drain, &worker, &progress);
    let ended = worker.join();
    while drain.poll() {}
    let output = drain.sink_mut();
    output.finish();
    let outcome = outcome(ended, output.take_failure());
    let summary = Summary {
        pcap: pcap.to_owned(),
        elapsed: started.elapsed(),
        bytes: counters.rx_bytes.get(),
        packets: PacketLedger::of([counters.as_ref()]),
        alerts: alert_ledger([(&*counters, &*drained)].into_iter(), &tally),
        alerted: output.take_alerted(),
    };
    Ok(Played { summary, outcome })
}

fn drain_until_ended(
    drain: &mut Drain<AlertOutput>,
    worker: &JoinHandle<Ended>,
    progress: &Progress,
) {
    let bar = progress_bar(progress);
    let mut drawn = Instant::now();
    while !worker.is_finished() {
        if !drain.poll() {
            std::thread::sleep(IDLE_SLEEP);
        }
        if drawn.elapsed() >= PROGRESS_STEP {
            bar.set_position(progress.bytes_read());
            drawn = Instant::now();
        }
    }
    bar.finish_and_clear();
}

/// A bar on the standard error; hidden where that is not a terminal.
fn progress_bar(progress: &Progress) -> ProgressBar {
    let template = "{bar:40} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta}";
    let bar = progress.bytes_total().map_or_else(ProgressBar::no_length, ProgressBar::new);
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn outcome(
    ended: std::thread::Result<Ended>,
    output_failed: Option<Failure>,
) -> Result<(), Failure> {
    match ended {
        Ok(Ended::Exhausted | Ended::Stopped) => output_failed.map_or(Ok(()), Err),
        Ok(Ended::Failed(error)) => Err(of_source(&error)),
        Ok(Ended::Panicked) | Err(_) => Err(Failure::new(
            Exit::Runtime,
            "the worker failed three times within a minute; report this with the capture, please",
        )),
    }
}

fn of_source(error: &SourceError) -> Failure {
    Failure::new(Exit::Capture, error)
}

/// What is said of the rules before the packets: how many, and which not.
fn rules_line(rules: &LoadedRules, verbose: bool) -> String {
    let counts = &rules.counts;
    let mut text = String::new();
    if verbose {
        text.extend(rules.diagnostics.iter().map(|said| format!("{}\n", Said(said))));
    }
    text.push_str(&format!("rules: {} loaded, {} refused", counts.loaded, counts.refused));
    if counts.refused > 0 {
        let by = rulefiles::refused_by(counts);
        let terms: Vec<_> =
            by.iter().map(|(keyword, count)| format!("{keyword} {count}")).collect();
        text.push_str(&format!(" ({})", terms.join(", ")));
        text.push_str(if verbose { "" } else { "; --verbose says why" });
    }
    text.push('\n');
    text
}

/// Prints to the standard output, or to the standard error where the first is for alerts.
fn say(to_stderr: bool, text: &str) -> Result<(), Failure> {
    use std::io::Write;
    let written = if to_stderr {
        std::io::stderr().write_all(text.as_bytes())
    } else {
        std::io::stdout().write_all(text.as_bytes())
    };
    written.map_err(|error| Failure::new(Exit::Output, format!("standard output: {error}")))
}
