//! The loop over a parameter's elements: one pass over its memory, in place.

use chainrule_tensor::{DType, Element, Real, Tensor, bf16, f16};

/// What an optimiser does to one element of a parameter, given its gradient and the `N` numbers remembered for it.
pub(crate) trait Rule<const N: usize> {
    /// The element's new value. Changes what is remembered.
    fn at<T: Real>(&self, theta: T, g: T, memory: &mut [T; N]) -> T;
}

/// Applies the rule to every element. Halves are computed in `f32`.
pub(crate) fn apply<const N: usize>(theta: &mut Tensor, g: &Tensor, memory: &mut [Tensor], rule: &impl Rule<N>) {
    let g = g.contiguous();
    match theta.dtype() {
        DType::F32 => run::<f32, f32, N>(theta, &g, memory, rule),
        DType::F64 => run::<f64, f64, N>(theta, &g, memory, rule),
        DType::F16 => run::<f16, f32, N>(theta, &g, memory, rule),
        DType::BF16 => run::<bf16, f32, N>(theta, &g, memory, rule),
        DType::I64 | DType::Bool => unreachable!("a leaf holds floating-point numbers"),
    }
}

/// `S` is stored, `T` computed with. Going through `f64` is exact, and nothing at all where the two are the same.
fn run<S: Element, T: Real, const N: usize>(
    theta: &mut Tensor,
    g: &Tensor,
    memory: &mut [Tensor],
    rule: &impl Rule<N>,
) {
    let load = |x: S| T::from_f64(x.to_f64());
    let store = |x: T| S::from_f64(x.to_f64());
    let theta = theta.make_mut::<S>();
    let n = theta.len();
    let g = &g.as_slice::<S>().expect("made contiguous")[..n];
    let mut tensors = memory.iter_mut();
    let mut memory: [&mut [S]; N] =
        std::array::from_fn(|_| &mut tensors.next().expect("one tensor per number").make_mut::<S>()[..n]);
    for i in 0..n {
        let mut numbers: [T; N] = std::array::from_fn(|k| load(memory[k][i]));
        theta[i] = store(rule.at(load(theta[i]), load(g[i]), &mut numbers));
        for (slice, number) in memory.iter_mut().zip(numbers) {
            slice[i] = store(number);
        }
    }
}
