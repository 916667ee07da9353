//! Normalisation of weights instead of signals.

use chainrule_tensor::{Tensor, normalise_axis};

use crate::declare::{Declaration, Family, Sample};
use crate::var::Var;

impl Var {
    /// The direction of this variable with the length `g`: g·v/‖v‖, for each position of an axis by itself, or as a whole where there is none.
    ///
    /// Shapes: `[…, n, …]` and `g` `[…1, n, 1…]`, or `[]` → `[…, n, …]`.
    ///
    /// Source: Salimans and Kingma, Weight Normalization, 2016.
    ///
    /// # Panics
    /// When the axis does not exist or `g` has another shape.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (v, g) = (Var::leaf(tensor![[3., 4.]]), Var::leaf(tensor![[10.]]));
    /// assert_eq!(v.weight_norm(&g, Some(0)).value().to_vec::<f32>(), [6., 8.]);
    /// ```
    #[track_caller]
    pub fn weight_norm(&self, g: &Var, axis: Option<isize>) -> Var {
        let kept = axis.map(|axis| normalise_axis("weight_norm", axis, self.rank()));
        let axes: Vec<isize> = (0..self.rank()).filter(|&axis| Some(axis) != kept).map(|axis| axis as isize).collect();
        let length = match kept {
            Some(_) if axes.is_empty() => self.abs(),
            Some(_) => self.norm(&axes, true),
            None => self.norm(&[], false),
        };
        assert!(
            g.shape() == length.shape(),
            "weight_norm: a weight {} needs lengths {}, got {}",
            self.to_shape(),
            length.to_shape(),
            g.to_shape()
        );
        self * (g / length)
    }

    /// This variable divided by its largest singular value, seen as a matrix `[n, all else]`. The singular vectors `u` and `v` are improved by so many steps
    /// of power iteration, and returned; no gradient flows through them.
    ///
    /// Shapes: `[n, …]`, `u` `[n]`, `v` `[all else]` → `[n, …]`, `[n]`, `[all else]`.
    ///
    /// Source: Miyato, Kataoka, Koyama and Yoshida, Spectral normalization for generative adversarial networks, 2018.
    ///
    /// # Panics
    /// When there are no axes or a vector has another length.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let w = Var::leaf(tensor![[3., 0.], [0., 1.]]);
    /// let (y, _) = w.spectral_norm([&tensor![0.6, 0.8], &tensor![0.6, 0.8]], 20, 1e-12);
    /// assert!(y.value().allclose(&tensor![[1., 0.], [0., 1. / 3.]], 1e-5, 1e-6));
    /// ```
    #[track_caller]
    pub fn spectral_norm(&self, [u, v]: [&Tensor; 2], steps: usize, eps: f64) -> (Var, [Tensor; 2]) {
        assert!(self.rank() >= 1, "spectral_norm: a single number is no matrix");
        let matrix = self.reshape([self.size(0), self.len() / self.size(0).max(1)]);
        assert!(
            u.shape() == &matrix.shape()[..1] && v.shape() == &matrix.shape()[1..],
            "spectral_norm: a weight {} needs vectors [{}] and [{}], got {} and {}",
            self.to_shape(),
            matrix.size(0),
            matrix.size(1),
            u.to_shape(),
            v.to_shape()
        );
        let (w, mut u, mut v) = (Var::constant(matrix.value()), Var::constant(u), Var::constant(v));
        for _ in 0..steps {
            v = w.t().matmul(&u).normalize(2.0, 0, eps);
            u = w.matmul(&v).normalize(2.0, 0, eps);
        }
        let largest = (&u * matrix.matmul(&v)).sum();
        (self / largest, [u.value().clone(), v.value().clone()])
    }
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(Family::Composite, "weight_norm", "_weight_norm", "g · v / ‖v‖", "of its parts", |d| {
        let shape: Vec<usize> = (0..d.range(2, 3)).map(|_| d.range(2, 3)).collect();
        let axis = d.flag().then(|| d.axis(shape.len()));
        let lengths: Vec<usize> = match axis {
            Some(axis) => {
                let axis = normalise_axis("weight_norm", axis, shape.len());
                (0..shape.len()).map(|i| if i == axis { shape[i] } else { 1 }).collect()
            }
            None => vec![],
        };
        let inputs = [d.tensor(&shape, 0.3, 2.0), d.reals(&lengths)];
        Sample::new(inputs, format!("x[0].weight_norm(&x[1], {axis:?})"), move |x| x[0].weight_norm(&x[1], axis))
    }),
    Declaration::new(
        Family::Composite,
        "spectral_norm",
        "nn.utils.spectral_norm",
        "w / uᵀ·w·v",
        "of its parts, without u and v",
        |d| {
            // Without steps, u and v are given numbers and the result is a function of w alone.
            let shape = [d.range(1, 3), d.range(1, 3)];
            let (u, v) = (d.tensor(&shape[..1], 0.3, 1.0), d.tensor(&shape[1..], 0.3, 1.0));
            let source = format!(
                "x[0].spectral_norm([&tensor!{:?}, &tensor!{:?}], 0, 1e-12).0",
                u.to_vec::<f64>(),
                v.to_vec::<f64>()
            );
            let call = move |x: &[Var]| {
                let [u, v] = [&u, &v].map(|vector| vector.cast(x[0].dtype()));
                x[0].spectral_norm([&u, &v], 0, 1e-12).0
            };
            Sample::new([d.tensor(&shape, 0.5, 2.0)], source, call)
        },
    ),
];
