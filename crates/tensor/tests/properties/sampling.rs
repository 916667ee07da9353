//! Samples follow their distributions, searches agree with looking at every element.

use chainrule_tensor::{DType, Rng, Tensor, tensor};
use proptest::prelude::*;

/// The share of elements equal to `x`.
fn share(samples: &Tensor, x: i64) -> f64 {
    let samples = samples.to_vec::<i64>();
    samples.iter().filter(|&&s| s == x).count() as f64 / samples.len() as f64
}

#[test]
fn samples_have_the_moments_of_their_distributions() {
    let rng = &mut Rng::seed(11);
    let close = |x: Tensor, mean: f64, variance: f64| {
        let x = x.cast(DType::F64);
        let found = x.mean(&[], false).item();
        let spread = (&x - found).to_vec::<f64>().iter().map(|d| d * d).sum::<f64>() / x.len() as f64;
        assert!(
            (found - mean).abs() < 0.03 * (1.0 + mean.abs()) && (spread - variance).abs() < 0.06 * (1.0 + variance)
        );
    };
    let n = 20_000;
    close(Tensor::exponential(rng, [n], 2.0, DType::F32), 0.5, 0.25);
    close(Tensor::normal(rng, [n], -1.0, 2.0, DType::F64), -1.0, 4.0);
    close(Tensor::full([n], 3.5, DType::F64).poisson(rng), 3.5, 3.5);
    close(Tensor::full([n], 0.3, DType::F32).bernoulli_each(rng), 0.3, 0.21);
}

#[test]
fn multinomial_draws_in_proportion_to_the_weights() {
    let rng = &mut Rng::seed(12);
    let weights = tensor![1., 0., 3., 4.];
    let drawn = weights.multinomial(rng, 40_000, true);
    for (class, p) in [0.125, 0.0, 0.375, 0.5].into_iter().enumerate() {
        assert!((share(&drawn, class as i64) - p).abs() < 0.01, "{class}");
    }
    // Without replacement the first of a pair has the same probabilities, the second those given the first.
    let pairs = Tensor::stack(&[&weights; 40_000], 0).multinomial(rng, 2, false);
    assert!((share(&pairs.select(1, 0), 3) - 0.5).abs() < 0.01);
    let second = 0.125 * 4.0 / 7.0 + 0.375 * 4.0 / 5.0;
    assert!((share(&pairs.select(1, 1), 3) - second).abs() < 0.01);
    assert!(pairs.iter().all(|pair| pair.at::<i64>(&[0]) != pair.at::<i64>(&[1])));
}

#[test]
fn what_is_dropped_is_independent_of_its_place() {
    let n = 1 << 20;
    let ones = Tensor::ones([n], DType::F32);
    for (key, p) in [(0, 0.5), (1, 0.1), (u64::MAX, 0.75)] {
        let dropped: Vec<f64> =
            ones.drop_out(p, key).to_vec::<f32>().iter().map(|&x| f64::from(u8::from(x == 0.0))).collect();
        let variance = p * (1.0 - p);
        // Standard normal if elements are independent: the share, and the correlation with elements at a distance …
        let score = |sum: f64, terms: usize, spread: f64| (sum / (terms as f64).sqrt() / spread).abs();
        assert!(score(dropped.iter().map(|d| d - p).sum(), n, variance.sqrt()) < 4.0);
        for lag in [1, 2, 3, 16, 32, 48, 64, 1024, n / 2] {
            let pairs = dropped.iter().zip(&dropped[lag..]).map(|(a, b)| (a - p) * (b - p));
            assert!(score(pairs.sum(), n - lag, variance) < 4.0, "{p} {lag}");
        }
        // … and with those of the next key.
        let next = ones.drop_out(p, key.wrapping_add(1)).to_vec::<f32>();
        let pairs = dropped.iter().zip(next).map(|(a, b)| (a - p) * (f64::from(u8::from(b == 0.0)) - p));
        assert!(score(pairs.sum(), n, variance) < 4.0);
        // χ² of how many of eight neighbours are dropped; 8 degrees of freedom exceed 31.8 once in 10,000 times.
        let mut counts = [0.0; 9];
        dropped.chunks(8).for_each(|eight| counts[eight.iter().sum::<f64>() as usize] += 1.0);
        let choose = |k: usize| (0..k).fold(1.0, |c, i| c * (8 - i) as f64 / (i + 1) as f64);
        let expected = |k: usize| n as f64 / 8.0 * choose(k) * p.powi(k as i32) * (1.0 - p).powi(8 - k as i32);
        let chi2: f64 = counts.iter().enumerate().map(|(k, c)| (c - expected(k)).powi(2) / expected(k)).sum();
        assert!(chi2 < 31.8, "{p} {chi2}");
    }
}

