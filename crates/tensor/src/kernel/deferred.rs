//! Elementwise work that waits until somebody reads its result.
//!
//! A large result of an elementwise operation is at first a formula: a function, and what it is applied to. Whoever reads the numbers has them computed. Operands that
//! are still formulas themselves are computed on the way, block by block in the first-level cache, so that a chain of operations costs one pass over memory.
//! The same functions see the same numbers as if each had been computed at once: no bit depends on what waited.

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::blocks::{BLOCK, gather};
use super::buffer::{Buffer, Scratch};
use super::memory::ask;
use super::parallel::{SMALL, chunks_mut};
use crate::dtype::Element;
use crate::layout::Axis;

/// Results of fewer elements are computed at once: they stay in cache anyway.
pub(crate) const LARGE: usize = 2 * SMALL;
/// Functions that one pass computes at most.
const LONGEST: usize = 16;
/// Operands of a function, at most.
const OPERANDS: usize = 3;
/// How often a formula may be computed on the way to another before its own result is kept.
const PASSES: usize = 2;

/// What a function is applied to.
pub(crate) enum Operand<T> {
    /// The same number everywhere.
    Number(T),
    /// Elements of a buffer, from a position on.
    Elements(Buffer<T>, usize),
    /// Elements of a buffer in the order of a walk along these axes, from a position on.
    Walk(Buffer<T>, Box<[Axis]>, usize),
}

/// What makes a block of the output from blocks of the inputs.
pub(crate) trait OnBlocks<T, O>: Sync {
    /// Writes `out`. Inputs are as long.
    fn run(&self, x: &[&[T]], out: &mut [O]);
}

/// A function of blocks of operands that can wait.
pub(crate) trait Function<T>: OnBlocks<T, T> + Send {
    /// The same, for later.
    fn boxed(&self) -> Box<dyn Function<T>>;
}

/// A result that is not computed yet.
pub(crate) struct Formula<T> {
    function: Box<dyn Function<T>>,
    operands: Vec<Operand<T>>,
    /// How many functions a pass computes for it, at most.
    length: usize,
    passes: AtomicUsize,
}

impl<T: Element> Formula<T> {
    /// The function of these operands. Operands that would make a pass too long, or were computed on the way often enough, are computed now.
    pub(crate) fn new(function: Box<dyn Function<T>>, operands: Vec<Operand<T>>) -> Formula<T> {
        let mut length = 1;
        for operand in &operands {
            let Operand::Elements(buffer, offset) = operand else { continue };
            let Some(formula) = buffer.formula() else { continue };
            if *offset > 0 || length + formula.length > LONGEST || formula.passes.load(Relaxed) >= PASSES {
                buffer.as_slice();
            } else {
                length += formula.length;
            }
        }
        Formula { function, operands, length, passes: AtomicUsize::new(0) }
    }
}

/// A buffer's numbers, now or later. Buffers know this trait alone, so that no other crate compiles what computes them.
pub(super) trait Later<T>: Send + Sync + UnwindSafe + RefUnwindSafe {
    /// The formula, while nothing is computed.
    fn formula(&self) -> Option<Arc<Formula<T>>>;
    /// The `len` numbers.
    fn result(&self, len: usize) -> &Buffer<T>;
    /// As [`result`](Later::result), to be changed.
    fn result_mut(&mut self, len: usize) -> &mut Buffer<T>;
}

/// What a formula comes to, once somebody asks.
struct Computed<T> {
    formula: Mutex<Option<Arc<Formula<T>>>>,
    result: OnceLock<Buffer<T>>,
}

pub(super) fn later<T: Element>(formula: Formula<T>) -> Box<dyn Later<T>> {
    Box::new(Computed { formula: Mutex::new(Some(Arc::new(formula))), result: OnceLock::new() })
}

