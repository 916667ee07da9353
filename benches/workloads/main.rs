//! Times of single steps: `cargo bench --bench workloads -- WORKLOAD THREADS`.
//!
//! Prints one line of JSON. A step is all that a user waits for: forward pass, loss, backward pass, the optimiser's update, and freeing what the
//! step made. Numbers are `f32` and drawn at random, the learning rate is 1e-3. `BENCH_BUDGET` sets for how many seconds steps are measured after
//! half a second of warm-up; `BENCH_T0`, the time of launch in seconds since 1970, is where the time to the first finished step counts from.
//!
//! `cargo bench --bench workloads -- compare` measures the peers that are installed as well, and writes `docs/performance.md`; see [`compare`].
//!
//! Machines are noisy: compare minima, of runs that took turns.

mod compare;
mod measure;
mod models;

use chainrule::prelude::*;
use chainrule::tensor::parallel::set_threads;
use measure::Clock;

/// One complete step.
type Step = Box<dyn FnMut()>;

fn main() -> Result<(), String> {
    let clock = Clock::start();
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [first, options @ ..] = &arguments[..]
        && first == "compare"
    {
        return compare::compare(options);
    }
    let [name, threads] = &arguments[..] else { return Err("usage: workloads WORKLOAD THREADS".into()) };
    let threads = threads.parse().map_err(|_| format!("{threads} is not a number of threads"))?;
    set_threads(threads)?;
    let step = workload(name).ok_or_else(|| format!("no workload is called {name}"))?;
    clock.measure(name, threads, step);
    Ok(())
}

fn workload(name: &str) -> Option<Step> {
    let rng = &mut Rng::seed(0);
    Some(match name {
        "mlp" => training(models::mlp(rng, &[784, 128, 10], 64)),
        "mlp_big" => training(models::mlp(rng, &[784, 1024, 1024, 10], 256)),
        "cnn" => training(models::cnn(rng)),
        "gpt" => training(models::gpt(rng)),
        "lstm" => training(models::lstm(rng)),
        "tiny_fwd" => tiny(Var::constant(tensor![1.0]), drop),
        "tiny_fb" => tiny(Var::leaf(tensor![1.0]), |y| drop(y.backward())),
        "chain" => differentiated(rng, &[10_000_000], |x| (x.tanh() * 2.0 + 1.0).relu().sum()),
        "softmax" => weighted(rng, &[4096, 1024], |x| x.softmax(-1)),
        "layernorm" => {
            let norm = LayerNorm::new(768);
            weighted(rng, &[4096, 768], move |x| norm.forward(x))
        }
        "sum0" => {
            let x = normal(rng, &[4096, 4096]);
            Box::new(move || drop(x.sum(&[0], false)))
        }
        "transpose" => {
            let x = normal(rng, &[4096, 4096]);
            Box::new(move || drop(x.t().contiguous()))
        }
        _ => return None,
    })
}

fn training(mut step: models::Training) -> Step {
    Box::new(move || assert!(step().is_finite(), "the model has diverged"))
}

/// 1,000 ops on one element.
fn tiny(x: Var, end: fn(Var)) -> Step {
    let (a, b) = (Var::constant(tensor![0.999]), Var::constant(tensor![0.001]));
    Box::new(move || end((0..500).fold(x.clone(), |x, _| &(&x * &a) + &b)))
}

/// A number as a function of a tensor, and its gradient.
fn differentiated(rng: &mut Rng, shape: &[usize], f: impl Fn(&Var) -> Var + 'static) -> Step {
    let x = Var::leaf(normal(rng, shape));
    Box::new(move || assert!(f(&x).backward().get(&x).is_some()))
}

/// A tensor as a function of another, and the gradient that a given one of the result leads to.
fn weighted(rng: &mut Rng, shape: &[usize], f: impl Fn(&Var) -> Var + 'static) -> Step {
    let (x, g) = (Var::leaf(normal(rng, shape)), normal(rng, shape));
    Box::new(move || assert!(f(&x).backward_from(&g).get(&x).is_some()))
}

fn normal(rng: &mut Rng, shape: &[usize]) -> Tensor {
    Tensor::randn(rng, shape, DType::F32)
}
