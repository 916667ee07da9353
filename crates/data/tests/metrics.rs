//! Classification metrics against numbers by hand, and their laws.

use chainrule_data::metrics::{Confusion, Scores};
use chainrule_tensor::Tensor;
use proptest::prelude::*;

fn near(a: Scores, b: Scores) -> bool {
    let close = |x: f64, y: f64| (x - y).abs() < 1e-12;
    close(a.precision, b.precision) && close(a.recall, b.recall) && close(a.f1, b.f1) && a.support == b.support
}

/// scikit-learn's example for `classification_report`, and its printed numbers to more digits by hand.
fn example() -> Confusion {
    let (truth, prediction) = ([0, 1, 2, 2, 2], [0, 0, 2, 2, 1]);
    Confusion::of(["class 0", "class 1", "class 2"], truth.into_iter().zip(prediction))
}

#[test]
fn scores_by_hand() {
    let confusion = example();
    assert_eq!(confusion.accuracy(), 3.0 / 5.0);
    let scores = |precision, recall, f1, support| Scores { precision, recall, f1, support };
    assert!(near(confusion.class(0), scores(0.5, 1.0, 2.0 / 3.0, 1)));
    assert!(near(confusion.class(1), scores(0.0, 0.0, 0.0, 1)));
    assert!(near(confusion.class(2), scores(1.0, 2.0 / 3.0, 0.8, 3)));
    assert!(near(confusion.macro_average(), scores(0.5, 5.0 / 9.0, 22.0 / 45.0, 5)));
    assert!(near(confusion.weighted_average(), scores(0.7, 0.6, (2.0 / 3.0 + 2.4) / 5.0, 5)));
    assert_eq!((confusion.count(2, 1), confusion.count(1, 2), confusion.total()), (1, 0, 5));
}

#[test]
fn nothing_divided_by_nothing_is_zero() {
    let nothing = Confusion::new(["a", "b"]);
    let zero = Scores { precision: 0.0, recall: 0.0, f1: 0.0, support: 0 };
    assert_eq!((nothing.accuracy(), nothing.class(0), nothing.macro_average()), (0.0, zero, zero));
    assert_eq!((nothing.weighted_average(), Confusion::new([""; 0]).macro_average()), (zero, zero));
    let absent = Confusion::of(["a", "b"], [(0, 0)]);
    assert_eq!(absent.class(1), zero);
}

#[test]
fn the_report_is_aligned() {
    let wanted = "\
class             precision  recall      F1  support
class 0              0.5000  1.0000  0.6667        1
class 1              0.0000  0.0000  0.0000        1
class 2              1.0000  0.6667  0.8000        3

accuracy                             0.6000        5
macro average        0.5000  0.5556  0.4889        5
weighted average     0.7000  0.6000  0.6133        5
";
    assert_eq!(example().to_string(), wanted);
}

#[test]
fn the_matrix_is_aligned() {
    let long = "\
truth \\ predicted  0  1  2
0 class 0          1  ·  ·
1 class 1          1  ·  ·
2 class 2          ·  1  2
";
    assert_eq!(example().matrix().to_string(), long);
    let short = Confusion::of(["Ö", "dog"], [(0, 0), (1, 0)].into_iter().cycle().take(2000));
    let wanted = "\
truth \\ predicted     Ö   dog
Ö                  1000     ·
dog                1000     ·
";
    assert_eq!(short.matrix().to_string(), wanted);
}

fn pairs() -> impl Strategy<Value = (usize, Vec<(usize, usize)>)> {
    (1usize..6).prop_flat_map(|k| (Just(k), prop::collection::vec((0..k, 0..k), 0..60)))
}

fn names(k: usize) -> Vec<String> {
    (0..k).map(|c| c.to_string()).collect()
}

proptest! {
    #[test]
    fn scores_follow_their_definitions((k, pairs) in pairs()) {
        let confusion = Confusion::of(names(k), pairs.iter().copied());
        let many = |f: &dyn Fn(usize, usize) -> bool| pairs.iter().filter(|(t, p)| f(*t, *p)).count() as f64;
        let quotient = |a: f64, b: f64| if b == 0.0 { 0.0 } else { a / b };
        prop_assert_eq!(confusion.accuracy(), quotient(many(&|t, p| t == p), pairs.len() as f64));
        for (c, scores) in confusion.per_class().into_iter().enumerate() {
            let hits = many(&|t, p| t == c && p == c);
            let (precision, recall) = (quotient(hits, many(&|_, p| p == c)), quotient(hits, many(&|t, _| t == c)));
            let f1 = quotient(2.0 * precision * recall, precision + recall);
            let support = many(&|t, _| t == c) as u64;
            let wanted = Scores { precision, recall, f1, support };
            prop_assert!(near(scores, wanted), "{:?} {:?}", scores, wanted);
        }
        // Recall weighted by support is accuracy.
        prop_assert!((confusion.weighted_average().recall - confusion.accuracy()).abs() < 1e-12);
        prop_assert_eq!(confusion.total(), pairs.len() as u64);
    }

    #[test]
    fn exchanging_truth_and_prediction_exchanges_precision_and_recall((k, pairs) in pairs()) {
        let confusion = Confusion::of(names(k), pairs.iter().copied());
        let exchanged = Confusion::of(names(k), pairs.iter().map(|&(t, p)| (p, t)));
        for (a, b) in confusion.per_class().into_iter().zip(exchanged.per_class()) {
            prop_assert!(a.precision == b.recall && a.recall == b.precision && a.f1 == b.f1);
        }
        prop_assert_eq!(confusion.accuracy(), exchanged.accuracy());
    }

    #[test]
    fn batches_add_up((k, pairs) in pairs(), cut in any::<prop::sample::Index>()) {
        let tensors = |part: &[(usize, usize)]| {
            let (truth, prediction): (Vec<i64>, Vec<i64>) = part.iter().map(|&(t, p)| (t as i64, p as i64)).unzip();
            (Tensor::from(truth), Tensor::from(prediction))
        };
        let (first, second) = pairs.split_at(cut.index(pairs.len() + 1));
        let mut confusion = Confusion::new(names(k));
        for part in [first, second] {
            let (truth, prediction) = tensors(part);
            confusion.add_batch(&truth, &prediction);
        }
        prop_assert_eq!(confusion, Confusion::of(names(k), pairs));
    }
}

#[test]
#[should_panic(expected = "truth 2 or prediction 0 names none of the 2 classes")]
fn an_unknown_class_is_refused() {
    Confusion::new(["a", "b"]).add(2, 0);
}

#[test]
#[should_panic(expected = "truth 0 or prediction -1 is no class index")]
fn a_negative_class_is_refused() {
    Confusion::new(["a"]).add_batch(&Tensor::from([0i64]), &Tensor::from([-1i64]));
}

#[test]
#[should_panic(expected = "prediction is [1, 2] of f32; it must be [n] class indices of i64")]
fn probabilities_are_refused() {
    Confusion::new(["a", "b"]).add_batch(&Tensor::from([0i64]), &Tensor::from([[0.5f32, 0.5]]));
}

#[test]
#[should_panic(expected = "1 truths, but 2 predictions")]
fn unequal_batches_are_refused() {
    Confusion::new(["a"]).add_batch(&Tensor::from([0i64]), &Tensor::from([0i64, 0]));
}
