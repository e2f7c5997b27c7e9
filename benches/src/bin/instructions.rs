//! Instructions per packet of detection with 100, 1,000 and 10,000 content rules, over measuring corpora.

#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use benches::instructions::{Callgrind, Count, table};
use benches::percentiles::results_directory;
use benches::workload::RULE_COUNTS;
use clap::Parser;

/// Count the instructions of a packet's detection with callgrind.
#[derive(Debug, Parser)]
struct Args {
    /// Folder with peer/mkcorpora.py, which makes the captures.
    #[arg(long, env = "SENSOR_SHARED")]
    shared: Option<PathBuf>,

    /// Corpora, by the names that mkcorpora.py knows; their short forms are read.
    #[arg(long, value_delimiter = ',', default_value = "small,mixed")]
    corpora: Vec<String>,

    /// Where captures are kept. Default: corpora/ in cargo's target directory.
    #[arg(long)]
    folder: Option<PathBuf>,

    /// Packets of a run.
    #[arg(long, default_value_t = 20_000)]
    packets: usize,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let program = std::env::current_exe()?.with_file_name("examples").join("instructions");
    ensure!(
        program.is_file(),
        "{} is missing: cargo build --release -p detect --example instructions",
        program.display()
    );
    let results = results_directory()?;
    let folder = args.folder.unwrap_or_else(|| results.with_file_name("corpora"));
    let callgrind = Callgrind { program, packets: args.packets };
    let mut counts: Vec<Count> = Vec::new();
    for corpus in &args.corpora {
        let capture = folder.join(format!("{corpus}-short.pcap"));
        if !capture.is_file() {
            let script = args.shared.as_ref().map(|shared| shared.join("peer/mkcorpora.py"));
            let Some(script) = script.filter(|script| script.is_file()) else {
                println!(
                    "SKIPPED: {corpus}: set SENSOR_SHARED to the folder with peer/mkcorpora.py"
                );
                continue;
            };
            make(&script, &folder, corpus)?;
        }
        for rules in RULE_COUNTS {
            let count = callgrind.count(corpus, &capture, rules)?;
            eprintln!("{corpus}, {rules} rules: {:.0}", count.instructions_per_packet);
            counts.push(count);
        }
    }
    if counts.is_empty() {
        return Ok(());
    }
    print!("{}", table(&counts));
    let path = results.join("instructions.json");
    std::fs::write(&path, serde_json::to_vec_pretty(&counts)?)?;
    println!("written: {}", path.display());
    Ok(())
}

/// Makes a corpus: a minute, and up to a gigabyte.
fn make(script: &Path, folder: &Path, corpus: &str) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut command = Command::new("python3");
    command.arg(script).arg(folder).args(["--only", corpus]);
    let status = command.status().context("python3")?;
    ensure!(status.success(), "{} ended with {status}", script.display());
    Ok(())
}
