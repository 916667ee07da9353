//! Convolution as matrix products over windows that are laid out as columns, one sample at a time.
//!
//! One, two and three spatial axes share the code: missing ones have length 1.

use super::gemm::{Strided, gemm};
use super::memory::Buffer;
use super::parallel::chunks_mut;
use crate::conv::Window;
use crate::dtype::Number;
use crate::shape::Shape;

/// Samples whose contributions to the weights are added one after the other, before the sums of such runs are added.
const RUN: usize = 8;

/// All lengths of a convolution.
pub(crate) struct Geometry {
    output_shape: Shape,
    samples: usize,
    groups: usize,
    /// Channels per group.
    channels: usize,
    /// Output channels per group.
    features: usize,
    input: [usize; 3],
    kernel: [usize; 3],
    output: [usize; 3],
    stride: [usize; 3],
    padding: [usize; 3],
    dilation: [usize; 3],
}

fn three(lengths: &[usize], missing: usize) -> [usize; 3] {
    let skip = 3 - lengths.len();
    std::array::from_fn(|i| if i < skip { missing } else { lengths[i - skip] })
}

impl Geometry {
    pub(crate) fn new(x: &Shape, w: &Shape, output: &[usize], window: &Window) -> Geometry {
        Geometry {
            output_shape: [x[0], w[0]].iter().chain(output).copied().collect(),
            samples: x[0],
            groups: window.groups,
            channels: w[1],
            features: w[0] / window.groups,
            input: three(&x[2..], 1),
            kernel: three(&w[2..], 1),
            output: three(output, 1),
            stride: three(&window.stride, 1),
            padding: three(&window.padding, 0),
            dilation: three(&window.dilation, 1),
        }
    }

    pub(crate) fn output_shape(&self) -> Shape {
        self.output_shape.clone()
    }

    /// The shape of all columns: `[samples, column, positions]`.
    pub(crate) fn columns_shape(&self) -> Shape {
        Shape::from([self.samples, self.groups * self.column(), self.positions()])
    }

    fn plane(&self) -> usize {
        self.input.iter().product()
    }

    fn positions(&self) -> usize {
        self.output.iter().product()
    }

    /// Length of a column: the elements under one window, over the channels of a group.
    fn column(&self) -> usize {
        self.channels * self.kernel.iter().product::<usize>()
    }

    /// Calls `f(row, at, x_at, len)` for every row of the column matrix and every run of windows along the last axis: `len`
    /// windows whose elements start at `x_at` in the sample's channel group and lie `stride[2]` apart, written from column `at` on.
    fn each_run(&self, mut f: impl FnMut(usize, usize, usize, usize)) {
        let [_, height, width] = self.input;
        let [kd, kh, kw] = self.kernel;
        let [od, oh, ow] = self.output;
        let source = |axis: usize, out: usize, k: usize| {
            (out * self.stride[axis] + k * self.dilation[axis])
                .checked_sub(self.padding[axis])
                .filter(|&i| i < self.input[axis])
        };
        let mut row = 0;
        for c in 0..self.channels {
            for (z, y, x) in (0..kd).flat_map(|z| (0..kh).flat_map(move |y| (0..kw).map(move |x| (z, y, x)))) {
                let (first, len) = self.inside(x);
                for (i, j) in (0..od).flat_map(|i| (0..oh).map(move |j| (i, j))) {
                    let (Some(si), Some(sj)) = (source(0, i, z), source(1, j, y)) else { continue };
                    if len > 0 {
                        let column = first * self.stride[2] + x * self.dilation[2] - self.padding[2];
                        let from = ((c * self.input[0] + si) * height + sj) * width + column;
                        f(row, (i * oh + j) * ow + first, from, len);
                    }
                }
                row += 1;
            }
        }
    }

    /// The windows along the last axis whose element `k` lies inside the input: first and count.
    fn inside(&self, k: usize) -> (usize, usize) {
        let (stride, shift) = (self.stride[2], k * self.dilation[2]);
        let first = self.padding[2].saturating_sub(shift).div_ceil(stride);
        let end = (self.input[2] + self.padding[2]).saturating_sub(shift).div_ceil(stride).min(self.output[2]);
        (first, end.saturating_sub(first))
    }

    /// Lays the windows of one sample's channel group out as columns: `[column, positions]`. What lies in the padding is not written, and
    /// is 0 from the start.
    fn to_columns<T: Number>(&self, x: &[T], columns: &mut [T]) {
        let (positions, stride) = (self.positions(), self.stride[2]);
        self.each_run(|row, at, from, len| {
            let out = &mut columns[row * positions + at..][..len];
            if stride == 1 {
                out.copy_from_slice(&x[from..][..len]);
            } else {
                out.iter_mut().zip(x[from..].iter().step_by(stride)).for_each(|(o, &v)| *o = v);
            }
        });
    }

