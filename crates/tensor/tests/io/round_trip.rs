//! What is written is read, whatever its type and layout.

use std::collections::BTreeMap;

use chainrule_tensor::io::{FileError, npy, npz, safetensors};
use chainrule_tensor::{DType, Tensor, f16, tensor};

use crate::{DTYPES, Folder, samples};

fn named(dtype: DType) -> BTreeMap<String, Tensor> {
    samples(dtype).into_iter().map(|(name, x)| (format!("{name}.{dtype}"), x)).collect()
}

#[track_caller]
fn same(a: &BTreeMap<String, Tensor>, b: &BTreeMap<String, Tensor>) {
    assert!(a.keys().eq(b.keys()), "{:?} and {:?}", a.keys(), b.keys());
    for (name, x) in a {
        assert!(x.same_bits(&b[name]), "{name}: {x} and {}", b[name]);
        assert!(b[name].is_contiguous(), "{name}");
    }
}

#[test]
fn safetensors_keep_every_type_layout_and_string() {
    let tensors: BTreeMap<_, _> = DTYPES.into_iter().flat_map(named).collect();
    let metadata = BTreeMap::from([("a".to_string(), "\"β\"\n".to_string()), (String::new(), String::new())]);
    let bytes = safetensors::to_bytes(&tensors, &metadata).unwrap();
    let (loaded, strings) = safetensors::from_bytes(&bytes).unwrap();
    same(&tensors, &loaded);
    assert_eq!(strings, metadata);

    let folder = Folder::new();
    safetensors::save(folder.join("x"), &tensors, &metadata).unwrap();
    assert_eq!(std::fs::read(folder.join("x")).unwrap(), bytes);
    let (loaded, strings) = safetensors::load(folder.join("x")).unwrap();
    same(&tensors, &loaded);
    assert_eq!(strings, metadata);
}

#[test]
fn the_reference_implementation_reads_our_safetensors_and_we_read_its() {
    use ::safetensors::{SafeTensors, serialize};
    let tensors: BTreeMap<_, _> = DTYPES.into_iter().flat_map(named).collect();
    let metadata = BTreeMap::from([("format".to_string(), "chainrule".to_string())]);
    let ours = safetensors::to_bytes(&tensors, &metadata).unwrap();
    let reference = SafeTensors::deserialize(&ours).unwrap();
    assert_eq!(reference.len(), tensors.len());
    for (name, view) in reference.tensors() {
        assert_eq!(view.shape(), tensors[&name].shape(), "{name}");
        if tensors[&name].dtype() == DType::F64 {
            let numbers: Vec<u8> = tensors[&name].to_vec::<f64>().iter().flat_map(|x| x.to_le_bytes()).collect();
            assert_eq!(view.data(), numbers, "{name}");
            assert!(numbers.is_empty() || (view.data().as_ptr() as usize - ours.as_ptr() as usize).is_multiple_of(8));
        }
    }
    let theirs = serialize(reference.iter(), None).unwrap();
    let (loaded, strings) = safetensors::from_bytes(&theirs).unwrap();
    same(&tensors, &loaded);
    assert!(strings.is_empty());
}

#[test]
fn npy_keeps_every_type_and_layout_but_bf16() {
    let folder = Folder::new();
    for dtype in DTYPES {
        for (name, x) in samples(dtype) {
            let written = npy::to_bytes(&x);
            let Ok(bytes) = written else {
                let error = written.unwrap_err();
                assert!(matches!(error, FileError::UnsupportedType { dtype: DType::BF16, .. }), "{error}");
                assert!(error.to_string().contains(".cast(DType::F32)"), "{error}");
                continue;
            };
            assert_ne!(dtype, DType::BF16);
            assert!(x.same_bits(&npy::from_bytes(&bytes).unwrap()), "{name} {dtype}");
            npy::save(folder.join("x.npy"), &x).unwrap();
            assert_eq!(std::fs::read(folder.join("x.npy")).unwrap(), bytes);
            assert!(x.same_bits(&npy::load(folder.join("x.npy")).unwrap()), "{name} {dtype}");
        }
    }
}

