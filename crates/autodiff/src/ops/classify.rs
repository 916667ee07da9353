//! What kind of number an element is: truth values, through which no derivative flows.

use chainrule_tensor::Tensor;

use crate::declare::{Declaration, Sample};
use crate::var::Var;

macro_rules! tests {
    ($($(#[doc = $doc:literal])+ $name:ident, $formula:literal;)+) => {
        impl Var {
            $(
                $(#[doc = $doc])+
                ///
                #[doc = concat!("See [`Tensor::", stringify!($name), "`].")]
                pub fn $name(&self) -> Tensor {
                    self.value().$name()
                }
            )+
        }

        /// What these tests say about themselves.
        pub(crate) const DECLARED: &[Declaration] = &[$(
            Declaration::discrete(stringify!($name), stringify!($name), $formula, |d| {
                let shape = d.shape();
                let source = concat!("Var::constant(x[0].", stringify!($name), "().cast(x[0].dtype()))");
                Sample::new([d.reals(&shape)], source, |x| Var::constant(x[0].$name().cast(x[0].dtype())))
            }),
        )+];
    };
}

tests! {
    /// Where an element is a NaN.
    isnan, "x ≠ x";
    /// Where an element is +∞ or −∞.
    isinf, "|x| = ∞";
    /// Where an element is +∞.
    isposinf, "x = ∞";
    /// Where an element is −∞.
    isneginf, "x = -∞";
    /// Where an element is neither infinite nor a NaN.
    isfinite, "|x| < ∞";
    /// Where an element carries a minus sign, −0 included.
    signbit, "the sign bit of x";
}
