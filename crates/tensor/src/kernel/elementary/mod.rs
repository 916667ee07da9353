//! Exponentials, logarithms and their kin as branch-free arithmetic, which the compiler turns into vector instructions.
//!
//! Every function is the same sequence of additions, multiplications and selections for any argument, so that a loop over it runs 4, 8 or 16 elements
//! at a time. Nothing is fused or reordered: results are the same bits on every CPU and system. Each function's error is stated in units in the last place
//! (ulp) of the result, and tested against more digits over the whole range, infinities, NaN, signed zeros and subnormal numbers included.
//!
//! The pattern is always the same: reduce the argument to a short interval, evaluate a polynomial there, undo the reduction. Coefficients interpolate
//! the function at Chebyshev nodes, computed with 200 bits and rounded once. Functions that gain too little (tan, pow, …) are taken from std and libm.

mod erf;
mod exp;
mod float;
mod log;
#[cfg(test)]
mod tests;

pub(crate) use erf::erf;
pub(crate) use exp::{exp, exp_m1, exp2, tanh};
pub(crate) use log::{ln, ln_1p};

use float::Float;

/// `c[0]·xⁿ + … + c[n]`, by Horner's rule.
#[inline(always)]
fn polynomial<T: Float>(x: T, c: &[T]) -> T {
    let mut sum = c[0];
    for &c in &c[1..] {
        sum = sum * x + c;
    }
    sum
}
