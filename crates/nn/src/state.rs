//! A model's numbers by path, in memory and in files.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use chainrule_tensor::io::{FileError, Tensors, safetensors};
use chainrule_tensor::{DType, Shape, Tensor};

use crate::visit::{Part, Visitor};
use crate::walk::Seen;

/// Why saved numbers could not be put into a model or an optimiser. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The numbers are those of something else.
    #[error("{0}")]
    Mismatch(Box<Mismatch>),
    /// An optimiser's number of steps that cannot be one.
    #[error("{path:?} is said to have made {steps} steps")]
    Steps {
        /// The parameter.
        path: String,
        /// What was saved.
        steps: i64,
    },
}

/// How saved numbers and what they were to be put into differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mismatch {
    /// The file, if they came from one.
    pub file: Option<PathBuf>,
    /// Paths that were not saved.
    pub missing: Vec<String>,
    /// Names that were saved and have no counterpart.
    pub unexpected: Vec<String>,
    /// Paths that were saved with another shape or type.
    pub different: Vec<Different>,
}

/// A path that was saved with another shape or type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Different {
    /// The path.
    pub path: String,
    /// The type and shape that it has in the model.
    pub wanted: (DType, Shape),
    /// The type and shape that were saved.
    pub saved: (DType, Shape),
}

impl Different {
    pub(crate) fn between(path: &str, wanted: &Tensor, saved: &Tensor) -> Option<Different> {
        let kind = |tensor: &Tensor| (tensor.dtype(), tensor.to_shape());
        let (wanted, saved) = (kind(wanted), kind(saved));
        (wanted != saved).then(|| Different { path: path.to_string(), wanted, saved })
    }
}

impl fmt::Display for Different {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((dtype, shape), (saved_dtype, saved_shape)) = (&self.wanted, &self.saved);
        write!(f, "{} is {dtype} {shape}, saved as {saved_dtype} {saved_shape}", shown(&self.path))
    }
}

impl Mismatch {
    pub(crate) fn into_result(self) -> Result<(), StateError> {
        match self.missing.is_empty() && self.unexpected.is_empty() && self.different.is_empty() {
            true => Ok(()),
            false => Err(StateError::Mismatch(Box::new(self))),
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{} does not fit", file.display())?,
            None => write!(f, "the saved numbers do not fit")?,
        }
        if !self.missing.is_empty() {
            write!(f, "; missing: {}", listed(&self.missing))?;
        }
        if !self.unexpected.is_empty() {
            write!(f, "; unexpected: {}", listed(&self.unexpected))?;
        }
        if !self.different.is_empty() {
            write!(f, "; different: {}", some(&self.different, ToString::to_string))?;
        }
        Ok(())
    }
}

impl StateError {
    pub(crate) fn of_file(mut self, path: &Path) -> StateError {
        if let StateError::Mismatch(mismatch) = &mut self {
            mismatch.file = Some(path.to_path_buf());
        }
        self
    }
}

/// Items that a message repeats, and characters of a name.
const MOST_ITEMS: usize = 10;
const LONGEST_NAME: usize = 80;

fn shown(name: &str) -> String {
    match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{:?}…", &name[..end]),
        None => format!("{name:?}"),
    }
}

/// Items for a message, some left out where there are many.
fn some<T>(items: &[T], show: impl Fn(&T) -> String) -> String {
    let first = items.iter().take(MOST_ITEMS).map(show).collect::<Vec<_>>().join(", ");
    match items.len().saturating_sub(MOST_ITEMS) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// Names for a message.
pub(crate) fn listed(names: &[String]) -> String {
    some(names, |name| shown(name))
}

/// The `visit` of some module.
pub(crate) type Visit<'m> = dyn Fn(&mut Visitor<'m, '_>) + 'm;

#[track_caller]
pub(crate) fn collect<'m>(visit: &Visit<'m>) -> Tensors {
    let mut tensors = BTreeMap::new();
    let mut twice = None;
    let mut seen = Seen::default();
    visit(&mut Visitor::new(&mut |path, part| {
        let value = match part {
            Part::Parameter(var) if seen.first(path, var).is_none() => var.value().clone(),
            Part::Buffer(buffer) => buffer.get(),
            _ => return,
        };
        if tensors.insert(path.to_string(), value).is_some() {
            twice = Some(path.to_string());
        }
    }));
    assert!(twice.is_none(), "state: two parts of the model have the path {:?}", twice.unwrap_or_default());
    tensors
}

/// Whether a saved state fits a model.
#[track_caller]
pub(crate) fn check<'m>(visit: &Visit<'m>, saved: &Tensors) -> Result<(), StateError> {
    let wanted = collect(visit);
    Mismatch {
        file: None,
        missing: wanted.keys().filter(|path| !saved.contains_key(*path)).cloned().collect(),
        unexpected: saved.keys().filter(|path| !wanted.contains_key(*path)).cloned().collect(),
        different: wanted
            .iter()
            .filter_map(|(path, tensor)| Different::between(path, tensor, saved.get(path)?))
            .collect(),
    }
    .into_result()
}

#[track_caller]
pub(crate) fn save(path: &Path, tensors: &Tensors) -> Result<(), StateError> {
    let metadata =
        BTreeMap::from([("made_by".to_string(), concat!("chainrule ", env!("CARGO_PKG_VERSION")).to_string())]);
    Ok(safetensors::save(path, tensors, &metadata)?)
}

pub(crate) fn read(path: &Path) -> Result<Tensors, StateError> {
    Ok(safetensors::load(path)?.0)
}
