//! What can be wrong with a file.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::dtype::DType;
use crate::shape::Shape;

/// Where something is wrong: in which file, unless the bytes came from memory, and in which tensor, once one is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: Option<PathBuf>,
    /// The tensor's name.
    pub tensor: Option<String>,
}

impl Place {
    pub(super) fn file(path: &Path) -> Place {
        Place { file: Some(path.to_path_buf()), tensor: None }
    }

    pub(super) fn tensor(&self, name: &str) -> Place {
        Place { file: self.file.clone(), tensor: Some(name.to_string()) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.as_ref().map_or("bytes in memory".into(), |path| path.to_string_lossy());
        f.write_str(&file)?;
        match &self.tensor {
            None => Ok(()),
            Some(name) if name.chars().nth(LONGEST_NAME).is_none() => write!(f, ", tensor {name:?}"),
            Some(name) => write!(f, ", tensor {:?}…", name.chars().take(LONGEST_NAME).collect::<String>()),
        }
    }
}

/// Characters of a name that an error repeats.
const LONGEST_NAME: usize = 80;

/// Why a file could not be read or written. Every error says where ([`FileError::at`]) and what.
///
/// ```
/// use chainrule_tensor::io::{npy, FileError};
/// let error = npy::load("no/such/file.npy").unwrap_err();
/// assert!(matches!(error, FileError::Missing { .. }));
/// assert_eq!(error.to_string(), "no/such/file.npy: there is no such file or folder");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The file, or the folder that it should be in, does not exist.
    #[error("{at}: there is no such file or folder")]
    Missing {
        /// Where.
        at: Place,
    },
    /// The system refused to read or write.
    #[error("{at}: {source}")]
    Io {
        /// Where.
        at: Place,
        /// What the system says.
        source: io::Error,
    },
    /// A folder, a device or a pipe, whose length is not known.
    #[error("{at}: this is not a regular file")]
    NotRegular {
        /// Where.
        at: Place,
    },
    /// Another format, or noise.
    #[error("{at}: this is not {format}: {reason}")]
    Format {
        /// Where.
        at: Place,
        /// The format that was expected.
        format: &'static str,
        /// What is missing.
        reason: String,
    },
    /// A header that is not UTF-8, not of the format's syntax, or lacks an entry.
    #[error("{at}: broken header: {reason}")]
    Header {
        /// Where.
        at: Place,
        /// What is wrong with it.
        reason: String,
    },
    /// A header beyond all reason.
    #[error("{at}: the header claims {claimed} bytes; at most {limit} are allowed")]
    HeaderTooLarge {
        /// Where.
        at: Place,
        /// The length it claims.
        claimed: u64,
        /// The length that is allowed.
        limit: u64,
    },
    /// Fewer bytes than the header promises.
    #[error("{at}: truncated, or mislabelled: {needed} bytes are promised, {found} are there")]
    Truncated {
        /// Where.
        at: Place,
        /// Bytes that are promised.
        needed: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// More bytes than the header promises.
    #[error("{at}: {extra} bytes follow that no tensor owns")]
    Trailing {
        /// Where.
        at: Place,
        /// Bytes beyond the end.
        extra: u64,
    },
    /// Tensors that overlap, lie in the wrong order or leave a hole.
    #[error("{at}: claims bytes {begin} to {end}, but must begin at {expected}, where the one before ends")]
    Offsets {
        /// Where.
        at: Place,
        /// The first byte that the tensor claims.
        begin: u64,
        /// One past the last byte that it claims.
        end: u64,
        /// Where it must begin.
        expected: u64,
    },
    /// A shape and an element type that do not fit the bytes.
    #[error("{at}: shape {shape} needs {needed} bytes, but {given} are set aside")]
    Mislabelled {
        /// Where.
        at: Place,
        /// The shape.
        shape: Shape,
        /// Bytes that the shape needs.
        needed: u64,
        /// Bytes that the tensor owns.
        given: u64,
    },
    /// A shape with more bytes than an address space.
    #[error("{at}: a tensor of shape {shape} is larger than an address space")]
    TooLarge {
        /// Where.
        at: Place,
        /// The shape.
        shape: Shape,
    },
    /// Memory that could not be had.
    #[error("{at}: out of memory: {bytes} bytes are needed")]
    OutOfMemory {
        /// Where.
        at: Place,
        /// Bytes asked for.
        bytes: u64,
    },
    /// An element type that no tensor has.
    #[error("{at}: no tensor holds elements of type {found}; convert them before saving (to f64 or i64, say)")]
    UnknownType {
        /// Where.
        at: Place,
        /// The type's name in the file.
        found: String,
    },
    /// An element type that the format lacks.
    #[error("{at}: {format} has no {dtype}; convert the tensor with .cast(DType::F32), or save it as safetensors")]
    UnsupportedType {
        /// Where.
        at: Place,
        /// The tensor's type.
        dtype: DType,
        /// The format.
        format: &'static str,
    },
    /// A truth value that is neither 0 nor 1.
    #[error("{at}: element {index} of type bool is {value}, neither 0 nor 1")]
    Bool {
        /// Where.
        at: Place,
        /// The element's position in the file.
        index: u64,
        /// Its byte.
        value: u8,
    },
    /// A name that the format cannot hold, or holds twice.
    #[error("{at}: {reason}")]
    Name {
        /// Where.
        at: Place,
        /// What is wrong with it.
        reason: String,
    },
    /// A zip archive that contradicts itself, is compressed in an unknown way, or fails its checksum.
    #[error("{at}: broken archive: {reason}")]
    Archive {
        /// Where.
        at: Place,
        /// What is wrong with it.
        reason: String,
    },
}

impl FileError {
    /// The file and the tensor at fault.
    pub fn at(&self) -> &Place {
        match self {
            FileError::Missing { at }
            | FileError::Io { at, .. }
            | FileError::NotRegular { at }
            | FileError::Format { at, .. }
            | FileError::Header { at, .. }
            | FileError::HeaderTooLarge { at, .. }
            | FileError::Truncated { at, .. }
            | FileError::Trailing { at, .. }
            | FileError::Offsets { at, .. }
            | FileError::Mislabelled { at, .. }
            | FileError::TooLarge { at, .. }
            | FileError::OutOfMemory { at, .. }
            | FileError::UnknownType { at, .. }
            | FileError::UnsupportedType { at, .. }
            | FileError::Bool { at, .. }
            | FileError::Name { at, .. }
            | FileError::Archive { at, .. } => at,
        }
    }

    /// What the system said about a file.
    pub(super) fn from_io(at: &Place, source: io::Error) -> FileError {
        let at = at.clone();
        if source.kind() == io::ErrorKind::NotFound { FileError::Missing { at } } else { FileError::Io { at, source } }
    }

    /// What the system, or a decompressor between it and us, said while `needed` bytes were read, `found` of which came.
    pub(super) fn from_read(at: &Place, source: io::Error, needed: u64, found: u64) -> FileError {
        let at = at.clone();
        match source.kind() {
            io::ErrorKind::UnexpectedEof => FileError::Truncated { at, needed, found },
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                FileError::Archive { at, reason: source.to_string() }
            }
            _ => FileError::Io { at, source },
        }
    }
}
