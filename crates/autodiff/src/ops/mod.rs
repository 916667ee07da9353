//! The ops: one file per family, each op a formula and its rule in one place.
//!
//! - [`elementwise`], [`activation`], [`rounding`]: one number in, one number out. A row holds the formula, its slope and its domain.
//! - [`special`]: special functions, whose slopes are special functions again.
//! - [`clamp`], [`classify`]: limits; what kind of number an element is.
//! - [`gate`]: activations with a second operand.
//! - [`arithmetic`], [`binary`]: `+ − × ÷`, powers, extrema, remainders: two numbers in.
//! - [`compare`]: relations and logic, through which no derivative flows.
//! - [`extrema`], [`order`], [`quantile`]: choices among many numbers; [`moments`], [`vector_norm`], [`segment`]: what is made of them all;
//!   [`scan`]: what depends on the element before.
//! - [`shape`], [`axes`], [`expand`], [`part`], [`reduce`], [`index`], [`embedding`]: linear ops, whose rule is their adjoint partner.
//! - [`join`], [`cut`], [`combine`], [`arrange`], [`pixels`], [`diagonal`], [`pad`], [`advanced`], [`mask`], [`scatter`],
//!   [`scatter_reduce`], [`search`]: those made of them, which move or choose elements.
//! - [`matmul`], [`product`], [`mod@einsum`], [`conv`]: products, linear in each of two arguments.
//! - [`linalg`]: factorisations of matrices, equations, determinants, norms.
//! - [`fold`], [`interpolate`]: windows and resolutions of signals and images, linear too; so are, with the feature `fft`, Fourier transforms and
//!   spectra over time (`fft`, `fftn`, `stft`).
//! - [`pool`], [`adaptive_pool`], [`unpool`], [`grid_sample`], [`distance`], [`softmax`], [`norm`], [`loss`], [`dropout`]: composites of the others.

pub mod activation;
pub mod adaptive_pool;
pub mod advanced;
pub mod arithmetic;
pub mod arrange;
pub mod attention;
pub mod axes;
pub mod binary;
pub mod clamp;
pub mod classify;
pub mod combine;
pub mod compare;
pub mod conv;
pub mod cut;
pub mod diagonal;
pub mod distance;
pub mod dropout;
pub mod einsum;
pub mod elementwise;
pub mod embedding;
pub mod expand;
pub mod extrema;
#[cfg(feature = "fft")]
pub mod fft;
#[cfg(feature = "fft")]
pub mod fftn;
pub mod fold;
pub mod formula;
pub mod gate;
pub mod grid_sample;
pub mod index;
pub mod interpolate;
pub mod join;
pub mod linalg;
pub mod loss;
pub mod mask;
pub mod matmul;
pub mod moments;
pub mod norm;
pub mod order;
pub mod pad;
pub mod part;
pub mod pixels;
pub mod pool;
pub mod product;
pub mod quantile;
pub mod recurrent;
pub mod reduce;
pub mod rounding;
pub mod scan;
pub mod scatter;
pub mod scatter_reduce;
pub mod search;
pub mod segment;
pub mod shape;
pub mod similarity;
pub mod softmax;
pub mod special;
#[cfg(feature = "fft")]
pub mod stft;
pub mod unpool;
pub mod vector_norm;

#[cfg(feature = "declarations")]
use crate::declare::Declaration;

/// Every declaration, family by family. Behind the feature `declarations`: samples of each op are for its checks and its documentation, and
/// whoever only computes need not build them.
///
/// ```
/// let ops = chainrule_autodiff::ops::declarations();
/// assert!(ops.iter().any(|op| op.name == "tanh" && op.rule == "g · (1.0 - y * y)"));
/// ```
#[cfg(feature = "declarations")]
pub fn declarations() -> Vec<&'static Declaration> {
    [
        elementwise::ROWS,
        elementwise::DECLARED,
        activation::ROWS,
        activation::DECLARED,
        gate::DECLARED,
        rounding::ROWS,
        rounding::DECLARED,
        clamp::DECLARED,
        classify::DECLARED,
        special::gamma::ROWS,
        special::gamma::PAIRS,
        special::gamma::DECLARED,
        special::normal::ROWS,
        special::normal::DECLARED,
        special::bessel::ROWS,
        special::bessel::DECLARED,
        arithmetic::PAIRS,
        arithmetic::DECLARED,
        binary::PAIRS,
        binary::DECLARED,
        compare::DECLARED[0],
        compare::DECLARED[1],
        compare::DECLARED[2],
        shape::DECLARED,
        axes::DECLARED,
        expand::DECLARED,
        part::DECLARED,
        join::DECLARED,
        cut::DECLARED,
        combine::DECLARED,
        arrange::DECLARED,
        pixels::DECLARED,
        diagonal::DECLARED,
        pad::DECLARED,
        reduce::DECLARED,
        extrema::DECLARED,
        moments::DECLARED,
        vector_norm::DECLARED,
        scan::DECLARED,
        order::DECLARED,
        quantile::DECLARED,
        segment::DECLARED,
        index::DECLARED,
        embedding::DECLARED,
        advanced::DECLARED,
        mask::DECLARED,
        scatter::DECLARED,
        scatter_reduce::DECLARED,
        search::DECLARED,
        matmul::DECLARED,
        einsum::DECLARED,
        product::SUMS,
        product::DECLARED,
        distance::DECLARED,
        conv::DECLARED,
        fold::DECLARED,
        pool::DECLARED,
        adaptive_pool::DECLARED,
        unpool::DECLARED,
        interpolate::DECLARED,
        grid_sample::DECLARED,
        #[cfg(feature = "fft")]
        fft::DECLARED,
        #[cfg(feature = "fft")]
        fftn::DECLARED,
        #[cfg(feature = "fft")]
        stft::DECLARED,
        softmax::DECLARED,
        norm::DECLARED,
        norm::batch::DECLARED,
        norm::layer::DECLARED,
        norm::weight::DECLARED,
        loss::distance::DECLARED,
        loss::classes::DECLARED,
        loss::binary::DECLARED,
        loss::distribution::DECLARED,
        loss::margin::DECLARED,
        loss::pairs::DECLARED,
        loss::ctc::DECLARED,
        similarity::DECLARED,
        attention::DECLARED,
        attention::flash::DECLARED,
        attention::heads::DECLARED,
        attention::rope::DECLARED,
        attention::linear::DECLARED,
        recurrent::cell::DECLARED,
        recurrent::sequence::DECLARED,
        dropout::DECLARED,
    ]
    .into_iter()
    .chain(linalg::DECLARED.iter().copied())
    .flatten()
    .collect()
}
