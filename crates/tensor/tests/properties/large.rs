//! Sizes beyond the thresholds at which work is cut into chunks, tiles, strips and threads.

use std::panic::catch_unwind;

use chainrule_tensor::{Comparison, DType, Reduction, Rng, ShapeError, Tensor, Window, s};

/// Whole numbers from −4 to 4, and the same as doubles.
fn whole(shape: &[usize], dtype: DType) -> (Tensor, Vec<f64>) {
    let x = Tensor::randint(&mut Rng::seed(shape.iter().product::<usize>() as u64), shape, -4, 5).cast(dtype);
    let numbers = x.to_f64_vec();
    (x, numbers)
}

#[test]
fn elementwise_over_many_chunks() {
    for n in [32 * 1024 - 1, 32 * 1024, 32 * 1024 + 1, 100_003] {
        let (x, a) = whole(&[n], DType::F32);
        assert_eq!((&x + &x).to_f64_vec(), a.iter().map(|x| x + x).collect::<Vec<_>>());
        let every_other = x.slice(&[s(..).step(2)]);
        let backwards = x.slice(&[s(..).step(-2)]);
        let products: Vec<f64> = a.iter().step_by(2).zip(a.iter().rev().step_by(2)).map(|(a, b)| a * b).collect();
        assert_eq!((&every_other * &backwards).to_f64_vec(), products);
        let mask = x.compare(Comparison::Gt, &x.flip(&[0]));
        let wanted: Vec<f64> = a.iter().zip(a.iter().rev()).map(|(a, b)| a.max(*b)).collect();
        assert_eq!(mask.choose(&x, &x.flip(&[0])).to_f64_vec(), wanted);
        assert_eq!(x.cast(DType::I64).cast(DType::F16).to_f64_vec(), a);
    }
    let (x, a) = whole(&[300, 1], DType::F32);
    let (y, b) = whole(&[1, 301], DType::F32);
    let outer: Vec<f64> = a.iter().flat_map(|a| b.iter().map(move |b| a - b)).collect();
    assert_eq!((&x - &y).to_f64_vec(), outer);
}

#[test]
fn copies_in_tiles() {
    for (batch, rows, columns) in [(1, 16, 16), (3, 17, 31), (2, 500, 700), (1, 15, 4000), (70, 33, 65)] {
        let (x, a) = whole(&[batch, rows, columns], DType::F32);
        let transposed: Vec<f64> = (0..batch * rows * columns)
            .map(|i| (i / (rows * columns), i % (rows * columns) / rows, i % rows))
            .map(|(b, column, row)| a[(b * rows + row) * columns + column])
            .collect();
        assert_eq!(x.t().to_f64_vec(), transposed, "{batch} of {rows}×{columns}");
        let mirrored = x.flip(&[1]).t().contiguous().flip(&[2]);
        assert_eq!(mirrored.to_f64_vec(), transposed, "{batch} of {rows}×{columns}, flipped");
    }
    let (x, a) = whole(&[40, 50, 60], DType::BF16);
    let moved: Vec<f64> =
        (0..40 * 50 * 60).map(|i| (i / 2000, i / 50 % 40, i % 50)).map(|(k, i, j)| a[(i * 50 + j) * 60 + k]).collect();
    assert_eq!(x.permute(&[2, 0, 1]).to_f64_vec(), moved);
}

#[test]
fn reductions_of_every_form() {
    for shape in
        [[1, 100_003, 1], [3, 70_000, 1], [2, 300, 257], [1, 400, 1000], [9, 65, 255], [200, 20, 30], [1, 3, 70_000]]
    {
        let [outer, mid, inner] = shape;
        let (x, a) = whole(&shape, DType::F32);
        let line = |i: usize| {
            let (o, i) = (i / inner, i % inner);
            let a = &a;
            (0..mid).map(move |m| a[(o * mid + m) * inner + i])
        };
        let folded = |f: fn(f64, f64) -> f64, start: f64| -> Vec<f64> {
            (0..outer * inner).map(|i| line(i).fold(start, f)).collect()
        };
        assert_eq!(x.sum(&[1], false).to_f64_vec(), folded(|a, b| a + b, 0.0), "{shape:?}");
        assert_eq!(x.max(&[1], false).to_f64_vec(), folded(f64::max, f64::NEG_INFINITY), "{shape:?}");
        assert_eq!(x.min(&[1], false).to_f64_vec(), folded(f64::min, f64::INFINITY), "{shape:?}");
        assert_eq!(x.cast(DType::I64).sum(&[1], true).to_f64_vec(), folded(|a, b| a + b, 0.0), "{shape:?}");
        let first: Vec<f64> = (0..outer * inner)
            .map(|i| {
                line(i).enumerate().fold((0, f64::MIN), |best, (m, x)| if x > best.1 { (m, x) } else { best }).0 as f64
            })
            .collect();
        assert_eq!(x.argmax(1, false).to_f64_vec(), first, "{shape:?}");
        let total: f64 = a.iter().sum();
        assert_eq!(x.sum(&[], false).item(), total);
        assert_eq!(x.permute(&[2, 0, 1]).sum(&[0, 2], false).to_f64_vec(), x.sum(&[1, 2], false).to_f64_vec());
        assert_eq!(x.cumsum(1).select(1, -1).to_f64_vec(), folded(|a, b| a + b, 0.0));
    }
    let ones = Tensor::ones([50_000], DType::F64);
    assert_eq!((&ones * -1.0).reduce(Reduction::Prod, &[], false).item(), 1.0);
}

