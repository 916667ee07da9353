//! The tensor itself: what it is made of and how to look into it.

use std::sync::Arc;

use crate::dtype::{DType, Element, each_dtype};
use crate::kernel::buffer::{Buffer, Fill};
use crate::kernel::deferred::Formula;
use crate::kernel::storage::Storage;
use crate::layout::Layout;
use crate::shape::{Shape, normalise_axis};

/// Numbers in a shape.
///
/// Cloning shares the numbers and costs a reference count. A tensor is never changed behind the back of another one that
/// shares its buffer: writing happens only where the buffer has one owner, else on a copy.
///
/// ```
/// use chainrule_tensor::{tensor, DType};
/// let x = tensor![[1., 2., 3.], [4., 5., 6.]];
/// assert_eq!((x.shape(), x.dtype(), x.len()), (&[2, 3][..], DType::F32, 6));
/// assert_eq!(x.at::<f32>(&[1, 0]), 4.0);
/// ```
#[derive(Clone)]
pub struct Tensor {
    pub(crate) storage: Storage,
    pub(crate) layout: Layout,
}

impl Tensor {
    /// A dense tensor of `shape` whose elements `fill` writes; what the slice holds before is unspecified.
    #[inline]
    #[track_caller]
    pub(crate) fn build<T: Element>(shape: impl Into<Shape>, mut fill: impl FnMut(&mut [T])) -> Tensor {
        Tensor::filled(shape.into(), &mut fill)
    }

    /// Through a pointer, so that this is compiled once per type, and not for each that fills a tensor.
    #[track_caller]
    fn filled<T: Element>(shape: Shape, fill: &mut dyn Fill<T>) -> Tensor {
        Tensor::inlined(shape, |out| fill.fill(out))
    }