#[test]
fn npz_keeps_every_type_and_layout_but_bf16() {
    let folder = Folder::new();
    let tensors: BTreeMap<_, _> = DTYPES.into_iter().filter(|&d| d != DType::BF16).flat_map(named).collect();
    let bytes = npz::to_bytes(&tensors).unwrap();
    same(&tensors, &npz::from_bytes(&bytes).unwrap());
    npz::save(folder.join("stored.npz"), &tensors).unwrap();
    assert_eq!(std::fs::read(folder.join("stored.npz")).unwrap(), bytes);
    same(&tensors, &npz::load(folder.join("stored.npz")).unwrap());
    npz::save_compressed(folder.join("deflated.npz"), &tensors).unwrap();
    same(&tensors, &npz::load(folder.join("deflated.npz")).unwrap());
    assert!(std::fs::metadata(folder.join("deflated.npz")).unwrap().len() < bytes.len() as u64);

    let half = BTreeMap::from([("x".to_string(), tensor![BF16; 1., 2.])]);
    let error = npz::to_bytes(&half).unwrap_err();
    assert!(matches!(error, FileError::UnsupportedType { .. }) && error.at().tensor.as_deref() == Some("x"), "{error}");
}

#[test]
fn no_tensors_at_all_are_a_file_too() {
    let none = BTreeMap::new();
    assert!(safetensors::from_bytes(&safetensors::to_bytes(&none, &BTreeMap::new()).unwrap()).unwrap().0.is_empty());
    assert!(npz::from_bytes(&npz::to_bytes(&none).unwrap()).unwrap().is_empty());
}

#[test]
fn not_a_number_keeps_its_bits() {
    let x = Tensor::from([f32::from_bits(0x7fc0_1234), f32::NEG_INFINITY, -0.0]);
    assert_eq!(npy::from_bytes(&npy::to_bytes(&x).unwrap()).unwrap().to_vec::<f32>()[0].to_bits(), 0x7fc0_1234);
    let x = Tensor::from([f16::from_bits(0x7e01), f16::NEG_ZERO]);
    let bits: Vec<_> = npy::from_bytes(&npy::to_bytes(&x).unwrap()).unwrap().to_vec::<f16>();
    assert_eq!(bits.iter().map(|x| x.to_bits()).collect::<Vec<_>>(), [0x7e01, 0x8000]);
}

#[test]
fn names_may_be_anything_that_the_format_can_hold() {
    for name in ["", "a/b", "größer", "with blank", "a.b.0", "x.npy", "~", "\"", "\u{1F980}"] {
        let tensors = BTreeMap::from([(name.to_string(), tensor![1, 2])]);
        let bytes = safetensors::to_bytes(&tensors, &BTreeMap::new()).unwrap();
        same(&tensors, &safetensors::from_bytes(&bytes).unwrap().0);
        same(&tensors, &npz::from_bytes(&npz::to_bytes(&tensors).unwrap()).unwrap());
    }
    for name in ["/a", "a//b", "../a", "a\\b", "c:a"] {
        let error = npz::to_bytes(&BTreeMap::from([(name.to_string(), tensor![1, 2])])).unwrap_err();
        assert!(matches!(error, FileError::Name { .. }), "{name}: {error}");
    }
    let reserved = BTreeMap::from([("__metadata__".to_string(), tensor![1, 2])]);
    let error = safetensors::to_bytes(&reserved, &BTreeMap::new()).unwrap_err();
    assert!(matches!(error, FileError::Name { .. }), "{error}");
}

#[test]
fn an_expanded_tensor_beyond_memory_is_an_error() {
    let huge = Tensor::zeros([1 << 59], DType::F64);
    let error = npy::to_bytes(&huge).unwrap_err();
    assert!(matches!(error, FileError::OutOfMemory { .. } | FileError::TooLarge { .. }), "{error}");
    let two = BTreeMap::from(["a", "b"].map(|name| (name.to_string(), huge.clone())));
    let error = safetensors::to_bytes(&two, &BTreeMap::new()).unwrap_err();
    assert!(matches!(error, FileError::OutOfMemory { .. } | FileError::TooLarge { .. }), "{error}");
}
