//! Rows of a table by number: what words are to a network.

use chainrule_tensor::{DType, Shape, Tensor, normalise_axis};

use super::index::zeros;
use super::scatter_reduce::Joining;
use crate::declare::{Declaration, Family, Sample};
use crate::op::{Op, Saves};
use crate::var::Var;

/// Rows of a table, of which some weigh less in the gradient ↔ rows added, so weighted.
struct Embedding {
    index: Tensor,
    weights: Option<Tensor>,
}
impl Op<1> for Embedding {
    fn name(&self) -> &'static str {
        "embedding"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [table]: [&Tensor; 1]) -> Tensor {
        table.index_select(0, &self.index)
    }
    fn backward(&self, _: usize, g: &Var, [table]: [&Var; 1], _: &Var) -> Var {
        let zeros = zeros(table);
        match &self.weights {
            None => zeros.index_add(0, &self.index, g),
            Some(weights) => zeros.index_add(0, &self.index, &(g * Var::constant(weights))),
        }
    }
}

/// How [`Var::embedding_with`] departs from the derivative.
///
/// ```
/// # use chainrule_autodiff::ops::embedding::Embeddings;
/// let options = Embeddings { padding: Some(0), ..Default::default() };
/// assert!(!options.mean_gradient);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Embeddings {
    /// A row that gets no gradient: the word that fills up short sentences. Negative counts from the end.
    pub padding: Option<isize>,
    /// Whether a row gets the mean instead of the sum of its gradients (PyTorch's `scale_grad_by_freq`).
    pub mean_gradient: bool,
}

impl Var {
    /// Rows of a table: [`index_select`](Var::index_select) on axis 0.
    ///
    /// Shapes: table `[words, width]` and `index` `[…]` → `[…, width]`.
    ///
    /// # Panics
    /// When an index is out of range or not `i64`.
    #[track_caller]
    pub fn embedding(&self, index: &Tensor) -> Var {
        Embedding { index: index.clone(), weights: None }.apply([self])
    }

    /// As [`embedding`](Var::embedding), with a gradient that is not the derivative where the options say so.
    ///
    /// # Panics
    /// As `embedding`; and when the padding is no row.
    ///
    /// ```
    /// # use chainrule_autodiff::{ops::embedding::Embeddings, Var};
    /// # use chainrule_tensor::tensor;
    /// let table = Var::leaf(tensor![[1.], [2.]]);
    /// let y = table.embedding_with(&tensor![0, 1, 1], Embeddings { padding: Some(0), mean_gradient: true });
    /// assert_eq!(y.sum().backward()[&table].to_vec::<f32>(), [0., 1.]);
    /// ```
    #[track_caller]
    pub fn embedding_with(&self, index: &Tensor, options: Embeddings) -> Var {
        if options == Embeddings::default() {
            return self.embedding(index);
        }
        let rows = self.size(0);
        let counted = Tensor::arange(0.0, rows as f64, 1.0, DType::I64).index_select(0, index);
        let mut padding = None;
        if let Some(row) = options.padding {
            padding = Some(normalise_axis("embedding_with: padding", row, rows) as i64);
        }
        let named = counted.to_vec::<i64>();
        let mut counts = vec![0usize; rows];
        named.iter().for_each(|&row| counts[row as usize] += 1);
        let weight = |row: i64| match options.mean_gradient {
            _ if Some(row) == padding => 0.0,
            true => 1.0 / counts[row as usize] as f64,
            false => 1.0,
        };
        let weights = Tensor::from_vec(named.into_iter().map(weight).collect(), index.shape()).cast(self.dtype());
        let over_rows =
            weights.reshape(weights.shape().iter().copied().chain(vec![1; self.rank() - 1]).collect::<Shape>());
        Embedding { index: index.clone(), weights: Some(over_rows) }.apply([self])
    }

