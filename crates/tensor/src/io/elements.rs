//! Elements as bytes: what lies in files, and how it becomes tensors.

use std::io::{Read, Write};

use half::{bf16, f16};

use super::error::{FileError, Place};
use super::file::{CHUNK, put, reserve};
use crate::dtype::{DType, Element, each_dtype};
use crate::kernel::blocks::Reader;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// An element type that a file can have. Narrow integers become `i64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    F16,
    BF16,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    Bool,
}

impl Kind {
    /// The type in which a tensor is written.
    pub(super) fn of(dtype: DType) -> Kind {
        match dtype {
            DType::F32 => Kind::F32,
            DType::F64 => Kind::F64,
            DType::F16 => Kind::F16,
            DType::BF16 => Kind::BF16,
            DType::I64 => Kind::I64,
            DType::Bool => Kind::Bool,
        }
    }

    /// Bytes per element.
    pub(super) fn size(self) -> u64 {
        match self {
            Kind::I8 | Kind::U8 | Kind::Bool => 1,
            Kind::F16 | Kind::BF16 | Kind::I16 | Kind::U16 => 2,
            Kind::F32 | Kind::I32 | Kind::U32 => 4,
            Kind::F64 | Kind::I64 => 8,
        }
    }

    /// Bytes of a tensor of this type in a file. Neither they nor those of the tensor in memory may exceed an address space,
    /// even where an axis of length zero makes the product of all lengths small.
    pub(super) fn bytes(self, shape: &Shape, at: &Place) -> Result<u64, FileError> {
        let integer = !matches!(self, Kind::F16 | Kind::BF16 | Kind::F32 | Kind::F64 | Kind::Bool);
        let in_memory = if integer { 8 } else { self.size() };
        let lengths = shape.iter().map(|&n| n as u64);
        let largest = lengths.clone().filter(|&n| n > 0).try_fold(in_memory, u64::checked_mul);
        match largest.and_then(|n| isize::try_from(n).ok()) {
            None => Err(FileError::TooLarge { at: at.clone(), shape: shape.clone() }),
            Some(_) => Ok(lengths.product::<u64>() * self.size()),
        }
    }

    /// Reads a dense tensor whose size the caller has checked against the bytes that are there.
    pub(super) fn read(
        self,
        shape: &Shape,
        source: &mut dyn Read,
        big_endian: bool,
        at: &Place,
    ) -> Result<Tensor, FileError> {
        macro_rules! numbers {
            ($from:ident => $to:ident) => {
                read_as::<$to, { size_of::<$from>() }>(shape, source, at, |bytes| {
                    let number = if big_endian { $from::from_be_bytes(bytes) } else { $from::from_le_bytes(bytes) };
                    Some($to::from(number))
                })
            };
        }
        match self {
            Kind::F16 => numbers!(f16 => f16),
            Kind::BF16 => numbers!(bf16 => bf16),
            Kind::F32 => numbers!(f32 => f32),
            Kind::F64 => numbers!(f64 => f64),
            Kind::I8 => numbers!(i8 => i64),
            Kind::I16 => numbers!(i16 => i64),
            Kind::I32 => numbers!(i32 => i64),
            Kind::I64 => numbers!(i64 => i64),
            Kind::U8 => numbers!(u8 => i64),
            Kind::U16 => numbers!(u16 => i64),
            Kind::U32 => numbers!(u32 => i64),
            Kind::Bool => read_as::<bool, 1>(shape, source, at, |[byte]| match byte {
                0 => Some(false),
                1 => Some(true),
                _ => None,
            }),
        }
    }
}

/// Reads elements of `N` bytes; `decode` refuses only truth values.
fn read_as<T: Element, const N: usize>(
    shape: &Shape,
    source: &mut dyn Read,
    at: &Place,
    decode: impl Fn([u8; N]) -> Option<T>,
) -> Result<Tensor, FileError> {
    let total = (shape.count() * N) as u64;
    reserve((shape.count() * size_of::<T>()) as u64, at)?;
    let mut buffer = vec![0; CHUNK.min(shape.count() * N)];
    let mut read = |out: &mut [T]| {
        for (chunk, values) in out.chunks_mut(CHUNK / N).enumerate() {
            let done = (chunk * (CHUNK / N) * N) as u64;
            let bytes = &mut buffer[..values.len() * N];
            source.read_exact(bytes).map_err(|e| FileError::from_read(at, e, total, done))?;
            for (i, (value, &bytes)) in values.iter_mut().zip(bytes.as_chunks::<N>().0).enumerate() {
                let refused = || FileError::Bool { at: at.clone(), index: done + i as u64, value: bytes[0] };
                *value = decode(bytes).ok_or_else(refused)?;
            }
        }
        Ok(())
    };
    let mut outcome = Ok(());
    let tensor = Tensor::build::<T>(shape, |out| outcome = read(out));
    outcome.map(|()| tensor)
}

/// An element as little-endian bytes.
trait Encode: Element {
    /// Writes `values` into `out`, which has exactly their size.
    fn encode(values: &[Self], out: &mut [u8]);
}

macro_rules! encode {
    ($($ty:ty)*) => {$(
        impl Encode for $ty {
            fn encode(values: &[Self], out: &mut [u8]) {
                for (bytes, value) in out.as_chunks_mut().0.iter_mut().zip(values) {
                    *bytes = value.to_le_bytes();
                }
            }
        }
    )*};
}
encode!(f16 bf16 f32 f64 i64);

impl Encode for bool {
    fn encode(values: &[Self], out: &mut [u8]) {
        out.iter_mut().zip(values).for_each(|(byte, &value)| *byte = value.into());
    }
}

/// Writes the elements in row-major order as little-endian bytes, gathering views block by block.
#[track_caller]
pub(super) fn write(x: &Tensor, sink: &mut dyn Write, at: &Place) -> Result<(), FileError> {
    each_dtype!(x.dtype(), T => {
        let reader = Reader::<T>::new(x, &x.layout);
        let (count, step) = (x.len(), CHUNK / size_of::<T>());
        let (mut scratch, mut bytes) = (Vec::new(), vec![0; step.min(count) * size_of::<T>()]);
        for start in (0..count).step_by(step) {
            let values = reader.block(start, step.min(count - start), &mut scratch);
            let bytes = &mut bytes[..size_of_val(values)];
            T::encode(values, bytes);
            put(sink, bytes, at)?;
        }
        Ok(())
    })
}

/// Bytes of all elements, or an error where no file could hold them.
pub(super) fn written_bytes(x: &Tensor, at: &Place) -> Result<u64, FileError> {
    Kind::of(x.dtype()).bytes(&x.to_shape(), at)
}
