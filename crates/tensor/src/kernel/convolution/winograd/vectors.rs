//! Vectors of channels: how they come from pictures and go back, and the matrices that they are multiplied by.

use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

use crate::dtype::Number;
use crate::kernel::buffer::Buffer;
use crate::kernel::dispatch::array;
use crate::kernel::vector::Vector;

/// Four lines of a picture, by turns: channels of a place side by side.
pub(super) struct Lines<T> {
    /// What `start` points to.
    _numbers: Buffer<T>,
    start: *mut T,
    places: usize,
    pitch: usize,
}

impl<T: Number> Lines<T> {
    /// Lines of zeros.
    #[inline]
    pub(super) fn new(places: usize, pitch: usize) -> Lines<T> {
        let mut numbers = Buffer::new(4 * places * pitch, |numbers| numbers.fill(T::ZERO));
        let start = numbers.as_mut_slice().expect("a fresh buffer has one owner").as_mut_ptr();
        Lines { _numbers: numbers, start, places, pitch }
    }

    #[inline(always)]
    pub(super) fn at(&self, line: usize, place: usize, channel: usize) -> *mut T {
        self.start.wrapping_add((line % 4 * self.places + place) * self.pitch + channel)
    }

    /// Vectors of channels of a place in four lines.
    ///
    /// # Safety
    /// The CPU must have these vectors, and lines as many channels from this one on.
    #[inline(always)]
    pub(super) unsafe fn column<V: Vector<Element = T>>(&self, line: usize, place: usize, channel: usize) -> [V; 4] {
        // SAFETY: the caller's.
        array(|i| unsafe { V::load(self.at(line + i, place, channel)) })
    }

    /// Fills a line with that of a sample's channels, the first place being `left` and the first line `above`; zeros where pictures have no such line.
    ///
    /// # Safety
    /// The CPU must have these vectors. Lines must have room for `left + width` places of all channels; nobody else may use this one.
    #[inline(always)]
    pub(super) unsafe fn read<V: Vector<Element = T>>(
        &self,
        line: usize,
        (x, sample): (&[T], usize),
        [channels, height, width]: [usize; 3],
        [above, left]: [usize; 2],
    ) {
        // SAFETY: the line lies in the buffer, and all zero bits are the number zero. Samples have so many channels of `height` lines, of which the slice
        // begins with this one of the first channel.
        unsafe {
            match line.checked_sub(above).filter(|&y| y < height) {
                None => self.at(line, 0, 0).write_bytes(0, self.places * self.pitch),
                Some(y) => {
                    let from = (x[(sample * channels * height + y) * width..].as_ptr(), height * width);
                    turn::<V>((channels, width), from, (self.at(line, left, 0), self.pitch), 2 * width);
                }
            }
        }
    }
}

/// Rows of numbers become columns: `to[p, j] = from[j, p]` for `n` rows `j` of `k` numbers `p`, where rows are given by the first and how far apart they are.
/// Memory is asked for what lies a distance `ahead` of each number.
///
/// # Safety
/// The CPU must have these vectors; the rows must be readable, and the columns ours.
#[inline(always)]
pub(super) unsafe fn turn<V: Vector>(
    (n, k): (usize, usize),
    (from, from_apart): (*const V::Element, usize),
    (to, to_apart): (*mut V::Element, usize),
    ahead: usize,
) {
    // The last vector of a row overlaps the one before, if there is one.
    let starts = |len: usize| (0..len).step_by(V::LANES).map(move |i| i.min(len.saturating_sub(V::LANES)));
    let whole = n.min(k) >= V::LANES;
    // Lines that lie far apart, and may fall into one set of the cache, are done with one after the other.
    let by_rows = from_apart > to_apart;
    for outer in starts(if by_rows { n } else { k }) {
        for inner in starts(if by_rows { k } else { n }) {
            let (j, p) = if by_rows { (outer, inner) } else { (inner, outer) };
            // SAFETY: the caller's: vectors begin in rows and columns and end there, or only their first numbers are read or written.
            unsafe {
                let (from, to) = (from.add(j * from_apart + p), to.add(p * to_apart + j));
                let mut square = [V::zero(); 16];
                for (i, row) in square[..V::LANES].iter_mut().enumerate() {
                    let from = from.wrapping_add(i * from_apart);
                    _mm_prefetch::<_MM_HINT_T0>(from.wrapping_add(ahead).cast());
                    *row = match whole {
                        true => V::load(from),
                        false if i < n => V::load_first(k, from),
                        false => V::zero(),
                    };
                }
                V::transpose(&mut square);
                for (i, column) in square[..V::LANES].iter().enumerate() {
                    let to = to.wrapping_add(i * to_apart);
                    match whole {
                        true => column.store(to),
                        false if i < k => column.store_first(n, to),
                        false => {}
                    }
                }
            }
        }
    }
}

