//! The models, as a user would write them.

use chainrule::prelude::*;

use crate::normal;

/// One step of training, which returns the loss before it.
pub type Training = Box<dyn FnMut() -> f64>;

/// Linear layers of these sizes with ReLU between them.
pub fn mlp(rng: &mut Rng, sizes: &[usize], batch: usize) -> Training {
    let mut model = Sequential::new();
    for (i, pair) in sizes.windows(2).enumerate() {
        if i > 0 {
            model = model.add(Relu);
        }
        model = model.add(Linear::new(pair[0], pair[1], rng));
    }
    classifier(rng, model, &[batch, sizes[0]])
}

/// Two convolutions, a pool and two linear layers on pictures of 28 × 28.
pub fn cnn(rng: &mut Rng) -> Training {
    let model = sequential![
        Conv2d::new(1, 32, 3, rng).padding(1),
        Relu,
        Conv2d::new(32, 64, 3, rng).padding(1),
        Relu,
        MaxPool2d::new(2),
        Dropout::new(0.25, rng),
        Flatten,
        Linear::new(64 * 14 * 14, 128, rng),
        Relu,
        Linear::new(128, 10, rng),
    ];
    classifier(rng, model, &[64, 1, 28, 28])
}

/// One step of training a model to tell ten classes apart.
fn classifier(rng: &mut Rng, mut model: impl Layer + 'static, input: &[usize]) -> Training {
    let x = Var::constant(normal(rng, input));
    let labels = Tensor::randint(rng, input[0], 0, 10);
    let mut adam = Adam::new(1e-3);
    Box::new(move || {
        let loss = model.forward(&x).cross_entropy(&labels);
        let before = loss.item();
        adam.step(&mut model, &loss.backward());
        before
    })
}

/// A long short-term memory, whose last state tells the class.
#[derive(Debug, Module)]
struct Recalling {
    memory: Lstm,
    scores: Linear,
}

impl Layer for Recalling {
    fn forward(&self, x: &Var) -> Var {
        let (_, [h, _]) = self.memory.run(x, None);
        self.scores.forward(&h.select(0, 0))
    }
}

/// A long short-term memory of 128 units over 50 steps of width 64.
pub fn lstm(rng: &mut Rng) -> Training {
    let options = Recurrent { batch_first: true, ..Default::default() };
    let model = Recalling { memory: Lstm::with(64, 128, options, rng), scores: Linear::new(128, 10, rng) };
    classifier(rng, model, &[32, 50, 64])
}

/// A language model: a decoder-only transformer that normalises first.
#[derive(Debug, Module)]
struct Gpt {
    words: Embedding,
    positions: Var,
    blocks: Vec<TransformerEncoderLayer>,
    norm: LayerNorm,
    head: Linear,
}

impl Gpt {
    /// Scores of the word that comes next, at each position: `[n, steps]` → `[n, steps, words]`.
    fn forward(&self, words: &Tensor) -> Var {
        let x = self.words.lookup(words) + &self.positions;
        self.head.forward(&self.norm.forward(&self.blocks.forward(&x)))
    }
}

/// Four blocks of width 128 with four heads, on 16 pieces of text of 128 characters out of 65.
pub fn gpt(rng: &mut Rng) -> Training {
    let (words, steps, width, heads, samples) = (65, 128, 128, 4, 16);
    let block =
        |_| TransformerEncoderLayer::new(width, heads, 4 * width, rng).norm_first().gelu().causal().dropout(0.0);
    let blocks = (0..4).map(block).collect();
    let mut model = Gpt {
        words: Embedding::new(words, width, rng),
        positions: Var::leaf(normal(rng, &[steps, width]) * 0.02),
        blocks,
        norm: LayerNorm::new([width]),
        head: Linear::new(width, words, rng),
    };
    let mut text = || Tensor::randint(rng, samples * steps, 0, words as i64);
    let (input, next) = (text().reshape([samples, steps]), text());
    let mut adam = AdamW::new(1e-3);
    Box::new(move || {
        let loss = model.forward(&input).flatten(0, 1).cross_entropy(&next);
        let before = loss.item();
        adam.step(&mut model, &loss.backward());
        before
    })
}
