//! Do the checks check? Every op's rule is spoilt in ten ways, one at a time; the checks must notice each, and should say what was done.
//!
//! `CHAINRULE_CHECK_OPS=tanh,conv` spoils those alone; `CHAINRULE_WRITE=1` puts the score into docs/checking.md.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use chainrule::autodiff::declare::{Call, Declaration, Draw, Family, Sample};
use chainrule::ops::declarations;
use chainrule::{ListOp, Rng, Tensor, Var, vjp};
use chainrule_check::{Check, Diagnosis, Verdict};

/// A way to spoil a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    Sign,
    Double,
    Zero,
    Transposed,
    Unsummed,
    Shifted,
    Reversed,
    WithoutG,
    OtherArgument,
    Unrecorded,
}

const FAULTS: [(Fault, &str); 10] = [
    (Fault::Sign, "the sign is flipped"),
    (Fault::Double, "twice the gradient"),
    (Fault::Zero, "one argument gets zero"),
    (Fault::Transposed, "the last two axes are exchanged"),
    (Fault::Unsummed, "a sum is missing: the first part stands for all"),
    (Fault::Shifted, "one place further along the last axis"),
    (Fault::Reversed, "the last axis runs backwards"),
    (Fault::WithoutG, "the incoming gradient is ignored"),
    (Fault::OtherArgument, "another argument's gradient"),
    (Fault::Unrecorded, "the gradient forgets where it came from"),
];

impl Fault {
    /// Whether a diagnosis says what was done.
    fn is_named_by(self, diagnosis: &Diagnosis) -> bool {
        let zero = |d: &Diagnosis| matches!(d, Diagnosis::Zero | Diagnosis::NotReached);
        match (self, diagnosis) {
            (Fault::Sign, Diagnosis::SignFlipped)
            | (Fault::Transposed, Diagnosis::Transposed)
            | (Fault::Unsummed, Diagnosis::MissingSum | Diagnosis::Overwritten)
            | (Fault::Shifted, Diagnosis::Shifted { .. })
            | (Fault::Reversed, Diagnosis::Reversed { .. })
            | (Fault::WithoutG, Diagnosis::IgnoresCotangent)
            | (Fault::OtherArgument, Diagnosis::OtherArgument(_))
            | (Fault::Unrecorded, Diagnosis::NotRecorded) => true,
            (Fault::Double, Diagnosis::Factor(c)) => *c == 2.0,
            (Fault::Zero, diagnosis) => zero(diagnosis),
            // Where no sum is in the rule, all but the first part gets zero.
            (Fault::Unsummed, Diagnosis::Only { mistake: Some(mistake), .. }) => zero(mistake),
            _ => false,
        }
    }
}

/// Samples that are looked at, as in any check, and how many if none of them meets the fault.
const CASES: [usize; 2] = [24, 200];
/// Simpler samples that are tried: fewer than usual, since nobody reads the reports.
const SHRINKING: u32 = 60;

/// An op whose rule is that of a call, spoilt.
struct Mutant {
    call: Arc<Call>,
    fault: Fault,
    /// Whether any gradient came out another than it should.
    effective: Arc<AtomicBool>,
}

