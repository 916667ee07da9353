//! Pooling to a given size: windows that cut the input into nearly equal parts.

use chainrule_tensor::Tensor;

use crate::declare::{Declaration, Draw, Family, Sample};
use crate::var::Var;

impl Var {
    /// The mean of each of as many nearly equal parts of the last axes as `output` says; part o of an axis of length n reaches from
    /// ⌊o·n/output⌋ to ⌈(o + 1)·n/output⌉.
    ///
    /// Shape: `[…, spatial…]` → `[…, output…]`.
    ///
    /// # Panics
    /// When there are not more axes than lengths, or one of them is empty.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![[1., 5., 2., 4.]]);
    /// assert_eq!(x.adaptive_avg_pool(&[2]).value().to_vec::<f32>(), [3., 3.]);
    /// ```
    #[doc(alias("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"))]
    #[track_caller]
    pub fn adaptive_avg_pool(&self, output: &[usize]) -> Var {
        self.resample_last(self.value().adaptive_means(output))
    }

    /// The largest element of each part; parts and shapes as for [`adaptive_avg_pool`](Var::adaptive_avg_pool), ties as for [`max_pool`](Var::max_pool).
    ///
    /// # Panics
    /// As `adaptive_avg_pool`.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![[1., 5., 2., 4.]]);
    /// assert_eq!(x.adaptive_max_pool(&[2]).value().to_vec::<f32>(), [5., 4.]);
    /// ```
    #[doc(alias("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d"))]
    #[track_caller]
    pub fn adaptive_max_pool(&self, output: &[usize]) -> Var {
        self.adaptive_max_pool_with_indices(output).0
    }

    /// [`adaptive_max_pool`](Var::adaptive_max_pool), and where each element came from: its position in the flattened spatial plane, as `i64`.
    ///
    /// # Panics
    /// As `adaptive_avg_pool`.
    #[track_caller]
    pub fn adaptive_max_pool_with_indices(&self, output: &[usize]) -> (Var, Tensor) {
        self.chosen(self.value().max_adaptive(output))
    }
}

fn drawn(d: &mut Draw) -> (Vec<usize>, Vec<usize>) {
    let rank = d.range(1, 3);
    let spatial = (0..rank).map(|_| d.positive_size()).collect();
    let output = (0..rank).map(|_| d.size().min(4)).collect();
    ([vec![d.size().min(2), d.range(1, 2)], spatial].concat(), output)
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::linear(
        "adaptive_avg_pool",
        "nn.functional.adaptive_avg_pool2d",
        "the mean of each part",
        "g / n to each",
        |d| {
            let (shape, output) = drawn(d);
            let source = format!("x[0].adaptive_avg_pool(&{output:?})");
            Sample::new([d.reals(&shape)], source, move |x| x[0].adaptive_avg_pool(&output))
        },
    ),
    Declaration::new(
        Family::Composite,
        "adaptive_max_pool",
        "nn.functional.adaptive_max_pool2d",
        "the largest of each part",
        "g to the largest",
        |d| {
            let (shape, output) = drawn(d);
            let source = format!("x[0].adaptive_max_pool(&{output:?})");
            Sample::new([d.distinct(&shape)], source, move |x| x[0].adaptive_max_pool(&output))
        },
    ),
];
