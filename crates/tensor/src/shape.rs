//! Shapes: lengths of axes, broadcasting, and axes counted from the end.

use std::fmt;
use std::ops::Deref;

use smallvec::SmallVec;

use crate::layout::copied;

/// The length of each axis, outermost first. No axes: one element.
///
/// ```
/// use chainrule_tensor::Shape;
/// let shape = Shape::from([2, 3]);
/// assert_eq!(shape.count(), 6);
/// assert_eq!(Shape::from([]).count(), 1);
/// assert_eq!(shape.to_string(), "[2, 3]");
/// ```
#[derive(PartialEq, Eq, Hash, Default)]
pub struct Shape(SmallVec<[usize; 4]>);

impl Shape {
    /// The number of elements.
    ///
    /// # Panics
    /// When it does not fit a `usize`; [`Shape::checked_count`] tells instead.
    #[inline]
    #[track_caller]
    pub fn count(&self) -> usize {
        match self.checked_count() {
            Some(count) => count,
            None => panic!("shape {self} has more elements than an address space"),
        }
    }

    /// The number of elements, or `None` where it is beyond an address space. An axis of length zero does not make up for
    /// others that are too long: strides could not express them.
    #[inline]
    pub fn checked_count(&self) -> Option<usize> {
        let (mut others, mut empty) = (1usize, false);
        for &n in self.iter() {
            others = others.checked_mul(n.max(1))?;
            empty |= n == 0;
        }
        isize::try_from(others).ok()?;
        Some(if empty { 0 } else { others })
    }

    /// The shape with the axes for which `drop` holds set to length 1 or, unless `keep`, left out.
    pub fn reduced(&self, axes: &[usize], keep: bool) -> Shape {
        let kept = |&(i, &n): &(usize, &usize)| -> Option<usize> {
            match (axes.contains(&i), keep) {
                (false, _) => Some(n),
                (true, true) => Some(1),
                (true, false) => None,
            }
        };
        self.iter().enumerate().filter_map(|x| kept(&x)).collect()
    }

    pub(crate) fn push(&mut self, n: usize) {
        self.0.push(n);
    }

    pub(crate) fn insert(&mut self, axis: usize, n: usize) {
        self.0.insert(axis, n);
    }

    pub(crate) fn remove(&mut self, axis: usize) -> usize {
        self.0.remove(axis)
    }
}

impl Clone for Shape {
    /// Copies the lengths as a block; a derived `clone` would go one by one.
    #[inline]
    fn clone(&self) -> Shape {
        Shape(copied(&self.0))
    }
}

impl Deref for Shape {
    type Target = [usize];
    #[inline]
    fn deref(&self) -> &[usize] {
        &self.0
    }
}

impl std::ops::DerefMut for Shape {
    fn deref_mut(&mut self) -> &mut [usize] {
        &mut self.0
    }
}

impl FromIterator<usize> for Shape {
    fn from_iter<I: IntoIterator<Item = usize>>(iter: I) -> Self {
        Shape(iter.into_iter().collect())
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(dims: [usize; N]) -> Self {
        Shape(SmallVec::from_slice(&dims))
    }
}

impl<const N: usize> From<&[usize; N]> for Shape {
    fn from(dims: &[usize; N]) -> Self {
        Shape(SmallVec::from_slice(dims))
    }
}

impl From<&[usize]> for Shape {
    fn from(dims: &[usize]) -> Self {
        Shape(SmallVec::from_slice(dims))
    }
}

impl From<Vec<usize>> for Shape {
    fn from(dims: Vec<usize>) -> Self {
        Shape(SmallVec::from_vec(dims))
    }
}

impl From<&Vec<usize>> for Shape {
    fn from(dims: &Vec<usize>) -> Self {
        Shape(SmallVec::from_slice(dims))
    }
}

impl From<&Shape> for Shape {
    fn from(shape: &Shape) -> Self {
        shape.clone()
    }
}

impl From<usize> for Shape {
    fn from(n: usize) -> Self {
        Shape::from([n])
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:?}", &self[..]))
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const N: usize> PartialEq<[usize; N]> for Shape {
    fn eq(&self, other: &[usize; N]) -> bool {
        self[..] == other[..]
    }
}

impl PartialEq<[usize]> for Shape {
    fn eq(&self, other: &[usize]) -> bool {
        self[..] == *other
    }
}

/// Whether two shapes are the same, without the call that compares memory of any length.
#[inline]
pub(crate) fn same(a: &[usize], b: &[usize]) -> bool {
    a.len() == b.len() && (0..a.len()).all(|i| a[i] == b[i])
}

/// The shape in which `a` and `b` combine by NumPy's rule: aligned at the last axis, where each pair of lengths must be equal or
/// contain a 1. `None` where they do not.
///
/// ```
/// use chainrule_tensor::broadcast_shapes;
/// assert_eq!(broadcast_shapes(&[5, 1, 3], &[4, 3]).unwrap(), [5, 4, 3]);
/// assert!(broadcast_shapes(&[2], &[3]).is_none());
/// ```
pub fn broadcast_shapes(a: &[usize], b: &[usize]) -> Option<Shape> {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    let mut out = Shape::from(long);
    let skip = long.len() - short.len();
    for (o, &n) in out[skip..].iter_mut().zip(short) {
        match (*o, n) {
            (m, n) if m == n => {}
            (1, n) => *o = n,
            (_, 1) => {}
            _ => return None,
        }
    }
    Some(out)
}

/// An axis counted from the front, given one that may be negative and then counts from the end (−1 is the last).
///
/// # Panics
/// When there is no such axis: names the op, the rank and the range.
#[track_caller]
pub fn normalise_axis(op: &str, axis: isize, rank: usize) -> usize {
    let from_front = if axis < 0 { axis + rank as isize } else { axis };
    if from_front < 0 || from_front >= rank as isize {
        match rank {
            0 => panic!("{op}: axis {axis} of a tensor without axes"),
            _ => panic!("{op}: axis {axis} is out of range for {rank} axes (allowed: -{rank} to {})", rank - 1),
        }
    }
    from_front as usize
}

/// Several axes counted from the front, in ascending order; no axes given means all of them. A tensor without axes may be asked for
/// axis 0 or −1, as if it had one of length 1, and has none to name.
///
/// # Panics
/// When one does not exist or is named twice.
#[track_caller]
pub fn normalise_axes(op: &str, axes: &[isize], rank: usize) -> SmallVec<[usize; 4]> {
    if axes.is_empty() || rank == 0 && axes.iter().all(|axis| matches!(axis, 0 | -1)) {
        return (0..rank).collect();
    }
    let mut out: SmallVec<[usize; 4]> = SmallVec::new();
    for &axis in axes {
        let axis = normalise_axis(op, axis, rank);
        assert!(!out.contains(&axis), "{op}: axis {axis} is named twice in {axes:?}");
        out.push(axis);
    }
    out.sort_unstable();
    out
}
