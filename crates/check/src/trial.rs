//! A function at a point: its value, its gradients, and how they answer when the point is moved.

use std::cell::OnceCell;
use std::panic::Location;

use chainrule_autodiff::{Var, vjp};
use chainrule_tensor::{DType, Rng, Tensor};

use crate::difference::START;
use crate::noise::Noise;
use crate::panics::{Panic, caught};

/// A function under check.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) call: &'a (dyn Fn(&[Var]) -> Var + 'a),
    /// Where the op was given to the checker, if it applies the op itself.
    pub(crate) at: Option<&'static Location<'static>>,
    /// Whether the function is linear, at least on pieces.
    pub(crate) linear: bool,
    /// Whether it must also work in `f32`.
    pub(crate) every_dtype: bool,
}

/// Values and gradients by one backward pass. An argument that no gradient reached has `None`.
pub(crate) struct Pass {
    pub(crate) value: Tensor,
    pub(crate) gradients: Vec<Option<Tensor>>,
}

/// A way to move the inputs.
#[derive(Clone, Debug)]
pub(crate) enum Line {
    /// One element of one argument.
    Element { argument: usize, element: usize },
    /// All, by multiples of these.
    Direction(Vec<Vec<f64>>),
}

impl Line {
    /// The slope along the line of something with this gradient.
    pub(crate) fn of(&self, gradient: &[Vec<f64>]) -> f64 {
        match self {
            Line::Element { argument, element } => gradient[*argument][*element],
            Line::Direction(v) => gradient.iter().zip(v).flat_map(|(g, v)| g.iter().zip(v)).map(|(g, v)| g * v).sum(),
        }
    }

    /// As `of`, with nothing cancelling.
    pub(crate) fn weigh(&self, gradient: &[Vec<f64>]) -> f64 {
        match self {
            Line::Element { .. } => self.of(gradient).abs(),
            Line::Direction(v) => {
                gradient.iter().zip(v).flat_map(|(g, v)| g.iter().zip(v)).map(|(g, v)| (g * v).abs()).sum()
            }
        }
    }

    /// The line as tensors like the given ones: zero but for what it moves.
    pub(crate) fn tensors(&self, like: &[Tensor]) -> Vec<Option<Tensor>> {
        let part = |(i, x): (usize, &Tensor)| {
            let numbers = match self {
                Line::Element { argument, .. } if *argument != i => return None,
                Line::Element { element, .. } => (0..x.len()).map(|e| f64::from(u8::from(e == *element))).collect(),
                Line::Direction(v) => v[i].clone(),
            };
            Some(Tensor::from_vec(numbers, x.shape()).cast(x.dtype()))
        };
        like.iter().enumerate().map(part).collect()
    }
}

/// The recorded first derivative: leaves, the gradient of the output (a leaf, too), and the gradients of the inputs.
pub(crate) struct Recorded {
    pub(crate) leaves: Vec<Var>,
    pub(crate) cotangent: Var,
    pub(crate) gradients: Vec<Option<Var>>,
}

/// A function at a point.
pub(crate) struct Trial<'a> {
    pub(crate) subject: &'a Subject<'a>,
    pub(crate) inputs: Vec<Tensor>,
    /// The inputs' elements.
    pub(crate) numbers: Vec<Vec<f64>>,
    pub(crate) value: Tensor,
    /// A gradient of the output, of unlike numbers that are exact in every type.
    pub(crate) cotangent: Tensor,
    /// Op types on the tape of this trial.
    pub(crate) ops: Vec<&'static str>,
    /// Name and place of the ops applied, newest first.
    pub(crate) entries: Vec<(&'static str, String)>,
    pass: OnceCell<Result<Pass, Panic>>,
    recorded: OnceCell<Result<Recorded, Panic>>,
    needs_leaves: OnceCell<bool>,
    pub(crate) noise: OnceCell<Noise>,
}

