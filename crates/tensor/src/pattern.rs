//! Tensors that follow a pattern: powers of a base, identities, triangles.

use crate::dtype::{DType, Element, each_dtype};
use crate::kernel::buffer::Buffer;
use crate::layout::Layout;
use crate::shape::Shape;
use crate::tensor::Tensor;

impl Tensor {
    /// A tensor of this one's shape and type, every element `x`.
    pub fn full_like(&self, x: f64) -> Tensor {
        Self::full(self.to_shape(), x, self.dtype())
    }

    /// `n` powers of `base`, with exponents evenly spaced from `start` to `end`, both included.
    ///
    /// ```
    /// use chainrule_tensor::{DType, Tensor};
    /// assert_eq!(Tensor::logspace(0.0, 2.0, 3, 10.0, DType::F64).to_vec::<f64>(), [1.0, 10.0, 100.0]);
    /// ```
    #[track_caller]
    pub fn logspace(start: f64, end: f64, n: usize, base: f64, dtype: DType) -> Tensor {
        let exponents = Self::linspace(start, end, n, DType::F64).to_vec::<f64>();
        each_dtype!(dtype, T => Tensor::build::<T>([n], |out| {
            for (o, &x) in out.iter_mut().zip(&exponents) {
                *o = T::from_f64(libm::pow(base, x));
            }
        }))
    }

    /// The identity matrix: ones on the diagonal of an `n × n` matrix of zeros.
    #[track_caller]
    pub fn eye(n: usize, dtype: DType) -> Tensor {
        Self::eye_of(n, n, dtype)
    }

    /// Ones on the diagonal of an `n × m` matrix of zeros.
    ///
    /// ```
    /// use chainrule_tensor::{DType, Tensor};
    /// assert_eq!(Tensor::eye_of(2, 3, DType::I64).to_vec::<i64>(), [1, 0, 0, 0, 1, 0]);
    /// ```
    #[track_caller]
    pub fn eye_of(n: usize, m: usize, dtype: DType) -> Tensor {
        let Some(count) = n.checked_mul(m) else { panic!("eye: {n} × {m} is larger than an address space") };
        each_dtype!(dtype, T => Tensor { storage: T::wrap(Buffer::new(count, |out| {
            out.fill(T::from_f64(0.0));
            out.iter_mut().step_by(m + 1).take(n.min(m)).for_each(|o| *o = T::from_f64(1.0));
        })), layout: Layout::dense(Shape::from([n, m])) })
    }

    /// Where an `n × m` matrix has its lower triangle: truth at column − row ≤ `diagonal`.
    ///
    /// ```
    /// use chainrule_tensor::Tensor;
    /// assert_eq!(Tensor::lower_triangle(2, 2, 0).to_vec::<bool>(), [true, false, true, true]);
    /// ```
    #[track_caller]
    pub fn lower_triangle(n: usize, m: usize, diagonal: isize) -> Tensor {
        Tensor::build::<bool>([n, m], |out| {
            for (row, line) in out.chunks_mut(m.max(1)).enumerate() {
                let kept = (row as isize).saturating_add(diagonal).saturating_add(1).clamp(0, m as isize) as usize;
                line[..kept].fill(true);
                line[kept..].fill(false);
            }
        })
    }

    /// Rows and columns of the elements in the lower triangle of an `n × m` matrix, as the two rows of an `i64` matrix.
    ///
    /// ```
    /// use chainrule_tensor::Tensor;
    /// assert_eq!(Tensor::tril_indices(2, 2, 0).to_vec::<i64>(), [0, 1, 1, 0, 0, 1]);
    /// ```
    #[track_caller]
    pub fn tril_indices(n: usize, m: usize, diagonal: isize) -> Tensor {
        Self::lower_triangle(n, m, diagonal).nonzero().transpose(0, 1)
    }

    /// Rows and columns of the elements in the upper triangle, where column − row ≥ `diagonal`, as the two rows of an `i64` matrix.
    ///
    /// ```
    /// use chainrule_tensor::Tensor;
    /// assert_eq!(Tensor::triu_indices(2, 2, 1).to_vec::<i64>(), [0, 1]);
    /// ```
    #[track_caller]
    pub fn triu_indices(n: usize, m: usize, diagonal: isize) -> Tensor {
        Self::lower_triangle(n, m, diagonal.saturating_sub(1)).logical_not().nonzero().transpose(0, 1)
    }
}