impl ListOp for Mutant {
    fn name(&self) -> &'static str {
        "mutant"
    }

    fn forward(&self, x: &[&Tensor]) -> Tensor {
        let x: Vec<Var> = x.iter().map(|&x| Var::constant(x)).collect();
        (self.call)(&x).value().clone()
    }

    fn backward(&self, wrt: usize, g: &Var, x: &[Var], _: &Var) -> Var {
        let recorded = g.is_tracked() || x.iter().any(Var::is_tracked);
        let x: Vec<Var> = x.iter().map(|x| if x.is_tracked() { x.clone() } else { Var::leaf(x.value()) }).collect();
        let y = (self.call)(&x);
        let zero = || Var::constant(x[wrt].value().zeros_like());
        let of = |l: usize, g: &Var| match y.is_tracked() {
            true => vjp(&y, &[&x[l]], g).remove(0).unwrap_or_else(zero),
            false => zero(),
        };
        let right = of(wrt, g);
        let spoilt = match self.fault {
            Fault::Sign => -&right,
            Fault::Double => &right * 2.0,
            Fault::Zero if wrt + 1 == x.len() => &right * 0.0,
            Fault::Transposed if right.rank() > 1 => right.t(),
            Fault::Unsummed => of(wrt, &first_part(g)),
            Fault::Shifted if right.rank() > 0 => rolled(&right),
            Fault::Reversed if right.rank() > 0 => right.flip(&[-1]),
            Fault::WithoutG => of(wrt, &Var::constant(g.value().ones_like())),
            Fault::OtherArgument => of((wrt + 1) % x.len(), g),
            Fault::Unrecorded => Var::constant(right.value()),
            _ => right.clone(),
        };
        let differs = match self.fault {
            Fault::Unrecorded => right.value().to_f64_vec().iter().any(|&x| x != 0.0),
            _ => spoilt.shape() != right.shape() || !spoilt.value().allclose(right.value(), 1e-3, 0.0),
        };
        self.effective.fetch_or(differs, Ordering::Relaxed);
        if recorded { spoilt } else { Var::constant(spoilt.value()) }
    }
}

/// Zero but for the first place of the first axis that is longer than 1.
fn first_part(g: &Var) -> Var {
    let Some(axis) = g.shape().iter().position(|&n| n > 1) else { return g.clone() };
    let mut amounts = vec![(0, 0); g.rank()];
    amounts[axis].1 = g.shape()[axis] - 1;
    g.narrow(axis as isize, 0, 1).pad(&amounts)
}

/// Each element one place further along the last axis, and the last one first.
fn rolled(x: &Var) -> Var {
    match x.size(-1) {
        0 => x.clone(),
        n => Var::cat(&[&x.narrow(-1, n - 1, 1), &x.narrow(-1, 0, n - 1)], -1),
    }
}

fn mutant(op: &Declaration, draw: &mut Draw, fault: Fault, effective: &Arc<AtomicBool>) -> Sample {
    let Sample { inputs, call, source, special } = (op.sample)(draw);
    let (call, effective) = (Arc::new(call), effective.clone());
    let spoilt = Sample::new(inputs, source, move |x| {
        let mutant = Mutant { call: call.clone(), fault, effective: effective.clone() };
        mutant.apply(&x.iter().collect::<Vec<_>>())
    });
    if special { spoilt } else { spoilt.regular() }
}

/// Whether the fault changes any gradient of the op at all.
fn changes_something(op: &Declaration, fault: Fault) -> bool {
    let effective = Arc::new(AtomicBool::new(false));
    let mut rng = Rng::seed(5);
    for _ in 0..24 {
        let stream: Vec<u64> = (0..200).map(|_| rng.next_u64() >> 48).collect();
        let sample = mutant(op, &mut Draw::new(&stream), fault, &effective);
        let leaves: Vec<Var> = sample.inputs.iter().map(Var::leaf).collect();
        let y = (sample.call)(&leaves);
        if y.is_tracked() && !y.value().is_empty() {
            let uneven = Tensor::uniform(&mut rng, y.shape(), 0.5, 2.0, y.dtype());
            // A gradient of another shape than its argument's is refused with a panic.
            let run = || drop(vjp(&y, &leaves.iter().collect::<Vec<_>>(), &Var::constant(uneven)));
            let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err();
            if refused || effective.load(Ordering::Relaxed) {
                return true;
            }
        }
    }
    false
}

/// What became of one fault in one op.
struct Outcome {
    op: &'static str,
    fault: Fault,
    verdict: Verdict,
}

impl Outcome {
    fn caught(&self) -> bool {
        !self.verdict.passed()
    }

    fn named(&self) -> bool {
        let diagnosis = self.verdict.failure().and_then(|failure| failure.diagnosis());
        diagnosis.is_some_and(|diagnosis| self.fault.is_named_by(diagnosis))
    }
}

