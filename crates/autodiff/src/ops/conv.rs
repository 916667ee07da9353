//! Convolution. It is linear in the input and in the weights; it and its two adjoints are each other's rules.

use chainrule_tensor::{Shape, Tensor, Window};

use crate::declare::{Declaration, Draw, Family, Sample};
use crate::op::{Op, Saves};
use crate::var::Var;

/// (input, weight) → output
struct Conv {
    window: Window,
}
impl Op<2> for Conv {
    fn name(&self) -> &'static str {
        "conv"
    }
    fn saves(&self) -> Saves {
        Saves::Others
    }
    fn forward(&self, [x, w]: [&Tensor; 2]) -> Tensor {
        x.conv(w, &self.window)
    }
    fn backward(&self, wrt: usize, g: &Var, [x, w]: [&Var; 2], _: &Var) -> Var {
        let window = self.window.clone();
        match wrt {
            0 => ConvInput { window, input: x.to_shape() }.apply([g, w]),
            _ => ConvWeight { window, weight: w.to_shape() }.apply([x, g]),
        }
    }
}

/// (output, weight) → input
struct ConvInput {
    window: Window,
    input: Shape,
}
impl Op<2> for ConvInput {
    fn name(&self) -> &'static str {
        "conv_input"
    }
    fn saves(&self) -> Saves {
        Saves::Others
    }
    fn forward(&self, [y, w]: [&Tensor; 2]) -> Tensor {
        y.conv_input(w, &self.input, &self.window)
    }
    fn backward(&self, wrt: usize, g: &Var, [y, w]: [&Var; 2], _: &Var) -> Var {
        let window = self.window.clone();
        match wrt {
            0 => Conv { window }.apply([g, w]),
            _ => ConvWeight { window, weight: w.to_shape() }.apply([g, y]),
        }
    }
}

/// (input, output) → weight
struct ConvWeight {
    window: Window,
    weight: Shape,
}
impl Op<2> for ConvWeight {
    fn name(&self) -> &'static str {
        "conv_weight"
    }
    fn saves(&self) -> Saves {
        Saves::Others
    }
    fn forward(&self, [x, y]: [&Tensor; 2]) -> Tensor {
        x.conv_weight(y, &self.weight, &self.window)
    }
    fn backward(&self, wrt: usize, g: &Var, [x, y]: [&Var; 2], _: &Var) -> Var {
        let window = self.window.clone();
        match wrt {
            0 => ConvInput { window, input: x.to_shape() }.apply([y, g]),
            _ => Conv { window }.apply([x, g]),
        }
    }
}

impl Var {
    /// Convolution over as many spatial axes as the window has:
    /// `y[n, o, p] = b[o] + Σ over c, k of x[n, c, p·stride − padding + k·dilation] · w[o, c, k]`.
    ///
    /// Shapes: `[n, c, spatial…]`, weight `[o, c/groups, kernel…]`, bias `[o]` → `[n, o, output…]` (see
    /// [`Window::output`]); input and output also without n.
    ///
    /// # Panics
    /// When ranks, channels, groups or types do not fit, or the kernel is larger than the padded input.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{DType, Tensor, Window};
    /// let x = Var::constant(Tensor::ones([8, 1, 28, 28], DType::F32));
    /// let w = Var::leaf(Tensor::ones([32, 1, 3, 3], DType::F32));
    /// let y = x.conv(&w, None, &Window::new(2).padding(&[1]));
    /// assert_eq!(y.shape(), [8, 32, 28, 28]);
    /// ```
    #[doc(alias("conv1d", "conv2d", "conv3d"))]
    #[track_caller]
    pub fn conv(&self, weight: &Var, bias: Option<&Var>, window: &Window) -> Var {
        if self.rank() == window.rank() + 1 {
            return self.unsqueeze(0).conv(weight, bias, window).squeeze(&[0]);
        }
        let y = Conv { window: window.clone() }.apply([self, weight]);
        y.per_channel_bias(bias, window.rank())
    }

