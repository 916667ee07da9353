//! From a function to a verdict.

use std::panic::Location;
use std::path::PathBuf;
use std::sync::Arc;

use chainrule_autodiff::declare::{Declaration, Draw, Family, Sample};
use chainrule_autodiff::{Op, Saves, Var};
use chainrule_tensor::{DType, Tensor};

use crate::diagnosis::diagnose;
use crate::evidence::Evidence;
use crate::failure::{Failure, Verdict};
use crate::finding::{Finding, Property, Tally};
use crate::generated::{Generated, Traits};
use crate::panics::Panic;
use crate::properties::{self, Variation, conventions};
use crate::trial::{Line, Subject, Trial};

/// How to check: how often, how far, from which seed. The functions of this crate are its methods with the defaults.
///
/// ```
/// use chainrule_check::Check;
/// let verdict = Check::new().cases(8).order(1).drawn("sin", |draw| {
///     let shape = draw.shape();
///     chainrule_check::Sample::new([draw.reals(&shape)], "x[0].sin()", |x| x[0].sin())
/// });
/// assert_eq!((verdict.cases(), verdict.compared()[1]), (8, 0));
/// verdict.assert();
/// ```
#[derive(Clone, Debug)]
pub struct Check {
    pub(crate) cases: usize,
    pub(crate) seed: u64,
    pub(crate) order: usize,
    pub(crate) shrinking: u32,
    pub(crate) regressions: Option<PathBuf>,
}

impl Default for Check {
    fn default() -> Check {
        Check { cases: 24, seed: 0, order: 2, shrinking: 4000, regressions: None }
    }
}

impl Check {
    /// 24 samples, first and second derivatives, the same samples in every run.
    pub fn new() -> Check {
        Check::default()
    }

    /// So many samples. The environment variable `CHAINRULE_CHECK_CASES` overrides it, for a longer soak.
    pub fn cases(self, cases: usize) -> Check {
        Check { cases, ..self }
    }

    /// Other samples.
    pub fn seed(self, seed: u64) -> Check {
        Check { seed, ..self }
    }

    /// Derivatives up to this order: 1, for rules that cannot be differentiated again, or 2.
    ///
    /// # Panics
    /// When it is neither.
    #[track_caller]
    pub fn order(self, order: usize) -> Check {
        assert!(order == 1 || order == 2, "order: derivatives of order 1 or 2 are checked, not {order}");
        Check { order, ..self }
    }

    /// Keeps samples that fail in this file, and tries those of the file first: what a long soak finds once is found in every run thereafter.
    pub fn regressions(self, file: impl Into<PathBuf>) -> Check {
        Check { regressions: Some(file.into()), ..self }
    }

    /// Tries at most so many simpler samples when one fails; 4000 unless said otherwise.
    pub fn shrinking(self, samples: u32) -> Check {
        Check { shrinking: samples, ..self }
    }

    /// As [`check`](crate::check).
    ///
    /// # Panics
    /// When an input holds integers or truth values.
    #[track_caller]
    pub fn at(&self, f: impl Fn(&[Var]) -> Var, inputs: &[Tensor]) -> Verdict {
        expect_floats(inputs);
        let subject = Subject { call: &f, at: None, linear: false, every_dtype: false };
        self.fixed("function", &subject, inputs, "f(&x)")
    }

    /// As [`check_op`](crate::check_op).
    ///
    /// # Panics
    /// When an input holds integers or truth values.
    #[track_caller]
    pub fn op<const N: usize>(&self, op: impl Op<N>, inputs: [Tensor; N]) -> Verdict {
        expect_floats(&inputs);
        let (name, source) = (op.name(), written(&op));
        let call = applied(Arc::new(op));
        let subject = Subject { call: &call, at: Some(Location::caller()), linear: false, every_dtype: true };
        self.fixed(name, &subject, &inputs, &source)
    }

    /// As [`check_drawn`](crate::check_drawn).
    pub fn drawn(&self, name: &str, sample: impl Fn(&mut Draw) -> Sample) -> Verdict {
        let traits = Traits { at: None, linear: false, every_dtype: false };
        Generated { check: self, name, traits, sample: &sample }.run()
    }

    /// As [`check_op_drawn`](crate::check_op_drawn).
    #[track_caller]
    pub fn op_drawn<O: Op<N>, const N: usize>(&self, sample: impl Fn(&mut Draw) -> (O, [Tensor; N])) -> Verdict {
        let name = crate::panics::caught(|| sample(&mut Draw::new(&[])).0.name()).unwrap_or("op");
        let traits = Traits { at: Some(Location::caller()), linear: false, every_dtype: true };
        let sample = |draw: &mut Draw| {
            let (op, inputs) = sample(draw);
            let source = written(&op);
            Sample::new(inputs, source, applied(Arc::new(op)))
        };
        Generated { check: self, name, traits, sample: &sample }.run()
    }

    /// As [`check_declared`](crate::check_declared).
    pub fn declared(&self, op: &Declaration) -> Verdict {
        let traits = Traits { at: None, linear: op.family == Family::Linear, every_dtype: true };
        let check = Check { order: self.order.min(op.order), ..self.clone() };
        let verdict = Generated { check: &check, name: op.name, traits, sample: &op.sample }.run();
        if verdict.failure.is_some() || op.special.is_empty() {
            return verdict;
        }
        let Verdict { subject: name, mut tally, .. } = verdict;
        let sample = (op.sample)(&mut Draw::new(&[]));
        let subject = Subject { call: &sample.call, at: None, linear: false, every_dtype: true };
        let ordinary = sample.inputs[0].to_f64_vec()[0];
        let failure = conventions(&subject, ordinary, op.special, &mut tally).err().map(|(finding, inputs)| {
            let found = "a point that the declaration names".into();
            Box::new(failure(&name, &subject, *finding, inputs, &sample.source, &[], found))
        });
        Verdict { subject: name, tally, failure }
    }

