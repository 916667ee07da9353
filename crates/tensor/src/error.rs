//! What can be wrong with data from outside.

use crate::dtype::DType;
use crate::shape::Shape;

/// Why numbers and a shape do not make a tensor.
///
/// ```
/// use chainrule_tensor::{ShapeError, Tensor};
/// let wrong = Tensor::try_from_vec(vec![1.0, 2.0, 3.0], [2, 2]);
/// assert!(matches!(wrong, Err(ShapeError::Count { .. })));
/// assert_eq!(wrong.unwrap_err().to_string(), "shape [2, 2] holds 4 elements, but 3 were given");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// The number of elements differs from what the shape holds.
    #[error("shape {shape} holds {wanted} elements, but {given} were given")]
    Count {
        /// The shape that was asked for.
        shape: Shape,
        /// How many elements it holds.
        wanted: usize,
        /// How many there are.
        given: usize,
    },
    /// The number of elements or bytes does not fit the address space.
    #[error("a tensor of shape {shape} and type {dtype} is larger than an address space")]
    TooLarge {
        /// The shape that was asked for.
        shape: Shape,
        /// The element type.
        dtype: DType,
    },
    /// Nested arrays or rows differ in length.
    #[error("row {row} has {given} elements, but row 0 has {wanted}")]
    Ragged {
        /// The row at fault.
        row: usize,
        /// Its length.
        given: usize,
        /// The length of row 0.
        wanted: usize,
    },
}
