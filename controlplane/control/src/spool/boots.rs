//! The ledgers of boots that have ended, in the spool's directory.
//!
//! Each boot counts on a page that outlives it, in a directory in memory: workers store into it, and a store
//! into a mapped file on a disk can wait for the disk. A boot that ends in order closes its own
//! ledger; one that crashes is closed by the next start, which knows from the records what of it is in the
//! spool: what was raised and is found nowhere is lost. Closed ledgers stand in `ledgers.jsonl`. The page
//! goes once its ledger has reached the disk.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use contract::{AlertDrop, CrashLedger};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::record::boot_tag;

/// File of the closed ledgers, one JSON object a line, the oldest first.
const LEDGERS_FILE: &str = "ledgers.jsonl";
/// Closed ledgers that are kept.
const LEDGERS_MAX: usize = 100;
/// Bytes of the file that are read; far more than so many ledgers have.
const LEDGERS_BYTES_MAX: u64 = 1 << 20;
/// Start of the names of pages, and their end.
const PAGE_START: &str = "sensor-gateway.";
const PAGE_END: &str = ".page";

/// The alert ledger of a boot that has ended:
/// `raised = acknowledged + sent + written + spooled + drops + lost_at_crash`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClosedBoot {
    /// The start of the process that it is about.
    pub boot: String,
    /// Whether it ended without notice.
    pub crashed: bool,
    /// When the ledger was closed, seconds since 1970.
    pub closed_s: u64,
    /// Alerts raised by workers.
    pub raised: u64,
    /// Alerts that JetStream had acknowledged.
    pub acknowledged: u64,
    /// Alerts that core NATS had taken.
    pub sent: u64,
    /// Alerts written to the output that was their only destination.
    pub written: u64,
    /// Alerts that were left in the spool; where they end is in the ledger `recovered` of later boots.
    pub spooled: u64,
    /// Alerts lost, by cause.
    pub drops: BTreeMap<String, u64>,
    /// Alerts that were in rings and memory when the process ended without notice.
    pub lost_at_crash: u64,
}

impl ClosedBoot {
    fn of(boot: &str, ledger: &CrashLedger, crashed: bool, closed_s: u64) -> Self {
        let drops = AlertDrop::ALL.iter().map(|cause| (cause.name(), ledger.dropped(*cause)));
        let drops = drops.filter(|(_, alerts)| *alerts > 0);
        Self {
            boot: boot.to_owned(),
            crashed,
            closed_s,
            raised: ledger.raised(),
            acknowledged: ledger.acknowledged,
            sent: ledger.sent,
            written: ledger.written,
            spooled: ledger.spooled,
            drops: drops.map(|(name, alerts)| (name.to_owned(), alerts)).collect(),
            lost_at_crash: ledger.lost_at_crash(),
        }
    }
}

/// Where the pages and the closed ledgers of one spool are.
#[derive(Clone, Debug)]
pub(super) struct Books {
    /// The spool's directory, which has the ledgers.
    directory: PathBuf,
    /// The directory of the pages, which other spools may share.
    pages: PathBuf,
    /// Start of the names of this spool's pages.
    prefix: String,
}

impl Books {
    /// The books of the spool in `directory`, its pages in `pages`.
    pub(super) fn new(directory: &Path, pages: &Path) -> Self {
        // The same directory by another name is the same spool.
        let whole = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
        let tag = crc32c::crc32c(whole.as_os_str().as_encoded_bytes());
        let prefix = format!("{PAGE_START}{tag:08x}.");
        Self { directory: directory.to_owned(), pages: pages.to_owned(), prefix }
    }

    /// File of the page of `boot`.
    pub(super) fn page_path(&self, boot: &str) -> PathBuf {
        self.pages.join(format!("{}{boot}{PAGE_END}", self.prefix))
    }

    /// The pages, by their boots.
    fn pages(&self) -> io::Result<Vec<(String, PathBuf)>> {
        let mut pages = Vec::new();
        for entry in fs::read_dir(&self.pages)? {
            let entry = entry?;
            if let Ok(name) = entry.file_name().into_string()
                && let Some(name) = name.strip_prefix(&self.prefix)
                && let Some(boot) = name.strip_suffix(PAGE_END)
            {
                pages.push((boot.to_owned(), entry.path()));
            }
        }
        pages.sort();
        Ok(pages)
    }
}

