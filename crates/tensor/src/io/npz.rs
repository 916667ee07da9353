//! Named tensors in one file: NumPy's npz format, a zip archive of npy files.
//!
//! Entries may be stored or deflated. What an entry inflates to is bounded by what its npy header promises and by what deflate can
//! achieve, and entries must not overlap, so that a file never makes more than about a thousand times its own size.

use std::io::{Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use rawzip::path::ZipFilePath;
use rawzip::{CompressionMethod, ReaderAt, ZipArchive, ZipArchiveEntryWayfinder, ZipArchiveWriter};

use super::error::{FileError, Place};
use super::{Tensors, elements, file, npy};
use crate::tensor::Tensor;

/// Bytes that one deflated byte can become, at most: a match of 258 bytes takes two bits.
const MOST_INFLATED: u64 = 1032;
/// Bytes of an entry beyond its elements and its name, nearly: the npy header and what zip adds.
const ENTRY: u64 = 512;
/// What the entry of a tensor is called after its name.
const SUFFIX: &str = ".npy";

/// Writes tensors to a file, whole or not at all, as `numpy.savez` does: without compression.
///
/// # Errors
/// When the file cannot be written, a tensor is `bf16`, or a name cannot stand in a zip archive (`a//b`, `../a`).
///
/// # Panics
/// When a tensor is a [ghost](crate::Tensor::ghost).
///
/// ```
/// use std::collections::BTreeMap;
/// use chainrule_tensor::{io::npz, tensor};
/// # let folder = std::env::temp_dir().join(format!("chainrule-npz-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// let path = folder.join("data.npz");
/// npz::save(&path, &BTreeMap::from([("x".to_string(), tensor![1, 2, 3])]))?;
/// assert_eq!(npz::load(&path)?["x"].to_vec::<i64>(), [1, 2, 3]);
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), chainrule_tensor::io::FileError>(())
/// ```
#[track_caller]
pub fn save(path: impl AsRef<Path>, tensors: &Tensors) -> Result<(), FileError> {
    let at = Place::file(path.as_ref());
    file::save(path.as_ref(), |sink| write(tensors, false, sink, &at))
}

/// As [`save`], deflated, as `numpy.savez_compressed` does.
///
/// # Errors
/// As [`save`].
///
/// # Panics
/// As [`save`].
#[track_caller]
pub fn save_compressed(path: impl AsRef<Path>, tensors: &Tensors) -> Result<(), FileError> {
    let at = Place::file(path.as_ref());
    file::save(path.as_ref(), |sink| write(tensors, true, sink, &at))
}

/// The bytes of a file, without compression.
///
/// # Errors
/// As [`save`].
///
/// # Panics
/// As [`save`].
#[track_caller]
pub fn to_bytes(tensors: &Tensors) -> Result<Vec<u8>, FileError> {
    let at = Place::default();
    let mut size = 0u64;
    for (name, tensor) in tensors {
        let elements = elements::written_bytes(tensor, &at.tensor(name))?;
        size = size.saturating_add(elements).saturating_add(ENTRY + 2 * name.len() as u64);
    }
    file::in_memory(size, |sink| write(tensors, false, sink, &at))
}