    /// All properties at one point, in `f64` if the function takes that.
    fn fixed(&self, name: &str, subject: &Subject, inputs: &[Tensor], source: &str) -> Verdict {
        let mut tally = Tally { cases: 1, ..Tally::default() };
        let (inputs, trial) = widest(subject, inputs, &mut tally);
        let variation = |layout| Variation { layout, ..Variation::default() };
        let outcome = trial.map_err(|panic| Finding::new(Property::Runs, panic.to_string())).and_then(|trial| {
            properties::check(&trial, variation(0), self.order, None, &mut tally)?;
            (1..8).try_for_each(|i| properties::check(&trial, variation(i), 1, Some(Property::Layout), &mut tally))?;
            // What remembers its first call shows when it is called elsewhere.
            let nearby = trial.moved(&Line::Direction(trial.direction(17)), NEARBY).1;
            Trial::new(subject, nearby).map_or(Ok(()), |nearby| {
                properties::check(&nearby, variation(0), 1, Some(Property::Gradient), &mut Tally::default())
            })
        });
        let failure = outcome.err().map(|finding| {
            let evidence = Trial::new(subject, inputs.clone()).ok().and_then(|trial| gather(&trial, finding.property));
            let found = "at the inputs given".to_string();
            Box::new(failure(name, subject, *finding, inputs, source, &Vec::from_iter(evidence), found))
        });
        Verdict { subject: name.into(), tally, failure }
    }
}

/// How far away, relatively, a second point lies.
const NEARBY: f64 = 1.0 / 64.0;

/// A trial in `f64` if the function takes that, else in the type of the inputs given. The inputs are those of the trial.
pub(crate) fn widest<'s>(
    subject: &'s Subject<'s>,
    inputs: &[Tensor],
    tally: &mut Tally,
) -> (Vec<Tensor>, Result<Trial<'s>, Panic>) {
    let wide: Vec<Tensor> = inputs.iter().map(|x| x.cast(DType::F64)).collect();
    match (Trial::new(subject, wide.clone()), Trial::new(subject, inputs.to_vec())) {
        (Err(panic), Ok(trial)) => {
            let dtype = trial.dtype();
            tally.notes.insert(format!("differences were taken in {dtype}, since f64 failed: {}", panic.message));
            (inputs.to_vec(), Ok(trial))
        }
        (trial, _) => (wide, trial),
    }
}

/// What a trial has to show for a diagnosis.
pub(crate) fn gather<'s>(trial: &Trial<'s>, property: Property) -> Option<Evidence<'s>> {
    match property {
        Property::SecondOrder => Evidence::second(trial),
        _ => Evidence::first(trial),
    }
}

/// The report on a finding.
pub(crate) fn failure(
    name: &str,
    subject: &Subject,
    finding: Finding,
    inputs: Vec<Tensor>,
    source: &str,
    evidence: &[Evidence],
    found: String,
) -> Failure {
    let entries = Trial::new(subject, inputs.clone()).map_or(vec![], |trial| trial.entries);
    let shapes: Vec<Vec<usize>> = inputs.iter().map(|x| x.shape().to_vec()).collect();
    let diagnosis = diagnose(&finding, &shapes, evidence);
    Failure { subject: name.into(), finding, inputs, source: source.into(), entries, diagnosis, found, cause: None }
}

#[track_caller]
pub(crate) fn expect_floats(inputs: &[Tensor]) {
    for (i, x) in inputs.iter().enumerate() {
        assert!(
            x.dtype().is_float(),
            "check: x[{i}] holds {} elements, through which no derivative flows; let the function capture it",
            x.dtype()
        );
    }
}

/// An op that can be applied more than once.
struct Shared<O>(Arc<O>);

impl<O: Op<N>, const N: usize> Op<N> for Shared<O> {
    fn name(&self) -> &'static str {
        self.0.name()
    }
    fn saves(&self) -> Saves {
        self.0.saves()
    }
    fn forward(&self, x: [&Tensor; N]) -> Tensor {
        self.0.forward(x)
    }
    fn backward(&self, wrt: usize, g: &Var, x: [&Var; N], y: &Var) -> Var {
        self.0.backward(wrt, g, x, y)
    }
}

fn applied<O: Op<N>, const N: usize>(op: Arc<O>) -> impl Fn(&[Var]) -> Var + Send + Sync + 'static {
    move |x| Shared(op.clone()).apply(std::array::from_fn(|i| &x[i]))
}

/// The application of an op as source.
fn written<O: Op<N>, const N: usize>(_: &O) -> String {
    let path = std::any::type_name::<O>();
    let short = path.split('<').next().and_then(|path| path.rsplit("::").next()).unwrap_or(path);
    let fields = if size_of::<O>() > 0 { " { .. }" } else { "" };
    let x: Vec<String> = (0..N).map(|i| format!("&x[{i}]")).collect();
    format!("{short}{fields}.apply([{}])", x.join(", "))
}
