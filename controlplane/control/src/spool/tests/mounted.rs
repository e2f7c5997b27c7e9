//! Tests that run on a file system of their own, which needs a user who may mount.

use std::path::Path;
use std::process::Command;

/// Where the file system is, for the part of the test that runs on it.
const MOUNTED: &str = "SPOOL_TEST_FILE_SYSTEM";

/// Runs `test` on an empty file system in memory of `size` (as of mount). `name` is the calling test's whole
/// name: it is run once more, by a process that alone sees the file system. Where mounting is not permitted,
/// a line says that the test was skipped.
pub(super) fn on_disk_of_its_own(name: &str, size: &str, test: fn(&Path)) {
    if let Some(path) = std::env::var_os(MOUNTED) {
        return test(Path::new(&path));
    }
    let directory = tempfile::tempdir().unwrap();
    // The mount is seen by this process and its children only, and ends with them.
    let script =
        r#"mount -t tmpfs -o "size=$1" spool "$2" || exit 77; exec "$3" --exact "$4" --nocapture"#;
    let status = Command::new("unshare")
        .args(["--mount", "sh", "-c", script, "sh", size])
        .arg(directory.path())
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .env(MOUNTED, directory.path())
        .status();
    match status.map(|status| status.code()) {
        Ok(Some(0)) => {}
        Ok(Some(1 | 77)) if !may_mount() => println!("SKIPPED: mounting needs a privileged user"),
        other => panic!("the test on a file system of its own: {other:?}"),
    }
}

fn may_mount() -> bool {
    Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|status| status.success())
}
