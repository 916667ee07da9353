//! Times of single steps: `cargo bench --bench steps -- THREADS`.
//!
//! Machines are noisy: compare minima and medians of one run, as ratios.

use std::time::{Duration, Instant};

use chainrule::prelude::*;
use chainrule::tensor::parallel::set_threads;

/// How long each step is measured.
const BUDGET: Duration = Duration::from_secs(1);

fn time(name: &str, mut step: impl FnMut()) {
    for _ in 0..3 {
        step();
    }
    let (start, mut times) = (Instant::now(), Vec::new());
    while start.elapsed() < BUDGET || times.len() < 3 {
        let before = Instant::now();
        step();
        times.push(before.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    println!("{name:28} min {:9.4} ms   median {:9.4} ms   of {}", times[0], times[times.len() / 2], times.len());
}

fn normal(rng: &mut Rng, shape: &[usize]) -> Tensor {
    Tensor::randn(rng, shape, DType::F32)
}

fn main() -> Result<(), String> {
    let threads = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(1);
    set_threads(threads)?;
    let rng = &mut Rng::seed(0);

    let (x, a, b) = (Var::leaf(tensor![1.0]), Var::leaf(tensor![0.999]), Var::leaf(tensor![0.001]));
    let chain = || (0..500).fold(x.clone(), |x, _| &(&x * &a) + &b);
    time("1,000 tiny ops, forward", || drop(chain()));
    time("1,000 tiny ops, both", || drop(chain().backward()));

    let (images, labels) = (Var::constant(normal(rng, &[64, 784])), Tensor::randint(rng, [64], 0, 10));
    let mut layers = [Linear::new(784, 128, rng), Linear::new(128, 10, rng)];
    let mut adam = Adam::new(1e-3);
    time("784-128-10, batch 64, Adam", || {
        let loss = layers[1].forward(&layers[0].forward(&images).relu()).cross_entropy(&labels);
        adam.step(&mut layers, &loss.backward());
    });

    let long = Var::leaf(normal(rng, &[10_000_000]));
    time("tanh·2+1, relu, sum of 10 M", || drop((long.tanh() * 2.0 + 1.0).relu().sum().backward()));

    let square = normal(rng, &[4096, 4096]);
    time("column sums of 4096²", || drop(square.sum(&[0], false)));
    time("transposed copy of 4096²", || drop(square.t().contiguous()));

    let pictures = Var::constant(normal(rng, &[64, 1, 28, 28]));
    let kernels = [Var::leaf(normal(rng, &[32, 1, 3, 3])), Var::leaf(normal(rng, &[64, 32, 3, 3]))];
    time("two convolutions and a pool", || {
        let first = pictures.conv(&kernels[0], None, &Window::new(2)).relu();
        let second = first.conv(&kernels[1], None, &Window::new(2)).relu();
        drop(second.max_pool(&[2, 2], &Window::new(2).stride(&[2])).sum().backward());
    });
    Ok(())
}
