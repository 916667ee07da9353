//! What can be wrong with a matrix.

/// Why a matrix has no such factorisation or inverse.
///
/// ```
/// use chainrule_tensor::{LinalgError, tensor};
/// let wrong = tensor![[1., 2.], [2., 4.]].try_inv();
/// assert!(matches!(wrong, Err(LinalgError::Singular { pivot: 1, .. })));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinalgError {
    /// A matrix that must have an inverse has none.
    #[error(
        "{op}: matrix {matrix} of the batch is singular: elimination leaves 0 as pivot {pivot}; \
         pinv and lstsq take such matrices, and adding a small multiple of the identity makes them regular"
    )]
    Singular {
        /// The function that was asked.
        op: &'static str,
        /// The number of the matrix in its batch, counted in row-major order.
        matrix: usize,
        /// The column, counted from 0, that depends on those before it.
        pivot: usize,
    },
    /// A matrix that must be positive definite is not.
    #[error(
        "{op}: matrix {matrix} of the batch is not positive definite: its leading minor of order {order} is not positive; \
         adding a small multiple of the identity may make it so"
    )]
    NotPositiveDefinite {
        /// The function that was asked.
        op: &'static str,
        /// The number of the matrix in its batch, counted in row-major order.
        matrix: usize,
        /// The smallest order of a minor that is not positive, counted from 1.
        order: usize,
    },
}
