//! Mini-batches: a data set in groups, reshuffled every epoch.

use chainrule_tensor::{Rng, Tensor};

use crate::dataset::Dataset;

/// A data set in groups of equal size. Made by [`Dataset::batches`].
///
/// An epoch is a function of the seed and its number alone, so a run that goes on at epoch 3 sees the batches it would
/// have seen.
///
/// ```
/// let data = chainrule_data::digits().scaled();
/// let batches = data.batches(64).shuffle(42).drop_last();
/// assert_eq!(batches.len(), 1797 / 64);
/// for epoch in 0..2 {
///     for (x, y) in batches.epoch(epoch) {
///         assert_eq!((x.shape(), y.shape()), (&[64, 1, 8, 8][..], &[64][..]));
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Batches {
    data: Dataset,
    size: usize,
    seed: Option<u64>,
    drop_last: bool,
}

impl Batches {
    #[track_caller]
    pub(crate) fn new(data: Dataset, size: usize) -> Batches {
        assert!(size > 0, "batches: a batch of 0 examples never gets through the data");
        Batches { data, size, seed: None, drop_last: false }
    }

    /// Draws a new order for each epoch, from `seed` and the epoch's number.
    pub fn shuffle(self, seed: u64) -> Batches {
        Batches { seed: Some(seed), ..self }
    }

    /// Leaves out the last batch of an epoch when it is not full.
    pub fn drop_last(self) -> Batches {
        Batches { drop_last: true, ..self }
    }

    /// The number of batches in an epoch.
    pub fn len(&self) -> usize {
        if self.drop_last { self.data.len() / self.size } else { self.data.len().div_ceil(self.size) }
    }

    /// Whether an epoch has no batch.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The batches of one epoch: examples `[b, …]` and classes `[b]`, where `b` is the batch size, or less for the
    /// last one.
    pub fn epoch(&self, epoch: u64) -> Epoch {
        let order = self.seed.map(|seed| {
            let mut order: Vec<usize> = (0..self.data.len()).collect();
            epoch_rng(seed, epoch).shuffle(&mut order);
            order
        });
        Epoch { data: self.data.clone(), order, size: self.size, next: 0, count: self.len() }
    }
}

/// One stream per epoch: the seed's own stream gives each epoch a seed.
fn epoch_rng(seed: u64, epoch: u64) -> Rng {
    let mut parent = Rng::seed(seed);
    Rng::seed(parent.next_u64() ^ epoch)
}

/// The batches of one epoch. Made by [`Batches::epoch`].
#[derive(Clone, Debug)]
pub struct Epoch {
    data: Dataset,
    order: Option<Vec<usize>>,
    size: usize,
    next: usize,
    count: usize,
}

impl Iterator for Epoch {
    type Item = (Tensor, Tensor);

    fn next(&mut self) -> Option<(Tensor, Tensor)> {
        if self.next == self.count {
            return None;
        }
        let start = self.next * self.size;
        let len = self.size.min(self.data.len() - start);
        self.next += 1;
        Some(match &self.order {
            Some(order) => self.data.gather(&order[start..start + len]),
            None => self.data.narrow(start, len),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.count - self.next, Some(self.count - self.next))
    }
}

impl ExactSizeIterator for Epoch {}

impl IntoIterator for Batches {
    type Item = (Tensor, Tensor);
    type IntoIter = Epoch;

    /// Epoch 0: `for (x, y) in test.batches(256)`.
    fn into_iter(self) -> Epoch {
        self.epoch(0)
    }
}