    /// [`build`](Tensor::build), compiled into its caller: for the few that make many small tensors.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn inlined<T: Element>(shape: Shape, fill: impl FnOnce(&mut [T])) -> Tensor {
        let storage = T::wrap(Buffer::inlined(shape.count(), fill));
        Tensor { storage, layout: Layout::dense(shape) }
    }

    pub(crate) fn with_layout(&self, layout: impl Into<Layout>) -> Tensor {
        Tensor { storage: self.storage.clone(), layout: layout.into() }
    }

    /// The length of each axis, outermost first.
    #[inline]
    pub fn shape(&self) -> &[usize] {
        &self.layout.shape
    }

    /// The shape as an owned value.
    #[inline]
    pub fn to_shape(&self) -> Shape {
        self.layout.shape.clone()
    }

    /// Shape, strides and offset.
    #[inline]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The length of one axis; negative axes count from the end.
    ///
    /// # Panics
    /// When there is no such axis.
    #[track_caller]
    pub fn size(&self, axis: isize) -> usize {
        self.shape()[normalise_axis("size", axis, self.rank())]
    }

    /// The number of axes.
    #[inline]
    pub fn rank(&self) -> usize {
        self.layout.shape.len()
    }

    /// The number of elements.
    #[allow(clippy::len_without_is_empty)]
    #[inline]
    pub fn len(&self) -> usize {
        self.layout.shape.count()
    }

    /// Whether an axis has length zero.
    pub fn is_empty(&self) -> bool {
        self.layout.shape.contains(&0)
    }

    /// The type of the elements.
    #[inline]
    pub fn dtype(&self) -> DType {
        self.storage.dtype()
    }

    /// Whether the elements lie one after the other in row-major order.
    #[inline]
    pub fn is_contiguous(&self) -> bool {
        self.layout.is_dense()
    }

    /// Bytes of the elements that this tensor shows (not of the buffer it may share).
    pub fn bytes(&self) -> usize {
        self.len() * self.dtype().size()
    }

    /// Whether both show numbers of the same buffer.
    pub fn shares_memory(&self, other: &Tensor) -> bool {
        self.storage.len() > 0 && self.storage.address() == other.storage.address()
    }

    /// An identity of the buffer: equal for tensors that share memory. For counting bytes once.
    pub fn memory_id(&self) -> usize {
        self.storage.address()
    }

    /// Has the elements computed, if they are not yet: large results of elementwise operations wait until somebody reads them, so that a chain of
    /// operations costs one pass over memory. Reading does it, too; this is for measuring time, and for freeing what a result is computed from.
    ///
    /// ```
    /// use chainrule_tensor::{DType, Tensor};
    /// let x = Tensor::ones([1 << 20], DType::F32);
    /// let y = (&x * 2.0 + 1.0) * &x; // takes no time yet
    /// y.compute();
    /// assert_eq!(y.at::<f32>(&[7]), 3.0);
    /// ```
    pub fn compute(&self) {
        each_dtype!(self.dtype(), T => if let Some(buffer) = T::buffer(&self.storage) { buffer.as_slice(); });
    }

    /// What the elements will be computed by, while they are not and this tensor shows all of them in order.
    pub(crate) fn formula<T: Element>(&self) -> Option<Arc<Formula<T>>> {
        let whole = self.is_contiguous() && self.layout.offset == 0 && self.storage.len() == self.len();
        T::buffer(&self.storage)?.formula().filter(|_| whole)
    }

    /// The same shape and type without the numbers. Reading a ghost panics; tapes keep one of what a rule does not save.
    ///
    /// ```should_panic
    /// # use chainrule_tensor::tensor;
    /// tensor![1., 2.].ghost().to_vec::<f32>();
    /// ```
    #[inline]
    pub fn ghost(&self) -> Tensor {
        Tensor { layout: Layout::dense(self.to_shape()), storage: Storage::Ghost(self.dtype()) }
    }

    /// Whether this is a [`ghost`](Tensor::ghost).
    #[inline]
    pub fn is_ghost(&self) -> bool {
        matches!(self.storage, Storage::Ghost(_))
    }

    /// The elements as one slice, if they lie dense in memory.
    ///
    /// # Panics
    /// When the tensor does not hold `T`.
    ///
    /// ```
    /// let x = chainrule_tensor::tensor![[1., 2.], [3., 4.]];
    /// assert_eq!(x.as_slice::<f32>(), Some(&[1., 2., 3., 4.][..]));
    /// assert_eq!(x.t().as_slice::<f32>(), None);
    /// ```
    #[track_caller]
    pub fn as_slice<T: Element>(&self) -> Option<&[T]> {
        let all = self.storage.slice::<T>();
        self.is_contiguous().then(|| match self.len() {
            0 => &[],
            n => &all[self.layout.offset..][..n],
        })
    }

    /// The elements in row-major order.
    ///
    /// # Panics
    /// When the tensor does not hold `T`: convert with [`Tensor::cast`] first.
    ///
    /// ```
    /// let x = chainrule_tensor::tensor![[1., 2.], [3., 4.]];
    /// assert_eq!(x.t().to_vec::<f32>(), [1., 3., 2., 4.]);
    /// ```
    #[track_caller]
    pub fn to_vec<T: Element>(&self) -> Vec<T> {
        let dense = self.contiguous();
        dense.as_slice().expect("contiguous() is dense").to_vec()
    }

    /// The one element of a tensor that has exactly one, as a double.
    ///
    /// # Panics
    /// When there are more or fewer.
    ///
    /// ```
    /// assert_eq!(chainrule_tensor::tensor![[2.5]].item(), 2.5);
    /// ```
    #[track_caller]
    pub fn item(&self) -> f64 {
        assert!(self.len() == 1, "item: shape {} has {} elements, not one", self.layout.shape, self.len());
        each_dtype!(self.dtype(), T => self.storage.slice::<T>()[self.layout.offset].to_f64())
    }

    /// The element at `index`, one number per axis.
    ///
    /// # Panics
    /// When the rank, the range or the type is wrong.
    #[track_caller]
    pub fn at<T: Element>(&self, index: &[usize]) -> T {
        assert!(
            index.len() == self.rank(),
            "at: {} indices for {} axes (shape {})",
            index.len(),
            self.rank(),
            self.layout.shape
        );
        let mut position = self.layout.offset as isize;
        for (axis, ((&i, &n), stride)) in index.iter().zip(self.shape()).zip(self.layout.strides()).enumerate() {
            assert!(i < n, "at: index {i} is out of range for axis {axis} of length {n} (shape {})", self.layout.shape);
            position += i as isize * stride;
        }
        self.storage.slice::<T>()[position as usize]
    }

    /// The sub-tensors along the first axis, one after the other.
    ///
    /// # Panics
    /// When there are no axes.
    ///
    /// ```
    /// let rows: Vec<f64> = chainrule_tensor::tensor![[1., 2.], [3., 4.]].iter().map(|r| r.sum(&[], false).item()).collect();
    /// assert_eq!(rows, [3.0, 7.0]);
    /// ```
    #[track_caller]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Tensor> + '_ {
        assert!(self.rank() > 0, "iter: a tensor without axes has no first axis to walk along");
        (0..self.shape()[0]).map(|i| self.select(0, i as isize))
    }

    /// Writes the elements in place, or into a copy while others share the buffer, and leaves this tensor dense.
    ///
    /// # Panics
    /// When the tensor does not hold `T`.
    ///
    /// ```
    /// let mut x = chainrule_tensor::tensor![1., 2.];
    /// let y = x.clone();
    /// x.make_mut::<f32>()[0] = 5.0;
    /// assert_eq!((x.to_vec::<f32>(), y.to_vec::<f32>()), (vec![5., 2.], vec![1., 2.]));
    /// ```
    #[track_caller]
    pub fn make_mut<T: Element>(&mut self) -> &mut [T] {
        if !self.is_whole() || self.storage.slice_mut::<T>().is_none() {
            *self = self.deep_copy();
        }
        self.storage.slice_mut().expect("a fresh copy has one owner")
    }

    /// Whether this shows its whole buffer, in the buffer's order.
    fn is_whole(&self) -> bool {
        self.is_contiguous() && self.layout.offset == 0 && self.storage.len() == self.len()
    }

    /// Whether [`make_mut`](Tensor::make_mut) would write in place.
    pub(crate) fn is_sole(&mut self) -> bool {
        self.is_whole() && each_dtype!(self.dtype(), T => self.storage.slice_mut::<T>().is_some())
    }
}
