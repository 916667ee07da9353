use std::fs;
use std::path::Path;

use super::*;

/// A tiny set of the same form: `n` training and one test image of 2 × 2.
fn write_set(folder: &Path, n: u8, dotted: bool) {
    fs::create_dir_all(folder).unwrap();
    for (part, n) in [("train", n), ("t10k", 1)] {
        let images = [vec![0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 2, 0, 0, 0, 2], vec![9; usize::from(n) * 4]].concat();
        let labels = [vec![0, 0, 8, 1, 0, 0, 0, n], vec![3; n.into()]].concat();
        let joint = if dotted { '.' } else { '-' };
        fs::write(folder.join(format!("{part}-images{joint}idx3-ubyte")), images).unwrap();
        fs::write(folder.join(format!("{part}-labels{joint}idx1-ubyte")), labels).unwrap();
    }
}

#[test]
fn the_first_folder_with_all_files_wins() {
    let root = tempfile::tempdir().unwrap();
    let (data, cache) = (root.path().join("data"), root.path().join("cache"));
    let folders = Folders { data: Some(data.clone()), cache: Some(cache.clone()) };
    let found = || MNIST.load_among(&folders).map(|split| split.train.len());

    assert!(matches!(found(), Err(DataError::NotFound { .. })));
    write_set(&cache.join("mnist"), 3, false);
    assert_eq!(found().unwrap(), 3);
    write_set(&data, 4, true);
    assert_eq!(found().unwrap(), 4);
    write_set(&data.join("mnist"), 5, false);
    assert_eq!(found().unwrap(), 5);
    fs::remove_file(data.join("mnist/t10k-labels-idx1-ubyte")).unwrap();
    assert_eq!(found().unwrap(), 4);
}

#[test]
fn a_missing_set_is_explained() {
    let root = tempfile::tempdir().unwrap();
    let (data, cache) = (root.path().join("data"), root.path().join("cache"));
    write_set(&data.join("fashion-mnist"), 1, false);
    fs::remove_file(data.join("fashion-mnist/train-labels-idx1-ubyte")).unwrap();
    let folders = Folders { data: Some(data.clone()), cache: Some(cache.clone()) };
    let message = FASHION_MNIST.load_among(&folders).unwrap_err().to_string();
    let (data, cache) = (data.display(), cache.display());
    let wanted = format!(
        "Fashion-MNIST was not found. Looked in:
  {data}/fashion-mnist (without train-labels-idx1-ubyte)
  {data} (none of the four files is there)
  {cache}/fashion-mnist (no such folder)
Wanted are these four files, as they are or unpacked:
  train-images-idx3-ubyte.gz
  train-labels-idx1-ubyte.gz
  t10k-images-idx3-ubyte.gz
  t10k-labels-idx1-ubyte.gz
Put them into {cache}/fashion-mnist, or put them into a folder called fashion-mnist and set the environment variable \
CHAINRULE_DATA to the folder that holds it."
    );
    assert_eq!(message.replace('\\', "/"), wanted.replace('\\', "/"));

    let nowhere = MNIST.load_among(&Folders { data: None, cache: None }).unwrap_err().to_string();
    assert!(nowhere.contains("no cache folder; put them into a folder called mnist and set"), "{nowhere}");
}

#[test]
fn damage_is_found_in_its_file() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path();
    write_set(folder, 2, false);
    let images = folder.join("train-images-idx3-ubyte");
    fs::write(&images, [0, 0, 8, 3, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0, 0, 2, 1]).unwrap();
    let error = MNIST.load_from(folder).unwrap_err();
    assert_eq!(error.to_string(), format!("{}: it is truncated: 1 of 36 element bytes are there", images.display()));

    fs::write(&images, [&[0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2][..], &[1, 2]].concat()).unwrap();
    let error = MNIST.load_from(folder).unwrap_err();
    assert!(matches!(
        &error,
        DataError::Mismatch { part: "training", source: ImagesError::Count { images: 1, labels: 2 }, .. }
    ));

    write_set(folder, 2, false);
    fs::write(folder.join("t10k-labels-idx1-ubyte"), [0, 0, 8, 1, 0, 0, 0, 1, 10]).unwrap();
    let error = MNIST.load_from(folder).unwrap_err();
    assert!(matches!(&error, DataError::Mismatch { part: "test", source: ImagesError::Label { label: 10, .. }, .. }));
}

/// The folder of the real files, or a printed line that says why a test is skipped.
fn real(set: &IdxSet) -> Option<Split<Images>> {
    match set.load() {
        Ok(split) => Some(split),
        Err(DataError::NotFound { .. }) => {
            println!("skipped: {} is not on this machine (set {DATA_VARIABLE})", set.name());
            None
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn the_real_files_are_whole() {
    // Means of all training and test pixels, as commonly published for normalisation: 0.1307 and 0.2860 of 255.
    for (set, means) in [(&MNIST, [33.3184, 33.7912]), (&FASHION_MNIST, [72.9404, 73.1466])] {
        let Some(Split { train, test }) = real(set) else { continue };
        for ((part, n), mean) in [(train, 60_000), (test, 10_000)].into_iter().zip(means) {
            assert_eq!(part.shape(), [n, 1, 28, 28]);
            let sum: u64 = part.pixels().iter().map(|&pixel| u64::from(pixel)).sum();
            assert!((sum as f64 / part.pixels().len() as f64 - mean).abs() < 1e-4);
            let data = part.scaled();
            assert_eq!(data.x().shape(), [n, 1, 28, 28]);
            assert_eq!(data.class_counts().iter().sum::<usize>(), n);
        }
    }
}

#[test]
fn one_set_is_not_taken_for_the_other() {
    let candidates = Folders::of_this_user().candidates(MNIST.folder());
    let Some(folder) = candidates.iter().find(|folder| MNIST.find_files(folder).is_ok()) else {
        println!("skipped: MNIST is not on this machine (set {DATA_VARIABLE})");
        return;
    };
    let error = FASHION_MNIST.load_from(folder).unwrap_err();
    assert!(matches!(&error, DataError::OtherSet { found: "MNIST", wanted: "Fashion-MNIST", .. }), "{error}");
}
