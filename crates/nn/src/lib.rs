//! Models as plain structs: layers, initialisers, losses and optimisers.
//!
//! - [`Module`] finds the parameters of a struct by path; [`Layer`] adds `forward`.
//! - Layers: [`Linear`], [`Conv2d`] and its sisters, [`MaxPool2d`], [`AvgPool2d`], [`BatchNorm`], [`LayerNorm`], [`GroupNorm`], [`Dropout`], [`Embedding`],
//!   [`Flatten`], [`Lstm`], [`Gru`], [`MultiheadAttention`], [`TransformerEncoderLayer`], activations such as [`Relu`], and [`Sequential`].
//! - [`init`]: what weights start with.
//! - Losses: [`mse_loss`] and [`cross_entropy`].
//! - Optimisers: [`Sgd`], [`Adam`] and [`AdamW`].
//!
//! ```
//! use chainrule_autodiff::Var;
//! use chainrule_nn::{Adam, Layer, Linear, Module, Optimizer};
//! use chainrule_tensor::{tensor, Rng};
//!
//! #[derive(Clone, Module)]
//! # #[module(crate = chainrule_nn)]
//! struct Xor {
//!     hidden: Linear,
//!     output: Linear,
//! }
//!
//! impl Xor {
//!     fn forward(&self, x: &Var) -> Var {
//!         self.output.forward(&self.hidden.forward(x).tanh())
//!     }
//! }
//!
//! let mut rng = Rng::seed(1);
//! let mut model = Xor { hidden: Linear::new(2, 8, &mut rng), output: Linear::new(8, 1, &mut rng) };
//! let x = Var::constant(tensor![[0., 0.], [0., 1.], [1., 0.], [1., 1.]]);
//! let y = Var::constant(tensor![[0.], [1.], [1.], [0.]]);
//! let mut adam = Adam::new(0.05);
//! for _ in 0..200 {
//!     let loss = model.forward(&x).mse_loss(&y);
//!     adam.step(&mut model, &loss.backward());
//! }
//! assert!(model.frozen().forward(&x).mse_loss(&y).item() < 0.01);
//! ```

#![forbid(unsafe_code)]

pub mod init;
mod layer;
mod layers;
mod loss;
mod module;
mod optim;
mod part;
pub mod state;
pub mod summary;
pub mod visit;
mod walk;

pub use layer::Layer;
pub use layers::*;
pub use loss::{CrossEntropy, Reduce, cross_entropy, mse_loss};
pub use module::Module;
pub use optim::{Adam, AdamW, Optimizer, Sgd};
pub use part::{Buffer, Mode};
pub use state::StateError;
pub use summary::Summary;
pub use visit::{Visitor, VisitorMut};

pub use chainrule_derive::Module;
