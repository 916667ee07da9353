//! Pictures: training curves, decision boundaries, and bars to compare, as PNG.
//!
//! Everything that is drawn comes with this crate, the font included, so a picture is the same on every machine.

mod bars;
mod boundary;
mod canvas;
mod curves;
mod key;
mod ticks;

use std::error::Error;
use std::path::{Path, PathBuf};

pub use bars::Bars;
pub use boundary::Boundary;
pub use curves::Curves;

/// Why a picture was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// The drawing library or the PNG encoder gave up.
    #[error("the picture cannot be drawn: {0}")]
    Draw(#[source] Box<dyn Error + Send + Sync>),
    /// The file cannot be written.
    #[error("{}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

fn save(path: &Path, png: &[u8]) -> Result<(), PlotError> {
    std::fs::write(path, png).map_err(|source| PlotError::Write { path: path.to_path_buf(), source })
}

#[cfg(test)]
mod tests;
