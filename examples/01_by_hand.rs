//! A derivative three times: by hand, by differences, and by chainrule.
//!
//! Run with `cargo run --example 01_by_hand`.

use chainrule::prelude::*;

/// The function: y = sin(x²) · e⁻ˣ
fn f(x: f64) -> f64 {
    (x * x).sin() * (-x).exp()
}

/// Its derivative by the product rule and the chain rule: cos(x²)·2x·e⁻ˣ − sin(x²)·e⁻ˣ
fn derivative_by_hand(x: f64) -> f64 {
    (x * x).cos() * 2.0 * x * (-x).exp() - (x * x).sin() * (-x).exp()
}

/// The slope of a short chord around x. Too long a chord misses the curve; too short a one drowns in rounding.
fn derivative_by_differences(x: f64, h: f64) -> f64 {
    (f(x + h) - f(x - h)) / (2.0 * h)
}

/// The same function, written with variables that remember how they were computed.
fn derivative_by_chainrule(x: f64) -> f64 {
    let x = Var::leaf(x);
    let y = x.square().sin() * (-&x).exp();
    y.backward()[&x].item()
}

fn main() {
    let x = 0.8;
    let exact = derivative_by_hand(x);
    println!("f({x})  = {:.15}", f(x));
    println!("f'({x}) = {exact:.15}   by hand\n");

    println!("by differences:");
    for exponent in [1, 3, 5, 7, 9, 11, 13] {
        let h = 10f64.powi(-exponent);
        let slope = derivative_by_differences(x, h);
        println!("  h = 1e-{exponent:<2}  {slope:.15}   off by {:.1e}", (slope - exact).abs());
    }

    let slope = derivative_by_chainrule(x);
    println!("\nby chainrule:  {slope:.15}   off by {:.1e}", (slope - exact).abs());

    // Where does it come from? Every step of the function is an entry on a tape, and each knows its own derivative.
    let v = Var::leaf(x).named("x");
    let y = v.square().sin() * (-&v).exp();
    println!("\nThe tape, oldest entry first:\n{}", y.tape());
}
