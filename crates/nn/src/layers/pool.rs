//! Pooling layers: one number for each window.

use chainrule_autodiff::Var;
use chainrule_tensor::Window;

use crate::Module;
use crate::layer::Layer;
use crate::layers::Extent;

/// The largest number of each window over the last `RANK` axes; see [`Var::max_pool`]. Windows lie side by side unless a stride is given.
///
/// ```
/// use chainrule_autodiff::Var;
/// use chainrule_nn::{Layer, MaxPool2d};
/// use chainrule_tensor::{DType, Tensor};
/// let x = Var::constant(Tensor::zeros([8, 16, 28, 28], DType::F32));
/// assert_eq!(MaxPool2d::new(2).forward(&x).shape(), [8, 16, 14, 14]);
/// ```
#[derive(Clone, Debug, PartialEq, Module)]
#[module(crate = crate)]
pub struct MaxPool<const RANK: usize> {
    /// The lengths of a window.
    pub kernel: [usize; RANK],
    /// Stride, padding and dilation.
    pub window: Window,
}

/// Maxima over signals, `[n, channels, length]`.
pub type MaxPool1d = MaxPool<1>;
/// Maxima over images, `[n, channels, height, width]`.
pub type MaxPool2d = MaxPool<2>;
/// Maxima over volumes, `[n, channels, depth, height, width]`.
pub type MaxPool3d = MaxPool<3>;

/// The mean of each window over the last `RANK` axes; see [`Var::avg_pool`]. Windows lie side by side unless a stride is given.
///
/// ```
/// use chainrule_autodiff::Var;
/// use chainrule_nn::{AvgPool1d, Layer};
/// use chainrule_tensor::tensor;
/// let y = AvgPool1d::new(2).forward(&Var::constant(tensor![[[1., 3., 5., 9.]]]));
/// assert_eq!(y.value().to_vec::<f32>(), [2., 7.]);
/// ```
#[derive(Clone, Debug, PartialEq, Module)]
#[module(crate = crate)]
pub struct AvgPool<const RANK: usize> {
    /// The lengths of a window.
    pub kernel: [usize; RANK],
    /// Stride and padding.
    pub window: Window,
    /// Whether the zeros of the padding count.
    pub count_padding: bool,
}

/// Means over signals, `[n, channels, length]`.
pub type AvgPool1d = AvgPool<1>;
/// Means over images, `[n, channels, height, width]`.
pub type AvgPool2d = AvgPool<2>;
/// Means over volumes, `[n, channels, depth, height, width]`.
pub type AvgPool3d = AvgPool<3>;

impl<const RANK: usize> MaxPool<RANK> {
    /// Windows of this size, side by side.
    ///
    /// # Panics
    /// When a length is 0.
    #[track_caller]
    pub fn new(kernel: impl Into<Extent<RANK>>) -> Self {
        let Extent(kernel) = kernel.into();
        MaxPool { kernel, window: side_by_side(&kernel) }
    }

    /// Distance between neighbouring elements of a window.
    ///
    /// # Panics
    /// When it is 0.
    #[track_caller]
    pub fn dilation(mut self, dilation: impl Into<Extent<RANK>>) -> Self {
        self.window = self.window.dilation(&dilation.into().0);
        self
    }
}

impl<const RANK: usize> AvgPool<RANK> {
    /// Windows of this size, side by side. The zeros of the padding count.
    ///
    /// # Panics
    /// When a length is 0.
    #[track_caller]
    pub fn new(kernel: impl Into<Extent<RANK>>) -> Self {
        let Extent(kernel) = kernel.into();
        AvgPool { kernel, window: side_by_side(&kernel), count_padding: true }
    }

    /// Whether the zeros of the padding count.
    pub fn count_padding(mut self, on: bool) -> Self {
        self.count_padding = on;
        self
    }
}

macro_rules! builders {
    ($($pool:ident)*) => {$(
        impl<const RANK: usize> $pool<RANK> {
            /// Elements between neighbouring windows.
            ///
            /// # Panics
            /// When it is 0.
            #[track_caller]
            pub fn stride(mut self, stride: impl Into<Extent<RANK>>) -> Self {
                self.window = self.window.stride(&stride.into().0);
                self
            }

            /// Elements added on both sides of each axis, at most half a window.
            #[track_caller]
            pub fn padding(mut self, padding: impl Into<Extent<RANK>>) -> Self {
                self.window = self.window.padding(&padding.into().0);
                self
            }

            /// Whether a last window counts that starts inside but ends outside.
            pub fn ceil_mode(mut self, on: bool) -> Self {
                self.window = self.window.ceil_mode(on);
                self
            }
        }
    )*};
}
builders!(MaxPool AvgPool);

#[track_caller]
fn side_by_side(kernel: &[usize]) -> Window {
    assert!(!kernel.contains(&0), "pooling: a window of lengths {kernel:?} is empty");
    Window::new(kernel.len()).stride(kernel)
}

/// Panics where no window fits into the input.
#[track_caller]
fn expect_room(name: &str, kernel: &[usize], window: &Window, x: &Var) {
    let rank = kernel.len();
    let room = x.rank().checked_sub(rank).and_then(|outer| window.output(&x.shape()[outer..], kernel));
    assert!(
        room.is_some(),
        "{name}{rank}d(kernel {kernel:?}): the input {} needs {rank} axes or more, the last of which have room for the kernel",
        x.to_shape()
    );
}

impl<const RANK: usize> Layer for MaxPool<RANK> {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        expect_room("MaxPool", &self.kernel, &self.window, x);
        x.max_pool(&self.kernel, &self.window)
    }
}

impl<const RANK: usize> Layer for AvgPool<RANK> {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        expect_room("AvgPool", &self.kernel, &self.window, x);
        x.avg_pool(&self.kernel, &self.window, self.count_padding)
    }
}
