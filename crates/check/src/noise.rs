//! How far rounding moves the numbers of a trial.

use chainrule_tensor::{Rng, Tensor};

use crate::difference;
use crate::trial::{Line, Trial};

/// Directions along which noise is measured; along a single one, roundings may happen to be alike.
const DIRECTIONS: [u64; 2] = [1, 2];

/// A bound on the rounding errors of a value and of its gradients.
#[derive(Clone, Debug)]
pub(crate) struct Noise {
    pub(crate) value: Vec<f64>,
    pub(crate) gradients: Vec<Vec<f64>>,
}

impl Noise {
    pub(crate) fn add(&mut self, other: &Noise) {
        let add = |a: &mut Vec<f64>, b: &Vec<f64>| a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        add(&mut self.value, &other.value);
        self.gradients.iter_mut().zip(&other.gradients).for_each(|(a, b)| add(a, b));
    }
}

impl Trial<'_> {
    /// The noise of the trial's own pass.
    pub(crate) fn noise(&self) -> &Noise {
        self.noise.get_or_init(|| self.noise_from(&self.cotangent))
    }

    /// The noise of a pass from another gradient of the output: what is seen in the high differences of neighbouring results, and what
    /// a stable computation may err by, whichever is more.
    pub(crate) fn noise_from(&self, cotangent: &Tensor) -> Noise {
        let centre = self.numbers_at(&self.inputs, cotangent);
        let mut bound = self.conditioning(cotangent, self.dtype().epsilon());
        for seed in DIRECTIONS {
            let line = Line::Direction(self.direction(seed));
            let curve = |t: f64| self.numbers_at(&self.moved(&line, t).1, cotangent);
            let seen = self.cut(difference::noise(curve, &centre, self.dtype().epsilon()));
            let widen = |a: &mut Vec<f64>, b: &Vec<f64>| a.iter_mut().zip(b).for_each(|(a, b)| *a = a.max(*b));
            widen(&mut bound.value, &seen.value);
            bound.gradients.iter_mut().zip(&seen.gradients).for_each(|(a, b)| widen(a, b));
        }
        bound
    }

    /// How far exact results move when the inputs and the output's gradient do so by some units of relative size `epsilon`: what the
    /// result of a stable computation in that precision may err by. Measured with larger moves, lest rounding hide them, and among
    /// neighbours, since what is wrong at the point itself alone is no error of rounding.
    pub(crate) fn conditioning(&self, cotangent: &Tensor, epsilon: f64) -> Noise {
        const LARGER: f64 = 64.0;
        const UNITS: f64 = 16.0;
        let span = LARGER * epsilon;
        let neighbours = [3, 4, 5].map(|seed| {
            let (_, inputs) = self.moved(&Line::Direction(self.direction(seed)), span);
            let nudge = Tensor::uniform(&mut Rng::seed(seed), cotangent.shape(), -span, span, cotangent.dtype());
            self.numbers_at(&inputs, &(cotangent * (nudge + 1.0)))
        });
        let apart = |i: usize| {
            let [a, b, c] = neighbours.each_ref().map(|numbers| numbers[i]);
            UNITS / LARGER * (a - b).abs().max((b - c).abs()).max((c - a).abs())
        };
        self.cut((0..neighbours[0].len()).map(apart).collect())
    }

    /// The value and the gradients in a line.
    fn numbers_at(&self, inputs: &[Tensor], cotangent: &Tensor) -> Vec<f64> {
        match self.pass_at(inputs, cotangent) {
            Ok(pass) if pass.value.shape() == self.value.shape() => {
                [pass.value.to_f64_vec(), self.in_line(&pass.gradients).concat()].concat()
            }
            _ => vec![f64::NAN; self.value.len() + self.len()],
        }
    }

    /// The parts of such a line.
    fn cut(&self, mut line: Vec<f64>) -> Noise {
        let mut rest = line.split_off(self.value.len());
        let part = |numbers: &Vec<f64>| rest.drain(..numbers.len()).collect();
        Noise { gradients: self.numbers.iter().map(part).collect(), value: line }
    }
}
