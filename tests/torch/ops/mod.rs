//! How PyTorch's operators are said in chainrule: one table per family, by names of operators and arguments.

mod softmax;

use crate::call::Mapping;

/// A family's operators.
type Table = &'static [(&'static str, Mapping)];

#[rustfmt::skip]
const FAMILIES: &[Table] = &[
    softmax::OPS,
];

/// The mapping of an operator.
pub fn find(op: &str) -> Option<Mapping> {
    FAMILIES.iter().flat_map(|table| table.iter()).find(|(name, _)| *name == op).map(|(_, mapping)| *mapping)
}
