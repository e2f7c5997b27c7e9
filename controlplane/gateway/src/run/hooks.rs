//! Faults on purpose, asked for by the environment. Only in a build with `test-hooks`.
//!
//! | variable | effect |
//! | --- | --- |
//! | `SENSOR_GATEWAY_HOOK_PAUSE=N:FILE` | worker N stands still while FILE exists |
//! | `SENSOR_GATEWAY_HOOK_LOSE_PACKET=N:K` | packet K that worker N inspects ends in no counter |
//! | `SENSOR_GATEWAY_HOOK_LOSE_ALERT=N:K` | alert K that worker N raises ends in no counter |
//! | `SENSOR_GATEWAY_HOOK_PANIC=N:K` | worker N panics at packet K |

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pipeline::hooks::Hooks;

use crate::exit::{Exit, Failure};

/// A fault that a number asks for.
type Field = fn(&Hooks) -> &AtomicU64;

/// How often the file of `PAUSE` is looked for.
const PAUSE_POLL: Duration = Duration::from_millis(5);

/// Sets the faults that the environment asks for on `workers`, by index.
pub(crate) fn arm(workers: &[Arc<Hooks>]) -> Result<(), Failure> {
    let numbers: [(&str, Field); 3] = [
        ("SENSOR_GATEWAY_HOOK_LOSE_PACKET", |hooks| &hooks.lose_packet),
        ("SENSOR_GATEWAY_HOOK_LOSE_ALERT", |hooks| &hooks.lose_alert),
        ("SENSOR_GATEWAY_HOOK_PANIC", |hooks| &hooks.panic_packet),
    ];
    for (name, field) in numbers {
        let Some((hooks, value)) = asked(name, workers)? else { continue };
        let number = value.parse().map_err(|_| malformed(name))?;
        field(&hooks).store(number, Ordering::Relaxed);
    }
    if let Some((hooks, file)) = asked("SENSOR_GATEWAY_HOOK_PAUSE", workers)? {
        hooks.paused.store(Path::new(&file).exists(), Ordering::Release);
        std::thread::spawn(move || pause_while(&hooks, &PathBuf::from(file)));
    }
    Ok(())
}

fn asked(name: &str, workers: &[Arc<Hooks>]) -> Result<Option<(Arc<Hooks>, String)>, Failure> {
    let Ok(value) = std::env::var(name) else { return Ok(None) };
    let (worker, rest) = value.split_once(':').ok_or_else(|| malformed(name))?;
    let worker: usize = worker.parse().map_err(|_| malformed(name))?;
    let hooks = workers.get(worker).ok_or_else(|| malformed(name))?;
    Ok(Some((Arc::clone(hooks), rest.to_owned())))
}

fn malformed(name: &str) -> Failure {
    Failure::new(Exit::Usage, format!("{name}: not WORKER:VALUE; see run/hooks.rs"))
}

/// Follows the file for the life of the process.
fn pause_while(hooks: &Hooks, file: &Path) {
    loop {
        hooks.paused.store(file.exists(), Ordering::Release);
        std::thread::sleep(PAUSE_POLL);
    }
}
