//! Sizes along spatial axes.

/// One number for each of `RANK` spatial axes; a single number stands for all of them.
///
/// ```
/// use chainrule_nn::Extent;
/// assert_eq!(Extent::<2>::from(3).0, [3, 3]);
/// assert_eq!(Extent::from([1, 5]).0, [1, 5]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent<const RANK: usize>(pub [usize; RANK]);

impl<const RANK: usize> From<usize> for Extent<RANK> {
    fn from(all: usize) -> Self {
        Extent([all; RANK])
    }
}

impl<const RANK: usize> From<[usize; RANK]> for Extent<RANK> {
    fn from(each: [usize; RANK]) -> Self {
        Extent(each)
    }
}
