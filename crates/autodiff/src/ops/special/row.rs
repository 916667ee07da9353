//! What turns a function of [`chainrule_tensor::special`] and its slope into an op.

/// A row reads: name(x; parameter: type in [values to check, simplest first]) = function of one `f64`; slope in terms of the input x, the output y or
/// both, in `Var` ops; the interval on which it is checked; the name in PyTorch.
///
/// As rows of [`elementwise`](crate::ops::elementwise), but computed number by number in `f64`, and without a fused gradient.
macro_rules! functions {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident($x:ident $(; $p:ident: $ty:ident in [$default:expr $(, $other:expr)*])?) = $value:expr;
            slope($($names:ident)+) = $slope:expr;
            on $domain:expr;
            $(at $at:expr => $slope_at:expr;)*
            torch $torch:literal;
    )+) => {
        $(
            mod $name {
                #[allow(unused_imports)]
                use chainrule_tensor::{Tensor, special};

                #[allow(unused_imports)]
                use super::*;
                use crate::op::{Op, Saves};
                use crate::var::Var;

                pub(super) struct Row {
                    $(pub(super) $p: $ty,)?
                }

                impl Op<1> for Row {
                    fn name(&self) -> &'static str {
                        stringify!($name)
                    }
                    fn saves(&self) -> Saves {
                        functions!(saves $($names)+)
                    }
                    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
                        $(let $p = self.$p;)?
                        x.map_each(stringify!($name), &|$x: f64| $value)
                    }
                    fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], y: &Var) -> Var {
                        $(let $p = self.$p;)?
                        functions!(bind $($names)+; x y);
                        g * $slope
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
                #[doc = concat!("let y = x.", stringify!($name), "(" $(, stringify!($default))?, ");")]
                /// assert!(y.backward()[&x].all_finite());
                /// ```
                #[track_caller]
                pub fn $name(&self $(, $p: $ty)?) -> crate::var::Var {
                    crate::op::Op::apply($name::Row { $($p)? }, [self])
                }
            }
        )+

        /// What the rows say about themselves.
        pub(crate) const ROWS: &[crate::declare::Declaration] = &[$(
            crate::declare::Declaration {
                name: stringify!($name),
                torch: $torch,
                formula: stringify!($value),
                rule: $crate::ops::formula::slope!(text slope $slope),
                family: crate::declare::Family::Elementwise,
                domain: stringify!($domain),
                order: 2,
                sample: |draw| {
                    let (domain, shape) = ($domain, draw.shape());
                    $(let $p: $ty = draw.pick(&[$default $(, $other)*]);)?
                    let numbers: &[f64] = &[$(f64::from($p))?];
                    let source = $crate::ops::formula::written(concat!("x[0].", stringify!($name)), numbers);
                    crate::declare::Sample::new([draw.tensor(&shape, domain.start, domain.end)], source, move |x| {
                        x[0].$name($($p)?)
                    })
                },
                special: &[$(crate::declare::Special { x: $at, slope: $slope_at }),*],
            },
        )+];
    };
    (saves in $x:ident) => { Saves::Inputs };
    (saves out $y:ident) => { Saves::Output };
    (saves both $x:ident $y:ident) => { Saves::Both };
    (bind in $s:ident; $x:ident $y:ident) => { let ($s, _) = ($x, $y); };
    (bind out $s:ident; $x:ident $y:ident) => { let (_, $s) = ($x, $y); };
    (bind both $s:ident $t:ident; $x:ident $y:ident) => { let ($s, $t) = ($x, $y); };
}
pub(super) use functions;
