//! Tiles of a product, in vectors.
//!
//! A tile, up to twelve rows by two vectors, stays in registers while its rows of `a` and columns of `b` are walked through: so many independent sums keep
//! both multipliers busy. Numbers of `a` are spread over a vector as they are loaded, so that `a` is read in any layout. Where a tile is written to is
//! asked for when its sums begin.
//!
//! Each sum runs over `k` in steps of [`DEPTH`], within which terms are added in order: the same bits however the result is cut, whatever is copied, and
//! however wide vectors are.

use std::arch::x86_64::{__m256, __m256d, __m512, __m512d, _MM_HINT_ET0, _mm_prefetch};
use std::mem::MaybeUninit;

use crate::kernel::dispatch::array;
use crate::kernel::vector::Vector;

/// Vectors whose tiles are compiled.
pub(in crate::kernel) trait Tiles: Vector {
    /// Rows of a tile: as many as registers have room for.
    const ROWS: usize;
    /// The function for tiles of so many rows and columns.
    fn tile(rows: usize, columns: usize) -> Tile<Self::Element>;
}

macro_rules! tiles {
    ($vector:ident, $features:literal: $most:literal: $($rows:literal)*) => {
        impl Tiles for $vector {
            const ROWS: usize = $most;
            fn tile(rows: usize, columns: usize) -> Tile<Self::Element> {
                type T = <$vector as Vector>::Element;
                #[target_feature(enable = $features)]
                unsafe fn compiled<const R: usize, const N: usize>(a: Left<T>, b: Right<'_, T>, c: Target<T>) {
                    // SAFETY: the caller's.
                    unsafe {
                        c.ask::<$vector, R, N>();
                        let sums = sums::<$vector, R, N>(a, b);
                        if !c.write_whole(b.columns, &sums) {
                            write(c, b.columns, &in_memory(sums));
                        }
                    }
                }
                /// Once for all heights.
                #[inline(never)]
                #[target_feature(enable = $features)]
                unsafe fn write<const N: usize>(c: Target<T>, columns: usize, rows: &[[$vector; N]]) {
                    // SAFETY: the caller's.
                    unsafe { c.write(columns, rows) }
                }
                match (rows, columns <= <$vector>::LANES) {
                    $(($rows, true) => compiled::<$rows, 1>, ($rows, false) => compiled::<$rows, 2>,)*
                    _ => unreachable!("tiles have 1 to {} rows", $most),
                }
            }
        }
    };
}
tiles!(__m512, "avx512f": 12: 1 2 3 4 5 6 7 8 9 10 11 12);
tiles!(__m512d, "avx512f": 12: 1 2 3 4 5 6 7 8 9 10 11 12);
tiles!(__m256, "avx2,fma": 6: 1 2 3 4 5 6);
tiles!(__m256d, "avx2,fma": 6: 1 2 3 4 5 6);

/// A function that computes a tile: its rows of `a` times its columns of `b`.
///
/// # Safety
/// The CPU must have the vectors that it was compiled for. `a` must be readable for the tile's rows and as many columns as `b` has rows, and whole vectors of every
/// row of `b`; `c` must be ours.
pub(in crate::kernel) type Tile<T> = unsafe fn(Left<T>, Right<'_, T>, Target<T>);

/// Terms that are added up in registers: a panel of so many rows, 16 or 32 KiB, fits the first-level cache.
pub(in crate::kernel) const DEPTH: usize = 256;

/// A matrix in memory: its first element, and how far apart rows and columns are.
pub(in crate::kernel) struct Matrix<T> {
    pub(in crate::kernel) at: *const T,
    pub(in crate::kernel) rows: isize,
    pub(in crate::kernel) columns: isize,
}

impl<T> Clone for Matrix<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Matrix<T> {}

impl<T> Matrix<T> {
    #[inline(always)]
    pub(super) fn element(self, i: usize, j: usize) -> *const T {
        self.at.wrapping_offset(i as isize * self.rows + j as isize * self.columns)
    }

    #[inline(always)]
    pub(in crate::kernel) fn from(self, i: usize, j: usize) -> Matrix<T> {
        Matrix { at: self.element(i, j), ..self }
    }

    /// Whether the lines of successive rows (or columns) fall into few sets of the cache.
    pub(super) fn collides(stride: isize) -> bool {
        (stride.unsigned_abs() * size_of::<T>()).is_multiple_of(1024)
    }
}

/// Rows of `a`: three per pointer, since the address of each is then one instruction's operand.
#[derive(Clone, Copy)]
pub(in crate::kernel) struct Left<T> {
    pub(in crate::kernel) rows: [*const T; 4],
    /// How far apart the three are.
    pub(in crate::kernel) apart: isize,
    /// How far apart columns are.
    pub(in crate::kernel) step: isize,
}

impl<T: Copy> Left<T> {
    pub(in crate::kernel) fn of(a: Matrix<T>) -> Left<T> {
        Left { rows: array(|i| a.element(3 * i, 0)), apart: a.rows, step: a.columns }
    }
}

/// Columns of `b`, one or two vectors wide, whose rows lie at given distances from a place.
#[derive(Clone, Copy)]
pub(in crate::kernel) struct Right<'a, T> {
    pub(in crate::kernel) at: *const T,
    pub(in crate::kernel) rows: &'a [usize],
    pub(in crate::kernel) columns: usize,
}

