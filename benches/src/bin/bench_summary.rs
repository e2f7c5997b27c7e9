//! Prints what the last runs of the benchmarks measured, as one table, and the targets beside it; writes
//! the same as Markdown and the targets as JSON.

#![forbid(unsafe_code)]

use anyhow::Context;
use benches::percentiles::results_directory;
use benches::summary;

fn main() -> anyhow::Result<()> {
    let directory = results_directory()?;
    let (text, targets) = (summary::text(&directory)?, summary::targets(&directory)?);
    let table = summary::table(&targets);
    print!("{text}{table}");
    let target = directory.parent().context("the results lie in cargo's target directory")?;
    let markdown = format!("# Targets\n\n{table}\n# Measured\n\n```\n{text}```\n");
    for (name, bytes) in [
        ("bench-summary.md", markdown.into_bytes()),
        ("bench-summary.json", serde_json::to_vec_pretty(&targets)?),
    ] {
        let path = target.join(name);
        std::fs::write(&path, bytes).with_context(|| path.display().to_string())?;
        println!("written: {}", path.display());
    }
    Ok(())
}
