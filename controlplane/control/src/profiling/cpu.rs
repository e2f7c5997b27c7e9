//! Where CPU time goes: stacks sampled by SIGPROF, all threads of the process.
//!
//! Stacks are walked by unwind tables (framehop), so that frames of C libraries, which lack frame
//! pointers, are in them, and the function that was running as well. Every read of a stack is checked:
//! tables that are wrong cost a sample, not the process.

use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

use flate2::Compression;
use flate2::write::GzEncoder;
use nix::sys::signal::{Signal, raise};
use pprof::ProfilerGuard;
use pprof::protos::Message as _;

/// A flame graph without a sample, which the library that draws them would leave empty.
const NOTHING_RAN: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"600\" height=\"40\">\
    <text x=\"10\" y=\"25\">no samples: the process used no CPU time</text></svg>\n";

/// Why there is no profile.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// There is one timer and one signal in a process.
    #[error("another profile is running")]
    Running,
    /// The sampler or its report.
    #[error("{0}")]
    Failed(String),
}

impl From<pprof::Error> for ProfileError {
    fn from(error: pprof::Error) -> Self {
        match error {
            pprof::Error::Running => Self::Running,
            other => Self::Failed(other.to_string()),
        }
    }
}

/// A profile that is being taken; it ends when it is dropped.
pub struct CpuProfile(ProfilerGuard<'static>);

impl CpuProfile {
    /// Starts sampling, `frequency_hz` times per second of CPU time. Blocks for some 100 ms, the first time
    /// longer.
    ///
    /// # Errors
    /// Another one is running, or the sampler cannot be set up.
    pub fn start(frequency_hz: u32) -> Result<Self, ProfileError> {
        prepare()?;
        let frequency = frequency_hz.try_into().unwrap_or(i32::MAX);
        Ok(Self(ProfilerGuard::new(frequency)?))
    }

    /// The samples so far as a gzipped profile of google/pprof; each sample has the label `thread`. Blocks
    /// while names are looked up.
    ///
    /// # Errors
    /// The samples cannot be read back or written.
    pub fn pprof(&self) -> Result<Vec<u8>, ProfileError> {
        let profile = self.0.report().build()?.pprof()?.encode_to_vec();
        let mut zipped = GzEncoder::new(Vec::new(), Compression::default());
        let written = zipped.write_all(&profile).and_then(|()| zipped.finish());
        written.map_err(|error| ProfileError::Failed(error.to_string()))
    }

    /// The samples so far as a flame graph (SVG), threads at its root. Blocks as [`Self::pprof`] does.
    ///
    /// # Errors
    /// The samples cannot be read back.
    pub fn flamegraph(&self) -> Result<Vec<u8>, ProfileError> {
        let report = self.0.report().build()?;
        if report.data.is_empty() {
            return Ok(NOTHING_RAN.into());
        }
        let mut svg = Vec::new();
        report.flamegraph(&mut svg)?;
        Ok(svg)
    }
}

/// Lets the unwinder read the tables of all libraries. It does so at the first signal, and allocates: that
/// must not be one that interrupts an allocation. So the first one is sent to this thread, from here, while
/// the timer is a second of CPU time away.
fn prepare() -> Result<(), ProfileError> {
    static PREPARED: Mutex<bool> = Mutex::new(false);
    let mut prepared = PREPARED.lock().unwrap_or_else(PoisonError::into_inner);
    if !*prepared {
        let _guard = ProfilerGuard::new(1)?;
        raise(Signal::SIGPROF).map_err(|error| ProfileError::Failed(error.to_string()))?;
        *prepared = true;
    }
    Ok(())
}
