//! Matrix products.

use chainrule_tensor::{Shape, Tensor};

use crate::declare::{Declaration, Draw, Family, Sample};
use crate::op::{Op, Saves};
use crate::var::Var;

/// `a · b` of the last two axes, over a batch that broadcasts.
struct MatMul {
    /// Whether `b` is the transpose of a dense matrix, as a layer's weight is. Its gradient then lies as it does, so that the optimiser need not copy.
    turned: bool,
}
impl MatMul {
    #[track_caller]
    fn of(a: &Var, b: &Var) -> Var {
        MatMul { turned: b.value().t().is_contiguous() }.apply([a, b])
    }
}
impl Op<2> for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }
    fn saves(&self) -> Saves {
        Saves::Others
    }
    fn forward(&self, [a, b]: [&Tensor; 2]) -> Tensor {
        a.matmul(b)
    }
    fn backward(&self, wrt: usize, g: &Var, [a, b]: [&Var; 2], _: &Var) -> Var {
        match wrt {
            0 => MatMul::of(g, &b.t()),                    // [m, n] · [n, k]
            _ if self.turned => MatMul::of(&g.t(), a).t(), // ([n, m] · [m, k])ᵀ
            _ => MatMul::of(&a.t(), g),                    // [k, m] · [m, n]
        }
    }
}

impl Var {
    /// The matrix product of the last two axes, for each member of the batch that all other axes form by broadcasting. A vector counts as one row
    /// on the left and one column on the right, and its axis disappears.
    ///
    /// Shapes: `[…, m, k]` and `[…, k, n]` → `[…, m, n]`; `[k]` and `[k]` → `[]`.
    ///
    /// # Panics
    /// When an operand has no axes, inner lengths or types differ, or the batches do not broadcast.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let a = Var::leaf(tensor![[1., 2.], [3., 4.]]);
    /// let x = Var::leaf(tensor![1., 10.]);
    /// let y = a.matmul(&x);
    /// assert_eq!(y.value().to_vec::<f32>(), [21., 43.]);
    /// assert_eq!(y.sum().backward()[&x].to_vec::<f32>(), [4., 6.]);
    /// ```
    #[track_caller]
    pub fn matmul(&self, b: &Var) -> Var {
        match (self.rank(), b.rank()) {
            (0, _) | (_, 0) => panic!("matmul: {} × {}: a number is no matrix; use *", self.to_shape(), b.to_shape()),
            (1, 1) => {
                assert!(self.len() == b.len(), "matmul: lengths differ: {} × {}", self.to_shape(), b.to_shape());
                (self * b).sum()
            }
            (1, _) => self.unsqueeze(0).matmul(b).squeeze(&[-2]),
            (_, 1) => self.matmul(&b.unsqueeze(1)).squeeze(&[-1]),
            (rank, 2) if rank > 2 => {
                // [batch, m, k] · [k, n] is one product of [batch·m, k].
                let (rows, k) = (self.shape()[..rank - 1].iter().product::<usize>(), self.size(-1));
                let mut shape: Shape = self.to_shape();
                shape[rank - 1] = b.size(1);
                MatMul::of(&self.reshape([rows, k]), b).reshape(shape)
            }
            _ => MatMul::of(self, b),
        }
    }

    /// The affine map of a layer, `x · wᵀ + b`.
    ///
    /// Shapes: `[…, inputs]`, weight `[outputs, inputs]`, bias `[outputs]` → `[…, outputs]`; or weight `[inputs]`, bias `[]` → `[…]`.
    ///
    /// # Panics
    /// When shapes or types do not fit.
    #[track_caller]
    pub fn linear(&self, weight: &Var, bias: Option<&Var>) -> Var {
        if self.rank() == 0 || !(1..=2).contains(&weight.rank()) || self.size(-1) != weight.size(-1) {
            panic!(
                "linear: input {} needs a weight [outputs, {}], got {}",
                self.to_shape(),
                self.shape().last().map_or("inputs".into(), ToString::to_string),
                weight.to_shape()
            );
        }
        let y = if weight.rank() == 1 { self.matmul(weight) } else { self.matmul(&weight.t()) };
        match bias {
            Some(bias) => y + bias,
            None => y,
        }
    }
}

fn operands(d: &mut Draw) -> Sample {
    let [m, k, n] = [d.size(), d.size(), d.size()];
    let [x, y] = match d.below(3) {
        0 => [vec![], vec![]],
        1 => d.broadcasting_shapes(),
        _ => [vec![d.size()], vec![]],
    };
    let a = if d.below(6) == 5 { vec![k] } else { [x, vec![m, k]].concat() };
    let b = if d.below(6) == 5 { vec![k] } else { [y, vec![k, n]].concat() };
    Sample::new([d.reals(&a), d.reals(&b)], "x[0].matmul(&x[1])", |x| x[0].matmul(&x[1]))
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(Family::Product, "matmul", "matmul", "a · b", "g·bᵀ, aᵀ·g", operands),
    Declaration::new(Family::Composite, "linear", "nn.functional.linear", "x·wᵀ + b", "of its parts", |d| {
        let (batch, inputs, outputs) = (d.shape(), d.size(), d.size());
        let x = [&batch[..batch.len().min(2)], &[inputs]].concat();
        let whole = [outputs, inputs];
        let from = usize::from(d.below(4) == 3); // a weight of one axis now and then
        let inputs = [d.reals(&x), d.reals(&whole[from..]), d.reals(&whole[from..1])];
        Sample::new(inputs, "x[0].linear(&x[1], Some(&x[2]))", |x| x[0].linear(&x[1], Some(&x[2])))
    }),
];
