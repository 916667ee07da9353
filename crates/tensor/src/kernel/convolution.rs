//! Convolution as matrix products over windows that are laid out as columns, one sample at a time; or over [shifted] pictures, where that can be had.
//!
//! One, two and three spatial axes share the code: missing ones have length 1.

#[cfg(target_arch = "x86_64")]
mod shifted;
#[cfg(target_arch = "x86_64")]
mod winograd;

use super::buffer::Scratch;
use super::gemm::{Strided, gemm};
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

/// y = w · columns(x), for each sample and group.
pub(crate) fn forward<T: Number>(geo: &Geometry, x: &[T], w: &[T], y: &mut [T]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(shifted) = shifted::Shifted::of::<T>(geo) {
        return shifted.forward(x, w, y);
    }
    over_columns(geo, x, w, y);
}

fn over_columns<T: Number>(geo: &Geometry, x: &[T], w: &[T], y: &mut [T]) {
    let (column, positions) = (geo.column(), geo.positions());
    let (x_group, y_group, w_group) = (geo.channels * geo.plane(), geo.features * positions, geo.features * column);
    chunks_mut(y, geo.output_size(), |n, y| {
        let columns = &mut *Scratch::zeros(column * positions);
        for (g, y) in y.chunks_mut(y_group.max(1)).enumerate() {
            geo.to_columns(&x[(n * geo.groups + g) * x_group..][..x_group], columns);
            let w = &w[g * w_group..][..w_group];
            gemm(
                (geo.features, column, positions),
                Strided::dense(w, column),
                Strided::dense(columns, positions),
                T::ZERO,
                y,
            );
        }
    });
}

/// x = uncolumns(wᵀ · y), for each sample and group.
pub(crate) fn input_adjoint<T: Number>(geo: &Geometry, y: &[T], w: &[T], x: &mut [T]) {
    #[cfg(target_arch = "x86_64")]
    if shifted::Shifted::of::<T>(geo).is_some_and(|shifted| shifted.input_adjoint(y, w, x)) {
        return;
    }
    input_adjoint_over_columns(geo, y, w, x);
}

fn input_adjoint_over_columns<T: Number>(geo: &Geometry, y: &[T], w: &[T], x: &mut [T]) {
    let (column, positions) = (geo.column(), geo.positions());
    let (x_group, y_group, w_group) = (geo.channels * geo.plane(), geo.features * positions, geo.features * column);
    chunks_mut(x, geo.input_size(), |n, x| {
        let columns = &mut *Scratch::zeros(column * positions);
        for (g, x) in x.chunks_mut(x_group.max(1)).enumerate() {
            let y = &y[(n * geo.groups + g) * y_group..][..y_group];
            let w = &w[g * w_group..][..w_group];
            gemm(
                (column, geo.features, positions),
                Strided::dense(w, column).transposed(),
                Strided::dense(y, positions),
                T::ZERO,
                columns,
            );
            x.fill(T::ZERO);
            geo.add_columns(columns, x);
        }
    });
}

/// w = Σ over samples of y · columns(x)ᵀ, for each group.
pub(crate) fn weight_adjoint<T: Number>(geo: &Geometry, x: &[T], y: &[T], w: &mut [T]) {
    #[cfg(target_arch = "x86_64")]
    if shifted::Shifted::of::<T>(geo).is_some_and(|shifted| shifted.weight_adjoint(x, y, w)) {
        return;
    }
    weight_adjoint_over_columns(geo, x, y, w);
}

