//! Channels that are normalised, times a weight plus a bias, in one pass over memory.

use chainrule_tensor::{ChannelNormalisation, Normalisation, Tensor};

use super::rows::rule;
use crate::answers::Answers;
use crate::op::{Op, Saves, apply_known};
use crate::var::Var;

/// (x − mean) / √(variance + eps) · weight + bias along all axes but the second, with one weight and one bias per channel.
struct Normalise {
    norm: ChannelNormalisation,
    /// Of which a gradient will be asked for.
    wanted: [bool; 3],
    answers: Answers,
}

impl Op<3> for Normalise {
    fn name(&self) -> &'static str {
        "batch_norm"
    }
    fn saves(&self) -> Saves {
        Saves::Inputs
    }
    fn forward(&self, x: [&Tensor; 3]) -> Tensor {
        self.norm.forward(x).0
    }
    fn backward(&self, wrt: usize, g: &Var, x: [&Var; 3], _: &Var) -> Var {
        if g.is_tracked() || x.iter().any(|x| x.is_tracked()) {
            let rows = Normalisation { centred: true, eps: self.norm.eps };
            let weight = x[0].per_channel("batch_norm", x[1]);
            return rule(rows, &x[0].axes_of_channels(0), wrt, g, [x[0], &weight]).reshape(x[wrt].to_shape());
        }
        let all = || {
            let found = self.norm.backward(x.map(Var::value), g.value());
            found.into_iter().zip(self.wanted).map(|(found, wanted)| wanted.then_some(found)).collect()
        };
        Var::constant(self.answers.take(wrt, g.value(), all).expect("it is wanted"))
    }
}

/// Numbers that follow each other in a channel, from which on the op pays: shorter pieces leave vectors empty.
const LONG: usize = 8;

impl Var {
    /// Channels normalised, times weight plus bias where there are any, and their means and variances, which are divided by the count.
    #[track_caller]
    pub(super) fn normalise_channels(&self, weight: Option<&Var>, bias: Option<&Var>, eps: f64) -> (Var, [Tensor; 2]) {
        let inner: usize = self.shape().get(2..).map_or(0, |axes| axes.iter().product());
        if inner < LONG || self.len() == 0 || !self.dtype().is_float() {
            return self.channels_by_parts(weight, bias, eps);
        }
        let [weight, bias] = self.parameters(&[self.size(1)], [weight, bias]);
        for parameter in [&weight, &bias] {
            self.per_channel("batch_norm", parameter);
        }
        let (inputs, norm) = ([self, &weight, &bias], ChannelNormalisation { eps });
        let (y, moments) = norm.forward(inputs.map(Var::value));
        let op = Normalise { norm, wanted: inputs.map(Var::is_tracked), answers: Answers::default() };
        (apply_known(op, inputs, y), moments)
    }

    /// The definition: where the op does not pay, and its oracle.
    #[track_caller]
    fn channels_by_parts(&self, weight: Option<&Var>, bias: Option<&Var>, eps: f64) -> (Var, [Tensor; 2]) {
        if self.len() == 0 && self.rank() < 2 {
            return (self.clone(), [self.value(), self.value()].map(Clone::clone));
        }
        let [weight, bias] = self.beside_channels("batch_norm", [weight, bias]);
        let axes = self.axes_of_channels(0);
        assert!(!axes.is_empty(), "batch_norm: input {} has no axis to normalise over", self.to_shape());
        let mean = self.mean_axes(&axes, true);
        let [centred, variance] = self.centred_about(&mean, &axes);
        let moments = [&mean, &variance].map(|moment| moment.value().reshape([moment.len()]));
        ((centred * (variance + eps).rsqrt()).affine(weight.as_ref(), bias.as_ref()), moments)
    }
}

#[cfg(test)]
mod tests {
    use chainrule_tensor::{DType, Rng};

    use super::*;

    #[test]
    fn one_pass_agrees_with_its_parts_to_the_second_order() {
        let rng = &mut Rng::seed(4);
        for shape in [&[2, 3, 8][..], &[1, 2, 5, 7], &[3, 1, 2, 2, 5], &[2, 4, 40, 41]] {
            for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 1e-4), (DType::BF16, 0.1)] {
                let mut leaf = |shape: &[usize]| Var::leaf(Tensor::randn(rng, shape, dtype));
                let inputs @ [x, weight, bias] = &[leaf(shape), leaf(&shape[1..2]), leaf(&shape[1..2])];
                let g = leaf(shape).detach();
                let (y, [mean, variance]) = x.normalise_channels(Some(weight), Some(bias), 0.1);
                let parts = x.channels_by_parts(Some(weight), Some(bias), 0.1).0;
                let same = |a: &Tensor, b: &Tensor, what: &str| {
                    assert!(a.allclose(b, tolerance, tolerance), "{what} of {shape:?} {dtype}: {a} {b}");
                };
                same(y.value(), parts.value(), "result");
                let axes = x.axes_of_channels(0);
                same(&mean, &x.value().mean(&axes, false), "mean");
                same(&variance, x.centred(&axes)[1].reshape([shape[1]]).value(), "variance");
                let [fast, slow] = [y, parts].map(|y| y.backward_from(g.value()));
                for x in inputs {
                    same(&fast[x], &slow[x], "gradient");
                }
            }
            let leaf = |rng: &mut Rng, shape: &[usize]| Var::leaf(Tensor::randn(rng, shape, DType::F64));
            let inputs = [leaf(rng, shape), leaf(rng, &shape[1..2]), leaf(rng, &shape[1..2])];
            let all: Vec<&Var> = inputs.iter().collect();
            let g = leaf(rng, shape).detach();
            let [x, weight, bias] = &inputs;
            let fast = x.normalise_channels(Some(weight), Some(bias), 0.1).0;
            let slow = x.channels_by_parts(Some(weight), Some(bias), 0.1).0;
            let [fast, slow] = [fast, slow].map(|y| {
                let first = crate::grad(&(y.square() * &g).sum(), &all);
                let sum = first.iter().map(|g| g.square().sum()).reduce(|a, b| a + b).expect("three");
                crate::grad(&sum, &all)
            });
            for (fast, slow) in fast.iter().zip(&slow) {
                assert!(
                    fast.value().allclose(slow.value(), 1e-9, 1e-9),
                    "second order of {shape:?}: {fast:?} {slow:?}"
                );
            }
        }
    }
}
