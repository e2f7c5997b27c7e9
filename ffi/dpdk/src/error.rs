//! Errors: which call of DPDK failed, on what, why, and what DPDK logged about it.

use std::ffi::CStr;

/// A function of DPDK that failed.
#[derive(Debug, thiserror::Error)]
#[error(
    "{call} failed on {object}: {reason} (error {errno}){}{log}",
    if log.is_empty() { "" } else { "; DPDK says: " }
)]
pub struct Failure {
    /// The function.
    pub call: &'static str,
    /// Device, pool or thread.
    pub object: String,
    /// The error number, positive (`rte_errno` or the negated result).
    pub errno: i32,
    /// The text of `errno`.
    pub reason: String,
    /// What DPDK logged meanwhile, joined into one line; may be empty.
    pub log: String,
}

/// Why an operation on DPDK failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A function of DPDK failed.
    #[error("{0}")]
    Call(Box<Failure>),
    /// EAL has been started before in this process, which DPDK does not allow again.
    #[error("the DPDK environment was started before in this process; it can start only once")]
    AlreadyStarted,
    /// The thread of EAL could not be started, or its CPUs are not known.
    #[error("the thread of the DPDK environment could not be started: {0}")]
    Thread(#[from] std::io::Error),
    /// A text that goes to DPDK has a NUL byte inside.
    #[error("{0:?} has a NUL byte inside")]
    Nul(String),
    /// The port is open already.
    #[error("port {0} is open already")]
    PortOpen(u16),
    /// Something that lives in DPDK's memory is still in use, so that it was kept.
    #[error("{object} is still in use by {users}; it was kept")]
    InUse {
        /// What could not be freed.
        object: String,
        /// What holds it.
        users: String,
    },
}

impl Error {
    /// The failure of `call`, whose error number is `rte_errno` of this thread.
    pub(crate) fn from_errno(call: &'static str, object: impl Into<String>) -> Self {
        // SAFETY: reads a thread-local variable.
        let errno = unsafe { dpdk_sys::shim_errno() };
        Self::from_code(call, object, errno)
    }

    /// The failure of `call`, which returned the error number `code` (of either sign).
    pub(crate) fn from_code(call: &'static str, object: impl Into<String>, code: i32) -> Self {
        let errno = code.saturating_abs();
        // SAFETY: rte_strerror returns a string that is static or thread-local; it is copied at once.
        let reason = unsafe { CStr::from_ptr(dpdk_sys::rte_strerror(errno)) };
        Self::Call(Box::new(Failure {
            call,
            object: object.into(),
            errno,
            reason: reason.to_string_lossy().into_owned(),
            log: crate::log::recent(),
        }))
    }

    /// The error number, where DPDK gave one.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Call(failure) => Some(failure.errno),
            _ => None,
        }
    }

    /// What DPDK logged about the failure; may be empty.
    #[must_use]
    pub fn log(&self) -> &str {
        match self {
            Self::Call(failure) => &failure.log,
            _ => "",
        }
    }
}

/// `Ok` for a result of zero or more.
pub(crate) fn check(
    call: &'static str,
    object: impl Into<String>,
    result: i32,
) -> Result<(), Error> {
    if result < 0 { Err(Error::from_code(call, object, result)) } else { Ok(()) }
}
