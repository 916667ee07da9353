//! Bessel functions of integer order and the cardinal sine. The slope of one order is made of its neighbours, with nothing singular at 0.

use crate::declare::{Declaration, Family};
use crate::var::Var;

use super::row::functions;

functions! {
    /// Bessel function of the first kind, Jₙ(x).
    bessel_j(x; order: i32 in [0, 1, 2, -3]) = special::bessel_j(order, x);
        slope(in x) = (0.5 * (x.bessel_j(order - 1) - x.bessel_j(order + 1))); on -9.0..9.0; torch "";

    /// Bessel function of the second kind, Yₙ(x), for x > 0.
    bessel_y(x; order: i32 in [0, 1, 2, -3]) = special::bessel_y(order, x);
        slope(in x) = (0.5 * (x.bessel_y(order - 1) - x.bessel_y(order + 1))); on 0.7..9.0; torch "";

    /// Modified Bessel function of the first kind, Iₙ(x).
    modified_bessel_i(x; order: i32 in [0, 1, 2, -3]) = special::modified_bessel_i(order, x);
        slope(in x) = (0.5 * (x.modified_bessel_i(order - 1) + x.modified_bessel_i(order + 1))); on -4.0..4.0; torch "";

    /// e^−|x| Iₙ(x), which does not overflow.
    modified_bessel_i_scaled(x; order: i32 in [0, 1, 2, -3]) = special::modified_bessel_i_scaled(order, x);
        slope(in x) = (0.5 * (x.modified_bessel_i_scaled(order - 1) + x.modified_bessel_i_scaled(order + 1))
            - x.sign() * x.modified_bessel_i_scaled(order));
        on -4.0..4.0; at 0.0 => 0.0; torch "";

    /// Modified Bessel function of the second kind, Kₙ(x), for x > 0.
    modified_bessel_k(x; order: i32 in [0, 1, 2, -3]) = special::modified_bessel_k(order, x);
        slope(in x) = (-0.5 * (x.modified_bessel_k(order - 1) + x.modified_bessel_k(order + 1))); on 0.3..4.0; torch "";

    /// The derivative of the given order of [`sinc`](crate::Var::sinc).
    sinc_derivative(x; order: u32 in [0, 1, 2, 3]) = special::sinc_derivative(order, x);
        slope(in x) = x.sinc_derivative(order + 1); on -3.0..3.0; at 0.0 => 0.0; torch "";
}

/// Methods by the names that PyTorch has for them.
macro_rules! named {
    ($($(#[doc = $doc:literal])+ $name:ident = $of:ident($order:expr), $torch:literal, on $domain:expr;)+) => {
        impl Var {
            $(
                $(#[doc = $doc])+
                ///
                /// # Panics
                /// When the elements are not real numbers.
                ///
                /// ```
                /// # use chainrule_autodiff::Var;
                /// let x = Var::leaf(0.5);
                #[doc = concat!("let y = x.", stringify!($name), "();")]
                /// assert!(y.backward()[&x].all_finite());
                /// ```
                #[track_caller]
                pub fn $name(&self) -> Var {
                    self.$of($order)
                }
            )+
        }

        /// What these methods say about themselves.
        pub(crate) const DECLARED: &[Declaration] = &[$(
            Declaration::new(Family::Elementwise, stringify!($name), $torch, concat!(stringify!($of), "(", $order, ")"),
                concat!("that of ", stringify!($of)), |d| {
                    let domain = $domain;
                    d.function(stringify!($name), domain.start, domain.end, Var::$name)
                }),
        )+];
    };
}

named! {
    /// The cardinal sine sin(πx) / πx, 1 at 0.
    sinc = sinc_derivative(0), "sinc", on -3.0..3.0;
    /// Bessel function J₀(x).
    bessel_j0 = bessel_j(0), "special.bessel_j0", on -9.0..9.0;
    /// Bessel function J₁(x).
    bessel_j1 = bessel_j(1), "special.bessel_j1", on -9.0..9.0;
    /// Bessel function Y₀(x), for x > 0.
    bessel_y0 = bessel_y(0), "special.bessel_y0", on 0.7..9.0;
    /// Bessel function Y₁(x), for x > 0.
    bessel_y1 = bessel_y(1), "special.bessel_y1", on 0.7..9.0;
    /// Modified Bessel function I₀(x).
    i0 = modified_bessel_i(0), "special.i0", on -4.0..4.0;
    /// e^−|x| I₀(x), which does not overflow.
    i0e = modified_bessel_i_scaled(0), "special.i0e", on -4.0..4.0;
    /// Modified Bessel function I₁(x).
    i1 = modified_bessel_i(1), "special.i1", on -4.0..4.0;
    /// e^−|x| I₁(x), which does not overflow.
    i1e = modified_bessel_i_scaled(1), "special.i1e", on -4.0..4.0;
    /// Modified Bessel function K₀(x), for x > 0.
    modified_bessel_k0 = modified_bessel_k(0), "special.modified_bessel_k0", on 0.3..4.0;
    /// Modified Bessel function K₁(x), for x > 0.
    modified_bessel_k1 = modified_bessel_k(1), "special.modified_bessel_k1", on 0.3..4.0;
}
