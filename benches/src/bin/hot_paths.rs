//! Instructions per item of the hot paths, held against the committed baseline.
//!
//! Exit codes: 0 as before or cheaper, 1 dearer, 2 it could not be counted.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use benches::hotpath::{Counts, RESULTS, cases};
use benches::percentiles::results_directory;
use clap::Parser;

/// Count the instructions of the hot paths with callgrind.
#[derive(Debug, Parser)]
struct Args {
    /// Counts to hold these against.
    #[arg(long)]
    baseline: Option<PathBuf>,

    /// Write the counts into the baseline.
    #[arg(long, requires = "baseline")]
    update: bool,

    /// Count only paths whose names contain this; the baseline is not written then.
    #[arg(long, default_value = "", conflicts_with = "update")]
    path: String,

    /// Go through one path, print its items, and count nothing: what is run under callgrind.
    #[arg(long, conflicts_with_all = ["baseline", "path"])]
    run: Option<String>,
}

fn main() -> ExitCode {
    match count(&Args::parse()) {
        Ok(dearer) => ExitCode::from(u8::from(dearer)),
        Err(error) => {
            eprintln!("hot_paths: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether a path is dearer than the baseline allows.
fn count(args: &Args) -> Result<bool> {
    if let Some(name) = &args.run {
        println!("{}", cases::run(name).with_context(|| format!("no path {name}"))?);
        return Ok(false);
    }
    let counts = Counts::measure(&std::env::current_exe()?, &args.path)?;
    counts.write(&results_directory()?.join(RESULTS))?;
    let baseline = match &args.baseline {
        Some(path) if args.update => {
            let before = Counts::read(path).unwrap_or_default();
            counts.write(path)?;
            print!("{}", counts.beside(&before).0);
            println!("written: {}", path.display());
            return Ok(false);
        }
        Some(path) => Counts::read(path)?,
        None => Counts { compiler: counts.compiler.clone(), ..Counts::default() },
    };
    let (text, dearer) = counts.beside(&baseline);
    print!("{text}");
    Ok(dearer)
}
