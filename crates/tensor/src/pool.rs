//! Pooling windows.

use crate::conv::Window;
use crate::dtype::{DType, each_number};
use crate::kernel::pooling::{Run, max_windows, pick, place};
use crate::resample::Taps;
use crate::shape::Shape;
use crate::tensor::Tensor;

impl Window {
    /// Windows of these lengths side by side: what pooling does unless it is given a stride.
    ///
    /// ```
    /// use chainrule_tensor::Window;
    /// assert_eq!(Window::side_by_side(&[2, 3]), Window::new(2).stride(&[2, 3]));
    /// ```
    #[track_caller]
    pub fn side_by_side(kernel: &[usize]) -> Window {
        Window::new(kernel.len()).stride(kernel)
    }

    /// What the windows along one axis of length `n` see of it.
    fn runs(&self, axis: usize, n: usize, kernel: usize, output: usize) -> Vec<Run> {
        let (padding, step) = (self.padding[axis], self.dilation[axis]);
        (0..output)
            .map(|o| o * self.stride[axis])
            .map(|at| {
                let before = padding.saturating_sub(at).div_ceil(step);
                let end = (n + padding).saturating_sub(at).div_ceil(step).min(kernel);
                Run { start: (at + before * step).saturating_sub(padding), len: end.saturating_sub(before), step }
            })
            .collect()
    }
}

/// Windows that cut an axis of length `n` into `output` parts of nearly equal length: from ⌊o·n/output⌋ to ⌈(o + 1)·n/output⌉.
fn adaptive_runs(n: usize, output: usize) -> Vec<Run> {
    let run = |o: usize| {
        let start = o * n / output;
        Run { start, len: ((o + 1) * n).div_ceil(output) - start, step: 1 }
    };
    (0..output).map(run).collect()
}

/// Where the largest elements of windows were found.
///
/// ```
/// use chainrule_tensor::{tensor, Window};
/// let (y, chosen) = tensor![[[1., 5., 2., 3.]]].max_windows(&[2], &Window::side_by_side(&[2]));
/// assert_eq!(y.to_vec::<f32>(), [5., 3.]);
/// assert_eq!(chosen.positions().to_vec::<i64>(), [1, 3]);
/// assert_eq!(chosen.place(&y).to_vec::<f32>(), [0., 5., 0., 3.]);
/// ```
#[derive(Clone, Debug)]
pub struct Chosen {
    positions: Tensor,
    input: Shape,
    plane: usize,
    windows: usize,
}

impl Chosen {
    /// For each window, the position in the flattened spatial plane, as `i64`.
    ///
    /// Shape: `[…, output…]`.
    pub fn positions(&self) -> &Tensor {
        &self.positions
    }

    /// The elements of another input at these positions.
    ///
    /// Shape: `[…, spatial…]` → `[…, output…]`.
    ///
    /// # Panics
    /// When the input has another shape than the one the positions are of, or holds no numbers.
    #[track_caller]
    pub fn pick(&self, x: &Tensor) -> Tensor {
        assert!(x.shape() == &self.input[..], "pick: positions in {} and an input {}", self.input, x.to_shape());
        each_number!("pick", x, T => {
            let (x, at) = (x.contiguous(), self.positions.as_slice().expect("built dense"));
            let x = x.as_slice::<T>().expect("contiguous() is dense");
            Tensor::build::<T>(self.positions.to_shape(), |out| pick(x, self.plane, at, self.windows, out))
        }, half => self.pick(&x.cast(DType::F32)).cast(x.dtype()))
    }

    /// Zeros, to which the elements of `g` were added at these positions: the adjoint of [`pick`](Chosen::pick).
    ///
    /// Shape: `[…, output…]` → `[…, spatial…]`.
    ///
    /// # Panics
    /// When there is not one element for each position, or they are no numbers.
    #[track_caller]
    pub fn place(&self, g: &Tensor) -> Tensor {
        let shape = self.positions.to_shape();
        assert!(g.shape() == &shape[..], "place: elements {} for {shape} positions", g.to_shape());
        each_number!("place", g, T => {
            let (g, at) = (g.contiguous(), self.positions.as_slice().expect("built dense"));
            let g = g.as_slice::<T>().expect("contiguous() is dense");
            Tensor::build::<T>(self.input.clone(), |out| place(g, self.plane, at, self.windows, out))
        }, half => self.place(&g.cast(DType::F32)).cast(g.dtype()))
    }
}

