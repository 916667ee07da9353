//! How PyTorch's operators are said in chainrule: one table per family, by names of operators and arguments.

mod activation;
mod attention;
mod binary;
mod compare;
mod conv;
mod diagonal;
mod einsum;
mod index;
mod linalg;
mod loss;
mod matmul;
mod norm;
mod order;
mod pad;
mod pool;
mod reduce;
mod resize;
mod scan;
mod shape;
mod softmax;
mod special;
mod unary;

use crate::call::Mapping;

/// A family's operators.
type Table = &'static [(&'static str, Mapping)];

#[rustfmt::skip]
const FAMILIES: &[Table] = &[
    activation::OPS,
    binary::OPS,
    attention::OPS,
    compare::OPS,
    conv::OPS,
    einsum::OPS,
    linalg::OPS,
    matmul::OPS,
    order::OPS,
    pool::OPS,
    reduce::OPS,
    resize::OPS,
    loss::OPS,
    norm::OPS,
    scan::OPS,
    softmax::OPS,
    special::OPS,
    unary::OPS,
    shape::OPS,
    index::OPS,
    diagonal::OPS,
    pad::OPS,
];

/// The mapping of an operator.
pub fn find(op: &str) -> Option<Mapping> {
    FAMILIES.iter().flat_map(|table| table.iter()).find(|(name, _)| *name == op).map(|(_, mapping)| *mapping)
}
