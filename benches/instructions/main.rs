//! Counts of instructions on hot paths: they tell a change for the worse on the noisiest machine.
//!
//! Needs valgrind, and `cargo install gungraun-runner` in the version of the library. In this folder:
//!
//! ```text
//! git switch main && cargo bench -- --save-baseline=main
//! git switch - && cargo bench -- --baseline=main
//! ```
//!
//! The second run ends with an error where a path executes 3 % more instructions than it did. Valgrind knows no AVX-512: what is counted is AVX2, on one
//! thread.

use std::hint::black_box;

use chainrule::prelude::*;
use chainrule::tensor::parallel::set_threads;
use gungraun::{Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main};

fn normal(shape: &[usize]) -> Tensor {
    set_threads(1).expect("one thread can be had");
    Tensor::randn(&mut Rng::seed(0), shape, DType::F32)
}

fn leaf(shape: &[usize]) -> Var {
    Var::leaf(normal(shape))
}

/// Forward and backward, from ones.
fn both(x: &Var, y: Var) -> Tensor {
    let ones = y.value().ones_like();
    y.backward_from(&ones)[x].clone()
}

#[library_benchmark]
#[bench::of_one(leaf(&[1]))]
fn hundred_tiny_ops(x: Var) -> Tensor {
    both(&x, (0..50).fold(x.clone(), |y, _| &(&y * 0.9) + &x))
}

#[library_benchmark]
#[bench::small(normal(&[64, 64]), normal(&[64, 64]))]
#[bench::one_row(normal(&[1, 784]), normal(&[784, 128]))]
fn product(a: Tensor, b: Tensor) -> Tensor {
    black_box(a.matmul(&b))
}

#[library_benchmark]
#[bench::chain(leaf(&[4096]))]
#[bench::deferred(leaf(&[1 << 17]))]
fn elementwise(x: Var) -> Tensor {
    both(&x, (x.tanh() * 2.0 + 1.0).relu())
}

#[library_benchmark]
#[bench::rows(leaf(&[64, 1000]))]
fn softmax(x: Var) -> Tensor {
    both(&x, x.softmax(-1))
}

#[library_benchmark]
#[bench::rows(leaf(&[64, 768]), LayerNorm::new(768))]
fn layer_norm(x: Var, norm: LayerNorm) -> Tensor {
    both(&x, norm.forward(&x))
}

#[library_benchmark]
#[bench::rows(normal(&[512, 512]), &[1])]
#[bench::columns(normal(&[512, 512]), &[0])]
fn sum(x: Tensor, axes: &[isize]) -> Tensor {
    black_box(x.sum(axes, false))
}

#[library_benchmark]
#[bench::square(normal(&[512, 512]))]
fn transposed_copy(x: Tensor) -> Tensor {
    black_box(x.t().contiguous())
}

#[library_benchmark]
#[bench::pictures(leaf(&[4, 8, 14, 14]), Conv2d::new(8, 16, 3, &mut Rng::seed(1)).padding(1))]
fn convolution(x: Var, layer: Conv2d) -> Tensor {
    both(&x, layer.forward(&x))
}

#[library_benchmark]
#[bench::halves(leaf(&[4, 8, 14, 14]))]
fn max_pool(x: Var) -> Tensor {
    both(&x, MaxPool2d::new(2).forward(&x))
}

#[library_benchmark]
#[bench::classes(leaf(&[64, 10]))]
fn cross_entropy(x: Var) -> Tensor {
    let labels = Tensor::randint(&mut Rng::seed(2), 64, 0, 10);
    both(&x, x.cross_entropy(&labels))
}

#[library_benchmark]
#[bench::perceptron(leaf(&[16, 32]))]
fn training_step(x: Var) -> Vec<Var> {
    let rng = &mut Rng::seed(3);
    let mut model = sequential![Linear::new(32, 32, rng), Relu, Linear::new(32, 10, rng)];
    let mut adam = Adam::new(1e-3);
    for _ in 0..10 {
        let loss = model.forward(&x).square().mean();
        adam.step(&mut model, &loss.backward());
    }
    vec![model.forward(&x)]
}

library_benchmark_group!(
    name = hot_paths;
    benchmarks = hundred_tiny_ops, product, elementwise, softmax, layer_norm, sum, transposed_copy, convolution, max_pool, cross_entropy,
        training_step
);

main!(
    config = LibraryBenchmarkConfig::default()
        .tool(Callgrind::default().soft_limits([(EventKind::Ir, 3.0)]));
    library_benchmark_groups = hot_paths
);
