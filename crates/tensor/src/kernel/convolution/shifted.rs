//! Convolution with stride 1 as products of matrices whose rows are one picture, shifted.
//!
//! A picture with padding is copied once. In it, or the copy, the elements that one weight meets lie one after the other for all windows, each row of windows being
//! followed by a few places where none begins. So the columns need not be laid out: they are there already, once for every shift. What
//! is computed for the gaps is dropped when a tile is written.

use super::winograd::Winograd;
use super::{Geometry, RUN};
use crate::dtype::{DType, Number};
use crate::kernel::buffer::{Buffer, Scratch};
use crate::kernel::dispatch::{Level, array, level};
use crate::kernel::gemm::packing::pack;
use crate::kernel::gemm::tiles::{DEPTH, Kept, Left, Matrix, Right, Target, Tiles};
use crate::kernel::parallel::{Shared, each};
use crate::kernel::vector::widest;

/// Terms that are added up at once.
const TERMS: usize = 512;
/// Multiplications that a piece of work should at least have.
const WORK: usize = 1 << 21;
/// Vectors that may be read beyond the last window.
const SLACK: usize = 2 * 16;

/// A convolution with stride 1.
pub(super) struct Shifted {
    pub(super) samples: usize,
    pub(super) groups: usize,
    pub(super) channels: usize,
    pub(super) features: usize,
    pub(super) input: [usize; 3],
    pub(super) kernel: [usize; 3],
    pub(super) output: [usize; 3],
    pub(super) padding: [usize; 3],
    pub(super) dilation: [usize; 3],
}

/// Columns of a tile, of which some are windows: their bits, and how many come before.
struct Panel {
    kept: [u32; 2],
    before: usize,
}

impl Shifted {
    /// The convolution, if it is one of this kind, this CPU has vectors, and numbers are `f32` or `f64`.
    pub(super) fn of<T: Number>(geo: &Geometry) -> Option<Shifted> {
        let suits = geo.stride == [1; 3] && matches!(T::DTYPE, DType::F32 | DType::F64);
        let empty = [geo.samples, geo.groups, geo.channels, geo.features, geo.plane(), geo.positions()].contains(&0);
        let &Geometry { samples, groups, channels, features, input, kernel, output, padding, dilation, .. } = geo;
        (suits && !empty && !matches!(level(), Level::Portable)).then_some(Shifted {
            samples,
            groups,
            channels,
            features,
            input,
            kernel,
            output,
            padding,
            dilation,
        })
    }

    /// The convolution that takes outputs back to inputs, with kernels that are turned round. None where padding is wider than a kernel.
    fn adjoint(&self) -> Option<Shifted> {
        let reach = |axis: usize| self.dilation[axis] * (self.kernel[axis] - 1);
        if (0..3).any(|axis| self.padding[axis] > reach(axis)) {
            return None;
        }
        Some(Shifted {
            channels: self.features,
            features: self.channels,
            input: self.output,
            output: self.input,
            padding: std::array::from_fn(|axis| reach(axis) - self.padding[axis]),
            ..*self
        })
    }

    /// Lengths of the padded copy of one channel.
    fn padded(&self) -> [usize; 3] {
        std::array::from_fn(|axis| self.input[axis] + 2 * self.padding[axis])
    }

    #[inline]
    fn positions(&self) -> usize {
        self.output.iter().product()
    }

    fn taps(&self) -> usize {
        self.kernel.iter().product()
    }

    /// Where the elements that a weight meets begin in the padded copy, for all weights of a feature.
    fn shifts(&self) -> Vec<usize> {
        let [depth, height, width] = self.padded();
        let [kd, kh, kw] = self.kernel;
        let [dz, dy, dx] = self.dilation;
        let mut shifts = Vec::with_capacity(self.channels * self.taps());
        for c in 0..self.channels {
            for (z, y) in (0..kd).flat_map(|z| (0..kh).map(move |y| (z, y))) {
                let row = ((c * depth + z * dz) * height + y * dy) * width;
                shifts.extend((0..kw).map(|x| row + x * dx));
            }
        }
        shifts
    }

    /// Where rows of windows begin among the places of the padded copy.
    #[inline]
    fn rows(&self) -> impl Iterator<Item = usize> {
        let ([_, height, width], [depth, rows, _]) = (self.padded(), self.output);
        (0..depth).flat_map(move |z| (0..rows).map(move |y| (z * height + y) * width))
    }

