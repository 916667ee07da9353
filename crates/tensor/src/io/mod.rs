//! Files: safetensors, npy and npz.
//!
//! | format | holds | element types |
//! | --- | --- | --- |
//! | [`safetensors`] | named tensors and strings | every type of [`DType`](crate::DType) |
//! | [`npy`] | one tensor | all but `bf16`, which NumPy lacks |
//! | [`npz`] | named tensors | as npy |
//!
//! Integers that a file holds in 8, 16 or 32 bits are read as `i64`. Views are written dense.
//!
//! Saving is atomic: the file appears under its name when it is complete, or not at all. Reading trusts nothing that a file
//! says about itself: every length is checked against the bytes that are there before memory is asked for, so that a
//! broken or hostile file is a [`FileError`] and never a panic.
//!
//! ```
//! use std::collections::BTreeMap;
//! use chainrule_tensor::{io::safetensors, tensor};
//!
//! # let folder = std::env::temp_dir().join(format!("chainrule-io-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder).unwrap();
//! let path = folder.join("model.safetensors");
//! let tensors = BTreeMap::from([("weight".to_string(), tensor![[1., 2.], [3., 4.]])]);
//! safetensors::save(&path, &tensors, &BTreeMap::new())?;
//! let (loaded, _) = safetensors::load(&path)?;
//! assert!(loaded["weight"].equal(&tensors["weight"]));
//! # std::fs::remove_dir_all(&folder).unwrap();
//! # Ok::<(), chainrule_tensor::io::FileError>(())
//! ```

mod elements;
mod error;
mod file;
pub mod npy;
pub mod npz;
pub mod safetensors;

use std::collections::BTreeMap;

use crate::tensor::Tensor;

pub use error::{FileError, Place};

/// Tensors by name, in the order of their names.
pub type Tensors = BTreeMap<String, Tensor>;
