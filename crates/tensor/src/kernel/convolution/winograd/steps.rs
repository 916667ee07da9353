//! The steps between pictures and spread numbers.
//!
//! Inputs are spread by `Bᵀ d B`, weights by `G g Gᵀ`, and sums gathered by `Aᵀ m A`, where
//!
//! ```text
//!      1  0 −1  0         1  0  0
//! Bᵀ = 0  1  1  0    G =  ½  ½  ½    Aᵀ = 1  1  1  0
//!      0 −1  1  0         ½ −½  ½         0  1 −1 −1
//!      0  1  0 −1         0  0  1
//! ```
//!
//! Backwards, outputs are spread by `A y Aᵀ`, and weights gathered by `Gᵀ u G`. Channels lie side by side meanwhile, and a vector holds as many as it has
//! lanes.
//!
//! All steps are unsafe in the same way: the CPU must have vectors `V`, and only within [`Vector::enabled`] are they fast.

use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
use std::ops::Range;

use super::vectors::{Lines, a, a_t, b_t, g, g_t, load, store, turn, twice};
use super::{Spread, Winograd};
use crate::dtype::Number;
use crate::kernel::convolution::shifted::Shifted;
use crate::kernel::dispatch::array;
use crate::kernel::parallel::Shared;
use crate::kernel::vector::Vector;

