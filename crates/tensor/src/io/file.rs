//! Opening files of known length, and saving them whole or not at all.

use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::error::{FileError, Place};

/// Bytes that are read or written at a time.
pub(super) const CHUNK: usize = 64 * 1024;

/// A regular file and its length. Pipes and devices are refused before they are opened, since that could wait for ever.
pub(super) fn open(path: &Path) -> Result<(File, u64), FileError> {
    let at = || Place::file(path);
    if !fs::metadata(path).map_err(|e| FileError::from_io(&at(), e))?.is_file() {
        return Err(FileError::NotRegular { at: at() });
    }
    let opened = File::open(path).and_then(|file| file.metadata().map(|known| (file, known.len())));
    opened.map_err(|e| FileError::from_io(&at(), e))
}

/// Writes a file under another name in the same folder, and gives it its own name when it is complete and on disk.
pub(super) fn save(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), FileError>,
) -> Result<(), FileError> {
    let system = |e| FileError::from_io(&Place::file(path), e);
    if path.is_dir() {
        return Err(FileError::NotRegular { at: Place::file(path) });
    }
    let (partial, file) = Partial::create(path).map_err(system)?;
    let mut writer = BufWriter::with_capacity(CHUNK, file);
    write(&mut writer)?;
    let file = writer.into_inner().map_err(|e| system(e.into_error()))?;
    file.sync_all().map_err(system)?;
    drop(file);
    partial.complete(path).map_err(system)
}

/// A file that disappears unless it is completed.
struct Partial(Option<PathBuf>);

impl Partial {
    fn create(path: &Path) -> io::Result<(Partial, File)> {
        loop {
            let random = RandomState::new().build_hasher().finish();
            let partial = path.with_file_name(format!(".{random:016x}.partial"));
            match File::create_new(&partial) {
                Ok(file) => return Ok((Partial(Some(partial)), file)),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e),
            }
        }
    }

    fn complete(mut self, path: &Path) -> io::Result<()> {
        if let Some(partial) = &self.0 {
            fs::rename(partial, path)?;
        }
        self.0 = None;
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if let Some(partial) = &self.0 {
            // Nothing more can be done about a file that will not go; the error that led here is the one to report.
            let _ = fs::remove_file(partial);
        }
    }
}

/// An empty vector with room for `bytes`.
pub(super) fn reserve(bytes: u64, at: &Place) -> Result<Vec<u8>, FileError> {
    let mut room = Vec::new();
    match usize::try_from(bytes) {
        Ok(n) if room.try_reserve_exact(n).is_ok() => Ok(room),
        _ => Err(FileError::OutOfMemory { at: at.clone(), bytes }),
    }
}

/// Writes to memory what `write` writes to a file of `bytes` bytes.
pub(super) fn in_memory(
    bytes: u64,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), FileError>,
) -> Result<Vec<u8>, FileError> {
    let mut out = reserve(bytes, &Place::default())?;
    write(&mut out)?;
    Ok(out)
}

/// Writes bytes, naming the place when that fails.
pub(super) fn put(sink: &mut dyn Write, bytes: &[u8], at: &Place) -> Result<(), FileError> {
    sink.write_all(bytes).map_err(|e| FileError::from_io(at, e))
}
