//! Directories that cannot be used are refused with the key, the path and the mend.

use std::sync::Arc;

use crate::config::SpoolConfig;
use crate::delivery::Lanes;
use crate::spool::testing::{TestLanes, start};
use crate::tally::Tally;

fn error_of(path: &std::path::Path) -> String {
    let lanes: Arc<dyn Lanes> = TestLanes::new(1);
    let config = SpoolConfig { path: Some(path.into()), ..SpoolConfig::default() };
    match start(&config, "boot", &lanes, &Tally::new()) {
        Ok(_) => panic!("{} can be used", path.display()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_directory_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("below")] {
        let error = error_of(&path);
        assert!(error.starts_with(&format!("spool.path: {}: ", path.display())), "{error}");
        assert!(error.contains("name a directory"), "{error}");
    }
}

#[test]
fn two_sensors_cannot_share_a_directory() {
    let folder = tempfile::tempdir().unwrap();
    let config = SpoolConfig { path: Some(folder.path().into()), ..SpoolConfig::default() };
    let lanes: Arc<dyn Lanes> = TestLanes::new(1);
    let running = start(&config, "one", &lanes, &Tally::new()).unwrap();
    let error = error_of(folder.path());
    assert!(error.contains("another process uses it; stop the other sensor"), "{error}");
    let (intake, handle) = running;
    drop(intake);
    crate::testing::eventually(std::time::Duration::from_secs(20), || handle.is_finished());
    assert!(start(&config, "two", &lanes, &Tally::new()).is_ok());
}
