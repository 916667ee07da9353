//! Pooling: one number for each window.

use chainrule_tensor::{Slice, Tensor, Window};

use crate::declare::{Declaration, Draw, Family, Sample};
use crate::var::Var;

impl Var {
    /// The largest element of each window over the last axes, as many as the window has. The gradient goes to the first of equal ones; padding is
    /// never chosen.
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
    /// let y = x.max_pool(&[2], &Window::new(1).stride(&[2]));
    /// assert_eq!(y.value().to_vec::<f32>(), [5., 3.]);
    /// assert_eq!(y.sum().backward()[&x].to_vec::<f32>(), [0., 1., 0., 1.]);
    /// ```
    #[track_caller]
    pub fn max_pool(&self, kernel: &[usize], window: &Window) -> Var {
        let chosen = self.value().argmax_windows(kernel, window); // […, output…]
        let outer = self.rank() - window.rank();
        let flat = |shape: &[usize]| [&shape[..outer], &[shape[outer..].iter().product()]].concat();
        let positions = chosen.reshape(flat(chosen.shape()));
        self.reshape(flat(self.shape())).gather(-1, &positions).reshape(chosen.shape())
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
    /// let y = x.avg_pool(&[2], &Window::new(1).stride(&[2]), true);
    /// assert_eq!(y.value().to_vec::<f32>(), [3., 2.5]);
    /// ```
    #[track_caller]
    pub fn avg_pool(&self, kernel: &[usize], window: &Window, count_padding: bool) -> Var {
        let shape = self.value().pooled_shape("avg_pool", kernel, window);
        let (rank, outer) = (window.rank(), self.rank() - window.rank());
        let mut amounts = vec![(0, 0); outer];
        let mut crop = vec![Slice::from(..); outer];
        for (i, &k) in kernel.iter().enumerate() {
            let n = self.shape()[outer + i];
            let covered = (shape[outer + i] - 1) * window.stride[i] + window.dilation[i] * (k - 1) + 1;
            amounts.push((window.padding[i], covered.saturating_sub(n + window.padding[i])));
            crop.push(Slice::from(..covered as isize));
        }
        let mut sums = self.pad(&amounts).slice(&crop);
        for (i, &k) in kernel.iter().enumerate() {
            let reach = window.dilation[i] * (k - 1) + 1;
            sums = sums.unfold((outer + i) as isize, reach, window.stride[i]);
            if window.dilation[i] > 1 {
                let every = Slice::from(..).step(window.dilation[i] as isize);
                sums = sums.slice(&[vec![Slice::from(..); sums.rank() - 1], vec![every]].concat());
            }
        }
        let windows: Vec<isize> = (1..=rank as isize).map(|i| -i).collect(); // […, output…, kernel…]
        let counts = window_counts(&self.shape()[outer..], kernel, &shape[outer..], window, count_padding);
        sums.sum_axes(&windows, false) / Var::constant(counts.cast(self.dtype()))
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
    let rank = d.pick(&[1, 2]);
    let mut each = |options: &[usize]| -> Vec<usize> { (0..rank).map(|_| d.pick(options)).collect() };
    let (kernel, stride, dilation, padding) = (each(&[1, 2, 3]), each(&[1, 2, 3]), each(&[1, 2]), each(&[0, 1]));
    let padding: Vec<usize> = padding.iter().zip(&kernel).map(|(&p, &k)| p.min(k / 2)).collect();
    let spatial = (0..rank).map(|i| dilation[i] * (kernel[i] - 1) + 1 + d.below(3)).collect();
    let window = Window::new(rank).stride(&stride).dilation(&dilation).padding(&padding).ceil_mode(d.flag());
    ([vec![d.size().min(2), d.range(1, 2)], spatial].concat(), kernel, window)
}

/// What these ops say about themselves.
pub const DECLARED: &[Declaration] = &[
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
];
