//! How well classes are told apart: accuracy, precision, recall, F1 and the confusion matrix.

use std::fmt;
use std::sync::Arc;

use chainrule_tensor::{DType, Tensor};

/// Counts of (truth, prediction) pairs, and the measures that follow from them.
///
/// With tp, fp and fn the true positives, false positives and false negatives of one class:
/// precision = tp / (tp + fp), recall = tp / (tp + fn), F1 = 2 tp / (2 tp + fp + fn). A quotient 0 / 0 counts as 0, as
/// in scikit-learn: a class never predicted has precision 0, one that never occurs has recall 0, and the accuracy of
/// nothing is 0.
///
/// Printing it gives a table of these measures; [`matrix`](Confusion::matrix) prints the counts.
///
/// ```
/// use chainrule_data::metrics::Confusion;
///
/// let confusion = Confusion::of(["cat", "dog"], [(0, 0), (0, 0), (0, 1), (1, 1)]);
/// assert_eq!(confusion.accuracy(), 0.75);
/// assert_eq!(confusion.class(0).recall, 2.0 / 3.0);
/// assert_eq!(confusion.class(1).precision, 0.5);
/// println!("{confusion}\n{}", confusion.matrix());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    classes: Arc<[String]>,
    /// Row: truth; column: prediction.
    counts: Vec<u64>,
}

/// What is said about one class, or as an average about all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores {
    /// Of those predicted to be in the class, the part that is: tp / (tp + fp).
    pub precision: f64,
    /// Of those in the class, the part that is predicted to be: tp / (tp + fn).
    pub recall: f64,
    /// The harmonic mean of the two: 2 tp / (2 tp + fp + fn).
    pub f1: f64,
    /// The number of examples that truly are in the class: tp + fn.
    pub support: u64,
}

impl Confusion {
    /// No pairs yet, for classes of these names.
    pub fn new(classes: impl IntoIterator<Item = impl Into<String>>) -> Confusion {
        let classes: Arc<[String]> = classes.into_iter().map(Into::into).collect();
        Confusion { counts: vec![0; classes.len() * classes.len()], classes }
    }

    /// The counts of these pairs (truth, prediction).
    ///
    /// # Panics
    /// When an index names none of the classes.
    #[track_caller]
    pub fn of(
        classes: impl IntoIterator<Item = impl Into<String>>,
        pairs: impl IntoIterator<Item = (usize, usize)>,
    ) -> Confusion {
        let mut confusion = Confusion::new(classes);
        for (truth, prediction) in pairs {
            confusion.add(truth, prediction);
        }
        confusion
    }

    /// Counts one pair.
    ///
    /// # Panics
    /// When an index names none of the classes.
    #[track_caller]
    pub fn add(&mut self, truth: usize, prediction: usize) {
        let k = self.classes.len();
        assert!(
            truth < k && prediction < k,
            "Confusion: truth {truth} or prediction {prediction} names none of the {k} classes"
        );
        self.counts[truth * k + prediction] += 1;
    }

    /// Counts a batch: `truth` `[n]` and `prediction` `[n]`, both `i64` class indices. Of probabilities or logits
    /// `[n, classes]`, the prediction is the `argmax` along the last axis.
    ///
    /// ```
    /// # use chainrule_data::metrics::Confusion;
    /// # use chainrule_tensor::Tensor;
    /// let mut confusion = Confusion::new(["no", "yes"]);
    /// confusion.add_batch(&Tensor::from([0i64, 1, 1]), &Tensor::from([0i64, 1, 0]));
    /// assert_eq!(confusion.total(), 3);
    /// ```
    ///
    /// # Panics
    /// When the shapes or types are others, or an index names none of the classes.
    #[track_caller]
    pub fn add_batch(&mut self, truth: &Tensor, prediction: &Tensor) {
        for (name, labels) in [("truth", truth), ("prediction", prediction)] {
            assert!(
                labels.rank() == 1 && labels.dtype() == DType::I64,
                "Confusion::add_batch: {name} is {:?} of {}; it must be [n] class indices of i64",
                labels.shape(),
                labels.dtype()
            );
        }
        assert!(
            truth.len() == prediction.len(),
            "Confusion::add_batch: {} truths, but {} predictions",
            truth.len(),
            prediction.len()
        );
        for (truth, prediction) in truth.to_vec::<i64>().into_iter().zip(prediction.to_vec::<i64>()) {
            assert!(
                truth >= 0 && prediction >= 0,
                "Confusion::add_batch: truth {truth} or prediction {prediction} is no class index"
            );
            self.add(truth as usize, prediction as usize);
        }
    }

    /// The names of the classes.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// How often class `truth` was taken for class `prediction`.
    ///
    /// # Panics
    /// When an index names none of the classes.
    #[track_caller]
    pub fn count(&self, truth: usize, prediction: usize) -> u64 {
        let k = self.classes.len();
        assert!(truth < k && prediction < k, "Confusion: ({truth}, {prediction}) is outside the {k} × {k} counts");
        self.counts[truth * k + prediction]
    }

