//! Every element with every other: grids, choices, products, and blocks side by side.

use chainrule_tensor::{Shape, Tensor};

use super::join::{all, joined};
use crate::declare::{Declaration, Draw, Family, Sample};
use crate::var::Var;

impl Var {
    /// Matrices along the diagonal of a larger one, zeros elsewhere. Numbers and rows count as matrices of one row.
    ///
    /// # Panics
    /// When there are none, one has more than two axes, or types differ.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::block_diag(&[&Var::leaf(tensor![1., 2.]), &Var::leaf(tensor![3.])]);
    /// assert_eq!(x.value().to_vec::<f32>(), [1., 2., 0., 0., 0., 3.]);
    /// ```
    #[track_caller]
    pub fn block_diag(parts: &[&Var]) -> Var {
        let mut blocks = Vec::with_capacity(parts.len());
        for part in parts {
            assert!(part.rank() <= 2, "block_diag: a block of shape {} is no matrix", part.to_shape());
            blocks.push(part.atleast_2d());
        }
        let width: usize = blocks.iter().map(|block| block.size(1)).sum();
        let mut at = 0;
        for block in &mut blocks {
            let columns = block.size(1);
            *block = block.pad(&[(at, width - at - columns)]);
            at += columns;
        }
        Self::cat(&blocks.iter().collect::<Vec<_>>(), 0)
    }

    /// Grids of coordinates: variable `i` of the result has `parts[i]` along axis `i`, repeated along the others (PyTorch's `"ij"`; for its
    /// `"xy"`, transpose the first two axes).
    ///
    /// # Panics
    /// When a part has more than one axis.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let grid = Var::meshgrid(&[&Var::leaf(tensor![1., 2.]), &Var::leaf(tensor![3., 4., 5.])]);
    /// assert_eq!(grid[0].value().to_vec::<f32>(), [1., 1., 1., 2., 2., 2.]);
    /// ```
    #[track_caller]
    pub fn meshgrid(parts: &[&Var]) -> Vec<Var> {
        let mut lines = Vec::with_capacity(parts.len());
        for (i, part) in parts.iter().enumerate() {
            assert!(part.rank() <= 1, "meshgrid: coordinates of shape {}, not a row", part.to_shape());
            let mut shape = vec![1; parts.len()];
            shape[i] = part.value().len();
            lines.push(part.reshape(shape));
        }
        Self::broadcast_tensors(&lines.iter().collect::<Vec<_>>())
    }

    /// All ways to take one element from each part, in order, as rows. Of a single part: its elements.
    ///
    /// # Panics
    /// When there are none or one has more than one axis.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::cartesian_prod(&[&Var::leaf(tensor![1., 2.]), &Var::leaf(tensor![3.])]);
    /// assert_eq!(x.value().to_vec::<f32>(), [1., 3., 2., 3.]);
    /// ```
    #[track_caller]
    pub fn cartesian_prod(parts: &[&Var]) -> Var {
        if let [part] = parts {
            return part.ravel();
        }
        let grid = Self::meshgrid(parts);
        joined(&grid.iter().collect::<Vec<_>>(), |part| part.ravel().unsqueeze(1), 1)
    }

    /// The Kronecker product: every element of this variable times all of `b`, as blocks.
    ///
    /// Shapes: `[n, m]` and `[p, q]` → `[n·p, m·q]`; a lower rank is filled up with axes of length 1 in front.
    ///
    /// # Panics
    /// When the types differ.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![1., 2.]).kron(&Var::leaf(tensor![3., 4.]));
    /// assert_eq!(x.value().to_vec::<f32>(), [3., 4., 6., 8.]);
    /// ```
    #[track_caller]
    pub fn kron(&self, b: &Var) -> Var {
        let rank = self.rank().max(b.rank());
        let lengths = |x: &Var| -> Vec<usize> {
            std::iter::repeat_n(1, rank - x.rank()).chain(x.shape().iter().copied()).collect()
        };
        let (n, m) = (lengths(self), lengths(b));
        let outer = self.reshape(n.iter().flat_map(|&n| [n, 1]).collect::<Shape>()); // [n0, 1, n1, 1, …]
        let inner = b.reshape(m.iter().flat_map(|&m| [1, m]).collect::<Shape>()); // [1, m0, 1, m1, …]
        (outer * inner).reshape(n.iter().zip(&m).map(|(n, m)| n * m).collect::<Shape>())
    }

