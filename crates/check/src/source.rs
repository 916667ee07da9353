//! Tensors as Rust source.

use chainrule_tensor::{DType, Tensor};

/// Elements up to which a tensor is written out as nested brackets.
const NESTED: usize = 64;

/// An expression that makes the tensor.
pub(crate) fn tensor(x: &Tensor) -> String {
    let numbers = x.to_f64_vec();
    let plain = numbers.iter().all(|x| x.is_finite());
    match x.dtype() {
        dtype if x.rank() == 0 => format!("Tensor::scalar({}, DType::{dtype:?})", number(numbers[0])),
        dtype if !x.is_empty() && plain && x.len() <= NESTED => {
            let nested = nested(&numbers, x.shape());
            let inner = &nested[1..nested.len() - 1];
            let dtype = if dtype == DType::F32 { String::new() } else { format!("{dtype:?}; ") };
            format!("tensor![{dtype}{inner}]")
        }
        dtype => {
            let list: Vec<String> = numbers.iter().map(|&x| number(x)).collect();
            let cast = if dtype == DType::F64 { String::new() } else { format!(".cast(DType::{dtype:?})") };
            format!("Tensor::from_vec::<f64>(vec![{}], {:?}){cast}", list.join(", "), x.shape())
        }
    }
}

fn nested(numbers: &[f64], shape: &[usize]) -> String {
    let parts: Vec<String> = match shape {
        [_] => numbers.iter().map(|&x| number(x)).collect(),
        [n, inner @ ..] => numbers.chunks(numbers.len() / n).map(|part| nested(part, inner)).collect(),
        [] => unreachable!("a number has no brackets"),
    };
    format!("[{}]", parts.join(", "))
}

/// A number as Rust reads it.
pub(crate) fn number(x: f64) -> String {
    match x {
        x if x.is_nan() => "f64::NAN".into(),
        f64::INFINITY => "f64::INFINITY".into(),
        f64::NEG_INFINITY => "f64::NEG_INFINITY".into(),
        x => format!("{x:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_is_what_one_would_write() {
        let x = Tensor::from_vec(vec![1.0, -2.5, 3.0, 0.1], [2, 2]);
        assert_eq!(tensor(&x), "tensor![F64; [1.0, -2.5], [3.0, 0.1]]");
        assert_eq!(tensor(&x.reshape([4]).cast(DType::F32).narrow(0, 0, 1)), "tensor![1.0]");
        assert_eq!(tensor(&Tensor::scalar(2.0, DType::F64)), "Tensor::scalar(2.0, DType::F64)");
        assert_eq!(tensor(&Tensor::zeros([2, 0], DType::F64)), "Tensor::from_vec::<f64>(vec![], [2, 0])");
        let odd = Tensor::from_vec(vec![f64::NAN, 1e300], [2]);
        assert_eq!(tensor(&odd), "Tensor::from_vec::<f64>(vec![f64::NAN, 1e300], [2])");
    }
}
