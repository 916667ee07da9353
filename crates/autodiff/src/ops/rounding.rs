//! Signs and whole numbers: functions that are flat but for jumps, whose slope is 0.

use crate::declare::{Declaration, Family, Sample};
use crate::ops::formula::rows;
use crate::var::Var;

rows! {
    /// −1, 0 or 1 by the sign; 0 at NaN, as in PyTorch. Slope 0.
    sign(x) = x.sign();
        slope(number) = 0.0; on 0.1..3.0; at 0.0 => 0.0; torch "sign";

    /// The largest integer ≤ x. Slope 0.
    floor(x) = x.floor();
        slope(number) = 0.0; on 0.1..0.9; at 1.0 => 0.0; torch "floor";

    /// The smallest integer ≥ x. Slope 0.
    ceil(x) = x.ceil();
        slope(number) = 0.0; on 0.1..0.9; at 1.0 => 0.0; torch "ceil";

    /// The nearest integer, halves to even. Slope 0.
    round(x) = x.round();
        slope(number) = 0.0; on 0.6..1.4; at 1.5 => 0.0; torch "round";

    /// x without its fraction. Slope 0.
    trunc(x) = x.trunc();
        slope(number) = 0.0; on 0.1..0.9; at 1.0 => 0.0; torch "trunc";

    /// The fraction x − trunc x, with the sign of x. Slope 1, at integers too.
    frac(x) = x - x.trunc();
        slope(number) = 1.0; on 1.1..1.9; at 1.0 => 1.0; torch "frac";
}

impl Var {
    /// The nearest number with so many decimals (negative: tens, hundreds, …), halves to even. Slope 0.
    ///
    /// # Panics
    /// When the elements are not real numbers.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![F64; 1234.5678]);
    /// assert_eq!((x.round_with(2).item(), x.round_with(-2).item()), (1234.57, 1200.0));
    /// ```
    #[track_caller]
    pub fn round_with(&self, decimals: i32) -> Var {
        let unit = 10f64.powi(decimals.abs());
        match decimals {
            0 => self.round(),
            1.. => (self * unit).round() / unit,
            _ => (self / unit).round() * unit,
        }
    }

    /// [`sign`](Var::sign) by the name that PyTorch has for it where numbers may be complex.
    ///
    /// # Panics
    /// When the elements are not real numbers.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::constant(tensor![-2., 0., 3.]).sgn().value().to_vec::<f32>(), [-1., 0., 1.]);
    /// ```
    #[track_caller]
    pub fn sgn(&self) -> Var {
        self.sign()
    }
}

/// What the composites say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(Family::Composite, "round_with", "round", "round(10ᵈ x) / 10ᵈ", "of its parts: 0", |d| {
        let (decimals, shape) = (d.pick(&[0, 1, -1]), d.shape());
        let [low, high] = [0.6, 1.4].map(|x| x * 10f64.powi(-decimals));
        Sample::new([d.tensor(&shape, low, high)], format!("x[0].round_with({decimals})"), move |x| {
            x[0].round_with(decimals)
        })
    }),
    Declaration::new(Family::Composite, "sgn", "sgn", "x.sign()", "of its parts: 0", |d| {
        d.function("sgn", 0.1, 3.0, Var::sgn)
    }),
];
