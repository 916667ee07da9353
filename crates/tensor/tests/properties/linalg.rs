//! Factorisations against what defines them: the product of the factors, and the form of each.

use chainrule_tensor::{Comparison, DType, LinalgError, Rng, Tensor};
use proptest::prelude::*;

use crate::{config, shapes};

/// Matrices of small integers, many of which are singular; as reals also products of thin ones, which have any rank.
fn matrices(batch: &[usize], m: usize, n: usize, seed: u64) -> Tensor {
    let mut rng = Rng::seed(seed);
    let shape = [batch, &[m, n]].concat();
    match rng.below(3) {
        0 => Tensor::randint(&mut rng, shape, -2, 3).cast(DType::F64),
        1 => Tensor::randn(&mut rng, shape, DType::F64),
        _ => {
            let k = rng.below(m.min(n) + 1);
            let left = Tensor::randn(&mut rng, [batch, &[m, k]].concat(), DType::F64);
            left.matmul(&Tensor::randn(&mut rng, [batch, &[k, n]].concat(), DType::F64))
        }
    }
}

fn close(a: &Tensor, b: &Tensor, size: usize) -> bool {
    let largest = b.to_f64_vec().iter().fold(1f64, |max, x| max.max(x.abs()));
    a.shape() == b.shape() && a.allclose(b, 0.0, 1e-14 * largest * (size as f64 + 4.0))
}

fn orthonormal_columns(q: &Tensor) -> bool {
    let n = q.size(-1);
    let eye = Tensor::eye(n, DType::F64);
    let product = q.t().matmul(q);
    close(&product, &eye.broadcast_to(product.shape()), q.size(-2))
}

/// Zeros above the diagonal.
fn is_lower(x: &Tensor) -> bool {
    let (m, n) = (x.size(-2), x.size(-1));
    (0..m).all(|i| {
        (i + 1..n).all(|j| x.select(-2, i as isize).select(-1, j as isize).to_f64_vec().iter().all(|&x| x == 0.0))
    })
}

fn diagonal(w: &Tensor) -> Tensor {
    w.unsqueeze(-1) * Tensor::eye(w.size(-1), DType::F64)
}

fn symmetric(a: &Tensor) -> Tensor {
    a + a.t()
}

/// The triangles of the packed factors, and the rows in order.
fn check_lu(a: &Tensor) {
    let (m, n) = (a.size(-2), a.size(-1));
    let k = m.min(n);
    let lu = a.lu_factor();
    let below = Tensor::arange(0.0, m as f64, 1.0, DType::F64).reshape([m, 1]);
    let below = below.compare(Comparison::Gt, &Tensor::arange(0.0, n as f64, 1.0, DType::F64));
    let zero = Tensor::scalar(0.0, DType::F64);
    let packed = lu.packed();
    let ones = Tensor::eye(m.max(n), DType::F64).narrow(0, 0, m).narrow(1, 0, n);
    let l = (below.choose(&packed, &zero) + ones).narrow(-1, 0, k);
    let u = below.choose(&zero, &packed).narrow(-2, 0, k);
    let order = lu.order();
    let rows = order.unsqueeze(-1).broadcast_to(a.shape()).contiguous();
    assert!(close(&l.matmul(&u), &a.gather(-2, &rows), m + n), "LU of {a}");
    assert!(l.to_f64_vec().iter().all(|l| l.abs() <= 1.0), "the largest pivot was chosen for {a}");
}

fn check_qr(a: &Tensor) {
    for complete in [false, true] {
        let (q, r) = a.qr(complete);
        assert!(close(&q.matmul(&r), a, a.len()) && orthonormal_columns(&q) && is_lower(&r.t()), "QR of {a}: {q} {r}");
    }
}

fn check_svd(a: &Tensor) {
    let k = a.size(-1).min(a.size(-2));
    for full in [false, true] {
        let svd = a.svd(full);
        assert!(orthonormal_columns(&svd.u) && orthonormal_columns(&svd.vh.t()), "bases of {a}");
        let product = (svd.u.narrow(-1, 0, k) * svd.s.unsqueeze(-2)).matmul(&svd.vh.narrow(-2, 0, k));
        assert!(close(&product, a, a.len()), "SVD of {a}");
        let falls =
            |s: Vec<f64>| s.chunks(k.max(1)).all(|s| s.windows(2).all(|s| s[0] >= s[1]) && s.iter().all(|&s| s >= 0.0));
        assert!(falls(svd.s.to_f64_vec()), "singular values of {a}");
    }
}

fn check_eigh(a: &Tensor) {
    let (w, v) = a.eigh();
    assert!(
        orthonormal_columns(&v) && close(&v.matmul(&diagonal(&w)).matmul(&v.t()), a, a.len()),
        "eigenvectors of {a}"
    );
    let n = a.size(-1).max(1);
    assert!(w.to_f64_vec().chunks(n).all(|w| w.windows(2).all(|w| w[0] <= w[1])), "eigenvalues of {a}");
}