impl Tensor {
    /// The largest element of each window of size `kernel` over the last axes, and where it is: the first of equal ones. A NaN counts as largest, the
    /// last of several; padding is never chosen.
    ///
    /// Shape: `[…, spatial…]` → `[…, output…]` (see [`Window::output`]).
    ///
    /// # Panics
    /// When the window has another rank, does not fit, its padding exceeds half its size, or some windows would hold padding alone.
    #[track_caller]
    pub fn max_windows(&self, kernel: &[usize], window: &Window) -> (Tensor, Chosen) {
        let (_, runs) = self.windows("max_pool", kernel, window);
        self.max_runs("max_pool", runs)
    }

    /// As [`max_windows`](Tensor::max_windows), for windows that cut the last axes into as many nearly equal parts as `output` says.
    ///
    /// Shape: `[…, spatial…]` → `[…, output…]`.
    ///
    /// # Panics
    /// When there are not more axes than lengths, or one of them is empty.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// let (y, _) = tensor![[1., 5., 2., 3., 4.]].max_adaptive(&[2]);
    /// assert_eq!(y.to_vec::<f32>(), [5., 4.]);
    /// ```
    #[track_caller]
    pub fn max_adaptive(&self, output: &[usize]) -> (Tensor, Chosen) {
        let spatial = self.spatial("adaptive_max_pool", output.len());
        let runs = spatial.iter().zip(output).map(|(&n, &output)| adaptive_runs(n, output)).collect();
        self.max_runs("adaptive_max_pool", runs)
    }

    /// The positions of [`max_windows`](Tensor::max_windows).
    ///
    /// # Panics
    /// As `max_windows`.
    ///
    /// ```
    /// use chainrule_tensor::{tensor, Window};
    /// let x = tensor![[[1., 5., 2., 3.]]];
    /// assert_eq!(x.argmax_windows(&[2], &Window::new(1).stride(&[2])).to_vec::<i64>(), [1, 3]);
    /// ```
    #[track_caller]
    pub fn argmax_windows(&self, kernel: &[usize], window: &Window) -> Tensor {
        self.max_windows(kernel, window).1.positions
    }

    /// The positions of [`max_adaptive`](Tensor::max_adaptive).
    ///
    /// # Panics
    /// As `max_adaptive`.
    ///
    /// ```
    /// use chainrule_tensor::tensor;
    /// let x = tensor![[1., 5., 2., 3., 4.]];
    /// assert_eq!(x.argmax_adaptive(&[2]).to_vec::<i64>(), [1, 4]);
    /// ```
    #[track_caller]
    pub fn argmax_adaptive(&self, output: &[usize]) -> Tensor {
        self.max_adaptive(output).1.positions
    }

    /// The taps that sum what each window of size `kernel` sees, one for each of the last axes, without the padding.
    ///
    /// # Panics
    /// As [`argmax_windows`](Tensor::argmax_windows).
    #[track_caller]
    pub fn window_sums(&self, op: &str, kernel: &[usize], window: &Window) -> Vec<Taps> {
        let (spatial, runs) = self.windows(op, kernel, window);
        runs.iter()
            .zip(spatial)
            .map(|(runs, n)| Taps::new(n, runs.iter().map(|run| run.places().map(|at| (at, 1.0)))))
            .collect()
    }

    /// The taps that average nearly equal parts of the last axes, as many as `output` says.
    ///
    /// # Panics
    /// As [`argmax_adaptive`](Tensor::argmax_adaptive).
    #[track_caller]
    pub fn adaptive_means(&self, output: &[usize]) -> Vec<Taps> {
        let spatial = self.spatial("adaptive_avg_pool", output.len());
        spatial.iter().zip(output).map(|(&n, &output)| adaptive_means(n, output)).collect()
    }

