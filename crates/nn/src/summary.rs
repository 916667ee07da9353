//! A model as a table.

use std::fmt;

use chainrule_tensor::{DType, Shape, Tensor};

use crate::state::Visit;
use crate::visit::{Part, Visitor};
use crate::walk::Seen;

/// What a row of a [`Summary`] is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A parameter that is learned.
    Trainable,
    /// A parameter that is a constant.
    Frozen,
    /// Numbers that are kept, but not learned.
    Buffer,
    /// The parameter found before under this path. Not counted again.
    Tied(String),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Trainable => write!(f, "trainable"),
            Kind::Frozen => write!(f, "frozen"),
            Kind::Buffer => write!(f, "buffer"),
            Kind::Tied(path) => write!(f, "= {path}"),
        }
    }
}

/// One parameter or buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where it is.
    pub path: String,
    /// Its shape.
    pub shape: Shape,
    /// The type of its elements.
    pub dtype: DType,
    /// What it is.
    pub kind: Kind,
}

/// The parameters and buffers of a model; printing it gives one line for each, and the totals.
///
/// ```
/// use chainrule_nn::{Linear, Module};
/// use chainrule_tensor::Rng;
/// let summary = Linear::new(4, 2, &mut Rng::seed(0)).summary();
/// assert_eq!(summary.to_string().lines().last(), Some("10 parameters (40 bytes): 10 trainable, 0 frozen"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    rows: Vec<Row>,
}

impl Summary {
    pub(crate) fn of<'m>(visit: &Visit<'m>) -> Summary {
        let mut seen = Seen::default();
        let mut rows = Vec::new();
        let mut row = |path: &str, value: &Tensor, kind| {
            rows.push(Row { path: path.into(), shape: value.to_shape(), dtype: value.dtype(), kind });
        };
        visit(&mut Visitor::new(&mut |path, part| match part {
            Part::Parameter(var) => {
                let own = if var.is_tracked() { Kind::Trainable } else { Kind::Frozen };
                let kind = seen.first(path, var).map_or(own, |first| Kind::Tied(first.into()));
                row(path, var.value(), kind);
            }
            Part::Buffer(buffer) => row(path, &buffer.get(), Kind::Buffer),
            Part::Mode(_) => {}
        }));
        Summary { rows }
    }

    /// The rows, in the order of the model's parts.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// How many numbers are learned.
    pub fn trainable(&self) -> usize {
        self.count(&Kind::Trainable)
    }

    /// How many numbers belong to frozen parameters.
    pub fn frozen(&self) -> usize {
        self.count(&Kind::Frozen)
    }

    fn count(&self, kind: &Kind) -> usize {
        self.rows.iter().filter(|row| row.kind == *kind).map(|row| row.shape.count()).sum()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = ["path", "shape", "type", "count", "kind"].map(String::from);
        let cells = |row: &Row| {
            let count = grouped(row.shape.count());
            [row.path.clone(), row.shape.to_string(), row.dtype.to_string(), count, row.kind.to_string()]
        };
        let rows: Vec<[String; 5]> = std::iter::once(header).chain(self.rows.iter().map(cells)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let [path, shape, dtype, count, _] = std::array::from_fn(width);
        for [a, b, c, d, e] in &rows {
            writeln!(f, "{a:<path$}  {b:<shape$}  {c:<dtype$}  {d:>count$}  {e}")?;
        }
        let (trainable, frozen) = (self.trainable(), self.frozen());
        let own = self.rows.iter().filter(|row| matches!(row.kind, Kind::Trainable | Kind::Frozen));
        let bytes: usize = own.map(|row| row.shape.count() * row.dtype.size()).sum();
        write!(
            f,
            "{} parameters ({} bytes): {} trainable, {} frozen",
            grouped(trainable + frozen),
            grouped(bytes),
            grouped(trainable),
            grouped(frozen)
        )
    }
}

/// 101770 as `101,770`.
fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