/// Closes the ledgers of the boots that have left a page, that of `own` excepted. `held`: alerts of each
/// boot, by its tag, that are in the spool. All closed ledgers, the oldest first.
///
/// # Errors
/// The ledgers cannot be written; the pages stay, and the next start tries again.
pub(super) fn close_others(
    books: &Books,
    own: &str,
    held: &HashMap<u32, u64>,
    now_s: u64,
) -> (Vec<ClosedBoot>, io::Result<()>) {
    let directory = &books.directory;
    let mut ledgers = read(directory);
    let known: HashSet<String> = ledgers.iter().map(|ledger| ledger.boot.clone()).collect();
    let pages = match books.pages() {
        Ok(pages) => pages.into_iter().filter(|(boot, _)| boot != own).collect::<Vec<_>>(),
        Err(error) => return (ledgers, Err(error)),
    };
    let before = ledgers.len();
    for (boot, path) in pages.iter().filter(|(boot, _)| !known.contains(boot)) {
        match read_page(path) {
            Ok(mut ledger) => {
                // What is found is surer than what was counted, perhaps just before.
                ledger.spooled = held.get(&boot_tag(boot)).copied().unwrap_or_default();
                let closed = ClosedBoot::of(boot, &ledger, true, now_s);
                let (raised, lost) = (closed.raised, closed.lost_at_crash);
                tracing::warn!(
                    boot,
                    raised,
                    lost_at_crash = lost,
                    "the sensor had ended without notice"
                );
                ledgers.push(closed);
            }
            Err(reason) => tracing::warn!(boot, reason, "the ledger of a boot is not known"),
        }
    }
    let written = if ledgers.len() > before { write(directory, &mut ledgers) } else { Ok(()) };
    let removed =
        written.and_then(|()| pages.iter().try_for_each(|(_, path)| fs::remove_file(path)));
    (ledgers, removed)
}

/// Closes the ledger of a boot that ends in order, and removes its page; nothing where there is none.
pub(super) fn close_own(books: &Books, boot: &str, now_s: u64) -> io::Result<()> {
    let directory = &books.directory;
    let path = books.page_path(boot);
    if !path.exists() {
        return Ok(());
    }
    let ledger = read_page(&path).map_err(io::Error::other)?;
    let mut ledgers = read(directory);
    ledgers.push(ClosedBoot::of(boot, &ledger, false, now_s));
    write(directory, &mut ledgers)?;
    fs::remove_file(path)
}

fn read_page(path: &Path) -> Result<CrashLedger, String> {
    let cells = ring::read_page(path).map_err(|error| error.to_string())?;
    CrashLedger::read(&cells).map_err(|error| error.to_string())
}

/// The closed ledgers; lines that are none are left out.
fn read(directory: &Path) -> Vec<ClosedBoot> {
    let mut text = Vec::new();
    let file = File::open(directory.join(LEDGERS_FILE));
    let read = file.and_then(|file| file.take(LEDGERS_BYTES_MAX).read_to_end(&mut text));
    if let Err(error) = read
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, file = LEDGERS_FILE, "the ledgers of earlier boots cannot be read");
    }
    let lines = text.split(|byte| *byte == b'\n');
    lines.filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

