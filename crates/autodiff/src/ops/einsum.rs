//! Sums of products over named axes, in a good order, on matrix products.

mod contract;
mod order;
mod parse;

use crate::declare::{Declaration, Draw, Family, Sample};
use crate::var::Var;
use contract::contract;

/// The name of an axis inside one product.
type Label = usize;

impl Var {
    /// Einstein's sum: the product of all operands, with axes of the same letter taken together, summed over all letters that the output does
    /// not name.
    ///
    /// `"ij,jk->ik"` is a matrix product, `"ii->i"` a diagonal, `"bhqd,bhkd->bhqk"` the scores of attention. `...` stands for any
    /// further axes, which broadcast. Without `->` the output has the axes of `...` and then all letters that occur once, in the
    /// order of their codes. Spaces do not count. An axis of length 1 broadcasts with longer ones of its letter.
    ///
    /// Up to eight operands are multiplied in the order that costs least, found by trying all; more in a greedy one.
    ///
    /// # Panics
    /// When the equation is malformed or does not fit the operands, or lengths of a letter differ.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (a, x) = (Var::leaf(tensor![[1., 2.], [3., 4.]]), Var::constant(tensor![1., 10.]));
    /// assert_eq!(Var::einsum("ij,j->i", &[&a, &x]).value().to_vec::<f32>(), [21., 43.]);
    /// ```
    #[track_caller]
    pub fn einsum(equation: &str, operands: &[&Var]) -> Var {
        let ranks: Vec<usize> = operands.iter().map(|x| x.rank()).collect();
        match parse::labels(equation, &ranks) {
            Ok((inputs, output)) => contract(&format!("einsum {equation:?}"), operands, &inputs, &output),
            Err(why) => panic!("einsum {equation:?}: {why}; the operands are {}", parse::shapes(operands)),
        }
    }

    /// The product summed over the last `count` axes of this variable and the first ones of `b`: 1 for a matrix product, 0 for all pairs.
    ///
    /// Shapes: `[a…, c…]` and `[c…, b…]` → `[a…, b…]`.
    ///
    /// # Panics
    /// When one has fewer axes, or lengths or types differ.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{DType, Tensor};
    /// let ones = |shape: &[usize]| Var::constant(Tensor::ones(shape, DType::F32));
    /// let y = ones(&[2, 3, 4]).tensordot(&ones(&[3, 4, 5]), 2);
    /// assert_eq!((y.shape(), y.value().at::<f32>(&[0, 0])), (&[2, 5][..], 12.0));
    /// ```
    #[track_caller]
    pub fn tensordot(&self, b: &Var, count: usize) -> Var {
        assert!(
            count <= self.rank().min(b.rank()),
            "tensordot: {count} axes of {} and {} cannot be summed over",
            self.to_shape(),
            b.to_shape()
        );
        let first: Vec<isize> = (0..count as isize).collect();
        let last: Vec<isize> = first.iter().map(|&i| (self.rank() - count) as isize + i).collect();
        self.tensordot_axes(b, &last, &first)
    }

    /// The product summed over pairs of axes: `of_a[i]` of this variable with `of_b[i]` of `b`. The other axes stay in order.
    ///
    /// # Panics
    /// When an axis does not exist or is named twice, the lists or the lengths of a pair differ, or types do.
    #[track_caller]
    pub fn tensordot_axes(&self, b: &Var, of_a: &[isize], of_b: &[isize]) -> Var {
        let op = "tensordot";
        assert!(
            of_a.len() == of_b.len(),
            "{op}: {} axes paired with {}: {of_a:?} and {of_b:?}",
            of_a.len(),
            of_b.len()
        );
        let mut labels = [(0..self.rank()).collect::<Vec<Label>>(), (0..b.rank()).map(|i| self.rank() + i).collect()];
        let mut paired = Vec::new();
        for (&i, &j) in of_a.iter().zip(of_b) {
            let i = chainrule_tensor::normalise_axis(op, i, self.rank());
            let j = chainrule_tensor::normalise_axis(op, j, b.rank());
            let new = !paired.contains(&i) && labels[1][j] >= self.rank();
            assert!(new, "{op}: an axis is named twice in {of_a:?} or {of_b:?}");
            labels[1][j] = i;
            paired.push(i);
        }
        let output: Vec<Label> = labels.concat().into_iter().filter(|label| !paired.contains(label)).collect();
        contract(op, &[self, b], &labels, &output)
    }

