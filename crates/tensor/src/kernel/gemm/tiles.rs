//! Matrix products in vectors.
//!
//! A tile of the result, up to twelve rows by two vectors, stays in registers while the tile's rows of `a` and columns of `b` are walked through: so many
//! independent sums keep both multipliers busy. Numbers of `a` are spread over a vector as they are loaded, so that `a` is read in place, in any layout; it is
//! copied only where its lines would evict each other from the cache. Two vectors' worth of columns of `b`, a panel, is copied, transposed if
//! need be, into the first-level cache when enough tiles read it.
//!
//! Each sum runs over `k` in steps of [`DEPTH`], within which terms are added in order: the same bits however the result is cut, whatever is copied, and
//! however wide vectors are.

use std::arch::x86_64::{__m256, __m256d, __m512, __m512d, _MM_HINT_ET0, _mm_prefetch};
use std::cell::RefCell;
use std::mem::MaybeUninit;

use super::dots::dots;
use super::packing::{gather_columns, gather_rows, pack};
use crate::dtype::Number;
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
/// Bytes within which the rows of `b` are read in place.
const NEAR: usize = 1 << 15;
/// Columns of `a` that are read in place, a line of each at a time.
const FEW_LINES: usize = 128;
/// Bytes of panels that are kept for rows further down: half of the second-level cache.
const KEPT: usize = 1 << 18;
/// Tiles that lie one below the other and are worked on together: their rows of `a` fit the second-level cache.
const TILES: usize = 43;

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
    fn collides(stride: isize) -> bool {
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
        Left { rows: std::array::from_fn(|i| a.element(3 * i, 0)), apart: a.rows, step: a.columns }
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
            let columns: [V; N] = std::array::from_fn(|j| V::load(b.wrapping_add(j * V::LANES)));
            for (i, sums) in sums.iter_mut().enumerate() {
                let x = V::splat(rows[i / 3].wrapping_offset((i % 3) as isize * a.apart));
                for (sum, &column) in sums.iter_mut().zip(&columns) {
                    *sum = x.times_plus(column, *sum);
                }
            }
            rows = rows.map(|row| row.wrapping_offset(a.step));
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

thread_local! {
    /// Where panels and rows are copied to; of a type whose alignment all elements share.
    static SCRATCH: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// `c ← a·b + beta·c`, where `c`'s rows are `width` apart; if it is of `few` rows, or part of such a product, by [`dots`].
///
/// # Safety
/// The CPU must have these vectors. `a` must be readable as m × k numbers, `b` as k × n; `c` must be ours as m rows of n.
pub(super) unsafe fn gemm<V: Tiles>(
    (m, k, n): (usize, usize, usize),
    a: Matrix<V::Element>,
    b: Matrix<V::Element>,
    beta: V::Element,
    (c, width): (*mut V::Element, usize),
    few: bool,
) where
    V::Element: Number,
{
    let c = Target { at: c, width, beta, kept: None };
    if few {
        // SAFETY: the caller's.
        return unsafe {
            V::enabled(
                #[inline(always)]
                || dots::<V>((m, k, n), a, b, c),
            )
        };
    }
    let panel = 2 * V::LANES;
    let panels = n.div_ceil(panel);
    let kept = m > TILES * V::ROWS && k * panels * panel * size_of::<V::Element>() <= KEPT;
    let (most, copies) = (m.min(TILES * V::ROWS), panel * if kept { k * panels } else { DEPTH });
    let room = copies + (most + TILES) * (DEPTH + 16);
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.reserve((room * size_of::<V::Element>()).div_ceil(8) + 8);
        let start: *mut V::Element = scratch.as_mut_ptr().cast();
        let start = start.wrapping_add(start.align_offset(64));
        for i in (0..m).step_by(TILES * V::ROWS) {
            let rows = (m - i).min(TILES * V::ROWS);
            for p in (0..k).step_by(DEPTH) {
                let c = if p == 0 { c } else { Target { beta: 1.0.into(), ..c } };
                let depth = (k - p).min(DEPTH);
                // SAFETY: parts of matrices that are as the caller says. There is room for the panels and, behind them, rows; nobody else uses it
                // meanwhile.
                unsafe {
                    let (a, b, c) = (a.from(i, p), b.from(p, 0), c.from(i, 0));
                    let to = match kept {
                        true => Copies { panels: start.add(p * panels * panel), apart: depth * panel, there: i > 0 },
                        false => Copies { panels: start, apart: 0, there: false },
                    };
                    V::enabled(
                        #[inline(always)]
                        || block::<V>((rows, depth, n), a, b, c, to, start.add(copies)),
                    );
                }
            }
        }
    })
}

