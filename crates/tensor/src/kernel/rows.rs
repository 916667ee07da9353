//! Functions of whole rows, such as softmax: each row is read, and its result written, while it lies in the first-level cache.

use super::dispatch::{Loop, array, vectorised};
use super::lane::Real;
use super::lanes::{VECTOR, fold, joined};
use super::memory::ask;
use super::parallel::{SMALL, chunks_mut};
use crate::dtype::{DType, each_real};
use crate::shape::normalise_axis;
use crate::tensor::Tensor;

/// A function that makes a row of `N` rows of the same length.
///
/// ```
/// use chainrule_tensor::{Real, Rows, rows, tensor};
/// struct Centre;
/// impl Rows<1> for Centre {
///     fn row<T: Real>(&self, [x]: [&[T]; 1], out: &mut [T], next: rows::Next<T, 1>) {
///         next.ask(0, 2);
///         let mean = rows::sum([x], |[x]| x) / T::from_f64(x.len() as f64);
///         next.ask(1, 2);
///         out.iter_mut().zip(x).for_each(|(o, &x)| *o = x - mean);
///     }
/// }
/// let x = tensor![[1., 3.], [0., 8.]];
/// assert_eq!(rows::apply("centre", [&x], -1, &Centre).to_vec::<f32>(), [-1., 1., -4., 4.]);
/// ```
pub trait Rows<const N: usize>: Send + Sync {
    /// Writes `out`, and asks for the `next` rows meanwhile. Mark the implementation `#[inline(always)]`, so that its loops are vectorised.
    fn row<T: Real>(&self, x: [&[T]; N], out: &mut [T], next: Next<T, N>);
}

/// The rows that come next, which memory can bring while others are worked on.
#[derive(Clone, Copy, Debug)]
pub struct Next<'a, T, const N: usize>([&'a [T]; N]);

impl<'a, T, const N: usize> Next<'a, T, N> {
    /// What follows row `i` in tensors with rows of this width.
    #[inline(always)]
    pub(super) fn after(i: usize, width: usize, x: [&'a [T]; N]) -> Self {
        Next(array(|k| x[k].get((i + 1) * width..(i + 2) * width).unwrap_or_default()))
    }

    /// Asks memory for the `i`th of `n` equal parts: one before each of the passes over a row (see the example of [`Rows`]), since who asks for more at once
    /// waits for it. That is only about speed.
    #[inline(always)]
    pub fn ask(self, i: usize, n: usize) {
        for x in self.0 {
            let part = x.len().div_ceil(n);
            for at in (i * part..x.len().min((i + 1) * part)).step_by(64 / size_of::<T>()) {
                ask(&x[at]);
            }
        }
    }
}

/// Applies `f` to the rows that tensors of one shape form along an axis; `op` names it in errors. Halves are computed in `f32`.
///
/// # Panics
/// When there is no such axis, shapes or types differ, or the elements are not real numbers.
#[track_caller]
pub fn apply<const N: usize>(op: &str, x: [&Tensor; N], axis: isize, f: &impl Rows<N>) -> Tensor {
    on_real_rows(op, x, axis, &Each(f))
}

/// What makes rows that lie one after the other.
trait OnRows<T, const N: usize>: Sync {
    fn run(&self, x: [&[T]; N], width: usize, out: &mut [T]);
}

trait OnRealRows<const N: usize>: OnRows<f32, N> + OnRows<f64, N> {}
impl<F: OnRows<f32, N> + OnRows<f64, N>, const N: usize> OnRealRows<N> for F {}

struct Each<'a, F>(&'a F);

impl<F: Rows<N>, T: Real, const N: usize> OnRows<T, N> for Each<'_, F> {
    fn run(&self, x: [&[T]; N], width: usize, out: &mut [T]) {
        vectorised(Run { f: self.0, x, width, out });
    }
}

/// Compiled once for all functions of `N` rows: `f` is called through a pointer, for many rows at a time.
#[track_caller]
fn on_real_rows<const N: usize>(op: &str, x: [&Tensor; N], axis: isize, f: &dyn OnRealRows<N>) -> Tensor {
    let first = x[0];
    let same = |x: &&Tensor| x.shape() == first.shape() && x.dtype() == first.dtype();
    assert!(x.iter().all(same), "{op}: operands differ in shape or type");
    let last = first.rank().saturating_sub(1) as isize;
    let axis = normalise_axis(op, axis, first.rank().max(1)) as isize; // a scalar is a row of one
    if axis != last {
        let moved = x.map(|x| x.transpose(axis, last));
        return on_real_rows(op, moved.each_ref(), last, f).transpose(axis, last).contiguous();
    }
    each_real!(op, first, T => {
        let f: &dyn OnRows<T, N> = f;
        let dense = x.map(Tensor::contiguous);
        let x = dense.each_ref().map(|x| x.as_slice::<T>().expect("made contiguous"));
        let width = first.shape().last().map_or(1, |&n| n.max(1));
        Tensor::build::<T>(first.to_shape(), |out| {
            let together = (SMALL / width).max(1) * width;
            chunks_mut(out, together, |i, out| f.run(x.map(|x| &x[i * together..][..out.len()]), width, out));
        })
    }, half => {
        let x = x.map(|x| x.cast(DType::F32));
        on_real_rows(op, x.each_ref(), last, f).cast(first.dtype())
    })
}

struct Run<'a, F, T, const N: usize> {
    f: &'a F,
    x: [&'a [T]; N],
    width: usize,
    out: &'a mut [T],
}

impl<F: Rows<N>, T: Real, const N: usize> Loop for Run<'_, F, T, N> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        for (i, out) in self.out.chunks_exact_mut(self.width).enumerate() {
            let next = Next::after(i, self.width, self.x);
            self.f.row(array(|k| &self.x[k][i * self.width..][..self.width]), out, next);
        }
    }
}

/// Terms that are added lane by lane before the lanes are joined, so that rounding errors stay small in long rows.
const BLOCK: usize = 1024;

/// The sum of `term` over the elements of rows of the same length.
#[inline(always)]
pub fn sum<T: Real, const N: usize>(x: [&[T]; N], term: impl Fn([T; N]) -> T) -> T {
    let n = x[0].len();
    let mut total = T::ZERO;
    for start in (0..n).step_by(BLOCK) {
        let x = array(|k| &x[k][start..n.min(start + BLOCK)]);
        total = total + fold(x, T::ZERO, &term, |a, b| a + b);
    }
    total
}

/// The largest element of a row; −∞ of an empty one. A NaN may count as nothing.
#[inline(always)]
pub fn largest<T: Real>(x: &[T]) -> T {
    let larger = |a, b| if b > a { b } else { a };
    // The last vector, which may overlap the one before, is the first: what counts twice is no larger.
    let Some(&last) = x.last_chunk::<VECTOR>() else {
        return x.iter().fold(T::LOWEST, |top, &x| larger(top, x));
    };
    let mut lanes = last;
    for chunk in x.as_chunks::<VECTOR>().0 {
        lanes = array(|i| larger(lanes[i], chunk[i]));
    }
    joined(&lanes, larger)
}
