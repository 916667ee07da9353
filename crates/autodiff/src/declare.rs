//! What an op says about itself, for its documentation and its checks.
//!
//! Each op has one [`Declaration`] in its family's file. It holds no test, only what a checker needs to make some: a function that draws
//! a [`Sample`] from a stream of choices. The stream comes from outside, so that this crate needs no testing framework; a
//! checker that makes the numbers of the stream smaller, or the stream shorter, gets a simpler sample.

use chainrule_tensor::{DType, Tensor};

use crate::var::Var;

/// The four ways of being differentiable, and the one of not being.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Element by element: a formula and its slope.
    Elementwise,
    /// Linear in each argument that a derivative flows through; the rule is the adjoint.
    Linear,
    /// Linear in each of several arguments.
    Product,
    /// A function of other ops, which has no rule of its own.
    Composite,
    /// Integers or truth values, through which no derivative flows.
    Discrete,
}

/// A point with a derivative fixed by convention: a kink or a singular point of a function of one number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Special {
    /// The point.
    pub x: f64,
    /// The derivative there.
    pub slope: f64,
}

/// An op's own account of itself.
pub struct Declaration {
    /// The name of the method or function.
    pub name: &'static str,
    /// The name in PyTorch.
    pub torch: &'static str,
    /// What it computes.
    pub formula: &'static str,
    /// How its gradient is computed.
    pub rule: &'static str,
    /// The family it belongs to.
    pub family: Family,
    /// The interval from which the arguments of a function of numbers are drawn; empty for others.
    pub domain: &'static str,
    /// How often it can be differentiated, as far as checks go: 2, or 1.
    pub order: usize,
    /// Draws inputs and hyper-parameters at which it is differentiable.
    pub sample: fn(&mut Draw) -> Sample,
    /// Points with a derivative fixed by convention (functions of one number).
    pub special: &'static [Special],
}

impl Declaration {
    /// A declaration without special points.
    pub const fn new(
        family: Family,
        name: &'static str,
        torch: &'static str,
        formula: &'static str,
        rule: &'static str,
        sample: fn(&mut Draw) -> Sample,
    ) -> Declaration {
        Declaration { name, torch, formula, rule, family, domain: "", order: 2, sample, special: &[] }
    }

    /// This declaration of an op whose rule cannot be differentiated again.
    pub const fn first_order(self) -> Declaration {
        Declaration { order: 1, ..self }
    }

    /// The declaration of a linear op.
    pub const fn linear(
        name: &'static str,
        torch: &'static str,
        formula: &'static str,
        rule: &'static str,
        sample: fn(&mut Draw) -> Sample,
    ) -> Declaration {
        Declaration::new(Family::Linear, name, torch, formula, rule, sample)
    }

    /// The declaration of a function whose result is integers or truth values. The sample's call wraps it in a constant.
    pub const fn discrete(
        name: &'static str,
        torch: &'static str,
        formula: &'static str,
        sample: fn(&mut Draw) -> Sample,
    ) -> Declaration {
        Declaration::new(Family::Discrete, name, torch, formula, "none", sample)
    }
}

/// A function of variables.
pub type Call = Box<dyn Fn(&[Var]) -> Var + Send + Sync>;

/// One call of an op: inputs, and the call with all else fixed.
pub struct Sample {
    /// What a derivative flows through, as `f64`.
    pub inputs: Vec<Tensor>,
    /// The op applied to such inputs.
    pub call: Call,
    /// The call as source, with inputs `x[0]`, `x[1]`, …
    pub source: String,
    /// Whether special numbers (0, equal ones, far ones) may be put into the inputs.
    pub special: bool,
}

impl Sample {
    /// A sample. `source` shows the call with the hyper-parameters drawn.
    pub fn new(
        inputs: impl Into<Vec<Tensor>>,
        source: impl Into<String>,
        call: impl Fn(&[Var]) -> Var + Send + Sync + 'static,
    ) -> Sample {
        Sample { inputs: inputs.into(), call: Box::new(call), source: source.into(), special: true }
    }

    /// This sample for an op that has a derivative at well-chosen inputs only, such as matrices of full rank: a checker puts no special
    /// numbers into them.
    pub fn regular(self) -> Sample {
        Sample { special: false, ..self }
    }
}

/// A source of choices, each answered by a number from a stream: 0 is the simplest answer, and an ended stream answers 0.
///
/// ```
/// use chainrule_autodiff::declare::Draw;
/// let mut draw = Draw::new(&[3]);
/// assert_eq!(draw.pick(&[10, 20, 30, 40]), 40);
/// assert_eq!(draw.pick(&[10, 20, 30, 40]), 10);
/// ```
pub struct Draw {
    stream: Vec<u64>,
    at: usize,
}

/// Lengths of axes, simplest first: never only squares, and zero.
const SIZES: [usize; 5] = [1, 2, 3, 5, 0];
/// Steps of the grid on which values are drawn.
const GRID: u64 = 64;

