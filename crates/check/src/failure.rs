//! What a check has to say in the end.

use std::collections::BTreeSet;
use std::fmt;

use chainrule_tensor::Tensor;

use crate::diagnosis::Diagnosis;
use crate::finding::{Finding, Kink, Mismatch, Property, Tally};
use crate::source;

/// Inputs with more elements than this are described by their shapes, not written out.
const WRITTEN: usize = 100;
/// Kinks that are written out.
const KINKS: usize = 4;
/// Ops named as suspects.
const SUSPECTS: usize = 4;

/// A rule or function that is wrong, at the simplest inputs that were found to show it.
pub struct Failure {
    pub(crate) subject: String,
    pub(crate) finding: Finding,
    pub(crate) inputs: Vec<Tensor>,
    pub(crate) source: String,
    /// Name and place of the ops applied, newest first.
    pub(crate) entries: Vec<(&'static str, String)>,
    pub(crate) diagnosis: Option<Diagnosis>,
    /// How the sample was found.
    pub(crate) found: String,
    /// In a model, the entry of the tape whose own rule is wrong.
    pub(crate) cause: Option<Box<Failure>>,
}

/// A number with an exponent where there would be too many digits.
fn plain(x: f64) -> String {
    let long = x != 0.0 && !(1e-9..1e16).contains(&x.abs());
    if long { format!("{x:e}") } else { format!("{x}") }
}

impl Failure {
    /// What is wrong.
    pub fn property(&self) -> Property {
        self.finding.property
    }

    /// The mistake that explains the numbers, if one does; of a model, that of the [cause](Failure::cause).
    pub fn diagnosis(&self) -> Option<&Diagnosis> {
        self.diagnosis.as_ref().or_else(|| self.cause()?.diagnosis())
    }

    /// Of a model that is wrong, the report on the first op on its tape whose own rule is wrong.
    pub fn cause(&self) -> Option<&Failure> {
        self.cause.as_deref()
    }

    /// The ops that were applied: name and source line, the newest first.
    pub fn ops(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(op, at)| (*op, at.as_str()))
    }

    /// The inputs at which it shows.
    pub fn inputs(&self) -> &[Tensor] {
        &self.inputs
    }

    /// The number of the argument whose gradient is wrong.
    pub fn argument(&self) -> Option<usize> {
        self.finding.argument
    }

    /// The position, in that argument, of the first element that is wrong.
    pub fn element(&self) -> Option<&[usize]> {
        self.finding.element.as_deref()
    }

    /// The two numbers that should agree.
    pub fn mismatch(&self) -> Option<Mismatch> {
        self.finding.mismatch
    }

    fn write_place(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let finding = &self.finding;
        if let (Some(argument), Some(element)) = (finding.argument, &finding.element) {
            let shape = self.inputs.get(argument).map_or(String::new(), |x| format!(" of shape {}", x.to_shape()));
            write!(f, "  argument {argument}{shape}, element {element:?}")?;
            match &finding.output {
                Some(output) => writeln!(f, "; output element {output:?}")?,
                None => writeln!(f)?,
            }
        } else if let Some(output) = &finding.output {
            writeln!(f, "  output element {output:?}")?;
        }
        if !finding.detail.is_empty() {
            writeln!(f, "  {}", finding.detail)?;
        }
        let Some(Mismatch { found, expected, bar, sides, names }) = finding.mismatch else { return Ok(()) };
        let width = names[0].chars().count().max(names[1].chars().count());
        writeln!(f, "    {:<width$}  {}", names[0], plain(found))?;
        writeln!(f, "    {:<width$}  {} ± {bar:.0e}", names[1], plain(expected))?;
        match sides {
            Some([left, right]) => writeln!(f, "    at a kink: slope {left} from the left, {right} from the right"),
            None => Ok(()),
        }
    }

    fn write_suspects(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (op, at) in self.entries.iter().take(SUSPECTS) {
            writeln!(f, "  op `{op}` applied at {at}")?;
        }
        match self.entries.len().checked_sub(SUSPECTS) {
            Some(more @ 1..) => writeln!(f, "  and {more} ops before"),
            _ => Ok(()),
        }
    }

