//! Connectionist temporal classification: the likelihood of a sequence of labels whose places in time are unknown.

use chainrule_tensor::{Comparison, DType, Tensor};

use super::{Reduce, expect_i64};
use crate::backward::vjp;
use crate::declare::{Declaration, Draw, Family, Sample};
use crate::op::{Op, Saves};
use crate::ops::formula::when;
use crate::var::Var;

/// Options of [`Var::ctc_loss_with`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ctc {
    /// Mean (of losses divided by the lengths of their targets), sum or each.
    pub reduce: Reduce,
    /// The class that stands for no label.
    pub blank: usize,
    /// Whether a target that is too long for its input counts as 0 instead of ∞.
    pub zero_infinity: bool,
}

impl Var {
    /// The mean over samples of −ln p / length, where p is the probability of a sequence of labels, summed over all ways to spread it over time: each step
    /// says one label or the blank, repetitions count once, and a blank separates equal labels.
    ///
    /// Shapes: `[steps, n, classes]` of logarithms of probabilities; targets `[n, longest]` or one after the other, `[all]`; n lengths each. For
    /// a single sample: `[steps, classes]`, targets `[length]`, and one length each.
    ///
    /// The gradient is that with respect to the logarithms as they are, minus the probability of each label at each step. Where a target is too long for
    /// its input, the loss is ∞ and the gradient 0.
    ///
    /// Source: Graves, Fernández, Gomez and Schmidhuber, Connectionist temporal classification, 2006.
    ///
    /// # Panics
    /// When shapes or lengths do not fit, or a target is not a class or is the blank.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{tensor, DType, Tensor};
    /// let log_p = Var::leaf(Tensor::full([2, 1, 2], 0.5f64.ln(), DType::F64));
    /// let loss = log_p.ctc_loss(&tensor![[1]], &[2], &[1]); // "1 1", "blank 1" and "1 blank" of four
    /// assert!((loss.item() + 0.75f64.ln()).abs() < 1e-12);
    /// ```
    #[track_caller]
    pub fn ctc_loss(&self, targets: &Tensor, input_lengths: &[usize], target_lengths: &[usize]) -> Var {
        self.ctc_loss_with(targets, input_lengths, target_lengths, &Ctc::default())
    }

    /// [`ctc_loss`](Var::ctc_loss) with another blank, without infinities, and sum or single losses.
    ///
    /// # Panics
    /// As `ctc_loss`; and when the blank is not a class.
    #[track_caller]
    pub fn ctc_loss_with(
        &self,
        targets: &Tensor,
        input_lengths: &[usize],
        target_lengths: &[usize],
        options: &Ctc,
    ) -> Var {
        assert!(
            matches!(self.rank(), 2 | 3),
            "ctc_loss: the input has shape [steps, n, classes] or [steps, classes], got {}",
            self.to_shape()
        );
        let log_p = if self.rank() == 2 { self.unsqueeze(1) } else { self.clone() };
        let paths = Paths::new(log_p.shape(), targets, input_lengths, target_lengths, options);
        let losses = Alignment { paths: paths.clone() }.apply([&log_p]);
        let losses = if self.rank() == 2 { losses.reshape([]) } else { losses };
        match options.reduce {
            Reduce::Mean => {
                let lengths: Vec<f64> = target_lengths.iter().map(|&n| n.max(1) as f64).collect();
                let lengths = Tensor::from_vec(lengths, losses.shape()).cast(losses.dtype());
                (losses / Var::constant(lengths)).mean()
            }
            other => other.of(&losses),
        }
    }
}

/// What a batch asks for.
#[derive(Clone)]
struct Paths {
    /// Blanks with labels in between, for each sample.
    labels: Vec<Vec<usize>>,
    /// Steps of each sample.
    steps: Vec<usize>,
    /// Steps, samples and classes.
    shape: [usize; 3],
    blank: usize,
    zero_infinity: bool,
}

