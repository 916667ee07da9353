//! Arithmetic, comparisons and choices, broadcast.

use chainrule_tensor::{Comparison, DType, Lane, Map, Real, Tensor, Zip, Zip3, broadcast_shapes};
use proptest::prelude::*;

use crate::oracle::{Array, agree, rounded, sample, spiced};
use crate::{Choices, DTYPES, NUMBERS, REALS, choices, config, of, shapes};

/// A shape that broadcasts to `shape`: some axes of length 1, some leading ones missing.
fn narrower(c: &mut Choices, shape: &[usize]) -> Vec<usize> {
    let dropped = if c.one_in(2) { c.below(shape.len() + 1) } else { 0 };
    shape[dropped..].iter().map(|&n| if c.one_in(3) { 1 } else { n }).collect()
}

/// The common shape of several, by the definition.
fn together(shapes: &[&[usize]]) -> Vec<usize> {
    let rank = shapes.iter().map(|shape| shape.len()).max().unwrap();
    (0..rank)
        .map(|axis| {
            let lengths =
                || shapes.iter().filter_map(|shape| shape.get((axis + shape.len()).checked_sub(rank)?).copied());
            lengths().find(|&n| n != 1).unwrap_or(1)
        })
        .collect()
}

fn zipped(a: &Array, b: &Array, f: impl Fn(f64, f64) -> f64) -> Array {
    Array::build(&together(&[&a.shape, &b.shape]), |index| f(a.broadcast(index), b.broadcast(index)))
}

#[derive(Clone)]
struct Difference;
impl Zip for Difference {
    #[inline(always)]
    fn at<T: Real>(&self, a: Lane<T>, b: Lane<T>) -> Lane<T> {
        2.0 * a - b
    }
}

#[derive(Clone)]
struct Fused;
impl Zip3 for Fused {
    #[inline(always)]
    fn at<T: Real>(&self, a: Lane<T>, b: Lane<T>, c: Lane<T>) -> Lane<T> {
        a * b - c
    }
}

#[derive(Clone)]
struct Square(f64);
impl Map for Square {
    #[inline(always)]
    fn at<T: Real>(&self, x: Lane<T>) -> Lane<T> {
        x * x - self.0
    }
}

type Relation = fn(&f64, &f64) -> bool;

const RELATIONS: [(Comparison, Relation); 6] = [
    (Comparison::Eq, |a, b| a == b),
    (Comparison::Ne, |a, b| a != b),
    (Comparison::Lt, |a, b| a < b),
    (Comparison::Le, |a, b| a <= b),
    (Comparison::Gt, |a, b| a > b),
    (Comparison::Ge, |a, b| a >= b),
];

