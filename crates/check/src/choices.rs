//! Streams of choices: generated at random, made smaller when a check fails.
//!
//! [`Draw`](chainrule_autodiff::declare::Draw) turns a stream into a sample. It takes 0 for the simplest answer and 0s after the end, so
//! a stream that is shorter, or holds smaller numbers, gives a simpler sample.

use std::collections::VecDeque;
use std::ops::Range;

use proptest::collection::vec;
use proptest::strategy::{NewTree, Strategy, ValueTree};
use proptest::test_runner::TestRunner;

/// Numbers at the front that say how a case varies; they may become smaller but stay in their places.
pub(crate) const FRONT: usize = 3;
/// Numbers after them, for the sample.
const STREAM: Range<usize> = 24..224;
/// All numbers lie below.
const LIMIT: u64 = 1 << 16;
/// Numbers up to this, and so many of them, are made smaller two at a time.
const LARGEST_LENGTH: u64 = 8;
const PAIRED: usize = 8;
/// Simpler streams that are tried before the simplest so far is taken.
const PATIENCE: usize = 4000;

/// All streams.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choices;

impl Strategy for Choices {
    type Tree = Simpler;
    type Value = Vec<u64>;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Choices> {
        let lengths = FRONT + STREAM.start..FRONT + STREAM.end;
        Ok(Simpler::new(vec(0..LIMIT, lengths).new_tree(runner)?.current()))
    }
}

/// A way to make a stream simpler.
#[derive(Clone, Debug)]
enum Edit {
    /// Keep so many numbers.
    Cut(usize),
    /// Make these 0.
    Zero(Range<usize>),
    /// Leave these out.
    Delete(Range<usize>),
    /// Put a smaller number there.
    Lower(usize, u64),
    /// Put a smaller number in two places that hold the same: lengths that must agree, say.
    LowerBoth(usize, usize, u64),
}

impl Edit {
    /// The stream after the edit, if that makes it simpler.
    fn of(&self, numbers: &[u64]) -> Option<Vec<u64>> {
        let mut new = numbers.to_vec();
        match self.clone() {
            Edit::Cut(len) if len < numbers.len() => new.truncate(len),
            Edit::Zero(range) if range.end <= numbers.len() => new[range].fill(0),
            Edit::Delete(range) if range.end <= numbers.len() => drop(new.drain(range)),
            Edit::Lower(i, x) if i < numbers.len() && x < numbers[i] => new[i] = x,
            Edit::LowerBoth(i, j, x) if j < numbers.len() && x < numbers[i] && numbers[i] == numbers[j] => {
                (new[i], new[j]) = (x, x);
            }
            _ => return None,
        }
        (new != numbers).then_some(new)
    }
}

/// A stream on its way to a simpler one: edits are tried in rounds, until one round changes nothing.
#[derive(Debug)]
pub(crate) struct Simpler {
    now: Vec<u64>,
    /// Where `now` came from, until it is known whether it still fails.
    before: Vec<u64>,
    edits: VecDeque<Edit>,
    changed: bool,
    patience: usize,
}

impl Simpler {
    fn new(numbers: Vec<u64>) -> Simpler {
        let edits = edits(&numbers);
        Simpler { before: numbers.clone(), now: numbers, edits, changed: false, patience: PATIENCE }
    }

    fn try_next(&mut self) -> bool {
        while self.patience > 0 {
            let Some(edit) = self.edits.pop_front() else {
                if !self.changed {
                    return false;
                }
                (self.edits, self.changed) = (edits(&self.now), false);
                continue;
            };
            if let Some(simpler) = edit.of(&self.now) {
                self.before = std::mem::replace(&mut self.now, simpler);
                self.patience -= 1;
                return true;
            }
        }
        false
    }
}

impl ValueTree for Simpler {
    type Value = Vec<u64>;

    fn current(&self) -> Vec<u64> {
        self.now.clone()
    }

    fn simplify(&mut self) -> bool {
        self.changed |= self.now != self.before;
        self.before.clone_from(&self.now);
        self.try_next()
    }

    fn complicate(&mut self) -> bool {
        self.now.clone_from(&self.before);
        self.try_next()
    }
}

/// One round of edits: large ones first.
fn edits(numbers: &[u64]) -> VecDeque<Edit> {
    let n = numbers.len();
    let mut edits = VecDeque::new();
    let mut len = FRONT;
    while len < n {
        edits.push_back(Edit::Cut(len));
        len += (len - FRONT).max(1);
    }
    edits.extend((1..=3).rev().map(|less| Edit::Cut(n.saturating_sub(less).max(FRONT))));
    let blocks = |size: usize, from: usize| (from..n).step_by(size).map(move |at| at..(at + size).min(n));
    for size in [32, 8, 2, 1] {
        edits.extend(blocks(size, 0).map(Edit::Zero));
        edits.extend(blocks(size, FRONT).map(Edit::Delete));
    }
    for (i, &x) in numbers.iter().enumerate() {
        edits.extend(
            [1, 2, 3, 4, x / 256, x / 2, x - x / 8, x - x / 64, x.saturating_sub(1)].map(|lower| Edit::Lower(i, lower)),
        );
    }
    let small = |&(_, &x): &(usize, &u64)| (1..=LARGEST_LENGTH).contains(&x);
    let lengths: Vec<(usize, &u64)> = numbers.iter().enumerate().skip(FRONT).filter(small).take(PAIRED).collect();
    for (at, &(i, &x)) in lengths.iter().enumerate() {
        for &(j, _) in lengths[at + 1..].iter().filter(|(_, y)| **y == x) {
            edits.extend((0..x).map(|lower| Edit::LowerBoth(i, j, lower)));
        }
    }
    edits
}

#[cfg(test)]
mod tests {
    use proptest::test_runner::{Config, TestError, TestRunner};

    use super::*;

    fn simplest(fails: impl Fn(&[u64]) -> bool) -> Vec<u64> {
        let mut runner = TestRunner::deterministic();
        let tree = (0..100).map(|_| Choices.new_tree(&mut runner).unwrap()).find(|tree| fails(&tree.current()));
        let tree = tree.expect("a stream that fails");
        let test = |numbers: Vec<u64>| match fails(&numbers) {
            true => Err(proptest::test_runner::TestCaseError::fail("")),
            false => Ok(()),
        };
        let mut runner =
            TestRunner::new(Config { failure_persistence: None, max_shrink_iters: u32::MAX - 1, ..Config::default() });
        match runner.run_one(tree, test) {
            Err(TestError::Fail(_, numbers)) => numbers,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn streams_shrink_to_the_simplest_that_fails() {
        assert_eq!(simplest(|_| true), [0, 0, 0]);
        assert_eq!(simplest(|numbers| numbers.len() > 9), [0; 10]);
        assert_eq!(simplest(|numbers| numbers.iter().skip(FRONT).any(|&x| x >= 1000)), [0, 0, 0, 1000]);
        assert_eq!(simplest(|numbers| numbers[1] % 5 == 3), [0, 3, 0]);
        let pair = |numbers: &[u64]| numbers[FRONT..].windows(2).any(|pair| pair[0] % 7 == 4 && pair[1] % 3 == 2);
        assert_eq!(simplest(pair), [0, 0, 0, 4, 2]);
        let square =
            |numbers: &[u64]| numbers.len() > 6 && !numbers[3].is_multiple_of(5) && numbers[3] % 5 == numbers[6] % 5;
        assert_eq!(simplest(square), [0, 0, 0, 1, 0, 0, 1]);
    }
}
