//! Limits: numbers kept between two others, and numbers put in place of what is not finite.

use chainrule_tensor::{Comparison, DType, Lane, Map, Real, Tensor, Zip, when};

use crate::declare::{Declaration, Draw, Family, Sample, Special};
use crate::op::{Op, Saves};
use crate::ops::formula::Side;
use crate::var::Var;

/// Between two numbers.
#[derive(Clone)]
struct Clamp {
    low: f64,
    high: f64,
}

impl Map for Clamp {
    #[inline(always)]
    fn at<T: Real>(&self, x: Lane<T>) -> Lane<T> {
        x.maximum(self.low).minimum(self.high)
    }
}

/// The gradient, where x lies between the two numbers.
impl Zip for Clamp {
    #[inline(always)]
    fn at<T: Real>(&self, g: Lane<T>, x: Lane<T>) -> Lane<T> {
        when(x.within(self.low, self.high), g, 0.0)
    }
}

impl Op<1> for Clamp {
    fn name(&self) -> &'static str {
        "clamp"
    }
    fn saves(&self) -> Saves {
        Saves::Inputs
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        x.map("clamp", self)
    }
    fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var {
        if g.is_tracked() {
            return crate::ops::formula::when(x.within(self.low, self.high), g, 0.0);
        }
        Var::constant(g.value().zip("clamp", x.value(), self))
    }
}

impl Var {
    /// `low` below it, `high` above it, else x. Limits are numbers or variables that broadcast; where `low` exceeds `high`, the result is `high`.
    ///
    /// The gradient goes to x where `low` ≤ x ≤ `high`, else to the limit that was returned.
    ///
    /// # Panics
    /// When the types differ, are not real, or the shapes do not broadcast.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (x, high) = (Var::leaf(tensor![-3., 1., 9.]), Var::leaf(tensor![4.]));
    /// let y = x.clamp(-2.0, &high);
    /// assert_eq!(y.value().to_vec::<f32>(), [-2., 1., 4.]);
    /// let gradients = y.sum().backward();
    /// assert_eq!((gradients[&x].to_vec::<f32>(), gradients[&high].item()), (vec![0., 1., 0.], 1.0));
    /// ```
    #[track_caller]
    pub fn clamp(&self, low: impl Into<Side>, high: impl Into<Side>) -> Var {
        let (low, high) = match (low.into(), high.into()) {
            (Side::Number(low), Side::Number(high)) => return Clamp { low, high }.apply([self]),
            (low, high) => (low.with_type_of(self), high.with_type_of(self)),
        };
        // A NaN for a limit is a limit, too.
        let too_low = self.value().compare(Comparison::Lt, low.value()).logical_or(&low.value().isnan());
        let too_high = self.value().compare(Comparison::Gt, high.value()).logical_or(&high.value().isnan());
        let crossed = high.value().compare(Comparison::Lt, low.value());
        Var::choose(&too_high.logical_or(&crossed), &high, Var::choose(&too_low, &low, self))
    }

    /// The larger of x and `low`, a number or a variable. At a number, the slope of x is 1; two equal variables have slope ½ each.
    ///
    /// # Panics
    /// When the types differ, are not real, or the shapes do not broadcast.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::constant(tensor![-3., 3.]).clamp_min(0.0).value().to_vec::<f32>(), [0., 3.]);
    /// ```
    #[track_caller]
    pub fn clamp_min(&self, low: impl Into<Side>) -> Var {
        match low.into() {
            Side::Number(low) => Clamp { low, high: f64::INFINITY }.apply([self]),
            Side::Var(low) => self.maximum(low),
        }
    }

    /// The smaller of x and `high`, a number or a variable. At a number, the slope of x is 1; two equal variables have slope ½ each.
    ///
    /// # Panics
    /// When the types differ, are not real, or the shapes do not broadcast.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::constant(tensor![-3., 3.]).clamp_max(0.0).value().to_vec::<f32>(), [-3., 0.]);
    /// ```
    #[track_caller]
    pub fn clamp_max(&self, high: impl Into<Side>) -> Var {
        match high.into() {
            Side::Number(high) => Clamp { low: f64::NEG_INFINITY, high }.apply([self]),
            Side::Var(high) => self.minimum(high),
        }
    }