impl<T: Element> Later<T> for Computed<T> {
    fn formula(&self) -> Option<Arc<Formula<T>>> {
        self.formula.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn result(&self, len: usize) -> &Buffer<T> {
        self.result.get_or_init(|| {
            let pass = Pass::of(self.formula().expect("what is not computed has a formula"));
            let result = Buffer::new(len, |out| chunks_mut(out, SMALL, |i, out| pass.run(i * SMALL, out, true)));
            *self.formula.lock().unwrap_or_else(PoisonError::into_inner) = None;
            result
        })
    }

    fn result_mut(&mut self, len: usize) -> &mut Buffer<T> {
        self.result(len);
        self.result.get_mut().expect("was just computed")
    }
}

/// Where a function finds an operand.
enum Source<T> {
    Elements(Buffer<T>, usize),
    /// In the scratch memory of a pass: what an earlier step wrote, a number that was spread over a block, or elements that were gathered.
    Scratch(usize),
}

struct Step<T> {
    formula: Arc<Formula<T>>,
    sources: [Option<Source<T>>; OPERANDS],
    /// The block of scratch memory that it writes, but for the last.
    to: usize,
}

/// Functions in the order in which a block goes through them. Each is there once, however many use it.
pub(crate) struct Pass<T> {
    steps: Vec<Step<T>>,
    /// Blocks of the scratch memory that hold the same number everywhere.
    numbers: Vec<(usize, T)>,
    /// Blocks of the scratch memory that are gathered by a walk: an operand of a step.
    walks: Vec<(usize, Arc<Formula<T>>, usize)>,
    blocks: usize,
    /// Where its elements come from.
    streams: Vec<(Buffer<T>, usize)>,
}

impl<T: Element> Pass<T> {
    pub(crate) fn of(formula: Arc<Formula<T>>) -> Pass<T> {
        let (steps, numbers, walks, streams) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut pass = Pass { steps, numbers, walks, streams, blocks: 0 };
        pass.add(formula);
        pass
    }

    fn block(&mut self) -> usize {
        self.blocks += 1;
        self.blocks - 1
    }

    fn add(&mut self, formula: Arc<Formula<T>>) -> usize {
        if let Some(step) = self.steps.iter().find(|step| Arc::ptr_eq(&step.formula, &formula)) {
            return step.to;
        }
        formula.passes.fetch_add(1, Relaxed);
        let sources = std::array::from_fn(|i| {
            Some(match formula.operands.get(i)? {
                &Operand::Number(x) => {
                    let block = self.block();
                    self.numbers.push((block, x));
                    Source::Scratch(block)
                }
                Operand::Walk(..) => {
                    let block = self.block();
                    self.walks.push((block, formula.clone(), i));
                    Source::Scratch(block)
                }
                Operand::Elements(buffer, offset) => match buffer.formula().filter(|_| *offset == 0) {
                    Some(formula) => Source::Scratch(self.add(formula)),
                    None => {
                        if !self.streams.iter().any(|(other, at)| other.shares(buffer) && at == offset) {
                            self.streams.push((buffer.clone(), *offset));
                        }
                        Source::Elements(buffer.clone(), *offset)
                    }
                },
            })
        });
        let to = self.block();
        self.steps.push(Step { formula, sources, to });
        to
    }

    /// Asks memory for what the next block, from `start` on, reads and writes, before step `i` of this one: in parts, since who asks for more at once waits
    /// for it.
    fn ask(&self, i: usize, start: usize, out: &[T], far: bool) {
        let part = BLOCK.div_ceil(self.steps.len());
        let (from, to) = (i * part, out.len().min(BLOCK).min((i + 1) * part));
        let streams = self.streams.iter().map(|(buffer, offset)| &buffer.as_slice()[offset + start..]);
        for stream in streams.chain(far.then_some(out)) {
            let part = stream.get(from..to).unwrap_or_default();
            for at in (0..part.len()).step_by(64 / size_of::<T>()) {
                ask(&part[at]);
            }
        }
    }

    /// Writes the elements from `start` on, to memory that may be `far`: not in a cache.
    pub(crate) fn run(&self, start: usize, out: &mut [T], far: bool) {
        let mut scratch = Scratch::new(self.blocks * BLOCK);
        for &(block, x) in &self.numbers {
            scratch[block * BLOCK..][..BLOCK].fill(x);
        }
        let (last, before) = self.steps.split_last().expect("a pass ends with what it is for");
        let (mut rest, mut start) = (out, start);
        while !rest.is_empty() {
            let len = BLOCK.min(rest.len());
            let (out, next) = rest.split_at_mut(len);
            for (block, formula, operand) in &self.walks {
                let Operand::Walk(buffer, axes, offset) = &formula.operands[*operand] else {
                    unreachable!("is a walk")
                };
                gather(buffer.as_slice(), axes, *offset, start, &mut scratch[block * BLOCK..][..len]);
            }
            for (i, step) in before.iter().enumerate() {
                self.ask(i, start + len, next, far);
                // Steps write behind all that they read.
                let (read, write) = scratch.split_at_mut(step.to * BLOCK);
                step.run(read, start, &mut write[..len]);
            }
            self.ask(before.len(), start + len, next, far);
            last.run(&scratch, start, out);
            (rest, start) = (next, start + len);
        }
    }
}

impl<T: Element> Step<T> {
    fn run(&self, scratch: &[T], start: usize, out: &mut [T]) {
        let len = out.len();
        let x = self.sources.each_ref().map(|source| match source {
            Some(Source::Elements(buffer, offset)) => &buffer.as_slice()[offset + start..][..len],
            Some(Source::Scratch(block)) => &scratch[block * BLOCK..][..len],
            None => &[],
        });
        self.formula.function.run(&x, out);
    }
}

#[cfg(test)]
mod tests {
    use crate::{DType, Rng, Tensor};

