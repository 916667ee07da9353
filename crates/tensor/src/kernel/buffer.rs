//! Arrays of numbers on recycled memory.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::deferred::{Formula, Later, later};
use super::memory::Block;
use crate::dtype::{DType, Element};

/// A shared array of elements on recycled memory. Cloning shares; writing needs sole ownership.
pub struct Buffer<T> {
    shared: Arc<Owned<T>>,
}

/// What writes the elements of a buffer. A closure behind this trait is compiled once; behind `FnMut`, once more for `FnOnce`.
pub(crate) trait Fill<T> {
    fn fill(&mut self, out: &mut [T]);
}

impl<T, F: FnMut(&mut [T])> Fill<T> for F {
    fn fill(&mut self, out: &mut [T]) {
        self(out)
    }
}

struct Owned<T> {
    memory: Memory<T>,
    len: usize,
}

/// Where elements are. A few lie beside their count, so that single numbers need one allocation and not two; others are not computed yet.
enum Memory<T> {
    Inside([u64; 4]),
    Block(Block),
    Later(Box<dyn Later<T>>),
}

impl<T> Memory<T> {
    const INSIDE: usize = size_of::<[u64; 4]>();

    /// Where they start; for what is here already.
    #[inline]
    fn start(&self) -> *const u8 {
        match self {
            Memory::Inside(words) => words.as_ptr().cast(),
            Memory::Block(block) => block.start(),
            Memory::Later(_) => unreachable!("has memory of its own"),
        }
    }

    #[inline]
    fn start_mut(&mut self) -> *mut u8 {
        match self {
            Memory::Inside(words) => words.as_mut_ptr().cast(),
            Memory::Block(block) => block.start(),
            Memory::Later(_) => unreachable!("has memory of its own"),
        }
    }
}

impl<T> Drop for Owned<T> {
    #[inline]
    fn drop(&mut self) {
        if let Memory::Block(_) = self.memory
            && let Memory::Block(block) = std::mem::replace(&mut self.memory, Memory::Inside([0; 4]))
        {
            block.recycle();
        }
    }
}

impl<T> Clone for Buffer<T> {
    #[inline]
    fn clone(&self) -> Self {
        Buffer { shared: Arc::clone(&self.shared) }
    }
}

impl<T: Element> Buffer<T> {
    /// A buffer of `len` elements that `fill` writes. What the slice holds before is unspecified.
    #[inline]
    #[track_caller]
    pub fn new(len: usize, mut fill: impl FnMut(&mut [T])) -> Buffer<T> {
        Buffer::filled(len, &mut fill)
    }

    /// Through a pointer, so that this is compiled once per type, and not for each that fills a buffer.
    #[track_caller]
    fn filled(len: usize, fill: &mut dyn Fill<T>) -> Buffer<T> {
        Buffer::inlined(len, |out| fill.fill(out))
    }

    /// [`new`](Buffer::new), compiled into its caller: for the few that fill many small buffers.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn inlined(len: usize, fill: impl FnOnce(&mut [T])) -> Buffer<T> {
        let mut owned = Owned::with_len(len);
        fill(owned.slice_mut());
        Buffer { shared: Arc::new(owned) }
    }

    /// A buffer of `len` elements that are computed when they are first read.
    pub(crate) fn later(len: usize, formula: Formula<T>) -> Buffer<T> {
        let memory = Memory::Later(later(formula));
        Buffer { shared: Arc::new(Owned { memory, len }) }
    }

    /// What the elements will be computed by, while they are not.
    pub(crate) fn formula(&self) -> Option<Arc<Formula<T>>> {
        match &self.shared.memory {
            Memory::Later(later) => later.formula(),
            _ => None,
        }
    }

    /// The elements.
    #[inline]
    pub fn as_slice(&self) -> &[T] {
        self.shared.slice()
    }

    /// The elements for writing, if no other tensor shares them.
    #[inline]
    pub fn as_mut_slice(&mut self) -> Option<&mut [T]> {
        Arc::get_mut(&mut self.shared).map(Owned::slice_mut)
    }

    /// Number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.shared.len
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An identity: equal for those that share memory.
    pub(crate) fn identity(&self) -> usize {
        Arc::as_ptr(&self.shared) as usize
    }

    /// Whether both are the same memory.
    pub fn shares(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl<T: Element> Owned<T> {
    #[inline]
    #[track_caller]
    fn with_len(len: usize) -> Owned<T> {
        let Some(bytes) = len.checked_mul(size_of::<T>()) else {
            panic!("out of memory: a tensor of {len} {} elements is larger than an address space", T::DTYPE)
        };
        if bytes <= Memory::<T>::INSIDE {
            return Owned { memory: Memory::Inside([0; 4]), len };
        }
        let block = Block::new(bytes);
        if T::DTYPE == DType::Bool {
            // SAFETY: the block has at least `bytes` bytes and is ours alone. Only 0 and 1 are valid as `bool`, and a
            // recycled block may hold anything.
            unsafe { block.start().write_bytes(0, bytes) };
        }
        Owned { memory: Memory::Block(block), len }
    }

    #[inline]
    fn slice(&self) -> &[T] {
        if let Memory::Later(later) = &self.memory {
            return later.result(self.len).as_slice();
        }
        // SAFETY: the memory is aligned for every element type, holds `len` of them, is initialised, and every bit pattern is a
        // valid number (`bool` blocks were cleared in `with_len`). It lives as long as `self`.
        unsafe { std::slice::from_raw_parts(self.memory.start().cast(), self.len) }
    }

    #[inline]
    fn slice_mut(&mut self) -> &mut [T] {
        if let Memory::Later(_) = self.memory {
            let Memory::Later(later) = &mut self.memory else { unreachable!("was just seen") };
            return later.result_mut(self.len).as_mut_slice().expect("nobody else has what was computed here");
        }
        // SAFETY: as in `slice`, and `&mut self` is the only access.
        unsafe { std::slice::from_raw_parts_mut(self.memory.start_mut().cast(), self.len) }
    }
}

/// Room for numbers to work with, whose content is unspecified. It comes from the pool: the system would take a large vector's pages back between one call
/// and the next. A few numbers lie inside and move with it: who keeps a pointer to them takes a [`Buffer`], whose numbers stay where they are.
pub(super) struct Scratch<T>(Owned<T>);

impl<T: Element> Scratch<T> {
    #[track_caller]
    pub(super) fn new(len: usize) -> Scratch<T> {
        Scratch(Owned::with_len(len))
    }

    #[track_caller]
    pub(super) fn zeros(len: usize) -> Scratch<T> {
        let mut scratch = Scratch::new(len);
        scratch.fill(T::default());
        scratch
    }
}

impl<T: Element> Deref for Scratch<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        self.0.slice()
    }
}

impl<T: Element> DerefMut for Scratch<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.0.slice_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recycled_memory_never_makes_an_invalid_bool() {
        for _ in 0..4 {
            let noise = Buffer::<i64>::new(16 * 1024, |x| x.fill(-1));
            drop(noise);
            let flags = Buffer::<bool>::new(128 * 1024, |_| {});
            assert!(flags.as_slice().iter().all(|&b| !b));
        }
    }

    #[test]
    fn a_shared_buffer_cannot_be_written() {
        for len in [4, 400] {
            let mut a = Buffer::<f32>::new(len, |x| x.fill(1.0));
            let b = a.clone();
            assert!(a.as_mut_slice().is_none() && a.shares(&b));
            drop(b);
            a.as_mut_slice().unwrap()[0] = 2.0;
            assert_eq!(a.as_slice()[..2], [2.0, 1.0]);
        }
    }
}
