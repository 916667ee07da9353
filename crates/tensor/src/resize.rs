//! Signals, images and volumes at another resolution.

use crate::pool::adaptive_means;
use crate::resample::Taps;
use crate::tensor::Tensor;

/// What stands between the positions of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interpolation {
    /// The number at the position that is not after: what many libraries call nearest.
    Nearest,
    /// The number at the nearest position.
    NearestExact,
    /// A straight line between two neighbours: linear, bilinear, trilinear.
    Linear,
    /// A cubic polynomial through four neighbours (Keys' kernel with a = −3/4).
    Cubic,
    /// The mean of the area that a new position covers.
    Area,
}

/// How the last axes are brought to another length. Each axis is on its own, so that bilinear is linear along two of them.
///
/// The arithmetic of positions is PyTorch's, in `f64`.
///
/// ```
/// use chainrule_tensor::{Interpolation, Resize, tensor};
/// let x = tensor![[[1., 3.]]];
/// assert_eq!(x.interpolate(&Resize::to(&[4])).to_vec::<f32>(), [1., 1., 3., 3.]);
/// let linear = Resize::by(&[2.0]).mode(Interpolation::Linear);
/// assert_eq!(x.interpolate(&linear).to_vec::<f32>(), [1., 1.5, 2.5, 3.]);
/// ```
///
/// Source of the cubic kernel: Keys, Cubic convolution interpolation for digital image processing, 1981.
#[derive(Clone, Debug, PartialEq)]
pub struct Resize {
    target: Target,
    mode: Interpolation,
    align_corners: bool,
    recompute: bool,
    antialias: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Target {
    Size(Vec<usize>),
    Scale(Vec<f64>),
}

impl Resize {
    fn new(target: Target) -> Resize {
        Resize { target, mode: Interpolation::Nearest, align_corners: false, recompute: false, antialias: false }
    }

    /// To these lengths: one for each of the last axes, or one for all but the first two.
    pub fn to(size: &[usize]) -> Resize {
        Resize::new(Target::Size(size.to_vec()))
    }

    /// By these factors, the new lengths being rounded down: one for each of the last axes, or one for all but the first two.
    pub fn by(scale: &[f64]) -> Resize {
        Resize::new(Target::Scale(scale.to_vec()))
    }

    /// Another interpolation than [`Nearest`](Interpolation::Nearest).
    pub fn mode(mut self, mode: Interpolation) -> Resize {
        self.mode = mode;
        self
    }

    /// Whether the first and last positions stay where they are (linear and cubic alone). Otherwise it is the outer edges that do.
    pub fn align_corners(mut self, on: bool) -> Resize {
        self.align_corners = on;
        self
    }

    /// Whether positions follow from the rounded new length instead of from the factor.
    pub fn recompute_scale_factor(mut self, on: bool) -> Resize {
        self.recompute = on;
        self
    }

    /// Whether the kernel widens where an axis shrinks, so that every old position counts (linear and cubic alone; cubic with a = −1/2).
    pub fn antialias(mut self, on: bool) -> Resize {
        self.antialias = on;
        self
    }

    /// The axes of a tensor of this shape that change, and how.
    ///
    /// # Panics
    /// When there are more lengths than axes, a length or factor is not positive, or an option does not go with the interpolation.
    #[track_caller]
    pub fn taps(&self, shape: &[usize]) -> Vec<(isize, Taps)> {
        let smooth = matches!(self.mode, Interpolation::Linear | Interpolation::Cubic);
        assert!(
            smooth || !(self.align_corners || self.antialias),
            "interpolate: {:?} has no corners to align and no kernel to widen; these options go with Linear and Cubic",
            self.mode
        );
        let given = match &self.target {
            Target::Size(size) => size.len(),
            Target::Scale(scale) => scale.len(),
        };
        let axes = if given == 1 { shape.len().saturating_sub(2).max(1) } else { given };
        assert!(
            given > 0 && axes <= shape.len(),
            "interpolate: {:?} does not fit an input of shape {shape:?}",
            self.target
        );
        let first = shape.len() - axes;
        let mut all = Vec::with_capacity(axes);
        for (i, &n) in shape[first..].iter().enumerate() {
            let (outputs, scale) = match &self.target {
                Target::Size(size) => (size[i % given], None),
                Target::Scale(scale) => {
                    let scale = scale[i % given];
                    ((n as f64 * scale).floor() as usize, Some(scale).filter(|_| !self.recompute))
                }
            };
            assert!(
                n > 0 && outputs > 0,
                "interpolate: axis {} of shape {shape:?} would go from length {n} to {outputs}; both must be positive",
                first + i
            );
            all.push(((first + i) as isize, self.along(n, outputs, scale)));
        }
        all
    }

