//! What was measured, as a table and as JSON.

use serde::{Deserialize, Serialize};

use super::{Device, Inspected, Rate};

/// Median and range of several repetitions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Median.
    pub median: f64,
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
}

impl Spread {
    /// The spread of `values`; `None` if there are none.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let (low, high) = ((values.len() - 1) / 2, values.len() / 2);
        Some(Self { median: (values[low] + values[high]) / 2.0, min, max })
    }
}

/// A device: rates of both programs, compared within each repetition.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeviceRow {
    /// Name of the device.
    pub device: String,
    /// What its packets are.
    pub note: String,
    /// `dpdk-testpmd rxonly`, million packets per second of CPU time.
    pub testpmd_mpps: Spread,
    /// The sensor, million packets per second of CPU time.
    pub sensor_mpps: Spread,
    /// Sensor by testpmd.
    pub ratio: Spread,
    /// The sensor's nanoseconds per packet less testpmd's.
    pub ns_above: Spread,
    /// The sensor, million packets per second of wall time, with whatever else ran on the CPU.
    pub sensor_wall_mpps: Spread,
    /// Share of the packets that went through detection.
    pub inspected: f64,
    /// Candidate rules per inspected packet.
    pub candidates: f64,
}

impl DeviceRow {
    /// The row of `device` from its repetitions; `None` if there are none.
    #[must_use]
    pub fn of(device: &Device, pairs: &[(Rate, Inspected)]) -> Option<Self> {
        let spread = |value: fn(&Rate, &Rate) -> f64| {
            Spread::of(pairs.iter().map(|(testpmd, sensor)| value(testpmd, &sensor.rate)))
        };
        let (_, last) = pairs.last()?;
        Some(Self {
            device: device.name.into(),
            note: device.note.into(),
            testpmd_mpps: spread(|testpmd, _| testpmd.mpps())?,
            sensor_mpps: spread(|_, sensor| sensor.mpps())?,
            ratio: spread(|testpmd, sensor| sensor.mpps() / testpmd.mpps())?,
            ns_above: spread(|testpmd, sensor| sensor.ns_per_packet() - testpmd.ns_per_packet())?,
            sensor_wall_mpps: spread(|_, sensor| {
                sensor.packets as f64 * 1e3 / sensor.wall_ns.max(1) as f64
            })?,
            inspected: last.inspected,
            candidates: last.candidates,
        })
    }
}

/// All devices.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Table {
    /// Rules of the sensor.
    pub rules: usize,
    /// The devices.
    pub rows: Vec<DeviceRow>,
}

impl Table {
    /// The table as text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!(
            "dpdk_rate: million packets per second of CPU time, {} rules; median (min..max)\n\
             {:<26} {:>21} {:>21} {:>21} {:>24}  inspected\n",
            self.rules, "device", "testpmd rxonly", "sensor", "ratio", "ns above the receive"
        );
        for row in &self.rows {
            let digits = |spread: Spread, digits: usize| {
                let Spread { median, min, max } = spread;
                format!("{median:.digits$} ({min:.digits$}..{max:.digits$})")
            };
            text += &format!(
                "{:<26} {:>21} {:>21} {:>21} {:>24}  {:.0} % ({})\n",
                row.device,
                digits(row.testpmd_mpps, 1),
                digits(row.sensor_mpps, 2),
                digits(row.ratio, 3),
                digits(row.ns_above, 1),
                row.inspected * 100.0,
                row.note,
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Device, Inspected, Rate};
    use super::{DeviceRow, Spread, Table};

    #[test]
    fn a_spread_is_median_and_range() {
        let spread = Spread::of([3.0, 1.0, 2.0, 10.0]).unwrap();
        assert_eq!(spread, Spread { median: 2.5, min: 1.0, max: 10.0 });
        assert!(Spread::of([]).is_none());
    }

    #[test]
    fn repetitions_are_compared_in_pairs() {
        let rate = |cpu_ns| Rate { packets: 1_000, cpu_ns, wall_ns: cpu_ns };
        let pair = |testpmd, sensor| {
            let rate_of_sensor = rate(sensor);
            let sensor = Inspected { rate: rate_of_sensor, inspected: 1.0, candidates: 0.5 };
            (rate(testpmd), sensor)
        };
        let device = Device { name: "d", vdev: "d0".into(), note: "n" };
        let row = DeviceRow::of(&device, &[pair(10_000, 100_000), pair(20_000, 200_000)]).unwrap();
        assert!((row.ratio.median - 0.1).abs() < 1e-9 && row.ratio.min == row.ratio.max);
        assert!((row.ns_above.min - 90.0).abs() < 1e-9 && (row.ns_above.max - 180.0).abs() < 1e-9);
        assert!(Table { rules: 1, rows: vec![row] }.text().contains("100 %"));
    }
}
