//! Reading and writing of safetensors, npy and npz files.
#![cfg(feature = "io")]

mod atomic;
mod corrupted;
mod hostile;
mod python;
mod round_trip;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use chainrule_tensor::{DType, Rng, Tensor, s};

/// A folder of its own for one test, gone when the test is.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("chainrule-io-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

const DTYPES: [DType; 6] = [DType::F32, DType::F64, DType::F16, DType::BF16, DType::I64, DType::Bool];

/// Tensors of one type: of no, one and several axes, empty, and seen through views.
fn samples(dtype: DType) -> Vec<(&'static str, Tensor)> {
    let rng = &mut Rng::seed(3);
    let x = (Tensor::randn(rng, [3, 4, 5], DType::F64) * 100.0).cast(dtype);
    vec![
        ("scalar", x.select(0, 1).select(0, 2).select(0, 3)),
        ("vector", x.select(0, 0).select(0, 0)),
        ("cube", x.clone()),
        ("nothing", x.narrow(1, 2, 0)),
        ("permuted", x.permute(&[2, 0, 1])),
        ("strided", x.slice(&[s(1..), s(..).step(2), s(..).step(-3)])),
        ("flipped", x.flip(&[0, 2])),
        ("expanded", x.narrow(1, 1, 1).broadcast_to([3, 7, 5])),
        ("long", (Tensor::randn(rng, [33_000], DType::F64) * 100.0).cast(dtype)),
    ]
}
