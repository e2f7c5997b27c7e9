//! How much memory the process holds over time, and whether that grows.

use std::fs;

use anyhow::Context;

/// Growth from the first half of the samples to the second that is no growth: what the allocator and the kernel
/// round to.
const FLAT_SHARE: f64 = 0.05;
/// The same in bytes, for a small process.
const FLAT_BYTES: u64 = 16 << 20;
/// Share of the samples that is left out at the start: buffers and caches are touched for the first time.
const WARM_UP_SHARE: f64 = 0.1;

/// Resident memory, a sample at a time.
#[derive(Debug, Default)]
pub struct Resident(Vec<u64>);

/// What the samples tell: the least bytes in each half, which a backlog does not raise for long but a leak does,
/// and the most in both, which a backlog raises as far as the queues that it fills are long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growth {
    /// Least bytes in the first half.
    pub before: u64,
    /// Least bytes in the second half.
    pub after: u64,
    /// Most bytes in both.
    pub most: u64,
}

impl Growth {
    /// Whether the process stays as it is, with up to `queued` bytes in queues that are empty most of the time.
    #[must_use]
    pub fn is_flat(self, queued: u64) -> bool {
        let allowed = ((self.before as f64 * FLAT_SHARE) as u64).max(FLAT_BYTES);
        self.after <= self.before + allowed && self.most <= self.before + queued + allowed
    }
}

impl Resident {
    /// Samples that were taken before, bytes.
    #[cfg(test)]
    pub(super) fn of(samples: impl IntoIterator<Item = u64>) -> Self {
        Self(samples.into_iter().collect())
    }

    /// Takes a sample of this process.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn sample(&mut self) -> anyhow::Result<()> {
        let status = fs::read_to_string("/proc/self/status").context("/proc/self/status")?;
        self.0.push(resident(&status).context("/proc/self/status has no VmRSS")?);
        Ok(())
    }

    /// Bytes of the newest sample.
    #[must_use]
    pub fn latest(&self) -> u64 {
        self.0.last().copied().unwrap_or(0)
    }

    /// Most bytes of all samples.
    #[must_use]
    pub fn most(&self) -> u64 {
        self.0.iter().copied().max().unwrap_or(0)
    }

    /// The halves after the warm-up; `None` for fewer than two samples.
    #[must_use]
    pub fn growth(&self) -> Option<Growth> {
        let warm = self.0.get((self.0.len() as f64 * WARM_UP_SHARE) as usize..)?;
        let (first, second) = warm.split_at(warm.len() / 2);
        Some(Growth {
            before: *first.iter().min()?,
            after: *second.iter().min()?,
            most: *warm.iter().max()?,
        })
    }
}

/// Bytes of `VmRSS` in the text of `/proc/PID/status`.
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use super::{Resident, resident};

    const MIB: u64 = 1 << 20;

    /// Whether it is flat with queues of 40 MiB.
    fn flat(samples: impl IntoIterator<Item = u64>) -> bool {
        Resident::of(samples.into_iter().map(|mib| mib * MIB)).growth().unwrap().is_flat(40 * MIB)
    }

    #[test]
    fn growth_is_told_from_warm_up_and_noise() {
        assert!(flat((0..100).map(|second| 500 + second % 7)));
        assert!(flat((0..100).map(|second| if second < 8 { second * 50 } else { 500 })));
        assert!(!flat((0..100).map(|second| 500 + second)));
        // Of a small process, some MiB are noise.
        assert!(flat((0..100).map(|second| 50 + second / 10)));
        assert!(!flat((0..100).map(|second| 50 + second / 2)));
        // A backlog fills the queues for a while, and is no growth; one that is longer than the queues is.
        assert!(flat((0..100).map(|second| if (60..80).contains(&second) { 90 } else { 50 })));
        assert!(!flat((0..100).map(|second| if (60..80).contains(&second) { 120 } else { 50 })));
        assert_eq!(Resident::default().growth(), None);
    }

    #[test]
    fn the_size_is_read_from_the_kernels_text() {
        assert_eq!(resident("Name:\tx\nVmRSS:\t  2048 kB\nRssAnon: 1 kB\n"), Some(2 * MIB));
        assert_eq!(resident("Name:\tx\n"), None);
        let mut own = Resident::default();
        own.sample().unwrap();
        assert!(own.most() > MIB);
    }
}
