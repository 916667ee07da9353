//! Windows laid out as columns ↔ columns added back.

use chainrule_tensor::{Tensor, Window};

use crate::declare::{Declaration, Draw, Sample};
use crate::op::{Op, Saves};
use crate::var::Var;

/// Windows as columns ↔ columns added back.
struct Columns {
    kernel: Vec<usize>,
    window: Window,
}
impl Op<1> for Columns {
    fn name(&self) -> &'static str {
        "im2col"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        x.im2col(&self.kernel, &self.window)
    }
    fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var {
        g.col2im(&x.shape()[2..], &self.kernel, &self.window)
    }
}

/// Columns added back ↔ windows as columns.
struct AddColumns {
    output: Vec<usize>,
    kernel: Vec<usize>,
    window: Window,
}
impl Op<1> for AddColumns {
    fn name(&self) -> &'static str {
        "col2im"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        x.col2im(&self.output, &self.kernel, &self.window)
    }
    fn backward(&self, _: usize, g: &Var, _: [&Var; 1], _: &Var) -> Var {
        g.im2col(&self.kernel, &self.window)
    }
}

impl Var {
    /// The elements under each window, as columns: channel by channel, zeros for padding. PyTorch's `nn.functional.unfold`.
    ///
    /// Shape: `[n, c, spatial…]` → `[n, c·kernel, windows]`, or both without n.
    ///
    /// # Panics
    /// When ranks do not fit or the kernel is larger than the padded input.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{tensor, Window};
    /// let x = Var::leaf(tensor![[[1., 2., 3.]]]);
    /// let y = x.im2col(&[2], &Window::new(1));
    /// assert_eq!(y.value().to_vec::<f32>(), [1., 2., 2., 3.]);
    /// assert_eq!(y.sum().backward()[&x].to_vec::<f32>(), [1., 2., 1.]);
    /// ```
    #[doc(alias = "unfold")]
    #[track_caller]
    pub fn im2col(&self, kernel: &[usize], window: &Window) -> Var {
        if self.rank() == window.rank() + 1 {
            return self.unsqueeze(0).im2col(kernel, window).squeeze(&[0]);
        }
        Columns { kernel: kernel.to_vec(), window: window.clone() }.apply([self])
    }

    /// Columns added back to where [`im2col`](Var::im2col) takes them from, in an input of spatial lengths `output`: its adjoint. PyTorch's
    /// `nn.functional.fold`.
    ///
    /// Shape: `[n, c·kernel, windows]` → `[n, c, output…]`, or both without n.
    ///
    /// # Panics
    /// When this shape is not that of the columns of such an input.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{tensor, Window};
    /// let columns = Var::constant(tensor![[[1., 2.], [2., 3.]]]);
    /// assert_eq!(columns.col2im(&[3], &[2], &Window::new(1)).value().to_vec::<f32>(), [1., 4., 3.]);
    /// ```
    #[doc(alias = "fold")]
    #[track_caller]
    pub fn col2im(&self, output: &[usize], kernel: &[usize], window: &Window) -> Var {
        if self.rank() == 2 {
            return self.unsqueeze(0).col2im(output, kernel, window).squeeze(&[0]);
        }
        AddColumns { output: output.to_vec(), kernel: kernel.to_vec(), window: window.clone() }.apply([self])
    }
}

fn drawn(d: &mut Draw) -> (Vec<usize>, Vec<usize>, Window) {
    let rank = d.range(1, 3);
    let mut each = |options: &[usize]| -> Vec<usize> { (0..rank).map(|_| d.pick(options)).collect() };
    let (kernel, stride, dilation, padding) = (each(&[1, 2, 3]), each(&[1, 2, 3]), each(&[1, 2]), each(&[0, 1, 2]));
    let window = Window::new(rank).stride(&stride).dilation(&dilation).padding(&padding);
    let reach = |i: usize| (dilation[i] * (kernel[i] - 1) + 1).saturating_sub(2 * padding[i]).max(1);
    let spatial = (0..rank).map(|i| reach(i) + d.below(3)).collect();
    ([vec![d.size().min(2), d.range(1, 2)], spatial].concat(), kernel, window)
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::linear("im2col", "nn.functional.unfold", "windows as columns", "columns added back", |d| {
        let (shape, kernel, window) = drawn(d);
        let shape = if d.flag() { shape[1..].to_vec() } else { shape };
        let source = format!("x[0].im2col(&{kernel:?}, &{window:?})");
        Sample::new([d.reals(&shape)], source, move |x| x[0].im2col(&kernel, &window))
    }),
    Declaration::linear("col2im", "nn.functional.fold", "columns added back", "windows as columns", |d| {
        let (shape, kernel, window) = drawn(d);
        let output = shape[2..].to_vec();
        let windows: usize = window.output(&output, &kernel).map_or(0, |lengths| lengths.iter().product());
        let columns = [shape[0], shape[1] * kernel.iter().product::<usize>(), windows];
        let columns = if d.flag() { &columns[1..] } else { &columns };
        let source = format!("x[0].col2im(&{output:?}, &{kernel:?}, &{window:?})");
        Sample::new([d.reals(columns)], source, move |x| x[0].col2im(&output, &kernel, &window))
    }),
];
