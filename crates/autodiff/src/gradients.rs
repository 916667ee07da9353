//! What a backward pass returns: gradients, by leaf.

use std::collections::BTreeMap;
use std::ops::{Add, Index};

use chainrule_tensor::{DType, Tensor};

use crate::backward::expect_like;
use crate::var::Var;

/// Gradients by leaf. A value like any other: keep it, add two, drop it; there is nothing to reset.
///
/// `gradients[&w]` panics where no gradient reached `w`; [`get`](Gradients::get) returns an `Option`.
#[derive(Clone, Default, Debug)]
pub struct Gradients {
    /// Ordered, so that sums over all of them do not depend on how ids hash.
    of: BTreeMap<u64, Tensor>,
}

impl Gradients {
    pub(crate) fn new(of: impl Iterator<Item = (u64, Tensor)>) -> Gradients {
        let of: BTreeMap<u64, Tensor> = of.collect();
        of.values().for_each(Tensor::compute);
        Gradients { of }
    }

    /// The gradient for a leaf, if one reached it.
    pub fn get(&self, leaf: &Var) -> Option<&Tensor> {
        self.of.get(&leaf.id()?)
    }

    /// Replaces the gradient for a leaf, for instance with a clipped one.
    ///
    /// # Panics
    /// When the variable is a constant, or the shape or type differs.
    #[track_caller]
    pub fn set(&mut self, leaf: &Var, gradient: Tensor) {
        let Some(id) = leaf.id() else { panic!("set: {} has no gradient", leaf.describe()) };
        expect_like("set", leaf, &Var::constant(&gradient));
        self.of.insert(id, gradient);
    }

    /// The number of leaves that a gradient reached.
    pub fn len(&self) -> usize {
        self.of.len()
    }

    /// Whether no leaf was reached.
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// Every gradient times a number: the mean over shards, for instance.
    #[track_caller]
    pub fn scale(mut self, factor: f64) -> Gradients {
        self.of.values_mut().for_each(|g| *g = &*g * factor);
        self
    }

    /// The Euclidean length of all gradients taken as one vector.
    #[track_caller]
    pub fn norm(&self) -> f64 {
        let square = |g: &Tensor| {
            let g = if g.dtype().is_half() { g.cast(DType::F32) } else { g.clone() };
            (&g * &g).sum(&[], false).item()
        };
        self.of.values().map(square).sum::<f64>().sqrt()
    }

    /// Shortens all gradients by one factor so that their [`norm`](Gradients::norm) is at most `max`; returns what it was before. A norm
    /// that is infinite or NaN changes nothing.
    ///
    /// Source: Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks, 2013.
    ///
    /// # Panics
    /// When `max` is negative or NaN.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![F64; 3., 4.]);
    /// let mut gradients = (x.square() * 0.5).sum().backward();
    /// assert_eq!(gradients.clip_norm(1.0), 5.0);
    /// assert!((gradients.norm() - 1.0).abs() < 1e-15);
    /// ```
    #[track_caller]
    pub fn clip_norm(&mut self, max: f64) -> f64 {
        assert!(max >= 0.0, "clip_norm: no gradient has a norm of at most {max}");
        let norm = self.norm();
        if norm > max && norm.is_finite() {
            *self = std::mem::take(self).scale(max / norm);
        }
        norm
    }

    /// Moves every element of every gradient into the interval from `-limit` to `limit`. A NaN stays.
    ///
    /// # Panics
    /// When `limit` is negative or NaN.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![3., 0.25, -4.]);
    /// let mut gradients = x.square().sum().backward();
    /// gradients.clip_value(1.0);
    /// assert_eq!(gradients[&x].to_vec::<f32>(), [1., 0.5, -1.]);
    /// ```
    #[track_caller]
    pub fn clip_value(&mut self, limit: f64) {
        assert!(limit >= 0.0, "clip_value: no number is between {} and {limit}", -limit);
        let clip = |g: &Tensor| Var::constant(g).clamp(-limit, limit).value.clone();
        self.of.values_mut().for_each(|g| *g = clip(g));
    }
}

impl Index<&Var> for Gradients {
    type Output = Tensor;
    #[track_caller]
    fn index(&self, leaf: &Var) -> &Tensor {
        match self.get(leaf) {
            Some(gradient) => gradient,
            None if leaf.node().is_some_and(|node| !node.is_leaf()) => {
                panic!("{} is an intermediate, not a leaf; use grad(&y, &[&x]) for its gradient", leaf.describe())
            }
            None => panic!("no gradient reached {}: {}", leaf.describe(), why_not(leaf)),
        }
    }
}

impl Add for Gradients {
    type Output = Gradients;
    /// Leaf by leaf: the gradients of a sum of two losses, or of two shards of a batch.
    #[track_caller]
    fn add(mut self, other: Gradients) -> Gradients {
        for (id, gradient) in other.of {
            match self.of.entry(id) {
                std::collections::btree_map::Entry::Vacant(slot) => {
                    slot.insert(gradient);
                }
                std::collections::btree_map::Entry::Occupied(mut slot) => slot.get_mut().accumulate(&gradient),
            }
        }
        self
    }
}

/// The likely reason why no gradient reached a variable.
pub(crate) fn why_not(x: &Var) -> &'static str {
    if x.is_tracked() {
        "what was differentiated does not depend on it, or detach() cut the way (backward_report names the place)"
    } else {
        "gradients exist for leaves (Var::leaf) and what is computed from them"
    }
}