fn check_cholesky(a: &Tensor) {
    let n = a.size(-1);
    let positive = a.matmul(&a.t()) + Tensor::eye(n, DType::F64) * 0.5;
    let l = positive.try_cholesky().unwrap();
    assert!(is_lower(&l) && close(&l.matmul(&l.t()), &positive, a.len()), "Cholesky of {positive}");
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn factors_make_up_the_matrix(batch in shapes(2), m in 0usize..6, n in 0usize..6, seed: u64) {
        let a = matrices(&batch, m, n, seed);
        check_lu(&a);
        check_qr(&a);
        check_svd(&a);
        let a = matrices(&batch, m, m, seed);
        check_eigh(&symmetric(&a));
        check_cholesky(&a);
    }

    #[test]
    fn solutions_solve(batch in shapes(2), n in 0usize..6, k in 0usize..4, seed: u64) {
        let mut rng = Rng::seed(seed);
        let a = matrices(&batch, n, n, seed) + Tensor::eye(n, DType::F64) * 20.0;
        let b = Tensor::randn(&mut rng, [n, k], DType::F64);
        let whole = [&batch[..], &[n, k]].concat();
        let b_full = b.broadcast_to(&whole[..]);
        let x = a.try_solve(&b).unwrap();
        prop_assert!(close(&a.matmul(&x), &b_full, 100));
        let x = a.lu_factor().solve(&b, true);
        prop_assert!(close(&a.t().matmul(&x), &b_full, 100));
        let inverse = a.try_inv().unwrap();
        prop_assert!(close(&inverse.matmul(&b), &a.try_solve(&b).unwrap(), 100));
        let (_, log) = a.lu_factor().slogdet();
        let product = (0..n).fold(Tensor::zeros(&batch[..], DType::F64), |sum, i| sum + log_at(&a.svd(false).s, i));
        prop_assert!(close(&log, &product, 1000), "{} {}", log, product);
    }
}

fn log_at(s: &Tensor, i: usize) -> Tensor {
    let s = s.select(-1, i as isize);
    Tensor::from_vec(s.to_f64_vec().iter().map(|s| s.ln()).collect::<Vec<f64>>(), s.shape())
}

#[test]
fn large_matrices_go_through_blocks() {
    for (m, n, seed) in [(33, 33, 1), (70, 45, 2), (45, 70, 3), (64, 96, 4), (100, 100, 5), (130, 20, 6)] {
        let mut rng = Rng::seed(seed);
        let a = Tensor::randn(&mut rng, [m, n], DType::F64);
        check_lu(&a);
        check_qr(&a);
        check_svd(&a);
        let a = Tensor::randn(&mut rng, [m, m], DType::F64);
        check_eigh(&symmetric(&a));
        check_cholesky(&a);
        let b = Tensor::randn(&mut rng, [m, 3], DType::F64);
        let lower = a.try_inv().unwrap() + Tensor::eye(m, DType::F64) * 30.0;
        for (t, upper, unit) in [(&lower, false, false), (&lower, true, false), (&(&lower / 60.0), false, true)] {
            let x = t.solve_triangular(&b, upper, unit);
            assert!(x.all_finite());
            let y = t.t().solve_triangular(&b, !upper, unit);
            let z = t.flip(&[0, 1]).t().solve_triangular(&b.flip(&[0]), upper, unit);
            assert!(close(&y, &z.flip(&[0]), 1000), "the transposed triangle, read backwards, is the triangle");
        }
        let x = a.try_solve(&b).unwrap();
        assert!(a.matmul(&x).allclose(&b, 0.0, 1e-9));
        assert!(a.t().matmul(&a.lu_factor().solve(&b, true)).allclose(&b, 0.0, 1e-9));
    }
}

#[test]
fn extremes_of_size_do_no_harm() {
    let a = Tensor::from([[3.0, 1.0, 2.0], [4.0, 1.0, 5.0], [9.0, 2.0, 6.0]]);
    for exponent in [1e-300, 1e-160, 1e160, 1e300] {
        let tiny = &a * exponent;
        let ratio = tiny.svd(false).s / exponent;
        assert!(ratio.allclose(&a.svd(false).s, 1e-12, 0.0), "{exponent}: {ratio}");
        let ratio = symmetric(&(&tiny / 2.0)).eigh().0 / exponent;
        assert!(ratio.allclose(&symmetric(&(&a / 2.0)).eigh().0, 1e-12, 0.0), "{exponent}: {ratio}");
        assert!((tiny.qr(false).1 / exponent).allclose(&a.qr(false).1, 1e-12, 1e-14));
    }
    // Graded: the smallest singular value is exact, too.
    let graded = Tensor::from([[1.0, 0.0], [1.0, 1e-30]]);
    let s = graded.svd(false).s.to_vec::<f64>();
    assert!((s[1] / (1e-30 / 2f64.sqrt()) - 1.0).abs() < 1e-14, "{s:?}");
}

#[test]
fn what_is_no_number_stays_none() {
    let a = Tensor::from([[1.0, f64::NAN], [0.0, 1.0]]);
    assert!(a.svd(true).s.to_f64_vec().iter().all(|s| s.is_nan()));
    assert_eq!(a.eigh().0.to_f64_vec(), [1.0, 1.0], "the upper triangle is not read");
    assert!(a.t().eigh().1.to_f64_vec().iter().all(|v| v.is_nan()));
    assert!(a.lu_factor().det().item().is_nan());
}

#[test]
fn the_first_bad_matrix_is_named() {
    let good = Tensor::eye(3, DType::F32);
    let singular = Tensor::from([[1f32, 0., 0.], [0., 2., 4.], [0., 1., 2.]]);
    let stack = Tensor::stack(&[&good, &singular, &singular], 0);
    let wrong = LinalgError::Singular { op: "inv", matrix: 1, pivot: 2 };
    assert_eq!(stack.try_inv().err(), Some(wrong.clone()));
    assert!(wrong.to_string().contains("matrix 1 of the batch is singular"), "{wrong}");
    let wrong = LinalgError::NotPositiveDefinite { op: "cholesky", matrix: 0, order: 2 };
    assert_eq!(Tensor::from([[1.0, 2.0], [2.0, 1.0]]).try_cholesky().err(), Some(wrong));
    assert_eq!(stack.lu_factor().det().to_f64_vec(), [1.0, 0.0, 0.0]);
}