fn weight_adjoint_over_columns<T: Number>(geo: &Geometry, x: &[T], y: &[T], w: &mut [T]) {
    let (column, positions) = (geo.column(), geo.positions());
    let (x_group, y_group, w_group) = (geo.channels * geo.plane(), geo.features * positions, geo.features * column);
    let size = w.len();
    let mut parts = vec![T::ZERO; size * geo.samples.div_ceil(RUN)];
    chunks_mut(&mut parts, size, |run, w| {
        let columns = &mut *Scratch::zeros(column * positions);
        for n in run * RUN..geo.samples.min((run + 1) * RUN) {
            for (g, w) in w.chunks_mut(w_group.max(1)).enumerate() {
                geo.to_columns(&x[(n * geo.groups + g) * x_group..][..x_group], columns);
                let y = &y[(n * geo.groups + g) * y_group..][..y_group];
                let (y, columns) = (Strided::dense(y, positions), Strided::dense(columns, positions).transposed());
                gemm((geo.features, positions, column), y, columns, T::ONE, w);
            }
        }
    });
    w.fill(T::ZERO);
    for part in parts.chunks(size.max(1)) {
        w.iter_mut().zip(part).for_each(|(w, &p)| *w = w.plus(p));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small whole numbers, so that sums are exact in any order.
    fn numbers<T: Number>(n: usize, seed: usize) -> Vec<T> {
        (0..n).map(|i| T::from_f64(((i * 31 + seed) % 7) as f64 - 3.0)).collect()
    }

    fn agrees<T: Number>(input: &[usize], weight: &[usize], window: Window) {
        let output = window.output(&input[2..], &weight[2..]).unwrap();
        let geo = Geometry::new(&Shape::from(input), &Shape::from(weight), &output, &window);
        let (x, w, y) =
            (numbers::<T>(input.iter().product(), 1), numbers(weight.iter().product(), 2), geo.output_shape().count());
        let g = numbers::<T>(y, 3);
        let both = |n: usize, fast: &dyn Fn(&mut [T]), slow: &dyn Fn(&mut [T])| {
            let (mut a, mut b) = (vec![T::ZERO; n], vec![T::ZERO; n]);
            fast(&mut a);
            slow(&mut b);
            assert!(a == b, "{input:?} with {weight:?}, {window:?}");
        };
        both(y, &|y| forward(&geo, &x, &w, y), &|y| over_columns(&geo, &x, &w, y));
        both(x.len(), &|x| input_adjoint(&geo, &g, &w, x), &|x| input_adjoint_over_columns(&geo, &g, &w, x));
        both(w.len(), &|w| weight_adjoint(&geo, &x, &g, w), &|w| weight_adjoint_over_columns(&geo, &x, &g, w));
    }

    #[test]
    fn shifted_pictures_and_columns_agree() {
        agrees::<f32>(&[2, 3, 9, 8], &[5, 3, 3, 3], Window::new(2).padding(&[1]));
        agrees::<f64>(&[2, 4, 9, 8], &[30, 2, 3, 3], Window::new(2).padding(&[2, 1]).groups(2));
        agrees::<f32>(&[9, 2, 28, 28], &[14, 2, 3, 3], Window::new(2));
        agrees::<f64>(&[1, 2, 7, 41], &[40, 2, 2, 5], Window::new(2).padding(&[0, 2]).dilation(&[3, 2]));
        agrees::<f32>(&[2, 60, 5, 5], &[3, 60, 3, 3], Window::new(2).padding(&[1]));
        agrees::<f32>(&[2, 7, 6, 6], &[8, 7, 1, 1], Window::new(2));
        agrees::<f32>(&[2, 7, 6, 6], &[8, 7, 1, 1], Window::new(2).padding(&[1]));
        agrees::<f32>(&[10, 6, 50], &[7, 6, 3], Window::new(1).padding(&[2]).dilation(&[2]));
        agrees::<f64>(&[2, 3, 5, 6, 7], &[4, 3, 2, 3, 3], Window::new(3).padding(&[1]));
        agrees::<f32>(&[2, 3, 9, 8], &[4, 3, 3, 3], Window::new(2).stride(&[2]));
    }

    #[test]
    fn squares_and_columns_agree() {
        agrees::<f32>(&[2, 24, 10, 12], &[32, 24, 3, 3], Window::new(2));
        agrees::<f32>(&[9, 27, 7, 9], &[29, 27, 3, 3], Window::new(2).padding(&[1]));
        agrees::<f64>(&[3, 25, 9, 11], &[24, 25, 3, 3], Window::new(2).padding(&[0, 2]));
        agrees::<f32>(&[1, 24, 40, 75], &[24, 24, 3, 3], Window::new(2).padding(&[2, 1]));
        agrees::<f64>(&[20, 26, 5, 5], &[33, 26, 3, 3], Window::new(2).padding(&[1]));
    }

    /// Two pictures of 12 × 12, and as many features as channels.
    fn geometry(channels: usize) -> Geometry {
        let (x, w) = (Shape::from([2, channels, 12, 12]), Shape::from([channels, channels, 3, 3]));
        Geometry::new(&x, &w, &[12, 12], &Window::new(2).padding(&[1]))
    }

    #[test]
    fn what_is_not_finite_stays_within_its_windows() {
        for (channels, (at, value)) in
            [40, 8].into_iter().flat_map(|c| [(150, f32::INFINITY), (11, f32::NAN), (999, f32::MAX)].map(|x| (c, x)))
        {
            let geo = geometry(channels);
            let (mut x, w) = (numbers(2 * channels * 144, 1), numbers(channels * channels * 9, 2));
            x[at] = value;
            let (mut y, mut slow) = (x.clone(), x.clone());
            forward(&geo, &x, &w, &mut y);
            over_columns(&geo, &x, &w, &mut slow);
            assert!(y.iter().zip(&slow).all(|(a, b)| a == b || a.is_nan() && b.is_nan()), "{value} at {at}");
            let (mut fast, mut slow) = (w.clone(), w.clone());
            weight_adjoint(&geo, &x, &x, &mut fast);
            weight_adjoint_over_columns(&geo, &x, &x, &mut slow);
            assert!(fast.iter().zip(&slow).all(|(a, b)| a == b || a.is_nan() && b.is_nan()), "{value} at {at}");
        }
    }

    #[test]
    fn squares_are_nearly_as_accurate_as_columns() {
        let geo = geometry(40);
        let noise = |n: usize, seed: f64| (0..n).map(|i| ((i as f64 + seed) * 12.9898).sin()).collect::<Vec<_>>();
        let single = |x: &[f64]| x.iter().map(|&x| x as f32).collect::<Vec<_>>();
        let (x, w) = (noise(2 * 40 * 144, 0.1), noise(40 * 40 * 9, 0.7));
        let (x32, w32) = (single(&x), single(&w));
        let double = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
        let (mut exact, mut fast, mut slow) = (x.clone(), x32.clone(), x32.clone());
        over_columns(&geo, &double(&x32), &double(&w32), &mut exact);
        forward(&geo, &x32, &w32, &mut fast);
        over_columns(&geo, &x32, &w32, &mut slow);
        let error = |y: &[f32]| y.iter().zip(&exact).map(|(&y, e)| (f64::from(y) - e).powi(2)).sum::<f64>().sqrt();
        let (fast, slow) = (error(&fast), error(&slow));
        assert!(fast < 1.5 * slow, "{fast} and {slow}");
    }
}