    /// Adds the columns back to where they came from.
    fn add_columns<T: Number>(&self, columns: &[T], x: &mut [T]) {
        let (positions, stride) = (self.positions(), self.stride[2]);
        self.each_run(|row, at, from, len| {
            let values = &columns[row * positions + at..][..len];
            x[from..].iter_mut().step_by(stride).zip(values).for_each(|(o, &v)| *o = o.plus(v));
        });
    }

    fn input_size(&self) -> usize {
        self.groups * self.channels * self.plane()
    }

    fn output_size(&self) -> usize {
        self.groups * self.features * self.positions()
    }
}

/// The columns of each sample.
pub(crate) fn columns<T: Number>(geo: &Geometry, x: &[T], columns: &mut [T]) {
    chunks_mut(columns, geo.column() * geo.positions(), |n, columns| {
        columns.fill(T::ZERO);
        geo.to_columns(&x[n * geo.input_size()..], columns);
    });
}

/// The columns of each sample added back.
pub(crate) fn columns_adjoint<T: Number>(geo: &Geometry, columns: &[T], x: &mut [T]) {
    chunks_mut(x, geo.input_size(), |n, x| {
        x.fill(T::ZERO);
        geo.add_columns(&columns[n * geo.column() * geo.positions()..], x);
    });
}

fn rows<T>(data: &[T], width: usize) -> Strided<'_, T> {
    Strided { data, offset: 0, rows: width as isize, columns: 1 }
}

fn transposed<T>(data: &[T], width: usize) -> Strided<'_, T> {
    Strided { data, offset: 0, rows: 1, columns: width as isize }
}

/// y = w · columns(x), for each sample and group.
pub(crate) fn forward<T: Number>(geo: &Geometry, x: &[T], w: &[T], y: &mut [T]) {
    let (column, positions) = (geo.column(), geo.positions());
    let (x_group, y_group, w_group) = (geo.channels * geo.plane(), geo.features * positions, geo.features * column);
    chunks_mut(y, geo.output_size(), |n, y| {
        let mut columns = Buffer::new(column * positions, |columns| columns.fill(T::ZERO));
        let columns = columns.as_mut_slice().expect("a fresh buffer has one owner");
        for (g, y) in y.chunks_mut(y_group.max(1)).enumerate() {
            geo.to_columns(&x[(n * geo.groups + g) * x_group..][..x_group], columns);
            let w = &w[g * w_group..][..w_group];
            gemm((geo.features, column, positions), rows(w, column), rows(columns, positions), T::ZERO, y);
        }
    });
}

/// x = uncolumns(wᵀ · y), for each sample and group.
pub(crate) fn input_adjoint<T: Number>(geo: &Geometry, y: &[T], w: &[T], x: &mut [T]) {
    let (column, positions) = (geo.column(), geo.positions());
    let (x_group, y_group, w_group) = (geo.channels * geo.plane(), geo.features * positions, geo.features * column);
    chunks_mut(x, geo.input_size(), |n, x| {
        let mut columns = Buffer::new(column * positions, |columns| columns.fill(T::ZERO));
        let columns = columns.as_mut_slice().expect("a fresh buffer has one owner");
        for (g, x) in x.chunks_mut(x_group.max(1)).enumerate() {
            let y = &y[(n * geo.groups + g) * y_group..][..y_group];
            let w = &w[g * w_group..][..w_group];
            gemm((column, geo.features, positions), transposed(w, column), rows(y, positions), T::ZERO, columns);
            x.fill(T::ZERO);
            geo.add_columns(columns, x);
        }
    });
}

/// w = Σ over samples of y · columns(x)ᵀ, for each group.
pub(crate) fn weight_adjoint<T: Number>(geo: &Geometry, x: &[T], y: &[T], w: &mut [T]) {
    let (column, positions) = (geo.column(), geo.positions());
    let (x_group, y_group, w_group) = (geo.channels * geo.plane(), geo.features * positions, geo.features * column);
    let size = w.len();
    let mut parts = vec![T::ZERO; size * geo.samples.div_ceil(RUN)];
    chunks_mut(&mut parts, size, |run, w| {
        let mut columns = Buffer::new(column * positions, |columns| columns.fill(T::ZERO));
        let columns = columns.as_mut_slice().expect("a fresh buffer has one owner");
        for n in run * RUN..geo.samples.min((run + 1) * RUN) {
            for (g, w) in w.chunks_mut(w_group.max(1)).enumerate() {
                geo.to_columns(&x[(n * geo.groups + g) * x_group..][..x_group], columns);
                let y = &y[(n * geo.groups + g) * y_group..][..y_group];
                let (y, columns) = (rows(y, positions), transposed(columns, positions));
                gemm((geo.features, positions, column), y, columns, T::ONE, w);
            }
        }
    });
    w.fill(T::ZERO);
    for part in parts.chunks(size.max(1)) {
        w.iter_mut().zip(part).for_each(|(w, &p)| *w = w.plus(p));
    }
}
