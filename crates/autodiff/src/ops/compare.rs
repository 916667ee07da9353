//! Comparisons and logic: truth values, through which no derivative flows.

use chainrule_tensor::{Comparison, Tensor};

use crate::declare::{Declaration, Draw, Sample};
use crate::ops::formula::Side;
use crate::var::Var;

macro_rules! relations {
    ($($name:ident $relation:ident $sign:literal;)*) => {
        impl Var {$(
            #[doc = concat!("Where `a ", $sign, " b`, a variable or a number, broadcast by NumPy's rule: a `bool` tensor.")]
            ///
            /// # Panics
            /// When the types differ or the shapes do not broadcast.
            #[track_caller]
            pub fn $name(&self, b: impl Into<Side>) -> Tensor {
                let b = b.into().with_type_of(self);
                self.value().compare(Comparison::$relation, b.value())
            }
        )*}
        const RELATIONS: &[Declaration] = &[$(
            Declaration::discrete(stringify!($name), stringify!($name), concat!("a ", $sign, " b"), |d| {
                two(d, concat!("x[0].", stringify!($name), "(&x[1])"), |a, b| a.$name(b))
            }),
        )*];
    };
}
relations! {
    eq Eq "=";
    ne Ne "≠";
    lt Lt "<";
    le Le "≤";
    gt Gt ">";
    ge Ge "≥";
}

macro_rules! logic {
    ($($name:ident $doc:literal;)*) => {
        impl Var {$(
            #[doc = $doc]
            ///
            /// Any number but 0 counts as true.
            ///
            /// # Panics
            /// When the shapes do not broadcast.
            #[track_caller]
            pub fn $name(&self, b: &Var) -> Tensor {
                self.value().$name(b.value())
            }
        )*}
        const LOGIC: &[Declaration] = &[$(
            Declaration::discrete(stringify!($name), stringify!($name), $doc, |d| {
                two(d, concat!("x[0].", stringify!($name), "(&x[1])"), |a, b| a.$name(b))
            }),
        )*];
    };
}
logic! {
    logical_and "Where both are true, broadcast by NumPy's rule: a `bool` tensor.";
    logical_or "Where at least one is true, broadcast by NumPy's rule: a `bool` tensor.";
    logical_xor "Where exactly one is true, broadcast by NumPy's rule: a `bool` tensor.";
}

impl Var {
    /// Where the elements are 0: a `bool` tensor.
    #[track_caller]
    pub fn logical_not(&self) -> Tensor {
        self.value().logical_not()
    }

    /// Where |a − b| ≤ atol + rtol·|b|; see [`Tensor::isclose`].
    ///
    /// # Panics
    /// When the types differ or the shapes do not broadcast.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (a, b) = (Var::constant(tensor![1., 2.]), Var::constant(tensor![1.001, 3.]));
    /// assert_eq!(a.isclose(&b, 0.01, 0.0, false).to_vec::<bool>(), [true, false]);
    /// assert_eq!(a.lt(&b).to_vec::<bool>(), [true, true]);
    /// assert_eq!(a.ge(2.0).to_vec::<bool>(), [false, true]);
    /// ```
    #[track_caller]
    pub fn isclose(&self, b: &Var, rtol: f64, atol: f64, equal_nan: bool) -> Tensor {
        self.value().isclose(b.value(), rtol, atol, equal_nan)
    }

    /// Whether the shapes are equal and all elements [close](Var::isclose).
    pub fn allclose(&self, b: &Var, rtol: f64, atol: f64) -> bool {
        self.value().allclose(b.value(), rtol, atol)
    }

    /// The next number of the same type in the direction of `b`, broadcast by NumPy's rule; see [`Tensor::nextafter`].
    ///
    /// # Panics
    /// When the types differ, are not `f32` or `f64`, or the shapes do not broadcast.
    #[track_caller]
    pub fn nextafter(&self, b: &Var) -> Tensor {
        self.value().nextafter(b.value())
    }
}

/// Truth values as numbers, which checks can compare.
pub(super) fn numbers(x: Tensor, like: &Var) -> Var {
    Var::constant(x.cast(like.dtype()))
}

fn two(draw: &mut Draw, source: &str, call: fn(&Var, &Var) -> Tensor) -> Sample {
    let [a, b] = draw.broadcasting_shapes();
    Sample::new([draw.reals(&a), draw.reals(&b)], source, move |x| numbers(call(&x[0], &x[1]), &x[0]))
}

/// What these ops say about themselves.
pub(crate) const DECLARED: [&[Declaration]; 3] = [
    RELATIONS,
    LOGIC,
    &[
        Declaration::discrete("logical_not", "logical_not", "x = 0", |d| {
            let shape = d.shape();
            Sample::new([d.reals(&shape)], "x[0].logical_not()", |x| numbers(x[0].logical_not(), &x[0]))
        }),
        Declaration::discrete("isclose", "isclose", "|a - b| ≤ atol + rtol·|b|", |d| {
            two(d, "x[0].isclose(&x[1], 0.1, 0.1, true)", |a, b| a.isclose(b, 0.1, 0.1, true))
        }),
    ],
];
