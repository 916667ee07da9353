//! Picking, placing and joining.

use chainrule_tensor::{DType, Tensor};
use proptest::prelude::*;

use crate::oracle::{Array, agree, indices, laid_out, sample};
use crate::views::{with, without};
use crate::{Choices, DTYPES, choices, config, of, shapes};

/// Positions on an axis of length `n`, counted from either end, and what they come to.
fn positions(c: &mut Choices, shape: &[usize], n: usize) -> (Tensor, Array) {
    let (index, numbers) =
        laid_out(c, shape, DType::I64, |c, base| Array::build(base, |_| c.below(2 * n) as f64 - n as f64));
    (index, numbers.map(|i| if i < 0.0 { i + n as f64 } else { i }))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn index_select_and_index_add(
        shape in shapes(3), picked in shapes(2), dtype in of(&DTYPES), mut c in choices()
    ) {
        prop_assume!(!shape.is_empty());
        let (axis, named) = c.axis(shape.len());
        prop_assume!(shape[axis] > 0);
        let (x, a) = sample(&mut c, &shape, dtype);
        let (index, at) = positions(&mut c, &picked, shape[axis]);
        let lengths = [&shape[..axis], &picked, &shape[axis + 1..]].concat();
        let from = |out: &[usize]| {
            let i = at.at(&out[axis..axis + picked.len()]) as usize;
            [&out[..axis], &[i], &out[axis + picked.len()..]].concat()
        };
        agree(&x.index_select(named, &index), &Array::build(&lengths, |out| a.at(&from(out))));
        if dtype != DType::Bool {
            let (source, b) = sample(&mut c, &lengths, dtype);
            let mut sum = a.clone();
            indices(&lengths).iter().for_each(|out| sum.add(&from(out), b.at(out)));
            agree(&x.index_add(named, &index, &source), &sum);
            agree(&x, &a);
        }
    }

    #[test]
    fn gather_and_scatter_add(shape in shapes(4), dtype in of(&DTYPES), mut c in choices()) {
        prop_assume!(!shape.is_empty());
        let (axis, named) = c.axis(shape.len());
        prop_assume!(shape[axis] > 0);
        let (x, a) = sample(&mut c, &shape, dtype);
        let shorter = |(i, &n): (usize, &usize)| if i == axis { c.below(7) } else { n - c.below(n.min(2) + 1) };
        let picked: Vec<usize> = shape.iter().enumerate().map(shorter).collect();
        let (index, at) = positions(&mut c, &picked, shape[axis]);
        let from = |out: &[usize]| with(&without(out, axis), axis, at.at(out) as usize);
        agree(&x.gather(named, &index), &Array::build(&picked, |out| a.at(&from(out))));
        if dtype != DType::Bool {
            let (source, b) = sample(&mut c, &picked, dtype);
            let mut sum = a.clone();
            indices(&picked).iter().for_each(|out| sum.add(&from(out), b.at(out)));
            agree(&x.scatter_add(named, &index, &source), &sum);
            agree(&x, &a);
        }
    }

    #[test]
    fn one_hot(shape in shapes(3), dtype in of(&DTYPES), classes in 1usize..5, mut c in choices()) {
        let (labels, a) = laid_out(&mut c, &shape, DType::I64, |c, base| {
            Array::build(base, |_| c.below(classes) as f64)
        });
        let wanted = Array::build(&with(&shape, shape.len(), classes), |index| {
            let (&class, index) = index.split_last().unwrap();
            f64::from(a.at(index) == class as f64)
        });
        agree(&labels.one_hot(classes, dtype), &wanted);
    }

    #[test]
    fn cat(shape in shapes(4), parts in 1usize..5, dtype in of(&DTYPES), mut c in choices()) {
        prop_assume!(!shape.is_empty());
        let (axis, named) = c.axis(shape.len());
        let samples: Vec<(Tensor, Array)> = (0..parts).map(|_| {
            let mut lengths = shape.clone();
            lengths[axis] = c.below(4);
            sample(&mut c, &lengths, dtype)
        }).collect();
        let mut lengths = shape.clone();
        lengths[axis] = samples.iter().map(|(_, a)| a.shape[axis]).sum();
        let wanted = Array::build(&lengths, |index| {
            let mut i = index[axis];
            let (_, part) = samples.iter().find(|(_, a)| {
                let here = i < a.shape[axis];
                i -= if here { 0 } else { a.shape[axis] };
                here
            }).unwrap();
            part.at(&with(&without(index, axis), axis, i))
        });
        agree(&Tensor::cat(&samples.iter().map(|(x, _)| x).collect::<Vec<_>>(), named), &wanted);
    }

    #[test]
    fn stack(shape in shapes(3), parts in 1usize..5, dtype in of(&DTYPES), mut c in choices()) {
        let (axis, named) = c.axis(shape.len() + 1);
        let samples: Vec<(Tensor, Array)> = (0..parts).map(|_| sample(&mut c, &shape, dtype)).collect();
        let wanted = Array::build(&with(&shape, axis, parts), |index| {
            samples[index[axis]].1.at(&without(index, axis))
        });
        agree(&Tensor::stack(&samples.iter().map(|(x, _)| x).collect::<Vec<_>>(), named), &wanted);
    }
}
