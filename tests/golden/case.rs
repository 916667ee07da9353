//! Recorded numbers, and how they are compared.

use chainrule_autodiff::Var;
use chainrule_nn::*;
use chainrule_tensor::{DType, Tensor};
use serde_json::Value;

pub fn golden(file: &str) -> Value {
    let path = format!("{}/tests/golden/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}"))
}

pub fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("a list was expected, not {value}"))
}

pub fn sizes(value: &Value) -> Vec<usize> {
    list(value).iter().map(|n| n.as_u64().unwrap() as usize).collect()
}

pub fn pair(value: &Value) -> [usize; 2] {
    sizes(value).try_into().unwrap()
}

pub fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some(text) => text.parse().unwrap(),
        None => value.as_f64().unwrap(),
    }
}

pub fn numbers(value: &Value) -> Vec<f64> {
    list(value).iter().map(number).collect()
}

pub fn tensor(value: &Value) -> Tensor {
    let shape = sizes(&value["shape"]);
    match value["dtype"].as_str().unwrap() {
        "f64" => Tensor::from_vec(numbers(&value["data"]), shape),
        "i64" => Tensor::from_vec(list(&value["data"]).iter().map(|n| n.as_i64().unwrap()).collect(), shape),
        other => panic!("element type {other}"),
    }
}

/// Non-finite numbers must be the same; all others within `tolerance` of the largest there is, or of 1.
pub fn assert_close(what: &str, got: &Tensor, wanted: &Tensor, tolerance: f64) {
    assert_eq!((got.shape(), got.dtype()), (wanted.shape(), wanted.dtype()), "{what}");
    let (got, wanted) = (got.to_f64_vec(), wanted.to_f64_vec());
    let scale = wanted.iter().filter(|x| x.is_finite()).fold(1.0, |scale: f64, x| scale.max(x.abs()));
    for (i, (a, b)) in got.iter().zip(&wanted).enumerate() {
        let same = a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance * scale;
        assert!(same, "{what}, element {i}: {a:e}, but PyTorch says {b:e}");
    }
}

/// One recorded call.
pub struct Case<'a>(pub &'a Value);

impl Case<'_> {
    pub fn name(&self) -> &str {
        self.0["name"].as_str().unwrap()
    }

    pub fn arg(&self, name: &str) -> &Value {
        &self.0["args"][name]
    }

    pub fn flag(&self, name: &str) -> bool {
        self.arg(name).as_bool().unwrap()
    }

    pub fn has(&self, input: &str) -> bool {
        !self.0["inputs"][input].is_null()
    }

    pub fn input(&self, name: &str) -> Tensor {
        tensor(&self.0["inputs"][name])
    }

    pub fn leaf(&self, name: &str) -> Var {
        Var::leaf(self.input(name)).named(name)
    }

    pub fn reduce(&self) -> Reduce {
        match self.arg("reduction").as_str().unwrap() {
            "mean" => Reduce::Mean,
            "sum" => Reduce::Sum,
            _ => Reduce::None,
        }
    }

    /// The layer in `f64` with the recorded inputs of the same names as parameters and buffers.
    pub fn filled<M: Module + Clone>(&self, layer: M) -> M {
        let mut layer = layer.to_dtype(DType::F64);
        let state = layer.state().into_keys().map(|name| (name.clone(), self.input(&name))).collect();
        layer.load_state(&state).unwrap_or_else(|e| panic!("{}: {e}", self.name()));
        layer
    }

    /// Compares the output, and the gradients with respect to every variable that has one on record.
    pub fn compare(&self, y: Var, variables: &[(&str, &Var)]) {
        let wanted = tensor(&self.0["outputs"]["y"]);
        assert_close(&format!("{}: y", self.name()), y.value(), &wanted, 1e-11);
        let gradients = y.backward_from(tensor(&self.0["cotangent"]));
        let recorded = self.0["grads"].as_object().unwrap();
        assert_eq!(recorded.len(), variables.len(), "{}: all recorded gradients are compared", self.name());
        for (name, variable) in variables {
            let what = format!("{}: gradient of {name}", self.name());
            assert_close(&what, &gradients[*variable], &tensor(&recorded[*name]), 1e-11);
        }
    }

    /// Compares a layer's output, and the gradients of its input and its parameters.
    pub fn compare_layer(&self, layer: &impl Layer) {
        let x = self.leaf("x");
        let y = layer.forward(&x);
        let parameters = layer.parameters();
        let mut variables: Vec<(&str, &Var)> = parameters.iter().map(|(path, var)| (path.as_str(), *var)).collect();
        variables.push(("x", &x));
        self.compare(y, &variables);
    }
}

/// Runs every case of the ops, and fails where there are fewer than there should be.
pub fn run(file: &str, ops: &[&str], at_least: usize, check: fn(&Case)) {
    let file = golden(file);
    let cases = list(&file["cases"]).iter().filter(|case| ops.contains(&case["op"].as_str().unwrap()));
    let done = cases.map(|case| check(&Case(case))).count();
    assert!(done >= at_least, "{ops:?}: {done} cases, {at_least} at least were recorded");
}
