//! Special functions against mpmath's numbers; see `tests/golden/README.md`.

use chainrule_tensor::special::*;
use serde_json::Value;

/// Relative errors allowed: of the value, and of the last argument.
const OF_VALUE: f64 = 1e-13;
const OF_ARGUMENT: f64 = 4.0 * f64::EPSILON;

fn compute(name: &str, arguments: &[f64]) -> f64 {
    let (first, x) = (arguments[0], arguments[arguments.len() - 1]);
    match name {
        "lgamma" => lgamma(x),
        "digamma" => digamma(x),
        "polygamma" => polygamma(first as u32, x),
        "zeta" => zeta(first, x),
        "igamma" => igamma(first, x),
        "igammac" => igammac(first, x),
        "erfcx" => erfcx(x),
        "erfinv" => erfinv(x),
        "ndtri" => ndtri(x),
        "log_ndtr" => log_ndtr(x),
        "normal_hazard" => normal_hazard(x),
        "sinc_derivative" => sinc_derivative(first as u32, x),
        "modified_bessel_i" => modified_bessel_i(first as i32, x),
        "modified_bessel_i_scaled" => modified_bessel_i_scaled(first as i32, x),
        "modified_bessel_k" => modified_bessel_k(first as i32, x),
        "bessel_j" => bessel_j(first as i32, x),
        "bessel_y" => bessel_y(first as i32, x),
        other => panic!("no function is called {other}"),
    }
}

#[test]
fn special_functions_are_those_of_mpmath() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/special.json");
    let json: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut wrong = Vec::new();
    let mut count = 0;
    for function in json["functions"].as_array().unwrap() {
        let name = function["name"].as_str().unwrap();
        for point in function["points"].as_array().unwrap() {
            let numbers: Vec<f64> = point.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
            let [ref arguments @ .., want, change] = numbers[..] else { panic!("{name}: {numbers:?}") };
            let got = compute(name, arguments);
            let bar = OF_VALUE * want.abs() + OF_ARGUMENT * change;
            count += 1;
            let error = (got - want).abs();
            if error.is_nan() || error > bar {
                let relative = error / want.abs();
                wrong.push(format!("{name}{arguments:?} = {got:e}, but {want:e} by mpmath: off by {relative:.1e}"));
            }
        }
    }
    assert!(count > 500, "{count} points were read");
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}
