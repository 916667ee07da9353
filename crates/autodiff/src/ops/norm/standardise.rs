//! Rows with mean 0 and variance 1, in one pass over memory.

use chainrule_tensor::{Real, Rows, Tensor, rows};

use crate::op::{Op, Saves};
use crate::var::Var;

/// (x − mean) / √(variance + eps) along the last axis.
pub(super) struct Standardise {
    pub(super) eps: f64,
}

impl Op<1> for Standardise {
    fn name(&self) -> &'static str {
        "standardise"
    }
    fn saves(&self) -> Saves {
        Saves::Inputs
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        rows::apply("standardise", [x], -1, self)
    }
    fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var {
        if g.is_tracked() || x.is_tracked() {
            let [centred, variance] = x.centred(&[-1]);
            let scale = (variance + self.eps).rsqrt();
            let y = centred * &scale;
            let along = y.clone() * (g * &y).mean_axes(&[-1], true);
            return (g - g.mean_axes(&[-1], true) - along) * scale;
        }
        Var::constant(rows::apply("standardise", [x.value(), g.value()], -1, &Pull { eps: self.eps }))
    }
}

/// The mean and 1/√(variance + eps) of a row.
#[inline(always)]
fn moments<T: Real>(x: &[T], eps: f64) -> (T, T) {
    let n = T::from_f64(x.len() as f64);
    let mean = rows::sum([x], |[x]| x) / n;
    let variance = rows::sum([x], |[x]| (x - mean) * (x - mean)) / n;
    (mean, T::ONE / (variance + T::from_f64(eps)).sqrt())
}

impl Rows<1> for Standardise {
    #[inline(always)]
    fn row<T: Real>(&self, [x]: [&[T]; 1], out: &mut [T]) {
        let (mean, scale) = moments(x, self.eps);
        out.iter_mut().zip(x).for_each(|(o, &x)| *o = (x - mean) * scale);
    }
}

struct Pull {
    eps: f64,
}
impl Rows<2> for Pull {
    #[inline(always)]
    fn row<T: Real>(&self, [x, g]: [&[T]; 2], out: &mut [T]) {
        let n = T::from_f64(x.len() as f64);
        let (mean, scale) = moments(x, self.eps);
        let level = rows::sum([g], |[g]| g) / n;
        let slope = rows::sum([x, g], |[x, g]| (x - mean) * g) * scale * scale / n;
        out.iter_mut().zip(x).zip(g).for_each(|((o, &x), &g)| *o = (g - level - (x - mean) * slope) * scale);
    }
}

#[cfg(test)]
mod tests {
    use chainrule_tensor::{DType, Rng};

    use super::*;

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