/// Where panels of `b` are copied to.
struct Copies<T> {
    panels: *mut T,
    /// How far apart they are; zero if each gives way to the next.
    apart: usize,
    /// Whether rows above have copied them.
    there: bool,
}

/// Up to [`TILES`] tiles' rows and [`DEPTH`] terms.
#[inline(always)]
unsafe fn block<V: Tiles>(
    (m, k, n): (usize, usize, usize),
    mut a: Matrix<V::Element>,
    b: Matrix<V::Element>,
    c: Target<V::Element>,
    to: Copies<V::Element>,
    gathered: *mut V::Element,
) {
    let panel = 2 * V::LANES;
    // Tiles of nearly equal heights.
    let tiles = m.div_ceil(V::ROWS);
    let starts = |tile: usize| tile * (m / tiles) + tile.min(m % tiles);

    let collides = Matrix::<V::Element>::collides;
    // A few terms lie in the first-level cache, where they are.
    let near = |stride: isize| k * stride.unsigned_abs() * size_of::<V::Element>() <= NEAR && !collides(stride);
    let spread = n > panel
        && match (a.rows, a.columns) {
            (_, 1) => collides(a.rows) && m > 4,
            (1, apart) => k > FEW_LINES || collides(apart),
            _ => true,
        };
    let reused = tiles > 4 && !near(b.rows) || tiles > 2 && collides(b.rows);
    let copied = b.columns != 1 || reused;
    // SAFETY: the caller's: there is room for copies. All parts of matrices lie within what the caller vouches for, since tiles and panels cover exactly m rows
    // and n columns.
    unsafe {
        let mut tile_rows: [Matrix<V::Element>; TILES] = [a; TILES];
        if spread {
            if a.columns == 1 {
                a = gather_rows::<V>((m, k), a, gathered);
            } else {
                gather_columns::<V>(k, a, starts, &mut tile_rows[..tiles], gathered);
            }
        }
        if !spread || a.columns == 1 {
            for (tile, part) in tile_rows[..tiles].iter_mut().enumerate() {
                *part = a.from(starts(tile), 0);
            }
        }
        let (mut rows, all_copied) = ([0; DEPTH], copied);
        for j in (0..n).step_by(panel) {
            let columns = (n - j).min(panel);
            // Tiles read whole vectors.
            let copied = all_copied || !columns.is_multiple_of(V::LANES);
            if j == 0 || copied != all_copied {
                // Rows may lie before one another: distances wrap, as pointers do.
                let apart = if copied { panel } else { b.rows as usize };
                rows[..k].iter_mut().enumerate().for_each(|(p, row)| *row = p.wrapping_mul(apart));
            }
            let at = if copied {
                let at = to.panels.add(j / panel * to.apart);
                if !to.there {
                    let next = if j + panel < n { b.from(0, j + panel) } else { b.from(DEPTH, 0) };
                    pack::<V>((k, columns), b.from(0, j), next, at);
                }
                at.cast_const()
            } else {
                b.element(0, j)
            };
            let right = Right { at, rows: &rows[..k], columns };
            for (tile, part) in tile_rows[..tiles].iter().enumerate() {
                let (from, to) = (starts(tile), starts(tile + 1));
                V::tile(to - from, columns)(Left::of(*part), right, c.from(from, j));
            }
        }
    }
}
