//! Pooling: one number for each window.

use chainrule_tensor::{Chosen, Comparison, Taps, Tensor, Window};

use crate::declare::{Declaration, Draw, Family, Sample};
use crate::op::{Op, Saves, apply_known};
use crate::var::Var;

/// The elements that were chosen from their windows.
struct Pick(Chosen);
impl Op<1> for Pick {
    fn name(&self) -> &'static str {
        "max_pool"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        self.0.pick(x)
    }
    fn backward(&self, _: usize, g: &Var, _: [&Var; 1], _: &Var) -> Var {
        Place(self.0.clone()).apply([g])
    }
}

/// Zeros, with what was chosen put back.
struct Place(Chosen);
impl Op<1> for Place {
    fn name(&self) -> &'static str {
        "max_pool_adjoint"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        self.0.place(x)
    }
    fn backward(&self, _: usize, g: &Var, _: [&Var; 1], _: &Var) -> Var {
        Pick(self.0.clone()).apply([g])
    }
}

impl Var {
    /// The largest element of each window over the last axes, as many as the window has. The gradient goes to the first of equal ones, or to the
    /// last NaN; padding is never chosen.
    ///
    /// Shape: `[…, spatial…]` → `[…, output…]` (see [`Window::output`]).
    ///
    /// # Panics
    /// When the kernel has another rank than the window, does not fit, or padding exceeds half of it.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{tensor, Window};
    /// let x = Var::leaf(tensor![[[1., 5., 2., 3.]]]);
    /// let y = x.max_pool(&[2], &Window::side_by_side(&[2]));
    /// assert_eq!(y.value().to_vec::<f32>(), [5., 3.]);
    /// assert_eq!(y.sum().backward()[&x].to_vec::<f32>(), [0., 1., 0., 1.]);
    /// ```
    #[doc(alias("max_pool1d", "max_pool2d", "max_pool3d"))]
    #[track_caller]
    pub fn max_pool(&self, kernel: &[usize], window: &Window) -> Var {
        self.max_pool_with_indices(kernel, window).0
    }

    /// [`max_pool`](Var::max_pool), and where each element came from: its position in the flattened spatial plane, as `i64`.
    ///
    /// # Panics
    /// As `max_pool`.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{tensor, Window};
    /// let x = Var::constant(tensor![[[1., 5., 2., 3.]]]);
    /// let (_, indices) = x.max_pool_with_indices(&[2], &Window::side_by_side(&[2]));
    /// assert_eq!(indices.to_vec::<i64>(), [1, 3]);
    /// ```
    #[track_caller]
    pub fn max_pool_with_indices(&self, kernel: &[usize], window: &Window) -> (Var, Tensor) {
        self.chosen(self.value().max_windows(kernel, window))
    }

    /// What was chosen of this variable, and where.
    #[track_caller]
    pub(crate) fn chosen(&self, (value, chosen): (Tensor, Chosen)) -> (Var, Tensor) {
        let positions = chosen.positions().clone();
        (apply_known(Pick(chosen), [self], value), positions)
    }

    /// The sum of each window over the last axes, as many as the window has. Divided by a number of your own, it is PyTorch's average pooling with
    /// `divisor_override`.
    ///
    /// Shape: `[…, spatial…]` → `[…, output…]` (see [`Window::output`]).
    ///
    /// # Panics
    /// When the kernel has another rank than the window, does not fit, or padding exceeds half of it.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{tensor, Window};
    /// let x = Var::constant(tensor![[[1., 5., 2., 3.]]]);
    /// assert_eq!(x.sum_pool(&[2], &Window::new(1)).value().to_vec::<f32>(), [6., 7., 5.]);
    /// ```
    #[doc(alias = "divisor_override")]
    #[track_caller]
    pub fn sum_pool(&self, kernel: &[usize], window: &Window) -> Var {
        self.resample_last(self.value().window_sums("sum_pool", kernel, window))
    }

    /// The last axes mapped, one by one.
    #[track_caller]
    pub(crate) fn resample_last(&self, taps: Vec<Taps>) -> Var {
        let mut y = self.clone();
        for (i, taps) in (0isize..).zip(taps.into_iter().rev()) {
            y = y.resample(-1 - i, taps);
        }
        y
    }