#[test]
fn sums_of_millions_stay_accurate() {
    let n = 3_000_000;
    let x = Tensor::full([n], 0.1, DType::F32).contiguous();
    let exact = f64::from(0.1f32) * n as f64;
    assert!((x.sum(&[], false).item() - exact).abs() < 1e-6 * exact);
    for width in [3, 300, 30_000] {
        let columns = x.reshape([n / width, width]).sum(&[0], false).to_f64_vec();
        let each = exact / width as f64;
        assert!(columns.iter().all(|sum| (sum - each).abs() < 1e-5 * each), "{width} columns");
    }
}

#[test]
fn products_of_many_tiles() {
    for (m, k, n) in [(130, 70, 90), (1, 5000, 3), (400, 2, 300), (64, 1, 64), (33, 700, 17)] {
        for dtype in [DType::F32, DType::F64, DType::I64] {
            let ((x, a), (y, b)) = (whole(&[m, k], dtype), whole(&[k, n], dtype));
            let mut wanted = vec![0.0; m * n];
            for (i, row) in wanted.chunks_mut(n).enumerate() {
                for p in 0..k {
                    row.iter_mut().zip(&b[p * n..]).for_each(|(sum, b)| *sum += a[i * k + p] * b);
                }
            }
            assert_eq!(x.matmul(&y).to_f64_vec(), wanted, "{m}×{k}×{n} {dtype}");
            let transposed = x.t().contiguous().t().matmul(&y.flip(&[0]).contiguous().flip(&[0]));
            assert_eq!(transposed.to_f64_vec(), wanted, "{m}×{k}×{n} {dtype}, other strides");
        }
    }
    let ((x, _), (y, _)) = (whole(&[60, 20, 30], DType::F32), whole(&[30, 25], DType::F32));
    let batched = x.matmul(&y);
    for i in [0, 31, 59] {
        assert!(batched.select(0, i).equal(&x.select(0, i).matmul(&y)), "matrix {i}");
    }
}

#[test]
fn convolutions_of_many_samples() {
    let window = Window::new(2).padding(&[1]).stride(&[2]);
    let ((x, _), (w, _)) = (whole(&[19, 3, 20, 21], DType::F32), whole(&[5, 3, 3, 3], DType::F32));
    let y = x.conv(&w, &window);
    let (g, _) = whole(y.shape(), DType::F32);
    let parts: Vec<Tensor> = x.iter().map(|x| x.unsqueeze(0).conv(&w, &window)).collect();
    assert!(y.equal(&Tensor::cat(&parts.iter().collect::<Vec<_>>(), 0)));
    let each = x.iter().zip(g.iter());
    let weights: Vec<Tensor> =
        each.map(|(x, g)| x.unsqueeze(0).conv_weight(&g.unsqueeze(0), w.shape(), &window)).collect();
    let sum = Tensor::stack(&weights.iter().collect::<Vec<_>>(), 0).sum(&[0], false);
    assert!(x.conv_weight(&g, w.shape(), &window).equal(&sum));
    let inner = |a: &Tensor, b: &Tensor| (a.cast(DType::F64) * b.cast(DType::F64)).sum(&[], false).item();
    assert_eq!(inner(&y, &g), inner(&x, &g.conv_input(&w, x.shape(), &window)));
}

#[test]
fn shapes_beyond_an_address_space_are_refused_even_with_an_axis_of_length_zero() {
    for shape in [[1 << 40, 1 << 40, 0], [0, 1 << 40, 1 << 40], [1 << 40, 0, 1 << 40], [1 << 62, 2, 1]] {
        let refused = Tensor::try_from_vec(Vec::<f32>::new(), shape);
        assert!(matches!(refused, Err(ShapeError::TooLarge { .. })), "{shape:?}");
        assert!(catch_unwind(|| Tensor::zeros(shape, DType::Bool).len()).is_err(), "{shape:?}");
    }
    for n in [1usize << 31, (1 << 32) - 1] {
        let error = catch_unwind(|| Tensor::eye(n, DType::Bool)).unwrap_err();
        assert!(error.downcast_ref::<String>().unwrap().contains("out of memory"));
    }
}