    /// [`conv`](Var::conv) with as much padding as keeps the spatial lengths: `padding="same"`. Where the amount is odd, the larger half comes
    /// after.
    ///
    /// # Panics
    /// As `conv`; and when the window has a stride or padding of its own.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{tensor, Window};
    /// let x = Var::constant(tensor![[[1., 2., 3.]]]);
    /// let w = Var::constant(tensor![[[1., 1.]]]);
    /// assert_eq!(x.conv_same(&w, None, &Window::new(1)).value().to_vec::<f32>(), [3., 5., 3.]);
    /// ```
    #[track_caller]
    pub fn conv_same(&self, weight: &Var, bias: Option<&Var>, window: &Window) -> Var {
        let rank = window.rank();
        assert!(
            window.stride.iter().all(|&n| n == 1) && window.padding.iter().all(|&n| n == 0),
            "conv_same: lengths can be kept with stride 1 alone, and the padding follows from that; the window has stride {:?} and \
             padding {:?}",
            window.stride,
            window.padding
        );
        assert!(
            self.rank() >= rank && weight.rank() == rank + 2 && !weight.shape().contains(&0),
            "conv_same: over {rank} spatial axes needs input [n, c, …] and weight [o, c/groups, …] of {} axes each, got {} and {}",
            rank + 2,
            self.to_shape(),
            weight.to_shape()
        );
        let mut amounts = vec![(0, 0); self.rank() - rank];
        for (&kernel, &dilation) in weight.shape()[2..].iter().zip(&window.dilation) {
            let total = dilation * (kernel - 1);
            amounts.push((total / 2, total - total / 2));
        }
        self.pad(&amounts).conv(weight, bias, window)
    }

    /// Transposed convolution: spreads each element over a window, the adjoint of [`conv`](Var::conv). `output_padding` elements, fewer than the
    /// stride or the dilation, are added at the end of each spatial axis: one number per axis, or one for all.
    ///
    /// Shapes: `[n, o, spatial…]`, weight `[o, c/groups, kernel…]`, bias `[c]` → `[n, c, output…]` with
    /// output = (n − 1)·stride − 2·padding + dilation·(kernel − 1) + output_padding + 1; input and output also without n.
    ///
    /// # Panics
    /// When ranks, channels, groups or types do not fit, or the output would be empty.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{tensor, Window};
    /// let x = Var::constant(tensor![[[1., 2.]]]);
    /// let w = Var::constant(tensor![[[1., 10.]]]);
    /// let y = x.conv_transpose(&w, None, &Window::new(1).stride(&[2]), &[0]);
    /// assert_eq!(y.value().to_vec::<f32>(), [1., 10., 2., 20.]);
    /// ```
    #[doc(alias("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"))]
    #[track_caller]
    pub fn conv_transpose(&self, weight: &Var, bias: Option<&Var>, window: &Window, output_padding: &[usize]) -> Var {
        let rank = window.rank();
        if self.rank() == rank + 1 {
            return self.unsqueeze(0).conv_transpose(weight, bias, window, output_padding).squeeze(&[0]);
        }
        assert!(
            self.rank() == rank + 2 && weight.rank() == rank + 2 && [1, rank].contains(&output_padding.len()),
            "conv_transpose: over {rank} spatial axes needs input and weight of {} axes and {rank} output paddings, got {}, \
             {} and {output_padding:?}",
            rank + 2,
            self.to_shape(),
            weight.to_shape()
        );
        let mut input = vec![self.size(0), weight.size(1) * window.groups];
        for (i, &extra) in output_padding.iter().cycle().take(rank).enumerate() {
            let (n, k) = (self.shape()[i + 2], weight.shape()[i + 2]);
            let reach = window.dilation[i] * k.saturating_sub(1) + extra + 1;
            let full = n.saturating_sub(1) * window.stride[i] + reach;
            assert!(
                extra < window.stride[i].max(window.dilation[i]),
                "conv_transpose: an output padding of {extra} needs a larger stride or dilation"
            );
            let Some(length) = full.checked_sub(2 * window.padding[i]).filter(|&length| length > 0) else {
                panic!("conv_transpose: padding {:?} leaves nothing of {full} elements", window.padding)
            };
            input.push(length);
        }
        // An output padding of a stride or more makes room for windows that no element is spread over.
        let windows = window.output(&input[2..], &weight.shape()[2..]).unwrap_or_default();
        let more = windows.iter().zip(&self.shape()[2..]).map(|(&all, &n)| (0, all.saturating_sub(n)));
        let spread = self.pad(&[(0, 0), (0, 0)].into_iter().chain(more).collect::<Vec<_>>());
        let x = ConvInput { window: window.clone(), input: input.into() }.apply([&spread, weight]);
        x.per_channel_bias(bias, rank)
    }