    fn write_source(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  reproduce:")?;
        if self.inputs.iter().map(Tensor::len).sum::<usize>() > WRITTEN {
            let shapes: Vec<String> = self.inputs.iter().map(|x| format!("{} {}", x.dtype(), x.to_shape())).collect();
            return writeln!(f, "    the inputs given, {}", shapes.join(", "));
        }
        writeln!(f, "    let x = [")?;
        for x in &self.inputs {
            writeln!(f, "        Var::leaf({}),", source::tensor(x))?;
        }
        writeln!(f, "    ];")?;
        let end = if self.source.contains("; //") { "" } else { ";" };
        writeln!(f, "    let y = {}{end}", self.source)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.subject, self.finding.property)?;
        self.write_place(f)?;
        if let Some(cause) = &self.cause {
            writeln!(f, "  the first rule on the tape that is wrong:")?;
            let report = cause.to_string();
            let lines: Vec<String> = report.lines().map(|line| format!("    {line}")).collect();
            return write!(f, "{}", lines.join("\n"));
        }
        match (&self.diagnosis, self.finding.mismatch) {
            (Some(diagnosis), _) => writeln!(f, "  diagnosis: {diagnosis}")?,
            (None, Some(_)) => writeln!(f, "  diagnosis: none of the usual mistakes explains the numbers")?,
            (None, None) => {}
        }
        self.write_suspects(f)?;
        if !self.source.is_empty() {
            self.write_source(f)?;
        }
        match self.found.is_empty() {
            true => Ok(()),
            false => write!(f, "  {}", self.found),
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}

impl std::error::Error for Failure {}

/// A verdict in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Derivatives were compared with differences, and agree.
    Right,
    /// All derivatives that could be compared stand at kinks, between the slopes from the left and from the right.
    AtKink,
    /// There were derivatives to compare, and differences could decide on none of them.
    Undecided,
    /// Something is wrong.
    Wrong,
}

/// The outcome of a check: printed, looked into, or [asserted](Verdict::assert).
#[must_use = "a verdict that nobody reads lets wrong rules pass: end with .assert()"]
pub struct Verdict {
    pub(crate) subject: String,
    pub(crate) tally: Tally,
    pub(crate) failure: Option<Box<Failure>>,
}

impl Verdict {
    /// Ends a test.
    ///
    /// # Panics
    /// When the check failed, with the whole report, on the line of the caller. Also when it could decide nothing at all: a test that tests
    /// nothing must not pass.
    #[track_caller]
    pub fn assert(self) {
        assert!(
            self.answer() != Answer::Undecided,
            "{self}\n  nothing could be decided: check at other inputs, or in f64"
        );
        if let Some(failure) = self.failure {
            panic!("{failure}");
        }
    }

    /// The verdict in one word.
    ///
    /// ```
    /// use chainrule_check::{Answer, check};
    /// use chainrule_tensor::tensor;
    /// let verdict = check(|x| x[0].relu(), &[tensor![F64; 0.0]]);
    /// assert_eq!(verdict.answer(), Answer::AtKink);
    /// let kink = &verdict.kinks()[0];
    /// assert!((kink.slope, kink.sides[0]) == (0.0, 0.0) && (kink.sides[1] - 1.0).abs() < 1e-9);
    /// ```
    pub fn answer(&self) -> Answer {
        let Tally { compared: [first, _], kinks, undecided, .. } = &self.tally;
        match &self.failure {
            Some(_) => Answer::Wrong,
            None if *first > 0 => Answer::Right,
            None if !kinks.is_empty() => Answer::AtKink,
            None if *undecided > 0 => Answer::Undecided,
            None => Answer::Right,
        }
    }

    /// What was checked.
    pub fn name(&self) -> &str {
        &self.subject
    }

    /// Whether nothing wrong was found.
    pub fn passed(&self) -> bool {
        self.failure.is_none()
    }

    /// What was found wrong.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_deref()
    }

    /// The verdict as a result, for `?`.
    ///
    /// # Errors
    /// When the check failed.
    pub fn result(self) -> Result<(), Box<Failure>> {
        self.failure.map_or(Ok(()), Err)
    }

    /// The number of samples that were looked at.
    pub fn cases(&self) -> usize {
        self.tally.cases
    }

    /// The numbers of first and second derivatives that were compared with differences and agree.
    pub fn compared(&self) -> [usize; 2] {
        self.tally.compared
    }

    /// The derivatives at kinks, which lie between the slopes from the left and from the right.
    pub fn kinks(&self) -> &[Kink] {
        &self.tally.kinks
    }

    /// Derivatives on which differences cannot decide: at jumps, where the function is not finite, or drowned in rounding.
    pub fn undecided(&self) -> usize {
        self.tally.undecided
    }

    /// The Rust types of all ops that were on a tape during the check, be it of the function or of its gradient.
    pub fn ops(&self) -> &BTreeSet<&'static str> {
        &self.tally.ops
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(failure) = &self.failure {
            return failure.fmt(f);
        }
        let Tally { cases, compared: [first, second], kinks, undecided, notes, .. } = &self.tally;
        let s = if *cases == 1 { "" } else { "s" };
        write!(f, "{}: right in {cases} case{s}, {first} first and {second} second derivatives", self.subject)?;
        if !kinks.is_empty() {
            write!(f, ", {} at kinks", kinks.len())?;
        }
        if *undecided > 0 {
            write!(f, ", {undecided} undecided")?;
        }
        if *cases == 1 {
            kinks.iter().take(KINKS).try_for_each(|kink| write!(f, "\n  kink at {kink}"))?;
        }
        notes.iter().try_for_each(|note| write!(f, "\n  {note}"))
    }
}

impl fmt::Debug for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
