//! The embedded handwritten digits.

use std::io::Read;

use flate2::read::GzDecoder;

use crate::images::Images;

static COMPRESSED: &[u8] = include_bytes!("../assets/digits/digits.csv.gz");

/// The 1,797 handwritten digits of UCI's "Optical Recognition of Handwritten Digits" (its test part), which are also
/// scikit-learn's `load_digits`: 8 × 8 pixels with values from 0 to 16, classes 0 to 9. They are part of this crate,
/// so nothing is read from disk.
///
/// They come from 13 writers, in the order of writing; shuffle before splitting.
///
/// Source: E. Alpaydin, C. Kaynak (1998), UCI Machine Learning Repository, doi:10.24432/C50P49, CC BY 4.0.
///
/// ```
/// let digits = chainrule_data::digits();
/// assert_eq!(digits.len(), 1797);
/// assert_eq!(digits.labels().iter().filter(|&&label| label == 7).count(), 179);
/// ```
pub fn digits() -> Images {
    let mut text = String::new();
    GzDecoder::new(COMPRESSED).read_to_string(&mut text).expect("the embedded digits decompress");
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for line in text.lines() {
        pixels.extend(line.split(',').map(|n| n.parse::<u8>().expect("the embedded digits are small integers")));
        labels.extend(pixels.pop());
    }
    Images::new(pixels, labels, [1, 8, 8], 16, (0..10).map(|d| d.to_string())).expect("the embedded digits are whole")
}