    /// Places of the padded copy from the first window to the last.
    fn places(&self) -> usize {
        self.rows().last().map_or(0, |row| row + self.output[2])
    }

    fn panels(&self, lanes: usize) -> Vec<Panel> {
        let mut valid = vec![0u32; self.places().div_ceil(lanes).next_multiple_of(2)];
        for place in self.rows().flat_map(|row| row..row + self.output[2]) {
            valid[place / lanes] |= 1 << (place % lanes);
        }
        let mut before = 0;
        let panel = |pair: &[u32]| {
            let panel = Panel { kept: [pair[0], pair[1]], before };
            before += (pair[0].count_ones() + pair[1].count_ones()) as usize;
            panel
        };
        valid.chunks(2).map(panel).collect()
    }

    /// The channels of one group of a sample with their padding, unless they can do without a copy: then there is no padding, and `x` goes on for `slack`.
    fn with_padding<T: Number>(&self, x: &[T], sample: usize, slack: usize) -> Option<Buffer<T>> {
        let size = self.channels * self.input.iter().product::<usize>();
        let dense = self.padding == [0; 3] && (sample + 1) * size + slack <= x.len();
        (!dense).then(|| Buffer::new(self.padded_size(), |copy| self.pad(&x[sample * size..][..size], copy)))
    }

    /// Copies the channels of one group of a sample, with their padding.
    fn pad<T: Copy + Default>(&self, x: &[T], copy: &mut [T]) {
        let ([pd, ph, pw], [_, height, width]) = (self.padding, self.padded());
        let [id, ih, iw] = self.input;
        copy.fill(T::default());
        for (from, line) in x.chunks_exact(iw).enumerate() {
            let (y, z, c) = (from % ih, from / ih % id, from / ih / id);
            let row = (c * (id + 2 * pd) + z + pd) * height + y + ph;
            copy[row * width + pw..][..iw].copy_from_slice(line);
        }
    }

    fn padded_size(&self) -> usize {
        self.channels * self.padded().iter().product::<usize>() + SLACK
    }

    /// y = w correlated with x.
    pub(super) fn forward<T: Number>(&self, x: &[T], w: &[T], y: &mut [T]) {
        widest!(
            size_of::<T>(),
            V => {
                // SAFETY: the CPU has these vectors, and `of` has seen one of the two types.
                unsafe {
                    let winograd = Winograd::of(self);
                    if !winograd.is_some_and(|winograd| winograd.correlate::<V>(same(x), same(w), same_mut(y))) {
                        self.correlate::<V>(same(x), same(w), same_mut(y));
                    }
                }
            },
            without => unreachable!("`of` has seen vectors")
        );
    }

    /// x = what y comes from. False, with nothing done, where padding is wider than a kernel.
    pub(super) fn input_adjoint<T: Number>(&self, y: &[T], w: &[T], x: &mut [T]) -> bool {
        let Some(adjoint) = self.adjoint() else { return false };
        let (taps, block) = (self.taps(), self.channels * self.taps());
        let turned = Buffer::new(w.len(), |turned| {
            for (f, w) in w.chunks_exact(block).enumerate() {
                let (group, f) = (f / self.features, f % self.features);
                for (c, w) in w.chunks_exact(taps).enumerate() {
                    let to = ((group * self.channels + c) * self.features + f) * taps;
                    turned[to..][..taps].iter_mut().zip(w.iter().rev()).for_each(|(t, &w)| *t = w);
                }
            }
        });
        adjoint.forward(y, turned.as_slice(), x);
        true
    }