    /// All choices of `r` elements of a row, in order, as rows; each element may be chosen more than once `with_replacement`.
    ///
    /// # Panics
    /// When there is not one axis.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![1., 2., 3.]).combinations(2, false);
    /// assert_eq!(x.value().to_vec::<f32>(), [1., 2., 1., 3., 2., 3.]);
    /// ```
    #[track_caller]
    pub fn combinations(&self, r: usize, with_replacement: bool) -> Var {
        assert!(self.rank() == 1, "combinations: shape {} is not a row", self.to_shape());
        let n = self.size(0) as i64;
        let mut choices: Vec<Vec<i64>> = vec![vec![]];
        for _ in 0..r {
            let next = |choice: &Vec<i64>| choice.last().map_or(0, |&last| last + i64::from(!with_replacement));
            let longer = |choice: Vec<i64>| (next(&choice)..n).map(move |i| [&choice[..], &[i]].concat());
            choices = choices.into_iter().flat_map(longer).collect();
        }
        let count = choices.len();
        self.index_select(0, &Tensor::from_vec(choices.concat(), [count, r]))
    }

    /// Powers of the elements as rows: `x^(n−1), …, x, 1`, or `1, x, …, x^(n−1)` if `increasing` (Vandermonde's matrix).
    ///
    /// Shape: `[m]` → `[m, n]`.
    ///
    /// # Panics
    /// When there is not one axis.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::leaf(tensor![3.]).vander(3, true).value().to_vec::<f32>(), [1., 3., 9.]);
    /// ```
    #[track_caller]
    pub fn vander(&self, n: usize, increasing: bool) -> Var {
        assert!(self.rank() == 1, "vander: shape {} is not a row", self.to_shape());
        let mut powers: Vec<Var> = Vec::with_capacity(n);
        for _ in 0..n {
            powers.push(match powers.last() {
                Some(last) => last * self,
                None => Var::constant(self.value().ones_like()),
            });
        }
        if !increasing {
            powers.reverse();
        }
        match n {
            0 => self.unsqueeze(1).narrow(1, 0, 0),
            _ => Var::stack(&powers.iter().collect::<Vec<_>>(), 1),
        }
    }
}

fn rows(d: &mut Draw) -> Vec<Tensor> {
    let count = d.range(1, 3);
    (0..count).map(|_| d.positive_size()).collect::<Vec<_>>().into_iter().map(|n| d.reals(&[n])).collect()
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::linear("block_diag", "block_diag", "matrices along a diagonal", "the blocks of g", |d| {
        let count = d.range(1, 3);
        let parts: Vec<Tensor> = (0..count)
            .map(|_| {
                let (shape, from) = ([d.positive_size(), d.positive_size()], d.below(3));
                d.reals(&shape[from..])
            })
            .collect();
        Sample::new(parts, "Var::block_diag(x)", |x| Var::block_diag(&all(x)))
    }),
    Declaration::linear(
        "meshgrid",
        "meshgrid",
        "coordinates repeated over a grid",
        "sum over what was repeated",
        |d| Sample::new(rows(d), "Var::meshgrid(x)", |x| Var::stack(&all(&Var::meshgrid(&all(x))), 0)),
    ),
    Declaration::linear(
        "cartesian_prod",
        "cartesian_prod",
        "all ways to take one element of each",
        "sum over what was repeated",
        |d| Sample::new(rows(d), "Var::cartesian_prod(x)", |x| Var::cartesian_prod(&all(x))),
    ),
    Declaration::new(Family::Product, "kron", "kron", "each element of a times all of b", "that of its parts", |d| {
        let (a, b) = ([d.size(), d.size()], [d.size(), d.size()]);
        let (a, b) = (a[d.below(3)..].to_vec(), b[d.below(3)..].to_vec());
        Sample::new([d.reals(&a), d.reals(&b)], "x[0].kron(&x[1])", |x| x[0].kron(&x[1]))
    }),
    Declaration::linear(
        "combinations",
        "combinations",
        "all choices of so many elements",
        "g added at the elements",
        |d| {
            let (n, r, again) = (d.positive_size(), d.range(1, 3), d.flag());
            Sample::new([d.reals(&[n])], format!("x[0].combinations({r}, {again})"), move |x| {
                x[0].combinations(r, again)
            })
        },
    ),
    Declaration::new(Family::Composite, "vander", "vander", "powers as rows", "that of its parts", |d| {
        let (m, n, increasing) = (d.size(), d.range(1, 4), d.flag());
        let source = format!("x[0].vander({n}, {increasing})");
        Sample::new([d.reals(&[m])], source, move |x| {
            let rows = x[0].vander(n, increasing);
            if n == 1 { rows + &x[0].unsqueeze(1) } else { rows } // powers of 0 alone are constant
        })
    }),
];
