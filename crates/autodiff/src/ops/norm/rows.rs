//! Rows that are normalised, times a weight plus a bias, in one pass over memory.

use chainrule_tensor::{Normalisation, Tensor};

use crate::answers::Answers;
use crate::op::{Op, Saves};
use crate::var::Var;

/// (x − mean) / √(variance + eps) · weight + bias along the last axes, those that weight and bias have.
struct Normalise {
    name: &'static str,
    norm: Normalisation,
    /// Of which a gradient will be asked for.
    wanted: [bool; 3],
    answers: Answers,
}

impl Op<3> for Normalise {
    fn name(&self) -> &'static str {
        self.name
    }
    fn saves(&self) -> Saves {
        Saves::Inputs
    }
    fn forward(&self, x: [&Tensor; 3]) -> Tensor {
        self.norm.forward(x)
    }
    fn backward(&self, wrt: usize, g: &Var, x: [&Var; 3], _: &Var) -> Var {
        if g.is_tracked() || x.iter().any(|x| x.is_tracked()) {
            return rule(self.norm, &last_axes(x[1].rank()), wrt, g, [x[0], x[1]]);
        }
        let all = || {
            let found = self.norm.backward(x.map(Var::value), g.value(), self.wanted[1] || self.wanted[2]);
            found.into_iter().zip(self.wanted).map(|(found, wanted)| wanted.then_some(found)).collect()
        };
        Var::constant(self.answers.take(wrt, g.value(), all).expect("it is wanted"))
    }
}

/// The gradient for one of x, weight and bias in terms of variables: it can be differentiated again, and is the oracle of the fast way. Numbers are normalised
/// along `axes`; weight and bias stand beside x.
pub(super) fn rule(norm: Normalisation, axes: &[isize], wrt: usize, g: &Var, [x, weight]: [&Var; 2]) -> Var {
    let [y, scale] = normalised(norm, x, axes);
    match wrt {
        0 => {
            let g = g * weight;
            let along = &y * (&g * &y).mean_axes(axes, true);
            let across = if norm.centred { &g - g.mean_axes(axes, true) } else { g };
            (across - along) * scale
        }
        1 => (g * y).sum_to(weight.shape()),
        _ => g.sum_to(weight.shape()),
    }
}

/// The numbers before any weight, and by what they were multiplied.
fn normalised(norm: Normalisation, x: &Var, axes: &[isize]) -> [Var; 2] {
    let [numbers, squares] = match norm.centred {
        true => x.centred(axes),
        false => [x.clone(), x.square().mean_axes(axes, true)],
    };
    let scale = (squares + norm.eps).rsqrt();
    [numbers * &scale, scale]
}

/// The last `n` axes.
fn last_axes(n: usize) -> Vec<isize> {
    (1..=n as isize).map(|i| -i).collect()
}

impl Var {
    /// Rows, the last axes of the lengths `shape`, normalised, and times weight plus bias where there are any, as the op `name`.
    #[track_caller]
    pub(super) fn normalise(
        &self,
        name: &'static str,
        norm: Normalisation,
        shape: &[usize],
        parameters: [Option<&Var>; 2],
    ) -> Var {
        assert!(
            self.dtype().is_float(),
            "{name}: needs real numbers, got {} of shape {}; convert it with .cast(DType::F32)",
            self.dtype(),
            self.to_shape()
        );
        let [weight, bias] = self.parameters(shape, parameters);
        let inputs = [self, &weight, &bias];
        Normalise { name, norm, wanted: inputs.map(Var::is_tracked), answers: Answers::default() }.apply(inputs)
    }
}

#[cfg(test)]
mod tests {
    use chainrule_tensor::{DType, Rng};

    use super::*;

    #[test]
    fn one_pass_agrees_with_its_parts() {
        let rng = &mut Rng::seed(3);
        let shapes: [(&[usize], usize); 8] = [
            (&[3, 5], 1),
            (&[3, 5, 2], 2),
            (&[2, 2000], 1),
            (&[7], 1),
            (&[0, 3], 1),
            (&[3, 0], 1),
            (&[300, 1, 3], 1),
            (&[1000, 100], 1),
        ];
        for (shape, axes) in shapes {
            for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 1e-4), (DType::BF16, 0.1)] {
                for centred in [true, false] {
                    let norm = Normalisation { centred, eps: 0.1 };
                    let mut leaf = |shape: &[usize]| Var::leaf(Tensor::randn(rng, shape, dtype));
                    let rows = &shape[shape.len() - axes..];
                    let inputs @ [x, weight, bias] = &[leaf(shape), leaf(rows), leaf(rows)];
                    let g = leaf(shape).detach();
                    let y = x.normalise("norm", norm, rows, [Some(weight), Some(bias)]);
                    let parts = normalised(norm, x, &last_axes(axes))[0].clone() * weight + bias;
                    assert!(y.value().allclose(parts.value(), tolerance, tolerance));
                    let rule = |i| rule(norm, &last_axes(axes), i, &g, [x, weight]);
                    let wanted: Vec<Var> = (0..3).map(rule).collect();
                    let found = y.backward_from(g.value());
                    for (x, wanted) in inputs.iter().zip(&wanted) {
                        assert!(found[x].allclose(wanted.value(), tolerance, tolerance), "{shape:?} {dtype} {centred}");
                    }
                }
            }
        }
    }

    #[test]
    fn rows_agree_with_their_parts_to_the_second_order() {
        let rng = &mut Rng::seed(3);
        for (shape, axes) in
            [(&[3, 5][..], &[1][..]), (&[3, 5, 2], &[1, 2]), (&[2, 2000], &[-1]), (&[7], &[0]), (&[0, 3], &[1])]
        {
            for dtype in [DType::F32, DType::F64] {
                let x = Var::leaf(Tensor::randn(rng, shape, dtype) * 3.0 + 1.0);
                let weight = Var::constant(Tensor::randn(rng, shape, dtype));
                let [centred, variance] = x.centred(axes);
                let tolerance = 100.0 * dtype.epsilon();
                let results = [x.standardise(axes, 0.1), centred * (variance + 0.1).rsqrt()].map(|y| {
                    let loss = (&y * &weight).sum();
                    let first = crate::grad(&loss, &[&x]).remove(0);
                    let second = crate::grad(&first.square().sum(), &[&x]).remove(0);
                    [y.value().clone(), loss.backward()[&x].clone(), first.value().clone(), second.value().clone()]
                });
                for (fused, parts) in results[0].iter().zip(&results[1]) {
                    assert!(fused.allclose(parts, tolerance, tolerance), "{fused} {parts}");
                }
            }
        }
    }
}