/// Reads the tensors of a file.
///
/// # Errors
/// When the file is missing, broken, or holds anything but tensors of known types.
pub fn load(path: impl AsRef<Path>) -> Result<Tensors, FileError> {
    let at = Place::file(path.as_ref());
    let (file, len) = file::open(path.as_ref())?;
    let mut buffer = vec![0; rawzip::MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
    let archive = ZipArchive::from_file(file, &mut buffer).map_err(|e| not_zip(&at, &e))?;
    read(&archive, &mut buffer, len, &at)
}

/// Reads the tensors from the bytes of a file.
///
/// # Errors
/// As [`load`].
pub fn from_bytes(bytes: &[u8]) -> Result<Tensors, FileError> {
    let at = Place::default();
    let mut buffer = vec![0; rawzip::MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
    let archive = ZipArchive::from_slice(bytes).map_err(|e| not_zip(&at, &e))?.into_reader_archive();
    read(&archive, &mut buffer, bytes.len() as u64, &at)
}

/// One entry of the archive's directory.
struct Entry {
    at: Place,
    name: String,
    deflated: bool,
    way: ZipArchiveEntryWayfinder,
}

impl Entry {
    fn of(record: &rawzip::ZipFileHeaderRecord<'_>, at: &Place) -> Result<Entry, FileError> {
        let path = String::from_utf8_lossy(record.file_path().as_bytes()).into_owned();
        let name = path.strip_suffix(SUFFIX).filter(|_| std::str::from_utf8(record.file_path().as_bytes()).is_ok());
        let Some(name) = name else {
            let reason = format!("an npz file holds only entries that end in {SUFFIX}");
            return Err(FileError::Name { at: at.tensor(&path), reason });
        };
        let at = at.tensor(name);
        if record.flags().is_encrypted() {
            return Err(archive_error(&at, "encrypted"));
        }
        let deflated = match record.compression_method() {
            CompressionMethod::STORE => false,
            CompressionMethod::DEFLATE => true,
            other => return Err(archive_error(&at, format!("compressed as {other}; stored and deflated are known"))),
        };
        Ok(Entry { at, name: name.to_string(), deflated, way: record.wayfinder() })
    }

    /// Where the entry's bytes lie among the `len` of the file; checks that they can become as many as it claims.
    fn range<R: ReaderAt>(&self, archive: &ZipArchive<R>, len: u64) -> Result<(u64, u64), FileError> {
        let entry = archive.get_entry(self.way).map_err(|e| archive_error(&self.at, e))?;
        let (begin, end) = entry.compressed_data_range();
        if end > len {
            return Err(FileError::Truncated { at: self.at.clone(), needed: end, found: len });
        }
        let claimed = self.way.uncompressed_size_hint();
        let most = if self.deflated { (end - begin).saturating_mul(MOST_INFLATED) } else { end - begin };
        if claimed > most {
            let reason = format!("{} bytes claim to become {claimed}, more than possible", end - begin);
            return Err(archive_error(&self.at, reason));
        }
        Ok((begin, end))
    }

    fn read<R: ReaderAt>(&self, archive: &ZipArchive<R>) -> Result<Tensor, FileError> {
        let entry = archive.get_entry(self.way).map_err(|e| archive_error(&self.at, e))?;
        if self.deflated {
            self.read_all(&mut entry.verifying_reader(DeflateDecoder::new(entry.reader())))
        } else {
            self.read_all(&mut entry.verifying_reader(entry.reader()))
        }
    }

    /// Reads the tensor from a source that checks its own checksum at its end.
    fn read_all(&self, source: &mut dyn Read) -> Result<Tensor, FileError> {
        let size = self.way.uncompressed_size_hint();
        let x = npy::read(source, size, &self.at)?;
        match source.read(&mut [0]) {
            Ok(0) => Ok(x),
            Ok(_) => Err(archive_error(&self.at, "more bytes than it claims")),
            Err(e) => Err(FileError::from_read(&self.at, e, size, size)),
        }
    }
}

fn read<R: ReaderAt>(archive: &ZipArchive<R>, buffer: &mut [u8], len: u64, at: &Place) -> Result<Tensors, FileError> {
    let mut entries = Vec::new();
    let mut records = archive.entries(buffer);
    while let Some(record) = records.next_entry().map_err(|e| archive_error(at, e))? {
        entries.push(Entry::of(&record, at)?);
    }
    if entries.len() as u64 != archive.entries_hint() {
        let reason = format!("{} entries, but {} are announced", entries.len(), archive.entries_hint());
        return Err(archive_error(at, reason));
    }
    let mut ranges = Vec::new();
    for entry in &entries {
        ranges.push((entry.range(archive, len)?, entry));
    }
    ranges.sort_by_key(|&(range, _)| range);
    if let Some(pair) = ranges.windows(2).find(|pair| pair[0].0.1 > pair[1].0.0) {
        return Err(archive_error(&pair[1].1.at, format!("it overlaps {:?}", pair[0].1.name)));
    }
    let mut tensors = Tensors::new();
    for entry in &entries {
        if tensors.insert(entry.name.clone(), entry.read(archive)?).is_some() {
            return Err(FileError::Name { at: entry.at.clone(), reason: "two tensors have this name".to_string() });
        }
    }
    Ok(tensors)
}

#[track_caller]
fn write(tensors: &Tensors, deflate: bool, sink: &mut dyn Write, at: &Place) -> Result<(), FileError> {
    let method = if deflate { CompressionMethod::DEFLATE } else { CompressionMethod::STORE };
    let mut archive = ZipArchiveWriter::new(sink);
    for (name, tensor) in tensors {
        let at = at.tensor(name);
        let failed = |e: rawzip::Error| write_error(&at, e);
        let path = format!("{name}{SUFFIX}");
        let kept = ZipFilePath::from_str(&path);
        if kept.as_str() != path || u16::try_from(path.len()).is_err() {
            let reason = format!("in a zip archive it would be called {:?}", kept.as_str());
            return Err(FileError::Name { at, reason });
        }
        let plan = npy::Plan::of(tensor, &at)?;
        let (mut entry, config) = archive.new_file(&path).compression_method(method).start().map_err(failed)?;
        let summary = if deflate {
            let mut sink = config.wrap(DeflateEncoder::new(&mut entry, Compression::default()));
            plan.write(&mut sink, &at)?;
            let (encoder, summary) = sink.finish().map_err(failed)?;
            encoder.finish().map_err(|e| FileError::from_io(&at, e))?;
            summary
        } else {
            let mut sink = config.wrap(&mut entry);
            plan.write(&mut sink, &at)?;
            sink.finish().map_err(failed)?.1
        };
        entry.finish(summary).map_err(failed)?;
    }
    archive.finish().map_err(|e| write_error(at, e))?;
    Ok(())
}

fn archive_error(at: &Place, reason: impl ToString) -> FileError {
    FileError::Archive { at: at.clone(), reason: reason.to_string() }
}

fn not_zip(at: &Place, error: &rawzip::Error) -> FileError {
    FileError::Format { at: at.clone(), format: "npz", reason: error.to_string() }
}

fn write_error(at: &Place, error: rawzip::Error) -> FileError {
    match error.into_kind() {
        rawzip::ErrorKind::IO(source) => FileError::from_io(at, source),
        other => FileError::Archive { at: at.clone(), reason: other.to_string() },
    }
}
