//! chainrule and its peers on the same work, in turns, in one run.
//!
//! `cargo bench --bench workloads -- compare` runs every workload of chainrule and of each peer that is installed, round after round, and writes
//! `docs/performance.md` and its chart. `CHAINRULE_PEERS` names a folder with one folder per peer, which holds a script `bench.py` or a program
//! `target/release/peer-NAME`, called with `WORKLOAD THREADS MODE`; `PY_TORCH`, `PY_JAX` and so on name the interpreters. `--workloads a,b`,
//! `--threads 1,2`, `--peers torch,jax`, `--rounds N` and `--budget SECONDS` choose less, or more.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs};

use chainrule::data::plot::Bars;
use serde_json::Value;

const WORKLOADS: [&str; 12] = [
    "mlp",
    "mlp_big",
    "cnn",
    "gpt",
    "lstm",
    "tiny_fwd",
    "tiny_fb",
    "chain",
    "softmax",
    "layernorm",
    "sum0",
    "transpose",
];

/// Peers and the modes in which they run; compiled single-element chains are no measure of an engine's overhead.
const PEERS: [(&str, &str); 11] = [
    ("torch", "eager"),
    ("torch", "fused"),
    ("torch", "compile"),
    ("jax", ""),
    ("tensorflow", "graph"),
    ("tensorflow", "xla"),
    ("tinygrad", "default"),
    ("candle", ""),
    ("burn", "flex"),
    ("burn", "ndarray"),
    ("dfdx", ""),
];
const COMPILED: [&str; 4] = ["torch compile", "jax", "tensorflow graph", "tensorflow xla"];

struct Options {
    workloads: Vec<String>,
    threads: Vec<usize>,
    peers: Option<Vec<String>>,
    rounds: usize,
    budget: String,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Options, String> {
        let mut options = Options {
            workloads: WORKLOADS.map(String::from).to_vec(),
            threads: vec![1, 2],
            peers: None,
            rounds: 3,
            budget: "2".into(),
        };
        let list = |text: &String| text.split(',').map(|part| part.trim().to_string()).collect::<Vec<_>>();
        let number = |text: &str| text.parse().map_err(|_| format!("{text} is not a number"));
        for pair in arguments.chunks(2) {
            let [name, value] = pair else { return Err(format!("{} needs a value", pair[0])) };
            match name.as_str() {
                "--workloads" => options.workloads = list(value),
                "--threads" => options.threads = list(value).iter().map(|n| number(n)).collect::<Result<_, _>>()?,
                "--peers" => options.peers = Some(list(value)),
                "--rounds" => options.rounds = number(value)?,
                "--budget" => options.budget = value.clone(),
                _ => return Err(format!("there is no option {name}")),
            }
        }
        Ok(options)
    }
}

/// Someone who can be asked to run a workload.
struct Runner {
    name: String,
    program: PathBuf,
    before: Vec<String>,
    after: Vec<String>,
}

impl Runner {
    fn ourselves() -> Result<Runner, String> {
        let program = env::current_exe().map_err(|e| e.to_string())?;
        Ok(Runner { name: "chainrule".into(), program, before: vec![], after: vec![] })
    }

    /// The peer, if it is installed.
    fn peer(folder: &Path, peer: &str, mode: &str) -> Option<Runner> {
        let name = format!("{peer} {mode}").trim().to_string();
        let after = if mode.is_empty() { vec![] } else { vec![mode.to_string()] };
        let (script, program) =
            (folder.join(peer).join("bench.py"), folder.join(peer).join(format!("target/release/peer-{peer}")));
        if program.exists() {
            return Some(Runner { name, program, before: vec![], after });
        }
        let python = env::var(format!("PY_{}", peer.to_uppercase())).ok().filter(|_| script.exists())?;
        Some(Runner { name, program: python.into(), before: vec![script.display().to_string()], after })
    }

    /// One measurement; `None` where the peer does not have the workload.
    fn run(&self, workload: &str, threads: usize, budget: &str) -> Option<Sample> {
        let launch = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs_f64();
        let output = Command::new("taskset")
            .args(["-c", &format!("0-{}", threads - 1)])
            .arg(&self.program)
            .args(&self.before)
            .args([workload, &threads.to_string()])
            .args(&self.after)
            .env("BENCH_T0", launch.to_string())
            .env("BENCH_BUDGET", budget)
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let json: Value = serde_json::from_str(text.lines().find(|line| line.starts_with('{'))?).ok()?;
        let number = |key: &str| json[key].as_f64();
        Some(Sample {
            median: number("median_ms")?,
            min: number("min_ms")?,
            memory: number("peak_rss_mb")?,
            first: number("first_step_s")?,
        })
    }
}

/// Milliseconds, megabytes and seconds.
#[derive(Clone, Copy)]
struct Sample {
    median: f64,
    min: f64,
    memory: f64,
    first: f64,
}

/// What several rounds come to: the least of the minima, the median of the medians, the least memory and time to the first step.
fn together(samples: &[Sample]) -> Sample {
    let least = |of: fn(&Sample) -> f64| samples.iter().map(of).fold(f64::INFINITY, f64::min);
    let mut medians: Vec<f64> = samples.iter().map(|sample| sample.median).collect();
    medians.sort_by(f64::total_cmp);
    Sample {
        median: medians[medians.len() / 2],
        min: least(|s| s.min),
        memory: least(|s| s.memory),
        first: least(|s| s.first),
    }
}

