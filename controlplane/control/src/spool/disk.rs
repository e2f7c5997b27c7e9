//! The file operations that the spool needs, behind traits, so that tests can let each of them fail.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, IoSlice, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// File whose lock says that the directory is in use.
const LOCK_FILE: &str = "lock";

/// A directory of the spool's.
pub(super) trait Disk: Send + 'static {
    /// A file in it.
    type File: DiskFile;

    /// Names and lengths of the files in it.
    fn list(&self) -> io::Result<Vec<(String, u64)>>;
    /// Opens a file for reading and writing, and makes it where it does not exist.
    fn open(&self, name: &str) -> io::Result<Self::File>;
    /// Opens a file that exists for reading only: a disk that is read-only can still be read.
    fn read(&self, name: &str) -> io::Result<Self::File>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes names that were added and removed reach the disk.
    fn sync(&self) -> io::Result<()>;
}

/// A file of the spool's.
pub(super) trait DiskFile: Send + Sync + 'static {
    /// Writes all of `slices` from `offset` on. After an error some of it may have been written.
    fn write_at(&self, slices: &mut [IoSlice<'_>], offset: u64) -> io::Result<()>;
    /// Reads up to the length of `into`; how much there was.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Cuts the file.
    fn truncate(&self, length: u64) -> io::Result<()>;
    /// Makes the content reach the disk.
    fn sync(&self) -> io::Result<()>;
}

/// A directory of the file system, locked against other processes.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    /// Locked as long as it is open.
    _lock: File,
}

impl Directory {
    /// Makes the directory where it does not exist, and locks it.
    pub(super) fn lock(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join(LOCK_FILE))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                Err(io::Error::new(io::ErrorKind::ResourceBusy, "another process uses it"))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Disk for Directory {
    type File = File;

    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if let (Ok(name), metadata) = (entry.file_name().into_string(), entry.metadata()?)
                && metadata.is_file()
            {
                files.push((name, metadata.len()));
            }
        }
        Ok(files)
    }

    fn open(&self, name: &str) -> io::Result<File> {
        let path = self.path.join(name);
        OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)
    }

    fn read(&self, name: &str) -> io::Result<File> {
        File::open(self.path.join(name))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

impl DiskFile for File {
    fn write_at(&self, mut slices: &mut [IoSlice<'_>], offset: u64) -> io::Result<()> {
        let mut file = self;
        file.seek(SeekFrom::Start(offset))?;
        while !slices.is_empty() {
            match file.write_vectored(slices) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => IoSlice::advance_slices(&mut slices, written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < into.len() {
            match FileExt::read_at(self, &mut into[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}
