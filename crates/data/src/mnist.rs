//! MNIST and Fashion-MNIST: the same four files with other pictures.

use std::path::{Path, PathBuf};

use crate::dataset::Split;
use crate::folders::{DATA_VARIABLE, Folders};
use crate::idx::{self, IdxError};
use crate::images::{Images, ImagesError};

/// A data set of the MNIST family: 60,000 training and 10,000 test images of 28 × 28, in four IDX files.
///
/// ```no_run
/// use chainrule_data::{FASHION_MNIST, MNIST};
///
/// let digits = MNIST.load()?;
/// assert_eq!((digits.train.len(), digits.test.len()), (60_000, 10_000));
/// let clothes = FASHION_MNIST.load_from("downloads/fashion")?;
/// # Ok::<(), chainrule_data::DataError>(())
/// ```
#[derive(Debug)]
pub struct IdxSet {
    name: &'static str,
    folder: &'static str,
    classes: [&'static str; 10],
    pub(crate) files: [IdxFile; 4],
    #[cfg_attr(not(feature = "download"), expect(dead_code, reason = "only downloads need an address"))]
    pub(crate) mirrors: &'static [&'static str],
    /// CRC-32 of the training labels, which tells the sets apart: their files have the same names and shapes.
    train_labels_crc: u32,
}

/// One file of an [`IdxSet`], as it is published: compressed with gzip.
#[derive(Debug)]
#[cfg_attr(not(feature = "download"), expect(dead_code, reason = "only downloads verify what they get"))]
pub(crate) struct IdxFile {
    pub name: &'static str,
    pub bytes: u64,
    pub sha256: &'static str,
}

/// MNIST: handwritten digits.
///
/// Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition",
/// Proceedings of the IEEE 86(11), 1998.
pub static MNIST: IdxSet = IdxSet {
    name: "MNIST",
    folder: "mnist",
    classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
    files: [
        IdxFile {
            name: "train-images-idx3-ubyte",
            bytes: 9_912_422,
            sha256: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        },
        IdxFile {
            name: "train-labels-idx1-ubyte",
            bytes: 28_881,
            sha256: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        },
        IdxFile {
            name: "t10k-images-idx3-ubyte",
            bytes: 1_648_877,
            sha256: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        },
        IdxFile {
            name: "t10k-labels-idx1-ubyte",
            bytes: 4_542,
            sha256: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        },
    ],
    mirrors: &["https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist"],
    train_labels_crc: 0xba07_e8ef,
};

/// Fashion-MNIST: pictures of clothes, harder than MNIST.
///
/// Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning
/// algorithms", arXiv:1708.07747, 2017. Licence: MIT.
pub static FASHION_MNIST: IdxSet = IdxSet {
    name: "Fashion-MNIST",
    folder: "fashion-mnist",
    classes: ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"],
    files: [
        IdxFile {
            name: "train-images-idx3-ubyte",
            bytes: 26_421_880,
            sha256: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        },
        IdxFile {
            name: "train-labels-idx1-ubyte",
            bytes: 29_515,
            sha256: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        },
        IdxFile {
            name: "t10k-images-idx3-ubyte",
            bytes: 4_422_102,
            sha256: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        },
        IdxFile {
            name: "t10k-labels-idx1-ubyte",
            bytes: 5_148,
            sha256: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        },
    ],
    mirrors: &[
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    ],
    train_labels_crc: 0x2ed6_e46a,
};

/// Why a data set could not be loaded. Each message says which file is meant and, where files are missing, what to put
/// where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// No folder holds all four files.
    #[error("{set} was not found.{}\n{help}", listing("Looked in", searched))]
    NotFound {
        /// The name of the data set.
        set: &'static str,
        /// The folders looked into, with what is missing there.
        searched: Vec<String>,
        /// What to put where.
        help: String,
    },
    /// A file is damaged or no IDX file.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: IdxError,
    },
    /// The files of a folder do not fit each other.
    #[error("the {part} files in {}: {source}", folder.display())]
    Mismatch {
        /// The folder.
        folder: PathBuf,
        /// Training or test.
        part: &'static str,
        /// What does not fit.
        source: ImagesError,
    },
    /// The folder holds another data set, whose files have the same names.
    #[error("{} holds {found}, not {wanted}: their files have the same names", folder.display())]
    OtherSet {
        /// The folder.
        folder: PathBuf,
        /// The set that is there.
        found: &'static str,
        /// The set that was asked for.
        wanted: &'static str,
    },
    /// The files are not here, and could not be fetched.
    #[cfg(feature = "download")]
    #[error("{set} could not be downloaded.{}\n{help}", listing("Tried", attempts))]
    Download {
        /// The name of the data set.
        set: &'static str,
        /// What went wrong, one entry per attempt.
        attempts: Vec<crate::download::DownloadError>,
        /// What to put where.
        help: String,
    },
}

fn listing<T: std::fmt::Display>(title: &str, entries: &[T]) -> String {
    if entries.is_empty() {
        return String::new();
    }
    entries.iter().fold(format!(" {title}:"), |text, entry| format!("{text}\n  {entry}"))
}

