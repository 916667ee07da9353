//! IDX, the file format of MNIST: a magic number, the lengths of the axes, then the elements.
//!
//! ```text
//! 00 00 08 03              two zeros, the element type (08: unsigned bytes), the number of axes
//! 00 00 ea 60              one big-endian 32-bit length per axis: 60000 images
//! 00 00 00 1c 00 00 00 1c  of 28 × 28
//! …                        the elements, the last axis fastest
//! ```
//!
//! Files may be compressed with gzip; that is seen from their content, not from their name. Only unsigned bytes are
//! read, the one element type the MNIST family uses. A reader trusts nothing: memory grows with the bytes that
//! arrive, never with what a header claims, and never beyond [`MAX_ELEMENTS`].
//!
//! Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", section "File formats".

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

/// The largest number of elements that is read from one file: 2³⁰, or 1 GiB.
pub const MAX_ELEMENTS: u64 = 1 << 30;

const UNSIGNED_BYTE: u8 = 0x08;

/// The content of an IDX file: bytes in a shape.
///
/// ```
/// let file = [0, 0, 8, 2, /* axes */ 0, 0, 0, 2, 0, 0, 0, 3, /* elements */ 1, 2, 3, 4, 5, 6];
/// let array = chainrule_data::idx::read(&file[..])?;
/// assert_eq!(array.shape(), [2, 3]);
/// assert_eq!(array.elements(), [1, 2, 3, 4, 5, 6]);
/// # Ok::<(), chainrule_data::idx::IdxError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdxArray {
    shape: Vec<usize>,
    elements: Vec<u8>,
}

impl IdxArray {
    /// The length of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements, the last axis fastest.
    pub fn elements(&self) -> &[u8] {
        &self.elements
    }

    /// The elements by value.
    pub fn into_elements(self) -> Vec<u8> {
        self.elements
    }
}

/// Why bytes are not an IDX array.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdxError {
    /// The source could not be read, or its gzip stream is damaged.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The first two bytes are not zero.
    #[error("it is not an IDX file: it begins with {found:02x?}, where IDX has [00, 00, type, axes]")]
    Magic {
        /// The first four bytes.
        found: [u8; 4],
    },
    /// The elements are not unsigned bytes.
    #[error("its elements have type 0x{code:02x}; only unsigned bytes (0x08) are read")]
    ElementType {
        /// The type code of the file.
        code: u8,
    },
    /// The source ends too early.
    #[error("it is truncated: {found} of {wanted} {part} bytes are there")]
    Truncated {
        /// Which part ends early: header or element.
        part: &'static str,
        /// The bytes that part should have.
        wanted: u64,
        /// The bytes that are there.
        found: u64,
    },
    /// The source goes on after the last element.
    #[error("it is too long: bytes follow the {wanted} elements that its header announces")]
    Trailing {
        /// The number of elements by the header.
        wanted: u64,
    },
    /// The header announces more than [`MAX_ELEMENTS`].
    #[error("its header announces {shape:?} elements, more than the limit of {MAX_ELEMENTS}")]
    TooLarge {
        /// The shape by the header.
        shape: Vec<u32>,
    },
}

/// Reads the IDX file at `path`, plain or gzip.
///
/// # Errors
/// Whatever [`read`] can say, and that the file cannot be opened.
pub fn open(path: impl AsRef<Path>) -> Result<IdxArray, IdxError> {
    read(File::open(path)?)
}

/// Reads an IDX array, plain or gzip, from `source` up to its end.
///
/// # Errors
/// [`IdxError`], when the source is damaged, is something else, is longer or shorter than its header says, or is larger
/// than [`MAX_ELEMENTS`].
pub fn read(source: impl Read) -> Result<IdxArray, IdxError> {
    let mut source = BufReader::new(source);
    let mut start = [0; 2];
    let found = fill(&mut source, &mut start)?;
    let source = (&start[..found]).chain(source);
    if start == [0x1f, 0x8b] { read_plain(MultiGzDecoder::new(source)) } else { read_plain(source) }
}

fn read_plain(mut source: impl Read) -> Result<IdxArray, IdxError> {
    let mut magic = [0; 4];
    read_header(&mut source, &mut magic)?;
    let [0, 0, code, axes] = magic else { return Err(IdxError::Magic { found: magic }) };
    if code != UNSIGNED_BYTE {
        return Err(IdxError::ElementType { code });
    }
    let mut header = vec![0; 4 * usize::from(axes)];
    read_header(&mut source, &mut header)?;
    let lengths: Vec<u32> = header.chunks_exact(4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]])).collect();
    let count = lengths.iter().try_fold(1u64, |n, &length| n.checked_mul(length.into()));
    let Some(wanted) = count.filter(|&n| n <= MAX_ELEMENTS) else {
        return Err(IdxError::TooLarge { shape: lengths });
    };
    // One byte more is asked for, to see that the source ends; reading to the end also verifies gzip's checksum.
    let mut elements = Vec::new();
    let ended = source.take(wanted + 1).read_to_end(&mut elements);
    let found = elements.len() as u64;
    match ended {
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error.into()),
        Ok(_) if found > wanted => Err(IdxError::Trailing { wanted }),
        Ok(_) if found == wanted => Ok(IdxArray { shape: lengths.into_iter().map(|n| n as usize).collect(), elements }),
        // A gzip stream may also end inside its trailer, after the last element.
        Err(error) if found == wanted => Err(error.into()),
        _ => Err(IdxError::Truncated { part: "element", wanted, found }),
    }
}

fn read_header(source: &mut impl Read, header: &mut [u8]) -> Result<(), IdxError> {
    let found = fill(source, header)?;
    if found < header.len() {
        return Err(IdxError::Truncated { part: "header", wanted: header.len() as u64, found: found as u64 });
    }
    Ok(())
}

/// Fills `buffer` as far as the source reaches, and says how far that is.
fn fill(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut found = 0;
    while found < buffer.len() {
        match source.read(&mut buffer[found..]) {
            Ok(0) => break,
            Ok(n) => found += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}
