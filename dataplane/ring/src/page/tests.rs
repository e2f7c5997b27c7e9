//! Pages in memory and in files, and files that are none.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Barrier};
use std::thread;

use contract::{AlertDrop, CrashLedger, crash};

use super::*;

fn stores_and_reads_back(page: &Arc<Page>) {
    assert_eq!(page.as_ptr() as usize % 128, 0, "cells of one writer would share a line");
    assert!(page.iter().all(|cell| cell.load(Relaxed) == 0));
    let last = page.share(page.len() - 1);
    let both = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            both.wait();
            (1..=1_000).for_each(|value| page.cell(0).store(value, Relaxed));
        });
        both.wait();
        (1..=1_000).for_each(|value| last.store(value, Relaxed));
    });
    assert_eq!(page.cell(0).load(Relaxed), 1_000);
    assert_eq!(page[page.len() - 1].load(Relaxed), 1_000);
}

#[test]
fn a_heap_page_is_a_row_of_cells() {
    for cells in [1, 16, 33] {
        let page = Page::heap(cells);
        assert_eq!(page.len(), cells);
        stores_and_reads_back(&page);
    }
}

#[test]
#[cfg_attr(miri, ignore = "miri maps no files")]
fn a_file_holds_what_was_stored_with_nobody_to_write_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page");
    let page = Page::create(&path, crash::cells(2)).unwrap();
    stores_and_reads_back(&page);
    // Not dropped, not synced: as after a crash.
    let cells = read_page(&path).unwrap();
    assert_eq!(cells.len(), crash::cells(2));
    assert_eq!((cells[0], cells[1], cells.last()), (1_000, 0, Some(&1_000)));
    let again = Page::create(&path, 16).unwrap_err();
    assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(read_page(&path).unwrap(), cells);
}

#[test]
#[cfg_attr(miri, ignore = "miri maps no files")]
fn a_crashed_boot_leaves_its_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page");
    let page = Page::create(&path, crash::cells(1)).unwrap();
    let read = || CrashLedger::read(&read_page(&path).unwrap());
    assert_eq!(read(), Err(crash::BadPage::NotBegun));
    crash::begin(&page, 1);
    page.cell(crash::raised(0)).store(10, Relaxed);
    page.cell(crash::lost(0, AlertDrop::RingFull)).store(2, Relaxed);
    page.cell(crash::ACKNOWLEDGED).store(5, Relaxed);
    assert_eq!(read().unwrap().lost_at_crash(), 3);
}

#[test]
fn what_cannot_be_a_page_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page");
    for cells in [0, CELLS_MAX + 1] {
        assert_eq!(Page::create(&path, cells).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
    assert_eq!(read_page(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
    assert!(read_page(folder.path()).unwrap_err().to_string().contains("regular file"));
    for bytes in [0, 1, 15, 4_097] {
        std::fs::write(&path, vec![7; bytes]).unwrap();
        let error = read_page(&path).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{bytes} bytes")), "{error}");
    }
    File::create(&path).unwrap().set_len(1 << 40).unwrap();
    assert!(read_page(&path).unwrap_err().to_string().contains("larger"));
    let nowhere = folder.path().join("no/page");
    assert_eq!(Page::create(&nowhere, 1).unwrap_err().kind(), io::ErrorKind::NotFound);
}
