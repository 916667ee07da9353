//! Images as they come from files: bytes and classes.

use std::sync::Arc;

use crate::dataset::Dataset;
use crate::idx::IdxArray;
use chainrule_tensor::Tensor;

/// The longest side of an image, in pixels.
pub const MAX_SIDE: usize = 1 << 15;

/// Images of one size with one class each, as bytes.
///
/// Bytes are a quarter of the memory of the numbers a network wants; [`scaled`](Images::scaled) and
/// [`unscaled`](Images::unscaled) make those.
///
/// ```
/// let digits = chainrule_data::digits();
/// assert_eq!((digits.len(), digits.shape()), (1797, [1797, 1, 8, 8]));
/// assert_eq!(digits.labels()[..5], [0, 1, 2, 3, 4]);
/// let data = digits.scaled();
/// assert_eq!(data.x().shape(), [1797, 1, 8, 8]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    pixels: Vec<u8>,
    labels: Vec<u8>,
    size: [usize; 3],
    white: u8,
    classes: Arc<[String]>,
}

/// Why bytes and labels do not make [`Images`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImagesError {
    /// A side or the number of channels is zero or larger than [`MAX_SIDE`].
    #[error("images of {size:?} (channels, height, width): each must be 1 to {MAX_SIDE}")]
    Size {
        /// Channels, height, width.
        size: [usize; 3],
    },
    /// There are more or fewer images than labels.
    #[error("{images} images, but {labels} labels")]
    Count {
        /// The number of images.
        images: usize,
        /// The number of labels.
        labels: usize,
    },
    /// The pixels do not fill a whole number of images.
    #[error("{pixels} pixels are no whole number of images of {size:?} (channels, height, width)")]
    Pixels {
        /// The number of pixels.
        pixels: usize,
        /// Channels, height, width.
        size: [usize; 3],
    },
    /// A label names no class.
    #[error("label {label} of image {index} names none of the {classes} classes (0 to {})", classes - 1)]
    Label {
        /// Which image.
        index: usize,
        /// Its label.
        label: u8,
        /// The number of classes.
        classes: usize,
    },
    /// A pixel is brighter than white.
    #[error("image {index} has a pixel of {pixel}; the largest value is {white}")]
    Pixel {
        /// Which image.
        index: usize,
        /// The pixel's value.
        pixel: u8,
        /// The largest value allowed.
        white: u8,
    },
    /// There is no class, or more than labels of one byte can name.
    #[error("{0} classes: 1 to 256 are possible")]
    Classes(usize),
    /// An IDX array has the wrong number of axes.
    #[error("the {what} have shape {shape:?}, which has {} axes, not {wanted}", shape.len())]
    Axes {
        /// Images or labels.
        what: &'static str,
        /// The shape found.
        shape: Vec<usize>,
        /// The number of axes wanted.
        wanted: usize,
    },
}

impl Images {
    /// Images from bytes: `pixels` image by image, each of `size` (channels, height, width), with values from 0 to
    /// `white`; one label per image, an index into `classes`.
    ///
    /// # Errors
    /// [`ImagesError`], when the parts do not fit each other.
    pub fn new(
        pixels: Vec<u8>,
        labels: Vec<u8>,
        size: [usize; 3],
        white: u8,
        classes: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Images, ImagesError> {
        let classes: Arc<[String]> = classes.into_iter().map(Into::into).collect();
        if !(1..=256).contains(&classes.len()) {
            return Err(ImagesError::Classes(classes.len()));
        }
        if size.iter().any(|side| !(1..=MAX_SIDE).contains(side)) {
            return Err(ImagesError::Size { size });
        }
        let each = size.iter().map(|&side| side as u64).product::<u64>();
        if !(pixels.len() as u64).is_multiple_of(each) {
            return Err(ImagesError::Pixels { pixels: pixels.len(), size });
        }
        let images = (pixels.len() as u64 / each) as usize;
        if images != labels.len() {
            return Err(ImagesError::Count { images, labels: labels.len() });
        }
        if let Some(index) = labels.iter().position(|&label| usize::from(label) >= classes.len()) {
            return Err(ImagesError::Label { index, label: labels[index], classes: classes.len() });
        }
        if let Some(at) = pixels.iter().position(|&pixel| pixel > white) {
            return Err(ImagesError::Pixel { index: (at as u64 / each) as usize, pixel: pixels[at], white });
        }
        Ok(Images { pixels, labels, size, white, classes })
    }

    /// Images from two IDX arrays, as the MNIST family stores them: pixels `[n, height, width]` of 0 to 255 and
    /// labels `[n]`.
    ///
    /// # Errors
    /// [`ImagesError`], when the arrays do not have these shapes, differ in `n`, or a label names no class.
    pub fn from_idx(
        images: IdxArray,
        labels: IdxArray,
        classes: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Images, ImagesError> {
        let &[n, height, width] = images.shape() else {
            return Err(ImagesError::Axes { what: "images", shape: images.shape().to_vec(), wanted: 3 });
        };
        let &[m] = labels.shape() else {
            return Err(ImagesError::Axes { what: "labels", shape: labels.shape().to_vec(), wanted: 1 });
        };
        if n != m {
            return Err(ImagesError::Count { images: n, labels: m });
        }
        Self::new(images.into_elements(), labels.into_elements(), [1, height, width], u8::MAX, classes)
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Images, channels, height, width.
    pub fn shape(&self) -> [usize; 4] {
        let [channels, height, width] = self.size;
        [self.len(), channels, height, width]
    }

    /// All pixels, image by image, row by row.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The class of each image, as an index into [`classes`](Images::classes).
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// The largest value a pixel can have: 16 for [`digits`](crate::digits), 255 for the MNIST family.
    pub fn white(&self) -> u8 {
        self.white
    }

    /// The names of the classes.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The data set with pixels scaled to 0 … 1: `x = pixel / white`, `f32`, `[n, channels, height, width]`.
    pub fn scaled(&self) -> Dataset {
        self.dataset(f32::from(self.white.max(1)))
    }

    /// The data set with pixels as they are, 0 … [`white`](Images::white): `f32`, `[n, channels, height, width]`.
    pub fn unscaled(&self) -> Dataset {
        self.dataset(1.0)
    }

    fn dataset(&self, unit: f32) -> Dataset {
        let pixels: Vec<f32> = self.pixels.iter().map(|&pixel| f32::from(pixel) / unit).collect();
        let labels: Vec<i64> = self.labels.iter().map(|&label| i64::from(label)).collect();
        let x = Tensor::from_vec(pixels, self.shape()); // [n, channels, height, width]
        Dataset::new(x, Tensor::from(labels), self.classes.iter().cloned())
    }
}
