//! A file is saved whole or not at all.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use chainrule_tensor::io::{FileError, npy, npz, safetensors};
use chainrule_tensor::tensor;

use crate::Folder;

#[test]
fn a_save_that_fails_half_way_leaves_the_old_file_and_nothing_else() {
    let folder = Folder::new();
    let path = folder.join("x.npz");
    npz::save(&path, &BTreeMap::from([("old".to_string(), tensor![1, 2])])).unwrap();
    let before = std::fs::read(&path).unwrap();

    let mut mixed = BTreeMap::from([("a".to_string(), tensor![1., 2.]), ("b".to_string(), tensor![BF16; 1.])]);
    assert!(matches!(npz::save(&path, &mixed), Err(FileError::UnsupportedType { .. })));
    mixed.insert("b".to_string(), tensor![1.].ghost());
    assert!(catch_unwind(AssertUnwindSafe(|| npz::save(&path, &mixed))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| safetensors::save(&path, &mixed, &BTreeMap::new()))).is_err());

    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(folder.names(), ["x.npz"]);
}

#[test]
fn a_save_replaces_the_old_file() {
    let folder = Folder::new();
    let path = folder.join("x.npy");
    npy::save(&path, &tensor![1, 2, 3, 4]).unwrap();
    npy::save(&path, &tensor![5]).unwrap();
    assert_eq!(npy::load(&path).unwrap().to_vec::<i64>(), [5]);
    assert_eq!(folder.names(), ["x.npy"]);
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = Folder::new();
    assert!(matches!(npy::load(&folder.0), Err(FileError::NotRegular { .. })));
    assert!(matches!(npy::save(&folder.0, &tensor![1]), Err(FileError::NotRegular { .. })));
    assert!(matches!(npz::load(folder.join("none")), Err(FileError::Missing { .. })));
    assert!(matches!(npy::save(folder.join("none/x.npy"), &tensor![1]), Err(FileError::Missing { .. })));
    assert!(matches!(npy::load(folder.join("nul\0")), Err(FileError::Io { .. })));
    let error = safetensors::load(folder.join("none")).unwrap_err();
    assert_eq!(error.at().file.as_deref(), Some(&*folder.join("none")));
    #[cfg(unix)]
    assert!(matches!(safetensors::load("/dev/zero"), Err(FileError::NotRegular { .. })));
    assert!(folder.names().is_empty());
}
