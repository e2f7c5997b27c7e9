//! Keeps what the benchmarks measured in a history, and judges the newest run by it; or compares two
//! commits that were measured in turn.
//!
//! Exit codes: 0 no regression, 1 a regression or a budget that is not kept, 2 it could not be judged.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use benches::regress::{
    BUDGETS, Entry, History, Measured, Moment, Report, collect, compare, judge, machine,
};
use clap::Parser;

/// Guard against performance regressions.
#[derive(Debug, Parser)]
enum Args {
    /// Append what the benchmarks measured to a history.
    Record {
        /// The history, a file of JSON lines.
        #[arg(long)]
        history: PathBuf,

        /// Take a metric's new value from now on, though it is worse (repeatable; `all`: every one).
        #[arg(long = "accept", value_name = "METRIC")]
        accepted: Vec<String>,

        /// Folders with the results of one repetition each.
        #[arg(required = true)]
        results: Vec<PathBuf>,
    },
    /// Hold the newest run of a history against the earlier ones, and against the budgets.
    Judge {
        /// The history, a file of JSON lines.
        #[arg(long)]
        history: PathBuf,

        /// Where to write the verdicts as JSON.
        #[arg(long)]
        json: Option<PathBuf>,
    },
    /// Hold the runs of one commit against those of another.
    Compare {
        /// Folders with the results of one run each, of the commit that is compared with.
        #[arg(long, required = true, num_args = 1..)]
        base: Vec<PathBuf>,

        /// The same of the commit that is judged.
        #[arg(long, required = true, num_args = 1..)]
        head: Vec<PathBuf>,

        /// Where to write the verdicts as JSON.
        #[arg(long)]
        json: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(failed) => ExitCode::from(u8::from(failed)),
        Err(error) => {
            eprintln!("regress: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(args: Args) -> Result<bool> {
    match args {
        Args::Record { history, accepted, results } => record(&history, &accepted, &results),
        Args::Judge { history, json } => tell(&judged(&history)?, json.as_deref()),
        Args::Compare { base, head, json } => {
            let runs = |folders: &[PathBuf]| -> Result<Vec<BTreeMap<String, Measured>>> {
                folders.iter().map(|folder| collect(std::slice::from_ref(folder))).collect()
            };
            let (base, head) = (runs(&base)?, runs(&head)?);
            ensure!(head.iter().any(|run| !run.is_empty()), "the head's folders have no results");
            let remarks = if base.iter().all(BTreeMap::is_empty) {
                vec!["the base's folders have no results: nothing to compare with".to_owned()]
            } else {
                Vec::new()
            };
            let subject = format!("head ({} runs) beside base ({} runs)", head.len(), base.len());
            let report = Report::new(subject, compare(&base, &head), Vec::new(), remarks);
            tell(&report, json.as_deref())
        }
    }
}

fn record(history: &Path, accepted: &[String], results: &[PathBuf]) -> Result<bool> {
    let mut metrics = collect(results)?;
    ensure!(!metrics.is_empty(), "no results in {results:?}: run the benchmarks first");
    for name in accepted {
        let known = name == "all" || metrics.contains_key(name);
        ensure!(known, "--accept {name}: no such metric; there are {:?}", metrics.keys());
    }
    for (name, measured) in &mut metrics {
        measured.accepted = accepted.iter().any(|wanted| wanted == name || wanted == "all");
    }
    let entry = Entry { date: Moment::now(), commit: commit(), machine: machine(), metrics };
    History::append(history, &entry)?;
    println!("{} metrics of {} in {}", entry.metrics.len(), entry.commit, history.display());
    Ok(false)
}

fn judged(path: &Path) -> Result<Report> {
    let history = History::read(path)?;
    let newest = history.runs.last().with_context(|| {
        let damaged = history.damaged.len();
        format!("{} has no run to judge ({damaged} damaged lines)", path.display())
    })?;
    let (metrics, mut remarks) = judge(&history);
    remarks.extend(history.damaged.iter().cloned());
    let subject = format!("{} of {} on {}", newest.commit, newest.date, newest.machine);
    let budgets = BUDGETS.iter().map(|budget| budget.check(newest)).collect();
    Ok(Report::new(subject, metrics, budgets, remarks))
}

fn tell(report: &Report, json: Option<&Path>) -> Result<bool> {
    print!("{}", report.text());
    if let Some(path) = json {
        std::fs::write(path, serde_json::to_vec_pretty(report)?)
            .with_context(|| path.display().to_string())?;
    }
    Ok(report.failed)
}

/// The commit that is checked out, with a `+` where files differ from it.
fn commit() -> String {
    let git = |arguments: &[&str]| -> Option<String> {
        let output = Command::new("git").args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else { return "unknown".into() };
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]);
    if changed.is_some_and(|text| !text.is_empty()) { commit + "+" } else { commit }
}
