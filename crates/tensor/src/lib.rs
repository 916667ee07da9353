//! Numbers in a shape.
//!
//! A [`Tensor`] is a shared, reference-counted buffer and a [`Layout`] that says how to walk it: shape, strides and
//! offset. Views (slices, permutations, expansions, flips) share the buffer; every kernel accepts any layout,
//! any number of axes including none, and axes of length zero. This crate knows no calculus.
//!
//! ```
//! use chainrule_tensor::{tensor, Tensor};
//! let a = tensor![[1., 2., 3.], [4., 5., 6.]];
//! assert_eq!(a.t().shape(), [3, 2]);
//! assert_eq!((&a * 2.0).sum(&[0], false).to_vec::<f32>(), [10., 14., 18.]);
//! ```
//!
//! Rules that hold throughout:
//!
//! - Element types are dynamic ([`DType`]) and are never promoted silently: mixing them panics and names
//!   [`Tensor::cast`]. Half-precision types are storage; their kernels compute in `f32`.
//! - Misuse panics on the caller's line; data from outside (files, lengths known only at run time) comes through
//!   functions that return a [`Result`].
//! - Results never depend on the number of threads.

mod arithmetic;
mod attention;
mod cast;
mod classify;
mod compare;
mod construct;
mod conv;
mod division;
mod dtype;
mod error;
#[cfg(feature = "fft")]
mod fft;
mod fmt;
mod fold;
mod histogram;
mod index;
#[cfg(feature = "io")]
pub mod io;
pub mod kernel;
mod layout;
mod linalg;
mod logic;
mod matmul;
mod order;
mod pattern;
mod pool;
mod random;
mod recurrent;
mod reduce;
mod resample;
mod resize;
mod sample;
mod scan;
mod search;
mod shape;
mod signal;
pub mod special;
mod strided;
mod tensor;
mod view;

pub use attention::Attention;
pub use compare::Comparison;
pub use construct::{Literal, Nested};
pub use conv::Window;
pub use dtype::{DType, Element, Number};
pub use error::ShapeError;
pub use kernel::lane::{Holds, Lane, Real, when};
pub use kernel::map::{Map, Zip, Zip3, ZipNumber};
pub use kernel::norm::{ChannelNormalisation, Normalisation};
pub use kernel::rows::{self, Rows};
pub use kernel::update::{self, Update};
pub use kernel::{memory, parallel};
pub use layout::Layout;
pub use linalg::{LinalgError, Lu, Svd};
pub use pool::Chosen;
pub use random::Rng;
pub use recurrent::{Recurrence, RecurrentGradients, RecurrentPass};
pub use reduce::Reduction;
pub use resample::Taps;
pub use resize::{Interpolation, Resize};
pub use shape::{Shape, broadcast_shapes, normalise_axes, normalise_axis};
pub use tensor::Tensor;
pub use view::{Slice, s};

pub use half::{bf16, f16};
