//! Strided tensors read as a sequence of small dense blocks.
//!
//! Elementwise kernels are compiled for dense slices alone. A tensor that is dense lends its own memory; of any other, one
//! block at a time is gathered into a scratch array that stays in the first-level cache.

use smallvec::SmallVec;

use super::dispatch::{Loop, vectorised};
use crate::dtype::Element;
use crate::layout::{Axis, Layout};
use crate::tensor::Tensor;

/// Elements that are gathered at a time.
pub(crate) const BLOCK: usize = 1024;

/// A tensor as a sequence of elements in row-major order.
pub(crate) struct Reader<'a, T> {
    data: &'a [T],
    axes: SmallVec<[Axis; 6]>,
    offset: usize,
    dense: bool,
}

impl<'a, T: Element> Reader<'a, T> {
    /// Reads `x` as if it had been broadcast to `shape`.
    #[track_caller]
    pub(crate) fn new(x: &'a Tensor, layout: &Layout) -> Self {
        Reader {
            data: x.storage.slice::<T>(),
            axes: layout.coalesced(),
            offset: layout.offset,
            dense: layout.is_dense(),
        }
    }

    /// Whether blocks of any length can be lent without gathering.
    pub(crate) fn is_dense(&self) -> bool {
        self.dense
    }

    /// The elements `start .. start + len`; `scratch` serves where they must be gathered.
    pub(crate) fn block<'s>(&'s self, start: usize, len: usize, scratch: &'s mut Vec<T>) -> &'s [T] {
        if self.dense {
            return &self.data[self.offset + start..][..len];
        }
        scratch.resize(len, T::default());
        gather(self.data, &self.axes, self.offset, start, scratch);
        scratch
    }
}

/// Fills `out` with the elements of the walk from the `start`-th on.
pub(crate) fn gather<T: Element>(data: &[T], axes: &[Axis], offset: usize, start: usize, out: &mut [T]) {
    let Some((&(n, stride), outer)) = axes.split_last() else {
        return out.fill(data[offset]);
    };
    let (mut row, mut column) = (start / n, start % n);
    let mut done = 0;
    while done < out.len() {
        let run = (n - column).min(out.len() - done);
        let from = position(outer, offset, row) + column as isize * stride;
        let target = &mut out[done..done + run];
        match stride {
            1 => target.copy_from_slice(&data[from as usize..][..run]),
            0 => vectorised(Fill { out: target, value: data[from as usize] }),
            _ => {
                for (i, value) in target.iter_mut().enumerate() {
                    *value = data[(from + i as isize * stride) as usize];
                }
            }
        }
        done += run;
        row += 1;
        column = 0;
    }
}

/// The same value everywhere: what std does is compiled for every CPU.
struct Fill<'a, T> {
    out: &'a mut [T],
    value: T,
}

impl<T: Element> Loop for Fill<'_, T> {
    const WIDE: bool = T::WIDE;
    type Out = ();
    #[inline(always)]
    fn run(self) {
        self.out.iter_mut().for_each(|x| *x = self.value);
    }
}

/// Where the `index`-th element of a walk lies.
pub(crate) fn position(axes: &[Axis], offset: usize, mut index: usize) -> isize {
    let mut at = offset as isize;
    for &(n, stride) in axes.iter().rev() {
        at += (index % n) as isize * stride;
        index /= n;
    }
    at
}
