//! Convolution in one, two or three dimensions, and its two adjoints.

use smallvec::SmallVec;

use crate::dtype::{DType, each_real};
use crate::kernel::convolution::{Geometry, forward, input_adjoint, weight_adjoint};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// How a window moves over the spatial axes: one entry per axis in each list.
///
/// ```
/// use chainrule_tensor::Window;
/// let same = Window::new(2).padding(&[1, 1]);
/// assert_eq!(same.output(&[28, 28], &[3, 3]), Some(vec![28, 28]));
/// assert_eq!(Window::new(1).stride(&[2]).dilation(&[2]).output(&[9], &[3]), Some(vec![3]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Elements between neighbouring positions of the window.
    pub stride: SmallVec<[usize; 3]>,
    /// Zeros (for pooling: nothing) added on both sides.
    pub padding: SmallVec<[usize; 3]>,
    /// Distance between neighbouring elements of the window.
    pub dilation: SmallVec<[usize; 3]>,
    /// Into how many independent groups the channels are cut.
    pub groups: usize,
    /// Whether a last window that starts inside but ends outside counts (pooling only).
    pub ceil_mode: bool,
}

impl Window {
    /// Stride 1, no padding, no dilation, one group, over `rank` spatial axes.
    pub fn new(rank: usize) -> Window {
        let all = |n| SmallVec::from_elem(n, rank);
        Window { stride: all(1), padding: all(0), dilation: all(1), groups: 1, ceil_mode: false }
    }

    /// Another stride: one number per axis, or one for all.
    #[track_caller]
    pub fn stride(mut self, stride: &[usize]) -> Window {
        self.stride = self.per_axis("stride", stride);
        assert!(!self.stride.contains(&0), "stride: a stride of 0 never ends");
        self
    }

    /// Another padding: one number per axis, or one for all.
    #[track_caller]
    pub fn padding(mut self, padding: &[usize]) -> Window {
        self.padding = self.per_axis("padding", padding);
        self
    }

    /// Another dilation: one number per axis, or one for all.
    #[track_caller]
    pub fn dilation(mut self, dilation: &[usize]) -> Window {
        self.dilation = self.per_axis("dilation", dilation);
        assert!(!self.dilation.contains(&0), "dilation: the elements of a window must differ (dilation ≥ 1)");
        self
    }

    /// Another number of groups.
    #[track_caller]
    pub fn groups(mut self, groups: usize) -> Window {
        assert!(groups > 0, "groups: at least one is needed");
        self.groups = groups;
        self
    }

    /// Counts a last window that starts inside but ends outside.
    pub fn ceil_mode(mut self, on: bool) -> Window {
        self.ceil_mode = on;
        self
    }

    /// Number of spatial axes.
    pub fn rank(&self) -> usize {
        self.stride.len()
    }

    /// The spatial lengths of the result, `⌊(n + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1` each, with ⌈ ⌉ where the ceiling counts;
    /// `None` where no window fits or lengths overflow.
    pub fn output(&self, input: &[usize], kernel: &[usize]) -> Option<Vec<usize>> {
        (0..self.rank())
            .map(|i| {
                let reach = self.dilation[i].checked_mul(kernel[i].checked_sub(1)?)?.checked_add(1)?;
                let padded = input[i].checked_add(self.padding[i].checked_mul(2)?)?;
                let stride = self.stride[i];
                if !self.ceil_mode {
                    return Some(padded.checked_sub(reach)? / stride + 1);
                }
                let mut n = padded.checked_add(stride - 1)?.checked_sub(reach)? / stride + 1;
                if (n - 1) * stride >= input[i] + self.padding[i] {
                    n -= 1;
                }
                Some(n)
            })
            .collect()
    }

    #[track_caller]
    fn per_axis(&self, what: &str, given: &[usize]) -> SmallVec<[usize; 3]> {
        match given {
            [one] => SmallVec::from_elem(*one, self.rank()),
            _ => {
                assert!(
                    given.len() == self.rank(),
                    "{what}: {given:?} has {} numbers for {} spatial axes",
                    given.len(),
                    self.rank()
                );
                SmallVec::from_slice(given)
            }
        }
    }
}

