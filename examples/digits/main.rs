//! From images to a trained classifier: data, model, training, evaluation, and what to keep.
//!
//! Run with `cargo run --release --example digits`; `-- --help` lists the options.

mod options;
mod progress;

use std::error::Error;
use std::fs;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chainrule::data::metrics::Confusion;
use chainrule::data::plot::Curves;
use chainrule::data::{Dataset, FASHION_MNIST, IdxSet, MNIST, Split, Standardizer, digits};
use chainrule::prelude::*;
use chainrule::tensor::parallel::set_threads;

use options::{HELP, Options, Source};
use progress::Progress;

/// Adam's step length at the start.
const LEARNING_RATE: f64 = 2e-3;

/// Pixels → 128 hidden units → one score per class. A fully connected network with one hidden layer.
#[derive(Module, Clone)]
struct Classifier {
    hidden: Linear,
    scores: Linear,
}

impl Classifier {
    fn new(pixels: usize, classes: usize, rng: &mut Rng) -> Classifier {
        Classifier { hidden: Linear::new(pixels, 128, rng), scores: Linear::new(128, classes, rng) }
    }

    /// `[n, pixels]` → `[n, classes]`; their softmax is a probability for each class.
    fn forward(&self, x: &Var) -> Var {
        self.scores.forward(&self.hidden.forward(x).relu())
    }
}

fn main() -> ExitCode {
    let options = match Options::parse() {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("digits: {error}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("digits: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    if let Some(threads) = options.threads {
        set_threads(threads)?;
    }
    fs::create_dir_all(&options.out).map_err(|error| format!("--out {}: {error}", options.out.display()))?;
    let progress = Progress::new(options.quiet);
    let data = prepare(options, &progress)?;
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = interrupted.clone();
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed))?;

    let mut rng = Rng::seed(options.seed);
    let mut model = Classifier::new(data.train.x().size(1), data.train.classes().len(), &mut rng);
    progress.say(format_args!("{} training and {} test images\n", data.train.len(), data.test.len()));
    progress.say(format_args!("{}", model.summary()));

    let curves = train(&mut model, &data, options, &progress, &interrupted);
    let confusion = evaluate(&model, &data.test);
    progress.say(format_args!("\n{confusion}\n{}", confusion.matrix()));

    let (weights, picture) = (options.out.join("model.safetensors"), options.out.join("curves.png"));
    model.save(&weights)?;
    curves.save(&picture)?;
    progress.say(format_args!("model:  {}\ncurves: {}\n", weights.display(), picture.display()));
    println!("test accuracy: {:.4}", confusion.accuracy());
    Ok(if interrupted.load(Ordering::Relaxed) { ExitCode::from(130) } else { ExitCode::SUCCESS })
}

/// The images as rows of standardised pixels, in a training and a test part.
fn prepare(options: &Options, progress: &Progress) -> Result<Split<Dataset>, Box<dyn Error>> {
    let fetch = |set: &IdxSet| set.load_or_download(|p| progress.download(&p)).map(|images| images.map(|i| i.scaled()));
    let data = match options.source {
        Source::Digits => digits().scaled().split_stratified(0.2, 0), // the same split for every seed
        Source::Mnist => fetch(&MNIST)?,
        Source::Fashion => fetch(&FASHION_MNIST)?,
    };
    let standard = Standardizer::fit(data.train.x(), &[]); // one mean and one scale, from the training images alone
    Ok(data.map(|part| part.map(|x| standard.transform(x).reshape([x.size(0), x.len() / x.size(0)]))))
}

/// Adam on mini-batches with steps that shrink to nothing, and the accuracy on both parts after each epoch.
fn train(
    model: &mut Classifier,
    data: &Split<Dataset>,
    options: &Options,
    progress: &Progress,
    interrupted: &AtomicBool,
) -> Curves {
    let batches = data.train.batches(64).shuffle(options.seed);
    let (mut adam, mut done, total) = (Adam::new(LEARNING_RATE), 0, options.epochs as usize * batches.len());
    let (mut losses, mut train_accuracy, mut test_accuracy) = (vec![], vec![], vec![]);
    for epoch in 1..=options.epochs {
        let bar = progress.epoch(epoch, options.epochs, batches.len());
        let (mut loss_sum, mut correct, mut seen) = (0.0, 0.0, 0.0);
        for (x, y) in batches.epoch(epoch) {
            let scores = model.forward(&Var::constant(x));
            correct +=
                scores.value().argmax(1, false).compare(Comparison::Eq, &y).cast(DType::F64).sum(&[], false).item();
            seen += y.len() as f64;
            let loss = scores.cross_entropy(&y);
            loss_sum += loss.item() * y.len() as f64;
            let gradients = loss.backward();
            adam.set_learning_rate(LEARNING_RATE * (1.0 - done as f64 / total as f64));
            adam.step(model, &gradients);
            done += 1;
            bar.step(loss_sum / seen, correct / seen);
            if interrupted.load(Ordering::Relaxed) {
                break;
            }
        }
        let test = evaluate(model, &data.test).accuracy();
        bar.finish(loss_sum / seen, correct / seen, test);
        losses.push((epoch as f64, loss_sum / seen));
        train_accuracy.push((epoch as f64, correct / seen));
        test_accuracy.push((epoch as f64, test));
        if interrupted.load(Ordering::Relaxed) {
            progress.say(format_args!("\ninterrupted: saving what was learned so far"));
            break;
        }
    }
    Curves::new("Learning to read")
        .x_label("epoch")
        .panel("loss")
        .curve("train", losses)
        .panel("accuracy")
        .curve("train", train_accuracy)
        .curve("test", test_accuracy)
}

/// What the model says of every test image, against the truth.
fn evaluate(model: &Classifier, test: &Dataset) -> Confusion {
    let model = model.frozen();
    let mut confusion = Confusion::new(test.classes());
    for (x, y) in test.batches(1000) {
        let scores = model.forward(&Var::constant(x));
        confusion.add_batch(&y, &scores.value().argmax(1, false));
    }
    confusion
}
