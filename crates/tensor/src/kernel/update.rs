//! Tensors changed in place, several at once: one pass over their memory, for what optimisers do.

use super::dispatch::{Loop, array, vectorised};
use super::lane::Real;
use super::parallel::{SMALL, chunks_mut};
use crate::dtype::{DType, each_real};
use crate::tensor::Tensor;

/// New values of `N` numbers, given another.
///
/// ```
/// use chainrule_tensor::{Real, Update, tensor, update};
/// struct Descent { rate: f64 }
/// impl Update<1> for Descent {
///     fn at<T: Real>(&self, [x]: [T; 1], g: T) -> [T; 1] { [x - T::from_f64(self.rate) * g] }
/// }
/// let (mut x, g) = (tensor![1., 2.], tensor![4., -4.]);
/// update::apply("descent", [&mut x], &g, &Descent { rate: 0.5 });
/// assert_eq!(x.to_vec::<f32>(), [-1., 4.]);
/// ```
pub trait Update<const N: usize>: Send + Sync {
    /// The new values of `x`. Mark the implementation `#[inline(always)]`, so that the loop around it is vectorised.
    fn at<T: Real>(&self, x: [T; N], g: T) -> [T; N];
}

/// Changes the elements of `x` by those of `g`, in place where nobody else shares a buffer; `op` names it in errors. Halves are computed in `f32`.
///
/// # Panics
/// When shapes or types differ, or the elements are not real numbers.
#[track_caller]
pub fn apply<const N: usize>(op: &str, x: [&mut Tensor; N], g: &Tensor, f: &impl Update<N>) {
    on_reals(op, x, g, &Each(f));
}

/// What changes pieces of the same length.
trait OnPieces<T, const N: usize>: Sync {
    fn run(&self, x: [&mut [T]; N], g: &[T]);
}

trait OnRealPieces<const N: usize>: OnPieces<f32, N> + OnPieces<f64, N> {}
impl<F: OnPieces<f32, N> + OnPieces<f64, N>, const N: usize> OnRealPieces<N> for F {}

struct Each<'a, F>(&'a F);

impl<F: Update<N>, T: Real, const N: usize> OnPieces<T, N> for Each<'_, F> {
    fn run(&self, x: [&mut [T]; N], g: &[T]) {
        vectorised(Run { f: self.0, x, g });
    }
}

/// Compiled once for all updates of `N` tensors: `f` is called through a pointer, once a piece.
#[track_caller]
fn on_reals<const N: usize>(op: &str, x: [&mut Tensor; N], g: &Tensor, f: &dyn OnRealPieces<N>) {
    let alike = |x: &&mut Tensor| x.shape() == g.shape() && x.dtype() == g.dtype();
    assert!(x.iter().all(alike), "{op}: operands differ in shape or type");
    each_real!(op, g, T => {
        let f: &dyn OnPieces<T, N> = f;
        let g = g.contiguous();
        let mut left = x.map(|x| x.make_mut::<T>());
        let mut pieces: Vec<([&mut [T]; N], &[T])> = Vec::new();
        for g in g.as_slice::<T>().expect("made contiguous").chunks(SMALL) {
            let piece = left.each_mut().map(|left| left.split_off_mut(..g.len()).expect("as many as in g"));
            pieces.push((piece, g));
        }
        chunks_mut(&mut pieces, 1, |_, pieces| {
            for (x, g) in pieces {
                f.run(x.each_mut().map(|x| &mut **x), g);
            }
        });
    }, half => {
        let mut wide = x.each_ref().map(|x| x.cast(DType::F32));
        on_reals(op, wide.each_mut(), &g.cast(DType::F32), f);
        for (x, wide) in x.into_iter().zip(wide) {
            *x = wide.cast(g.dtype());
        }
    })
}

struct Run<'a, F, T, const N: usize> {
    f: &'a F,
    x: [&'a mut [T]; N],
    g: &'a [T],
}

impl<F: Update<N>, T: Real, const N: usize> Loop for Run<'_, F, T, N> {
    type Out = ();
    #[inline(always)]
    fn run(mut self) {
        let n = self.g.len();
        for x in &mut self.x {
            *x = &mut std::mem::take(x)[..n];
        }
        let x = &mut self.x;
        for (i, &g) in self.g.iter().enumerate() {
            let new = self.f.at(array(|k| x[k][i]), g);
            (0..N).for_each(|k| x[k][i] = new[k]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (x, y) ← (x + g, y·g)
    struct Both;
    impl Update<2> for Both {
        fn at<T: Real>(&self, [x, y]: [T; 2], g: T) -> [T; 2] {
            [x + g, y * g]
        }
    }

    #[test]
    fn pieces_join_and_sharers_keep_their_numbers() {
        for dtype in [DType::F32, DType::F64, DType::BF16] {
            for n in [0, 1, SMALL, 2 * SMALL + 3] {
                let x = Tensor::arange(0.0, n as f64, 1.0, DType::F64).map("wave", &Wave).cast(dtype);
                let (mut a, mut b, g) = (x.clone(), &x * 2.0, x.flip(&[0]));
                let wanted = [&x + &g, &b * &g];
                apply("both", [&mut a, &mut b], &g, &Both);
                assert_eq!([a, b].map(|x| x.to_f64_vec()), wanted.map(|x| x.to_f64_vec()), "{n} {dtype}");
            }
        }
    }

    #[derive(Clone)]
    struct Wave;
    impl crate::Map for Wave {
        fn at<T: Real>(&self, x: crate::Lane<T>) -> crate::Lane<T> {
            x.sin()
        }
    }
}