#[test]
fn a_key_drops_the_same_places_of_any_tensor() {
    let x = Tensor::arange(1.0, 1001.0, 1.0, DType::F64).reshape([10, 100]);
    let places = |x: &Tensor| x.to_f64_vec().iter().map(|&x| x == 0.0).collect::<Vec<_>>();
    let wanted = places(&x.drop_out(0.3, 5));
    assert_eq!(places(&x.cast(DType::F32).drop_out(0.3, 5)), wanted);
    assert_eq!(places(&x.t().contiguous().t().drop_out(0.3, 5)), wanted);
    assert_eq!(places(&x.reshape([1000]).narrow(0, 0, 70).drop_out(0.3, 5)), wanted[..70]);
    assert!(x.drop_out(0.0, 5).equal(&x) && x.drop_out(1.0, 5).equal(&x.zeros_like()));
}

proptest! {
    #[test]
    fn searches_agree_with_looking_at_every_element(
        mut row in prop::collection::vec(-4i64..5, 0..7),
        values in prop::collection::vec(-5i64..6, 0..7),
    ) {
        row.sort();
        let (sorted, wanted) = (Tensor::from(row.clone()), Tensor::from(values.clone()));
        let counted = |f: fn(i64, i64) -> bool| -> Vec<i64> {
            values.iter().map(|&v| row.iter().filter(|&&r| f(r, v)).count() as i64).collect()
        };
        prop_assert_eq!(sorted.searchsorted(&wanted, false).to_vec::<i64>(), counted(|r, v| r < v));
        prop_assert_eq!(wanted.bucketize(&sorted, true).to_vec::<i64>(), counted(|r, v| r <= v));
        let among: Vec<bool> = values.iter().map(|v| row.contains(v)).collect();
        prop_assert_eq!(wanted.isin(&sorted).to_vec::<bool>(), among);
        let nonzero: Vec<i64> = (0..).zip(&row).filter(|(_, r)| **r != 0).map(|(i, _)| i).collect();
        prop_assert_eq!(sorted.nonzero().to_vec::<i64>(), nonzero);
    }

    #[test]
    fn triangles_and_diagonals_are_where_they_are(n in 0usize..5, m in 0usize..5, k in -6isize..7) {
        let x = Tensor::arange(0.0, (n * m) as f64, 1.0, DType::I64).reshape([n, m]);
        let all = || (0..n).flat_map(|i| (0..m).map(move |j| (i, j)));
        let below: Vec<bool> = all().map(|(i, j)| j as isize - i as isize <= k).collect();
        prop_assert_eq!(Tensor::lower_triangle(n, m, k).to_vec::<bool>(), below);
        let on: Vec<i64> = all().filter(|&(i, j)| j as isize - i as isize == k).map(|(i, j)| (i * m + j) as i64).collect();
        prop_assert_eq!(x.diagonal(k, 0, 1).to_vec::<i64>(), on);
        let (low, high) = (Tensor::tril_indices(n, m, k - 1), Tensor::triu_indices(n, m, k));
        prop_assert_eq!(low.size(1) + high.size(1), n * m);
    }
}
