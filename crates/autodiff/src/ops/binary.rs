//! Two or three numbers in, beyond `+ − × ÷`: remainders, logarithms of sums, steps between two values.

use chainrule_tensor::{Comparison, Tensor};

use crate::declare::{Declaration, Draw, Family, Sample};
use crate::op::{Op, Saves};
use crate::ops::formula::{Side, pairs};
use crate::var::Var;

pairs! {
    /// ln(eᵃ + eᵇ), without overflow.
    logaddexp(a, b) = when(a.equals(b), a + std::f64::consts::LN_2, a.maximum(b) + (-(a - b).abs()).exp().log1p());
        by a = (a - b).sigmoid();
        by b = (b - a).sigmoid();
        on -3.0..3.0, -3.0..3.0; torch "logaddexp";

    /// log₂(2ᵃ + 2ᵇ), without overflow.
    logaddexp2(a, b) = when(
        a.equals(b),
        a + 1.0,
        a.maximum(b) + (-(a - b).abs()).exp2().log1p() * std::f64::consts::LOG2_E
    );
        by a = ((a - b) * std::f64::consts::LN_2).sigmoid();
        by b = ((b - a) * std::f64::consts::LN_2).sigmoid();
        on -3.0..3.0, -3.0..3.0; torch "logaddexp2";

    /// a · ln b, and 0 where a is 0.
    xlogy(a, b) = when(a.equals(0.0), when(b.equals(b), 0.0, b), a * b.log());
        by a = when(a.equals(0.0), when(b.at_most(0.0), 0.0, b.log()), b.log());
        by b = when(b.equals(0.0), when(a.equals(0.0), 0.0, a / b), a / b);
        on 0.2..3.0, 0.2..3.0; torch "xlogy";
}

/// What a quotient that is rounded, down or towards 0, leaves over.
struct Remainder {
    down: bool,
}
impl Op<2> for Remainder {
    fn name(&self) -> &'static str {
        if self.down { "remainder" } else { "fmod" }
    }
    fn saves(&self) -> Saves {
        Saves::Inputs
    }
    fn forward(&self, [a, b]: [&Tensor; 2]) -> Tensor {
        if self.down { a.remainder(b) } else { a.fmod(b) }
    }
    fn backward(&self, wrt: usize, g: &Var, [a, b]: [&Var; 2], _: &Var) -> Var {
        match wrt {
            0 => g.clone(),
            _ => -g * Var::constant(Quotient { down: self.down }.forward([a.value(), b.value()])),
        }
    }
}

/// A quotient rounded down or towards 0. Flat.
struct Quotient {
    down: bool,
}
impl Op<2> for Quotient {
    fn name(&self) -> &'static str {
        if self.down { "floor_divide" } else { "trunc_divide" }
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [a, b]: [&Tensor; 2]) -> Tensor {
        if self.down { a.floor_divide(b) } else { a.trunc_divide(b) }
    }
    fn backward(&self, _: usize, g: &Var, _: [&Var; 2], _: &Var) -> Var {
        g.times_number(0.0)
    }
}

impl Var {
    /// What the quotient a / b, rounded down, leaves over: has the sign of b. b is a variable or a number. The slope by a is 1, also where the
    /// remainder jumps.
    ///
    /// # Panics
    /// When the types differ, are not real, or the shapes do not broadcast.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::constant(tensor![-7., 7.]).remainder(4.0).value().to_vec::<f32>(), [1., 3.]);
    /// ```
    #[track_caller]
    pub fn remainder(&self, b: impl Into<Side>) -> Var {
        Remainder { down: true }.apply([self, &b.into().with_type_of(self)])
    }

    /// What the quotient a / b, rounded towards 0, leaves over: has the sign of a. b is a variable or a number. The slope by a is 1, also where
    /// the remainder jumps.
    ///
    /// # Panics
    /// When the types differ, are not real, or the shapes do not broadcast.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::constant(tensor![-7., 7.]).fmod(4.0).value().to_vec::<f32>(), [-3., 3.]);
    /// ```
    #[track_caller]
    pub fn fmod(&self, b: impl Into<Side>) -> Var {
        Remainder { down: false }.apply([self, &b.into().with_type_of(self)])
    }

    /// The quotient a / b rounded down; b is a variable or a number. Slopes 0.
    ///
    /// # Panics
    /// When the types differ, are not real, or the shapes do not broadcast.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::constant(tensor![-7., 7.]).floor_divide(2.0).value().to_vec::<f32>(), [-4., 3.]);
    /// ```
    #[track_caller]
    pub fn floor_divide(&self, b: impl Into<Side>) -> Var {
        Quotient { down: true }.apply([self, &b.into().with_type_of(self)])
    }