impl Tensor {
    /// Cross-correlation of `[n, c, spatial…]` with weights `[o, c/groups, kernel…]`: what networks call a convolution.
    ///
    /// `y[n, o, p] = Σ over c, k of x[n, c, p·stride − padding + k·dilation] · w[o, c, k]`, zero outside of the input.
    ///
    /// Shape of the result: `[n, o, output…]` (see [`Window::output`]).
    ///
    /// # Panics
    /// When ranks, channels, groups or types do not fit, or the kernel is larger than the padded input.
    ///
    /// ```
    /// use chainrule_tensor::{tensor, Window};
    /// let x = tensor![[[1., 2., 3., 4.]]];
    /// let w = tensor![[[1., -1.]]];
    /// assert_eq!(x.conv(&w, &Window::new(1)).to_vec::<f32>(), [-1., -1., -1.]);
    /// ```
    #[track_caller]
    pub fn conv(&self, weight: &Tensor, window: &Window) -> Tensor {
        let geometry = geometry("conv", self.shape(), weight, window);
        let shape = geometry.output_shape();
        each_real!("conv", self, T => {
            let (x, w) = (self.contiguous(), weight.contiguous());
            let (x, w) = (x.as_slice::<T>().expect("dense"), w.as_slice::<T>().expect("dense"));
            Tensor::build::<T>(shape, |out| forward(&geometry, x, w, out))
        }, half => self.cast(DType::F32).conv(&weight.cast(DType::F32), window).cast(self.dtype()))
    }

    /// The adjoint of [`conv`](Tensor::conv) in its input: this tensor, shaped like a convolution's result, spread back over an input
    /// of shape `input`. Also known as transposed convolution.
    ///
    /// # Panics
    /// When this tensor's shape is not that of the convolution's result.
    #[track_caller]
    pub fn conv_input(&self, weight: &Tensor, input: &[usize], window: &Window) -> Tensor {
        let geometry = geometry("conv_input", input, weight, window);
        expect_output("conv_input", self, &geometry.output_shape());
        each_real!("conv_input", self, T => {
            let (g, w) = (self.contiguous(), weight.contiguous());
            let (g, w) = (g.as_slice::<T>().expect("dense"), w.as_slice::<T>().expect("dense"));
            Tensor::build::<T>(input, |out| input_adjoint(&geometry, g, w, out))
        }, half => self.cast(DType::F32).conv_input(&weight.cast(DType::F32), input, window).cast(self.dtype()))
    }

    /// The adjoint of [`conv`](Tensor::conv) in its weights: the input `self` correlated with `g`, shaped like the convolution's result.
    ///
    /// # Panics
    /// When `g`'s shape is not that of the convolution's result.
    #[track_caller]
    pub fn conv_weight(&self, g: &Tensor, weight: &[usize], window: &Window) -> Tensor {
        let shape_only = Tensor::zeros(weight, self.dtype());
        let geometry = geometry("conv_weight", self.shape(), &shape_only, window);
        expect_output("conv_weight", g, &geometry.output_shape());
        each_real!("conv_weight", self, T => {
            let (x, g) = (self.contiguous(), g.contiguous());
            let (x, g) = (x.as_slice::<T>().expect("dense"), g.as_slice::<T>().expect("dense"));
            Tensor::build::<T>(weight, |out| weight_adjoint(&geometry, x, g, out))
        }, half => self.cast(DType::F32).conv_weight(&g.cast(DType::F32), weight, window).cast(self.dtype()))
    }
}

#[track_caller]
fn expect_output(op: &str, g: &Tensor, shape: &Shape) {
    assert!(g.shape() == &shape[..], "{op}: the result of this convolution has shape {shape}, not {}", g.to_shape());
}

#[track_caller]
pub(crate) fn geometry(op: &str, input: &[usize], weight: &Tensor, window: &Window) -> Geometry {
    let (rank, w) = (window.rank(), weight.to_shape());
    let x = Shape::from(input);
    assert!((1..=3).contains(&rank), "{op}: {rank} spatial axes; one to three are known");
    assert!(
        x.len() == rank + 2 && w.len() == rank + 2,
        "{op}: over {rank} spatial axes needs input [n, c, …] and weight [o, c/groups, …] of {} axes each, got {x} and {w}",
        rank + 2
    );
    let groups = window.groups;
    assert!(
        x[1] == w[1] * groups,
        "{op}: input {x} has {} channels, weight {w} in {groups} group(s) expects {}",
        x[1],
        w[1] * groups
    );
    assert!(w[0] % groups == 0, "{op}: {} output channels do not divide into {groups} groups", w[0]);
    let Some(output) = window.output(&x[2..], &w[2..]) else {
        panic!(
            "{op}: kernel {:?} (dilation {:?}) is empty or larger than the input {:?} with padding {:?}",
            &w[2..],
            window.dilation,
            &x[2..],
            window.padding
        )
    };
    Geometry::new(&x, &w, &output, window)
}
