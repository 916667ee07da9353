//! Products of few rows, as sums over vectors of terms.

use super::tiles::{Matrix, Target};
use crate::dtype::Number;
use crate::kernel::dispatch::array;
use crate::kernel::vector::Vector;

/// Bytes of terms that are added up side by side, whatever the vectors' width.
const ABREAST: usize = 64;

/// Sums over vectors of terms, four columns at a time.
///
/// Terms of [`ABREAST`] are added lane by lane, then halves of what there is: the same order for vectors of any width.
#[inline(always)]
pub(super) unsafe fn dots<V: Vector>(
    (m, k, n): (usize, usize, usize),
    a: Matrix<V::Element>,
    b: Matrix<V::Element>,
    c: Target<V::Element>,
) where
    V::Element: Number,
{
    // SAFETY: the caller's: as for `gemm`; no term is read beyond the last.
    unsafe {
        let abreast = ABREAST / size_of::<V::Element>();
        for i in 0..m {
            for j in (0..n).step_by(4) {
                let columns: [_; 4] = array(|l| b.element(0, (j + l).min(n - 1)));
                let mut sums = [[V::zero(); 2]; 4];
                for p in (0..k).step_by(abreast) {
                    for (half, p) in (p..k.min(p + abreast)).step_by(V::LANES).enumerate() {
                        let x = V::load_first(k - p, a.element(i, p));
                        for (l, sums) in sums.iter_mut().enumerate() {
                            let y = V::load_first(k - p, columns[l].wrapping_add(p));
                            sums[half] = x.times_plus(y, sums[half]);
                        }
                    }
                }
                for (l, [low, high]) in sums.into_iter().take(n - j).enumerate() {
                    let mut lanes = [<V::Element as Number>::ZERO; 16];
                    low.store(lanes.as_mut_ptr());
                    if V::LANES < abreast {
                        high.store(lanes[V::LANES..].as_mut_ptr());
                    }
                    let sum = halved(&mut lanes[..abreast]);
                    c.from(i, j + l).write(1, &[[V::splat(&sum)]]);
                }
            }
        }
    }
}

/// The sum, second half added to the first until one number is left.
#[inline(always)]
fn halved<T: Number>(mut x: &mut [T]) -> T {
    while x.len() > 1 {
        let (low, high) = x.split_at_mut(x.len() / 2);
        low.iter_mut().enumerate().for_each(|(i, low)| *low = low.plus(high[i]));
        x = low;
    }
    x[0]
}
