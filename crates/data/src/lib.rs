//! Data sets, splits, batches and classification metrics.
//!
//! [`digits`] is part of this crate; [`mnist`] and [`fashion_mnist`] are found on this machine, through the environment
//! variable `CHAINRULE_DATA` or in a per-user cache. They come as [`Images`] (bytes), which become a [`Dataset`]
//! (tensors), which is [split](Dataset::split), [standardised](Standardizer) and walked through in [`Batches`].
//! [`metrics`] says how well a model did.
//!
//! ```
//! use chainrule_data::{Standardizer, digits, metrics::Confusion};
//!
//! let data = digits().scaled();
//! let parts = data.split_stratified(0.2, 42);
//! let standard = Standardizer::fit(parts.train.x(), &[]);
//! let parts = parts.map(|part| part.map(|x| standard.transform(x)));
//!
//! let mut confusion = Confusion::new(data.classes());
//! for (x, y) in parts.test.batches(100) {
//!     let guess = y.clone(); // a model would look at x
//!     assert_eq!(x.shape()[0], guess.len());
//!     confusion.add_batch(&y, &guess);
//! }
//! assert_eq!(confusion.accuracy(), 1.0);
//! ```
//!
//! # Features
//!
//! - `download`: `IdxSet::load_or_download` fetches MNIST and Fashion-MNIST where they are missing, and verifies them.
//! - `plot`: the module `plot` draws training curves and decision boundaries as PNG.

mod batches;
mod dataset;
mod digits;
#[cfg(feature = "download")]
mod download;
mod folders;
pub mod idx;
mod images;
pub mod metrics;
mod mnist;
#[cfg(feature = "plot")]
pub mod plot;
mod scale;

pub use batches::{Batches, Epoch};
pub use dataset::{Dataset, DatasetError, Split};
pub use digits::digits;
#[cfg(feature = "download")]
pub use download::{DownloadError, Progress};
pub use folders::{DATA_VARIABLE, cache_folder};
pub use images::{Images, ImagesError, MAX_SIDE};
pub use mnist::{DataError, FASHION_MNIST, IdxSet, MNIST, fashion_mnist, mnist};
pub use scale::Standardizer;
