//! Do the checks check? Every op's rule is spoilt in ten ways, one at a time; the checks must notice each, and should say what was done.
//!
//! `CHAINRULE_CHECK_OPS=tanh,conv` spoils those alone; `CHAINRULE_WRITE=1` puts the score into docs/checking.md.

use std::collections::BTreeMap;
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
    let Sample { inputs, call, source } = (op.sample)(draw);
    let (call, effective) = (Arc::new(call), effective.clone());
    Sample::new(inputs, source, move |x| {
        let mutant = Mutant { call: call.clone(), fault, effective: effective.clone() };
        mutant.apply(&x.iter().collect::<Vec<_>>())
    })
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
                    let check = Check::new().order(op.order).shrinking(300);
                    let verdict = check.drawn(op.name, |draw| mutant(op, draw, fault, &effective));
                    found.lock().unwrap().push(Outcome { op: op.name, fault, verdict });
                }
            });
        }
    });
    (ops.len(), found.into_inner().unwrap())
}

#[test]
fn spoilt_rules_are_caught_and_named() {
    let start = std::time::Instant::now();
    let (ops, outcomes) = outcomes();
    println!("{ops} ops, {} mutants, {:?}", outcomes.len(), start.elapsed());
    let mut counts: BTreeMap<Fault, [usize; 3]> = BTreeMap::new();
    for o in &outcomes {
        let count = counts.entry(o.fault).or_default();
        count[0] += 1;
        count[1] += usize::from(o.caught());
        count[2] += usize::from(o.named());
    }
    println!("{counts:#?}");
    for o in &outcomes {
        if !o.caught() {
            println!("NOT CAUGHT {} {:?}", o.op, o.fault);
        } else if !o.named() {
            println!(
                "{} {:?}: {:?} {:?}",
                o.op,
                o.fault,
                o.verdict.failure().unwrap().diagnosis(),
                o.verdict.failure().unwrap().property()
            );
        }
    }
}