impl<'a> Trial<'a> {
    /// Evaluates the function. A panic is that of the function itself, not of a rule.
    pub(crate) fn new(subject: &'a Subject<'a>, inputs: Vec<Tensor>) -> Result<Trial<'a>, Panic> {
        let y = caught(|| (subject.call)(&leaves(&inputs)))?;
        let tape = y.tape();
        let entry = |node: &std::sync::Arc<chainrule_autodiff::Node>| {
            (node.op(), subject.at.unwrap_or_else(|| node.at()).to_string())
        };
        Ok(Trial {
            numbers: inputs.iter().map(Tensor::to_f64_vec).collect(),
            cotangent: uneven(y.shape(), y.dtype()),
            ops: tape.iter().map(|node| node.op_type()).collect(),
            entries: tape.iter().rev().filter(|node| !node.is_leaf()).map(entry).collect(),
            value: y.value().clone(),
            subject,
            inputs,
            pass: OnceCell::new(),
            recorded: OnceCell::new(),
            needs_leaves: OnceCell::new(),
            noise: OnceCell::new(),
        })
    }

    pub(crate) fn dtype(&self) -> DType {
        self.inputs.first().map_or(DType::F64, Tensor::dtype)
    }

    /// The number of elements of all inputs.
    pub(crate) fn len(&self) -> usize {
        self.numbers.iter().map(Vec::len).sum()
    }

    /// All elements of all inputs.
    pub(crate) fn elements(&self) -> impl Iterator<Item = Line> + '_ {
        let of = |(argument, numbers): (usize, &Vec<f64>)| {
            (0..numbers.len()).map(move |element| Line::Element { argument, element })
        };
        self.numbers.iter().enumerate().flat_map(of)
    }

    /// The backward pass from the trial's own cotangent.
    pub(crate) fn pass(&self) -> Result<&Pass, Panic> {
        let run = || self.pass_at(&self.inputs, &self.cotangent);
        self.pass.get_or_init(run).as_ref().map_err(Panic::clone)
    }

    /// The backward pass at other inputs or from another gradient of the output.
    pub(crate) fn pass_at(&self, inputs: &[Tensor], cotangent: &Tensor) -> Result<Pass, Panic> {
        self.pass_from(&leaves(inputs), cotangent)
    }

    /// The backward pass for the given variables, leaves or constants.
    pub(crate) fn pass_from(&self, x: &[Var], cotangent: &Tensor) -> Result<Pass, Panic> {
        caught(|| {
            let y = (self.subject.call)(x);
            let value = y.value().clone();
            let gradients = match y.is_tracked() {
                true => {
                    let all = y.backward_from(cotangent);
                    x.iter().map(|x| all.get(x).cloned()).collect()
                }
                false => vec![None; x.len()],
            };
            Pass { value, gradients }
        })
    }

    /// The value alone, computed from constants, or from leaves where the function differentiates inside and so needs them; NaN where it
    /// panics or changes its shape.
    pub(crate) fn value_at(&self, inputs: &[Tensor]) -> Vec<f64> {
        let constants = || (self.subject.call)(&inputs.iter().map(Var::constant).collect::<Vec<_>>());
        let value = match self.needs_leaves() {
            false => caught(constants),
            true => caught(|| (self.subject.call)(&leaves(inputs))),
        };
        match value {
            Ok(y) if y.shape() == self.value.shape() => y.value().to_f64_vec(),
            _ => vec![f64::NAN; self.value.len()],
        }
    }

    /// Whether the function cannot be called with constants.
    pub(crate) fn needs_leaves(&self) -> bool {
        let call = || (self.subject.call)(&self.inputs.iter().map(Var::constant).collect::<Vec<_>>());
        *self.needs_leaves.get_or_init(|| !self.subject.every_dtype && caught(call).is_err())
    }

    /// The gradients in a line, zero where none arrived; NaN where the function or a rule panics.
    pub(crate) fn gradient_at(&self, inputs: &[Tensor], cotangent: &Tensor) -> Vec<f64> {
        match self.pass_at(inputs, cotangent) {
            Ok(pass) if pass.value.shape() == self.value.shape() => self.in_line(&pass.gradients).concat(),
            _ => vec![f64::NAN; self.len()],
        }
    }

    /// Gradients as numbers, zero where none arrived.
    pub(crate) fn in_line(&self, gradients: &[Option<Tensor>]) -> Vec<Vec<f64>> {
        let numbers = |(gradient, x): (&Option<Tensor>, &Vec<f64>)| match gradient {
            Some(gradient) => gradient.to_f64_vec(),
            None => vec![0.0; x.len()],
        };
        gradients.iter().zip(&self.numbers).map(numbers).collect()
    }

    /// The recorded first derivative, which can be differentiated again.
    pub(crate) fn recorded(&self) -> Result<&Recorded, Panic> {
        let run = || {
            caught(|| {
                let (leaves, cotangent) = (leaves(&self.inputs), Var::leaf(&self.cotangent));
                let y = (self.subject.call)(&leaves);
                let gradients = vjp(&y, &leaves.iter().collect::<Vec<_>>(), &cotangent);
                Recorded { leaves, cotangent, gradients }
            })
        };
        self.recorded.get_or_init(run).as_ref().map_err(Panic::clone)
    }

    /// The inputs moved along a line by `t`, and by how much they moved after rounding.
    pub(crate) fn moved(&self, line: &Line, t: f64) -> (f64, Vec<Tensor>) {
        let dtype = self.dtype();
        let tensor = |numbers: Vec<f64>, like: &Tensor| Tensor::from_vec(numbers, like.shape()).cast(dtype);
        match line {
            Line::Element { argument, element } => {
                let mut numbers = self.numbers[*argument].clone();
                let before = numbers[*element];
                numbers[*element] = rounded(before + t, dtype);
                let actual = numbers[*element] - before;
                let mut inputs = self.inputs.clone();
                inputs[*argument] = tensor(numbers, &self.inputs[*argument]);
                (actual, inputs)
            }
            Line::Direction(direction) => {
                let one = |((numbers, v), like): ((&Vec<f64>, &Vec<f64>), &Tensor)| {
                    tensor(numbers.iter().zip(v).map(|(x, v)| x + t * v).collect(), like)
                };
                (t, self.numbers.iter().zip(direction).zip(&self.inputs).map(one).collect())
            }
        }
    }

    /// The first step along a line.
    pub(crate) fn first_step(&self, line: &Line) -> f64 {
        match line {
            Line::Element { argument, element } => START * self.numbers[*argument][*element].abs().max(1.0),
            Line::Direction(_) => START,
        }
    }

    /// A random direction, each element of the order of the number that it moves.
    pub(crate) fn direction(&self, seed: u64) -> Vec<Vec<f64>> {
        let mut rng = Rng::seed(seed);
        let mut part = |x: &f64| {
            let size = if *x == 0.0 { 1.0 } else { x.abs() };
            let sign = if rng.below(2) == 0 { size } else { -size };
            sign * (0.25 + 0.75 * rng.uniform())
        };
        self.numbers.iter().map(|numbers| numbers.iter().map(&mut part).collect()).collect()
    }

    /// A random direction that moves only these elements.
    pub(crate) fn direction_of(&self, elements: &[Line], seed: u64) -> Vec<Vec<f64>> {
        let all = self.direction(seed);
        let mut part: Vec<Vec<f64>> = all.iter().map(|v| vec![0.0; v.len()]).collect();
        for line in elements {
            if let Line::Element { argument, element } = *line {
                part[argument][element] = all[argument][element];
            }
        }
        part
    }
}

/// Leaves with these values.
pub(crate) fn leaves(inputs: &[Tensor]) -> Vec<Var> {
    inputs.iter().map(Var::leaf).collect()
}

fn rounded(x: f64, dtype: DType) -> f64 {
    match dtype {
        DType::F64 => x,
        _ => Tensor::scalar(x, dtype).item(),
    }
}

/// Numbers ±1/8, ±2/8, … ±2 in no order, neighbours always unlike: a gradient under which nothing cancels, exact in every type.
pub(crate) fn uneven(shape: &[usize], dtype: DType) -> Tensor {
    let mut rng = Rng::seed(shape.iter().fold(7, |hash, &n| hash * 31 + n as u64));
    let mut bag: Vec<u32> = Vec::new();
    let mut number = |_| {
        if bag.is_empty() {
            bag.extend(1..=16);
            rng.shuffle(&mut bag);
        }
        let size = f64::from(bag.pop().expect("just filled")) / 8.0;
        if rng.below(3) == 0 { -size } else { size }
    };
    Tensor::from_vec((0..shape.iter().product()).map(&mut number).collect(), shape).cast(dtype)
}
