//! A model of your own: two spirals that no straight line separates, and a picture of where the model draws the border.
//!
//! Run with `cargo run --release --example 04_spirals`.

use chainrule::data::Dataset;
use chainrule::data::plot::Boundary;
use chainrule::prelude::*;

/// A model is a plain struct. `Module` finds its parameters by their path, such as `blocks.0.weight`.
#[derive(Module, Clone)]
struct Bender {
    first: Linear,
    blocks: Vec<Linear>,
    last: Linear,
}

impl Bender {
    fn new(width: usize, rng: &mut Rng) -> Bender {
        Bender {
            first: Linear::new(2, width, rng),
            blocks: (0..2).map(|_| Linear::new(width, width, rng)).collect(),
            last: Linear::new(width, 2, rng),
        }
    }

    /// `[n, 2]` → `[n, 2]`. Each block adds to what it is given.
    fn forward(&self, x: &Var) -> Var {
        let mut h = self.first.forward(x).tanh();
        for block in &self.blocks {
            h = &h + block.forward(&h).tanh();
        }
        self.last.forward(&h)
    }
}

/// `n` points on each of two arms that turn one and a half times, with a little noise.
fn spirals(n: usize, rng: &mut Rng) -> Dataset {
    let t = Tensor::linspace(0.3, 1.0, n, DType::F32);
    let angle = Var::constant(&t * (3.0 * std::f64::consts::PI));
    let radius = Var::constant(t);
    let arm = Var::stack(&[&(&radius * angle.cos()), &(&radius * angle.sin())], 1); // [n, 2]
    let points = Var::cat(&[&arm, &-&arm], 0).value() + Tensor::randn(rng, [2 * n, 2], DType::F32) * 0.015;
    let labels = Tensor::arange(0.0, 2.0 * n as f64, 1.0, DType::F64) / n as f64;
    Dataset::new(points, labels.cast(DType::I64), ["one arm", "the other"])
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut rng = Rng::seed(1);
    let data = spirals(150, &mut rng);
    let mut model = Bender::new(32, &mut rng);
    let mut adam = Adam::new(5e-3);
    println!("{}", model.summary());
    for step in 0..=400 {
        let scores = model.forward(&Var::constant(data.x()));
        let loss = scores.cross_entropy(data.y());
        if step % 100 == 0 {
            let right = scores.value().argmax(1, false).compare(Comparison::Eq, data.y());
            println!(
                "step {step:>3}  loss {:.4}  accuracy {:.3}",
                loss.item(),
                right.cast(DType::F32).mean(&[], false).item()
            );
        }
        adam.step(&mut model, &loss.backward());
    }
    std::fs::create_dir_all("out")?;
    let model = model.frozen();
    Boundary::new("Two spirals", &data)
        .save("out/spirals.png", |grid| model.forward(&Var::constant(grid)).softmax(1).value().clone())?;
    println!("the border: out/spirals.png");
    Ok(())
}
