//! Products of vectors and matrices by their own names, and sums with them.

use chainrule_tensor::{Tensor, broadcast_shapes, normalise_axis};

use crate::declare::{Declaration, Draw, Family, Sample};
use crate::var::Var;

macro_rules! products {
    ($($(#[$doc:meta])* $name:ident($($rank:literal),*) = $product:expr;)*) => {
        impl Var {
            $(
                $(#[$doc])*
                ///
                /// # Panics
                /// When the operands have other numbers of axes, or lengths or types differ.
                #[track_caller]
                pub fn $name(&self, b: &Var) -> Var {
                    exactly(stringify!($name), [self, b], [$($rank),*]);
                    let product: fn(&Var, &Var) -> Var = $product;
                    product(self, b)
                }
            )*
        }
    };
}

products! {
    /// The product of two matrices, without broadcasting: [`matmul`](Var::matmul) for exactly `[m, k]` and `[k, n]`.
    mm(2, 2) = |a, b| a.matmul(b);

    /// The products of two stacks of matrices of the same height, without broadcasting: [`matmul`](Var::matmul) for exactly `[b, m, k]` and `[b, k, n]`.
    bmm(3, 3) = |a, b| {
        assert!(a.shape()[0] == b.shape()[0], "bmm: {} and {} matrices: {} × {}", a.shape()[0], b.shape()[0], a.to_shape(), b.to_shape());
        a.matmul(b)
    };

    /// The product of a matrix and a vector: [`matmul`](Var::matmul) for exactly `[m, k]` and `[k]`.
    mv(2, 1) = |a, b| a.matmul(b);

    /// The inner product Σ aᵢbᵢ of two vectors.
    dot(1, 1) = |a, b| a.matmul(b);

    /// The inner product Σ aᵢbᵢ of two vectors; the same as [`dot`](Var::dot) for real numbers.
    vdot(1, 1) = |a, b| a.matmul(b);

    /// All products aᵢbⱼ of two vectors.
    ///
    /// Shapes: `[m]` and `[n]` → `[m, n]`.
    outer(1, 1) = |a, b| a.unsqueeze(1) * b;
}

/// Refuses operands with other numbers of axes.
#[track_caller]
fn exactly<const N: usize>(op: &str, operands: [&Var; N], ranks: [usize; N]) {
    for (i, (x, rank)) in operands.iter().zip(ranks).enumerate() {
        assert!(
            x.rank() == rank,
            "{op}: operand {i} needs {rank} axes, got shape {}; matmul takes vectors, matrices and batches",
            x.to_shape()
        );
    }
}

macro_rules! sums_with_products {
    ($($(#[$doc:meta])* $name:ident $with:ident($a:ident $m:literal, $b:ident $n:literal) = $product:expr;)*) => {
        impl Var {
            $(
                $(#[$doc])*
                ///
                /// # Panics
                /// When the factors have other numbers of axes, lengths or types differ, or this variable does not broadcast to the product.
                #[track_caller]
                pub fn $name(&self, $a: &Var, $b: &Var) -> Var {
                    self.$with($a, $b, 1.0, 1.0)
                }

                #[doc = concat!("`beta` times this variable plus `alpha` times the product of [`", stringify!($name), "`](Var::", stringify!($name), "). With")]
                /// `beta` 0 this variable counts as zeros, whatever it holds.
                ///
                /// # Panics
                #[doc = concat!("As [`", stringify!($name), "`](Var::", stringify!($name), ").")]
                #[track_caller]
                pub fn $with(&self, $a: &Var, $b: &Var, beta: f64, alpha: f64) -> Var {
                    exactly(stringify!($name), [$a, $b], [$m, $n]);
                    let product: fn(&Var, &Var) -> Var = $product;
                    self.plus_product(stringify!($name), &product($a, $b), beta, alpha)
                }
            )*
        }
    };
}

sums_with_products! {
    /// This variable plus the product of two matrices.
    ///
    /// Shapes: `[m, n]` or what broadcasts to it, `[m, k]` and `[k, n]` → `[m, n]`.
    addmm addmm_with(mat1 2, mat2 2) = |a, b| a.matmul(b);

    /// This variable plus the product of a matrix and a vector.
    ///
    /// Shapes: `[m]` or what broadcasts to it, `[m, k]` and `[k]` → `[m]`.
    addmv addmv_with(mat 2, vec 1) = |a, b| a.matmul(b);

    /// This variable plus all products of the elements of two vectors.
    ///
    /// Shapes: `[m, n]` or what broadcasts to it, `[m]` and `[n]` → `[m, n]`.
    addr addr_with(vec1 1, vec2 1) = |a, b| a.outer(b);

    /// This variable plus the products of two stacks of matrices.
    ///
    /// Shapes: `[b, m, n]` or what broadcasts to it, `[b, m, k]` and `[b, k, n]` → `[b, m, n]`.
    baddbmm baddbmm_with(batch1 3, batch2 3) = |a, b| a.bmm(b);

    /// This variable plus the sum of the products of two stacks of matrices.
    ///
    /// Shapes: `[m, n]` or what broadcasts to it, `[b, m, k]` and `[b, k, n]` → `[m, n]`.
    addbmm addbmm_with(batch1 3, batch2 3) = |a, b| a.bmm(b).sum_axes(&[0], false);
}

impl Var {
    #[track_caller]
    fn plus_product(&self, op: &str, product: &Var, beta: f64, alpha: f64) -> Var {
        assert!(
            broadcast_shapes(self.shape(), product.shape()).as_ref() == Some(&product.to_shape()),
            "{op}: {} does not broadcast to the product's shape {}",
            self.to_shape(),
            product.to_shape()
        );
        self.times_number(beta) + product.times_number(alpha)
    }

    /// The sum of products over the last axis of both: every vector of one with every vector of the other. A number multiplies.
    ///
    /// Shapes: `[a…, k]` and `[b…, k]` → `[a…, b…]`.
    ///
    /// # Panics
    /// When the last lengths or the types differ.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (a, b) = (Var::leaf(tensor![[1., 2.], [3., 4.]]), Var::constant(tensor![1., 10.]));
    /// assert_eq!(a.inner(&b).value().to_vec::<f32>(), [21., 43.]);
    /// ```
    #[track_caller]
    pub fn inner(&self, b: &Var) -> Var {
        if self.rank() == 0 || b.rank() == 0 {
            return self * b;
        }
        assert!(self.size(-1) == b.size(-1), "inner: last lengths differ: {} and {}", self.to_shape(), b.to_shape());
        self.tensordot_axes(b, &[-1], &[-1])
    }

    /// The inner products Σ aᵢbᵢ along an axis, of operands that broadcast.
    ///
    /// # Panics
    /// When the axis does not exist, or shapes or types do not fit.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (a, b) = (Var::leaf(tensor![[1., 2.], [3., 4.]]), Var::constant(tensor![1., 10.]));
    /// assert_eq!(a.vecdot(&b, -1).value().to_vec::<f32>(), [21., 43.]);
    /// ```
    #[track_caller]
    pub fn vecdot(&self, b: &Var, axis: isize) -> Var {
        (self * b).sum_axes(&[axis], false)
    }

    /// The cross product of vectors of three along an axis, of operands that broadcast on all others.
    ///
    /// # Panics
    /// When the axis does not exist or has not length 3, or shapes or types do not fit.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (x, y) = (Var::leaf(tensor![1., 0., 0.]), Var::constant(tensor![0., 1., 0.]));
    /// assert_eq!(x.cross(&y, -1).value().to_vec::<f32>(), [0., 0., 1.]);
    /// ```
    #[track_caller]
    pub fn cross(&self, b: &Var, axis: isize) -> Var {
        let (m, n) = (self.rank(), b.rank());
        assert!(m == n, "cross: needs as many axes on both sides, got {} and {}", self.to_shape(), b.to_shape());
        let axis = normalise_axis("cross", axis, m) as isize;
        assert!(
            self.size(axis) == 3 && b.size(axis) == 3,
            "cross: axis {axis} must have length 3, got {} and {}",
            self.to_shape(),
            b.to_shape()
        );
        let turned = |x: &Var, order: [i64; 3]| x.index_select(axis, &Tensor::from(order));
        let [next, last] = [[1, 2, 0], [2, 0, 1]];
        turned(self, next) * turned(b, last) - turned(self, last) * turned(b, next)
    }
}

fn of_shapes<const N: usize>(d: &mut Draw, shapes: [&[usize]; N], source: &str, call: fn(&[Var]) -> Var) -> Sample {
    Sample::new(shapes.map(|shape| d.reals(shape)), source, call)
}

/// A shape that broadcasts to `full`.
fn narrower(d: &mut Draw, full: &[usize]) -> Vec<usize> {
    let from = d.below(full.len() + 1);
    full[from..].iter().map(|&n| if d.below(4) == 3 { 1 } else { n }).collect()
}

type AddProduct = fn(&Var, &Var, &Var, f64, f64) -> Var;
/// The shapes of a product and its factors, from four lengths.
type Shapes = fn([usize; 4]) -> [Vec<usize>; 3];

/// A sum with a product, without or with factors.
fn with_product(d: &mut Draw, name: &str, shapes: Shapes, call: AddProduct, factors: bool) -> Sample {
    let [full, a, b] = shapes([d.size(), d.size(), d.size(), d.size()]);
    let to = narrower(d, &full);
    let (beta, alpha) = if factors { (d.pick(&[0.5, 1.0, -2.0]), d.pick(&[0.5, 1.0, -2.0])) } else { (1.0, 1.0) };
    let source = match factors {
        true => format!("x[0].{name}_with(&x[1], &x[2], {beta:?}, {alpha:?})"),
        false => format!("x[0].{name}(&x[1], &x[2])"),
    };
    Sample::new([d.reals(&to), d.reals(&a), d.reals(&b)], source, move |x| call(&x[0], &x[1], &x[2], beta, alpha))
}

macro_rules! declared {
    ($($name:ident $with:ident, $formula:literal, $shapes:expr;)*) => {
        &[$(
            Declaration::new(Family::Composite, stringify!($name), stringify!($name), $formula, "of its parts", |d| {
                with_product(d, stringify!($name), $shapes, |x, a, b, _, _| x.$name(a, b), false)
            }),
            Declaration::new(Family::Composite, stringify!($with), stringify!($name), concat!("with factors, ", $formula), "of its parts", |d| {
                with_product(d, stringify!($name), $shapes, |x, a, b, beta, alpha| x.$with(a, b, beta, alpha), true)
            }),
        )*]
    };
}

/// What the sums with products say about themselves.
pub(crate) const SUMS: &[Declaration] = declared! {
    addmm addmm_with, "x + a · b", |[m, k, n, _]| [vec![m, n], vec![m, k], vec![k, n]];
    addmv addmv_with, "x + a · b", |[m, k, _, _]| [vec![m], vec![m, k], vec![k]];
    addr addr_with, "x + a · bᵀ", |[m, n, _, _]| [vec![m, n], vec![m], vec![n]];
    baddbmm baddbmm_with, "x + a · b", |[m, k, n, h]| [vec![h, m, n], vec![h, m, k], vec![h, k, n]];
    addbmm addbmm_with, "x + Σ a · b", |[m, k, n, h]| [vec![m, n], vec![h, m, k], vec![h, k, n]];
};

/// What the products say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(Family::Composite, "mm", "mm", "a · b", "of its parts", |d| {
        let [m, k, n] = [d.size(), d.size(), d.size()];
        of_shapes(d, [&[m, k], &[k, n]], "x[0].mm(&x[1])", |x| x[0].mm(&x[1]))
    }),
    Declaration::new(Family::Composite, "bmm", "bmm", "a · b", "of its parts", |d| {
        let [h, m, k, n] = [d.size(), d.size(), d.size(), d.size()];
        of_shapes(d, [&[h, m, k], &[h, k, n]], "x[0].bmm(&x[1])", |x| x[0].bmm(&x[1]))
    }),
    Declaration::new(Family::Composite, "mv", "mv", "a · b", "of its parts", |d| {
        let [m, k] = [d.size(), d.size()];
        of_shapes(d, [&[m, k], &[k]], "x[0].mv(&x[1])", |x| x[0].mv(&x[1]))
    }),
    Declaration::new(Family::Composite, "dot", "dot", "Σ a·b", "of its parts", |d| {
        let n = d.size();
        of_shapes(d, [&[n], &[n]], "x[0].dot(&x[1])", |x| x[0].dot(&x[1]))
    }),
    Declaration::new(Family::Composite, "vdot", "vdot", "Σ a·b", "of its parts", |d| {
        let n = d.size();
        of_shapes(d, [&[n], &[n]], "x[0].vdot(&x[1])", |x| x[0].vdot(&x[1]))
    }),
    Declaration::new(Family::Composite, "outer", "outer", "a · bᵀ", "of its parts", |d| {
        let [m, n] = [d.size(), d.size()];
        of_shapes(d, [&[m], &[n]], "x[0].outer(&x[1])", |x| x[0].outer(&x[1]))
    }),
    Declaration::new(Family::Composite, "inner", "inner", "Σ a·b over the last axes", "of its parts", |d| {
        let n = d.size();
        let more = [vec![n], vec![d.size(), n], vec![d.size(), d.size(), n]];
        let (a, b) = (d.pick(&more), d.pick(&more));
        let scalar = d.below(8) == 7;
        of_shapes(d, [&a, if scalar { &[] } else { &b }], "x[0].inner(&x[1])", |x| x[0].inner(&x[1]))
    }),
    Declaration::new(Family::Composite, "vecdot", "linalg.vecdot", "Σ a·b along an axis", "of its parts", |d| {
        let [a, b] = d.broadcasting_shapes();
        let rank = a.len().max(b.len()).max(1);
        let axis = d.axis(rank);
        let inputs =
            if a.len().max(b.len()) == 0 { [d.reals(&[1]), d.reals(&[1])] } else { [d.reals(&a), d.reals(&b)] };
        Sample::new(inputs, format!("x[0].vecdot(&x[1], {axis})"), move |x| x[0].vecdot(&x[1], axis))
    }),
    Declaration::new(Family::Composite, "cross", "linalg.cross", "a × b", "of its parts", |d| {
        let mut shapes = [vec![d.size(), d.size()], vec![d.size()], vec![]][d.below(3)].clone();
        let at = d.below(shapes.len() + 1);
        shapes.insert(at, 3);
        let other: Vec<usize> =
            shapes.iter().enumerate().map(|(i, &n)| if i != at && d.below(4) == 3 { 1 } else { n }).collect();
        let axis = if d.flag() { at as isize - shapes.len() as isize } else { at as isize };
        let inputs = [d.reals(&shapes), d.reals(&other)];
        Sample::new(inputs, format!("x[0].cross(&x[1], {axis})"), move |x| x[0].cross(&x[1], axis))
    }),
];