/// By workload and number of threads, then by name.
type Table = BTreeMap<(usize, usize), BTreeMap<String, Sample>>;

/// Runs the comparison and writes its report.
pub fn compare(arguments: &[String]) -> Result<(), String> {
    let options = Options::parse(arguments)?;
    let folder = PathBuf::from(env::var_os("CHAINRULE_PEERS").unwrap_or_default());
    let mut runners = vec![Runner::ourselves()?];
    let wanted = |peer: &str| options.peers.as_ref().is_none_or(|names| names.iter().any(|name| name == peer));
    runners.extend(
        PEERS.iter().filter(|(peer, _)| wanted(peer)).filter_map(|(peer, mode)| Runner::peer(&folder, peer, mode)),
    );

    let mut table = Table::new();
    for (w, workload) in options.workloads.iter().enumerate() {
        for &threads in &options.threads {
            let mut samples: BTreeMap<&str, Vec<Sample>> = BTreeMap::new();
            let mut able: Vec<&Runner> = runners.iter().collect();
            for _ in 0..options.rounds {
                able.retain(|runner| match runner.run(workload, threads, &options.budget) {
                    Some(sample) => {
                        samples.entry(&runner.name).or_default().push(sample);
                        true
                    }
                    None => false,
                });
            }
            let row: BTreeMap<String, Sample> =
                samples.iter().map(|(name, samples)| (name.to_string(), together(samples))).collect();
            for (name, sample) in &row {
                println!("{workload} {threads} {name}: min {:.4} ms, median {:.4} ms", sample.min, sample.median);
            }
            table.insert((w, threads), row);
        }
    }
    report(&options, &table)
}

/// The peer that is fastest by one of the figures.
fn fastest<'a>(row: &'a BTreeMap<String, Sample>, workload: &str, of: fn(&Sample) -> f64) -> Option<(&'a str, f64)> {
    let counts = |name: &str| name != "chainrule" && !(workload.starts_with("tiny") && COMPILED.contains(&name));
    let peers = row.iter().filter(|(name, _)| counts(name)).map(|(name, sample)| (name.as_str(), of(sample)));
    peers.min_by(|a, b| a.1.total_cmp(&b.1))
}

fn report(options: &Options, table: &Table) -> Result<(), String> {
    let mut text = String::from(INTRODUCTION);
    let mut chart = Bars::new("How many times faster than the fastest peer").reference(1.0).logarithmic();
    chart = chart.value_label("time of the fastest peer ÷ time of chainrule, minima");
    for (w, workload) in options.workloads.iter().enumerate() {
        chart = chart.group(workload);
        for &threads in &options.threads {
            let row = &table[&(w, threads)];
            let Some(own) = row.get("chainrule") else { continue };
            let (by_min, by_median) = (fastest(row, workload, |s| s.min), fastest(row, workload, |s| s.median));
            let ratio =
                |best: Option<(&str, f64)>, own: f64| best.map_or("-".into(), |best| format!("{:.2}", best.1 / own));
            let best = by_min.map_or("-".into(), |(name, min)| format!("{name} {min:.4}"));
            let _ = writeln!(
                text,
                "| {workload} | {threads} | {:.4} / {:.4} | {best} | **{}** | {} | {:.0} | {:.3} |",
                own.min,
                own.median,
                ratio(by_min, own.min),
                ratio(by_median, own.median),
                own.memory,
                own.first
            );
            if let Some((_, min)) = by_min {
                chart = chart.bar(if threads == 1 { "1 thread" } else { "2 threads" }, min / own.min);
            }
        }
    }
    text.push_str(&everyone(options, table));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    fs::write(root.join("performance.md"), text).map_err(|e| e.to_string())?;
    chart.save(root.join("images/performance.png")).map_err(|e| e.to_string())
}

/// All figures of all.
fn everyone(options: &Options, table: &Table) -> String {
    let mut text =
        String::from("\n## Everyone\n\n| workload | threads | who | min ms | median ms | peak MB | first step s |\n");
    text.push_str("| --- | --- | --- | --- | --- | --- | --- |\n");
    for (&(w, threads), row) in table {
        for (name, Sample { median, min, memory, first }) in row {
            let workload = &options.workloads[w];
            let _ = writeln!(
                text,
                "| {workload} | {threads} | {name} | {min:.4} | {median:.4} | {memory:.0} | {first:.3} |"
            );
        }
    }
    text
}

const INTRODUCTION: &str = "\
# Performance

One step of each workload, by chainrule and by the fastest of its peers, measured in turns in one run on the same two cores. Minima are the
steadier figures on a machine that is never quite quiet; a ratio above 1 means that chainrule is faster. `cargo bench --bench workloads -- compare`
makes this page; `benches/workloads/` says what a step is.

![How many times faster than the fastest peer](images/performance.png)

| workload | threads | chainrule min / median ms | fastest peer, min ms | ratio of minima | ratio of medians | peak MB | first step s |
| --- | --- | --- | --- | --- | --- | --- | --- |
";