impl Draw {
    /// Choices from a stream.
    pub fn new(stream: &[u64]) -> Draw {
        Draw { stream: stream.to_vec(), at: 0 }
    }

    /// How many numbers of the stream were used.
    pub fn used(&self) -> usize {
        self.at
    }

    /// A number below `n`, 0 being the simplest.
    pub fn below(&mut self, n: usize) -> usize {
        let next = self.stream.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        (next % n.max(1) as u64) as usize
    }

    /// A number from `low` to `high`, both included, `low` being the simplest.
    pub fn range(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// One of the options, the first being the simplest.
    pub fn pick<T: Clone>(&mut self, options: &[T]) -> T {
        options[self.below(options.len())].clone()
    }

    /// Yes or no, no being the simpler answer.
    pub fn flag(&mut self) -> bool {
        self.below(2) == 1
    }

    /// The length of an axis: 1, 2, 3, 5 or 0.
    pub fn size(&mut self) -> usize {
        self.pick(&SIZES)
    }

    /// The length of an axis that must not be empty.
    pub fn positive_size(&mut self) -> usize {
        self.pick(&SIZES[..4])
    }

    /// Any shape of up to four axes.
    pub fn shape(&mut self) -> Vec<usize> {
        let rank = self.pick(&[1, 0, 2, 3, 4]);
        (0..rank).map(|_| self.size()).collect()
    }

    /// A shape of at least one and up to four axes, none of which is empty.
    pub fn positive_shape(&mut self) -> Vec<usize> {
        let rank = self.range(1, 4);
        (0..rank).map(|_| self.positive_size()).collect()
    }

    /// One of `rank` axes, counted from either end.
    pub fn axis(&mut self, rank: usize) -> isize {
        let axis = self.below(rank) as isize;
        if self.flag() { axis - rank as isize } else { axis }
    }

    /// Some of `rank` axes; none stands for all.
    pub fn axes(&mut self, rank: usize) -> Vec<isize> {
        (0..rank).filter(|_| self.flag()).map(|axis| axis as isize).collect()
    }

    /// All numbers below `n` in some order.
    pub fn order(&mut self, n: usize) -> Vec<usize> {
        let mut left: Vec<usize> = (0..n).collect();
        (0..n).map(|_| left.remove(self.below(left.len()))).collect()
    }

    /// Two shapes that broadcast with each other: axes of one are left out or have length 1.
    pub fn broadcasting_shapes(&mut self) -> [Vec<usize>; 2] {
        let full = self.shape();
        let mut shrink = |shape: &[usize]| -> Vec<usize> {
            let from = if self.flag() { self.below(shape.len() + 1) } else { 0 };
            shape[from..].iter().map(|&n| if self.below(4) == 3 { 1 } else { n }).collect()
        };
        match shrink(&full) {
            small if small.len() % 2 == 0 => [full, small],
            small => [small, full],
        }
    }

    /// A number strictly between `low` and `high`, on a coarse grid that keeps away from round numbers.
    pub fn value(&mut self, low: f64, high: f64) -> f64 {
        // 23 steps of 64 apart, so that neighbours in the stream are far apart in value.
        let step = (self.below(GRID as usize) as u64 * 23 + 40) % GRID;
        low + (high - low) * (step as f64 + 0.37) / GRID as f64
    }

    /// A tensor of [values](Draw::value) between `low` and `high`.
    pub fn tensor(&mut self, shape: &[usize], low: f64, high: f64) -> Tensor {
        let count = shape.iter().product();
        Tensor::from_vec((0..count).map(|_| self.value(low, high)).collect(), shape)
    }

    /// A tensor of numbers between −3 and 3.
    pub fn reals(&mut self, shape: &[usize]) -> Tensor {
        self.tensor(shape, -3.0, 3.0)
    }

    /// A call of a function of one number, which takes no others, between `low` and `high`.
    pub fn function(&mut self, name: &str, low: f64, high: f64, call: fn(&Var) -> Var) -> Sample {
        let shape = self.shape();
        Sample::new([self.tensor(&shape, low, high)], format!("x[0].{name}()"), move |x| call(&x[0]))
    }

    /// A tensor of numbers between −3 and 3 that all differ by more than any check moves them.
    pub fn distinct(&mut self, shape: &[usize]) -> Tensor {
        let count = shape.iter().product();
        let ranks = self.order(count).into_iter();
        Tensor::from_vec(ranks.map(|r| -3.0 + 6.0 * (r as f64 + 0.37) / count as f64).collect(), shape)
    }

    /// Indices below `n`, in which the same one may occur more than once.
    pub fn indices(&mut self, shape: &[usize], n: usize) -> Tensor {
        let count = shape.iter().product();
        Tensor::from_vec((0..count).map(|_| self.below(n) as i64).collect(), shape)
    }

    /// A mask.
    pub fn mask(&mut self, shape: &[usize]) -> Tensor {
        self.indices(shape, 2).cast(DType::Bool)
    }
}
