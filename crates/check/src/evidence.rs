//! Whole Jacobians, a rule's and the function's, side by side: what a diagnosis is made from.

use chainrule_tensor::Tensor;

use crate::difference::{Estimate, Ladder};
use crate::panics::Panic;
use crate::properties::{Rows, hessian_along};
use crate::trial::{Line, Subject, Trial};

/// Inputs, and outputs, up to which a Jacobian is worth its cost.
const LARGEST: usize = 64;

/// What is smaller, relative to the largest, is what rounding left of zero.
const NOTHING: f64 = 1e-9;

/// Derivatives of outputs (rows) with respect to the elements of one argument (columns).
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) rule: Vec<Vec<f64>>,
    pub(crate) truth: Vec<Vec<Estimate>>,
}

impl Pair {
    /// The size below which a number is nothing here.
    pub(crate) fn scale(&self) -> f64 {
        self.truth.iter().flatten().filter(|e| e.value.is_finite()).fold(0.0, |max, e| max.max(e.value.abs()))
    }

    /// Whether a number of the rule's is what is expected.
    pub(crate) fn fits(&self, found: f64, expected: Estimate) -> bool {
        self.near(found, expected, self.scale())
    }

    fn near(&self, found: f64, e: Estimate, scale: f64) -> bool {
        (found - e.value).abs() <= 4.0 * e.bar + 1e-6 * scale + 1e-6 * e.value.abs()
    }

    /// Whether `expected(j, i)` is what the rule says everywhere.
    pub(crate) fn explained(&self, expected: impl Fn(usize, usize) -> Option<Estimate>) -> bool {
        let scale = self.scale();
        let fits = |j: usize, i: usize, found: f64| expected(j, i).is_some_and(|e| self.near(found, e, scale));
        self.rule.iter().enumerate().all(|(j, row)| row.iter().enumerate().all(|(i, &found)| fits(j, i, found)))
    }

    /// Whether the truth is the same as elsewhere.
    pub(crate) fn truth_is(&self, other: &Pair) -> bool {
        let scale = self.scale();
        let same = |(a, b): (&Estimate, &Estimate)| self.near(a.value, *b, scale);
        self.truth.iter().flatten().zip(other.truth.iter().flatten()).all(same)
    }

    /// Whether the rule is right.
    pub(crate) fn agrees(&self) -> bool {
        self.explained(|j, i| Some(self.truth[j][i]))
    }

    pub(crate) fn is_zero(&self) -> bool {
        let scale = self.scale();
        self.rule.iter().flatten().all(|&x| x.abs() <= NOTHING * scale)
    }
}

/// The Jacobians of a function at other inputs.
type Elsewhere<'s> = Box<dyn Fn(&[Tensor]) -> Option<Vec<Pair>> + 's>;

/// What is known of one failing sample.
pub(crate) struct Evidence<'s> {
    pub(crate) inputs: Vec<Tensor>,
    pub(crate) value: Tensor,
    /// The inputs' elements, and the output's.
    pub(crate) x: Vec<Vec<f64>>,
    pub(crate) y: Vec<f64>,
    pub(crate) shapes: Vec<Vec<usize>>,
    pub(crate) output: Vec<usize>,
    /// One pair for each argument.
    pub(crate) pairs: Vec<Pair>,
    /// Whether a gradient reached each argument.
    pub(crate) reached: Vec<bool>,
    /// Whether the gradient for each argument is the same whatever comes in.
    pub(crate) ignores_cotangent: Vec<bool>,
    /// Whether the gradient for each argument is not linear in what comes in.
    pub(crate) not_linear: Vec<bool>,
    /// What the rule gives each argument where it is given nothing.
    of_zero: Vec<Vec<f64>>,
    pub(crate) elsewhere: Elsewhere<'s>,
}

impl<'s> Evidence<'s> {
    /// First derivatives at a point, if they are few and finite and wrong.
    pub(crate) fn first(trial: &Trial<'s>) -> Option<Evidence<'s>> {
        let from = |g: &Tensor| Some(trial.in_line(&trial.pass_at(&trial.inputs, g).ok()?.gradients));
        let u = &trial.cotangent;
        let (once, again, of_one, of_zero) =
            (from(u)?, from(&(u * 2.0 + 1.0))?, from(&u.ones_like())?, from(&u.zeros_like())?);
        let same = |(once, again): (&Vec<f64>, &Vec<f64>)| once == again && once.iter().any(|&g| g != 0.0);
        let pairs = pairs(trial)?;
        let bent = |k: usize| {
            let all = again[k].iter().chain(&once[k]).chain(&of_one[k]);
            let size = all.fold(pairs[k].scale(), |max, g| max.max(g.abs()));
            (0..once[k].len()).any(|i| (2.0 * once[k][i] + of_one[k][i] - again[k][i]).abs() > 1e-6 * size)
        };
        let not_linear: Vec<bool> = (0..once.len()).map(bent).collect();
        if pairs.iter().all(Pair::agrees) && !not_linear.contains(&true) {
            return None;
        }
        let ignores_cotangent = once.iter().zip(&again).map(same).collect();
        let output = trial.value.shape().to_vec();
        Some(Evidence { ignores_cotangent, not_linear, of_zero, ..Evidence::new(trial, pairs, output) })
    }

    /// Second derivatives: the outputs are the elements of all gradients.
    pub(crate) fn second(trial: &Trial<'s>) -> Option<Evidence<'s>> {
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
        Some(Evidence { y: centre.clone(), ..Evidence::new(trial, pairs, vec![centre.len()]) })
    }

    fn new(trial: &Trial<'s>, pairs: Vec<Pair>, output: Vec<usize>) -> Evidence<'s> {
        let subject: Subject<'s> = *trial.subject;
        let n = trial.inputs.len();
        Evidence {
            inputs: trial.inputs.clone(),
            value: trial.value.clone(),
            x: trial.numbers.clone(),
            y: trial.value.to_f64_vec(),
            shapes: trial.inputs.iter().map(|x| x.shape().to_vec()).collect(),
            output,
            reached: trial.pass().map_or(vec![true; n], |pass| pass.gradients.iter().map(Option::is_some).collect()),
            ignores_cotangent: vec![false; n],
            not_linear: vec![false; n],
            of_zero: vec![vec![]; n],
            elsewhere: Box::new(move |inputs| pairs_at(&subject, inputs)),
            pairs,
        }
    }

    /// Whether the rule gives argument `k` something where it is given nothing.
    pub(crate) fn adds_without_cotangent(&self, k: usize) -> bool {
        self.of_zero[k].iter().any(|&g| g.abs() > NOTHING * self.pairs[k].scale())
    }

    /// The arguments whose gradients are wrong.
    pub(crate) fn wrong(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.pairs.len()).filter(|&k| self.not_linear[k] || !self.pairs[k].agrees())
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

fn pairs_at(subject: &Subject, inputs: &[Tensor]) -> Option<Vec<Pair>> {
    pairs(&Trial::new(subject, inputs.to_vec()).ok()?)
}
