//! An op of your own and its gradient check; then a wrong rule, and what the check says about it.
//!
//! Run with `cargo run --example 03_custom_op`.

use chainrule::prelude::*;
use chainrule_check::check_op_drawn;

/// y = x / (1 + |x|), a squashing function without exponentials.
struct SoftSign;

impl Op<1> for SoftSign {
    fn name(&self) -> &'static str {
        "softsign"
    }

    /// The rule reads its input alone, so the tape need not keep the output.
    fn saves(&self) -> Saves {
        Saves::Inputs
    }

    /// The value, computed on plain tensors.
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        x / &(magnitude(x) + 1.0)
    }

    /// dy/dx = 1 / (1 + |x|)², times the gradient of the output. Written in `Var`s, it can be differentiated again.
    fn backward(&self, _wrt: usize, g: &Var, [x]: [&Var; 1], _y: &Var) -> Var {
        g / (x.abs() + 1.0).square()
    }
}

/// The same function, whose rule forgets the gradient that comes in: the slope alone is right only where the output counts once.
struct Wrong;

impl Op<1> for Wrong {
    fn name(&self) -> &'static str {
        "wrong"
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        x / &(magnitude(x) + 1.0)
    }
    fn backward(&self, _wrt: usize, _g: &Var, [x]: [&Var; 1], _y: &Var) -> Var {
        (x.abs() + 1.0).square().reciprocal()
    }
}

fn magnitude(x: &Tensor) -> Tensor {
    x.compare_scalar(Comparison::Lt, 0.0).choose(&-x, x)
}

fn main() {
    let x = Var::leaf(tensor![F64; -3.0, 0.0, 1.0]);
    let y = SoftSign.apply([&x]);
    println!("softsign({}) = {}", x.value(), y.value());
    println!("its slope there: {}\n", y.sum().backward()[&x]);

    // The check draws shapes, layouts and numbers, and compares the rule with differences of the function.
    let verdict = check_op_drawn(|draw| {
        let shape = draw.shape();
        (SoftSign, [draw.reals(&shape)])
    });
    println!("The right rule:\n\n{verdict}\n");

    // A wrong rule is shrunk to the smallest input that shows it.
    let verdict = check_op_drawn(|draw| {
        let shape = draw.shape();
        (Wrong, [draw.reals(&shape)])
    });
    println!("The wrong rule:\n\n{verdict}");
}
