//! Examples and their classes as tensors, and ways to divide them.

use std::sync::Arc;

use chainrule_tensor::{DType, Rng, Tensor};

use crate::batches::Batches;

/// Examples `x` with one class each: `x` is `[n, …]` of any floating type, `y` is `[n]` of `i64`.
///
/// Images are `[n, channels, height, width]`, as convolutions want them; `x.reshape([n, channels * height * width])`
/// makes rows for a dense layer. A clone shares the tensors' memory.
///
/// ```
/// use chainrule_data::{Dataset, digits};
///
/// let data: Dataset = digits().scaled();
/// let parts = data.split_stratified(0.2, 7);
/// assert_eq!((parts.train.len(), parts.test.len()), (1438, 359));
/// for (x, y) in parts.train.batches(64).shuffle(7).epoch(0) {
///     assert_eq!(x.shape()[1..], [1, 8, 8]);
///     assert_eq!(x.shape()[0], y.len());
/// }
/// ```
#[derive(Clone)]
pub struct Dataset {
    x: Tensor,
    y: Tensor,
    classes: Arc<[String]>,
}

/// A part to learn from and a part to test on.
///
/// ```
/// let parts = chainrule_data::digits().scaled().split(0.25, 0);
/// assert_eq!(parts.train.len() + parts.test.len(), 1797);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split<T> {
    /// What a model learns from.
    pub train: T,
    /// What it is tested on.
    pub test: T,
}

impl<T> Split<T> {
    /// The same function of both parts.
    ///
    /// ```
    /// # use chainrule_data::Split;
    /// assert_eq!(Split { train: 2, test: 3 }.map(|n| n * 10), Split { train: 20, test: 30 });
    /// ```
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> Split<U> {
        Split { train: f(self.train), test: f(self.test) }
    }
}

/// Why tensors do not make a [`Dataset`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// `x` has no first axis to count examples along, or holds no floating-point numbers.
    #[error("x {shape:?} of {dtype}: examples are [n, …] of a floating-point type")]
    Examples {
        /// The shape of `x`.
        shape: Vec<usize>,
        /// The type of `x`.
        dtype: DType,
    },
    /// `y` is not one `i64` per example.
    #[error("y {shape:?} of {dtype}, for {examples} examples: labels are [{examples}] of i64")]
    Labels {
        /// The shape of `y`.
        shape: Vec<usize>,
        /// The type of `y`.
        dtype: DType,
        /// The number of examples.
        examples: usize,
    },
    /// A label names no class.
    #[error("label {label} of example {index} names none of the {classes} classes")]
    Class {
        /// Which example.
        index: usize,
        /// Its label.
        label: i64,
        /// The number of classes.
        classes: usize,
    },
}

impl Dataset {
    /// Examples `x` `[n, …]`, their classes `y` `[n]`, and the classes' names.
    ///
    /// # Panics
    /// Where [`try_new`](Dataset::try_new) returns an error.
    #[track_caller]
    pub fn new(x: Tensor, y: Tensor, classes: impl IntoIterator<Item = impl Into<String>>) -> Dataset {
        match Self::try_new(x, y, classes) {
            Ok(dataset) => dataset,
            Err(error) => panic!("Dataset::new: {error}"),
        }
    }

    /// [`new`](Dataset::new) for tensors that come from outside.
    ///
    /// # Errors
    /// [`DatasetError`], when `x` is not `[n, …]` of a floating-point type, `y` is not `[n]` of `i64`, or a label names
    /// no class.
    pub fn try_new(
        x: Tensor,
        y: Tensor,
        classes: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Dataset, DatasetError> {
        let classes: Arc<[String]> = classes.into_iter().map(Into::into).collect();
        let Some(&examples) = x.shape().first().filter(|_| !matches!(x.dtype(), DType::I64 | DType::Bool)) else {
            return Err(DatasetError::Examples { shape: x.shape().to_vec(), dtype: x.dtype() });
        };
        if y.shape() != [examples] || y.dtype() != DType::I64 {
            return Err(DatasetError::Labels { shape: y.shape().to_vec(), dtype: y.dtype(), examples });
        }
        let labels = y.to_vec::<i64>();
        let known = |label: i64| usize::try_from(label).is_ok_and(|label| label < classes.len());
        if let Some(index) = labels.iter().position(|&label| !known(label)) {
            return Err(DatasetError::Class { index, label: labels[index], classes: classes.len() });
        }
        Ok(Dataset { x, y, classes })
    }

    /// The examples, `[n, …]`.
    pub fn x(&self) -> &Tensor {
        &self.x
    }

    /// The class of each example, `[n]` of `i64`.
    pub fn y(&self) -> &Tensor {
        &self.y
    }

    /// The number of examples.
    pub fn len(&self) -> usize {
        self.y.len()
    }

    /// Whether there is no example.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The names of the classes.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// How many examples each class has.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        self.y.to_vec::<i64>().into_iter().for_each(|label| counts[label as usize] += 1);
        counts
    }

