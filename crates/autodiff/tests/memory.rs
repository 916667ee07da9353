//! Memory falls while the backward pass runs. Alone in its process, since the counters are the process's.

use std::sync::Mutex;

use chainrule_autodiff::{Op, Saves, Var};
use chainrule_tensor::{DType, Tensor, memory};

static LIVE: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// The identity, which notes how much memory is live when its rule is asked.
struct Probe;
impl Op<1> for Probe {
    fn name(&self) -> &'static str {
        "probe"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        x.clone()
    }
    fn backward(&self, _: usize, g: &Var, _: [&Var; 1], _: &Var) -> Var {
        LIVE.lock().unwrap().push(memory::live());
        g.clone()
    }
}

#[test]
fn each_popped_entry_frees_what_it_saved() {
    // Small enough that no elementwise result waits to be computed.
    const BYTES: usize = 1 << 18;
    let x = Var::leaf(Tensor::ones([BYTES / 8], DType::F64).contiguous());
    let before = memory::live();
    let mut y = x.clone();
    for _ in 0..20 {
        y = Probe.apply([&y.tanh()]);
    }
    let loss = y.sum();
    drop(y);
    assert!(memory::live() - before >= 20 * BYTES, "twenty outputs are saved");
    loss.backward();
    let live = LIVE.lock().unwrap();
    assert_eq!(live.len(), 20);
    for pair in live.windows(2).skip(1) {
        assert!(pair[1] + BYTES / 2 <= pair[0], "live bytes must fall step by step: {live:?}");
    }
    drop(live);
    memory::release_cached();
    assert_eq!(memory::cached(), 0);
}
