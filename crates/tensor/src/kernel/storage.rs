//! One buffer per element type, and the ghost of one.

use half::{bf16, f16};

use super::buffer::Buffer;
use crate::dtype::{DType, Element};

/// A tensor's numbers, whatever their type.
#[derive(Clone)]
pub enum Storage {
    /// `f32` elements
    F32(Buffer<f32>),
    /// `f64` elements
    F64(Buffer<f64>),
    /// `f16` elements
    F16(Buffer<f16>),
    /// `bf16` elements
    BF16(Buffer<bf16>),
    /// `i64` elements
    I64(Buffer<i64>),
    /// `bool` elements
    Bool(Buffer<bool>),
    /// No numbers: what is left of a tensor that a tape entry did not save.
    Ghost(DType),
}

impl Storage {
    #[inline]
    pub(crate) fn dtype(&self) -> DType {
        match self {
            Storage::F32(_) => DType::F32,
            Storage::F64(_) => DType::F64,
            Storage::F16(_) => DType::F16,
            Storage::BF16(_) => DType::BF16,
            Storage::I64(_) => DType::I64,
            Storage::Bool(_) => DType::Bool,
            Storage::Ghost(dtype) => *dtype,
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Storage::F32(b) => b.len(),
            Storage::F64(b) => b.len(),
            Storage::F16(b) => b.len(),
            Storage::BF16(b) => b.len(),
            Storage::I64(b) => b.len(),
            Storage::Bool(b) => b.len(),
            Storage::Ghost(_) => 0,
        }
    }

    /// An identity for the memory behind this storage: equal for tensors that share it.
    pub(crate) fn address(&self) -> usize {
        match self {
            Storage::F32(b) => b.identity(),
            Storage::F64(b) => b.identity(),
            Storage::F16(b) => b.identity(),
            Storage::BF16(b) => b.identity(),
            Storage::I64(b) => b.identity(),
            Storage::Bool(b) => b.identity(),
            Storage::Ghost(_) => 0,
        }
    }

    #[inline]
    #[track_caller]
    pub(crate) fn slice<T: Element>(&self) -> &[T] {
        match T::buffer(self) {
            Some(buffer) => buffer.as_slice(),
            None => self.refuse(T::DTYPE),
        }
    }

    /// The elements for writing; `None` while another tensor shares them.
    #[track_caller]
    pub(crate) fn slice_mut<T: Element>(&mut self) -> Option<&mut [T]> {
        if T::buffer(self).is_none() {
            self.refuse(T::DTYPE)
        }
        T::buffer_mut(self).and_then(Buffer::as_mut_slice)
    }

    #[track_caller]
    fn refuse(&self, wanted: DType) -> ! {
        if let Storage::Ghost(_) = self {
            panic!(
                "these values were not saved: a backward rule reads an input or output that its `saves()` leaves out; \
                 name it there (Saves::Others, Saves::Inputs, Saves::Output or Saves::Both)"
            )
        }
        panic!("the tensor holds {}, not {wanted}; convert it with .cast(DType::{wanted:?})", self.dtype())
    }
}
