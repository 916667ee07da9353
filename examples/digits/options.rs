//! The command line.

use std::path::PathBuf;

/// What is shown for `--help`.
pub const HELP: &str = "\
Trains a small network to read handwritten digits, and says how well it does.

usage: digits [options]

  --data NAME     digits   1,797 digits of 8x8 pixels, part of this program (default)
                  mnist    70,000 digits of 28x28 pixels
                  fashion  70,000 articles of clothing, 28x28 pixels
                  mnist and fashion are looked for in the folder that CHAINRULE_DATA names and in
                  the user's cache, else downloaded and verified
  --epochs N      passes over the training set (default: 30 for digits, else 5)
  --seed N        seed of all randomness (default: 0)
  --threads N     threads to compute with; results do not depend on it (default: all cores)
  --out DIR       where the model and the picture go (default: out/NAME)
  --quiet         print nothing but the last line
  --help          print this

The last line of output is `test accuracy: ` and a fraction. Ctrl-C stops after the current batch, evaluates
and saves what was learned so far, and ends with status 130.";

/// Which data to learn from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Digits,
    Mnist,
    Fashion,
}

/// What the user asked for.
pub struct Options {
    pub source: Source,
    pub epochs: u64,
    pub seed: u64,
    pub threads: Option<usize>,
    pub out: PathBuf,
    pub quiet: bool,
}

impl Options {
    /// Reads the command line; `None` when help was asked for.
    pub fn parse() -> Result<Option<Options>, lexopt::Error> {
        use lexopt::prelude::*;
        let (mut name, mut epochs, mut seed, mut threads, mut out, mut quiet) =
            (String::from("digits"), None, 0, None, None, false);
        let mut arguments = lexopt::Parser::from_env();
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("data") => name = arguments.value()?.string()?,
                Long("epochs") => epochs = Some(arguments.value()?.parse_with(at_least_one)?),
                Long("seed") => seed = arguments.value()?.parse()?,
                Long("threads") => threads = Some(arguments.value()?.parse_with(at_least_one)? as usize),
                Long("out") => out = Some(arguments.value()?.into()),
                Short('q') | Long("quiet") => quiet = true,
                Short('h') | Long("help") => return Ok(None),
                other => return Err(other.unexpected()),
            }
        }
        let source = match name.as_str() {
            "digits" => Source::Digits,
            "mnist" => Source::Mnist,
            "fashion" => Source::Fashion,
            other => return Err(format!("--data knows digits, mnist and fashion, not {other:?}").into()),
        };
        let epochs = epochs.unwrap_or(if source == Source::Digits { 30 } else { 5 });
        let out = out.unwrap_or_else(|| PathBuf::from("out").join(name));
        Ok(Some(Options { source, epochs, seed, threads, out, quiet }))
    }
}

fn at_least_one(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".into()),
        Ok(n) => Ok(n),
        Err(error) => Err(format!("{error}")),
    }
}
