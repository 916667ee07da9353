//! Other resolutions. Linear along each axis: the rule is the transposed matrix.

use std::sync::Arc;

use chainrule_tensor::{Interpolation, Resize, Taps, Tensor};

use crate::declare::{Declaration, Sample};
use crate::op::{Op, Saves};
use crate::var::Var;

/// A sparse matrix along an axis ↔ its transpose.
struct Resample {
    axis: isize,
    taps: Arc<Taps>,
}
impl Op<1> for Resample {
    fn name(&self) -> &'static str {
        "resample"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        x.resample(self.axis, &self.taps)
    }
    fn backward(&self, _: usize, g: &Var, _: [&Var; 1], _: &Var) -> Var {
        g.resample(self.axis, self.taps.transposed())
    }
}

impl Var {
    /// Weighted sums along an axis: `y[…, o, …] = Σ weight · x[…, position, …]` over the [taps](Taps) of `o`.
    ///
    /// Shape: `[…, inputs, …]` → `[…, outputs, …]`.
    ///
    /// # Panics
    /// When the axis does not exist or has another length than the taps expect.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{tensor, Taps};
    /// let x = Var::leaf(tensor![1., 3., 5.]);
    /// let y = x.resample(0, Taps::new(3, [[(0, 0.5), (2, 0.5)]]));
    /// assert_eq!(y.sum().backward()[&x].to_vec::<f32>(), [0.5, 0., 0.5]);
    /// ```
    #[track_caller]
    pub fn resample(&self, axis: isize, taps: impl Into<Arc<Taps>>) -> Var {
        Resample { axis, taps: taps.into() }.apply([self])
    }

    /// The last axes at another resolution: nearest, linear, cubic or by area; see [`Resize`].
    ///
    /// Shape: `[n, c, spatial…]` → `[n, c, output…]`.
    ///
    /// # Panics
    /// When there are more lengths than axes, a length or factor is not positive, or an option does not go with the interpolation.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{tensor, Interpolation, Resize};
    /// let x = Var::leaf(tensor![[[1., 3.]]]);
    /// let y = x.interpolate(&Resize::to(&[3]).mode(Interpolation::Linear).align_corners(true));
    /// assert_eq!(y.value().to_vec::<f32>(), [1., 2., 3.]);
    /// ```
    #[doc(alias(
        "upsample",
        "upsample_nearest",
        "upsample_bilinear",
        "upsample_nearest1d",
        "upsample_nearest2d",
        "upsample_nearest3d",
        "upsample_linear1d",
        "upsample_bilinear2d",
        "upsample_trilinear3d",
        "upsample_bicubic2d"
    ))]
    #[track_caller]
    pub fn interpolate(&self, resize: &Resize) -> Var {
        let mut y = self.clone();
        for (axis, taps) in resize.taps(self.shape()) {
            y = y.resample(axis, taps);
        }
        y
    }
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::linear("resample", "", "y[o] = Σ weight · x[position]", "the transposed matrix", |d| {
        let shape = d.positive_shape();
        let axis = d.below(shape.len());
        let rows: Vec<Vec<(usize, f64)>> = (0..d.size())
            .map(|_| (0..d.below(4)).map(|_| (d.below(shape[axis]), d.value(-2.0, 2.0))).collect())
            .collect();
        let taps = Arc::new(Taps::new(shape[axis], rows.clone()));
        let source = format!("x[0].resample({axis}, Taps::new({}, vec!{rows:?}))", shape[axis]);
        Sample::new([d.reals(&shape)], source, move |x| x[0].resample(axis as isize, taps.clone()))
    }),
    Declaration::linear(
        "interpolate",
        "nn.functional.interpolate",
        "the signal between its samples",
        "the transposed weights, axis by axis",
        |d| {
            use Interpolation::*;
            let rank = d.range(1, 3);
            let spatial: Vec<usize> = (0..rank).map(|_| d.positive_size()).collect();
            let mode = d.pick(&[Nearest, NearestExact, Linear, Cubic, Area]);
            let smooth = matches!(mode, Linear | Cubic);
            let resize = match d.flag() {
                false => Resize::to(&(0..rank).map(|_| d.range(1, 6)).collect::<Vec<_>>()),
                true => Resize::by(&(0..rank).map(|_| d.pick(&[1.7, 2.0, 1.0])).collect::<Vec<_>>()),
            };
            let resize = resize.mode(mode).align_corners(smooth && d.flag()).recompute_scale_factor(d.flag());
            let resize = resize.antialias(smooth && d.flag());
            let shape = [vec![d.size().min(2), d.range(1, 2)], spatial].concat();
            Sample::new([d.reals(&shape)], format!("x[0].interpolate(&{resize:?})"), move |x| x[0].interpolate(&resize))
        },
    ),
];
