//! When two tensors count as equal.

use chainrule::{DType, Tensor, Var};

/// Whether two real numbers count as equal: `|got − want| ≤ atol + rtol·|want|`; NaN equals NaN, an infinity itself.
pub fn close(got: f64, want: f64, rtol: f64, atol: f64) -> bool {
    got == want || got.is_nan() && want.is_nan() || want.is_finite() && (got - want).abs() <= atol + rtol * want.abs()
}

/// Compares element by element; integers and truth values are equal or not.
pub fn same(what: &str, got: &Tensor, want: &Tensor, rtol: f64, atol: f64) -> Result<(), String> {
    if got.shape() != want.shape() {
        return Err(format!("{what}: the shape is {} instead of {}", got.to_shape(), want.to_shape()));
    }
    let kind = |x: &Tensor| if x.dtype().is_float() { DType::F64 } else { x.dtype() };
    if kind(got) != kind(want) {
        return Err(format!("{what}: the type is {} instead of {}", got.dtype(), want.dtype()));
    }
    let exact = !want.dtype().is_float();
    let equal = |got: f64, want: f64| if exact { got == want } else { close(got, want, rtol, atol) };
    let (got, expected) = (got.to_f64_vec(), want.to_f64_vec());
    match got.iter().zip(&expected).position(|(&got, &want)| !equal(got, want)) {
        Some(i) => Err(format!("{what}: element {i} of {} is {} instead of {}", want.to_shape(), got[i], expected[i])),
        None => Ok(()),
    }
}

/// The part of a gradient of `x` that is determined.
pub fn part(gradient: &Tensor, x: &Tensor, compare: &str) -> Tensor {
    match compare {
        "symmetric" => (gradient + gradient.t()) * 0.5,
        "lower" => triangle(gradient, |i, j| j <= i),
        "upper" => triangle(gradient, |i, j| j >= i),
        "log_softmax" => {
            let p = Var::constant(x).exp();
            gradient - p.value() * gradient.sum(&[-1], true)
        }
        _ => gradient.clone(),
    }
}

fn triangle(gradient: &Tensor, keep: fn(usize, usize) -> bool) -> Tensor {
    let (rows, columns) = (gradient.size(-2), gradient.size(-1));
    let mask: Vec<f64> = (0..rows * columns).map(|k| f64::from(u8::from(keep(k / columns, k % columns)))).collect();
    let mask = Tensor::from_vec(mask, [rows, columns]).cast(DType::Bool);
    mask.choose(gradient, &Tensor::zeros([], gradient.dtype()))
}
