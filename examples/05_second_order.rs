//! Derivatives of derivatives: a Hessian-vector product, Newton's method, and a gradient penalty.
//!
//! Run with `cargo run --example 05_second_order`.

use chainrule::prelude::*;

/// Rosenbrock's valley, (1 − x)² + 100·(y − x²)², whose lowest point is (1, 1).
fn valley(p: &Var) -> Var {
    let (x, y) = (p.select(0, 0), p.select(0, 1));
    (1.0 - &x).square() + 100.0 * (y - x.square()).square()
}

/// H·v without ever building H: the gradient of ⟨gradient, v⟩.
fn hessian_times(f: fn(&Var) -> Var, at: &Tensor, v: &Tensor) -> Tensor {
    let p = Var::leaf(at);
    let gradient = grad(&f(&p), &[&p]).remove(0);
    let along = (gradient * Var::constant(v)).sum();
    grad(&along, &[&p]).remove(0).value().clone()
}

fn main() {
    // The Hessian at (0, 0), column by column: [[2, 0], [0, 200]].
    let origin = tensor![F64; 0.0, 0.0];
    for unit in [tensor![F64; 1.0, 0.0], tensor![F64; 0.0, 1.0]] {
        println!("H · {unit} = {}", hessian_times(valley, &origin, &unit));
    }

    // Newton's method: solve H·step = gradient for two unknowns, from two Hessian-vector products.
    println!("\nNewton's method from (-1.2, 1):");
    let mut at = tensor![F64; -1.2, 1.0];
    for step in 0..8 {
        let p = Var::leaf(&at);
        let loss = valley(&p);
        println!("  step {step}: f = {:.3e} at {at}", loss.item());
        let g = loss.backward()[&p].to_vec::<f64>();
        let a = hessian_times(valley, &at, &tensor![F64; 1.0, 0.0]).to_vec::<f64>();
        let b = hessian_times(valley, &at, &tensor![F64; 0.0, 1.0]).to_vec::<f64>();
        let det = a[0] * b[1] - a[1] * b[0];
        let newton = [(b[1] * g[0] - b[0] * g[1]) / det, (a[0] * g[1] - a[1] * g[0]) / det];
        at = at - Tensor::from(newton);
    }

    // A gradient penalty: fit points while asking for a gentle slope. The penalty is made of a gradient, and is itself
    // differentiated with respect to the weights.
    println!("\nFitting y = 3x with a penalty on the slope of the fit:");
    let x = Var::leaf(Tensor::linspace(-1.0, 1.0, 21, DType::F64));
    let target = Var::constant(x.value() * 3.0);
    for strength in [0.0, 0.1, 1.0] {
        let mut w = Var::leaf(0.0);
        for _ in 0..200 {
            let y = &w * &x;
            let slope = grad(&y.sum(), &[&x]).remove(0);
            let loss = y.mse_loss(&target) + strength * slope.square().mean();
            let step = &loss.backward()[&w] * 0.2;
            w = Var::leaf(w.value() - step);
        }
        println!("  penalty {strength:<3} → slope {:.4}", w.item());
    }
}
