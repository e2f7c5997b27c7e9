//! Which CPU does what: workers have one each, the control plane has the others.

use core_affinity::CoreId;

/// The plan of a process.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cores {
    /// The worker's CPU, by its index. Empty where the system does not tell the process's CPUs.
    pub(crate) workers: Vec<CoreId>,
    /// CPUs of all other threads.
    pub(crate) control: Vec<CoreId>,
}

/// Plans for `workers` workers on the `allowed` CPUs, on those of `wanted` if any are named.
///
/// Without a wish the workers get the last CPUs: interrupts and housekeeping tend to be on the first. With
/// more workers than CPUs they share; with as many, the control plane shares with them.
///
/// # Errors
/// The CPU of `wanted` that the process may not use.
pub(crate) fn plan(workers: u16, wanted: &[usize], allowed: &[CoreId]) -> Result<Cores, usize> {
    let missing = wanted.iter().find(|id| !allowed.contains(&CoreId { id: **id }));
    if let Some(missing) = missing.filter(|_| !allowed.is_empty()) {
        return Err(*missing);
    }
    let count = usize::from(workers);
    let on_workers: Vec<CoreId> = if allowed.is_empty() {
        Vec::new()
    } else if wanted.is_empty() {
        let spare = allowed.len().saturating_sub(count);
        allowed[spare..].iter().copied().cycle().take(count).collect()
    } else {
        wanted.iter().map(|id| CoreId { id: *id }).collect()
    };
    let free: Vec<CoreId> =
        allowed.iter().copied().filter(|core| !on_workers.contains(core)).collect();
    let control = if free.is_empty() { allowed.to_vec() } else { free };
    Ok(Cores { workers: on_workers, control })
}

#[cfg(test)]
mod tests {
    use core_affinity::CoreId;

    use super::plan;

    fn cores(ids: &[usize]) -> Vec<CoreId> {
        ids.iter().map(|id| CoreId { id: *id }).collect()
    }

    /// Workers, wish, allowed; workers' CPUs, control's CPUs.
    type Case = (u16, &'static [usize], &'static [usize], &'static [usize], &'static [usize]);

    const CASES: &[Case] = &[
        (1, &[], &[0, 1], &[1], &[0]),
        (2, &[], &[0, 1], &[0, 1], &[0, 1]),
        (3, &[], &[0, 1], &[0, 1, 0], &[0, 1]),
        (2, &[2, 0], &[0, 1, 2, 3], &[2, 0], &[1, 3]),
        (1, &[], &[], &[], &[]),
        (1, &[5], &[], &[], &[]),
    ];

    #[test]
    fn workers_have_their_own_where_there_are_enough() {
        for (workers, wanted, allowed, theirs, others) in CASES {
            let plan = plan(*workers, wanted, &cores(allowed)).unwrap();
            assert_eq!(plan.workers, cores(theirs));
            assert_eq!(plan.control, cores(others));
        }
    }

    #[test]
    fn a_cpu_that_is_not_ours_is_named() {
        assert_eq!(plan(2, &[1, 7], &cores(&[0, 1])), Err(7));
    }
}
