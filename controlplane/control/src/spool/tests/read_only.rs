//! A disk that becomes read-only: what waits can still be sent, and it is used again once it is writable.

use std::process::Command;

use super::mounted::on_disk_of_its_own;
use super::*;
use crate::spool::SpoolDirectory;

const NAME: &str = "spool::tests::read_only::a_start_on_a_read_only_disk_is_refused_with_the_mend";

impl Bench {
    fn set_read_only(&self, read_only: bool) {
        self.disk.faults.lock().unwrap().read_only = read_only;
    }

    /// Everything that the lanes have got is acknowledged.
    fn acknowledge(&mut self) {
        self.sent().into_iter().for_each(|batch| batch.duty.delivered(Outcome::Acknowledged));
        self.step(0);
        self.step(60);
    }
}

#[test]
fn alerts_go_on_over_a_read_only_disk_and_it_is_used_again() {
    let mut bench = bench(config(), FaultyDisk::default());
    bench.lanes.down.store(true, Ordering::Relaxed);
    bench.take(0, 1, b"waits on the disk");
    bench.step(0);
    assert_eq!((bench.tally.spooled(), bench.view().state), (1, "ok"));
    bench.set_read_only(true);
    bench.take(0, 2, b"cannot be written");
    bench.step(0);
    let view = bench.view();
    assert_eq!((view.state, view.bypassed_alerts), ("failing", 2));
    assert!(view.reason.unwrap().contains("read-only filesystem"));
    // What waits is read, and delivered; only its file has to stay.
    bench.lanes.down.store(false, Ordering::Relaxed);
    bench.step(5);
    bench.acknowledge();
    assert_eq!((bench.tally.acknowledged(), bench.tally.spooled()), (3, 0));
    // No room is made by giving up what could not be removed.
    bench.step(1_000);
    bench.take(0, 4, b"still not");
    bench.step(100);
    bench.acknowledge();
    assert_eq!((bench.view().state, bench.tally.acknowledged()), ("failing", 7));
    let errors = bench.view().write_errors;
    bench.step(10);
    assert_eq!(bench.view().write_errors, errors, "it is not tried at once");

    bench.set_read_only(false);
    bench.step(1_000);
    bench.take(1, 8, b"written");
    bench.step(0);
    assert_eq!((bench.view().state, bench.tally.spooled()), ("ok", 8));
    bench.acknowledge();
    assert_eq!((bench.tally.acknowledged(), bench.tally.spooled()), (15, 0));
    let left = self::bench(config(), bench.disk.copy()).view().recovered.found;
    assert_eq!(left, 0, "nothing of what was delivered comes again");
}

#[test]
fn files_that_cannot_be_removed_are_removed_later_and_hold_their_room() {
    let mut bench = bench(config(), FaultyDisk::default());
    for _ in 0..3 {
        bench.take(0, 1, &[1; 600_000]);
        bench.step(0);
    }
    assert_eq!(bench.names().len(), 3);
    bench.set_read_only(true);
    bench.acknowledge();
    bench.step(100);
    let view = bench.view();
    assert_eq!((bench.tally.acknowledged(), bench.names().len(), view.segments), (3, 3, 3));
    assert!(view.bytes > 1_800_000, "{}", view.bytes);
    bench.step(5_000);
    assert_eq!(bench.names().len(), 3);
    bench.set_read_only(false);
    bench.step(1_000);
    bench.step(100);
    assert_eq!((bench.names().len(), bench.view().segments), (1, 1), "the newest is in use");
}

#[test]
fn a_start_on_a_read_only_disk_is_refused_with_the_mend() {
    on_disk_of_its_own(NAME, "1m", |disk| {
        let path = disk.join("spool");
        let config = SpoolConfig { path: Some(path.clone()), ..SpoolConfig::default() };
        drop(SpoolDirectory::lock(&config).unwrap());
        let remount = |options: &str| {
            let mount = Command::new("mount").args(["-o", options]).arg(disk).status();
            assert!(mount.unwrap().success(), "{options}");
        };
        remount("remount,ro");
        let error = SpoolDirectory::lock(&config).unwrap_err().to_string();
        let named = format!("spool.path: {}: Read-only file system", path.display());
        assert!(error.starts_with(&named), "{error}");
        assert!(error.ends_with("make the file system writable, or name a directory on another"));
        remount("remount,rw");
        assert!(SpoolDirectory::lock(&config).is_ok());
    });
}
