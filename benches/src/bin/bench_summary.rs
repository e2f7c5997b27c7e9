//! Prints what the last runs of the benchmarks measured, as one table.

#![forbid(unsafe_code)]

fn main() -> anyhow::Result<()> {
    let directory = benches::percentiles::results_directory()?;
    print!("{}", benches::summary::text(&directory)?);
    Ok(())
}