    #[track_caller]
    fn per_channel_bias(self, bias: Option<&Var>, rank: usize) -> Var {
        let Some(bias) = bias else { return self };
        assert!(
            bias.shape() == [self.size(1)],
            "conv: {} output channels need a bias of shape [{}], got {}",
            self.size(1),
            self.size(1),
            bias.to_shape()
        );
        let mut shape = vec![1; rank + 1];
        shape[0] = bias.len();
        self + bias.reshape(shape)
    }
}

fn drawn(d: &mut Draw) -> (Window, [Vec<usize>; 3], usize) {
    let rank = d.pick(&[1, 2, 3]);
    let mut each = |options: &[usize]| -> Vec<usize> { (0..rank).map(|_| d.pick(options)).collect() };
    let (kernel, stride, padding, dilation) = (each(&[1, 2, 3]), each(&[1, 2, 3]), each(&[0, 1, 2]), each(&[1, 2]));
    let groups = d.pick(&[1, 2]);
    let window = Window::new(rank).stride(&stride).padding(&padding).dilation(&dilation).groups(groups);
    let (samples, channels, features) = (d.size().min(2), groups * d.range(1, 2), groups * d.range(1, 2));
    let reach = |i: usize| dilation[i] * (kernel[i] - 1) + 1;
    let spatial: Vec<usize> = (0..rank).map(|i| reach(i).saturating_sub(2 * padding[i]).max(1) + d.below(3)).collect();
    let x = [vec![samples, channels], spatial].concat();
    let w = [vec![features, channels / groups], kernel].concat();
    (window, [x, w, vec![features]], groups)
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(
        Family::Product,
        "conv",
        "nn.functional.conv2d",
        "y = x ⋆ w + b",
        "g ⋆ᵀ w, x ⋆ g, Σ g",
        |d| {
            let (window, [x, w, b], _) = drawn(d);
            let x = if d.flag() { &x[1..] } else { &x };
            let inputs = [d.reals(x), d.reals(&w), d.reals(&b)];
            Sample::new(inputs, format!("x[0].conv(&x[1], Some(&x[2]), &{window:?})"), move |x| {
                x[0].conv(&x[1], Some(&x[2]), &window)
            })
        },
    ),
    Declaration::new(
        Family::Composite,
        "conv_same",
        "nn.functional.conv2d",
        "y = pad(x) ⋆ w + b",
        "of its parts",
        |d| {
            let (window, [x, w, b], _) = drawn(d);
            let window = Window::new(window.rank()).dilation(&window.dilation).groups(window.groups);
            let x = if d.flag() { &x[1..] } else { &x };
            let inputs = [d.reals(x), d.reals(&w), d.reals(&b)];
            Sample::new(inputs, format!("x[0].conv_same(&x[1], Some(&x[2]), &{window:?})"), move |x| {
                x[0].conv_same(&x[1], Some(&x[2]), &window)
            })
        },
    ),
    Declaration::new(
        Family::Product,
        "conv_transpose",
        "nn.functional.conv_transpose2d",
        "y = x ⋆ᵀ w + b",
        "g ⋆ w, g ⋆ x, Σ g",
        |d| {
            let (window, [x, w, _], groups) = drawn(d);
            let window = Window { padding: window.padding.iter().map(|_| 0).collect(), ..window };
            let most = |i: usize| window.stride[i].max(window.dilation[i]);
            let extra: Vec<usize> = (0..window.rank()).map(|i| d.below(most(i))).collect();
            let input = [vec![x[0], w[0]], (0..window.rank()).map(|_| d.range(1, 3)).collect()].concat();
            let input = if d.flag() { &input[1..] } else { &input };
            let inputs = [d.reals(input), d.reals(&w), d.reals(&[w[1] * groups])];
            Sample::new(inputs, format!("x[0].conv_transpose(&x[1], Some(&x[2]), &{window:?}, &{extra:?})"), move |x| {
                x[0].conv_transpose(&x[1], Some(&x[2]), &window, &extra)
            })
        },
    ),
];