    #[track_caller]
    fn max_runs(&self, op: &str, runs: Vec<Vec<Run>>) -> (Tensor, Chosen) {
        if self.dtype().is_half() {
            let (values, chosen) = self.cast(DType::F32).max_runs(op, runs);
            return (values.cast(self.dtype()), chosen);
        }
        let (outer, spatial) = self.shape().split_at(self.rank() - runs.len());
        let shape: Shape = outer.iter().copied().chain(runs.iter().map(Vec::len)).collect();
        let (plane, windows) = (spatial.iter().product(), runs.iter().map(Vec::len).product());
        let missing = 3 - runs.len();
        let input = std::array::from_fn(|i| if i < missing { 1 } else { spatial[i - missing] });
        let mut runs = runs.into_iter();
        let runs = std::array::from_fn(|i| match i < missing {
            true => vec![Run { start: 0, len: 1, step: 1 }],
            false => runs.next().expect("three axes at most"),
        });
        let x = self.contiguous();
        let mut positions = Tensor::build::<i64>(shape.clone(), |_| {});
        let values = each_number!(op, self, T => {
            let x = x.as_slice::<T>().expect("contiguous() is dense");
            Tensor::build::<T>(shape, |values| max_windows(x, input, &runs, values, positions.make_mut()))
        }, half => unreachable!("converted"));
        (values, Chosen { positions, input: self.to_shape(), plane, windows })
    }

    /// The lengths of the last `rank` axes, of which none is empty.
    #[track_caller]
    fn spatial(&self, op: &str, rank: usize) -> &[usize] {
        assert!((1..=3).contains(&rank), "{op}: {rank} spatial axes; one to three are known");
        assert!(
            self.rank() > rank,
            "{op}: over {rank} spatial axes needs an input [channels, …] of {} axes or more, got {}",
            rank + 1,
            self.to_shape()
        );
        let spatial = &self.shape()[self.rank() - rank..];
        assert!(!spatial.contains(&0), "{op}: a spatial axis of input {} is empty", self.to_shape());
        spatial
    }

    /// The lengths of the last axes, and what the windows see along each.
    #[track_caller]
    fn windows(&self, op: &str, kernel: &[usize], window: &Window) -> (Vec<usize>, Vec<Vec<Run>>) {
        let rank = window.rank();
        assert!(kernel.len() == rank, "{op}: a window {kernel:?} over {rank} spatial axes");
        let input = self.spatial(op, rank);
        for (axis, &k) in kernel.iter().enumerate() {
            assert!(
                window.padding[axis] <= k / 2,
                "{op}: padding {} exceeds half the window of {k}, so that some windows would hold padding alone",
                window.padding[axis]
            );
        }
        let Some(output) = window.output(input, kernel) else {
            panic!(
                "{op}: window {kernel:?} is empty or larger than the input {input:?} with padding {:?}",
                window.padding
            )
        };
        let runs: Vec<Vec<Run>> =
            (0..rank).map(|axis| window.runs(axis, input[axis], kernel[axis], output[axis])).collect();
        for (axis, runs) in runs.iter().enumerate() {
            if let Some(o) = runs.iter().position(|run| run.len == 0) {
                panic!(
                    "{op}: window {o} along spatial axis {axis} holds padding alone (input {input:?}, window {kernel:?}, \
                     padding {:?}, dilation {:?})",
                    window.padding, window.dilation
                );
            }
        }
        (input.to_vec(), runs)
    }
}

/// The mean of each of `output` nearly equal parts of an axis.
pub(crate) fn adaptive_means(n: usize, output: usize) -> Taps {
    let mean = |run: &Run| {
        let weight = 1.0 / run.len as f64;
        run.places().map(move |at| (at, weight)).collect::<Vec<_>>()
    };
    Taps::new(n, adaptive_runs(n, output).iter().map(mean))
}
