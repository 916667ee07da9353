//! Exponentials, logarithms and their kin as branch-free arithmetic, which the compiler turns into vector instructions.
//!
//! Every function is the same sequence of additions, multiplications and selections for any argument, so that a loop over it runs 4, 8 or 16 elements
//! at a time. What is fused is written so (`mul_add`), and nothing is reordered: results are the same bits on every CPU and system. One that cannot fuse a
//! product and a sum, such as an x86 of before 2013, has the system's library do it, which takes some twenty times as long. Each function's error is stated in units in the last place
//! (ulp) of the result, and tested against more digits over the whole range, infinities, NaN, signed zeros and subnormal numbers included.
//!
//! The pattern is always the same: reduce the argument to a short interval, evaluate a polynomial there, undo the reduction. Coefficients interpolate
//! the function at Chebyshev nodes or make the greatest error small, computed with 120 bits or more and rounded once. Operations are few and their chains
//! short: a core reads only some hundred operations ahead, and what waits for a chain keeps it from other elements. Functions that gain too little (tan,
//! pow, …) are taken from std and libm.

mod exp;
mod float;
mod log;
mod saturating;
#[cfg(test)]
mod tests;

pub(crate) use exp::{exp, exp_m1, exp2, tanh};
pub(crate) use log::{ln, ln_1p};
pub(crate) use saturating::{erf, tanh as tanh_single};

use float::Float;

/// `c[0]·xⁿ + … + c[n]`, by Horner's rule in x² for odd and even powers side by side: two short chains of operations are done sooner than a long one.
#[inline(always)]
fn polynomial<T: Float>(x: T, c: &[T]) -> T {
    let square = x * x;
    let (mut a, mut b) = (c[0], c[1]);
    let (pairs, rest) = c[2..].as_chunks::<2>();
    for &[next_a, next_b] in pairs {
        (a, b) = (a.mul_add(square, next_a), b.mul_add(square, next_b));
    }
    match rest {
        [last] => a.mul_add(square, b.mul_add(x, *last)),
        _ => a.mul_add(x, b),
    }
}
