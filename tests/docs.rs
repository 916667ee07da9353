//! Documents that are made from the source are what the source says.
//!
//! `CHAINRULE_WRITE=1 cargo test --test docs` writes them anew.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use chainrule::autodiff::declare::{Declaration, Family};
use chainrule::ops::declarations;

/// Fails when the file says something else, or makes it say this.
fn expect(path: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("CHAINRULE_WRITE").is_some() {
        return fs::write(&file, text).expect("the folder can be written to");
    }
    let stale = fs::read_to_string(&file).map_or(true, |found| found != text);
    assert!(!stale, "{path} is stale; write it anew with CHAINRULE_WRITE=1 cargo test --test docs");
}

const FAMILIES: [(Family, &str, &str); 5] = [
    (
        Family::Elementwise,
        "Elementwise",
        "A formula for each number, and its slope. The rule runs in one pass over memory.",
    ),
    (Family::Linear, "Linear", "The rule is the adjoint: where each number came from is where its gradient goes."),
    (Family::Product, "Products", "Linear in each of several arguments, with one gradient for each."),
    (
        Family::Composite,
        "Composites",
        "Made of other ops, whose rules are its rule; or with a rule that is checked against such a composite.",
    ),
    (
        Family::Discrete,
        "Without a derivative",
        "Integers or truth values. They are returned as a `Tensor`, so that the type says that no gradient flows.",
    ),
];

#[test]
fn the_table_of_ops_is_up_to_date() {
    let all = declarations();
    let mut text = format!(
        "# The ops\n\n{} ops, made from their declarations in `crates/autodiff/src/ops/`. Each is checked with generated inputs against \
         differences of its function, in `f64` and `f32`, for first and second derivatives unless *order* says 1, at dense and strided, \
         broadcast and empty inputs. `f16` and `bf16` are computed in `f32`.\n\n\
         *At* lists points with a derivative by convention, as point → slope.\n",
        all.len()
    );
    for (family, title, what) in FAMILIES {
        let ops: Vec<&&Declaration> = all.iter().filter(|op| op.family == family).collect();
        let _ = write!(text, "\n## {title}\n\n{what}\n\n");
        let _ = writeln!(
            text,
            "| op | PyTorch | formula | rule | checked on | at | order |\n| --- | --- | --- | --- | --- | --- | --- |"
        );
        for op in ops {
            let _ = writeln!(text, "{}", row(op));
        }
    }
    expect("docs/ops.md", &text);
}

fn row(op: &Declaration) -> String {
    let point = |special: &chainrule::autodiff::declare::Special| format!("{} → {}", special.x, special.slope);
    let points: Vec<String> = op.special.iter().map(point).collect();
    let order = if op.family == Family::Discrete { "-".into() } else { op.order.to_string() };
    let cells = [
        format!("`{}`", op.name),
        format!("`{}`", op.torch),
        code(op.formula),
        code(op.rule),
        if op.domain.is_empty() { String::new() } else { code(op.domain) },
        points.join(", "),
        order,
    ];
    format!("| {} |", cells.join(" | "))
}

/// Source in a cell: on one line, with no bar that would end the cell.
fn code(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("`{}`", line.replace('|', "∣").replace('`', "'"))
}
