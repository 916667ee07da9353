//! Views show the right elements, and none copies.

use chainrule_tensor::{Slice, Tensor, s};
use proptest::prelude::*;

use crate::oracle::{Array, agree, indices, sample, spiced};
use crate::{Choices, DTYPES, NUMBERS, choices, config, of, shapes};

/// An index with element `i` put in at `axis`.
pub fn with(index: &[usize], axis: usize, i: usize) -> Vec<usize> {
    [&index[..axis], &[i], &index[axis..]].concat()
}

/// An index without its element at `axis`.
pub fn without(index: &[usize], axis: usize) -> Vec<usize> {
    [&index[..axis], &index[axis + 1..]].concat()
}

#[track_caller]
fn is_view(y: &Tensor, x: &Tensor) {
    assert!(y.is_empty() || y.shares_memory(x), "a view copies");
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_layout_is_read(shape in shapes(4), dtype in of(&DTYPES), mut c in choices()) {
        let (x, a) = spiced(&mut c, &shape, dtype);
        agree(&x, &a);
        agree(&x.contiguous(), &a);
        agree(&x.deep_copy(), &a);
        prop_assert!(x.contiguous().is_contiguous() && x.contiguous().as_slice_is_dense());
        prop_assert_eq!(x.is_contiguous(), x.as_slice_is_dense());
        for other in DTYPES {
            if a.data.iter().all(|x| x.is_finite()) {
                agree(&x.cast(other), &a);
            }
        }
    }

    #[test]
    fn rows(shape in shapes(3), dtype in of(&DTYPES), mut c in choices()) {
        prop_assume!(!shape.is_empty());
        let (x, a) = sample(&mut c, &shape, dtype);
        prop_assert_eq!(x.iter().len(), shape[0]);
        for (i, row) in x.iter().enumerate() {
            agree(&row, &Array::build(&shape[1..], |index| a.at(&with(index, 0, i))));
            is_view(&row, &x);
        }
    }

    #[test]
    fn permute_and_transpose(shape in shapes(4), dtype in of(&DTYPES), mut c in choices()) {
        let (x, a) = sample(&mut c, &shape, dtype);
        let order = c.permutation(shape.len());
        let named: Vec<isize> = order.iter().map(|&axis| c.spelled(axis, shape.len())).collect();
        let permuted = |order: &[usize]| {
            let lengths: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
            Array::build(&lengths, |index| {
                let mut from = vec![0; order.len()];
                order.iter().zip(index).for_each(|(&axis, &i)| from[axis] = i);
                a.at(&from)
            })
        };
        agree(&x.permute(&named), &permuted(&order));
        is_view(&x.permute(&named), &x);
        if !shape.is_empty() {
            let ((i, named_i), (j, named_j)) = (c.axis(shape.len()), c.axis(shape.len()));
            let mut order: Vec<usize> = (0..shape.len()).collect();
            order.swap(i, j);
            agree(&x.transpose(named_i, named_j), &permuted(&order));
        }
        if shape.len() >= 2 {
            prop_assert!(x.t().equal(&x.transpose(-1, -2)));
        }
    }

    #[test]
    fn slices(shape in shapes(4), dtype in of(&DTYPES), mut c in choices()) {
        let (x, a) = sample(&mut c, &shape, dtype);
        let named = c.below(shape.len() + 1);
        let (parts, kept): (Vec<Slice>, Vec<Vec<usize>>) =
            shape.iter().enumerate().map(|(axis, &n)| part(&mut c, n, axis < named)).unzip();
        let y = x.slice(&parts[..named]);
        let lengths: Vec<usize> = kept.iter().map(Vec::len).collect();
        agree(&y, &Array::build(&lengths, |index| {
            a.at(&index.iter().zip(&kept).map(|(&i, kept)| kept[i]).collect::<Vec<_>>())
        }));
        is_view(&y, &x);
    }

    #[test]
    fn narrow_select_and_flip(shape in shapes(4), dtype in of(&DTYPES), mut c in choices()) {
        prop_assume!(!shape.is_empty());
        let (x, a) = sample(&mut c, &shape, dtype);
        let (axis, named) = c.axis(shape.len());
        let n = shape[axis];

        let start = c.below(n + 1);
        let len = c.below(n - start + 1);
        let mut lengths = shape.clone();
        lengths[axis] = len;
        let y = x.narrow(named, start, len);
        agree(&y, &Array::build(&lengths, |index| a.at(&with(&without(index, axis), axis, start + index[axis]))));
        is_view(&y, &x);

        if n > 0 {
            let i = c.below(n);
            let y = x.select(named, c.spelled(i, n));
            agree(&y, &Array::build(&without(&shape, axis), |index| a.at(&with(index, axis, i))));
            is_view(&y, &x);
        }

        let flipped: Vec<usize> = (0..shape.len()).filter(|_| c.one_in(2)).collect();
        let named: Vec<isize> = flipped.iter().map(|&axis| c.spelled(axis, shape.len())).collect();
        let y = x.flip(&named);
        agree(&y, &Array::build(&shape, |index| {
            let mirrored = |(axis, &i): (usize, &usize)| if flipped.contains(&axis) { shape[axis] - 1 - i } else { i };
            a.at(&index.iter().enumerate().map(mirrored).collect::<Vec<_>>())
        }));
        is_view(&y, &x);
    }

    #[test]
    fn reshape(shape in shapes(4), dtype in of(&DTYPES), mut c in choices()) {
        let (x, a) = sample(&mut c, &shape, dtype);
        let other = regrouped(&mut c, &shape);
        agree(&x.reshape(&other), &Array { shape: other, data: a.data.clone() });
        agree(&x.reshape([a.data.len()]), &Array { shape: vec![a.data.len()], data: a.data.clone() });
        prop_assert!(x.reshape(&shape).equal(&x) && (x.is_empty() || x.reshape(&shape).shares_memory(&x)));
    }

    #[test]
    fn squeeze_and_unsqueeze(shape in shapes(4), dtype in of(&DTYPES), mut c in choices()) {
        let (x, a) = sample(&mut c, &shape, dtype);
        let (axis, named) = c.axis(shape.len() + 1);
        let y = x.unsqueeze(named);
        agree(&y, &Array { shape: with(&shape, axis, 1), data: a.data.clone() });
        agree(&y.squeeze(&[named]), &a);
        let longer: Vec<usize> = shape.iter().copied().filter(|&n| n != 1).collect();
        agree(&y.squeeze(&[]), &Array { shape: longer, data: a.data });
        is_view(&y, &x);
    }

    #[test]
    fn broadcast_and_its_adjoint(shape in shapes(4), dtype in of(&NUMBERS), mut c in choices()) {
        let mut small: Vec<usize> = shape.iter().map(|&n| if c.one_in(2) { 1 } else { n }).collect();
        small.drain(..c.below(shape.len() + 1));
        let (x, a) = sample(&mut c, &small, dtype);
        let y = x.broadcast_to(&shape);
        agree(&y, &Array::build(&shape, |index| a.broadcast(index)));
        is_view(&y, &x);

        let (g, b) = sample(&mut c, &shape, dtype);
        let mut sum = Array::build(&small, |_| 0.0);
        for index in indices(&shape) {
            let skip = shape.len() - small.len();
            let to: Vec<usize> = index[skip..].iter().zip(&small).map(|(&i, &n)| if n == 1 { 0 } else { i }).collect();
            sum.add(&to, b.at(&index));
        }
        agree(&g.sum_to(&small), &sum);
    }

    #[test]
    fn unfold(shape in shapes(3), dtype in of(&DTYPES), mut c in choices()) {
        prop_assume!(!shape.is_empty());
        let (x, a) = sample(&mut c, &shape, dtype);
        let (axis, named) = c.axis(shape.len());
        let (size, step) = (c.below(shape[axis] + 1), c.below(3) + 1);
        let y = x.unfold(named, size, step);
        let mut lengths = shape.clone();
        lengths[axis] = (shape[axis] - size) / step + 1;
        lengths.push(size);
        agree(&y, &Array::build(&lengths, |index| {
            let (&k, index) = index.split_last().unwrap();
            a.at(&with(&without(index, axis), axis, index[axis] * step + k))
        }));
        is_view(&y, &x);
    }

    #[test]
    fn unview_adds_where_the_view_shows(shape in shapes(3), dtype in of(&NUMBERS), mut c in choices()) {
        let places = Array::build(&shape, |_| 0.0);
        let numbered: Vec<i64> = (0..places.data.len() as i64).collect();
        let mut view = Tensor::from_vec(numbered, &shape[..]);
        for _ in 0..c.below(4) {
            view = any_view(&mut c, &view);
        }
        let (values, v) = sample(&mut c, view.shape(), dtype);
        let mut wanted = places;
        for (place, x) in view.to_vec::<i64>().into_iter().zip(&v.data) {
            wanted.data[place as usize] += x;
        }
        agree(&values.unview(&shape, view.layout()), &wanted);
    }
}

