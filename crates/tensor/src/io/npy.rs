//! One tensor in one file: NumPy's [npy format](https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
//!
//! A magic word, a version, and a Python dictionary that gives type, order and shape; then the elements. Versions 1 to 3 are read, in either
//! byte order, in C or Fortran order; what is written is little-endian, in C order, of version 1 wherever the header fits.

mod header;

use std::io::{BufReader, Read, Write};
use std::path::Path;

use super::error::{FileError, Place};
use super::{elements, file};
use crate::shape::Shape;
use crate::tensor::Tensor;
use header::Header;

/// Writes a tensor to a file, whole or not at all.
///
/// # Errors
/// When the file cannot be written, or the tensor is `bf16`, which NumPy lacks.
///
/// # Panics
/// When the tensor is a [ghost](Tensor::ghost).
#[track_caller]
pub fn save(path: impl AsRef<Path>, x: &Tensor) -> Result<(), FileError> {
    let at = Place::file(path.as_ref());
    let plan = Plan::of(x, &at)?;
    file::save(path.as_ref(), |sink| plan.write(sink, &at))
}

/// The bytes of a file.
///
/// # Errors
/// When the tensor is `bf16`, which NumPy lacks, or there is not enough memory.
///
/// # Panics
/// When the tensor is a [ghost](Tensor::ghost).
///
/// ```
/// use chainrule_tensor::{io::npy, tensor};
/// let x = tensor![[1., 2.], [3., 4.]];
/// let bytes = npy::to_bytes(&x.t())?;
/// assert!(bytes.starts_with(b"\x93NUMPY"));
/// assert!(npy::from_bytes(&bytes)?.equal(&x.t()));
/// # Ok::<(), chainrule_tensor::io::FileError>(())
/// ```
#[track_caller]
pub fn to_bytes(x: &Tensor) -> Result<Vec<u8>, FileError> {
    let at = Place::default();
    let plan = Plan::of(x, &at)?;
    file::in_memory(plan.size, |sink| plan.write(sink, &at))
}

/// Reads the tensor of a file.
///
/// # Errors
/// When the file is missing, truncated, contradicts itself, or holds a type that no tensor has.
pub fn load(path: impl AsRef<Path>) -> Result<Tensor, FileError> {
    let (file, len) = file::open(path.as_ref())?;
    read(&mut BufReader::with_capacity(file::CHUNK, file), len, &Place::file(path.as_ref()))
}

/// Reads the tensor from the bytes of a file.
///
/// # Errors
/// As [`load`].
pub fn from_bytes(bytes: &[u8]) -> Result<Tensor, FileError> {
    read(&mut &*bytes, bytes.len() as u64, &Place::default())
}

/// Reads a tensor from a source of `len` bytes.
pub(super) fn read(source: &mut dyn Read, len: u64, at: &Place) -> Result<Tensor, FileError> {
    let (header, size) = Header::read(source, len, at)?;
    let Header { kind, big_endian, fortran, mut shape } = header;
    let needed = kind.bytes(&shape, at)?;
    let found = len.saturating_sub(size);
    if found < needed {
        return Err(FileError::Truncated { at: at.clone(), needed, found });
    }
    if found > needed {
        return Err(FileError::Trailing { at: at.clone(), extra: found - needed });
    }
    if fortran {
        shape.reverse();
    }
    let x = kind.read(&shape, source, big_endian, at)?;
    if !fortran {
        return Ok(x);
    }
    let reversed: Vec<isize> = (0..x.rank() as isize).rev().collect();
    Ok(x.permute(&reversed).contiguous())
}

/// A file to be written.
pub(super) struct Plan<'a> {
    header: Vec<u8>,
    x: &'a Tensor,
    pub(super) size: u64,
}

impl Plan<'_> {
    pub(super) fn of<'a>(x: &'a Tensor, at: &Place) -> Result<Plan<'a>, FileError> {
        let bytes = elements::written_bytes(x, at)?;
        let header = header::to_bytes(x.dtype(), &Shape::from(x.shape()), at)?;
        let size = bytes.saturating_add(header.len() as u64);
        Ok(Plan { header, x, size })
    }

    #[track_caller]
    pub(super) fn write(&self, sink: &mut dyn Write, at: &Place) -> Result<(), FileError> {
        file::put(sink, &self.header, at)?;
        elements::write(self.x, sink, at)
    }
}
