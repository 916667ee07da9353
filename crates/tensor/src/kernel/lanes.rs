//! One row to one number, in an order that depends on its length alone: lane by lane, then the lanes in pairs, so that rounding errors stay small.

use super::dispatch::array;
use crate::dtype::Number;

/// So many that a compiler leaves the loop over them a loop, and makes whole vectors of it. The sixteen statements of as many lanes it packs as it sees
/// fit: some into vectors of two.
const LANES: usize = 64;
/// A vector of the widest kind.
pub(super) const VECTOR: usize = 16;

/// Folds `term` of the elements of rows of the same length.
#[inline(always)]
pub(super) fn fold<T: Number, const N: usize>(
    x: [&[T]; N],
    start: T,
    term: &impl Fn([T; N]) -> T,
    join: impl Fn(T, T) -> T + Copy,
) -> T {
    let whole = x[0].len() / LANES;
    let pieces: [&[[T; LANES]]; N] = array(|k| &x[k].as_chunks().0[..whole]);
    let rest: [&[T]; N] = array(|k| &x[k][whole * LANES..]);
    let mut lanes = [start; LANES];
    #[expect(clippy::needless_range_loop, reason = "there are N of them")]
    for at in 0..whole {
        let x: [&[T; LANES]; N] = array(|k| &pieces[k][at]);
        for (i, lane) in lanes.iter_mut().enumerate() {
            *lane = join(*lane, term(array(|k| x[k][i])));
        }
    }
    let n = rest[0].len();
    let rest: [&[T]; N] = array(|k| &rest[k][..n]);
    for (i, lane) in lanes[..n].iter_mut().enumerate() {
        *lane = join(*lane, term(array(|k| rest[k][i])));
    }
    joined(&lanes, join)
}

/// Combines lanes, some vectors of them, in pairs. Not inlined: else the compiler keeps lanes in the order in which they are joined, and shuffles all that
/// is added to them.
#[inline(never)]
pub(super) fn joined<T: Copy>(lanes: &[T], join: impl Fn(T, T) -> T) -> T {
    let vectors = lanes.as_chunks::<VECTOR>().0;
    let mut lanes = vectors[1..].iter().fold(vectors[0], |sum, vector| array(|i| join(sum[i], vector[i])));
    let mut width = VECTOR / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] = join(lanes[i], lanes[i + width]);
        }
        width /= 2;
    }
    lanes[0]
}