    fn along(&self, n: usize, outputs: usize, scale: Option<f64>) -> Taps {
        let step = match (self.align_corners, scale) {
            (true, _) if outputs == 1 => 0.0,
            (true, _) => (n - 1) as f64 / (outputs - 1) as f64,
            (false, Some(scale)) if scale > 0.0 => 1.0 / scale,
            (false, _) => n as f64 / outputs as f64,
        };
        // PyTorch rounds to single precision before it takes the floor.
        let floor = |x: f64| f64::from((x as f32).floor());
        let last = n - 1;
        let source = |o: usize| if self.align_corners { step * o as f64 } else { step * (o as f64 + 0.5) - 0.5 };
        let left = |x: f64| {
            let at = floor(x).min(last as f64);
            (at, (x - at).clamp(0.0, 1.0))
        };
        let row = |o: usize| -> Vec<(usize, f64)> {
            match self.mode {
                Interpolation::Nearest => vec![((floor(o as f64 * step) as usize).min(last), 1.0)],
                Interpolation::NearestExact => vec![((floor(source(o).max(0.0) + 0.5) as usize).min(last), 1.0)],
                Interpolation::Linear if n == outputs => vec![(o, 1.0)],
                Interpolation::Linear => {
                    let (at, part) = left(source(o).max(0.0));
                    vec![(at as usize, 1.0 - part), ((at as usize + 1).min(last), part)]
                }
                _ => {
                    let (at, part) = left(source(o));
                    let place = |k: usize| (at + k as f64 - 1.0).clamp(0.0, last as f64) as usize;
                    (0..4).map(|k| (place(k), keys(part + 1.0 - k as f64, -0.75))).collect()
                }
            }
        };
        match self.mode {
            Interpolation::Area => adaptive_means(n, outputs),
            _ if self.antialias => Taps::new(n, (0..outputs).map(|o| self.widened(o, n, step))),
            _ => Taps::new(n, (0..outputs).map(row)),
        }
    }

    /// The weights of all old positions under a kernel as wide as the new step.
    fn widened(&self, o: usize, n: usize, step: f64) -> Vec<(usize, f64)> {
        let cubic = self.mode == Interpolation::Cubic;
        let (width, center) = (step.max(1.0), step * (o as f64 + 0.5));
        let support = if cubic { 2.0 } else { 1.0 } * width;
        let start = (center - support + 0.5).max(0.0) as usize;
        let end = ((center + support + 0.5) as usize).min(n);
        let weight = |at: usize| {
            let distance = (at as f64 - center + 0.5) / width;
            if cubic { keys(distance, -0.5) } else { (1.0 - distance.abs()).max(0.0) }
        };
        let total: f64 = (start..end).map(weight).sum();
        (start..end).map(|at| (at, weight(at) / total)).collect()
    }
}

/// Keys' kernel at a distance.
fn keys(distance: f64, a: f64) -> f64 {
    match distance.abs() {
        x if x <= 1.0 => ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0,
        x if x < 2.0 => ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a,
        _ => 0.0,
    }
}

impl Tensor {
    /// The last axes at another resolution; see [`Resize`].
    ///
    /// Shape: `[n, c, spatial…]` → `[n, c, output…]`.
    ///
    /// # Panics
    /// As [`Resize::taps`]; and when the elements are not real numbers.
    #[track_caller]
    pub fn interpolate(&self, resize: &Resize) -> Tensor {
        let mut y = self.clone();
        for (axis, taps) in resize.taps(self.shape()) {
            y = y.resample(axis, &taps);
        }
        y
    }
}