trait AsSlice {
    fn as_slice_is_dense(&self) -> bool;
}

impl AsSlice for Tensor {
    /// Whether the elements can be borrowed as they lie.
    fn as_slice_is_dense(&self) -> bool {
        use chainrule_tensor::{DType, bf16, f16};
        match self.dtype() {
            DType::F32 => self.as_slice::<f32>().is_some(),
            DType::F64 => self.as_slice::<f64>().is_some(),
            DType::F16 => self.as_slice::<f16>().is_some(),
            DType::BF16 => self.as_slice::<bf16>().is_some(),
            DType::I64 => self.as_slice::<i64>().is_some(),
            DType::Bool => self.as_slice::<bool>().is_some(),
        }
    }
}

/// A part of an axis of length `n`, and the positions that it keeps, in order.
fn part(c: &mut Choices, n: usize, named: bool) -> (Slice, Vec<usize>) {
    if !named {
        return (s(..), (0..n).collect());
    }
    let bound = |c: &mut Choices| c.below(2 * n + 5) as isize - n as isize - 2;
    let clamped = |bound: isize| (if bound < 0 { bound + n as isize } else { bound }).clamp(0, n as isize) as usize;
    let (start, end, step) = (bound(c), bound(c), c.below(3) + 1);
    let (slice, from, to) = match c.below(4) {
        0 => (s(start..end), clamped(start), clamped(end)),
        1 => (s(start..), clamped(start), n),
        2 => (s(..end), 0, clamped(end)),
        _ => (s(..), 0, n),
    };
    let kept = from..to.max(from);
    match c.below(3) {
        0 => (slice, kept.collect()),
        1 => (slice.step(step as isize), kept.step_by(step).collect()),
        _ => (slice.step(-(step as isize)), kept.rev().step_by(step).collect()),
    }
}

