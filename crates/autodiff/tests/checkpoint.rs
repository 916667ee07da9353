//! A checkpoint lowers the peak of memory. Alone in its process, since the counters are the process's.

use chainrule_autodiff::{Var, checkpoint};
use chainrule_tensor::{DType, Tensor, memory};

const BLOCKS: usize = 8;
const OPS: usize = 8;
/// Small enough that no elementwise result waits to be computed.
const BYTES: usize = 1 << 18;

fn block(x: &[Var]) -> Var {
    (0..OPS).fold(x[0].clone(), |y, _| (y * 0.9).tanh())
}

/// Gradient of a deep chain and the bytes that were live at its peak, above those before.
fn run(keep_all: bool) -> (Tensor, usize) {
    let x = Var::leaf(Tensor::ones([BYTES / 8], DType::F64).contiguous());
    memory::reset_peak();
    let before = memory::live();
    let step = |y: Var, _| if keep_all { block(&[y]) } else { checkpoint(block, &[&y]) };
    let loss = (0..BLOCKS).fold(x.clone(), step).sum();
    let gradient = loss.backward()[&x].clone();
    (gradient, memory::peak() - before)
}

#[test]
fn a_checkpoint_lowers_the_peak() {
    let ((all, high), (again, low)) = (run(true), run(false));
    assert!(all.same_bits(&again));
    assert!(high >= BLOCKS * OPS * BYTES, "every tanh is kept: {high}");
    assert!(low <= (BLOCKS + OPS + 4) * BYTES, "one input per block and one block's inside: {low}");
}
