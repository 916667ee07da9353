//! What samples of single ops do not show: bases that are completed, equal eigenvalues, singular matrices, long products.

use chainrule_autodiff::{Var, checkpoint, grad};
use chainrule_tensor::{DType, LinalgError, Rng, Tensor, tensor};

fn random(rng: &mut Rng, shape: &[usize]) -> Tensor {
    Tensor::randn(rng, shape, DType::F64)
}

fn gradient(x: &Tensor, f: impl Fn(&Var) -> Var) -> Tensor {
    let x = Var::leaf(x);
    f(&x).backward()[&x].clone()
}

#[test]
fn completed_bases_are_orthonormal_and_carry_no_gradient() {
    let mut rng = Rng::seed(1);
    for shape in [[2, 5, 3], [2, 3, 5]] {
        let a = random(&mut rng, &shape);
        let (u, s, vh) = Var::constant(&a).svd(true);
        let (q, r) = Var::constant(&a).qr_complete();
        for basis in [&u, &vh, &q] {
            let product = basis.t().matmul(basis);
            let eye = Tensor::eye(product.size(-1), DType::F64).broadcast_to(product.shape());
            assert!(product.value().allclose(&eye, 0.0, 1e-13));
        }
        let k = s.size(-1);
        let again = (u.narrow(-1, 0, k) * s.unsqueeze(-2)).matmul(&vh.narrow(-2, 0, k));
        assert!(again.value().allclose(&a, 1e-12, 1e-13) && q.matmul(&r).value().allclose(&a, 1e-12, 1e-13));

        let of_full = gradient(&a, |x| x.svd(true).0.square().sum() + x.svd(true).2.square().sum());
        let of_reduced = gradient(&a, |x| x.svd(false).0.square().sum() + x.svd(false).2.square().sum());
        assert!(of_full.allclose(&of_reduced, 1e-10, 1e-12));
    }
}

#[test]
fn equal_eigenvalues_have_a_gradient() {
    let eye = Tensor::eye(3, DType::F64);
    assert!(gradient(&eye, |x| x.eigvalsh().sum()).allclose(&eye, 0.0, 1e-14));
    assert!(gradient(&eye, |x| x.svdvals().sum()).allclose(&eye, 0.0, 1e-14));
    assert!(
        gradient(&eye, |x| x.eigh().1.sum()).to_f64_vec().iter().any(|g| !g.is_finite()),
        "and eigenvectors have none"
    );
}

#[test]
fn singular_matrices_have_two_derivatives_of_the_determinant() {
    let zero = Var::leaf(Tensor::zeros([2, 2], DType::F64).contiguous());
    let first = grad(&zero.det(), &[&zero]).remove(0);
    assert_eq!(first.value().to_vec::<f64>(), [0.0; 4]);
    // det = ad − bc
    let weights = Var::constant(tensor![F64; [1., 10.], [100., 1000.]]);
    let second = grad(&(first * weights).sum(), &[&zero]).remove(0);
    assert!(second.value().allclose(&tensor![F64; [1000., -100.], [-10., 1.]], 1e-14, 0.0), "{second}");
    // One singular matrix among regular ones.
    let mixed = tensor![F64; [[1., 2.], [2., 4.]], [[1., 0.], [0., 3.]]];
    let found = gradient(&mixed, |x| x.det().sum());
    assert!(found.allclose(&tensor![F64; [[4., -2.], [-2., 1.]], [[3., 0.], [0., 1.]]], 1e-14, 1e-14), "{found}");
}

#[test]
fn what_an_entry_remembers_is_used_for_its_own_matrix_alone() {
    let mut rng = Rng::seed(2);
    let (a, b) = (random(&mut rng, &[4, 4]), Var::constant(random(&mut rng, &[4, 2])));
    let of = move |x: &Var| x.solve(&b).sum() + x.svdvals().sum() + x.det() + (x + x.t()).eigvalsh().square().sum();
    let whole = gradient(&a, of.clone());
    let again = gradient(&a, move |x| {
        let of = of.clone();
        checkpoint(move |x| of(&x[0]), &[x])
    });
    assert!(again.allclose(&whole, 1e-13, 1e-13));
}

#[test]
fn long_products_are_what_they_are_in_any_order() {
    let mut rng = Rng::seed(3);
    let sizes = [3, 4, 2, 5, 3, 2, 4, 3, 5, 2, 3];
    let factors: Vec<Var> = sizes.windows(2).map(|n| Var::leaf(random(&mut rng, n))).collect();
    let in_turn = factors[1..].iter().fold(factors[0].clone(), |product, factor| product.matmul(factor));
    let references: Vec<&Var> = factors.iter().collect();
    let (chain, named) = (Var::multi_dot(&references), Var::einsum("ab,bc,cd,de,ef,fg,gh,hi,ij,jk->ak", &references));
    for product in [&chain, &named] {
        assert!(product.value().allclose(in_turn.value(), 1e-11, 1e-11));
    }
    let (g, h) = (in_turn.square().sum().backward(), named.square().sum().backward());
    assert!(factors.iter().all(|factor| g[factor].allclose(&h[factor], 1e-9, 1e-9)));
}

#[test]
fn exponentials_of_turns_are_turns() {
    for angle in [0.0, 0.3, 3.0, 50.0] {
        let turn = Var::constant(tensor![F64; [0., -1.], [1., 0.]]) * angle;
        let (sin, cos) = f64::sin_cos(angle);
        let wanted = Tensor::from([[cos, -sin], [sin, cos]]);
        assert!(turn.matrix_exp().value().allclose(&wanted, 0.0, 1e-13), "{angle}");
    }
}

#[test]
fn bad_matrices_from_outside_are_errors() {
    let singular = Var::leaf(tensor![[1., 2.], [2., 4.]]);
    assert!(matches!(singular.try_inv(), Err(LinalgError::Singular { op: "inv", matrix: 0, pivot: 1 })));
    assert!(matches!(singular.try_solve(&singular), Err(LinalgError::Singular { op: "solve", .. })));
    let indefinite = Var::leaf(tensor![[1., 2.], [2., 1.]]);
    assert!(matches!(indefinite.try_cholesky(), Err(LinalgError::NotPositiveDefinite { order: 2, .. })));
    let inverse = indefinite.try_inv().unwrap();
    assert!(inverse.matmul(&indefinite).value().allclose(&Tensor::eye(2, DType::F32), 0.0, 1e-6));
    assert!(Var::constant(tensor![[0., 1.], [1., 0.]]).logdet().item().is_nan(), "the determinant is negative");
}
