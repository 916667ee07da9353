//! Gradient descent.

use chainrule_autodiff::Gradients;
use chainrule_tensor::io::Tensors;
use chainrule_tensor::{Real, Update, update};

use super::memory::Memory;
use super::{Optimizer, expect_fraction, expect_rate};
use crate::Module;
use crate::state::StateError;

/// Gradient descent, `θ ← θ − rate·g`; stochastic when the gradient is that of a random batch.
///
/// With momentum μ and dampening τ, the step follows a velocity instead: `v ← μ·v + (1 − τ)·g`, which is g itself in the first step, and
/// `θ ← θ − rate·v`. Nesterov's form looks ahead: `θ ← θ − rate·(g + μ·v)`. Weight decay λ adds λ·θ to g beforehand.
///
/// Sources: Robbins and Monro, 1951; Polyak, 1964; Nesterov, 1983, in the form of Sutskever et al., 2013.
///
/// ```
/// use chainrule_autodiff::Var;
/// use chainrule_nn::{Optimizer, Sgd};
/// let mut x = Var::leaf(3.0);
/// let mut descent = Sgd::new(0.1).momentum(0.9);
/// for _ in 0..200 {
///     let gradients = x.square().backward();
///     descent.step(&mut x, &gradients);
/// }
/// assert!(x.item().abs() < 1e-3);
/// ```
#[derive(Clone, Debug)]
pub struct Sgd {
    learning_rate: f64,
    momentum: f64,
    dampening: f64,
    nesterov: bool,
    weight_decay: f64,
    allow_missing: bool,
    memory: Memory,
}

impl Sgd {
    /// Plain gradient descent.
    ///
    /// # Panics
    /// When the learning rate is negative or not finite.
    #[track_caller]
    pub fn new(learning_rate: f64) -> Sgd {
        Sgd {
            learning_rate: expect_rate("learning rate", learning_rate),
            momentum: 0.0,
            dampening: 0.0,
            nesterov: false,
            weight_decay: 0.0,
            allow_missing: false,
            memory: Memory::new(&[]),
        }
    }

    /// How much of the velocity is kept from step to step. Forgets the velocity there is.
    ///
    /// # Panics
    /// When it is not in 0 to 1 (1 excluded).
    #[track_caller]
    pub fn momentum(mut self, momentum: f64) -> Sgd {
        self.momentum = expect_fraction("momentum", momentum);
        self.memory = Memory::new(if momentum > 0.0 { &["velocity"] } else { &[] });
        self
    }

    /// How much of the gradient does not go into the velocity.
    ///
    /// # Panics
    /// When it is not in 0 to 1 (1 excluded).
    #[track_caller]
    pub fn dampening(mut self, dampening: f64) -> Sgd {
        self.dampening = expect_fraction("dampening", dampening);
        self
    }

    /// Nesterov's look ahead. Has no effect without momentum.
    pub fn nesterov(mut self) -> Sgd {
        self.nesterov = true;
        self
    }

    /// How much of a parameter is added to its gradient.
    ///
    /// # Panics
    /// When it is negative or not finite.
    #[track_caller]
    pub fn weight_decay(mut self, weight_decay: f64) -> Sgd {
        self.weight_decay = expect_rate("weight decay", weight_decay);
        self
    }

    /// Lets trainable parameters pass that no gradient reached.
    pub fn allow_missing(mut self) -> Sgd {
        self.allow_missing = true;
        self
    }
}

impl Optimizer for Sgd {
    #[track_caller]
    fn step(&mut self, model: &mut dyn Module, gradients: &Gradients) {
        let plain = Plain { rate: self.learning_rate, decay: self.weight_decay };
        let (momentum, dampening, nesterov) = (self.momentum, self.dampening, self.nesterov);
        self.memory.step(model, gradients, self.allow_missing, &mut |theta, g, entry| {
            if momentum == 0.0 {
                return update::apply("step", [theta], g, &plain);
            }
            let (keep, take) = if entry.step == 1 { (0.0, 1.0) } else { (momentum, 1.0 - dampening) };
            let [v] = entry.tensors();
            let velocity = Velocity { plain, keep, take, ahead: nesterov.then_some(momentum) };
            update::apply("step", [theta, v], g, &velocity);
        });
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    #[track_caller]
    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.learning_rate = expect_rate("learning rate", learning_rate);
    }

    fn state(&self) -> Tensors {
        self.memory.state()
    }

    fn load_state(&mut self, state: &Tensors, model: &dyn Module) -> Result<(), StateError> {
        self.memory.load_state(state, model)
    }
}

/// θ − rate·(g + decay·θ)
#[derive(Clone, Copy)]
struct Plain {
    rate: f64,
    decay: f64,
}

impl Update<1> for Plain {
    #[inline(always)]
    fn at<T: Real>(&self, [theta]: [T; 1], g: T) -> [T; 1] {
        [theta - T::from_f64(self.rate) * (g + T::from_f64(self.decay) * theta)]
    }
}

/// θ − rate·v, or θ − rate·(g + ahead·v)
struct Velocity {
    plain: Plain,
    keep: f64,
    take: f64,
    ahead: Option<f64>,
}

impl Update<2> for Velocity {
    #[inline(always)]
    fn at<T: Real>(&self, [theta, v]: [T; 2], g: T) -> [T; 2] {
        let number = T::from_f64;
        let g = g + number(self.plain.decay) * theta;
        let v = number(self.keep) * v + number(self.take) * g;
        let step = match self.ahead {
            Some(momentum) => g + number(momentum) * v,
            None => v,
        };
        [theta - number(self.plain.rate) * step, v]
    }
}
