//! Files that cannot be removed take their room, and no alert is given up for them.

use super::*;

#[test]
fn a_disk_that_removes_nothing_does_not_grow_beyond_the_limit() {
    let config = SpoolConfig { bytes_max: 8_000, ..small() };
    let mut spool = open(FaultyDisk::default(), config, "one");
    let waiting = spool.append("waits", 1, 400).unwrap();
    spool.store.undelivered(waiting);
    spool.disk.faults.lock().unwrap().keeps_files = true;
    let (mut refused, mut delivered) = (0, 0);
    for id in 0..40 {
        match spool.append(&id.to_string(), 1, 1_500) {
            Ok(number) => {
                spool.deliver(number);
                delivered += 1;
            }
            Err(error) => {
                assert!(error.to_string().contains("cannot be removed"), "{error}");
                refused += 1;
            }
        }
        assert!(spool.store.bytes() <= 8_000, "{}", spool.store.bytes());
    }
    assert!(refused > 30, "{refused}");
    assert_eq!((spool.tally.spooled(), spool.tally.acknowledged()), (1, delivered));
    assert_eq!(spool.tally.dropped(AlertDrop::SpoolFull), 0);
    let files = spool.disk.names(".seg").len();
    assert_eq!(files as u64, delivered + 1, "each has a segment of its own");

    spool.disk.faults.lock().unwrap().keeps_files = false;
    spool.store.remove_done(Now { monotonic: Duration::from_secs(1), ..spool.now });
    assert!(spool.store.bytes() < 4_000, "{}", spool.store.bytes());
    assert!(spool.append("fits again", 1, 1_500).is_ok());
}