/// [`MNIST`] from this machine: the folder `mnist` in the one that `CHAINRULE_DATA` names (or that folder itself), else
/// in [`cache_folder`](crate::cache_folder).
///
/// # Errors
/// [`DataError`]; when the files are nowhere, its message says which files are wanted and where.
///
/// ```no_run
/// let mnist = chainrule_data::mnist()?;
/// println!("{} images of shape {:?}", mnist.train.len(), &mnist.train.shape()[1..]);
/// # Ok::<(), chainrule_data::DataError>(())
/// ```
pub fn mnist() -> Result<Split<Images>, DataError> {
    MNIST.load()
}

/// [`FASHION_MNIST`] from this machine, found as [`mnist`] is, in folders called `fashion-mnist`.
///
/// # Errors
/// [`DataError`]; when the files are nowhere, its message says which files are wanted and where.
///
/// ```no_run
/// let clothes = chainrule_data::fashion_mnist()?;
/// assert_eq!(clothes.test.classes()[9], "Ankle boot");
/// # Ok::<(), chainrule_data::DataError>(())
/// ```
pub fn fashion_mnist() -> Result<Split<Images>, DataError> {
    FASHION_MNIST.load()
}

impl IdxSet {
    /// The name of the data set, as its authors write it.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The name of its folder inside `CHAINRULE_DATA` or the cache.
    pub fn folder(&self) -> &'static str {
        self.folder
    }

    /// Loads the files from this machine; nothing is fetched. See [`mnist`] for where they are looked for.
    ///
    /// # Errors
    /// [`DataError`], when the files are nowhere, damaged, or belong to another set.
    pub fn load(&self) -> Result<Split<Images>, DataError> {
        self.load_among(&Folders::of_this_user())
    }

    /// Loads the four files, plain or gzip, from one folder.
    ///
    /// # Errors
    /// [`DataError`], when a file is missing, damaged, or belongs to another set.
    pub fn load_from(&self, folder: impl AsRef<Path>) -> Result<Split<Images>, DataError> {
        let folder = folder.as_ref();
        let paths = self.find_files(folder).map_err(|missing| DataError::NotFound {
            set: self.name,
            searched: vec![missing],
            help: self.file_list(),
        })?;
        let images = |part, images: &PathBuf, labels: &PathBuf| {
            let read =
                |path: &PathBuf| idx::open(path).map_err(|source| DataError::File { path: path.clone(), source });
            Images::from_idx(read(images)?, read(labels)?, self.classes).map_err(|source| DataError::Mismatch {
                folder: folder.to_path_buf(),
                part,
                source,
            })
        };
        let split =
            Split { train: images("training", &paths[0], &paths[1])?, test: images("test", &paths[2], &paths[3])? };
        let mut crc = flate2::Crc::new();
        crc.update(split.train.labels());
        match [&MNIST, &FASHION_MNIST].into_iter().find(|set| set.train_labels_crc == crc.sum()) {
            Some(other) if other.name != self.name => {
                Err(DataError::OtherSet { folder: folder.to_path_buf(), found: other.name, wanted: self.name })
            }
            _ => Ok(split),
        }
    }

    pub(crate) fn load_among(&self, folders: &Folders) -> Result<Split<Images>, DataError> {
        let mut searched = Vec::new();
        for folder in folders.candidates(self.folder) {
            match self.find_files(&folder) {
                Ok(_) => return self.load_from(&folder),
                Err(missing) => searched.push(missing),
            }
        }
        Err(DataError::NotFound { set: self.name, searched, help: self.help(folders) })
    }

    /// The paths of the four files, or a sentence on what is missing.
    fn find_files(&self, folder: &Path) -> Result<Vec<PathBuf>, String> {
        let find = |file: &IdxFile| {
            // Some mirrors keep the original names, with a dot: train-images.idx3-ubyte.
            let dotted = file.name.replace("-idx", ".idx");
            let names = [file.name.to_owned(), format!("{}.gz", file.name), format!("{dotted}.gz"), dotted];
            names.into_iter().map(|name| folder.join(name)).find(|path| path.is_file())
        };
        let paths: Vec<PathBuf> = self.files.iter().filter_map(find).collect();
        if paths.len() == self.files.len() {
            return Ok(paths);
        }
        let missing = match (folder.is_dir(), paths.is_empty()) {
            (false, _) => "no such folder".to_owned(),
            (true, true) => "none of the four files is there".to_owned(),
            (true, false) => {
                let names = self.files.iter().filter(|file| find(file).is_none()).map(|file| file.name);
                format!("without {}", names.collect::<Vec<_>>().join(", "))
            }
        };
        Err(format!("{} ({missing})", folder.display()))
    }

    fn file_list(&self) -> String {
        let names = self.files.iter().map(|file| format!("\n  {}.gz", file.name)).collect::<String>();
        format!("Wanted are these four files, as they are or unpacked:{names}")
    }

    pub(crate) fn help(&self, folders: &Folders) -> String {
        let folder = self.folder;
        let mut help = self.file_list();
        if let Some(cache) = &folders.cache {
            help += &format!("\nPut them into {}, or", cache.join(folder).display());
        } else {
            help += "\nThis user has no cache folder;";
        }
        help += &format!(
            " put them into a folder called {folder} and set the environment variable {DATA_VARIABLE} to the folder that \
             holds it."
        );
        help
    }
}

#[cfg(test)]
mod tests;
