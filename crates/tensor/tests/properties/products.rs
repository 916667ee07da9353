//! Matrix products, in batches that broadcast.

use chainrule_tensor::DType;
use proptest::prelude::*;

use crate::oracle::{Array, agree, sample};
use crate::{Choices, NUMBERS, choices, config, of, shapes};

/// Leading axes that broadcast to `batch`.
fn narrower(c: &mut Choices, batch: &[usize]) -> Vec<usize> {
    let dropped = c.below(batch.len() + 1);
    batch[dropped..].iter().map(|&n| if c.one_in(3) { 1 } else { n }).collect()
}

/// The product by its definition; the batches broadcast to `batch`.
pub fn product(a: &Array, b: &Array, batch: &[usize]) -> Array {
    let (m, k, n) = (a.shape[a.shape.len() - 2], a.shape[a.shape.len() - 1], b.shape[b.shape.len() - 1]);
    let full = |x: &Array| {
        let matrix = &x.shape[x.shape.len() - 2..];
        Array::build(&[batch, matrix].concat(), |index| {
            let skip = index.len() - x.shape.len();
            let inner = index.len() - 2;
            let own: Vec<usize> =
                (skip..index.len()).map(|i| if i < inner && x.shape[i - skip] == 1 { 0 } else { index[i] }).collect();
            x.at(&own)
        })
    };
    let (a, b) = (full(a), full(b));
    Array::build(&[batch, &[m, n]].concat(), |index| {
        let (outer, matrix) = index.split_at(batch.len());
        (0..k).map(|p| a.at(&[outer, &[matrix[0], p]].concat()) * b.at(&[outer, &[p, matrix[1]]].concat())).sum()
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn matmul(
        batch in shapes(3), m in 0usize..6, k in 0usize..6, n in 0usize..6, dtype in of(&NUMBERS), mut c in choices()
    ) {
        let mut operand = |rows: usize, columns: usize| {
            let shape = [&narrower(&mut c, &batch)[..], &[rows, columns]].concat();
            sample(&mut c, &shape, dtype)
        };
        let ((x, a), (y, b)) = (operand(m, k), operand(k, n));
        let outer = |x: &Array| x.shape[..x.shape.len() - 2].to_vec();
        let batch = chainrule_tensor::broadcast_shapes(&outer(&a), &outer(&b)).unwrap().to_vec();
        agree(&x.matmul(&y), &product(&a, &b, &batch));
    }

    #[test]
    fn transposed_matmul(m in 1usize..6, n in 1usize..6, mut c in choices()) {
        let ((x, _), (y, _)) = (sample(&mut c, &[m, 4], DType::F64), sample(&mut c, &[4, n], DType::F64));
        prop_assert!(x.matmul(&y).t().equal(&y.t().matmul(&x.t())));
    }
}
