//! Elements joined with others at positions.

use chainrule_tensor::Tensor;

use super::scatter::lines;
use crate::declare::{Declaration, Draw, Family, Sample};
use crate::var::Var;

/// What becomes of several elements at one place: see [`Var::scatter_reduce`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joining {
    /// Their sum.
    Sum,
    /// Their product.
    Prod,
    /// Their mean.
    Mean,
    /// The largest; equal ones share the gradient.
    Amax,
    /// The smallest; equal ones share the gradient.
    Amin,
}

impl Var {
    /// This variable joined with the elements of `source` where [`gather`](Var::gather) with the same `index` would read. Without
    /// `include_self`, places that receive something lose what they had.
    ///
    /// For all but the sum, all that comes together at one place is first written side by side, which takes memory for as many numbers per
    /// place as the most frequent one receives. Then it is reduced, with the gradient of that reduction, zeros and ties included.
    ///
    /// # Panics
    /// As `gather`; and when `source` is smaller than `index` or the types differ.
    ///
    /// ```
    /// # use chainrule_autodiff::{ops::scatter_reduce::Joining, Var};
    /// # use chainrule_tensor::tensor;
    /// let (x, source) = (Var::leaf(tensor![1., 2.]), Var::leaf(tensor![5., 7.]));
    /// let y = x.scatter_reduce(0, &tensor![0, 0], &source, Joining::Mean, false);
    /// assert_eq!(y.value().to_vec::<f32>(), [6., 2.]);
    /// ```
    #[track_caller]
    pub fn scatter_reduce(
        &self,
        axis: isize,
        index: &Tensor,
        source: &Var,
        joining: Joining,
        include_self: bool,
    ) -> Var {
        let source = source.corner("scatter_reduce", index);
        let places = self.numbers().gather(axis, index).value().to_vec::<i64>();
        let mut counts = vec![0usize; self.value().len()];
        places.iter().for_each(|&at| counts[at as usize] += 1);
        let touched = Tensor::from_vec(counts.iter().map(|&n| n > 0).collect(), self.shape());
        let (neutral, reduce): (f64, fn(&Var) -> Var) = match joining {
            Joining::Sum | Joining::Mean => (0.0, |x| x.sum_axes(&[-1], false)),
            Joining::Prod => (1.0, |x| x.unbind(-1).into_iter().reduce(|a, b| a * b).expect("the own element")),
            Joining::Amax => (f64::NEG_INFINITY, |x| x.amax(&[-1], false)),
            Joining::Amin => (f64::INFINITY, |x| x.amin(&[-1], false)),
        };
        let own = if include_self { self.clone() } else { self.masked_fill(&touched, neutral) };
        if matches!(joining, Joining::Sum | Joining::Mean) {
            let sum = own.scatter_add(axis, index, &source);
            let parts = counts.iter().map(|&n| (n + usize::from(include_self)).max(1) as f64).collect();
            let parts = Tensor::from_vec(parts, self.shape()).cast(self.dtype());
            return if joining == Joining::Sum { sum } else { sum / Var::constant(parts) };
        }
        // Side by side: the own element, then what comes, then the neutral number that stands last of all.
        let width = counts.iter().max().copied().unwrap_or(0) + 1;
        let mut table = vec![-1i64; counts.len() * width];
        for (i, row) in table.chunks_mut(width).enumerate() {
            row[0] = i as i64;
        }
        let mut filled = vec![1; counts.len()];
        for (i, &at) in (counts.len() as i64..).zip(&places) {
            let at = at as usize;
            table[at * width + filled[at]] = i;
            filled[at] += 1;
        }
        let last = Var::constant(Tensor::scalar(neutral, self.dtype()).reshape([1]));
        let all = Var::cat(&[&own.ravel(), &source.ravel(), &last], 0);
        let shape: Vec<usize> = self.shape().iter().copied().chain([width]).collect();
        reduce(&all.index_select(0, &Tensor::from_vec(table, shape)))
    }
}

fn joined(d: &mut Draw, joining: Joining) -> Sample {
    let (shape, axis, index, source) = lines(d);
    let include_self = d.flag();
    let count = shape.iter().product::<usize>();
    // All different, so that no tie is near.
    let all = d.distinct(&[count + index.len()]);
    let (own, others) =
        (all.narrow(0, 0, count).reshape(&shape), all.narrow(0, count, index.len()).reshape(index.shape()));
    let source = format!("x[0].scatter_reduce({source}, &x[1], Joining::{joining:?}, {include_self})");
    Sample::new([own, others], source, move |x| {
        x[0].scatter_reduce(axis as isize, &index, &x[1], joining, include_self)
    })
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[Declaration::new(
    Family::Composite,
    "scatter_reduce",
    "scatter_reduce",
    "x joined with others at positions",
    "that of the reduction",
    |d| {
        use Joining::*;
        let joining = d.pick(&[Sum, Mean, Prod, Amax, Amin]);
        joined(d, joining)
    },
)];
