//! Linear algebra on the last two axes: factorisations, and what is solved and measured with them.
//!
//! Where a rule comes from a paper, its file says which.

pub mod cholesky;
pub mod det;
pub mod eigen;
pub mod function;
pub mod lu;
pub mod norm;
mod parts;
pub mod pinv;
pub mod qr;
pub mod solve;
pub mod svd;
pub mod triangular;

pub use norm::MatrixNorm;

use crate::declare::Declaration;

/// What these ops say about themselves, family by family.
pub(crate) const DECLARED: &[&[Declaration]] = &[
    solve::DECLARED,
    triangular::DECLARED,
    cholesky::DECLARED,
    lu::DECLARED,
    det::DECLARED,
    qr::DECLARED,
    eigen::DECLARED,
    svd::DECLARED,
    pinv::DECLARED,
    norm::DECLARED,
    function::DECLARED,
];
