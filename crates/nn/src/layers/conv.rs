//! Convolution layers.

use std::fmt;

use chainrule_autodiff::Var;
use chainrule_tensor::{Rng, Window};

use crate::Module;
use crate::init::affine_layer;
use crate::layer::{Layer, expect_type};
use crate::layers::Extent;

/// Convolution over `RANK` spatial axes: the same small affine map of every window of the input.
///
/// Shapes: `[n, inputs, spatial…]` → `[n, outputs, spatial…]` (see [`Window::output`]); parameters `weight` `[outputs, inputs/groups, kernel…]` and
/// `bias` `[outputs]`, both uniform on ±1/√(inputs/groups · kernel size) at first.
///
/// ```
/// use chainrule_autodiff::Var;
/// use chainrule_nn::{Conv2d, Layer};
/// use chainrule_tensor::{DType, Rng, Tensor};
/// let layer = Conv2d::new(3, 16, 3, &mut Rng::seed(0)).padding(1).stride([2, 1]);
/// let images = Var::constant(Tensor::zeros([8, 3, 28, 28], DType::F32));
/// assert_eq!(layer.forward(&images).shape(), [8, 16, 14, 28]);
/// ```
#[derive(Clone, Debug, Module)]
#[module(crate = crate)]
pub struct Conv<const RANK: usize> {
    /// `[outputs, inputs/groups, kernel…]`
    pub weight: Var,
    /// `[outputs]`
    pub bias: Option<Var>,
    /// Stride, padding, dilation and groups.
    pub window: Window,
}

/// Convolution of signals, `[n, channels, length]`.
pub type Conv1d = Conv<1>;
/// Convolution of images, `[n, channels, height, width]`.
pub type Conv2d = Conv<2>;
/// Convolution of volumes, `[n, channels, depth, height, width]`.
pub type Conv3d = Conv<3>;

impl<const RANK: usize> Conv<RANK> {
    /// A layer with random weights and bias, stride 1 and no padding.
    #[track_caller]
    pub fn new(inputs: usize, outputs: usize, kernel: impl Into<Extent<RANK>>, rng: &mut Rng) -> Self {
        let shape = [&[outputs, inputs], &kernel.into().0[..]].concat();
        let (weight, bias) = affine_layer(shape, rng);
        Conv {
            weight: Var::leaf(weight).named("weight"),
            bias: Some(Var::leaf(bias).named("bias")),
            window: Window::new(RANK),
        }
    }

    /// Elements between neighbouring positions of the kernel.
    ///
    /// # Panics
    /// When it is 0.
    #[track_caller]
    pub fn stride(mut self, stride: impl Into<Extent<RANK>>) -> Self {
        self.window = self.window.stride(&stride.into().0);
        self
    }

    /// Zeros added on both sides of each axis.
    #[track_caller]
    pub fn padding(mut self, padding: impl Into<Extent<RANK>>) -> Self {
        self.window = self.window.padding(&padding.into().0);
        self
    }

    /// Distance between neighbouring elements of the kernel.
    ///
    /// # Panics
    /// When it is 0.
    #[track_caller]
    pub fn dilation(mut self, dilation: impl Into<Extent<RANK>>) -> Self {
        self.window = self.window.dilation(&dilation.into().0);
        self
    }

    /// Cuts the channels into groups, each of which sees only itself. Call it on a new layer: a weight has fewer inputs from then on,
    /// and larger numbers at first.
    ///
    /// # Panics
    /// When the channels do not divide into so many groups, or the layer already has groups.
    #[track_caller]
    pub fn groups(mut self, groups: usize) -> Self {
        let (inputs, outputs) = (self.weight.size(1), self.weight.size(0));
        assert!(self.window.groups == 1, "groups: {self} already has groups");
        assert!(
            groups > 0 && inputs.is_multiple_of(groups) && outputs.is_multiple_of(groups),
            "groups: the {inputs} and {outputs} channels of {self} do not divide into {groups} groups"
        );
        // The numbers are uniform on ±1/√(fan in), so that some of them, scaled, are what the smaller fan in asks for.
        let scale = (groups as f64).sqrt();
        self.weight.update(|w| *w = w.narrow(1, 0, inputs / groups).affine(scale, 0.0));
        if let Some(bias) = &mut self.bias {
            bias.update(|b| *b = b.affine(scale, 0.0));
        }
        self.window = self.window.groups(groups);
        self
    }

    /// Leaves the bias out.
    pub fn without_bias(mut self) -> Self {
        self.bias = None;
        self
    }
}

impl<const RANK: usize> fmt::Display for Conv<RANK> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (window, shape) = (&self.window, self.weight.shape());
        write!(f, "Conv{RANK}d({} → {}, kernel {:?}", shape[1] * window.groups, shape[0], &shape[2..])?;
        for (name, numbers, usual) in
            [("stride", &window.stride, 1), ("padding", &window.padding, 0), ("dilation", &window.dilation, 1)]
        {
            if numbers.iter().any(|&n| n != usual) {
                write!(f, ", {name} {:?}", &numbers[..])?;
            }
        }
        if window.groups > 1 {
            write!(f, ", {} groups", window.groups)?;
        }
        write!(f, ")")
    }
}

impl<const RANK: usize> Layer for Conv<RANK> {
    #[track_caller]
    fn forward(&self, x: &Var) -> Var {
        let inputs = self.weight.size(1) * self.window.groups;
        if x.rank() != RANK + 2 || x.shape()[1] != inputs {
            let axes = AXES[3 - RANK.min(3)..].join(", ");
            let hint = match x.rank() {
                rank if rank == RANK + 1 && inputs == 1 => "; .unsqueeze(1) adds the axis of channels",
                rank if rank == RANK + 1 => "; .unsqueeze(0) makes a batch of one",
                _ => "",
            };
            panic!("{self}: needs an input of shape [n, {inputs}, {axes}], got {}{hint}", x.to_shape());
        }
        let kernel = &self.weight.shape()[2..];
        assert!(
            self.window.output(&x.shape()[2..], kernel).is_some(),
            "{self}: the kernel is larger than the input {} with its padding",
            x.to_shape()
        );
        expect_type(self, x, &self.weight);
        x.conv(&self.weight, self.bias.as_ref(), &self.window)
    }
}

const AXES: [&str; 3] = ["depth", "height", "width"];