impl Paths {
    #[track_caller]
    fn new(shape: &[usize], targets: &Tensor, steps: &[usize], lengths: &[usize], options: &Ctc) -> Paths {
        let (n, classes, blank) = (shape[1], shape[2], options.blank);
        assert!(blank < classes, "ctc_loss: the blank {blank} is not one of the classes 0 to {}", classes as isize - 1);
        assert!(
            steps.len() == n && lengths.len() == n,
            "ctc_loss: {n} samples need as many lengths, got {} of inputs and {} of targets",
            steps.len(),
            lengths.len()
        );
        if let Some(long) = steps.iter().find(|&&steps| steps > shape[0]) {
            panic!("ctc_loss: an input length is {long}, but there are only {} steps", shape[0]);
        }
        expect_i64("ctc_loss", targets);
        let padded = targets.rank() == 2;
        let all: usize = lengths.iter().sum();
        let fits = match padded {
            true => targets.size(0) == n && lengths.iter().all(|&length| length <= targets.size(1)),
            false => targets.rank() == 1 && (targets.len() == all || n == 1 && targets.len() > all),
        };
        assert!(
            fits,
            "ctc_loss: targets {} do not hold {n} samples of lengths {lengths:?}; they are [n, longest], or [{all}]",
            targets.to_shape()
        );
        let (numbers, mut start) = (targets.to_vec::<i64>(), 0);
        let mut labels = Vec::with_capacity(n);
        for &length in lengths {
            let mut path = vec![blank];
            for &label in &numbers[start..start + length] {
                let is_label = (0..classes as i64).contains(&label) && label != blank as i64;
                assert!(is_label, "ctc_loss: target {label} is not a class from 0 to {}, or is the blank", classes - 1);
                path.extend([label as usize, blank]);
            }
            start += if padded { targets.size(1) } else { length };
            labels.push(path);
        }
        let shape = [shape[0], n, classes];
        Paths { labels, steps: steps.to_vec(), shape, blank, zero_infinity: options.zero_infinity }
    }

    /// Whether a path may go from place `s − 2` straight to `s`.
    fn skips(&self, labels: &[usize], s: usize) -> bool {
        s >= 2 && labels[s] != self.blank && labels[s] != labels[s - 2]
    }

    /// What an impossible target counts.
    fn impossible(&self) -> f64 {
        if self.zero_infinity { 0.0 } else { f64::INFINITY }
    }

    /// The logarithms of the probability of all beginnings of paths, `[step][place]`.
    fn forward(&self, sample: usize, log_p: &[f64]) -> Vec<Vec<f64>> {
        let labels = &self.labels[sample];
        let mut steps: Vec<Vec<f64>> = Vec::new();
        for t in 0..self.steps[sample] {
            let place = |s: usize| {
                let before = match steps.last() {
                    None if s < 2 => 0.0,
                    None => f64::NEG_INFINITY,
                    Some(last) => {
                        let from = |back: usize| if back <= s { last[s - back] } else { f64::NEG_INFINITY };
                        let skip = if self.skips(labels, s) { from(2) } else { f64::NEG_INFINITY };
                        log_sum([from(0), from(1), skip])
                    }
                };
                before + log_p[self.at(t, sample, labels[s])]
            };
            let next = (0..labels.len()).map(place).collect();
            steps.push(next);
        }
        steps
    }

    /// The logarithms of the probability of all ends of paths, without the step itself, `[step][place]`.
    fn backward(&self, sample: usize, log_p: &[f64]) -> Vec<Vec<f64>> {
        let labels = &self.labels[sample];
        let (count, places) = (self.steps[sample], labels.len());
        let mut steps = vec![vec![f64::NEG_INFINITY; places]; count];
        for t in (0..count).rev() {
            for s in 0..places {
                steps[t][s] = if t + 1 == count {
                    if s + 2 >= places { 0.0 } else { f64::NEG_INFINITY }
                } else {
                    let to = |s: usize| steps[t + 1][s] + log_p[self.at(t + 1, sample, labels[s])];
                    let ahead = |by: usize| if s + by < places { to(s + by) } else { f64::NEG_INFINITY };
                    let skip = if s + 2 < places && self.skips(labels, s + 2) { ahead(2) } else { f64::NEG_INFINITY };
                    log_sum([ahead(0), ahead(1), skip])
                };
            }
        }
        steps
    }

    /// The logarithm of the probability of all paths.
    fn total(&self, sample: usize, forward: &[Vec<f64>]) -> f64 {
        match forward.last() {
            None if self.labels[sample].len() == 1 => 0.0,
            None => f64::NEG_INFINITY,
            Some(last) => {
                let from_end = |i: usize| if i <= last.len() { last[last.len() - i] } else { f64::NEG_INFINITY };
                log_sum([from_end(1), from_end(2), f64::NEG_INFINITY])
            }
        }
    }

    /// Where the number for a step, a sample and a class is.
    fn at(&self, step: usize, sample: usize, class: usize) -> usize {
        (step * self.shape[1] + sample) * self.shape[2] + class
    }

