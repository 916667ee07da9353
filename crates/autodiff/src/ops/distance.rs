//! Distances of all pairs of points.

use crate::declare::{Declaration, Family, Sample};
use crate::var::Var;

impl Var {
    /// The distance ‖a − b‖ₚ of every point a of this variable from every point b of `other`, points being rows. p is from 0, the number of
    /// different coordinates, over 1 and 2 to infinity, the largest difference. Where points are the same, the gradient is 0.
    ///
    /// Shapes: `[…, m, k]` and `[…, n, k]` → `[…, m, n]`, over batches that broadcast.
    ///
    /// # Panics
    /// When p is negative, there are fewer than two axes, or lengths or types differ.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (a, b) = (Var::leaf(tensor![[0., 0.]]), Var::constant(tensor![[3., 4.], [0., 0.]]));
    /// assert_eq!(a.cdist(&b, 2.0).value().to_vec::<f32>(), [5., 0.]);
    /// assert_eq!(a.cdist(&b, 1.0).value().to_vec::<f32>(), [7., 0.]);
    /// ```
    #[track_caller]
    pub fn cdist(&self, other: &Var, p: f64) -> Var {
        assert!(p >= 0.0, "cdist: there is no distance with p = {p}");
        assert!(
            self.rank() >= 2 && other.rank() >= 2 && self.size(-1) == other.size(-1),
            "cdist: needs points of the same length as rows, got {} and {}",
            self.to_shape(),
            other.to_shape()
        );
        let differences = self.unsqueeze(-2) - other.unsqueeze(-3); // [..., m, n, k]
        match self.size(-1) {
            0 => differences.sum_axes(&[-1], false),
            _ => differences.vector_norm(p, &[-1], false),
        }
    }
}

/// The distances that differ in kind.
const KINDS: [f64; 6] = [2.0, 1.0, f64::INFINITY, 0.0, 3.0, 1.5];

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[Declaration::new(
    Family::Composite,
    "cdist",
    "cdist",
    "‖a - b‖ₚ of all pairs",
    "of its parts; 0 at 0",
    |d| {
        let [m, n, k] = [d.size(), d.size(), d.size()];
        let batch = d.pick(&[vec![], vec![2], vec![1]]);
        let p = d.pick(&KINDS);
        let (x, y) = ([&batch[..], &[m, k]].concat(), [n, k]);
        let inputs = [d.distinct(&x), d.distinct(&y) * 0.7 + 5.1]; // no two coordinates are the same
        Sample::new(inputs, format!("x[0].cdist(&x[1], {p:?})"), move |x| x[0].cdist(&x[1], p))
    },
)];