    /// Rows of a table joined bag by bag: bag `i` holds the rows numbered `index[starts[i]]` up to before `index[starts[i + 1]]`, each times
    /// its weight, if there are weights. An empty bag gives zeros.
    ///
    /// Shapes: table `[words, width]`, `index` and `weights` `[k]`, `starts` `[bags]` → `[bags, width]`.
    ///
    /// # Panics
    /// When an index is out of range, `starts` does not ascend from 0 to k at most, or shapes or types do not fit.
    ///
    /// ```
    /// # use chainrule_autodiff::{Var, ops::scatter_reduce::Joining};
    /// # use chainrule_tensor::tensor;
    /// let table = Var::leaf(tensor![[1.], [2.], [4.]]);
    /// let y = table.embedding_bag(&tensor![0, 1, 2], &tensor![0, 2], None, Joining::Mean);
    /// assert_eq!(y.value().to_vec::<f32>(), [1.5, 4.]);
    /// ```
    #[track_caller]
    pub fn embedding_bag(&self, index: &Tensor, starts: &Tensor, weights: Option<&Var>, joining: Joining) -> Var {
        assert!(
            self.rank() == 2 && index.rank() == 1 && starts.rank() == 1,
            "embedding_bag: needs a table and rows of numbers and starts, got shapes {}, {} and {}",
            self.to_shape(),
            index.to_shape(),
            starts.to_shape()
        );
        let (k, firsts) = (index.len(), starts.to_vec::<i64>());
        assert!(
            firsts.is_sorted()
                && firsts.first().is_none_or(|&first| first == 0)
                && firsts.iter().all(|&s| s <= k as i64),
            "embedding_bag: starts {firsts:?} do not ascend from 0 to the {k} numbers"
        );
        let mut rows = self.embedding(index); // [k, width]
        if let Some(weights) = weights {
            rows = rows * weights.unsqueeze(1);
        }
        let numbers = Tensor::arange(0.0, k as f64, 1.0, DType::I64);
        let bags = starts.searchsorted(&numbers, true) - 1.0; // [k]
        let empty = Var::constant(Tensor::zeros([firsts.len(), self.size(1)], self.dtype()));
        empty.scatter_reduce(0, &bags.unsqueeze(1).broadcast_to(rows.shape()), &rows, joining, false)
    }
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::linear("embedding", "nn.functional.embedding", "rows at positions", "g added at the rows", |d| {
        let shape = [d.positive_size(), d.size()];
        let index = d.size();
        let index = d.indices(&[index], shape[0]);
        let source = format!("x[0].embedding(&tensor!{:?})", index.to_vec::<i64>());
        Sample::new([d.reals(&shape)], source, move |x| x[0].embedding(&index))
    }),
    Declaration::linear("embedding_with", "nn.functional.embedding", "rows at positions", "g, weighted, added", |d| {
        let shape = [d.positive_size(), d.size()];
        let count = d.size();
        let index = d.indices(&[count], shape[0]);
        let source = format!("x[0].embedding_with(&tensor!{:?}, Embeddings::default())", index.to_vec::<i64>());
        Sample::new([d.reals(&shape)], source, move |x| x[0].embedding_with(&index, Embeddings::default()))
    }),
    Declaration::new(
        Family::Composite,
        "embedding_bag",
        "nn.functional.embedding_bag",
        "rows at positions, joined bag by bag",
        "that of its parts",
        |d| {
            let (words, width, k) = (d.positive_size(), d.size(), d.range(1, 4));
            let index = d.indices(&[k], words);
            let starts = Tensor::from(vec![0, d.below(2) as i64, 1]);
            let joining = d.pick(&[Joining::Sum, Joining::Mean]);
            let source = format!(
                "x[0].embedding_bag(&tensor!{:?}, &tensor!{:?}, Some(&x[1]), Joining::{joining:?})",
                index.to_vec::<i64>(),
                starts.to_vec::<i64>()
            );
            Sample::new([d.reals(&[words, width]), d.reals(&[k])], source, move |x| {
                x[0].embedding_bag(&index, &starts, Some(&x[1]), joining)
            })
        },
    ),
];