    /// x₁ᵀ·Wₒ·x₂ + bₒ for every output o.
    ///
    /// Shapes: `[…, i]`, `[…, j]`, weight `[o, i, j]`, bias `[o]` → `[…, o]`.
    ///
    /// # Panics
    /// When shapes or types do not fit.
    #[track_caller]
    pub fn bilinear(&self, other: &Var, weight: &Var, bias: Option<&Var>) -> Var {
        let fits = self.rank() == other.rank()
            && self.rank() > 0
            && self.shape()[..self.rank() - 1] == other.shape()[..self.rank() - 1]
            && weight.rank() == 3
            && weight.shape()[1..] == [self.size(-1), other.size(-1)];
        assert!(
            fits,
            "bilinear: inputs {} and {} need a weight [outputs, i, j] of their last lengths, got {}",
            self.to_shape(),
            other.to_shape(),
            weight.to_shape()
        );
        let batch: Vec<Label> = (3..2 + self.rank()).collect();
        let with = |label: Label| [&batch[..], &[label]].concat();
        let y = contract("bilinear", &[self, other, weight], &[with(1), with(2), vec![0, 1, 2]], &with(0));
        match bias {
            Some(bias) => y + bias,
            None => y,
        }
    }

    /// The product of several matrices, in the order that costs least. The first and the last may be vectors: one row, one column.
    ///
    /// # Panics
    /// When there are fewer than two, others than the first and last are no matrices, or lengths or types differ.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (a, x) = (Var::leaf(tensor![[1., 2.], [3., 4.]]), Var::constant(tensor![1., 10.]));
    /// assert_eq!(Var::multi_dot(&[&x, &a, &a, &x]).item(), 2457.0);
    /// ```
    #[doc(alias("chain_matmul"))]
    #[track_caller]
    pub fn multi_dot(factors: &[&Var]) -> Var {
        let n = factors.len();
        let ranks = |i: usize| if i == 0 || i + 1 == n { 1..=2 } else { 2..=2 };
        let fits = n >= 2
            && (0..n).all(|i| ranks(i).contains(&factors[i].rank()))
            && factors.windows(2).all(|pair| pair[0].size(-1) == pair[1].shape()[0]);
        assert!(
            fits,
            "multi_dot: needs two or more matrices (the first and last may be vectors) whose neighbouring lengths are equal; got {}",
            parse::shapes(factors)
        );
        let labels = |i: usize| match (i, factors[i].rank()) {
            (0, 1) => vec![1],
            (i, 1) => vec![i],
            (i, _) => vec![i, i + 1],
        };
        let labels: Vec<Vec<Label>> = (0..n).map(labels).collect();
        let ends = [(0, factors[0].rank()), (n, factors[n - 1].rank())];
        let output: Vec<Label> = ends.into_iter().filter(|(_, rank)| *rank == 2).map(|(label, _)| label).collect();
        contract("multi_dot", factors, &labels, &output)
    }
}

