//! Products, a panel at a time.
//!
//! Two vectors' worth of columns of `b`, a panel, meet all tiles of some rows of `a`. Both are read in place where their lines lie close together. Else a panel is
//! copied, transposed if need be, into the first-level cache when enough tiles read it, and rows of `a` where their lines would evict each other.

use std::cell::RefCell;

use super::dots::dots;
use super::packing::{gather_columns, gather_rows, pack};
use super::tiles::{DEPTH, Left, Matrix, Right, Target, Tiles};
use crate::dtype::Number;

/// Bytes within which the rows of `b` are read in place.
const NEAR: usize = 1 << 15;
/// Columns of `a` that are read in place, a line of each at a time.
const FEW_LINES: usize = 128;
/// Bytes of panels that are kept for rows further down. Read one after the other, they may come from the third-level cache.
const KEPT: usize = 1 << 21;
/// Tiles that lie one below the other and are worked on together: their rows of `a` take a quarter of the second-level cache.
const TILES: usize = 22;

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
    let kept = m > TILES * V::ROWS && k.min(DEPTH) * panels * panel * size_of::<V::Element>() <= KEPT;
    let (most, copies) = (m.min(TILES * V::ROWS), panel * DEPTH * if kept { panels } else { 1 });
    let room = copies + (most + TILES) * (DEPTH + 16);
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.reserve((room * size_of::<V::Element>()).div_ceil(8) + 8);
        let start: *mut V::Element = scratch.as_mut_ptr().cast();
        let start = start.wrapping_add(start.align_offset(64));
        for p in (0..k).step_by(DEPTH) {
            let c = if p == 0 { c } else { Target { beta: 1.0.into(), ..c } };
            let depth = (k - p).min(DEPTH);
            for i in (0..m).step_by(TILES * V::ROWS) {
                let rows = (m - i).min(TILES * V::ROWS);
                // SAFETY: parts of matrices that are as the caller says. There is room for the panels and, behind them, rows; nobody else uses it
                // meanwhile.
                unsafe {
                    let (a, b, c) = (a.from(i, p), b.from(p, 0), c.from(i, 0));
                    let to = match kept {
                        true => Copies { panels: start, apart: depth * panel, there: i > 0 },
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
                gather_columns::<V>((m, k), a, &mut tile_rows[..tiles], gathered);
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
