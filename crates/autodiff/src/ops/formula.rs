//! Formulas on a tape: what gives the rows of [`elementwise`](super::elementwise) their second meaning.
//!
//! The tokens of a slope are compiled twice: over [`Lane`](chainrule_tensor::Lane)s as a kernel, and over [`Var`]s as a rule that can be
//! differentiated again. This file has the few words that both need and that are not ops.

use chainrule_tensor::{Comparison, DType, Tensor};

use crate::var::Var;

/// Where a condition on a variable holds.
pub struct Mask {
    holds: Tensor,
    dtype: DType,
}

/// One of the two sides of [`when`].
pub enum Side {
    /// The same number everywhere.
    Number(f64),
    /// A variable.
    Var(Var),
}

impl From<f64> for Side {
    fn from(x: f64) -> Side {
        Side::Number(x)
    }
}
impl From<Var> for Side {
    fn from(x: Var) -> Side {
        Side::Var(x)
    }
}
impl From<&Var> for Side {
    fn from(x: &Var) -> Side {
        Side::Var(x.clone())
    }
}

/// `a` where the condition holds, else `b`.
#[track_caller]
pub fn when(condition: Mask, a: impl Into<Side>, b: impl Into<Side>) -> Var {
    let var = |side: Side| match side {
        Side::Number(x) => Var::constant(Tensor::scalar(x, condition.dtype)),
        Side::Var(x) => x,
    };
    Var::choose(&condition.holds, var(a.into()), var(b.into()))
}

impl Var {
    fn mask(&self, holds: Tensor) -> Mask {
        Mask { holds, dtype: self.dtype() }
    }

    #[track_caller]
    fn against(&self, relation: Comparison, b: impl Into<Side>) -> Mask {
        match b.into() {
            Side::Number(x) => self.mask(self.value().compare_scalar(relation, x)),
            Side::Var(x) => self.mask(self.value().compare(relation, x.value())),
        }
    }

    /// Where `self > b`.
    #[track_caller]
    pub(crate) fn above(&self, b: impl Into<Side>) -> Mask {
        self.against(Comparison::Gt, b)
    }

    /// Where `self ≤ b`.
    #[track_caller]
    pub(crate) fn at_most(&self, b: impl Into<Side>) -> Mask {
        self.against(Comparison::Le, b)
    }

    /// Where `self < b`.
    #[track_caller]
    pub(crate) fn below(&self, b: impl Into<Side>) -> Mask {
        self.against(Comparison::Lt, b)
    }

    /// Where `self == b`.
    #[track_caller]
    pub(crate) fn equals(&self, b: impl Into<Side>) -> Mask {
        self.against(Comparison::Eq, b)
    }

    /// Where `low ≤ self ≤ high`.
    #[track_caller]
    pub(crate) fn within(&self, low: f64, high: f64) -> Mask {
        let holds = |relation, b| self.value().compare_scalar(relation, b);
        self.mask(holds(Comparison::Ge, low).choose(&holds(Comparison::Le, high), &Tensor::zeros([], DType::Bool)))
    }
}

/// Turns rows of a formula book into ops; see [`elementwise`](super::elementwise) for how a row reads.
macro_rules! rows {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident($x:ident $(; $($p:ident in [$default:expr $(, $other:expr)*]),+)?) = $value:expr;
            $how:ident($($names:tt)+) = $slope:expr;
            on $domain:expr;
            $(at $at:expr => $slope_at:expr;)*
            torch $torch:literal;
    )+) => {
        $(
            mod $name {
                use chainrule_tensor::{Lane, Map, Real, Tensor};

                #[allow(unused_imports)]
                use super::*;
                use crate::op::{Op, Saves};
                use crate::var::Var;

                #[derive(Clone)]
                pub(super) struct Row {
                    $($(pub(super) $p: f64,)+)?
                }

                impl Map for Row {
                    #[inline(always)]
                    #[allow(clippy::redundant_closure_call)]
                    fn at<T: Real>(&self, $x: Lane<T>) -> Lane<T> {
                        #[allow(unused_imports)]
                        use chainrule_tensor::when;
                        $($(let $p = self.$p;)+)?
                        $value
                    }
                }

                impl Op<1> for Row {
                    fn name(&self) -> &'static str {
                        stringify!($name)
                    }
                    fn saves(&self) -> Saves {
                        $crate::ops::formula::slope!(saves $how $($names)+)
                    }
                    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
                        x.map(stringify!($name), self)
                    }
                    fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], y: &Var) -> Var {
                        $($(let $p = self.$p;)+)?
                        $crate::ops::formula::slope!(rule $how $($names)+; stringify!($name), g, x, y, [$($($p)+)?], $slope)
                    }
                }
            }

            impl crate::var::Var {
                $(#[doc = $doc])+
                ///
                /// # Panics
                /// When the elements are not real numbers.
                ///
                /// ```
                /// # use chainrule_autodiff::Var;
                /// # use chainrule_tensor::{DType, Tensor};
                #[doc = concat!("let domain = ", stringify!($domain), ";")]
                /// let x = Var::leaf(Tensor::scalar(0.4 * domain.start + 0.6 * domain.end, DType::F64));
                #[doc = concat!("let y = x.", stringify!($name), "(" $($(, stringify!($default), ", ")+)?, ");")]
                /// assert!(y.backward()[&x].all_finite());
                /// ```
                #[track_caller]
                pub fn $name(&self $($(, $p: f64)+)?) -> crate::var::Var {
                    crate::op::Op::apply($name::Row { $($($p),+)? }, [self])
                }
            }
        )+

        /// What the rows say about themselves.
        pub(crate) const ROWS: &[crate::declare::Declaration] = &[$(
            crate::declare::Declaration {
                name: stringify!($name),
                torch: $torch,
                formula: stringify!($value),
                rule: $crate::ops::formula::slope!(text $how $slope),
                family: crate::declare::Family::Elementwise,
                domain: stringify!($domain),
                order: 2,
                sample: |draw| {
                    let (domain, shape) = ($domain, draw.shape());
                    $($(let $p: f64 = draw.pick(&[$default $(, $other)*]);)+)?
                    let numbers: &[f64] = &[$($($p),+)?];
                    let source = concat!("x[0].", stringify!($name));
                    let source = $crate::ops::formula::written(source, numbers);
                    crate::declare::Sample::new([draw.tensor(&shape, domain.start, domain.end)], source, move |x| {
                        x[0].$name($($($p),+)?)
                    })
                },
                special: &[$(crate::declare::Special { x: $at, slope: $slope_at }),*],
            },
        )+];
    };
}
pub(crate) use rows;

