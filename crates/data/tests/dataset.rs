//! Data sets: digits, splits, batches, scaling.

use std::collections::BTreeSet;

use chainrule_data::{Dataset, DatasetError, Standardizer, digits};
use chainrule_tensor::{DType, Rng, Tensor, tensor};
use proptest::prelude::*;

/// `n` examples in `k` classes; example `i` is the row `[i, -i]`.
fn numbered(n: usize, k: usize, seed: u64) -> Dataset {
    let mut rng = Rng::seed(seed);
    let x: Vec<f32> = (0..n).flat_map(|i| [i as f32, -(i as f32)]).collect();
    let y: Vec<i64> = (0..n).map(|_| rng.below(k) as i64).collect();
    Dataset::new(Tensor::from_vec(x, [n, 2]), Tensor::from(y), (0..k).map(|c| c.to_string()))
}

/// The numbers of the examples in `x`, and that each still has its second column.
fn members(x: &Tensor) -> Vec<usize> {
    let rows = x.to_vec::<f32>();
    rows.chunks(2)
        .map(|row| {
            assert_eq!(row[0], -row[1]);
            row[0] as usize
        })
        .collect()
}

/// Every example of `part` has the class it has in `whole`.
fn keeps_labels(part: &Dataset, whole: &Dataset) -> bool {
    let labels = whole.y().to_vec::<i64>();
    members(part.x()).into_iter().map(|i| labels[i]).eq(part.y().to_vec::<i64>())
}

#[test]
fn digits_are_the_published_ones() {
    let digits = digits();
    let data = digits.unscaled();
    assert_eq!(data.class_counts(), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    assert_eq!(digits.pixels()[..8], [0, 0, 5, 13, 9, 1, 0, 0]);
    // scikit-learn: load_digits().images.sum() and .max()
    assert_eq!(digits.pixels().iter().map(|&p| u64::from(p)).sum::<u64>(), 561_718);
    assert_eq!(digits.pixels().iter().max(), Some(&16));
    let (raw, scaled) = (data.x().to_vec::<f32>(), digits.scaled().x().to_vec::<f32>());
    assert!(raw.iter().zip(&scaled).all(|(r, s)| r / 16.0 == *s) && scaled.contains(&1.0));
    assert_eq!((data.x().dtype(), data.y().dtype()), (DType::F32, DType::I64));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_split_divides(n in 0usize..200, k in 1usize..5, fraction in 0.0..=1.0, seed in any::<u64>()) {
        let data = numbered(n, k, seed);
        let plain = data.split(fraction, seed);
        prop_assert_eq!(plain.test.len(), (fraction * n as f64).ceil() as usize);
        let stratified = data.split_stratified(fraction, seed);
        for (of_class, aside) in data.class_counts().into_iter().zip(stratified.test.class_counts()) {
            prop_assert!((aside as f64 - fraction * of_class as f64).abs() <= 0.5);
        }
        for parts in [plain, stratified] {
            prop_assert!(keeps_labels(&parts.train, &data) && keeps_labels(&parts.test, &data));
            let mut all = [members(parts.train.x()), members(parts.test.x())].concat();
            all.sort_unstable();
            prop_assert!(all.into_iter().eq(0..n));
        }
    }

    #[test]
    fn an_epoch_visits_each_example_once(n in 0usize..100, size in 1usize..40, shuffle in any::<Option<u64>>()) {
        let data = numbered(n, 3, 1);
        let mut batches = data.batches(size);
        if let Some(seed) = shuffle {
            batches = batches.shuffle(seed);
        }
        let epoch: Vec<(Tensor, Tensor)> = batches.epoch(5).collect();
        prop_assert_eq!(epoch.len(), batches.len());
        let mut seen = Vec::new();
        for (i, (x, y)) in epoch.iter().enumerate() {
            prop_assert_eq!(x.shape()[0], if i + 1 < epoch.len() { size } else { n - i * size });
            let batch = Dataset::new(x.clone(), y.clone(), data.classes());
            prop_assert!(keeps_labels(&batch, &data));
            seen.extend(members(x));
        }
        prop_assert!(shuffle.is_some() || seen.iter().copied().eq(0..n));
        prop_assert_eq!(seen.len(), n);
        prop_assert!(seen.into_iter().collect::<BTreeSet<_>>().into_iter().eq(0..n));

        let full = batches.clone().drop_last();
        prop_assert_eq!(full.epoch(5).len(), n / size);
        prop_assert!(full.epoch(5).all(|(x, y)| x.shape()[0] == size && y.len() == size));
    }

    #[test]
    fn standardised_features_have_mean_0_and_deviation_1(seed in any::<u64>(), n in 2usize..50, offset in -100.0..100.0) {
        let x = &(&Tensor::randn(&mut Rng::seed(seed), [n, 3, 2], DType::F64) * 7.0) + offset;
        for axes in [&[0isize][..], &[0, 2], &[]] {
            let standard = Standardizer::fit(&x, axes);
            let z = standard.transform(&x);
            let mean = z.mean(axes, false);
            let square = (&z * &z).mean(axes, false);
            prop_assert!(mean.to_vec::<f64>().into_iter().all(|m| m.abs() < 1e-9));
            prop_assert!(square.to_vec::<f64>().into_iter().all(|s| (s - 1.0).abs() < 1e-9));
            let back = standard.inverse(&z).to_vec::<f64>();
            prop_assert!(back.into_iter().zip(x.to_vec::<f64>()).all(|(a, b)| (a - b).abs() < 1e-9));
        }
    }
}

#[test]
fn orders_depend_on_seed_and_epoch_alone() {
    let data = numbered(50, 2, 0);
    let order = |seed, epoch| {
        let visited = data.batches(7).shuffle(seed).epoch(epoch).flat_map(|(x, _)| members(&x));
        visited.collect::<Vec<_>>()
    };
    assert_eq!(order(1, 3), order(1, 3));
    let different: BTreeSet<Vec<usize>> =
        [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (3, 0)].map(|(s, e)| order(s, e)).into();
    assert_eq!(different.len(), 6);
    assert_eq!(members(data.split(0.5, 9).test.x()), members(data.split(0.5, 9).test.x()));
    assert_ne!(members(data.split(0.5, 9).test.x()), members(data.split(0.5, 8).test.x()));
}

#[test]
fn a_split_of_sorted_classes_is_shuffled() {
    let sorted =
        Dataset::new(Tensor::zeros([100, 1], DType::F32), Tensor::from([[0i64; 50], [1; 50]].concat()), ["a", "b"]);
    let parts = sorted.split_stratified(0.5, 4);
    for part in [parts.train, parts.test] {
        assert_eq!(part.class_counts(), [25, 25]);
        let labels = part.y().to_vec::<i64>();
        assert!(!labels.is_sorted() && !labels.iter().rev().is_sorted());
    }
}

#[test]
fn constant_features_become_zero() {
    let x = tensor![[0.1, 5.0], [0.1, 7.0], [0.1, 9.0]];
    let standard = Standardizer::fit(&x, &[0]);
    assert_eq!(standard.scale().at::<f32>(&[0, 0]), 1.0);
    let z = standard.transform(&x).to_vec::<f32>();
    let step = 1.5f32.sqrt();
    let wanted = [0.0, -step, 0.0, 0.0, 0.0, step];
    assert!(z.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-6), "{z:?}");
    // What was learnt on one part is used on another.
    let other = standard.transform(&tensor![[1.1, 7.0]]).to_vec::<f32>();
    assert!((other[0] - 1.0).abs() < 1e-6 && other[1] == 0.0);
    let again = Standardizer::from_parts(standard.mean().clone(), standard.scale().clone());
    assert_eq!(again.transform(&x).to_vec::<f32>(), z);
}