    /// # Safety
    /// The CPU must have these vectors.
    unsafe fn correlate<V: Tiles>(&self, x: &[V::Element], w: &[V::Element], y: &mut [V::Element])
    where
        V::Element: Number,
    {
        let (positions, shifts, panels) = (self.positions(), self.shifts(), self.panels(V::LANES));
        let terms = shifts.len();
        let all = u32::MAX >> (32 - V::LANES);
        let x_size = self.channels * self.input.iter().product::<usize>();
        // Features of a sample are shared among threads only where a sample is much work.
        let tiles = self.features.div_ceil(V::ROWS);
        let wanted = (WORK / (positions * terms * V::ROWS)).clamp(1, tiles);
        let pieces = if self.samples * self.groups > 8 { 1 } else { tiles / wanted };
        let starts = |tile: usize| tile * (self.features / tiles) + tile.min(self.features % tiles);
        assert!(x.len() == self.samples * self.groups * x_size && w.len() == self.groups * self.features * terms);
        assert!(y.len() == self.samples * self.groups * self.features * positions);

        let y = Shared(y.as_mut_ptr());
        each(self.samples * self.groups * pieces, &|piece| {
            let (sample, piece) = (piece / pieces, piece % pieces);
            let (first, end) = (tiles * piece / pieces, tiles * (piece + 1) / pieces);
            let padded = self.with_padding(x, sample, SLACK);
            let picture = padded.as_ref().map_or(&x[sample * x_size..], Buffer::as_slice);
            let w = &w[sample % self.groups * self.features * terms..][..self.features * terms];
            for (j, panel) in panels.iter().enumerate().filter(|(_, panel)| panel.kept != [0, 0]) {
                for tile in first..end {
                    let (from, to) = (starts(tile), starts(tile + 1));
                    let at = y.at((sample * self.features + from) * positions + panel.before);
                    for (chunk, rows) in shifts.chunks(TERMS).enumerate() {
                        let a =
                            Matrix { at: w[from * terms + chunk * TERMS..].as_ptr(), rows: terms as isize, columns: 1 };
                        let columns = if panel.kept[1] == 0 { V::LANES } else { 2 * V::LANES };
                        let b = Right { at: picture[j * 2 * V::LANES..].as_ptr(), rows, columns };
                        let beta = if chunk == 0 { 0f32 } else { 1.0 };
                        // What comes after this panel's windows is written with the next one.
                        let room = if chunk == 0 { positions - panel.before } else { 0 };
                        let kept = (panel.kept != [all, all]).then_some(Kept { lanes: panel.kept, room });
                        let c = Target { at, width: positions, beta: beta.into(), kept };
                        // SAFETY: the CPU is as the caller says. `w` has these rows of `terms` numbers. From the largest shift to the end of the picture there are
                        // all places, and behind it two vectors. Bits that are kept are windows, which `y` has room for, and other pieces of work
                        // have other samples or features.
                        unsafe { V::tile(to - from, columns)(Left::of(a), b, c) }
                    }
                }
            }
        });
    }

    /// w = what x and y say of it. False, with `w` unspecified, where the kernel's rows do not go in threes, or a weight is not finite: it may come
    /// from what lies outside of its windows, times zero.
    pub(super) fn weight_adjoint<T: Number>(&self, x: &[T], y: &[T], w: &mut [T]) -> bool {
        if self.kernel[2] != 3 && self.taps() != 1 {
            return false;
        }
        widest!(
            size_of::<T>(),
            V => {
                // SAFETY: the CPU has these vectors, and `of` has seen one of the two types.
                unsafe {
                    match Winograd::of(self) {
                        Some(winograd) => winograd.correlate_outputs::<V>(same(x), same(y), same_mut(w)),
                        None => self.correlate_outputs::<V>(same(x), same(y), same_mut(w)),
                    }
                }
            },
            without => unreachable!("`of` has seen vectors")
        );
        w.iter().all(|&w| w.minus(w) == T::ZERO)
    }

