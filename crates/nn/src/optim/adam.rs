//! Adam and AdamW.

use chainrule_autodiff::Gradients;
use chainrule_tensor::io::Tensors;
use chainrule_tensor::{Real, Update, update};

use super::memory::Memory;
use super::{Optimizer, expect_fraction, expect_rate};
use crate::Module;
use crate::state::StateError;

/// Steps whose length follows each number's own gradients: their mean over their root mean square.
///
/// ```text
/// m ← β₁·m + (1 − β₁)·g        m̂ = m / (1 − β₁ᵗ)
/// v ← β₂·v + (1 − β₂)·g²       v̂ = v / (1 − β₂ᵗ)
/// θ ← θ − rate · m̂ / (√v̂ + ε)
/// ```
///
/// t counts a parameter's steps from 1. Weight decay λ adds λ·θ to g beforehand; for the decoupled form see [`AdamW`].
///
/// Source: Kingma and Ba, Adam, 2015.
///
/// ```
/// use chainrule_autodiff::Var;
/// use chainrule_nn::{Adam, Optimizer};
/// let mut x = Var::leaf(3.0);
/// let mut adam = Adam::new(0.1);
/// let gradients = x.square().backward();
/// adam.step(&mut x, &gradients);
/// assert!((x.item() - 2.9).abs() < 1e-6); // the first step has the length of the rate
/// ```
#[derive(Clone, Debug)]
pub struct Adam {
    options: Options,
    memory: Memory,
}

#[derive(Clone, Copy, Debug)]
struct Options {
    learning_rate: f64,
    betas: [f64; 2],
    eps: f64,
    weight_decay: f64,
    decoupled: bool,
    allow_missing: bool,
}

/// [`Adam`] whose weight decay stays out of the gradient: `θ ← θ − rate·λ·θ` before each step, λ being 0.01 unless set.
///
/// Source: Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2019.
///
/// ```
/// use chainrule_autodiff::Var;
/// use chainrule_nn::{AdamW, Optimizer};
/// let mut x = Var::leaf(2.0);
/// let mut adam = AdamW::new(0.1).weight_decay(0.5);
/// let gradients = (&x * 0.0).backward();
/// adam.step(&mut x, &gradients);
/// assert!((x.item() - 1.9).abs() < 1e-12); // no gradient, but decay
/// ```
#[derive(Clone, Debug)]
pub struct AdamW(Adam);

impl Adam {
    /// β₁ = 0.9, β₂ = 0.999, ε = 1e-8 and no weight decay.
    ///
    /// # Panics
    /// When the learning rate is negative or not finite.
    #[track_caller]
    pub fn new(learning_rate: f64) -> Adam {
        let options = Options {
            learning_rate: expect_rate("learning rate", learning_rate),
            betas: [0.9, 0.999],
            eps: 1e-8,
            weight_decay: 0.0,
            decoupled: false,
            allow_missing: false,
        };
        Adam { options, memory: Memory::new(&["m", "v"]) }
    }

    /// How much of the mean gradient and of the mean square is kept from step to step.
    ///
    /// # Panics
    /// When one is not in 0 to 1 (1 excluded).
    #[track_caller]
    pub fn betas(mut self, mean: f64, square: f64) -> Adam {
        self.options.betas = [expect_fraction("betas", mean), expect_fraction("betas", square)];
        self
    }

    /// What keeps the division away from zero.
    ///
    /// # Panics
    /// When it is negative or not finite.
    #[track_caller]
    pub fn eps(mut self, eps: f64) -> Adam {
        self.options.eps = expect_rate("eps", eps);
        self
    }

    /// How much of a parameter is added to its gradient.
    ///
    /// # Panics
    /// When it is negative or not finite.
    #[track_caller]
    pub fn weight_decay(mut self, weight_decay: f64) -> Adam {
        self.options.weight_decay = expect_rate("weight decay", weight_decay);
        self
    }

    /// Lets trainable parameters pass that no gradient reached.
    pub fn allow_missing(mut self) -> Adam {
        self.options.allow_missing = true;
        self
    }
}