    /// 0 in place of a NaN, and the type's largest and smallest number in place of ±∞; no gradient there.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![f64::NAN, f64::INFINITY, 1.]).nan_to_num();
    /// assert_eq!(x.value().to_vec::<f32>(), [0., f32::MAX, 1.]);
    /// ```
    #[track_caller]
    pub fn nan_to_num(&self) -> Var {
        self.nan_to_num_with(0.0, None, None)
    }

    /// `nan` in place of a NaN, and these numbers in place of ±∞ (by default the type's largest and smallest); no gradient there.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![f64::NAN, f64::INFINITY]).nan_to_num_with(-1.0, Some(9.0), None);
    /// assert_eq!(x.value().to_vec::<f32>(), [-1., 9.]);
    /// ```
    #[track_caller]
    pub fn nan_to_num_with(&self, nan: f64, posinf: Option<f64>, neginf: Option<f64>) -> Var {
        let x = self.value();
        let largest = match self.dtype() {
            DType::F32 => f64::from(f32::MAX),
            DType::F16 => chainrule_tensor::f16::MAX.to_f64(),
            DType::BF16 => chainrule_tensor::bf16::MAX.to_f64(),
            _ => f64::MAX,
        };
        let number = |x: f64| Var::constant(Tensor::scalar(x, self.dtype()));
        let y = Var::choose(&x.isnan(), number(nan), self);
        let y = Var::choose(&x.isposinf(), number(posinf.unwrap_or(largest)), &y);
        Var::choose(&x.isneginf(), number(neginf.unwrap_or(-largest)), &y)
    }
}

/// A limit that is drawn as a number or as a variable, the variable being near the number.
fn limit(d: &mut Draw, name: &str, number: f64, call: fn(&Var, Side) -> Var) -> Sample {
    if d.flag() {
        let [x, limit] = d.broadcasting_shapes();
        let inputs = [d.reals(&x), d.tensor(&limit, number - 0.51, number + 0.52)];
        return Sample::new(inputs, format!("x[0].{name}(&x[1])"), move |x| call(&x[0], (&x[1]).into()));
    }
    let shape = d.shape();
    let source = format!("x[0].{name}({number:?})");
    Sample::new([d.reals(&shape)], source, move |x| call(&x[0], number.into()))
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration {
        special: &[Special { x: -1.0, slope: 1.0 }, Special { x: 2.0, slope: 1.0 }],
        ..Declaration::new(
            Family::Elementwise,
            "clamp",
            "clamp",
            "min(max(x, low), high)",
            "g where low ≤ x ≤ high, else 0",
            |d| {
                if d.flag() {
                    let [x, low] = d.broadcasting_shapes();
                    let inputs = [d.reals(&x), d.tensor(&low, -1.503, -0.497)];
                    return Sample::new(inputs, "x[0].clamp(&x[1], 2.0)", |x| x[0].clamp(&x[1], 2.0));
                }
                let shape = d.shape();
                Sample::new([d.reals(&shape)], "x[0].clamp(-1.0, 2.0)", |x| x[0].clamp(-1.0, 2.0))
            },
        )
    },
    Declaration::new(Family::Elementwise, "clamp_min", "clamp_min", "max(x, low)", "g where x ≥ low, else 0", |d| {
        limit(d, "clamp_min", -1.0, |x, low| x.clamp_min(low))
    }),
    Declaration::new(
        Family::Elementwise,
        "clamp_max",
        "clamp_max",
        "min(x, high)",
        "g where x ≤ high, else 0",
        |d| limit(d, "clamp_max", 1.0, |x, high| x.clamp_max(high)),
    ),
    Declaration::new(
        Family::Composite,
        "nan_to_num",
        "nan_to_num",
        "x, or a number where it is not finite",
        "of its parts: g where x is finite",
        |d| d.function("nan_to_num", -3.0, 3.0, Var::nan_to_num),
    ),
    Declaration::new(
        Family::Composite,
        "nan_to_num_with",
        "nan_to_num",
        "x, or a number where it is not finite",
        "of its parts: g where x is finite",
        |d| {
            let shape = d.shape();
            let source = "x[0].nan_to_num_with(0.5, Some(2.0), None)";
            Sample::new([d.reals(&shape)], source, |x| x[0].nan_to_num_with(0.5, Some(2.0), None))
        },
    ),
];