impl Winograd<'_> {
    /// Spreads the weights of some channels: a row for each channel, a column for each feature, and zeros behind them.
    ///
    /// # Safety
    /// Nobody else may have rows of these channels.
    #[inline(always)]
    pub(super) unsafe fn spread_weights<V: Vector>(
        &self,
        w: &[V::Element],
        channels: Range<usize>,
        (to, apart): (&Shared<V::Element>, usize),
    ) where
        V::Element: Number,
    {
        let (features, pitch) = (self.shifted.features, Spread::<V::Element>::pitch(self.shifted.features, V::LANES));
        let weights = Lines::new(9, pitch);
        for c in channels {
            // SAFETY: in `w` are nine weights of this channel for every feature; rows of the sixteen matrices have whole vectors.
            unsafe {
                let from = (w[c * 9..].as_ptr(), self.shifted.channels * 9);
                turn::<V>((features, 9), from, (weights.at(0, 0, 0), pitch), 9);
                for f in (0..features).step_by(V::LANES) {
                    let weights_of = load::<V, 3>(weights.at(0, 0, f), pitch);
                    store::<V, 4>(twice::<V, 3, 4>(weights_of, |x| g::<V>(x)), to.at(c * pitch + f), apart);
                }
            }
        }
    }

    /// The weights of some features that sums over products of spread inputs and outputs stand for: rows are features, columns channels.
    ///
    /// # Safety
    /// Nobody else may have weights of these features.
    #[inline(always)]
    pub(super) unsafe fn gather_weights<V: Vector>(
        &self,
        sums: &Spread<V::Element>,
        features: Range<usize>,
        w: &Shared<V::Element>,
    ) where
        V::Element: Number,
    {
        let channels = self.shifted.channels;
        let weights = Lines::new(9, sums.pitch);
        for f in features {
            // SAFETY: rows of sums have whole vectors, and `w` nine weights for each channel of a feature.
            unsafe {
                for c in (0..channels).step_by(V::LANES) {
                    let sums_of = load::<V, 4>(sums.at(f, c), sums.apart);
                    store::<V, 3>(twice::<V, 4, 3>(sums_of, |x| g_t::<V>(x)), weights.at(0, 0, c), sums.pitch);
                }
                turn::<V>((9, channels), (weights.at(0, 0, 0), sums.pitch), (w.at(f * channels * 9), 9), 0);
            }
        }
    }

    /// The spread inputs that these rows of squares see: a row for each square, a column for each channel.
    ///
    /// # Safety
    /// As for all steps.
    #[inline(always)]
    pub(super) unsafe fn spread_inputs<V: Vector>(&self, x: &[V::Element], rows: Range<usize>) -> Spread<V::Element>
    where
        V::Element: Number,
    {
        let &Shifted { channels, input: [_, height, width], padding: [_, above, left], .. } = self.shifted;
        let [down, across] = self.squares;
        let mut spread = Spread::<V::Element>::new(rows.len() * across, channels, V::LANES);
        let (pitch, apart) = (spread.pitch, spread.apart);
        let lines = Lines::new(2 * across + 2, pitch);
        let to = spread.all().as_mut_ptr();
        for (i, row) in rows.enumerate() {
            let (sample, row) = (row / down, row % down);
            // Two lines are there already if the row above was spread.
            let known = if i == 0 || row == 0 { 0 } else { 2 };
            // SAFETY: samples have so many channels of `height` lines. Lines have two places more than the squares, and whole vectors, as have rows of the
            // sixteen matrices, one for each square.
            unsafe {
                for line in 2 * row + known..2 * row + 4 {
                    lines.read::<V>(line, (x, sample), [channels, height, width], [above, left]);
                }
                for c in (0..channels).step_by(V::LANES) {
                    let (even, odd) = (b_t::<V>(lines.column(2 * row, 0, c)), b_t::<V>(lines.column(2 * row, 1, c)));
                    let mut columns = [even, odd, even, odd];
                    for square in 0..across {
                        let even = b_t::<V>(lines.column(2 * row, 2 * square + 2, c));
                        let odd = b_t::<V>(lines.column(2 * row, 2 * square + 3, c));
                        columns = [columns[2], columns[3], even, odd];
                        let numbers = array(
                            #[inline(always)]
                            |i| b_t::<V>(array(|j| columns[j][i])),
                        );
                        store::<V, 4>(numbers, to.add((i * across + square) * pitch + c), apart);
                    }
                }
            }
        }
        spread
    }

    /// The spread outputs in these rows of squares: a row for each square, a column for each feature.
    ///
    /// # Safety
    /// As for all steps.
    #[inline(always)]
    pub(super) unsafe fn spread_outputs<V: Vector>(&self, y: &[V::Element], rows: Range<usize>) -> Spread<V::Element>
    where
        V::Element: Number,
    {
        let &Shifted { features, output: [_, height, width], .. } = self.shifted;
        let [down, across] = self.squares;
        let mut spread = Spread::<V::Element>::new(rows.len() * across, features, V::LANES);
        let (pitch, apart) = (spread.pitch, spread.apart);
        let lines = Lines::new(2 * across, pitch);
        let to = spread.all().as_mut_ptr();
        for (i, row) in rows.enumerate() {
            let (sample, row) = (row / down, row % down);
            // SAFETY: as for inputs.
            unsafe {
                for line in 2 * row..2 * row + 2 {
                    lines.read::<V>(line, (y, sample), [features, height, width], [0, 0]);
                }
                for f in (0..features).step_by(V::LANES) {
                    for square in 0..across {
                        let y = array(|i| array(|j| V::load(lines.at(2 * row + i, 2 * square + j, f))));
                        let numbers = twice::<V, 2, 4>(y, |x| a::<V>(x));
                        store::<V, 4>(numbers, to.add((i * across + square) * pitch + f), apart);
                    }
                }
            }
        }
        spread
    }

    /// Writes these rows of squares to the outputs, and says whether all are finite.
    ///
    /// # Safety
    /// Nobody else may have these rows of all outputs `y`.
    #[inline(always)]
    pub(super) unsafe fn gather_outputs<V: Vector>(
        &self,
        sums: &Spread<V::Element>,
        rows: Range<usize>,
        y: &Shared<V::Element>,
    ) -> bool
    where
        V::Element: Number,
    {
        let &Shifted { features, output: [_, height, width], .. } = self.shifted;
        let [down, across] = self.squares;
        let lines = Lines::<V::Element>::new(2 * across, sums.pitch);
        let mut lanes = [<V::Element as Number>::ZERO; 16];
        // SAFETY: lines have two places for each square, and whole vectors, as have rows of the sixteen matrices. The outputs are the caller's.
        unsafe {
            let mut nothing = V::zero();
            for (i, row) in rows.enumerate() {
                let (sample, row) = (row / down, row % down);
                let to = |f: usize| y.at(((sample * features + f) * height + 2 * row) * width);
                for f in (0..features).step_by(V::LANES) {
                    for f in f..f + V::LANES {
                        for ahead in (0..2 * width).step_by(64 / size_of::<V::Element>()) {
                            _mm_prefetch::<_MM_HINT_ET0>(to(f).wrapping_add(ahead).cast());
                        }
                    }
                    for square in 0..across {
                        let sums_of = load::<V, 4>(sums.at(i * across + square, f), sums.apart);
                        let outputs = twice::<V, 4, 2>(sums_of, |x| a_t::<V>(x));
                        for (i, j) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                            // Zero times what is not finite is NaN, and stays so.
                            nothing = outputs[i][j].times_plus(V::zero(), nothing);
                            outputs[i][j].store(lines.at(i, 2 * square + j, f));
                        }
                    }
                }
                for line in 0..2.min(height - 2 * row) {
                    let to = (to(0).add(line * width), height * width);
                    turn::<V>((width, features), (lines.at(line, 0, 0), sums.pitch), to, 0);
                }
            }
            nothing.store(lanes.as_mut_ptr());
        }
        lanes.iter().all(|&lane| lane == <V::Element as Number>::ZERO)
    }
}
