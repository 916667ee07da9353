//! How a tensor walks its buffer.

use smallvec::SmallVec;

use crate::shape::{Shape, same};

/// Shape, strides and offset, in elements. Strides may be zero (an expanded axis) or negative (a flipped one).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    pub(crate) shape: Shape,
    /// Only where they are not those of a dense tensor, which most tensors are.
    strides: Option<Box<Strides>>,
    pub(crate) offset: usize,
}

type Strides = SmallVec<[isize; 4]>;

/// A layout with its strides spelled out: what views change, axis by axis.
pub(crate) struct Walk {
    pub(crate) shape: Shape,
    pub(crate) strides: Strides,
    pub(crate) offset: usize,
}

/// One axis of a coalesced walk: its length and stride.
pub(crate) type Axis = (usize, isize);

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
    #[inline]
    pub fn dense(shape: Shape) -> Layout {
        Layout { shape, strides: None, offset: 0 }
    }

    /// This layout with its strides spelled out.
    pub(crate) fn walk(&self) -> Walk {
        Walk { shape: self.shape.clone(), strides: self.strides(), offset: self.offset }
    }

    /// The length of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The distance in elements between neighbours along each axis.
    pub fn strides(&self) -> SmallVec<[isize; 4]> {
        match &self.strides {
            Some(strides) => copied(strides),
            None => dense_strides(&self.shape),
        }
    }

    /// The position of the first element in the buffer.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Whether the elements lie one after the other in row-major order.
    #[inline]
    pub fn is_dense(&self) -> bool {
        self.strides.is_none()
    }

    /// The same walk with as few axes as possible: axes of length 1 go, neighbours that continue each other merge.
    pub(crate) fn coalesced(&self) -> SmallVec<[Axis; 6]> {
        let mut axes: SmallVec<[Axis; 6]> = SmallVec::new();
        for (&n, stride) in self.shape.iter().zip(self.strides()) {
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
        if same(&self.shape, shape) {
            return self.clone();
        }
        let (skip, own) = (shape.len() - self.shape.len(), self.strides());
        let strides = shape
            .iter()
            .enumerate()
            .map(|(i, &n)| match i.checked_sub(skip) {
                Some(j) if self.shape[j] == n => own[j],
                _ => 0,
            })
            .collect();
        Walk { shape: shape.clone(), strides, offset: self.offset }.into()
    }

    /// The strides with which this layout's elements, in the same order, take the new `shape`; `None` when only a copy can.
    pub(crate) fn reshaped(&self, shape: &Shape) -> Option<Layout> {
        if self.is_dense() {
            return Some(Layout { offset: self.offset, ..Layout::dense(shape.clone()) });
        }
        let mut strides = Strides::from_elem(0, shape.len());
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
        Some(Walk { shape: shape.clone(), strides, offset: self.offset }.into())
    }
}

impl From<Walk> for Layout {
    fn from(Walk { shape, strides, offset }: Walk) -> Layout {
        let strides = (!are_dense(&strides, &shape)).then(|| Box::new(strides));
        Layout { shape, strides, offset }
    }
}

/// The strides of a dense row-major tensor.
fn dense_strides(shape: &[usize]) -> Strides {
    let mut strides = Strides::from_elem(1, shape.len());
    let mut step = 1isize;
    for (stride, &n) in strides.iter_mut().zip(shape).rev() {
        *stride = step;
        step = step.wrapping_mul(n.max(1) as isize);
    }
    strides
}

/// Whether a walk with these strides comes by the elements one after the other in row-major order.
fn are_dense(strides: &[isize], shape: &[usize]) -> bool {
    let mut step = 1isize;
    for (&n, &stride) in shape.iter().zip(strides).rev() {
        if n != 1 && stride != step {
            return shape.contains(&0);
        }
        step = step.wrapping_mul(n as isize);
    }
    true
}

#[cfg(test)]
mod tests {
    use crate::{DType, Tensor, s};

    #[test]
    fn whatever_walks_densely_is_the_dense_layout() {
        let x = Tensor::zeros([2, 1, 3], DType::F32).contiguous();
        for same in
            [x.t().t(), x.flip(&[0, 2]).flip(&[2, 0]), x.broadcast_to([2, 1, 3]), x.slice(&[s(..), s(..).step(-1)])]
        {
            assert_eq!(same.layout(), x.layout());
        }
        let rows = x.t();
        assert!(
            rows.is_contiguous() && rows.layout().strides()[..] == [3, 1, 1],
            "an axis of length 1 has no stride of its own"
        );
        let last = x.select(0, 1);
        assert!(last.is_contiguous() && last.layout().offset() == 3);
        assert!(!x.transpose(0, 2).is_contiguous() && !x.narrow(2, 0, 2).is_contiguous());
    }
}
