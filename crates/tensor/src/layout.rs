//! How a tensor walks its buffer.

use smallvec::SmallVec;

use crate::shape::Shape;

/// Shape, strides and offset, in elements. Strides may be zero (an expanded axis) or negative (a flipped one).
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
    pub(crate) shape: Shape,
    pub(crate) strides: SmallVec<[isize; 4]>,
    pub(crate) offset: usize,
}

/// One axis of a coalesced walk: its length and stride.
pub(crate) type Axis = (usize, isize);

impl Clone for Layout {
    #[inline]
    fn clone(&self) -> Layout {
        Layout { shape: self.shape.clone(), strides: copied(&self.strides), offset: self.offset }
    }
}

/// A copy of a number for each axis. Known lengths spare the call that copies memory of any length.
#[inline]
pub(crate) fn copied<T: Copy + Default>(x: &[T]) -> SmallVec<[T; 4]> {
    let none = T::default();
    let few = match *x {
        [] => [none; 4],
        [a] => [a, none, none, none],
        [a, b] => [a, b, none, none],
        [a, b, c] => [a, b, c, none],
        [a, b, c, d] => [a, b, c, d],
        _ => return SmallVec::from_slice(x),
    };
    SmallVec::from_buf_and_len(few, x.len())
}

impl Layout {
    /// The layout of a dense row-major tensor.
    pub fn dense(shape: Shape) -> Layout {
        let mut strides = match shape.len() {
            rank @ ..=4 => SmallVec::from_buf_and_len([1; 4], rank),
            rank => SmallVec::from_elem(1, rank),
        };
        let mut step = 1isize;
        for (stride, &n) in strides.iter_mut().zip(shape.iter()).rev() {
            *stride = step;
            step = step.wrapping_mul(n.max(1) as isize);
        }
        Layout { shape, strides, offset: 0 }
    }

    /// The length of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The distance in elements between neighbours along each axis.
    pub fn strides(&self) -> &[isize] {
        &self.strides
    }

    /// The position of the first element in the buffer.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Whether the elements lie one after the other in row-major order.
    pub fn is_dense(&self) -> bool {
        let mut step = 1isize;
        for (&n, &stride) in self.shape.iter().zip(&self.strides).rev() {
            if n != 1 && stride != step {
                return self.shape.contains(&0);
            }
            step = step.wrapping_mul(n as isize);
        }
        true
    }

    /// The same walk with as few axes as possible: axes of length 1 go, neighbours that continue each other merge.
    pub(crate) fn coalesced(&self) -> SmallVec<[Axis; 6]> {
        let mut axes: SmallVec<[Axis; 6]> = SmallVec::new();
        for (&n, &stride) in self.shape.iter().zip(&self.strides) {
            if n == 1 {
                continue;
            }
            match axes.last_mut() {
                Some((m, outer)) if *outer == stride * n as isize => {
                    *m *= n;
                    *outer = stride;
                }
                _ => axes.push((n, stride)),
            }
        }
        axes
    }

    /// This layout seen in the larger `shape`: new and length-1 axes get stride 0. The caller has checked that it broadcasts.
    pub(crate) fn expanded(&self, shape: &Shape) -> Layout {
        let skip = shape.len() - self.shape.len();
        let strides = shape
            .iter()
            .enumerate()
            .map(|(i, &n)| match i.checked_sub(skip) {
                Some(j) if self.shape[j] == n => self.strides[j],
                _ => 0,
            })
            .collect();
        Layout { shape: shape.clone(), strides, offset: self.offset }
    }

    /// The strides with which this layout's elements, in the same order, take the new `shape`; `None` when only a copy can.
    pub(crate) fn reshaped(&self, shape: &Shape) -> Option<Layout> {
        if self.is_dense() {
            return Some(Layout { offset: self.offset, ..Layout::dense(shape.clone()) });
        }
        let mut strides: SmallVec<[isize; 4]> = SmallVec::from_elem(0, shape.len());
        let axes = self.coalesced();
        let mut target = shape.len();
        for &(n, stride) in axes.iter().rev() {
            let (mut covered, mut step) = (1, stride);
            while covered < n {
                target = target.checked_sub(1)?;
                covered *= shape[target];
                strides[target] = step;
                step *= shape[target] as isize;
            }
            if covered != n {
                return None;
            }
        }
        Some(Layout { shape: shape.clone(), strides, offset: self.offset })
    }
}
