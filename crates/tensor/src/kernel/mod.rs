//! The only place that touches memory, and the only one with `unsafe`.
//!
//! A small closed set of loops over strided tensors. None of them knows what a derivative is; a second device would be a
//! sibling of this folder with the same functions.

pub(crate) mod attention;
pub(crate) mod blocks;
pub mod buffer;
pub(crate) mod convolution;
pub(crate) mod copy;
pub(crate) mod deferred;
pub(crate) mod dispatch;
pub(crate) mod elementary;
#[cfg(feature = "fft")]
pub(crate) mod fourier;
pub(crate) mod gemm;
pub mod lane;
mod lanes;
pub(crate) mod line;
pub mod map;
pub mod memory;
pub(crate) mod norm;
pub mod parallel;
pub(crate) mod philox;
pub(crate) mod pooling;
pub(crate) mod recurrent;
pub(crate) mod reduction;
pub(crate) mod resampling;
pub mod rows;
pub(crate) mod scan;
pub(crate) mod selection;
pub mod storage;
mod transposition;
pub mod update;
#[cfg(target_arch = "x86_64")]
mod vector;
#[cfg(feature = "threads")]
mod workers;