impl Options {
    /// What the t-th step does to a number.
    fn rule(&self, t: i64) -> Moments {
        let t = i32::try_from(t).unwrap_or(i32::MAX);
        let [b1, b2] = self.betas;
        let [decay, shrink] = match self.decoupled {
            true => [0.0, 1.0 - self.learning_rate * self.weight_decay],
            false => [self.weight_decay, 1.0],
        };
        Moments {
            betas: self.betas,
            rate: self.learning_rate / (1.0 - b1.powi(t)),
            root: 1.0 / (1.0 - b2.powi(t)).sqrt(),
            eps: self.eps,
            decay,
            shrink,
        }
    }
}

impl AdamW {
    /// β₁ = 0.9, β₂ = 0.999, ε = 1e-8 and weight decay 0.01.
    ///
    /// # Panics
    /// When the learning rate is negative or not finite.
    #[track_caller]
    pub fn new(learning_rate: f64) -> AdamW {
        let mut adam = Adam::new(learning_rate).weight_decay(0.01);
        adam.options.decoupled = true;
        AdamW(adam)
    }

    /// See [`Adam::betas`].
    ///
    /// # Panics
    /// When one is not in 0 to 1 (1 excluded).
    #[track_caller]
    pub fn betas(self, mean: f64, square: f64) -> AdamW {
        AdamW(self.0.betas(mean, square))
    }

    /// See [`Adam::eps`].
    ///
    /// # Panics
    /// When it is negative or not finite.
    #[track_caller]
    pub fn eps(self, eps: f64) -> AdamW {
        AdamW(self.0.eps(eps))
    }

    /// How much of a parameter, times the learning rate, is taken off before a step.
    ///
    /// # Panics
    /// When it is negative or not finite.
    #[track_caller]
    pub fn weight_decay(self, weight_decay: f64) -> AdamW {
        AdamW(self.0.weight_decay(weight_decay))
    }

    /// Lets trainable parameters pass that no gradient reached.
    pub fn allow_missing(self) -> AdamW {
        AdamW(self.0.allow_missing())
    }
}

impl Optimizer for Adam {
    #[track_caller]
    fn step(&mut self, model: &mut dyn Module, gradients: &Gradients) {
        let options = self.options;
        self.memory.step(model, gradients, options.allow_missing, &mut |theta, g, entry| {
            let rule = options.rule(entry.step);
            let [m, v] = entry.tensors();
            update::apply("step", [theta, m, v], g, &rule);
        });
    }

    fn learning_rate(&self) -> f64 {
        self.options.learning_rate
    }

    #[track_caller]
    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.options.learning_rate = expect_rate("learning rate", learning_rate);
    }

    fn state(&self) -> Tensors {
        self.memory.state()
    }

    fn load_state(&mut self, state: &Tensors, model: &dyn Module) -> Result<(), StateError> {
        self.memory.load_state(state, model)
    }
}

impl Optimizer for AdamW {
    #[track_caller]
    fn step(&mut self, model: &mut dyn Module, gradients: &Gradients) {
        self.0.step(model, gradients);
    }

    fn learning_rate(&self) -> f64 {
        self.0.learning_rate()
    }

    #[track_caller]
    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.0.set_learning_rate(learning_rate);
    }

    fn state(&self) -> Tensors {
        self.0.state()
    }

    fn load_state(&mut self, state: &Tensors, model: &dyn Module) -> Result<(), StateError> {
        self.0.load_state(state, model)
    }
}

/// One step, with the corrections for t put into `rate` and `root`: rate·m / (√v·root + ε).
struct Moments {
    betas: [f64; 2],
    rate: f64,
    root: f64,
    eps: f64,
    decay: f64,
    shrink: f64,
}

impl Update<3> for Moments {
    #[inline(always)]
    fn at<T: Real>(&self, [theta, m, v]: [T; 3], g: T) -> [T; 3] {
        let number = T::from_f64;
        let [b1, b2] = self.betas;
        let g = g + number(self.decay) * theta;
        let m = number(b1) * m + number(1.0 - b1) * g;
        let v = number(b2) * v + number(1.0 - b2) * (g * g);
        let step = number(self.rate) * m / (v.sqrt() * number(self.root) + number(self.eps));
        [number(self.shrink) * theta - step, m, v]
    }
}