    /// The quotient a / b rounded towards 0; b is a variable or a number. Slopes 0.
    ///
    /// # Panics
    /// When the types differ, are not real, or the shapes do not broadcast.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::constant(tensor![-7., 7.]).trunc_divide(2.0).value().to_vec::<f32>(), [-3., 3.]);
    /// ```
    #[track_caller]
    pub fn trunc_divide(&self, b: impl Into<Side>) -> Var {
        Quotient { down: false }.apply([self, &b.into().with_type_of(self)])
    }

    /// The larger of two numbers, of which one may be NaN. Where they are equal, the gradient goes to a.
    ///
    /// # Panics
    /// When the types differ, are not real, or the shapes do not broadcast.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::constant(tensor![f64::NAN, 2.]).fmax(1.0).value().to_vec::<f32>(), [1., 2.]);
    /// ```
    #[track_caller]
    pub fn fmax(&self, b: impl Into<Side>) -> Var {
        self.prefer(Comparison::Ge, b.into())
    }

    /// The smaller of two numbers, of which one may be NaN. Where they are equal, the gradient goes to a.
    ///
    /// # Panics
    /// When the types differ, are not real, or the shapes do not broadcast.
    #[track_caller]
    pub fn fmin(&self, b: impl Into<Side>) -> Var {
        self.prefer(Comparison::Le, b.into())
    }

    #[track_caller]
    fn prefer(&self, relation: Comparison, b: Side) -> Var {
        let b = b.with_type_of(self);
        let mask = self.value().compare(relation, b.value()).logical_or(&b.value().isnan());
        Var::choose(&mask, self, &b)
    }

    /// |a| with the sign of b, a zero's sign included. b is a variable or a number. Slope by a at 0: 0; by b: 0.
    ///
    /// # Panics
    /// When the types differ, are not real, or the shapes do not broadcast.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::constant(tensor![1., -2.]).copysign(-0.0).value().to_vec::<f32>(), [-1., -2.]);
    /// ```
    #[track_caller]
    pub fn copysign(&self, b: impl Into<Side>) -> Var {
        let b = b.into().with_type_of(self);
        let sign = b.value().signbit().cast(self.dtype()) * -2.0 + 1.0;
        self.abs() * Var::constant(sign)
    }

    /// 0 below 0, `at_zero` at 0, 1 above. The gradient goes to `at_zero`, where x is 0.
    ///
    /// # Panics
    /// When the types differ, are not real, or the shapes do not broadcast.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let step = Var::constant(tensor![-2., 0., 3.]).heaviside(0.5);
    /// assert_eq!(step.value().to_vec::<f32>(), [0., 0.5, 1.]);
    /// ```
    #[track_caller]
    pub fn heaviside(&self, at_zero: impl Into<Side>) -> Var {
        let x = self.value();
        let step = x.compare_scalar(Comparison::Gt, 0.0).cast(self.dtype());
        let step = x.isnan().choose(x, &step);
        let zero = x.compare_scalar(Comparison::Eq, 0.0);
        Var::choose(&zero, at_zero.into().with_type_of(self), Var::constant(step))
    }

    /// a · 2ᵇ.
    ///
    /// # Panics
    /// When the types differ, are not real, or the shapes do not broadcast.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let b = Var::constant(tensor![3., -1.]);
    /// assert_eq!(Var::constant(tensor![1., 8.]).ldexp(&b).value().to_vec::<f32>(), [8., 4.]);
    /// ```
    #[track_caller]
    pub fn ldexp(&self, b: &Var) -> Var {
        self * b.exp2()
    }

    /// The point between this and `end` at `weight`, a number or a variable: x + weight · (end − x).
    ///
    /// # Panics
    /// When the types differ, are not real, or the shapes do not broadcast.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (x, end) = (Var::constant(tensor![0., 10.]), Var::constant(tensor![4., 20.]));
    /// assert_eq!(x.lerp(&end, 0.25).value().to_vec::<f32>(), [1., 12.5]);
    /// ```
    #[track_caller]
    pub fn lerp(&self, end: &Var, weight: impl Into<Side>) -> Var {
        self + (end - self) * weight.into().with_type_of(self)
    }