proptest! {
    #![proptest_config(config())]

    #[test]
    fn shapes_broadcast(shape in shapes(4), mut c in choices()) {
        let (a, b) = (narrower(&mut c, &shape), narrower(&mut c, &shape));
        prop_assert_eq!(broadcast_shapes(&a, &b).map(|shape| shape.to_vec()), Some(together(&[&a, &b])));
        prop_assert_eq!(broadcast_shapes(&[&[2][..], &shape].concat(), &[&[3][..], &shape].concat()), None);
    }

    #[test]
    fn arithmetic(shape in shapes(4), dtype in of(&NUMBERS), mut c in choices()) {
        let (x, a) = { let narrow = narrower(&mut c, &shape); sample(&mut c, &narrow, dtype) };
        let (y, b) = { let narrow = narrower(&mut c, &shape); sample(&mut c, &narrow, dtype) };
        agree(&(&x + &y), &zipped(&a, &b, |a, b| a + b));
        agree(&(&x - &y), &zipped(&a, &b, |a, b| a - b));
        agree(&(&x * &y), &zipped(&a, &b, |a, b| a * b));
        if dtype.is_float() {
            agree(&(&x / &y), &zipped(&a, &b, |a, b| a / b));
            agree(&x.zip("difference", &y, &Difference), &zipped(&a, &b, |a, b| 2.0 * a - b));
        }
    }

    #[test]
    fn arithmetic_with_numbers(shape in shapes(4), dtype in of(&NUMBERS), mut c in choices()) {
        let (x, a) = sample(&mut c, &shape, dtype);
        agree(&(&x + 3.0), &a.map(|x| x + 3.0));
        agree(&(&x - 3.0), &a.map(|x| x - 3.0));
        agree(&(3.0 - &x), &a.map(|x| 3.0 - x));
        agree(&(&x * -2.0), &a.map(|x| x * -2.0));
        agree(&-&x, &a.map(|x| -x));
        if dtype.is_float() {
            agree(&(&x / 3.0), &a.map(|x| x / 3.0));
            agree(&(3.0 / &x), &a.map(|x| 3.0 / x));
            agree(&x.affine(2.0, -1.0), &a.map(|x| 2.0 * x - 1.0));
            agree(&x.map("square", &Square(0.5)), &a.map(|x| x * x - 0.5));
        }
    }

    #[test]
    fn functions_of_three(shape in shapes(4), dtype in of(&REALS), mut c in choices()) {
        let mut one = || { let narrow = narrower(&mut c, &shape); sample(&mut c, &narrow, dtype) };
        let ((x, a), (y, b), (z, d)) = (one(), one(), one());
        let wanted = Array::build(&together(&[&a.shape, &b.shape, &d.shape]), |index| {
            a.broadcast(index) * b.broadcast(index) - d.broadcast(index)
        });
        agree(&x.zip3("fused", &y, &z, &Fused), &wanted);
    }

    #[test]
    fn comparisons(shape in shapes(4), dtype in of(&DTYPES), mut c in choices()) {
        let (x, a) = { let narrow = narrower(&mut c, &shape); spiced(&mut c, &narrow, dtype) };
        let (y, b) = { let narrow = narrower(&mut c, &shape); spiced(&mut c, &narrow, dtype) };
        for (comparison, holds) in RELATIONS {
            let holds = |a, b| f64::from(u8::from(holds(&a, &b)));
            agree(&x.compare(comparison, &y), &zipped(&a, &b, holds));
            agree(&x.compare_scalar(comparison, 1.0), &a.map(|x| holds(x, 1.0)));
        }
    }

    #[test]
    fn choices_between_elements(shape in shapes(4), dtype in of(&DTYPES), mut c in choices()) {
        let (mask, m) = { let narrow = narrower(&mut c, &shape); sample(&mut c, &narrow, DType::Bool) };
        let (x, a) = { let narrow = narrower(&mut c, &shape); spiced(&mut c, &narrow, dtype) };
        let (y, b) = { let narrow = narrower(&mut c, &shape); spiced(&mut c, &narrow, dtype) };
        let wanted = Array::build(&together(&[&m.shape, &a.shape, &b.shape]), |index| {
            if m.broadcast(index) == 1.0 { a.broadcast(index) } else { b.broadcast(index) }
        });
        agree(&mask.choose(&x, &y), &wanted);
    }

    #[test]
    fn accumulation(shape in shapes(4), dtype in of(&NUMBERS), mut c in choices()) {
        let ((mut x, a), (y, b)) = (sample(&mut c, &shape, dtype), sample(&mut c, &shape, dtype));
        let shared = x.clone();
        x.accumulate(&y);
        agree(&x, &zipped(&a, &b, |a, b| a + b));
        agree(&shared, &a);
        let ((mut own, d), (z, e)) = (sample(&mut c, &shape, dtype), sample(&mut c, &shape, dtype));
        own.accumulate(&z);
        agree(&own, &zipped(&d, &e, |a, b| a + b));
        agree(&z, &e);
    }

    #[test]
    fn equality(shape in shapes(4), dtype in of(&DTYPES), mut c in choices()) {
        let (x, a) = sample(&mut c, &shape, dtype);
        let same = Tensor::from_vec(a.data.clone(), &shape[..]).cast(dtype);
        prop_assert!(x.equal(&same) && x.same_bits(&same) && x.allclose(&same, 0.0, 0.0));
        prop_assert!(!x.equal(&same.unsqueeze(0)) && !x.same_bits(&same.unsqueeze(0)));
        prop_assert_eq!(x.all_finite(), true);
        if !a.data.is_empty() {
            let mut other = a.data.clone();
            let i = c.below(other.len());
            other[i] = if other[i] == 0.0 { 1.0 } else { 0.0 };
            let other = Tensor::from_vec(other, &shape[..]).cast(dtype);
            prop_assert!(!x.equal(&other) && !x.same_bits(&other) && !x.allclose(&other, 0.1, 0.1));
        }
    }

    #[test]
    fn writing_leaves_others_alone(shape in shapes(4), mut c in choices()) {
        let (mut x, a) = sample(&mut c, &shape, DType::F64);
        let other = x.clone();
        x.make_mut::<f64>().iter_mut().for_each(|x| *x += 1.0);
        agree(&x, &a.map(|x| x + 1.0));
        agree(&other, &a);
        let (mut own, b) = sample(&mut c, &shape, DType::F64);
        let elements = own.make_mut::<f64>();
        prop_assert_eq!(elements.len(), b.data.len());
        elements.iter_mut().for_each(|x| *x += 1.0);
        agree(&own, &b.map(|x| x + 1.0));
    }
}

#[test]
fn integers_beyond_doubles_stay_exact() {
    let big = i64::MAX - 2;
    let x = Tensor::from([big, -big, (1 << 53) + 1]);
    assert_eq!((&x + 1.0).to_vec::<i64>(), [big + 1, -big + 1, (1 << 53) + 2]);
    assert_eq!((&x * &x).to_vec::<i64>()[0], big.wrapping_mul(big));
    assert_eq!(x.max(&[], false).to_vec::<i64>(), [big]);
    assert_eq!(x.compare(Comparison::Gt, &(&x - 1.0)).to_vec::<bool>(), [true; 3]);
}

#[test]
fn halves_round_once() {
    for dtype in [DType::F16, DType::BF16] {
        let (x, y) = (Tensor::scalar(1.0, dtype), Tensor::scalar(3.0, dtype));
        assert_eq!((&x / &y).item(), rounded(dtype, 1.0 / 3.0));
    }
}

#[test]
fn casts_truncate_saturate_and_round() {
    let x = Tensor::from([1.7, -1.7, -0.0, 1e300, -1e300, f64::INFINITY, f64::NAN, 65520.0, 1.0 + 1.0 / 512.0]);
    assert_eq!(x.cast(DType::I64).to_vec::<i64>(), [1, -1, 0, i64::MAX, i64::MIN, i64::MAX, 0, 65520, 1]);
    assert_eq!(x.cast(DType::Bool).to_vec::<bool>(), [true, true, false, true, true, true, true, true, true]);
    let half = x.cast(DType::F16).to_f64_vec();
    assert!(half[2].is_sign_negative() && half[6].is_nan());
    assert_eq!([half[3], half[7], half[8]], [f64::INFINITY, f64::INFINITY, 1.0 + 1.0 / 512.0]);
    assert_eq!(x.cast(DType::BF16).to_f64_vec()[8], 1.0);
    assert_eq!(x.cast(DType::F32).to_f64_vec()[3], f64::INFINITY);
}