/// Equations with shapes of letters that broadcast now and then.
fn equation(d: &mut Draw) -> Sample {
    const EQUATIONS: [&str; 18] = [
        "ij,jk->ik",
        "i->",
        "ii->i",
        "ij->ji",
        "iij,j",
        "ij,ij->",
        "i,j->ij",
        "bij,bjk->bik",
        "ij,kj,il",
        "iijj->ji",
        "i,i,i->i",
        "...ij,...jk->...ik",
        "i...->...",
        "...",
        "i...,...i",
        "a b, b c, c d, d e -> a e",
        "ij,jk,ki->",
        "bi,oij,bj->bo",
    ];
    let equation = d.pick(&EQUATIONS);
    let sizes: Vec<usize> = (0..6).map(|_| d.size()).collect();
    let further = d.pick(&[vec![], vec![2], vec![3, 2]]);
    let terms = equation.split("->").next().expect("an equation has inputs").split(',');
    let mut inputs = Vec::new();
    for term in terms {
        let single = d.below(6) == 5 && !equation.contains("ii");
        let mut shape = Vec::new();
        for letter in term.replace("...", ".").chars().filter(|c| *c != ' ') {
            match letter {
                '.' => {
                    let from = d.below(further.len() + 1);
                    shape.extend_from_slice(&further[from..]);
                }
                _ if single => shape.push(1),
                letter => shape.push(sizes[letter as usize % 6]),
            }
        }
        inputs.push(d.reals(&shape));
    }
    Sample::new(inputs, format!("Var::einsum({equation:?}, &x.iter().collect::<Vec<_>>())"), move |x| {
        Var::einsum(equation, &x.iter().collect::<Vec<_>>())
    })
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(Family::Composite, "einsum", "einsum", "Σ of products over named axes", "of its parts", equation),
    Declaration::new(Family::Composite, "tensordot", "tensordot", "Σ of products over axes", "of its parts", |d| {
        let (count, shared) = (d.below(3), [d.size(), d.size()]);
        let (a, b) = ([&[d.size()], &shared[..count]].concat(), [&shared[..count], &[d.size()]].concat());
        let source = format!("x[0].tensordot(&x[1], {count})");
        Sample::new([d.reals(&a), d.reals(&b)], source, move |x| x[0].tensordot(&x[1], count))
    }),
    Declaration::new(
        Family::Composite,
        "tensordot_axes",
        "tensordot",
        "Σ of products over axes",
        "of its parts",
        |d| {
            let [i, j, k, l] = [d.size(), d.size(), d.size(), d.size()];
            let inputs = [d.reals(&[i, j, k]), d.reals(&[k, l, i])];
            Sample::new(inputs, "x[0].tensordot_axes(&x[1], &[0, -1], &[2, 0])", |x| {
                x[0].tensordot_axes(&x[1], &[0, -1], &[2, 0])
            })
        },
    ),
    Declaration::new(
        Family::Composite,
        "bilinear",
        "nn.functional.bilinear",
        "x₁ᵀ·Wₒ·x₂ + bₒ",
        "of its parts",
        |d| {
            let batch = d.pick(&[vec![], vec![2], vec![3, 2], vec![0]]);
            let [i, j, o] = [d.size(), d.size(), d.size()];
            let (x, y) = ([&batch[..], &[i]].concat(), [&batch[..], &[j]].concat());
            let inputs = [d.reals(&x), d.reals(&y), d.reals(&[o, i, j]), d.reals(&[o])];
            let source = "x[0].bilinear(&x[1], &x[2], Some(&x[3]))";
            Sample::new(inputs, source, |x| x[0].bilinear(&x[1], &x[2], Some(&x[3])))
        },
    ),
    Declaration::new(Family::Composite, "multi_dot", "linalg.multi_dot", "a · b · c …", "of its parts", |d| {
        let n = d.range(2, 5);
        let lengths: Vec<usize> = (0..=n).map(|_| d.size()).collect();
        let (first, last) = (d.flag(), d.flag());
        let mut inputs = Vec::new();
        for i in 0..n {
            let shape = match i {
                0 if first => &lengths[1..2],
                i if i + 1 == n && last => &lengths[i..=i],
                i => &lengths[i..=i + 1],
            };
            inputs.push(d.reals(shape));
        }
        Sample::new(inputs, "Var::multi_dot(&x.iter().collect::<Vec<_>>())", |x| {
            Var::multi_dot(&x.iter().collect::<Vec<_>>())
        })
    }),
];