    /// The number of pairs.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The part of all pairs whose prediction is the truth.
    pub fn accuracy(&self) -> f64 {
        let correct = (0..self.classes.len()).map(|i| self.count(i, i)).sum();
        ratio(correct, self.total())
    }

    /// The scores of one class.
    ///
    /// # Panics
    /// When the index names none of the classes.
    #[track_caller]
    pub fn class(&self, class: usize) -> Scores {
        let all = 0..self.classes.len();
        let hits = self.count(class, class);
        let support = all.clone().map(|prediction| self.count(class, prediction)).sum();
        let predicted = all.map(|truth| self.count(truth, class)).sum();
        Scores {
            precision: ratio(hits, predicted),
            recall: ratio(hits, support),
            f1: ratio(2 * hits, support + predicted),
            support,
        }
    }

    /// The scores of each class, in the order of the classes.
    pub fn per_class(&self) -> Vec<Scores> {
        (0..self.classes.len()).map(|class| self.class(class)).collect()
    }

    /// The plain mean of the classes' scores: every class counts the same.
    pub fn macro_average(&self) -> Scores {
        self.average(|_| 1)
    }

    /// The mean of the classes' scores weighted by support: every example counts the same.
    pub fn weighted_average(&self) -> Scores {
        self.average(|scores| scores.support)
    }

    fn average(&self, weight: impl Fn(&Scores) -> u64) -> Scores {
        let classes = self.per_class();
        let total: u64 = classes.iter().map(&weight).sum();
        let mean = |score: fn(&Scores) -> f64| match total {
            0 => 0.0,
            _ => classes.iter().map(|scores| weight(scores) as f64 * score(scores)).sum::<f64>() / total as f64,
        };
        Scores {
            precision: mean(|s| s.precision),
            recall: mean(|s| s.recall),
            f1: mean(|s| s.f1),
            support: self.total(),
        }
    }

    /// The counts as a table that can be printed: a row per truth, a column per prediction, zeros as dots.
    ///
    /// ```
    /// # use chainrule_data::metrics::Confusion;
    /// let confusion = Confusion::of(["a", "b"], [(0, 0), (0, 1), (1, 1)]);
    /// assert_eq!(confusion.matrix().to_string(), "truth \\ predicted  a  b\na                  1  1\nb                  ·  1\n");
    /// ```
    pub fn matrix(&self) -> impl fmt::Display + '_ {
        Matrix(self)
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl fmt::Display for Confusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.classes.iter().map(String::as_str).chain(["weighted average"]);
        let width = names.map(|name| name.chars().count()).max().unwrap_or(0);
        let row = |f: &mut fmt::Formatter<'_>, name: &str, s: Scores| {
            let Scores { precision, recall, f1, support } = s;
            writeln!(f, "{name:<width$}  {precision:>9.4}  {recall:>6.4}  {f1:>6.4}  {support:>7}")
        };
        writeln!(f, "{:<width$}  precision  recall      F1  support", "class")?;
        for (name, scores) in self.classes.iter().zip(self.per_class()) {
            row(f, name, scores)?;
        }
        writeln!(f)?;
        writeln!(f, "{:<width$}  {:>9}  {:>6}  {:>6.4}  {:>7}", "accuracy", "", "", self.accuracy(), self.total())?;
        row(f, "macro average", self.macro_average())?;
        row(f, "weighted average", self.weighted_average())
    }
}

/// Columns are headed by the classes' names when those are short, else by their numbers, which the rows repeat.
const SHORT_NAME: usize = 5;

struct Matrix<'a>(&'a Confusion);

impl fmt::Display for Matrix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Matrix(confusion) = self;
        let classes = &confusion.classes;
        let chars = |names: &[String]| names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        let (rows, columns): (Vec<String>, Vec<String>) = if chars(classes) <= SHORT_NAME {
            (classes.to_vec(), classes.to_vec())
        } else {
            classes.iter().enumerate().map(|(i, name)| (format!("{i} {name}"), i.to_string())).unzip()
        };
        let corner = r"truth \ predicted";
        let left = chars(&rows).max(corner.len());
        let digits = confusion.counts.iter().max().unwrap_or(&0).to_string().len();
        let width = chars(&columns).max(digits);
        write!(f, "{corner:<left$}")?;
        for column in &columns {
            write!(f, "  {column:>width$}")?;
        }
        writeln!(f)?;
        for (truth, row) in rows.iter().enumerate() {
            write!(f, "{row:<left$}")?;
            for prediction in 0..columns.len() {
                match confusion.count(truth, prediction) {
                    0 => write!(f, "  {:>width$}", "·")?,
                    count => write!(f, "  {count:>width$}")?,
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