fn outcomes() -> (usize, Vec<Outcome>) {
    let mut ops = declarations();
    ops.retain(|op| op.family != Family::Discrete);
    if let Ok(names) = std::env::var("CHAINRULE_CHECK_OPS") {
        ops.retain(|op| names.split(',').any(|name| name.trim() == op.name));
    }
    let jobs: Vec<(&Declaration, Fault)> =
        ops.iter().flat_map(|&op| FAULTS.iter().map(move |(fault, _)| (op, *fault))).collect();
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(&(op, fault)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if !changes_something(op, fault) {
                        continue;
                    }
                    let effective = Arc::new(AtomicBool::new(false));
                    let check = |cases: usize| {
                        let check = Check::new().order(op.order).shrinking(SHRINKING).cases(cases);
                        check.drawn(op.name, |draw| mutant(op, draw, fault, &effective))
                    };
                    let verdict = Some(check(CASES[0])).filter(|verdict| !verdict.passed());
                    let verdict = verdict.unwrap_or_else(|| check(CASES[1]));
                    found.lock().unwrap().push(Outcome { op: op.name, fault, verdict });
                }
            });
        }
    });
    (ops.len(), found.into_inner().unwrap())
}

/// The score as a table.
fn table(ops: usize, outcomes: &[Outcome]) -> String {
    let share = |part: usize, of: usize| format!("{} of {of}", part);
    let row = |name: &str, of: &[&Outcome]| {
        let [caught, named] = [Outcome::caught, Outcome::named].map(|is| of.iter().filter(|o| is(o)).count());
        format!("| {name} | {} | {} |\n", share(caught, of.len()), share(named, of.len()))
    };
    let rows = FAULTS
        .iter()
        .map(|(fault, words)| row(words, &outcomes.iter().filter(|o| o.fault == *fault).collect::<Vec<_>>()));
    let head = format!("{ops} ops with rules:\n\n| the rule is spoilt so | caught | named |\n| --- | --- | --- |\n");
    head + &rows.collect::<String>() + &row("all", &outcomes.iter().collect::<Vec<_>>())
}

const DOC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/checking.md");
const MARKS: [&str; 2] = ["<!-- score -->\n", "<!-- end of score -->"];

/// The numbers of a table.
fn numbers(table: &str) -> Vec<f64> {
    table.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect()
}

/// Whether a published score still says how things are: its counts may lag behind by a tenth.
fn is_stale(published: &str, now: &str) -> bool {
    let (published, now) = (numbers(published), numbers(now));
    published.len() != now.len() || published.iter().zip(&now).any(|(p, n)| (p - n).abs() > 0.1 * n + 3.0)
}

#[test]
fn spoilt_rules_are_caught_and_named() {
    let (ops, outcomes) = outcomes();
    let table = table(ops, &outcomes);
    println!("{table}");
    let report = |o: &&Outcome| format!("{} ({:?}): {}", o.op, o.fault, o.verdict);
    for o in outcomes.iter().filter(|o| o.caught() && !o.named()) {
        println!("{} ({:?}): {:?}", o.op, o.fault, o.verdict.failure().and_then(|failure| failure.diagnosis()));
    }
    let missed: Vec<String> = outcomes.iter().filter(|o| !o.caught()).map(|o| report(&o)).collect();
    assert!(missed.is_empty(), "{} spoilt rules pass:\n{}", missed.len(), missed.join("\n"));
    let named = outcomes.iter().filter(|o| o.named()).count();
    assert!(10 * named >= 9 * outcomes.len(), "only {named} of {} are named", outcomes.len());

    if std::env::var("CHAINRULE_CHECK_OPS").is_ok() {
        return;
    }
    let doc = std::fs::read_to_string(DOC).expect("the score is published");
    let (before, rest) = doc.split_once(MARKS[0]).expect("the score has its place");
    let (published, after) = rest.split_once(MARKS[1]).expect("the score has its place");
    if std::env::var("CHAINRULE_WRITE").is_ok() {
        std::fs::write(DOC, format!("{before}{}{table}{}{after}", MARKS[0], MARKS[1])).expect("the score is written");
        return;
    }
    assert!(
        !is_stale(published, &table),
        "docs/checking.md is out of date: CHAINRULE_WRITE=1 cargo test --test mutation\n{table}"
    );
}