    /// The mean of each window over the last axes, as many as the window has. With `count_padding`, the zeros of the padding count.
    ///
    /// Shape: `[…, spatial…]` → `[…, output…]` (see [`Window::output`]).
    ///
    /// # Panics
    /// When the kernel has another rank than the window, does not fit, or padding exceeds half of it.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{tensor, Window};
    /// let x = Var::leaf(tensor![[[1., 5., 2., 3.]]]);
    /// let y = x.avg_pool(&[2], &Window::side_by_side(&[2]), true);
    /// assert_eq!(y.value().to_vec::<f32>(), [3., 2.5]);
    /// ```
    #[doc(alias("avg_pool1d", "avg_pool2d", "avg_pool3d"))]
    #[track_caller]
    pub fn avg_pool(&self, kernel: &[usize], window: &Window, count_padding: bool) -> Var {
        let taps = self.value().window_sums("avg_pool", kernel, window);
        let input: Vec<usize> = taps.iter().map(Taps::inputs).collect();
        let output: Vec<usize> = taps.iter().map(Taps::outputs).collect();
        let counts = window_counts(&input, kernel, &output, window, count_padding);
        self.resample_last(taps) / Var::constant(counts.cast(self.dtype()))
    }

    /// The power mean of each window, times its size before the root: `(k · mean of xᵖ)^(1/p)`, where k is the size of a whole window. For p = 1 a
    /// sum, for p → ∞ the largest. Where the power mean is 0, so is the gradient.
    ///
    /// Shape: `[…, spatial…]` → `[…, output…]` (see [`Window::output`]).
    ///
    /// # Panics
    /// As [`avg_pool`](Var::avg_pool).
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{tensor, Window};
    /// let x = Var::constant(tensor![[[3., 4., 0., 2.]]]);
    /// assert_eq!(x.lp_pool(2.0, &[2], &Window::side_by_side(&[2])).value().to_vec::<f32>(), [5., 2.]);
    /// ```
    #[doc(alias("lp_pool1d", "lp_pool2d", "lp_pool3d"))]
    #[track_caller]
    pub fn lp_pool(&self, p: f64, kernel: &[usize], window: &Window) -> Var {
        let size: usize = kernel.iter().product();
        let mean = self.powf(p).avg_pool(kernel, window, true) * size as f64;
        if p == 1.0 {
            return mean;
        }
        let zero = mean.value().compare_scalar(Comparison::Eq, 0.0);
        let root = mean.masked_fill(&zero, 1.0).powf(1.0 / p);
        Var::choose(&zero, Var::constant(mean.value().zeros_like()), &root)
    }
}

/// How many elements each window holds: of the input, or of the input and its padding.
fn window_counts(input: &[usize], kernel: &[usize], output: &[usize], window: &Window, padded: bool) -> Tensor {
    let mut counts = Tensor::from(vec![1.0f64]).reshape([]);
    for axis in 0..input.len() {
        let (n, padding) = (input[axis], window.padding[axis]);
        let counted = |o: usize| {
            let inside = |k: &usize| {
                let at = o * window.stride[axis] + k * window.dilation[axis];
                if padded { at < n + 2 * padding } else { (padding..n + padding).contains(&at) }
            };
            (0..kernel[axis]).filter(inside).count() as f64
        };
        let along: Tensor = (0..output[axis]).map(counted).collect::<Vec<f64>>().into();
        counts = counts.unsqueeze(-1) * along;
    }
    counts
}