    /// The losses as ops: what can be differentiated any number of times, and the oracle of the recursions above.
    fn composite(&self, log_p: &Var) -> Var {
        let n = self.shape[1];
        let longest = self.labels.iter().map(Vec::len).max().unwrap_or(1);
        let lowest = -0.5 * if log_p.dtype() == DType::F64 { f64::MAX.sqrt() } else { f64::from(f32::MAX).sqrt() };
        let numbers = |f: &dyn Fn(usize, usize) -> f64| {
            let all: Vec<f64> = (0..n * longest).map(|i| f(i / longest, i % longest)).collect();
            Var::constant(Tensor::from_vec(all, [n, longest]).cast(log_p.dtype()))
        };
        let label = |i: usize, s: usize| self.labels[i].get(s).copied().unwrap_or(self.blank);
        let places = numbers(&|i, s| label(i, s) as f64).value().cast(DType::I64);
        let skip =
            numbers(&|i, s| if s < self.labels[i].len() && self.skips(&self.labels[i], s) { 0.0 } else { lowest });
        let mut paths = numbers(&|_, s| if s < 2 { 0.0 } else { lowest });
        for t in 0..self.shape[0] {
            let before = match t {
                0 => paths.clone(),
                _ => {
                    let wide = Var::cat(&[&Var::constant(Tensor::full([n, 2], lowest, log_p.dtype())), &paths], 1);
                    let back = |by: usize| wide.narrow(1, 2 - by, longest);
                    Var::stack(&[&back(0), &back(1), &(back(2) + &skip)], 0).logsumexp(&[0], false)
                }
            };
            let next = before + log_p.select(0, t as isize).gather(1, &places);
            let running = numbers(&|i, _| f64::from(u8::from(t < self.steps[i])));
            paths = when(running.above(0.0), next, paths);
        }
        // Without steps, only a target without labels is possible.
        let unused =
            numbers(&|i, s| if self.steps[i] == 0 && !(s == 0 && self.labels[i].len() == 1) { lowest } else { 0.0 });
        let paths = paths + unused;
        let ends = |back: usize| {
            let place = |i: usize| self.labels[i].len().checked_sub(back).map_or(-1, |s| s as i64);
            Tensor::from_vec((0..n).map(place).collect(), [n, 1])
        };
        let end = |back: usize| {
            let at = ends(back);
            let exists = at.compare_scalar(Comparison::Ge, 0.0);
            let found = paths.gather(1, &exists.choose(&at, &Tensor::zeros([], DType::I64)));
            Var::choose(&exists, &found, Var::constant(Tensor::scalar(lowest, log_p.dtype())))
        };
        let losses = -Var::cat(&[&end(1), &end(2)], 1).logsumexp(&[1], false); // [n]
        when(losses.above(-0.5 * lowest), self.impossible(), losses)
    }
}

/// ln(eᵃ + eᵇ + eᶜ)
fn log_sum(x: [f64; 3]) -> f64 {
    let top = x[0].max(x[1]).max(x[2]);
    if top == f64::NEG_INFINITY { top } else { top + x.iter().map(|x| (x - top).exp()).sum::<f64>().ln() }
}

/// −ln of the probability of each sample's targets, by recursion forward in time, `[n]`. The gradient is a recursion from both ends.
struct Alignment {
    paths: Paths,
}
impl Op<1> for Alignment {
    fn name(&self) -> &'static str {
        "ctc_loss"
    }
    fn saves(&self) -> Saves {
        Saves::Inputs
    }
    fn forward(&self, [log_p]: [&Tensor; 1]) -> Tensor {
        let paths = &self.paths;
        let numbers = log_p.to_f64_vec();
        let loss = |i: usize| match paths.total(i, &paths.forward(i, &numbers)) {
            f64::NEG_INFINITY => paths.impossible(),
            total => -total,
        };
        Tensor::from_vec((0..paths.shape[1]).map(loss).collect(), [paths.shape[1]]).cast(log_p.dtype())
    }
    fn backward(&self, _: usize, g: &Var, [log_p]: [&Var; 1], _: &Var) -> Var {
        let paths = &self.paths;
        if g.is_tracked() || log_p.is_tracked() {
            let x = if log_p.is_tracked() { log_p.clone() } else { Var::leaf(log_p.value()) };
            let pulled = vjp(&paths.composite(&x), &[&x], g).remove(0);
            return pulled.unwrap_or_else(|| Var::constant(log_p.value().zeros_like()));
        }
        let (numbers, g) = (log_p.value().to_f64_vec(), g.value().to_f64_vec());
        let mut gradient = vec![0.0; numbers.len()];
        for (i, labels) in paths.labels.iter().enumerate() {
            let (begun, left) = (paths.forward(i, &numbers), paths.backward(i, &numbers));
            let total = paths.total(i, &begun);
            if total == f64::NEG_INFINITY {
                continue;
            }
            for (t, (begun, left)) in begun.iter().zip(&left).enumerate() {
                for (s, &label) in labels.iter().enumerate() {
                    gradient[paths.at(t, i, label)] -= g[i] * (begun[s] + left[s] - total).exp();
                }
            }
        }
        Var::constant(Tensor::from_vec(gradient, log_p.shape()).cast(log_p.dtype()))
    }
}

