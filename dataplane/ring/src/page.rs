//! A page of counters that outlives the process: what was stored is there after a crash or `kill -9`.
//!
//! A page is a row of 64-bit atomics, in memory or in a file that is mapped into it. A store into a
//! mapped page is a store to memory: no system call, and the kernel keeps it when the process is gone.
//! What the cells mean is the matter of [`contract::crash`].

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::ops::Deref;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use memmap2::{MmapOptions, MmapRaw};

/// Most cells of a page: 16 MiB, twice what the most workers that there can be need.
pub const CELLS_MAX: usize = 1 << 21;

const CELL_BYTES: usize = size_of::<AtomicU64>();
/// Cells of a pair of cache lines.
const PAIR: usize = 16;

/// A pair of cache lines; a heap page is made of these, so that it is aligned like a mapped one.
#[derive(Debug, Default)]
#[repr(C, align(128))]
struct Pair([AtomicU64; PAIR]);

/// A row of 64-bit cells, all 0 at first. Dereferences to a slice of them.
#[derive(Debug)]
pub struct Page {
    memory: Memory,
    cells: usize,
}

#[derive(Debug)]
enum Memory {
    Heap(Box<[Pair]>),
    Mapped(MmapRaw),
}

impl Page {
    /// A page that ends with the process, for whoever needs none that outlives it.
    #[must_use]
    pub fn heap(cells: usize) -> Arc<Self> {
        let pairs = (0..cells.div_ceil(PAIR)).map(|_| Pair::default()).collect();
        Arc::new(Self { memory: Memory::Heap(pairs), cells })
    }

    /// A page in a new file at `path`, readable by its owner only.
    ///
    /// The file's blocks are taken here, so that a disk that fills up later cannot fail a store. Nobody
    /// may shorten the file while it is mapped: a store past its end would end the process (SIGBUS).
    /// The caller puts it into a directory that is the sensor's own and locked. On tmpfs the kernel
    /// never writes it back, so that a store never waits for a disk; elsewhere the first store after a
    /// write-back may.
    ///
    /// # Errors
    /// There is such a file already, it cannot be made or mapped, the disk is full, or `cells` is 0 or
    /// above [`CELLS_MAX`]. A file that was made is removed then.
    pub fn create(path: &Path, cells: usize) -> io::Result<Arc<Self>> {
        if !(1..=CELLS_MAX).contains(&cells) {
            let message = format!("a page has 1 to {CELLS_MAX} cells, not {cells}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).mode(0o600).open(path)?;
        let mapped = map(&file, cells * CELL_BYTES);
        let memory = mapped.map(Memory::Mapped).inspect_err(|_| {
            // The error that matters is the one that is returned.
            let _ = std::fs::remove_file(path);
        })?;
        Ok(Arc::new(Self { memory, cells }))
    }

    /// Cell `index`.
    ///
    /// # Panics
    /// There is none of this index.
    #[inline]
    #[must_use]
    pub fn cell(&self, index: usize) -> &AtomicU64 {
        &self[index]
    }

    /// Cell `index`, for one who keeps it.
    ///
    /// # Panics
    /// There is none of this index; here and now, never when the cell is used.
    #[must_use]
    pub fn share(self: &Arc<Self>, index: usize) -> PageCell {
        let _ = self.cell(index);
        PageCell { page: Arc::clone(self), index }
    }
}

fn map(mut file: &File, bytes: usize) -> io::Result<MmapRaw> {
    file.write_all(&vec![0; bytes])?;
    // So that the blocks are taken, not only promised.
    file.sync_all()?;
    MmapOptions::new().len(bytes).map_raw(file)
}

impl Deref for Page {
    type Target = [AtomicU64];

    #[inline]
    fn deref(&self) -> &[AtomicU64] {
        let first: *const AtomicU64 = match &self.memory {
            Memory::Heap(pairs) => pairs.as_ptr().cast(),
            Memory::Mapped(map) => map.as_ptr().cast(),
        };
        // SAFETY: `first` starts at least `cells` cells that live as long as `self`: a heap page has as
        // many pairs as hold them, laid out as arrays of cells; a mapping has `cells * CELL_BYTES` bytes
        // at the start of a memory page, thus aligned. Zeros are valid atomics. A mapping may be changed
        // by others, but its cells are only ever used as atomics, for which every value is valid. That
        // the file stays as long as it is mapped is the caller's duty (`Page::create`): who breaks it
        // gets SIGBUS, which ends the process.
        unsafe { slice::from_raw_parts(first, self.cells) }
    }
}

/// One cell of a page, and a share in the page.
#[derive(Clone, Debug)]
pub struct PageCell {
    page: Arc<Page>,
    index: usize,
}

impl Deref for PageCell {
    type Target = AtomicU64;

    #[inline]
    fn deref(&self) -> &AtomicU64 {
        // The index was there when the cell was shared out, and pages keep their length.
        &self.page[self.index]
    }
}

/// The cells of the page in the file `path`, whose owner has ended. Reads the file, and maps nothing.
///
/// # Errors
/// It is no file, cannot be read, or has no size that a page can have.
pub fn read_page(path: &Path) -> io::Result<Vec<u64>> {
    let bad = |message| io::Error::new(io::ErrorKind::InvalidData, message);
    // Asked before it is opened, which would wait for the other end of a named pipe.
    if !std::fs::metadata(path)?.is_file() {
        return Err(bad("not a regular file, so no page of a sensor".to_owned()));
    }
    let bytes_max = CELLS_MAX * CELL_BYTES;
    let mut bytes = Vec::new();
    File::open(path)?.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > bytes_max {
        return Err(bad(format!("larger than {bytes_max} bytes, so no page of a sensor")));
    }
    let (cells, rest) = bytes.as_chunks::<CELL_BYTES>();
    if !rest.is_empty() || cells.is_empty() {
        let message = format!(
            "{} bytes, which is no whole number of {CELL_BYTES}-byte cells: cut, or no page of a sensor",
            bytes.len()
        );
        return Err(bad(message));
    }
    Ok(cells.iter().map(|cell| u64::from_ne_bytes(*cell)).collect())
}

#[cfg(all(test, not(loom)))]
mod tests;