fn drawn(d: &mut Draw) -> (Vec<usize>, Vec<usize>, Window) {
    let rank = d.range(1, 3);
    let mut each = |options: &[usize]| -> Vec<usize> { (0..rank).map(|_| d.pick(options)).collect() };
    let (kernel, stride, dilation, padding) = (each(&[1, 2, 3]), each(&[1, 2, 3]), each(&[1, 2]), each(&[0, 1]));
    let padding: Vec<usize> = padding.iter().zip(&kernel).map(|(&p, &k)| p.min(k / 2)).collect();
    let spatial = (0..rank).map(|i| dilation[i] * (kernel[i] - 1) + 1 + d.below(3)).collect();
    let window = Window::new(rank).stride(&stride).dilation(&dilation).padding(&padding).ceil_mode(d.flag());
    ([vec![d.size().min(2), d.range(1, 2)], spatial].concat(), kernel, window)
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(
        Family::Composite,
        "max_pool",
        "nn.functional.max_pool2d",
        "the largest of each window",
        "g to the largest",
        |d| {
            let (shape, kernel, window) = drawn(d);
            let source = format!("x[0].max_pool(&{kernel:?}, &{window:?})");
            Sample::new([d.distinct(&shape)], source, move |x| x[0].max_pool(&kernel, &window))
        },
    ),
    Declaration::new(
        Family::Composite,
        "avg_pool",
        "nn.functional.avg_pool2d",
        "the mean of each window",
        "g / n to each",
        |d| {
            let (shape, kernel, window) = drawn(d);
            let count = d.flag();
            let source = format!("x[0].avg_pool(&{kernel:?}, &{window:?}, {count})");
            Sample::new([d.reals(&shape)], source, move |x| x[0].avg_pool(&kernel, &window, count))
        },
    ),
    Declaration::linear("sum_pool", "", "the sum of each window", "g to each", |d| {
        let (shape, kernel, window) = drawn(d);
        let source = format!("x[0].sum_pool(&{kernel:?}, &{window:?})");
        Sample::new([d.reals(&shape)], source, move |x| x[0].sum_pool(&kernel, &window))
    }),
    Declaration::new(
        Family::Composite,
        "lp_pool",
        "nn.functional.lp_pool2d",
        "(k · mean of xᵖ)^(1/p)",
        "of its parts",
        |d| {
            let (shape, kernel, window) = drawn(d);
            let p = d.pick(&[2.0, 1.0, 3.0]);
            let source = format!("x[0].lp_pool({p:?}, &{kernel:?}, &{window:?})");
            Sample::new([d.tensor(&shape, 0.2, 2.0)], source, move |x| x[0].lp_pool(p, &kernel, &window))
        },
    ),
];

#[cfg(test)]
mod tests {
    use chainrule_tensor::{DType, Rng};

    use super::*;

    /// The choice, and then a gather.
    fn of_parts(x: &Var, kernel: &[usize], window: &Window) -> Var {
        let chosen = x.value().argmax_windows(kernel, window);
        let lines = |shape: &[usize]| [&shape[..2], &[shape[2] * shape[3]]].concat();
        let picked = x.reshape(lines(x.shape())).gather(-1, &chosen.reshape(lines(chosen.shape())));
        picked.reshape(chosen.shape())
    }

    #[test]
    fn max_pool_agrees_with_its_parts_to_the_second_order() {
        let rng = &mut Rng::seed(4);
        let side = Window::side_by_side(&[2, 2]);
        let apart = Window::new(2).padding(&[1]).stride(&[2]);
        for (size, kernel, window) in
            [([8, 12], [2, 2], side), ([9, 40], [3, 3], apart), ([7, 5], [2, 3], Window::new(2))]
        {
            for dtype in [DType::F32, DType::F64, DType::BF16] {
                let x = Var::leaf(Tensor::randn(rng, [3, 2, size[0], size[1]], dtype));
                let results = |y: Var| {
                    let first = crate::grad(&y.square().sum(), &[&x]).remove(0);
                    let second = crate::grad(&(&first * &first).sum(), &[&x]).remove(0);
                    [y.value().clone(), first.value().clone(), second.value().clone()]
                };
                let (fused, parts) = (results(x.max_pool(&kernel, &window)), results(of_parts(&x, &kernel, &window)));
                let tolerance = 4.0 * dtype.epsilon();
                for (fused, parts) in fused.iter().zip(&parts) {
                    assert!(fused.allclose(parts, tolerance, tolerance), "{fused} {parts}");
                }
            }
        }
    }
}