#[test]
fn measuring_in_parts_is_measuring_the_whole() {
    // More numbers than are widened at a time.
    let x = &Tensor::rand(&mut Rng::seed(3), [3_000, 700], DType::F32) + 1000.0;
    let standard = Standardizer::fit(&x, &[]);
    let numbers = x.to_vec::<f32>();
    let mean = numbers.iter().map(|&v| f64::from(v)).sum::<f64>() / numbers.len() as f64;
    let variance = numbers.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / numbers.len() as f64;
    assert!((standard.mean().item() - mean).abs() < 1e-4, "{} {mean}", standard.mean().item());
    assert!((standard.scale().item() - variance.sqrt()).abs() < 1e-6);
}

#[test]
fn tensors_from_outside_are_checked() {
    let x = || Tensor::zeros([2, 3], DType::F32);
    let error = |x, y| Dataset::try_new(x, y, ["a", "b"]).unwrap_err();
    let label = DatasetError::Class { index: 1, label: 2, classes: 2 };
    assert_eq!(error(x(), Tensor::from([0i64, 2])), label);
    assert!(matches!(error(x(), Tensor::from([0i64, -1])), DatasetError::Class { label: -1, .. }));
    assert!(matches!(error(x(), Tensor::from([0i64])), DatasetError::Labels { examples: 2, .. }));
    assert!(matches!(error(x(), Tensor::from([0f32, 1.0])), DatasetError::Labels { .. }));
    assert!(matches!(error(Tensor::scalar(1.0, DType::F32), Tensor::from([0i64])), DatasetError::Examples { .. }));
    assert!(matches!(error(Tensor::from([1i64]), Tensor::from([0i64])), DatasetError::Examples { .. }));
}

fn panic_of(f: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let payload = std::panic::catch_unwind(f).expect_err("this must panic");
    payload.downcast_ref::<String>().cloned().or_else(|| payload.downcast_ref::<&str>().map(|s| s.to_string())).unwrap()
}

#[test]
fn misuse_is_explained() {
    let data = || numbered(4, 2, 0);
    assert!(panic_of(|| drop(data().batches(0))).contains("a batch of 0 examples"));
    assert!(panic_of(|| drop(data().select(&[1, 4]))).contains("index 4 is out of range for 4 examples"));
    assert!(panic_of(|| drop(data().split(1.5, 0))).contains("1.5 is no fraction"));
    assert!(panic_of(|| drop(data().split_stratified(f64::NAN, 0))).contains("NaN is no fraction"));
    assert!(panic_of(|| drop(data().map(|x| x.reshape([8])))).contains("[4, 2] became [8]"));
    assert!(panic_of(|| drop(Standardizer::fit(data().x(), &[1]))).contains("must hold axis 0"));
    assert!(panic_of(|| drop(Standardizer::fit(data().y(), &[]))).contains("cast it"));
    assert!(panic_of(|| drop(Standardizer::fit(&Tensor::zeros([0, 2], DType::F32), &[0]))).contains("[0, 2]"));
    let (a, b) = (Tensor::zeros([1], DType::F32), Tensor::zeros([2], DType::F32));
    assert!(panic_of(move || drop(Standardizer::from_parts(a, b))).contains("they must be alike"));
    assert!(
        panic_of(|| drop(Dataset::new(tensor![[1.0]], Tensor::from([3i64]), ["a"]))).contains("label 3 of example 0")
    );
}