    const N: usize = super::LARGE + 777;

    fn noise(seed: u64) -> Tensor {
        Tensor::randn(&mut Rng::seed(seed), [N], DType::F32)
    }

    /// The same of a part that is small enough to be computed at once.
    fn agrees(f: impl Fn(&[Tensor; 2]) -> Tensor) {
        let x = [noise(1), noise(2)];
        let all = f(&x);
        for start in [0, N / 2, N - 1000] {
            let part = |x: &Tensor| x.narrow(0, start, 1000).deep_copy();
            assert!(part(&all).same_bits(&f(&x.each_ref().map(part))), "from {start}");
        }
    }

    #[test]
    fn chains_have_the_bits_of_their_parts() {
        agrees(|[x, y]| (&(x * 2.0) + y) * 3.0 - 1.0);
        agrees(|[x, y]| &(x + &Tensor::scalar(2.0, DType::F32)) / &(y * y + 1.0));
        agrees(|[x, y]| (0..40).fold(x.clone(), |z, _| &(&z * 0.5) + y));
    }

    #[test]
    fn what_is_broadcast_or_transposed_is_gathered() {
        let x = Tensor::randn(&mut Rng::seed(3), [300, 500], DType::F32);
        let [row, column] = [x.narrow(0, 7, 1), x.narrow(1, 9, 1)];
        let all = &(&(&x + &row) * &column) + &x.t().reshape([300, 500]).t().t();
        let part = |x: &Tensor, axis: isize| x.narrow(axis, 40, 20).deep_copy();
        let other = x.t().reshape([300, 500]);
        let some = &(&(&part(&x, 0) + &row) * &part(&column, 0)) + &part(&other, 0);
        assert!(part(&all, 0).same_bits(&some));
        let turned = &x.t() * &column.t().narrow(1, 0, 300) + &x.t();
        let some = &part(&x.t(), 0) * &column.t() + &part(&x.t(), 0);
        assert!(part(&turned, 0).same_bits(&some));
    }

    #[test]
    fn a_result_that_two_use_is_shared_or_kept() {
        agrees(|[x, y]| {
            let both = x * y;
            let sum = &both + &both;
            let last = &sum * &both;
            (0..5).fold(last, |z, _| {
                (&z + &both).compute();
                &z + &both
            })
        });
    }

    #[test]
    fn reading_writing_and_adding_up() {
        let (x, y) = (noise(1), noise(2));
        let z = &x * &y;
        let mut changed = z.clone();
        changed.make_mut::<f32>()[0] = 7.0;
        assert_eq!(z.at::<f32>(&[0]), x.at::<f32>(&[0]) * y.at::<f32>(&[0]));
        assert_eq!(changed.at::<f32>(&[0]), 7.0);
        let mut alone = &x * &y;
        alone.make_mut::<f32>()[0] = 7.0;
        assert!(alone.same_bits(&changed));
        let computed = &x + &y;
        computed.compute();
        assert!((&x + &y).sum(&[], false).same_bits(&computed.sum(&[], false)));
    }

    #[test]
    fn operands_may_be_forgotten_before_the_result_is_read() {
        let x = noise(1);
        let before = crate::memory::live();
        let y = (&(&x * 2.0) + 1.0) * 2.0;
        assert!(crate::memory::live() < before + 4 * N, "nothing is computed yet");
        assert_eq!(y.at::<f32>(&[5]), (x.at::<f32>(&[5]) * 2.0 + 1.0) * 2.0);
    }
}