/// What a tile is written to: `c ← … + beta·c`, rows `width` apart.
#[derive(Clone, Copy)]
pub(in crate::kernel) struct Target<T> {
    pub(in crate::kernel) at: *mut T,
    pub(in crate::kernel) width: usize,
    pub(in crate::kernel) beta: T,
    /// What of its columns is written, side by side; all of them if not given.
    pub(in crate::kernel) kept: Option<Kept>,
}

/// Some columns of a tile.
#[derive(Clone, Copy)]
pub(in crate::kernel) struct Kept {
    /// Bits for each vector.
    pub(in crate::kernel) lanes: [u32; 2],
    /// How many numbers of a row are of no value so far, from the first that is written on.
    pub(in crate::kernel) room: usize,
}

impl<T: Copy + PartialEq + From<f32>> Target<T> {
    pub(super) fn from(self, i: usize, j: usize) -> Self {
        Target { at: self.at.wrapping_add(i * self.width + j), ..self }
    }

    /// Asks memory for the lines that a tile is written to.
    #[inline(always)]
    fn ask<V: Vector<Element = T>, const R: usize, const N: usize>(self) {
        for i in 0..R {
            for j in (0..N * V::LANES).step_by(64 / size_of::<T>()) {
                // SAFETY: a hint, whatever the address.
                unsafe { _mm_prefetch::<_MM_HINT_ET0>(self.from(i, j).at.cast()) };
            }
        }
    }

    /// Writes rows straight from registers if they are whole vectors, and `beta` is zero or one; whether it did.
    #[inline(always)]
    unsafe fn write_whole<V: Vector<Element = T>, const R: usize, const N: usize>(
        self,
        columns: usize,
        rows: &[[V; N]; R],
    ) -> bool {
        let (fresh, added) = (self.beta == 0.0.into(), self.beta == 1.0.into());
        if self.kept.is_some() || columns != N * V::LANES || !(fresh || added) {
            return false;
        }
        for (i, row) in rows.iter().enumerate() {
            for (j, &sum) in row.iter().enumerate() {
                let at = self.from(i, j * V::LANES).at;
                // SAFETY: the caller's: these columns of the rows lie in the matrix.
                unsafe { if fresh { sum } else { sum.plus(V::load(at)) }.store(at) };
            }
        }
        true
    }

    /// Writes rows with `columns` columns.
    #[inline(always)]
    pub(super) unsafe fn write<V: Vector<Element = T>, const N: usize>(self, columns: usize, rows: &[[V; N]]) {
        for (i, row) in rows.iter().enumerate() {
            let mut written = 0;
            for (j, &sum) in row.iter().enumerate() {
                let at = self.from(i, written).at;
                // SAFETY: the caller's: what is kept of the rows, and room, lies in the matrix.
                unsafe {
                    let (count, room, sum) = match self.kept {
                        None => ((columns - written).min(V::LANES), columns, sum),
                        Some(kept) => (kept.lanes[j].count_ones() as usize, kept.room, sum.compress(kept.lanes[j])),
                    };
                    let sum = if self.beta == 0.0.into() {
                        sum
                    } else if self.beta == 1.0.into() {
                        sum.plus(V::load_first(count, at))
                    } else {
                        sum.plus(V::splat(&self.beta).times(V::load_first(count, at)))
                    };
                    if count == V::LANES || written + V::LANES <= room {
                        sum.store(at)
                    } else {
                        sum.store_first(count, at)
                    }
                    written += count;
                }
            }
        }
    }
}

/// What a tile of `R` rows, and columns that N vectors hold, adds up.
///
/// # Safety
/// As for [`Tile`].
#[inline(always)]
unsafe fn sums<V: Vector, const R: usize, const N: usize>(
    a: Left<V::Element>,
    b: Right<'_, V::Element>,
) -> [[V; N]; R] {
    // SAFETY: the caller's.
    unsafe {
        let mut sums = [[V::zero(); N]; R];
        let mut rows = a.rows;
        for &row in b.rows {
            let b = b.at.wrapping_add(row);
            let columns: [V; N] = array(|j| V::load(b.wrapping_add(j * V::LANES)));
            for (i, sums) in sums.iter_mut().enumerate() {
                let x = V::splat(rows[i / 3].wrapping_offset((i % 3) as isize * a.apart));
                for (j, sum) in sums.iter_mut().enumerate() {
                    *sum = x.times_plus(columns[j], *sum);
                }
            }
            rows = array(|i| rows[i].wrapping_offset(a.step));
        }
        sums
    }
}

/// A copy, since what is pointed to would not stay in registers from the start.
#[inline(always)]
fn in_memory<V: Copy, const R: usize, const N: usize>(sums: [[V; N]; R]) -> [[V; N]; R] {
    let mut copy = MaybeUninit::<[[V; N]; R]>::uninit();
    for (i, row) in sums.into_iter().enumerate() {
        // SAFETY: in bounds.
        unsafe { (&raw mut (*copy.as_mut_ptr())[i]).write(row) };
    }
    // SAFETY: all rows were written.
    unsafe { copy.assume_init() }
}