/// A call with these numbers as source.
pub(crate) fn written(function: &str, numbers: &[f64]) -> String {
    let numbers: Vec<String> = numbers.iter().map(|x| format!("{x:?}")).collect();
    format!("{function}({})", numbers.join(", "))
}

/// The parts of a row's rule that depend on how it is given: `slope(in x)`, `slope(out y)` and `slope(number)` are factors of the output's
/// gradient; `pull(g, in x)` and `pull(g, out y)` say what becomes of it, for functions that let it pass at some places alone: 0 · ∞ is not 0.
macro_rules! slope {
    (saves slope in $s:ident) => { Saves::Inputs };
    (saves slope out $s:ident) => { Saves::Output };
    (saves pull $g:ident, in $s:ident) => { Saves::Inputs };
    (saves pull $g:ident, out $s:ident) => { Saves::Output };
    (saves slope number) => { Saves::Nothing };

    (text slope $slope:expr) => { concat!("g · (", stringify!($slope), ")") };
    (text pull $pull:expr) => { stringify!($pull) };

    (rule slope number; $name:expr, $g:ident, $x:ident, $y:ident, $p:tt, $slope:expr) => {{
        let _ = ($x, $y);
        $g.times_number($slope)
    }};
    (rule slope in $s:ident; $name:expr, $g:ident, $x:ident, $y:ident, $p:tt, $slope:expr) => {{
        let _ = $y;
        $crate::ops::formula::slope!(pulled $s = $x, grad = $g, $name, $p, grad * $slope)
    }};
    (rule slope out $s:ident; $name:expr, $g:ident, $x:ident, $y:ident, $p:tt, $slope:expr) => {{
        let _ = $x;
        $crate::ops::formula::slope!(pulled $s = $y, grad = $g, $name, $p, grad * $slope)
    }};
    (rule pull $grad:ident, in $s:ident; $name:expr, $g:ident, $x:ident, $y:ident, $p:tt, $pull:expr) => {{
        let _ = $y;
        $crate::ops::formula::slope!(pulled $s = $x, $grad = $g, $name, $p, $pull)
    }};
    (rule pull $grad:ident, out $s:ident; $name:expr, $g:ident, $x:ident, $y:ident, $p:tt, $pull:expr) => {{
        let _ = $x;
        $crate::ops::formula::slope!(pulled $s = $y, $grad = $g, $name, $p, $pull)
    }};
    (pulled $s:ident = $from:ident, $grad:ident = $g:ident, $name:expr, [$($p:ident)*], $pull:expr) => {{
        if $g.is_tracked() || $from.is_tracked() {
            #[allow(unused_imports)]
            use $crate::ops::formula::when;
            let ($s, $grad) = ($from, $g);
            let pulled: Var = $pull;
            return pulled;
        }
        /// The gradient in one pass over memory.
        #[derive(Clone)]
        struct Pull {
            $($p: f64,)*
        }
        impl chainrule_tensor::Zip for Pull {
            #[inline(always)]
            #[allow(unused_variables)]
            fn at<T: Real>(&self, $grad: Lane<T>, $s: Lane<T>) -> Lane<T> {
                #[allow(unused_imports)]
                use chainrule_tensor::when;
                $(let $p = self.$p;)*
                $pull
            }
        }
        Var::constant($g.value().zip($name, $from.value(), &Pull { $($p),* }))
    }};
}
pub(crate) use slope;

