//! PyTorch's own cases, run through the public API: results, gradients and running statistics are compared.
//!
//! `CHAINRULE_CONFORMANCE=FOLDER` names another folder of such cases, `CHAINRULE_CONFORMANCE_OPS=softmax,linalg.qr` picks operators. The last line is
//! `conformance: N passed, M failed, K unsupported of T`.

mod call;
mod compare;
mod differences;
mod manifest;
mod ops;
mod run;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use manifest::{Case, Manifest};
use run::Outcome;

/// Failures of one operator that are printed.
const SHOWN: usize = 3;

fn main() -> ExitCode {
    let folder = match std::env::var_os("CHAINRULE_CONFORMANCE") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance"),
    };
    let manifest = match Manifest::read(&folder) {
        Ok(manifest) => manifest,
        Err(why) => {
            println!("conformance: {}: {why}", folder.display());
            return ExitCode::FAILURE;
        }
    };
    let chosen = std::env::var("CHAINRULE_CONFORMANCE_OPS").ok();
    let chosen: Option<Vec<&str>> = chosen.as_deref().map(|names| names.split(',').map(str::trim).collect());
    let groups: Vec<(&str, Vec<&Case>)> = manifest
        .by_op()
        .into_iter()
        .filter(|(op, _)| chosen.as_ref().is_none_or(|chosen| chosen.contains(op)))
        .collect();

    std::panic::set_hook(Box::new(|_| {})); // a panic is a failure of its case, which says so
    let results = run_all(&folder, &groups);
    report(&groups, &results, chosen.is_some())
}

type Results = BTreeMap<usize, Vec<Outcome>>;

/// Runs the groups, by two threads.
fn run_all(folder: &Path, groups: &[(&str, Vec<&Case>)]) -> Results {
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Results::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    let Some((_, cases)) = groups.get(i) else { return };
                    let outcomes = run::group(folder, cases);
                    results.lock().expect("no thread panics").insert(i, outcomes);
                }
            });
        }
    });
    results.into_inner().expect("no thread panics")
}

fn report(groups: &[(&str, Vec<&Case>)], results: &Results, all: bool) -> ExitCode {
    let mut total = [0; 3];
    for (i, (op, cases)) in groups.iter().enumerate() {
        let outcomes = &results[&i];
        let mut counts = [0; 3];
        let mut failures = Vec::new();
        let mut reasons = BTreeMap::new();
        for (case, outcome) in cases.iter().zip(outcomes) {
            match outcome {
                Outcome::Passed => counts[0] += 1,
                Outcome::Failed(why) => {
                    counts[1] += 1;
                    failures.push(format!("    {} {}: {why}", case.id, case.tags.join(" ")));
                }
                Outcome::Unsupported(why) => {
                    counts[2] += 1;
                    *reasons.entry(why).or_insert(0) += 1;
                }
            }
        }
        let [passed, failed, unsupported] = counts;
        println!("{op}: {passed} passed, {failed} failed, {unsupported} unsupported");
        let shown = if all { usize::MAX } else { SHOWN };
        failures.iter().take(shown).for_each(|line| println!("{line}"));
        reasons.iter().for_each(|(why, n)| println!("    unsupported ({n}): {why}"));
        total.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n);
    }
    let [passed, failed, unsupported] = total;
    println!(
        "conformance: {passed} passed, {failed} failed, {unsupported} unsupported of {}",
        total.iter().sum::<i32>()
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
