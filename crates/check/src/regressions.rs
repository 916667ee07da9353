//! Samples that once failed, kept in a file and tried first.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;

const HEADER: &str = "# Samples that once failed, as streams of choices; each is tried before new ones are drawn.\n\
                      # Keep this file with the source. One line a sample: the name of the check, then the stream.\n";

/// Checks in several threads may write to one file.
static WRITING: Mutex<()> = Mutex::new(());

/// The samples of a check; none if there is no such file.
pub(crate) fn read(file: &Path, name: &str) -> Vec<Vec<u64>> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let of_line = |line: &str| -> Option<Vec<u64>> {
        let (of, stream) = line.rsplit_once(':').filter(|_| !line.starts_with('#'))?;
        let numbers = stream.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
        (of.trim() == name).then_some(numbers)
    };
    text.lines().filter_map(of_line).collect()
}

/// Adds a sample to the file. Where that cannot be written, the report has all that is needed anyway.
pub(crate) fn add(file: &Path, name: &str, choices: &[u64]) {
    let _one = WRITING.lock();
    if read(file, name).iter().any(|known| known == choices) {
        return;
    }
    let header = if file.exists() { "" } else { HEADER };
    let numbers: Vec<String> = choices.iter().map(u64::to_string).collect();
    if let Ok(mut file) = fs::OpenOptions::new().create(true).append(true).open(file) {
        let _ = writeln!(file, "{header}{name}: {}", numbers.join(" "));
    }
}