    /// # Safety
    /// The CPU must have these vectors.
    unsafe fn correlate_outputs<V: Tiles>(&self, x: &[V::Element], y: &[V::Element], w: &mut [V::Element])
    where
        V::Element: Number,
    {
        let (positions, shifts) = (self.positions(), self.shifts());
        let (terms, size) = (shifts.len(), w.len());
        let x_size = self.channels * self.input.iter().product::<usize>();
        let y_size = self.features * positions;
        let runs = self.samples.div_ceil(RUN);
        assert!(x.len() == self.samples * self.groups * x_size && y.len() == self.samples * self.groups * y_size);
        // The rows of weights that a pointer stands for: three taps of a row, or three channels.
        let apart =
            if self.kernel[2] == 3 { self.dilation[2] } else { shifts.get(1).map_or(0, |&shift| shift) } as isize;
        let mut parts = Scratch::zeros(size * runs);
        crate::kernel::parallel::chunks_mut(&mut parts, size, |run, part| {
            let packed = &mut *Scratch::new(self.features.next_multiple_of(2 * V::LANES) * DEPTH);
            for sample in run * RUN * self.groups..self.samples.min((run + 1) * RUN) * self.groups {
                let part = &mut part[sample % self.groups * self.features * terms..][..self.features * terms];
                let padded = self.with_padding(x, sample, 0);
                let picture = padded.as_ref().map_or(&x[sample * x_size..][..x_size], Buffer::as_slice);
                for start in (0..self.places()).step_by(DEPTH) {
                    let depth = (self.places() - start).min(DEPTH);
                    // SAFETY: the CPU is as the caller says.
                    unsafe {
                        let y = &y[sample * y_size..][..y_size];
                        V::enabled(
                            #[inline(always)]
                            || self.pack_outputs::<V>(y, start..start + depth, packed),
                        );
                    }
                    let mut rows = [0; DEPTH];
                    rows.iter_mut().enumerate().for_each(|(p, row)| *row = p * 2 * V::LANES);
                    for (j, panel) in packed.chunks(DEPTH * 2 * V::LANES).enumerate() {
                        let feature = j * 2 * V::LANES;
                        let columns = (self.features - feature).min(2 * V::LANES);
                        let b = Right { at: panel.as_ptr(), rows: &rows[..depth], columns };
                        for (i, shifts) in shifts.chunks(V::ROWS).enumerate() {
                            let shift = |row: usize| picture[shifts[row.min(shifts.len() - 1)] + start..].as_ptr();
                            let a = Left { rows: array(|i| shift(3 * i)), apart, step: 1 };
                            let at = part[i * V::ROWS * self.features + feature..].as_mut_ptr();
                            let c = Target { at, width: self.features, beta: 1f32.into(), kept: None };
                            // SAFETY: the CPU is as the caller says. The picture has all places for every shift, the panel `depth` rows, and `part` these rows
                            // of weights, transposed, which are ours.
                            unsafe { V::tile(shifts.len(), columns)(a, b, c) }
                        }
                    }
                }
            }
        });
        let (sum, rest) = parts.split_at_mut(size);
        for part in rest.chunks(size) {
            sum.iter_mut().zip(part).for_each(|(sum, &part)| *sum = sum.plus(part));
        }
        for (w, sum) in w.chunks_mut(self.features * terms).zip(sum.chunks(self.features * terms)) {
            for (f, w) in w.chunks_mut(terms).enumerate() {
                w.iter_mut().enumerate().for_each(|(term, w)| *w = sum[term * self.features + f]);
            }
        }
    }

    /// Lays outputs out as columns, panel after panel of features, for these places of the padded copy; 0 in the gaps.
    ///
    /// # Safety
    /// The CPU must have these vectors.
    #[inline(always)]
    unsafe fn pack_outputs<V: Tiles>(&self, y: &[V::Element], places: std::ops::Range<usize>, packed: &mut [V::Element])
    where
        V::Element: Number,
    {
        packed.fill(<V::Element as Number>::ZERO);
        let (width, positions) = (2 * V::LANES, self.positions());
        for (j, panel) in packed.chunks_mut(DEPTH * width).enumerate() {
            let feature = j * width;
            for (i, row) in self.rows().enumerate() {
                let (from, to) = (row.max(places.start), (row + self.output[2]).min(places.end));
                if from >= to {
                    continue;
                }
                let at = feature * positions + i * self.output[2] + from - row;
                let matrix = Matrix { at: y[at..].as_ptr(), rows: 1, columns: positions as isize };
                let (k, n) = (to - from, (self.features - feature).min(width));
                // SAFETY: the CPU is as the caller says. These features have so many outputs from here on, and the panel rows for all places.
                unsafe {
                    let to = panel[(from - places.start) * width..].as_mut_ptr();
                    pack::<V>((k, n), matrix, matrix.from(0, width), to)
                }
            }
        }
    }
}

/// # Safety
/// The types must be the same.
unsafe fn same<T, U>(x: &[T]) -> &[U] {
    debug_assert_eq!(size_of::<T>(), size_of::<U>());
    // SAFETY: the caller's.
    unsafe { std::slice::from_raw_parts(x.as_ptr().cast(), x.len()) }
}

/// # Safety
/// The types must be the same.
unsafe fn same_mut<T, U>(x: &mut [T]) -> &mut [U] {
    debug_assert_eq!(size_of::<T>(), size_of::<U>());
    // SAFETY: the caller's.
    unsafe { std::slice::from_raw_parts_mut(x.as_mut_ptr().cast(), x.len()) }
}
