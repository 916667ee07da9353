//! Reductions along any axes, in any layout.

use chainrule_tensor::{DType, Reduction, tensor};
use proptest::prelude::*;

use crate::oracle::{Array, agree, indices, laid_out, rounded, sample, spiced, whole};
use crate::views::{with, without};
use crate::{DTYPES, NUMBERS, REALS, choices, config, of, shapes};

fn kept(shape: &[usize], axes: &[usize], keep: bool) -> Vec<usize> {
    let axis = |(i, &n): (usize, &usize)| match (axes.contains(&i), keep) {
        (false, _) => Some(n),
        (true, keep) => keep.then_some(1),
    };
    shape.iter().enumerate().filter_map(axis).collect()
}

/// The elements that each element of the result is made of, in row-major order.
fn groups(a: &Array, axes: &[usize]) -> Vec<Vec<f64>> {
    let lengths = kept(&a.shape, axes, true);
    let mut groups: Vec<Vec<f64>> = indices(&lengths).iter().map(|_| Vec::new()).collect();
    let place = Array { data: (0..groups.len()).map(|i| i as f64).collect(), shape: lengths };
    for index in indices(&a.shape) {
        let to: Vec<usize> = index.iter().enumerate().map(|(i, &at)| if axes.contains(&i) { 0 } else { at }).collect();
        groups[place.at(&to) as usize].push(a.at(&index));
    }
    groups
}

fn reduced(a: &Array, axes: &[usize], keep: bool, f: impl Fn(&[f64]) -> f64) -> Array {
    Array { shape: kept(&a.shape, axes, keep), data: groups(a, axes).iter().map(|group| f(group)).collect() }
}

/// The first of the best; a NaN is better than any number.
fn best(group: &[f64], better: fn(&f64, &f64) -> bool) -> usize {
    let nan = group.iter().position(|x| x.is_nan());
    nan.unwrap_or_else(|| (0..group.len()).find(|&i| !group.iter().any(|x| better(x, &group[i]))).unwrap())
}

const LARGER: fn(&f64, &f64) -> bool = |a, b| a > b;
const SMALLER: fn(&f64, &f64) -> bool = |a, b| a < b;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn sums_and_means(shape in shapes(4), dtype in of(&NUMBERS), keep in any::<bool>(), mut c in choices()) {
        let (x, a) = sample(&mut c, &shape, dtype);
        let (axes, named) = c.axes(shape.len());
        agree(&x.sum(&named, keep), &reduced(&a, &axes, keep, |group| group.iter().sum()));
        if dtype.is_float() {
            let mean = |group: &[f64]| match dtype {
                DType::F64 => group.iter().sum::<f64>() / group.len() as f64,
                _ => f64::from(group.iter().sum::<f64>() as f32 / group.len() as f32),
            };
            agree(&x.mean(&named, keep), &reduced(&a, &axes, keep, mean));
        }
    }

    #[test]
    fn products(shape in shapes(4), dtype in of(&NUMBERS), keep in any::<bool>(), mut c in choices()) {
        let signs = |c: &mut _, base: &[usize]| whole(c, base, 1);
        let (x, a) = laid_out(&mut c, &shape, dtype, signs);
        let (axes, named) = c.axes(shape.len());
        agree(&x.reduce(Reduction::Prod, &named, keep), &reduced(&a, &axes, keep, |group| group.iter().product()));
        let (x, a) = laid_out(&mut c, &shape, dtype, |c, base| signs(c, base).map(|x| if x == 0.0 { 1.0 } else { x }));
        agree(&x.reduce(Reduction::Prod, &named, keep), &reduced(&a, &axes, keep, |group| group.iter().product()));
    }

    #[test]
    fn largest_and_smallest(shape in shapes(4), dtype in of(&NUMBERS), keep in any::<bool>(), mut c in choices()) {
        let (x, a) = spiced(&mut c, &shape, dtype);
        let (axes, named) = c.axes(shape.len());
        prop_assume!(axes.iter().all(|&axis| shape[axis] > 0));
        agree(&x.max(&named, keep), &reduced(&a, &axes, keep, |group| group[best(group, LARGER)]));
        agree(&x.min(&named, keep), &reduced(&a, &axes, keep, |group| group[best(group, SMALLER)]));
        if !shape.is_empty() {
            let (axis, named) = c.axis(shape.len());
            if shape[axis] > 0 {
                let (largest, smallest) = (x.argmax(named, keep), x.argmin(named, keep));
                agree(&largest, &reduced(&a, &[axis], keep, |group| best(group, LARGER) as f64));
                agree(&smallest, &reduced(&a, &[axis], keep, |group| best(group, SMALLER) as f64));
                prop_assert_eq!(largest.dtype(), DType::I64);
            }
        }
    }

    #[test]
    fn running_sums(shape in shapes(4), dtype in of(&NUMBERS), mut c in choices()) {
        prop_assume!(!shape.is_empty());
        let (x, a) = sample(&mut c, &shape, dtype);
        let (axis, named) = c.axis(shape.len());
        let wanted = Array::build(&shape, |index| {
            (0..=index[axis]).map(|i| a.at(&with(&without(index, axis), axis, i))).sum()
        });
        agree(&x.cumsum(named), &wanted);
    }

    #[test]
    fn any_and_all(shape in shapes(4), keep in any::<bool>(), mut c in choices()) {
        let rarely = c.one_in(2);
        let (x, a) = laid_out(&mut c, &shape, DType::Bool, |c, base| whole(c, base, 6).map(|x| f64::from((x == 6.0) == rarely)));
        let (axes, named) = c.axes(shape.len());
        let truth = f64::from;
        agree(&x.any(&named, keep), &reduced(&a, &axes, keep, |group| truth(group.contains(&1.0))));
        agree(&x.all(&named, keep), &reduced(&a, &axes, keep, |group| truth(!group.contains(&0.0))));
    }

    #[test]
    fn of_nothing(dtype in of(&DTYPES), keep in any::<bool>(), mut c in choices()) {
        let (x, _) = sample(&mut c, &[2, 0, 3], dtype);
        if dtype == DType::Bool {
            agree(&x.any(&[1], keep), &Array::build(&kept(&[2, 0, 3], &[1], keep), |_| 0.0));
            agree(&x.all(&[1], keep), &Array::build(&kept(&[2, 0, 3], &[1], keep), |_| 1.0));
        } else {
            agree(&x.sum(&[], keep), &Array::build(&kept(&[2, 0, 3], &[0, 1, 2], keep), |_| 0.0));
            agree(&x.reduce(Reduction::Prod, &[1], keep), &Array::build(&kept(&[2, 0, 3], &[1], keep), |_| 1.0));
            agree(&x.max(&[0], keep), &Array::build(&kept(&[2, 0, 3], &[0], keep), |_| 0.0));
        }
    }

    #[test]
    fn halves_are_added_in_single_precision(dtype in of(&REALS), n in 1000usize..3000) {
        let x = (tensor![0.5].broadcast_to([n]) + 100.0).cast(dtype);
        let each = rounded(dtype, 100.5);
        prop_assert_eq!(x.sum(&[], false).item(), rounded(dtype, each * n as f64));
        prop_assert_eq!(x.mean(&[], false).item(), each);
    }
}
