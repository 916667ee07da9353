//! Where chainrule answers otherwise than PyTorch on purpose. docs/conformance.md has the same list, in words.

/// A rule for an operator's gradients: which elements differ, and why.
struct Difference {
    op: &'static str,
    why: &'static str,
    /// Whether an element is one of those, given the input's element, the gradient here and PyTorch's.
    covers: fn(x: f64, here: f64, there: f64) -> bool,
}

/// A slope that PyTorch computes in double precision from a constant in single precision.
fn rounded_to_single(_: f64, here: f64, there: f64) -> bool {
    (here - there).abs() <= f64::from(f32::EPSILON) * here.abs()
}

/// A slope at NaN that depends on the element's place among the vectors of the CPU.
fn at_nan(x: f64, here: f64, _: f64) -> bool {
    x.is_nan() && here == 0.0
}

/// The limit of a slope at a pole, where PyTorch has what rounding leaves of it.
fn infinite_at_pole(x: f64, here: f64, _: f64) -> bool {
    x <= 0.0 && x.fract() == 0.0 && here.is_infinite()
}

const DIFFERENCES: [Difference; 7] = [
    Difference { op: "nn.functional.hardsigmoid", why: "a slope rounded to f32", covers: rounded_to_single },
    Difference { op: "nn.functional.celu", why: "a slope rounded to f32", covers: rounded_to_single },
    Difference { op: "nn.functional.relu6", why: "a slope at NaN", covers: at_nan },
    Difference { op: "nn.functional.hardtanh", why: "a slope at NaN", covers: at_nan },
    Difference { op: "nn.functional.softshrink", why: "a slope at NaN", covers: at_nan },
    Difference { op: "nn.functional.hardshrink", why: "a slope at NaN", covers: at_nan },
    Difference { op: "digamma", why: "a slope at a pole", covers: infinite_at_pole },
];

/// Why the gradients differ, if all elements that do are covered by a rule. `equal` says which do not.
pub fn on_purpose(
    op: &str,
    x: &[f64],
    here: &[f64],
    there: &[f64],
    equal: impl Fn(f64, f64) -> bool,
) -> Option<String> {
    let rule = DIFFERENCES.iter().find(|difference| difference.op == op)?;
    let covered = |i: usize| equal(here[i], there[i]) || (rule.covers)(x[i], here[i], there[i]);
    let alike = x.len() == here.len() && here.len() == there.len();
    (alike && (0..x.len()).all(covered)).then(|| format!("differs on purpose: {}", rule.why))
}