    /// x + value · a · b.
    ///
    /// # Panics
    /// When the types differ, are not real, or the shapes do not broadcast.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let [x, a, b] = [1., 2., 3.].map(Var::constant);
    /// assert_eq!((x.addcmul(&a, &b, 10.0).item(), x.addcdiv(&b, &a, 10.0).item()), (61.0, 16.0));
    /// ```
    #[track_caller]
    pub fn addcmul(&self, a: &Var, b: &Var, value: f64) -> Var {
        self + (a * b).times_number(value)
    }

    /// x + value · a / b.
    ///
    /// # Panics
    /// When the types differ, are not real, or the shapes do not broadcast.
    #[track_caller]
    pub fn addcdiv(&self, a: &Var, b: &Var, value: f64) -> Var {
        self + (a / b).times_number(value)
    }
}

fn two(d: &mut Draw, [low, high]: [f64; 2], source: &str, call: fn(&Var, &Var) -> Var) -> Sample {
    let [a, b] = d.broadcasting_shapes();
    Sample::new([d.reals(&a), d.tensor(&b, low, high)], source, move |x| call(&x[0], &x[1]))
}

fn three(d: &mut Draw, source: &str, call: fn(&Var, &Var, &Var) -> Var) -> Sample {
    let [a, b] = d.broadcasting_shapes();
    let c = d.pick(&[a.clone(), b.clone(), vec![]]);
    let inputs = [d.reals(&a), d.reals(&b), d.tensor(&c, 0.3, 2.0)];
    Sample::new(inputs, source, move |x| call(&x[0], &x[1], &x[2]))
}

/// Unlike any number that is drawn for the first argument, and so is each multiple of it.
const DIVISOR: [f64; 2] = [3.1, 4.0];

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(Family::Elementwise, "remainder", "remainder", "a - b·⌊a/b⌋", "g, -g·⌊a/b⌋", |d| {
        two(d, DIVISOR, "x[0].remainder(&x[1])", |a, b| a.remainder(b))
    }),
    Declaration::new(Family::Elementwise, "fmod", "fmod", "a - b·trunc(a/b)", "g, -g·trunc(a/b)", |d| {
        two(d, DIVISOR, "x[0].fmod(&x[1])", |a, b| a.fmod(b))
    }),
    Declaration::new(Family::Elementwise, "floor_divide", "floor_divide", "⌊a/b⌋", "0", |d| {
        two(d, DIVISOR, "x[0].floor_divide(&x[1])", |a, b| a.floor_divide(b))
    }),
    Declaration::new(Family::Elementwise, "trunc_divide", "div", "trunc(a/b)", "0", |d| {
        two(d, DIVISOR, "x[0].trunc_divide(&x[1])", |a, b| a.trunc_divide(b))
    }),
    Declaration::new(Family::Composite, "fmax", "fmax", "the larger, or the one that is no NaN", "g to it", |d| {
        two(d, [-2.953, 3.047], "x[0].fmax(&x[1])", |a, b| a.fmax(b))
    }),
    Declaration::new(Family::Composite, "fmin", "fmin", "the smaller, or the one that is no NaN", "g to it", |d| {
        two(d, [-2.953, 3.047], "x[0].fmin(&x[1])", |a, b| a.fmin(b))
    }),
    Declaration::new(Family::Composite, "copysign", "copysign", "|a| with b's sign", "of its parts", |d| {
        two(d, [-3.0, 3.0], "x[0].copysign(&x[1])", |a, b| a.copysign(b))
    }),
    Declaration::new(Family::Composite, "heaviside", "heaviside", "0, at_zero or 1", "g to at_zero, at 0", |d| {
        two(d, [-3.0, 3.0], "x[0].heaviside(&x[1])", |a, b| a.heaviside(b))
    }),
    Declaration::new(Family::Composite, "ldexp", "ldexp", "a · 2ᵇ", "of its parts", |d| {
        two(d, [-3.0, 3.0], "x[0].ldexp(&x[1])", Var::ldexp)
    }),
    Declaration::new(Family::Composite, "lerp", "lerp", "x + w·(end - x)", "of its parts", |d| {
        three(d, "x[0].lerp(&x[1], &x[2])", |x, end, w| x.lerp(end, w))
    }),
    Declaration::new(Family::Composite, "addcmul", "addcmul", "x + c·a·b", "of its parts", |d| {
        three(d, "x[0].addcmul(&x[1], &x[2], 1.5)", |x, a, b| x.addcmul(a, b, 1.5))
    }),
    Declaration::new(Family::Composite, "addcdiv", "addcdiv", "x + c·a/b", "of its parts", |d| {
        three(d, "x[0].addcdiv(&x[1], &x[2], 1.5)", |x, a, b| x.addcdiv(a, b, 1.5))
    }),
];
