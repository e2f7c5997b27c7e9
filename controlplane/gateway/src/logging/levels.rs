//! The levels of the log, changed over the API.

use std::sync::{Mutex, PoisonError};

use control::LogLevels;
use tracing_subscriber::reload::Handle;
use tracing_subscriber::{EnvFilter, Registry};

/// The filter in use, and the way to put another in its place.
pub(crate) struct Levels {
    /// As it was written: the filter's own form has another order.
    written: Mutex<String>,
    handle: Handle<EnvFilter, Registry>,
}

impl Levels {
    pub(super) fn new(written: String, handle: Handle<EnvFilter, Registry>) -> Self {
        Self { written: Mutex::new(written), handle }
    }
}

impl LogLevels for Levels {
    fn filter(&self) -> String {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_filter(&self, filter: &str) -> Result<(), String> {
        let parsed = EnvFilter::try_new(filter).map_err(|error| error.to_string())?;
        // Held over the change, so that what is shown is what is used.
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        self.handle.reload(parsed).map_err(|error| error.to_string())?;
        filter.clone_into(&mut written);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use control::LogLevels as _;
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::{EnvFilter, Layer as _, fmt, reload};

    use super::Levels;

    #[test]
    fn another_filter_is_used_at_once_and_a_bad_one_not_at_all() {
        let (filter, handle) = reload::Layer::new(EnvFilter::new("warn"));
        let levels = Levels::new("warn".into(), handle);
        let layer = fmt::layer().with_writer(std::io::sink).with_filter(filter);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            assert!(!tracing::enabled!(tracing::Level::DEBUG));
            levels.set_filter("debug").unwrap();
            assert!(tracing::enabled!(tracing::Level::DEBUG));
            let error = levels.set_filter("info,control=loud").unwrap_err();
            assert!(error.contains("level filter"), "{error}");
            assert!(tracing::enabled!(tracing::Level::DEBUG));
            assert_eq!(levels.filter(), "debug");
        });
        let gone = levels.set_filter("info").unwrap_err();
        assert!(!gone.is_empty());
        assert_eq!(levels.filter(), "debug");
    }
}