/// The same number of elements in other axes: some joined, some cut, some of length 1 put in or taken out.
fn regrouped(c: &mut Choices, shape: &[usize]) -> Vec<usize> {
    let mut out = shape.to_vec();
    for _ in 0..c.below(5) {
        match c.below(3) {
            0 if out.len() >= 2 => {
                let i = c.below(out.len() - 1);
                out[i] *= out.remove(i + 1);
            }
            1 if !out.is_empty() => {
                let i = c.below(out.len());
                let divisors: Vec<usize> = (1..=out[i]).filter(|&d| out[i].is_multiple_of(d)).collect();
                if let Some(&d) = divisors.get(c.below(divisors.len().max(1))) {
                    out[i] /= d;
                    out.insert(i, d);
                }
            }
            _ => out.insert(c.below(out.len() + 1), 1),
        }
    }
    out
}

fn any_view(c: &mut Choices, x: &Tensor) -> Tensor {
    let rank = x.rank();
    match c.below(5) {
        0 => x.permute(&c.permutation(rank).into_iter().map(|axis| axis as isize).collect::<Vec<_>>()),
        1 => x.slice(&x.shape().iter().map(|&n| part(c, n, true).0).collect::<Vec<_>>()),
        2 if rank > 0 => x.flip(&[c.axis(rank).1]),
        3 if rank > 0 && rank < 4 => {
            let (axis, named) = c.axis(rank);
            x.unfold(named, c.below(x.shape()[axis] + 1), c.below(3) + 1)
        }
        _ => x.broadcast_to([&[c.below(3)], x.shape()].concat()),
    }
}
