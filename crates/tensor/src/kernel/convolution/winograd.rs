//! Convolution with 3 × 3 weights in fewer multiplications: F(2 × 2, 3 × 3), after Winograd, of Lavin and Gray, *Fast Algorithms for Convolutional Neural Networks*
//! (2016).
//!
//! A square of 2 × 2 outputs sees 4 × 4 inputs. Inputs and weights are each [spread](steps) over sixteen numbers; products of these, number by number and
//! summed over channels, are gathered to outputs. So 16 multiplications do the work of 36, and the sums over channels are sixteen matrix products. The
//! adjoint in the weights takes each step backwards.
//!
//! Inputs are subtracted from each other before they are multiplied. Those that are not finite, or nearly so, would reach outputs whose windows do not hold
//! them: then nothing is returned, and the convolution is computed in another way.

mod steps;
mod vectors;

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use super::shifted::Shifted;
use crate::dtype::Number;
use crate::kernel::buffer::Scratch;
use crate::kernel::gemm::{Strided, gemm_within};
use crate::kernel::parallel::{Shared, bands, chunks_mut, each};
use crate::kernel::vector::Vector;

/// Numbers over which a square of inputs is spread.
const SPREAD: usize = 16;
/// Channels, and features, from which on fewer multiplications pay for the steps around them.
const CHANNELS: usize = 24;
/// Bytes of spread numbers that are worked on at once, so that they stay in the second-level cache.
const AT_ONCE: usize = 256 << 10;
/// Squares that are worked on at once, at least: spread weights are read once for all of them.
const SQUARES: usize = 64;
/// Squares from which on it pays to spread weights.
const FEW: usize = 32;
/// Pairs of a channel and a feature whose weights are one piece of work.
const PAIRS: usize = 1 << 11;
/// Into how many runs of squares, at most, sums over all of them are cut, and how many bytes the sums of all runs may take.
const RUNS: usize = 8;
const SUMS: usize = 16 << 20;

/// A convolution whose outputs are cut into squares.
pub(super) struct Winograd<'a> {
    shifted: &'a Shifted,
    /// Rows and columns of squares in a picture.
    squares: [usize; 2],
}

/// Sixteen matrices, one for each of the numbers over which something is spread.
struct Spread<T> {
    numbers: Scratch<T>,
    /// Numbers from a row to the next, and from a matrix to the next. Both are such that what is worked on together falls into different sets of a cache.
    pitch: usize,
    apart: usize,
}

impl<T: Number> Spread<T> {
    /// Rows of `columns` numbers, followed by whatever fills the last vector.
    #[inline]
    fn new(rows: usize, columns: usize, lanes: usize) -> Spread<T> {
        let pitch = Self::pitch(columns, lanes);
        let apart = (rows * pitch).next_multiple_of(32) + 16;
        Spread { numbers: Scratch::new(SPREAD * apart), pitch, apart }
    }

    #[inline]
    fn pitch(columns: usize, lanes: usize) -> usize {
        columns.next_multiple_of(lanes) + lanes
    }

    #[inline]
    fn all(&mut self) -> &mut [T] {
        &mut self.numbers
    }

    #[inline]
    fn matrix(&self, i: usize) -> Strided<'_, T> {
        Strided::dense(&self.numbers[i * self.apart..][..self.apart], self.pitch)
    }

    #[inline]
    fn at(&self, row: usize, column: usize) -> *const T {
        self.numbers.as_ptr().wrapping_add(row * self.pitch + column)
    }

    #[inline]
    fn matrix_mut(&mut self, i: usize) -> (&mut [T], usize) {
        let (apart, pitch) = (self.apart, self.pitch);
        (&mut self.all()[i * apart..][..apart], pitch)
    }
}