/// Writes the newest of the ledgers in the place of those that are there, or nothing.
fn write(directory: &Path, ledgers: &mut Vec<ClosedBoot>) -> io::Result<()> {
    ledgers.drain(..ledgers.len().saturating_sub(LEDGERS_MAX));
    let mut text = Vec::new();
    for ledger in ledgers.iter() {
        serde_json::to_writer(&mut text, ledger)?;
        text.push(b'\n');
    }
    let temporary = directory.join(format!("{LEDGERS_FILE}.new"));
    let mut file = File::create(&temporary)?;
    file.write_all(&text)?;
    file.sync_all()?;
    fs::rename(temporary, directory.join(LEDGERS_FILE))?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use contract::crash;
    use ring::Page;

    use super::*;

    /// Books in `folder`, with the pages apart.
    fn books(folder: &Path) -> Books {
        let pages = folder.join("pages");
        fs::create_dir_all(&pages).unwrap();
        Books::new(folder, &pages)
    }

    #[test]
    fn spools_that_share_a_directory_of_pages_keep_theirs_apart() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name: &str| {
            let directory = folder.path().join(name);
            fs::create_dir_all(&directory).unwrap();
            Books::new(&directory, folder.path())
        };
        let (one, other) = (of("one"), of("other"));
        page(&one, "a", 10);
        assert!(close_others(&other, "own", &HashMap::new(), 0).0.is_empty());
        assert_eq!(close_others(&of("other/../one"), "own", &HashMap::new(), 0).0.len(), 1);
    }

    /// The page of a boot that has raised `raised` alerts, and lost 3 of them in the ring.
    fn page(books: &Books, boot: &str, raised: u64) -> Arc<Page> {
        let page = Page::create(&books.page_path(boot), crash::cells(1)).unwrap();
        crash::begin(&page, 1);
        let set = |cell, value| page.cell(cell).store(value, std::sync::atomic::Ordering::Relaxed);
        set(crash::raised(0), raised);
        set(crash::lost(0, AlertDrop::RingFull), 3);
        set(crash::ACKNOWLEDGED, 10);
        set(crash::SPOOLED, 5);
        page
    }

    #[test]
    fn a_crashed_boot_is_closed_once_by_what_is_found_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = &books(folder.path());
        page(at, "crashed", 100);
        page(at, "own", 1);
        let held = HashMap::from([(boot_tag("crashed"), 7), (boot_tag("another"), 1_000)]);
        let (ledgers, result) = close_others(at, "own", &held, 1_234);
        result.unwrap();
        let closed = &ledgers[0];
        assert_eq!((ledgers.len(), closed.crashed, closed.closed_s), (1, true, 1_234));
        assert_eq!((closed.raised, closed.spooled, closed.lost_at_crash), (100, 7, 80));
        assert_eq!(closed.drops, BTreeMap::from([("ring_full".to_owned(), 3)]));
        assert!(!at.page_path("crashed").exists() && at.page_path("own").exists());
        // A page that comes back, as when its removal was lost, is not counted again.
        page(at, "crashed", 100);
        assert_eq!(close_others(at, "own", &held, 1_235).0, ledgers);
        assert!(!at.page_path("crashed").exists());
        close_own(at, "own", 1_236).unwrap();
        close_own(at, "own", 1_236).unwrap();
        let (ledgers, result) = close_others(at, "next", &held, 1_237);
        result.unwrap();
        assert_eq!(
            ledgers.iter().map(|l| (&*l.boot, l.crashed)).collect::<Vec<_>>(),
            [("crashed", true), ("own", false)]
        );
    }

    #[test]
    fn the_newest_ledgers_are_kept_and_damage_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let at = &books(folder.path());
        for boot in 0..LEDGERS_MAX + 5 {
            page(at, &format!("{boot:04}"), 50);
        }
        fs::write(at.page_path("damaged"), b"no page").unwrap();
        let (ledgers, result) = close_others(at, "own", &HashMap::new(), 0);
        result.unwrap();
        assert_eq!((ledgers.len(), &*ledgers[0].boot), (LEDGERS_MAX, "0005"));
        assert!(at.pages().unwrap().is_empty());
        let file = at.directory.join(LEDGERS_FILE);
        let mut text = fs::read(&file).unwrap();
        text[10] = 0xFF;
        fs::write(&file, text).unwrap();
        assert_eq!(read(&at.directory), ledgers[1..]);
    }

    #[test]
    fn ledgers_that_cannot_be_written_leave_the_pages() {
        let folder = tempfile::tempdir().unwrap();
        let at = &books(folder.path());
        page(at, "crashed", 100);
        fs::create_dir(at.directory.join(format!("{LEDGERS_FILE}.new"))).unwrap();
        let (ledgers, result) = close_others(at, "own", &HashMap::new(), 0);
        assert!(result.is_err());
        assert_eq!((ledgers.len(), at.page_path("crashed").exists()), (1, true));
    }
}
