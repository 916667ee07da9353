//! Windows that signals are seen through.

use std::f64::consts::PI;

use crate::dtype::DType;
use crate::tensor::Tensor;

impl Tensor {
    /// The Hann window, `½ − ½·cos(2πi/m)` with m = n where it is periodic, for spectra, and m = n − 1 where it is symmetric, for filters.
    ///
    /// ```
    /// use chainrule_tensor::{DType, Tensor};
    /// assert_eq!(Tensor::hann_window(4, true, DType::F32).to_vec::<f32>(), [0.0, 0.5, 1.0, 0.5]);
    /// ```
    pub fn hann_window(n: usize, periodic: bool, dtype: DType) -> Tensor {
        cosines(&[0.5, 0.5], n, periodic, dtype)
    }

    /// The Hamming window, `0.54 − 0.46·cos(2πi/m)`; m as for [`hann_window`](Tensor::hann_window).
    pub fn hamming_window(n: usize, periodic: bool, dtype: DType) -> Tensor {
        cosines(&[0.54, 0.46], n, periodic, dtype)
    }

    /// The Blackman window, `0.42 − 0.5·cos(2πi/m) + 0.08·cos(4πi/m)`; m as for [`hann_window`](Tensor::hann_window).
    pub fn blackman_window(n: usize, periodic: bool, dtype: DType) -> Tensor {
        cosines(&[0.42, 0.5, 0.08], n, periodic, dtype)
    }

    /// The Bartlett window, `1 − |2i/m − 1|`; m as for [`hann_window`](Tensor::hann_window).
    pub fn bartlett_window(n: usize, periodic: bool, dtype: DType) -> Tensor {
        window(n, periodic, dtype, |part| 1.0 - (2.0 * part - 1.0).abs())
    }
}

/// Σ ±weight·cos(2πk·part), signs alternating.
fn cosines(weights: &[f64], n: usize, periodic: bool, dtype: DType) -> Tensor {
    window(n, periodic, dtype, |part| {
        let term = |(k, weight): (usize, &f64)| weight * libm::cos(2.0 * PI * k as f64 * part) * [1.0, -1.0][k % 2];
        weights.iter().enumerate().map(term).sum()
    })
}

/// A function of i/m at each i below n; a window of one element is 1.
fn window(n: usize, periodic: bool, dtype: DType, at: impl Fn(f64) -> f64) -> Tensor {
    let m = if periodic { n } else { n.saturating_sub(1) };
    let numbers: Vec<f64> = (0..n).map(|i| if n == 1 { 1.0 } else { at(i as f64 / m as f64) }).collect();
    Tensor::from(numbers).cast(dtype)
}