impl Winograd<'_> {
    /// The convolution, if it is one of this kind, and large enough to be faster.
    pub(super) fn of(shifted: &Shifted) -> Option<Winograd<'_>> {
        let &Shifted { samples, groups, channels, features, input, kernel, output, dilation, .. } = shifted;
        let squares = [output[1].div_ceil(2), output[2].div_ceil(2)];
        let suits = (groups, kernel, input[0], output[0], dilation) == (1, [1, 3, 3], 1, 1, [1; 3]);
        // Where borders cut many squares, little is saved: of four outputs of a square, three should be wanted.
        let whole = 3 * squares[0] * squares[1] <= output[1] * output[2];
        let many = channels.min(features) >= CHANNELS && samples * squares[0] * squares[1] >= FEW;
        (suits && whole && many).then_some(Winograd { shifted, squares })
    }

    /// Rows of squares in all samples.
    fn rows(&self) -> usize {
        self.shifted.samples * self.squares[0]
    }

    /// How many of them are worked on at once, if numbers take so many bytes.
    fn at_once(&self, bytes: usize) -> usize {
        let square = SPREAD * (self.shifted.channels + self.shifted.features) * bytes;
        (AT_ONCE / square).max(SQUARES).div_ceil(self.squares[1])
    }

    /// # Panics
    /// When inputs, outputs or weights are not as many as there should be.
    fn check<T>(&self, x: &[T], y: &[T], w: &[T]) {
        let &Shifted { samples, channels, features, input, output, .. } = self.shifted;
        assert_eq!(x.len(), samples * channels * input.iter().product::<usize>());
        assert_eq!(y.len(), samples * features * output.iter().product::<usize>());
        assert_eq!(w.len(), features * channels * 9);
    }

    /// y = w correlated with x. False, with `y` unspecified, where numbers are not finite.
    ///
    /// # Safety
    /// The CPU must have these vectors.
    pub(super) unsafe fn correlate<V: Vector>(&self, x: &[V::Element], w: &[V::Element], y: &mut [V::Element]) -> bool
    where
        V::Element: Number,
    {
        self.check(x, y, w);
        let &Shifted { channels, features, .. } = self.shifted;
        let whole = features.next_multiple_of(V::LANES);
        let mut weights = Spread::new(channels, features, V::LANES);
        let to = (&Shared(weights.all().as_mut_ptr()), weights.apart);
        each_range(channels, PAIRS.div_ceil(features), &|channels| {
            // SAFETY: the CPU is as the caller says, and channels come once.
            unsafe {
                V::enabled(
                    #[inline(always)]
                    || self.spread_weights::<V>(w, channels, to),
                )
            }
        });
        let step = self.at_once(size_of::<V::Element>()).min(self.rows().div_ceil(bands()));
        let (finite, y) = (AtomicBool::new(true), Shared(y.as_mut_ptr()));
        each_range(self.rows(), step, &|rows| {
            let n = rows.len() * self.squares[1];
            // SAFETY: the CPU is as the caller says.
            let inputs = unsafe {
                V::enabled(
                    #[inline(always)]
                    || self.spread_inputs::<V>(x, rows.clone()),
                )
            };
            let mut sums = Spread::new(n, features, V::LANES);
            for i in 0..SPREAD {
                let (inputs, weights) = (inputs.matrix(i), weights.matrix(i));
                gemm_within((n, channels, whole), inputs, weights, <V::Element as Number>::ZERO, sums.matrix_mut(i));
            }
            // SAFETY: the CPU is as the caller says, and rows come once.
            let all_finite = unsafe {
                V::enabled(
                    #[inline(always)]
                    || self.gather_outputs::<V>(&sums, rows, &y),
                )
            };
            finite.fetch_and(all_finite, Ordering::Relaxed);
        });
        finite.into_inner()
    }

    /// w = what x and y say of it, as long as numbers are finite.
    ///
    /// # Safety
    /// The CPU must have these vectors.
    pub(super) unsafe fn correlate_outputs<V: Vector>(&self, x: &[V::Element], y: &[V::Element], w: &mut [V::Element])
    where
        V::Element: Number,
    {
        self.check(x, y, w);
        let &Shifted { channels, features, .. } = self.shifted;
        let (zero, one) = (<V::Element as Number>::ZERO, <V::Element as Number>::ONE);
        // Sums depend on the runs, which therefore follow from the shape alone.
        let products = SPREAD * channels * features;
        let most = (SUMS / (products * size_of::<V::Element>())).clamp(1, RUNS);
        let run = self.rows().div_ceil((self.rows() * self.squares[1] / SQUARES).clamp(1, most));
        let step = self.at_once(size_of::<V::Element>());
        let whole = channels.next_multiple_of(V::LANES);
        let runs = 0..self.rows().div_ceil(run);
        let mut parts: Vec<_> = runs.map(|_| Spread::new(features, channels, V::LANES)).collect();
        chunks_mut(&mut parts, 1, |part, sums| {
            let (start, end) = (part * run, self.rows().min((part + 1) * run));
            for at in (start..end).step_by(step) {
                let rows = at..end.min(at + step);
                let n = rows.len() * self.squares[1];
                // SAFETY: the CPU is as the caller says.
                let (inputs, outputs) = unsafe {
                    V::enabled(
                        #[inline(always)]
                        || (self.spread_inputs::<V>(x, rows.clone()), self.spread_outputs::<V>(y, rows)),
                    )
                };
                for i in 0..SPREAD {
                    let (inputs, outputs) = (inputs.matrix(i), outputs.matrix(i).transposed());
                    let beta = if at == start { zero } else { one };
                    gemm_within((features, n, whole), outputs, inputs, beta, sums[0].matrix_mut(i));
                }
            }
        });
        let (sum, rest) = parts.split_first_mut().expect("at least one run");
        for part in rest {
            sum.all().iter_mut().zip(part.all()).for_each(|(sum, part)| *sum = sum.plus(*part));
        }
        let to = Shared(w.as_mut_ptr());
        each_range(features, PAIRS.div_ceil(channels), &|features| {
            // SAFETY: the CPU is as the caller says, and features come once.
            unsafe {
                V::enabled(
                    #[inline(always)]
                    || self.gather_weights::<V>(sum, features, &to),
                )
            }
        });
    }
}

/// Calls `f` with all numbers below `n`, up to `step` of them at a time, on any of the threads.
fn each_range(n: usize, step: usize, f: &(dyn Fn(Range<usize>) + Sync)) {
    each(n.div_ceil(step), &|i| f(i * step..n.min((i + 1) * step)));
}
