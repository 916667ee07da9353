//! Files that NumPy and the Python package safetensors wrote (fixtures/make.py).

use chainrule_tensor::io::{FileError, npy, npz, safetensors};
use chainrule_tensor::{DType, Tensor};

use crate::fixture;

/// The numbers of most arrays in the fixtures: exact in every type.
const REAL: [f64; 6] = [-3.0, -1.5, 0.0, 1.5, 3.0, 4.5];

#[track_caller]
fn is_real(x: &Tensor, dtype: DType) {
    assert_eq!((x.dtype(), x.shape()), (dtype, &[2, 3][..]));
    assert_eq!(x.to_f64_vec(), REAL);
}

#[track_caller]
fn are_integers(name: &str, x: &Tensor, bits: u32) {
    assert_eq!(x.dtype(), DType::I64, "{name}");
    let signed = || vec![-1i64 << (bits - 1), -1, 0, i64::MAX >> (64 - bits)];
    let wanted = if name.contains('u') { vec![0, 1, (1i64 << bits) - 1] } else { signed() };
    assert_eq!(x.to_vec::<i64>(), wanted, "{name}");
}

#[test]
fn every_version_of_npy() {
    for version in 1..=3 {
        is_real(&npy::load(fixture(&format!("version{version}.npy"))).unwrap(), DType::F32);
    }
}

#[test]
fn every_type_and_byte_order_of_numpy() {
    let arrays = npz::load(fixture("deflated.npz")).unwrap();
    for prefix in ["", "big_"] {
        is_real(&arrays[&format!("{prefix}f2")], DType::F16);
        is_real(&arrays[&format!("{prefix}f4")], DType::F32);
        is_real(&arrays[&format!("{prefix}f8")], DType::F64);
        for bytes in [1, 2, 4, 8] {
            let name = format!("{prefix}i{bytes}");
            are_integers(&name, &arrays[&name], 8 * bytes);
        }
        for bytes in [1, 2, 4] {
            let name = format!("{prefix}u{bytes}");
            are_integers(&name, &arrays[&name], 8 * bytes);
        }
    }
    assert_eq!(arrays["bool"].to_vec::<bool>(), [false, true, false, true, false, true]);
    assert_eq!((arrays["scalar"].rank(), arrays["scalar"].item()), (0, 2.5));
    assert_eq!((arrays["empty"].shape(), arrays["empty"].dtype()), (&[2, 0, 3][..], DType::F32));
    is_real(&arrays["fortran"], DType::F64);
    let cube = &arrays["big_fortran"];
    assert_eq!((cube.shape(), cube.to_vec::<i64>()), (&[2, 3, 4][..], (0..24).collect()));
    assert_eq!(arrays.len(), 25);
}

#[test]
fn stored_archives_with_names_of_layers() {
    let arrays = npz::load(fixture("stored.npz")).unwrap();
    assert!(arrays.keys().eq(["layer.weight", "layer/bias"]));
    is_real(&arrays["layer.weight"], DType::F64);
    assert_eq!(arrays["layer/bias"].to_vec::<i64>(), [0, 1, 2]);
}

#[test]
fn types_that_no_tensor_has_are_named() {
    let error = npy::load(fixture("complex.npy")).unwrap_err();
    assert!(matches!(&error, FileError::UnknownType { found, .. } if found == "<c8"), "{error}");
    let error = npy::load(fixture("fields.npy")).unwrap_err();
    assert!(matches!(&error, FileError::Header { reason, .. } if reason.contains("('a', '<f4')")), "{error}");
}

#[test]
fn every_type_of_safetensors() {
    let (tensors, metadata) = safetensors::load(fixture("types.safetensors")).unwrap();
    assert_eq!(metadata["note"], "größer ≥ \"ASCII\"");
    for (name, dtype) in
        [("bf16", DType::BF16), ("float16", DType::F16), ("float32", DType::F32), ("float64", DType::F64)]
    {
        is_real(&tensors[name], dtype);
    }
    for bits in [8, 16, 32, 64] {
        let name = format!("int{bits}");
        are_integers(&name, &tensors[&name], bits);
    }
    for bits in [8, 16, 32] {
        let name = format!("uint{bits}");
        are_integers(&name, &tensors[&name], bits);
    }
    assert_eq!(tensors["bool"].to_vec::<bool>(), [false, true, false, true, false, true]);
    assert_eq!((tensors["scalar"].rank(), tensors["scalar"].item()), (0, 2.5));
    assert_eq!(tensors["empty"].shape(), [2, 0, 3]);
    assert_eq!(tensors.len(), 14);
}
