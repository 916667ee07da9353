//! Small valid files, cut short at every place and changed in every byte: an error or a tensor, never a panic.

use std::collections::BTreeMap;

use chainrule_tensor::io::{FileError, Tensors, npy, npz, safetensors};
use chainrule_tensor::tensor;

use crate::{Folder, fixture};

type Read = fn(&[u8]) -> Result<Tensors, FileError>;

fn read_npy(bytes: &[u8]) -> Result<Tensors, FileError> {
    npy::from_bytes(bytes).map(|x| BTreeMap::from([("x".to_string(), x)]))
}

fn read_safetensors(bytes: &[u8]) -> Result<Tensors, FileError> {
    safetensors::from_bytes(bytes).map(|(tensors, _)| tensors)
}

fn tensors() -> Tensors {
    BTreeMap::from([
        ("weight".to_string(), tensor![[1., 2.], [3., 4.]]),
        ("mask".to_string(), tensor![true, false, true]),
        ("none".to_string(), tensor![1., 2.].narrow(0, 1, 0)),
    ])
}

/// Whatever was read can be used.
fn use_all(outcome: Result<Tensors, FileError>) -> bool {
    match outcome {
        Ok(tensors) => {
            tensors.values().for_each(|x| assert_eq!(x.to_f64_vec().len(), x.len()));
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    }
}

fn every_truncation_fails(file: &[u8], read: Read) {
    assert!(use_all(read(file)));
    for len in 0..file.len() {
        assert!(!use_all(read(&file[..len])), "{len} of {} bytes were enough", file.len());
    }
}

/// Gives each byte in turn every other value, and returns the positions at which no change was noticed.
fn every_change(file: &[u8], read: Read) -> Vec<usize> {
    let mut copy = file.to_vec();
    let mut unnoticed = Vec::new();
    for i in 0..file.len() {
        for byte in (0..=255).filter(|&byte| byte != file[i]) {
            copy[i] = byte;
            if use_all(read(&copy)) {
                unnoticed.push(i);
            }
        }
        copy[i] = file[i];
    }
    unnoticed
}

#[test]
fn npy() {
    for x in tensors().values() {
        let file = npy::to_bytes(x).unwrap();
        every_truncation_fails(&file, read_npy);
        every_change(&file, read_npy);
    }
    let file = std::fs::read(fixture("version3.npy")).unwrap();
    every_truncation_fails(&file, read_npy);
    every_change(&file, read_npy);
}

#[test]
fn safetensors() {
    let strings = BTreeMap::from([("format".to_string(), "x".to_string())]);
    let file = safetensors::to_bytes(&tensors(), &strings).unwrap();
    every_truncation_fails(&file, read_safetensors);
    every_change(&file, read_safetensors);
}

#[test]
fn npz_whose_checksum_catches_every_change_of_an_element() {
    let folder = Folder::new();
    npz::save_compressed(folder.join("x"), &tensors()).unwrap();
    let deflated = std::fs::read(folder.join("x")).unwrap();
    every_truncation_fails(&deflated, npz::from_bytes);
    every_change(&deflated, npz::from_bytes);

    let stored = npz::to_bytes(&tensors()).unwrap();
    every_truncation_fails(&stored, npz::from_bytes);
    let unnoticed = every_change(&stored, npz::from_bytes);
    let number = stored.windows(4).position(|bytes| bytes == 4f32.to_le_bytes()).unwrap();
    assert!(!unnoticed.iter().any(|at| (number..number + 4).contains(at)));
}
