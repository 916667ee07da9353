//! Named tensors and strings in one file: the [safetensors format](https://huggingface.co/docs/safetensors).
//!
//! Eight bytes say how long the header is, a JSON object; it gives each tensor's type, shape and place among the bytes that follow. The
//! same tensors always make the same file, byte for byte.
//!
//! The types of the header's entries are those of the `safetensors` crate. Its reader and writer are not used: it adds up the
//! claimed lengths without checking for overflow, and writes strings in random order.

mod header;

use std::collections::BTreeMap;
use std::io::{BufReader, Read, Write};
use std::path::Path;

use safetensors::tensor::TensorInfo;

use super::elements;
use super::error::{FileError, Place};
use super::{Tensors, file};
use crate::tensor::Tensor;
use header::{Header, METADATA, name_of};

/// Strings that accompany the tensors: a format, a version, the classes.
pub type Metadata = BTreeMap<String, String>;

/// Bytes of a header that are accepted; the format's own limit.
const LONGEST_HEADER: u64 = 100_000_000;

/// Writes tensors and strings to a file, whole or not at all.
///
/// # Errors
/// When the file cannot be written, or a tensor is called `__metadata__`.
///
/// # Panics
/// When a tensor is a [ghost](crate::Tensor::ghost).
///
/// See the [example](super) of this module's parent.
#[track_caller]
pub fn save(path: impl AsRef<Path>, tensors: &Tensors, metadata: &Metadata) -> Result<(), FileError> {
    let at = Place::file(path.as_ref());
    let plan = Plan::of(tensors, metadata, &at)?;
    file::save(path.as_ref(), |sink| plan.write(sink, &at))
}

/// The bytes of a file.
///
/// # Errors
/// When a tensor is called `__metadata__`, or there is not enough memory.
///
/// # Panics
/// When a tensor is a [ghost](crate::Tensor::ghost).
///
/// ```
/// use std::collections::BTreeMap;
/// use chainrule_tensor::{io::safetensors, tensor};
/// let tensors = BTreeMap::from([("x".to_string(), tensor![1, 2, 3])]);
/// let metadata = BTreeMap::from([("kind".to_string(), "demo".to_string())]);
/// let bytes = safetensors::to_bytes(&tensors, &metadata)?;
/// let (again, strings) = safetensors::from_bytes(&bytes)?;
/// assert!(again["x"].equal(&tensors["x"]) && strings == metadata);
/// # Ok::<(), chainrule_tensor::io::FileError>(())
/// ```
#[track_caller]
pub fn to_bytes(tensors: &Tensors, metadata: &Metadata) -> Result<Vec<u8>, FileError> {
    let at = Place::default();
    let plan = Plan::of(tensors, metadata, &at)?;
    file::in_memory(plan.size, |sink| plan.write(sink, &at))
}

/// Reads the tensors and strings of a file.
///
/// # Errors
/// When the file is missing, truncated, contradicts itself, or holds a type that no tensor has.
pub fn load(path: impl AsRef<Path>) -> Result<(Tensors, Metadata), FileError> {
    let (file, len) = file::open(path.as_ref())?;
    read(&mut BufReader::with_capacity(file::CHUNK, file), len, &Place::file(path.as_ref()))
}

/// Reads the tensors and strings from the bytes of a file.
///
/// # Errors
/// As [`load`].
pub fn from_bytes(bytes: &[u8]) -> Result<(Tensors, Metadata), FileError> {
    read(&mut &*bytes, bytes.len() as u64, &Place::default())
}

fn read(source: &mut dyn Read, len: u64, at: &Place) -> Result<(Tensors, Metadata), FileError> {
    let truncated = |needed: u64| FileError::Truncated { at: at.clone(), needed, found: len };
    let available = len.checked_sub(8).ok_or_else(|| truncated(8))?;
    let failed = |e| FileError::from_read(at, e, len, 0);
    let mut claimed = [0; 8];
    source.read_exact(&mut claimed).map_err(failed)?;
    let claimed = u64::from_le_bytes(claimed);
    if claimed > LONGEST_HEADER {
        return Err(FileError::HeaderTooLarge { at: at.clone(), claimed, limit: LONGEST_HEADER });
    }
    let available = available.checked_sub(claimed).ok_or_else(|| truncated(8 + claimed))?;
    let mut json = file::reserve(claimed, at)?;
    source.take(claimed).read_to_end(&mut json).map_err(failed)?;
    let header: Header = serde_json::from_slice(&json).map_err(|e| broken(at, &e))?;
    let mut tensors = Tensors::new();
    for (name, kind, shape) in header.checked(available, at)? {
        let tensor = kind.read(&shape, source, false, &at.tensor(&name))?;
        tensors.insert(name, tensor);
    }
    Ok((tensors, header.metadata))
}

fn broken(at: &Place, error: &serde_json::Error) -> FileError {
    FileError::Header { at: at.clone(), reason: error.to_string() }
}

/// A file to be written.
struct Plan<'a> {
    header: Vec<u8>,
    order: Vec<(&'a String, &'a Tensor)>,
    size: u64,
}

impl Plan<'_> {
    /// Lays tensors out one after the other, wide elements first, so that all are aligned.
    fn of<'a>(tensors: &'a Tensors, metadata: &Metadata, at: &Place) -> Result<Plan<'a>, FileError> {
        let mut header = Header { metadata: metadata.clone(), tensors: BTreeMap::new() };
        let mut order: Vec<_> = tensors.iter().collect();
        order.sort_by_key(|(_, tensor)| std::cmp::Reverse(tensor.dtype().size()));
        let mut begin = 0usize;
        for &(name, tensor) in &order {
            let at = at.tensor(name);
            if name == METADATA {
                return Err(FileError::Name { at, reason: format!("the name {METADATA} is reserved for strings") });
            }
            let bytes = elements::written_bytes(tensor, &at)?;
            let end = usize::try_from(bytes).ok().and_then(|bytes| begin.checked_add(bytes));
            let end = end.ok_or_else(|| FileError::TooLarge { at, shape: tensor.to_shape() })?;
            let info = TensorInfo {
                dtype: name_of(tensor.dtype()),
                shape: tensor.shape().to_vec(),
                data_offsets: (begin, end),
            };
            header.tensors.insert(name.clone(), info);
            begin = end;
        }
        let mut header = serde_json::to_vec(&header).map_err(|e| broken(at, &e))?;
        header.resize(header.len().next_multiple_of(8), b' ');
        let claimed = header.len() as u64;
        if claimed > LONGEST_HEADER {
            return Err(FileError::HeaderTooLarge { at: at.clone(), claimed, limit: LONGEST_HEADER });
        }
        Ok(Plan { header, order, size: (8 + claimed).saturating_add(begin as u64) })
    }

    #[track_caller]
    fn write(&self, sink: &mut dyn Write, at: &Place) -> Result<(), FileError> {
        file::put(sink, &(self.header.len() as u64).to_le_bytes(), at)?;
        file::put(sink, &self.header, at)?;
        self.order.iter().try_for_each(|(name, tensor)| elements::write(tensor, sink, &at.tensor(name)))
    }
}
