//! Activations with a second operand: gates, learned slopes and random ones.

use chainrule_tensor::{Comparison, Rng, Tensor};

use crate::declare::{Declaration, Draw, Family, Sample};
use crate::var::Var;

impl Var {
    /// x where positive, else `weight`·x, with one weight for all or one per channel, axis 1. Slope at 0: `weight`.
    ///
    /// Source: He et al., Delving deep into rectifiers, 2015.
    ///
    /// # Panics
    /// When the weights are neither one nor as many as channels (a tensor of up to one axis has one channel).
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (x, weight) = (Var::leaf(tensor![[-2., 4., -2.]]), Var::leaf(tensor![0.5, 0.5, 0.1]));
    /// let y = x.prelu(&weight);
    /// assert_eq!(y.value().to_vec::<f32>(), [-1., 4., -0.2]);
    /// assert_eq!(y.sum().backward()[&weight].to_vec::<f32>(), [-2., 0., -2.]);
    /// ```
    #[track_caller]
    pub fn prelu(&self, weight: &Var) -> Var {
        let channels = self.shape().get(1).copied().unwrap_or(1);
        assert!(
            weight.rank() <= 1 && (weight.len() == 1 || weight.len() == channels),
            "prelu: weights of shape {} for {channels} channels (axis 1 of {}); give one, or one per channel",
            weight.to_shape(),
            self.to_shape()
        );
        let mut shape = vec![1; self.rank()];
        if weight.len() != 1 {
            shape[1] = channels;
        }
        let positive = self.value().compare_scalar(Comparison::Gt, 0.0);
        Var::choose(&positive, self, &(self * weight.reshape(shape)))
    }

    /// The first half of an axis times the logistic function of the second half.
    ///
    /// Source: Dauphin et al., Language modeling with gated convolutional networks, 2017.
    ///
    /// # Panics
    /// When the axis does not exist or its length is odd.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::constant(tensor![3., 0.]).glu(0).value().to_vec::<f32>(), [1.5]);
    /// ```
    #[track_caller]
    pub fn glu(&self, axis: isize) -> Var {
        let [a, b] = self.halves("glu", axis);
        a * b.sigmoid()
    }

    /// The first half of an axis, through [`silu`](Var::silu), times the second half.
    ///
    /// Source: Shazeer, GLU variants improve transformer, 2020.
    ///
    /// # Panics
    /// When the axis does not exist or its length is odd.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::constant(tensor![0., 5.]).swiglu(0).value().to_vec::<f32>(), [0.]);
    /// ```
    #[track_caller]
    pub fn swiglu(&self, axis: isize) -> Var {
        let [a, b] = self.halves("swiglu", axis);
        a.silu() * b
    }

    /// The first half of an axis, through [`gelu`](Var::gelu), times the second half.
    ///
    /// Source: Shazeer, GLU variants improve transformer, 2020.
    ///
    /// # Panics
    /// When the axis does not exist or its length is odd.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::constant(tensor![0., 5.]).geglu(0).value().to_vec::<f32>(), [0.]);
    /// ```
    #[track_caller]
    pub fn geglu(&self, axis: isize) -> Var {
        let [a, b] = self.halves("geglu", axis);
        a.gelu() * b
    }

    #[track_caller]
    fn halves(&self, op: &str, axis: isize) -> [Var; 2] {
        let n = self.size(axis);
        assert!(
            n.is_multiple_of(2),
            "{op}: axis {axis} of {} has an odd length, {n}; it must fall into halves",
            self.to_shape()
        );
        [self.narrow(axis, 0, n / 2), self.narrow(axis, n / 2, n / 2)]
    }

    /// x where positive or 0, else x times a random number between `lower` and `upper`: one for each element, in training alone. Elsewhere
    /// [`leaky_relu`](Var::leaky_relu) with their mean takes its place.
    ///
    /// Source: Xu et al., Empirical evaluation of rectified activations in convolutional network, 2015.
    ///
    /// # Panics
    /// When `lower` exceeds `upper`.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{tensor, Rng};
    /// let y = Var::constant(tensor![-8., 3.]).rrelu(0.125, 0.25, &mut Rng::seed(1));
    /// let y = y.value().to_vec::<f32>();
    /// assert!((-2.0..=-1.0).contains(&y[0]) && y[1] == 3.0);
    /// ```
    #[track_caller]
    pub fn rrelu(&self, lower: f64, upper: f64, rng: &mut Rng) -> Var {
        assert!(lower <= upper, "rrelu: the lower slope {lower} exceeds the upper one, {upper}");
        let slopes = Tensor::uniform(rng, self.shape(), lower, upper, self.dtype());
        let negative = self.value().compare_scalar(Comparison::Lt, 0.0);
        self * Var::constant(negative.choose(&slopes, &slopes.ones_like()))
    }
}

fn gated(d: &mut Draw, name: &str, call: fn(&Var, isize) -> Var) -> Sample {
    let mut shape = d.positive_shape();
    let axis = d.axis(shape.len());
    let at = if axis < 0 { shape.len() as isize + axis } else { axis };
    shape[at as usize] *= 2;
    Sample::new([d.reals(&shape)], format!("x[0].{name}({axis})"), move |x| call(&x[0], axis))
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(
        Family::Composite,
        "prelu",
        "nn.functional.prelu",
        "x where positive, else weight · x",
        "of its parts: g where x > 0, else weight · g; x · g where x ≤ 0",
        |d| {
            let shape = d.shape();
            let channels = shape.get(1).copied().unwrap_or(1);
            let weights = if d.flag() { 1 } else { channels };
            let inputs = [d.reals(&shape), d.tensor(&[weights], 0.1, 0.9)];
            Sample::new(inputs, "x[0].prelu(&x[1])", |x| x[0].prelu(&x[1]))
        },
    ),
    Declaration::new(Family::Composite, "glu", "nn.functional.glu", "a · σ(b)", "of its parts", |d| {
        gated(d, "glu", |x, axis| x.glu(axis))
    }),
    Declaration::new(Family::Composite, "swiglu", "", "silu(a) · b", "of its parts", |d| {
        gated(d, "swiglu", |x, axis| x.swiglu(axis))
    }),
    Declaration::new(Family::Composite, "geglu", "", "gelu(a) · b", "of its parts", |d| {
        gated(d, "geglu", |x, axis| x.geglu(axis))
    }),
    Declaration::new(
        Family::Composite,
        "rrelu",
        "nn.functional.rrelu",
        "x where positive, else a random slope · x",
        "g where x ≥ 0, else the slope · g",
        |d| {
            let (shape, seed) = (d.shape(), d.below(100) as u64);
            let source = format!("x[0].rrelu(0.1, 0.4, &mut Rng::seed({seed}))");
            Sample::new([d.reals(&shape)], source, move |x| x[0].rrelu(0.1, 0.4, &mut Rng::seed(seed)))
        },
    ),
];
