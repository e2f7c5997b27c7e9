//! From the files that benchmarks leave behind to the metrics of a run.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::history::Measured;
use crate::alert_rate::Rates;
use crate::hotpath::{self, Counts};
use crate::percentiles::Percentiles;
use crate::{alert_rate, rate, summary};

/// Unit of each metric, whether more of it is better, and its values, by name.
type Values = BTreeMap<String, (&'static str, bool, Vec<f64>)>;

/// The metrics of several repetitions, each of which has left its files in a folder of its own. What a
/// repetition lacks is not in its values; what all lack is no metric.
///
/// # Errors
/// A file is not what this version writes.
pub fn collect(folders: &[PathBuf]) -> anyhow::Result<BTreeMap<String, Measured>> {
    let mut values = Values::new();
    for folder in folders {
        for file in summary::PERCENTILES {
            if let Some(table) = summary::read::<Percentiles>(folder, file)? {
                for row in &table.rows {
                    let name = format!("{}/{}", table.bench, row.case);
                    add(&mut values, name, "ns", false, row.p95 as f64);
                }
            }
        }
        if let Some(table) = summary::read::<rate::Table>(folder, rate::RESULTS)? {
            for row in table.rows {
                let name = format!("dpdk_rate/{}", row.device);
                add(&mut values, name, "Mpps", true, row.sensor_mpps.median);
            }
        }
        if let Some(counts) = summary::read::<Counts>(folder, hotpath::RESULTS)? {
            for (path, instructions) in counts.instructions {
                add(&mut values, format!("instructions/{path}"), "Ir", false, instructions);
            }
        }
        let rates: Option<Rates> = summary::read(folder, alert_rate::RESULTS)?;
        if let Some(highest) = rates.as_ref().and_then(Rates::highest) {
            let name = "alert_rate/highest without loss".to_owned();
            add(&mut values, name, "alerts/s", true, highest.acknowledged_per_s);
        }
    }
    let measured = values.into_iter().filter_map(|(name, (unit, higher_is_better, values))| {
        Some((name, Measured::of(&values, unit, higher_is_better)?))
    });
    Ok(measured.collect())
}

fn add(values: &mut Values, name: String, unit: &'static str, higher_is_better: bool, value: f64) {
    values.entry(name).or_insert((unit, higher_is_better, Vec::new())).2.push(value);
}

/// What values depend on of this machine: its CPU and how many of them there are.
#[must_use]
pub fn machine() -> String {
    describe(&fs::read_to_string("/proc/cpuinfo").unwrap_or_default())
}

fn describe(cpuinfo: &str) -> String {
    let values = |key: &'static str| {
        cpuinfo.lines().filter_map(move |line| {
            let (name, value) = line.split_once(':')?;
            (name.trim() == key).then(|| value.trim())
        })
    };
    let model = values("model name").next().unwrap_or(std::env::consts::ARCH);
    format!("{model}, {} CPUs", values("processor").count())
}

#[cfg(test)]
mod tests {
    use super::{collect, describe};
    use crate::percentiles::{Percentiles, Row};

    #[test]
    fn repetitions_become_one_value_each() {
        let root = tempfile::tempdir().unwrap();
        let folders: Vec<_> = (1..=3_u64)
            .map(|repetition| {
                let folder = root.path().join(repetition.to_string());
                std::fs::create_dir(&folder).unwrap();
                let mut histogram = crate::stopwatch::histogram();
                histogram.saturating_record(100 * repetition);
                let mut table = Percentiles::new("detection_overhead", "ns");
                table.add(Row::of_histogram("detect_1000", &histogram));
                let bytes = serde_json::to_vec(&table).unwrap();
                std::fs::write(folder.join("detection_overhead-percentiles.json"), bytes).unwrap();
                folder
            })
            .collect();
        let metrics = collect(&folders).unwrap();
        let measured = &metrics["detection_overhead/detect_1000"];
        assert_eq!((measured.value, measured.unit.as_str()), (200.0, "ns"));
        assert!(measured.noise > 0.1 && !measured.higher_is_better);
        assert!(collect(&[root.path().join("none")]).unwrap().is_empty());
        std::fs::write(folders[0].join("dpdk-rate.json"), "{").unwrap();
        let error = collect(&folders).unwrap_err().to_string();
        assert!(error.contains("dpdk-rate.json"), "{error}");
    }

    #[test]
    fn a_machine_is_its_cpus() {
        let cpuinfo = "processor\t: 0\nmodel name\t: AMD EPYC\n\nprocessor\t: 1\nmodel name\t: X\n";
        assert_eq!(describe(cpuinfo), "AMD EPYC, 2 CPUs");
        assert_eq!(describe(""), format!("{}, 0 CPUs", std::env::consts::ARCH));
    }
}