/// Vectors that lie this far apart.
///
/// # Safety
/// The CPU must have these vectors, all `N²` of which must be readable.
#[inline(always)]
pub(super) unsafe fn load<V: Vector, const N: usize>(mut from: *const V::Element, apart: usize) -> [[V; N]; N] {
    array(|_| {
        let row = from;
        from = from.wrapping_add(N * apart);
        // SAFETY: the caller's.
        array(|j| unsafe { V::load(row.wrapping_add(j * apart)) })
    })
}

/// # Safety
/// As for [`load`]; the vectors must be ours.
#[inline(always)]
pub(super) unsafe fn store<V: Vector, const N: usize>(numbers: [[V; N]; N], mut to: *mut V::Element, apart: usize) {
    for row in numbers {
        for (j, number) in row.into_iter().enumerate() {
            // SAFETY: the caller's.
            unsafe { number.store(to.wrapping_add(j * apart)) };
        }
        to = to.wrapping_add(N * apart);
    }
}

/// `f x fᵀ`: of each column, then of each row.
#[inline(always)]
pub(super) fn twice<V: Copy, const N: usize, const M: usize>(
    x: [[V; N]; N],
    f: impl Fn([V; N]) -> [V; M],
) -> [[V; M]; M] {
    let columns: [[V; M]; N] = array(
        #[inline(always)]
        |j| f(array(|i| x[i][j])),
    );
    array(
        #[inline(always)]
        |i| f(array(|j| columns[j][i])),
    )
}

/// `Bᵀ x`
///
/// # Safety
/// The CPU must have these vectors.
#[inline(always)]
pub(super) unsafe fn b_t<V: Vector>([x0, x1, x2, x3]: [V; 4]) -> [V; 4] {
    // SAFETY: the caller's.
    unsafe { [x0.minus(x2), x1.plus(x2), x2.minus(x1), x1.minus(x3)] }
}

/// `G x`
///
/// # Safety
/// The CPU must have these vectors.
#[inline(always)]
pub(super) unsafe fn g<V: Vector>([x0, x1, x2]: [V; 3]) -> [V; 4] {
    // SAFETY: the caller's.
    unsafe {
        let (half, ends) = (V::splat(&0.5.into()), x0.plus(x2));
        [x0, ends.plus(x1).times(half), ends.minus(x1).times(half), x2]
    }
}

/// `Gᵀ x`
///
/// # Safety
/// The CPU must have these vectors.
#[inline(always)]
pub(super) unsafe fn g_t<V: Vector>([x0, x1, x2, x3]: [V; 4]) -> [V; 3] {
    // SAFETY: the caller's.
    unsafe {
        let half = V::splat(&0.5.into());
        let (sum, difference) = (x1.plus(x2).times(half), x1.minus(x2).times(half));
        [x0.plus(sum), difference, sum.plus(x3)]
    }
}

/// `Aᵀ x`
///
/// # Safety
/// The CPU must have these vectors.
#[inline(always)]
pub(super) unsafe fn a_t<V: Vector>([x0, x1, x2, x3]: [V; 4]) -> [V; 2] {
    // SAFETY: the caller's.
    unsafe { [x0.plus(x1).plus(x2), x1.minus(x2).minus(x3)] }
}

/// `A x`
///
/// # Safety
/// The CPU must have these vectors.
#[inline(always)]
pub(super) unsafe fn a<V: Vector>([x0, x1]: [V; 2]) -> [V; 4] {
    // SAFETY: the caller's.
    unsafe { [x0, x0.plus(x1), x0.minus(x1), V::zero().minus(x1)] }
}