/// Logarithms of probabilities, targets, and both lengths.
fn drawn(d: &mut Draw, options: &Ctc) -> (Tensor, Tensor, Vec<usize>, Vec<usize>) {
    let (n, classes) = (d.range(1, 2), d.range(2, 3));
    let lengths: Vec<usize> = (0..n).map(|_| d.below(3)).collect();
    let longest = lengths.iter().copied().max().unwrap_or(0);
    let labels: Vec<i64> = (0..n * longest).map(|_| other_than(options.blank, d.below(classes - 1))).collect();
    let steps: Vec<usize> = lengths.iter().map(|&length| (2 * length).max(1) + d.below(2)).collect();
    let most = steps.iter().copied().max().unwrap_or(1);
    let targets = Tensor::from_vec(labels, [n, longest]);
    (d.tensor(&[most, n, classes], -2.0, -0.1), targets, steps, lengths)
}

/// The label of that number when the blank is left out.
fn other_than(blank: usize, number: usize) -> i64 {
    (number + usize::from(number >= blank)) as i64
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(
        Family::Composite,
        "ctc_loss",
        "nn.functional.ctc_loss",
        "mean of -ln Σ Π p over alignments / length",
        "-g · the probability of each label at each step",
        |d| {
            let (x, targets, steps, lengths) = drawn(d, &Ctc::default());
            let source = format!(
                "x[0].ctc_loss(&Tensor::from_vec(vec!{:?}, {:?}), &{steps:?}, &{lengths:?})",
                targets.to_vec::<i64>(),
                targets.shape()
            );
            Sample::new([x], source, move |x| x[0].ctc_loss(&targets, &steps, &lengths))
        },
    ),
    Declaration::new(
        Family::Composite,
        "ctc_loss_with",
        "nn.functional.ctc_loss",
        "the same, with another blank, reduced",
        "the same",
        |d| {
            let options = Ctc { reduce: Reduce::drawn(d), blank: d.pick(&[0, 1]), zero_infinity: d.flag() };
            let (x, targets, steps, lengths) = drawn(d, &options);
            let source = format!(
                "x[0].ctc_loss_with(&Tensor::from_vec(vec!{:?}, {:?}), &{steps:?}, &{lengths:?}, &{options:?})",
                targets.to_vec::<i64>(),
                targets.shape()
            );
            Sample::new([x], source, move |x| x[0].ctc_loss_with(&targets, &steps, &lengths, &options))
        },
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{grad, hvp};
    use chainrule_tensor::Rng;

    /// Random logarithms of probabilities for unequal lengths, one of which is too short for its target.
    fn batch() -> (Tensor, Paths) {
        let log_p = Var::constant(Tensor::randn(&mut Rng::seed(3), [7, 4, 5], DType::F64)).log_softmax(2);
        let targets = Tensor::from(vec![1i64, 1, 2, 3, 4, 1, 2, 2]);
        let paths = Paths::new(&[7, 4, 5], &targets, &[7, 5, 2, 3], &[3, 2, 3, 0], &Ctc::default());
        (log_p.value().clone(), paths)
    }

    #[test]
    fn the_recursions_agree_with_the_ops() {
        let (log_p, paths) = batch();
        let x = Var::leaf(log_p);
        let [fast, slow] = [Alignment { paths: paths.clone() }.apply([&x]), paths.composite(&x)];
        assert_eq!(fast.value().to_vec::<f64>()[2], f64::INFINITY);
        assert!(fast.value().allclose(slow.value(), 1e-12, 1e-12), "{fast} {slow}");
        let [fast, slow] = [fast, slow].map(|y| y.narrow(0, 0, 2).sum() + y.narrow(0, 3, 1).sum());
        let gradients = [fast, slow].map(|y| y.backward()[&x].clone());
        assert!(gradients[0].allclose(&gradients[1], 1e-12, 1e-12), "{} {}", gradients[0], gradients[1]);
    }

    #[test]
    fn the_gradient_of_an_impossible_target_is_0() {
        let (log_p, paths) = batch();
        let x = Var::leaf(log_p);
        let y = Alignment { paths: Paths { zero_infinity: true, ..paths } }.apply([&x]);
        assert_eq!(y.value().to_vec::<f64>()[2], 0.0);
        assert!(grad(&y.sum(), &[&x])[0].value().all_finite());
        let v = x.value().ones_like();
        assert!(hvp(&y.sum(), &[&x], &[v])[0].value().all_finite());
    }
}
