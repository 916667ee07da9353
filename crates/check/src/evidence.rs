//! Whole Jacobians, a rule's and the function's, side by side: what a diagnosis is made from.

use chainrule_tensor::Tensor;

use crate::difference::{Estimate, Ladder};
use crate::panics::Panic;
use crate::properties::{Rows, hessian_along};
use crate::trial::{Line, Subject, Trial};

/// Inputs, and outputs, up to which a Jacobian is worth its cost.
const LARGEST: usize = 64;

/// Derivatives of outputs (rows) with respect to the elements of one argument (columns).
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) rule: Vec<Vec<f64>>,
    pub(crate) truth: Vec<Vec<Estimate>>,
}

impl Pair {
    /// The size below which a number is nothing here.
    fn scale(&self) -> f64 {
        self.truth.iter().flatten().filter(|e| e.value.is_finite()).fold(0.0, |max, e| max.max(e.value.abs()))
    }

    /// Whether `expected(j, i, truth)` is what the rule says everywhere.
    pub(crate) fn explained(&self, expected: impl Fn(usize, usize) -> Option<Estimate>) -> bool {
        let scale = self.scale();
        let fits = |j: usize, i: usize, found: f64| {
            expected(j, i).is_some_and(|e| (found - e.value).abs() <= 4.0 * e.bar + 1e-6 * scale + 1e-6 * e.value.abs())
        };
        self.rule.iter().enumerate().all(|(j, row)| row.iter().enumerate().all(|(i, &found)| fits(j, i, found)))
    }

    /// Whether the rule is right.
    pub(crate) fn agrees(&self) -> bool {
        self.explained(|j, i| Some(self.truth[j][i]))
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.rule.iter().flatten().all(|&x| x == 0.0)
    }
}

/// What is known of one failing sample.
pub(crate) struct Evidence {
    pub(crate) shapes: Vec<Vec<usize>>,
    pub(crate) output: Vec<usize>,
    /// One pair for each argument.
    pub(crate) pairs: Vec<Pair>,
    /// Whether a gradient reached each argument.
    pub(crate) reached: Vec<bool>,
    /// Whether the gradient is the same whatever comes in.
    pub(crate) ignores_cotangent: bool,
    /// The true Jacobians where argument i has its last two axes exchanged, if the function takes that.
    pub(crate) transposed: Vec<Option<Vec<Pair>>>,
}

impl Evidence {
    /// First derivatives at a point, if they are few and finite and wrong.
    pub(crate) fn first(trial: &Trial) -> Option<Evidence> {
        let pairs = pairs(trial)?;
        if pairs.iter().all(Pair::agrees) {
            return None;
        }
        let shapes: Vec<Vec<usize>> = trial.inputs.iter().map(|x| x.shape().to_vec()).collect();
        let pass = trial.pass().ok()?;
        let ignores = || {
            let more = trial.gradient_at(&trial.inputs, &(&trial.cotangent * 2.0 + 1.0));
            let once = trial.in_line(&pass.gradients).concat();
            more == once && once.iter().any(|&g| g != 0.0)
        };
        Some(Evidence {
            output: trial.value.shape().to_vec(),
            reached: pass.gradients.iter().map(Option::is_some).collect(),
            ignores_cotangent: ignores(),
            transposed: (0..shapes.len()).map(|i| transposed(trial, i)).collect(),
            pairs,
            shapes,
        })
    }

    /// Second derivatives: the outputs are the elements of all gradients.
    pub(crate) fn second(trial: &Trial) -> Option<Evidence> {
        if trial.len() > LARGEST / 2 {
            return None;
        }
        let centre = trial.in_line(&trial.pass().ok()?.gradients).concat();
        let values = |inputs: &[Tensor]| trial.gradient_at(inputs, &trial.cotangent);
        let noise = trial.noise().gradients.concat();
        let rule = |line: &Line| hessian_along(trial, line);
        let pairs = side_by_side(trial, &rule, &values, &centre, &noise)?;
        if pairs.iter().all(Pair::agrees) {
            return None;
        }
        let shapes: Vec<Vec<usize>> = trial.inputs.iter().map(|x| x.shape().to_vec()).collect();
        let (reached, transposed) = (vec![true; shapes.len()], shapes.iter().map(|_| None).collect());
        Some(Evidence { output: vec![centre.len()], pairs, reached, ignores_cotangent: false, transposed, shapes })
    }

    /// The arguments whose gradients are wrong.
    pub(crate) fn wrong(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.pairs.len()).filter(|&k| !self.pairs[k].agrees())
    }
}

fn pairs(trial: &Trial) -> Option<Vec<Pair>> {
    if trial.len() > LARGEST || trial.value.len() > LARGEST || trial.len() * trial.value.len() == 0 {
        return None;
    }
    let rows = Rows::of(trial, usize::MAX).ok()?;
    let outputs = rows.outputs.len();
    let rule = |line: &Line| Ok(rows.along(line)[..outputs].to_vec());
    let values = |inputs: &[Tensor]| trial.value_at(inputs);
    side_by_side(trial, &rule, &values, &trial.value.to_f64_vec(), &trial.noise().value)
}

fn side_by_side(
    trial: &Trial,
    rule: &dyn Fn(&Line) -> Result<Vec<f64>, Panic>,
    values: &dyn Fn(&[Tensor]) -> Vec<f64>,
    centre: &[f64],
    noise: &[f64],
) -> Option<Vec<Pair>> {
    let m = centre.len();
    let mut pairs: Vec<Pair> =
        trial.inputs.iter().map(|_| Pair { rule: vec![vec![]; m], truth: vec![vec![]; m] }).collect();
    let scale: Vec<f64> = centre.iter().map(|y| y.abs()).collect();
    for line in trial.elements() {
        let Line::Element { argument, .. } = line else { continue };
        let curve = |t: f64| {
            let (t, inputs) = trial.moved(&line, t);
            (t, values(&inputs))
        };
        let epsilon = trial.dtype().epsilon();
        let truth = Ladder::new(&curve, centre, noise, epsilon, trial.first_step(&line)).slopes(&scale);
        let rule = rule(&line).ok()?;
        if !truth.iter().all(|e| e.value.is_finite() && e.bar.is_finite()) || !rule.iter().all(|r| r.is_finite()) {
            return None;
        }
        for (j, (rule, truth)) in rule.into_iter().zip(truth).enumerate() {
            pairs[argument].rule[j].push(rule);
            pairs[argument].truth[j].push(truth);
        }
    }
    Some(pairs)
}

fn transposed(trial: &Trial, argument: usize) -> Option<Vec<Pair>> {
    let x = &trial.inputs[argument];
    if x.rank() < 2 || x.size(-1) != x.size(-2) || x.size(-1) < 2 {
        return None;
    }
    let mut inputs = trial.inputs.clone();
    inputs[argument] = x.t().contiguous();
    let subject: &Subject = trial.subject;
    let there = Trial::new(subject, inputs).ok()?;
    (there.value.shape() == trial.value.shape()).then(|| pairs(&there)).flatten()
}