    /// The same classes with other numbers: `f` of all examples at once, such as a reshape or
    /// [`Standardizer::transform`](crate::Standardizer::transform).
    ///
    /// ```
    /// let rows = chainrule_data::digits().scaled().map(|x| x.reshape([x.shape()[0], 64]));
    /// assert_eq!(rows.x().shape(), [1797, 64]);
    /// ```
    ///
    /// # Panics
    /// When `f` changes the number of examples.
    #[track_caller]
    pub fn map(&self, f: impl FnOnce(&Tensor) -> Tensor) -> Dataset {
        let x = f(&self.x);
        assert!(
            x.shape().first() == Some(&self.len()),
            "Dataset::map: {:?} became {:?}; the first axis must stay {}",
            self.x.shape(),
            x.shape(),
            self.len()
        );
        Dataset { x, ..self.clone() }
    }

    /// The examples at `indices`, in that order; an index may come twice.
    ///
    /// # Panics
    /// When an index is not below [`len`](Dataset::len).
    #[track_caller]
    pub fn select(&self, indices: &[usize]) -> Dataset {
        let (x, y) = self.gather(indices);
        Dataset { x, y, classes: self.classes.clone() }
    }

    /// Shuffles with `seed` and puts `test` of the examples (a fraction, rounded up) aside.
    ///
    /// # Panics
    /// When `test` is not between 0 and 1.
    #[track_caller]
    pub fn split(&self, test: f64, seed: u64) -> Split<Dataset> {
        let mut order: Vec<usize> = (0..self.len()).collect();
        Rng::seed(seed).shuffle(&mut order);
        let (test, train) = order.split_at(test_count(test, order.len()));
        Split { train: self.select(train), test: self.select(test) }
    }

    /// [`split`](Dataset::split) class by class, so that both parts have the classes in the same proportions: each
    /// class gives its fraction, rounded to the nearest whole number, and a half is rounded up. Both parts come
    /// shuffled.
    ///
    /// # Panics
    /// When `test` is not between 0 and 1.
    #[track_caller]
    pub fn split_stratified(&self, test: f64, seed: u64) -> Split<Dataset> {
        assert_fraction(test);
        let mut rng = Rng::seed(seed);
        let mut of_class = vec![Vec::new(); self.classes.len()];
        for (index, label) in self.y.to_vec::<i64>().into_iter().enumerate() {
            of_class[label as usize].push(index);
        }
        let (mut train, mut tests) = (Vec::new(), Vec::new());
        for mut members in of_class {
            rng.shuffle(&mut members);
            let (aside, rest) = members.split_at((test * members.len() as f64).round() as usize);
            tests.extend_from_slice(aside);
            train.extend_from_slice(rest);
        }
        rng.shuffle(&mut train);
        rng.shuffle(&mut tests);
        Split { train: self.select(&train), test: self.select(&tests) }
    }

    /// Groups of `size` examples, in order unless [shuffled](Batches::shuffle).
    ///
    /// # Panics
    /// When `size` is 0.
    #[track_caller]
    pub fn batches(&self, size: usize) -> Batches {
        Batches::new(self.clone(), size)
    }

    #[track_caller]
    pub(crate) fn gather(&self, indices: &[usize]) -> (Tensor, Tensor) {
        if let Some(&index) = indices.iter().find(|&&index| index >= self.len()) {
            panic!("Dataset: index {index} is out of range for {} examples", self.len());
        }
        let indices = Tensor::from(indices.iter().map(|&index| index as i64).collect::<Vec<_>>());
        (self.x.index_select(0, &indices), self.y.index_select(0, &indices))
    }

    pub(crate) fn narrow(&self, start: usize, len: usize) -> (Tensor, Tensor) {
        (self.x.narrow(0, start, len), self.y.narrow(0, start, len))
    }
}

impl std::fmt::Debug for Dataset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Dataset {{ x: {:?} of {}, classes: {:?} }}", self.x.shape(), self.x.dtype(), self.classes)
    }
}

#[track_caller]
fn test_count(fraction: f64, n: usize) -> usize {
    assert_fraction(fraction);
    ((fraction * n as f64).ceil() as usize).min(n)
}

#[track_caller]
fn assert_fraction(fraction: f64) {
    assert!((0.0..=1.0).contains(&fraction), "split: {fraction} is no fraction (0 to 1) of the examples");
}
