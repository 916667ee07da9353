//! Every op, checked in every way; and nothing in the source that no check has seen.
//!
//! `CHAINRULE_CHECK_OPS=tanh,conv` checks those alone; `CHAINRULE_CHECK_CASES=1000` looks at more samples of each.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use chainrule::autodiff::declare::Family;
use chainrule::ops::declarations;
use chainrule_check::{Check, Verdict};

/// The names of the ops that alone are to be checked, if some are named.
fn chosen() -> Option<Vec<String>> {
    let names = std::env::var("CHAINRULE_CHECK_OPS").ok()?;
    Some(names.split(',').map(|name| name.trim().to_string()).collect())
}

/// The check; a soak keeps what it finds in a file, whose samples are tried first from then on.
fn check() -> Check {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/every_op.regressions");
    let soak = std::env::var("CHAINRULE_CHECK_CASES").is_ok();
    if soak || file.exists() { Check::new().regressions(file) } else { Check::new() }
}

/// The verdict on every declared op, or on those chosen, by two threads.
fn verdicts() -> Vec<Verdict> {
    let mut ops = declarations();
    if let Some(names) = chosen() {
        ops.retain(|op| names.iter().any(|name| name == op.name));
        assert!(!ops.is_empty(), "no op is called {names:?}");
    }
    let (next, verdicts) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(op) = ops.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let verdict = check().declared(op);
                    verdicts.lock().unwrap().push(verdict);
                }
            });
        }
    });
    verdicts.into_inner().unwrap()
}

#[test]
fn every_op_is_right_and_none_is_missed() {
    let verdicts = verdicts();
    let wrong: Vec<String> = verdicts.iter().filter(|v| !v.passed()).map(ToString::to_string).collect();
    assert!(wrong.is_empty(), "{} of {} ops are wrong:\n\n{}", wrong.len(), verdicts.len(), wrong.join("\n\n"));

    let discrete: Vec<&str> =
        declarations().iter().filter(|op| op.family == Family::Discrete).map(|op| op.name).collect();
    let silent: Vec<&Verdict> =
        verdicts.iter().filter(|v| v.compared()[0] == 0 && !discrete.contains(&v.name())).collect();
    assert!(silent.is_empty(), "checks that compare nothing: {silent:?}");

    if chosen().is_some() {
        return verdicts.iter().for_each(|verdict| println!("{verdict}"));
    }
    let seen: BTreeSet<&str> = verdicts.iter().flat_map(|v| v.ops().iter().copied()).collect();
    let unseen: Vec<String> = sources().iter().flat_map(|(file, text)| missed(file, text, &seen)).collect();
    assert!(unseen.is_empty(), "no check has seen {unseen:?}");
}

#[test]
fn every_method_has_a_declaration() {
    let declared: BTreeSet<&str> = declarations().iter().map(|op| op.name).collect();
    let methods: Vec<String> = sources().iter().flat_map(|(_, text)| methods(text)).collect();
    assert!(methods.len() > 40, "the source was read: {methods:?}");
    let missing: Vec<&String> = methods.iter().filter(|name| !declared.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "without a declaration: {missing:?}");
}

#[test]
fn the_guard_sees_what_is_missing() {
    let text = "struct Neu;\nimpl Op<1> for Neu {\n}\nimpl ListOp for Alt {\n}\n";
    let seen = BTreeSet::from(["chainrule_autodiff::ops::file::Alt"]);
    assert_eq!(missed("file", text, &seen), ["file::Neu"]);
}

/// The files of ops, in folders and below: name and text.
fn sources() -> Vec<(String, String)> {
    fn read(folder: &Path, files: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).expect("the ops are there") {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => read(&path, files),
                false => {
                    let name = path.file_stem().unwrap().display().to_string();
                    files.push((name, fs::read_to_string(&path).unwrap()));
                }
            }
        }
    }
    let mut files = Vec::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/autodiff/src/ops"), &mut files);
    files
}

/// The types of a file that implement an op and were on no tape.
fn missed(file: &str, text: &str, seen: &BTreeSet<&str>) -> Vec<String> {
    let implementor = |line: &str| -> Option<String> {
        let (head, tail) = line.strip_prefix("impl ")?.split_once(" for ")?;
        let is_op = head.starts_with("Op<") || head == "ListOp";
        is_op.then(|| tail.trim_end_matches(" {").to_string())
    };
    let types = text.lines().filter_map(implementor).map(|name| format!("{file}::{name}"));
    types.filter(|name| !seen.iter().any(|seen| seen.ends_with(name.as_str()))).collect()
}

/// The methods of `Var` in a file that return one.
fn methods(text: &str) -> Vec<String> {
    let signature = |part: &str| -> Option<String> {
        let (head, _) = part.split_once(" {")?;
        let name = head.split(['(', '<']).next()?;
        (head.ends_with("-> Var") && !name.starts_with('$')).then(|| name.to_string())
    };
    text.split("    pub fn ").skip(1).filter_map(signature).collect()
}