/// Turns rows of functions of two numbers into ops. A row reads: name(a, b) = formula; the slope by each; the intervals on which it is checked; the
/// name in PyTorch.
macro_rules! pairs {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident($a:ident, $b:ident) = $value:expr;
            by $_a:ident = $slope_a:expr;
            by $_b:ident = $slope_b:expr;
            on $domain_a:expr, $domain_b:expr;
            torch $torch:literal;
    )+) => {
        $(
            mod $name {
                use chainrule_tensor::{Lane, Real, Tensor, Zip, Zip3};

                use crate::op::{Op, Saves};
                use crate::var::Var;

                #[derive(Clone)]
                pub(super) struct Row;

                impl Zip for Row {
                    #[inline(always)]
                    fn at<T: Real>(&self, $a: Lane<T>, $b: Lane<T>) -> Lane<T> {
                        #[allow(unused_imports)]
                        use chainrule_tensor::when;
                        $value
                    }
                }

                impl Op<2> for Row {
                    fn name(&self) -> &'static str {
                        stringify!($name)
                    }
                    fn saves(&self) -> Saves {
                        Saves::Inputs
                    }
                    fn forward(&self, [a, b]: [&Tensor; 2]) -> Tensor {
                        a.zip(stringify!($name), b, self)
                    }
                    fn backward(&self, wrt: usize, g: &Var, [$a, $b]: [&Var; 2], _: &Var) -> Var {
                        match wrt {
                            0 => $crate::ops::formula::slope2!(stringify!($name), g, $a, $b, $slope_a),
                            _ => $crate::ops::formula::slope2!(stringify!($name), g, $a, $b, $slope_b),
                        }
                    }
                }
            }

            impl crate::var::Var {
                $(#[doc = $doc])+
                ///
                /// The other argument is a variable or a number; shapes broadcast.
                ///
                /// # Panics
                /// When the types differ, are not real, or the shapes do not broadcast.
                ///
                /// ```
                /// # use chainrule_autodiff::Var;
                /// # use chainrule_tensor::tensor;
                /// let (a, b) = (Var::leaf(tensor![F64; 1.5, 0.5]), Var::leaf(2.0));
                #[doc = concat!("let y = a.", stringify!($name), "(&b).sum();")]
                /// let gradients = y.backward();
                /// assert_eq!((gradients[&a].shape(), gradients[&b].shape()), (&[2][..], &[][..]));
                /// ```
                #[track_caller]
                pub fn $name(&self, b: impl Into<crate::ops::formula::Side>) -> crate::var::Var {
                    let b = b.into().with_type_of(self);
                    crate::op::Op::apply($name::Row, [self, &b])
                }
            }
        )+

        /// What the rows say about themselves.
        pub(crate) const PAIRS: &[crate::declare::Declaration] = &[$(
            crate::declare::Declaration {
                name: stringify!($name),
                torch: $torch,
                formula: stringify!($value),
                rule: concat!("g · (", stringify!($slope_a), "), g · (", stringify!($slope_b), ")"),
                family: crate::declare::Family::Elementwise,
                domain: concat!(stringify!($domain_a), ", ", stringify!($domain_b)),
                order: 2,
                sample: |draw| {
                    let [a, b] = draw.broadcasting_shapes();
                    let (of_a, of_b) = ($domain_a, $domain_b);
                    let inputs = [draw.tensor(&a, of_a.start, of_a.end), draw.tensor(&b, of_b.start, of_b.end)];
                    let source = concat!("x[0].", stringify!($name), "(&x[1])");
                    crate::declare::Sample::new(inputs, source, |x| x[0].$name(&x[1]))
                },
                special: &[],
            },
        )+];
    };
}
pub(crate) use pairs;

/// `g · slope` for a function of two numbers, in one pass when nothing is recorded.
macro_rules! slope2 {
    ($name:expr, $g:ident, $a:ident, $b:ident, $slope:expr) => {{
        if $g.is_tracked() || $a.is_tracked() || $b.is_tracked() {
            #[allow(unused_imports)]
            use $crate::ops::formula::when;
            let slope: Var = $slope;
            return $g * slope;
        }
        #[derive(Clone)]
        struct Pull;
        impl Zip3 for Pull {
            #[inline(always)]
            #[allow(unused_variables)]
            fn at<T: Real>(&self, g: Lane<T>, $a: Lane<T>, $b: Lane<T>) -> Lane<T> {
                #[allow(unused_imports)]
                use chainrule_tensor::when;
                let slope: Lane<T> = $slope;
                g * slope
            }
        }
        Var::constant($g.value().zip3($name, $a.value(), $b.value(), &Pull))
    }};
}
pub(crate) use slope2;
