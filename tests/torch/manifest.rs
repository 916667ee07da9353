//! The list of cases.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// A folder's cases.
pub struct Manifest {
    cases: Vec<Case>,
}

/// One call with its inputs and what PyTorch answered.
pub struct Case {
    pub id: String,
    pub op: String,
    pub file: String,
    pub prefix: String,
    /// Arguments by name.
    pub named: serde_json::Map<String, Value>,
    pub inputs: Vec<Input>,
    pub outputs: Vec<Output>,
    pub gradients: Vec<Gradient>,
    pub mutated: Vec<Mutated>,
    pub tolerance: Tolerance,
    pub tags: Vec<String>,
}

pub struct Input {
    pub name: String,
    pub stride: Vec<usize>,
    pub contiguous: bool,
    pub requires_grad: bool,
}

pub struct Output {
    pub name: String,
    /// `None`: the value returned; `Some(i)`: element i of the tuple returned.
    pub path: Option<usize>,
    pub shape: Vec<usize>,
    pub cotangent: Option<String>,
    pub post: Vec<Post>,
}

/// What is done to an output before it is compared: it takes away what mathematics leaves open.
pub enum Post {
    Abs,
    Narrow(isize, usize),
}

pub struct Gradient {
    pub input: String,
    /// `None`: PyTorch has no gradient there.
    pub name: Option<String>,
    pub compare: String,
}

/// An input that the call changes.
pub struct Mutated {
    pub input: String,
    pub name: String,
}

pub struct Tolerance {
    pub rtol: f64,
    pub atol: f64,
    pub grad_rtol: f64,
    pub grad_atol: f64,
}

impl Manifest {
    pub fn read(folder: &Path) -> Result<Manifest, String> {
        let text = fs::read_to_string(folder.join("manifest.json")).map_err(|e| format!("manifest.json: {e}"))?;
        let json: Value = serde_json::from_str(&text).map_err(|e| format!("manifest.json: {e}"))?;
        let format = json["format"].as_str().unwrap_or_default();
        if format != "torch-op-conformance/1" {
            return Err(format!("manifest.json: the format is {format:?}, not \"torch-op-conformance/1\""));
        }
        let read =
            |case: &Value| Case::read(case).ok_or_else(|| format!("manifest.json: the case {} is broken", case["id"]));
        Ok(Manifest { cases: list(&json["cases"]).iter().map(read).collect::<Result<_, _>>()? })
    }

    /// The cases of each operator, in the order of the file.
    pub fn by_op(&self) -> Vec<(&str, Vec<&Case>)> {
        let mut groups: Vec<(&str, Vec<&Case>)> = Vec::new();
        for case in &self.cases {
            match groups.iter_mut().find(|(op, _)| *op == case.op) {
                Some((_, group)) => group.push(case),
                None => groups.push((&case.op, vec![case])),
            }
        }
        groups
    }
}

fn list(json: &Value) -> &[Value] {
    json.as_array().map_or(&[], Vec::as_slice)
}

fn text(json: &Value) -> Option<String> {
    json.as_str().map(ToString::to_string)
}

fn lengths(json: &Value) -> Option<Vec<usize>> {
    list(json).iter().map(|n| n.as_u64().map(|n| n as usize)).collect()
}

impl Case {
    fn read(json: &Value) -> Option<Case> {
        let tolerance = |name: &str| json["tolerance"][name].as_f64();
        Some(Case {
            id: text(&json["id"])?,
            op: text(&json["op"])?,
            file: text(&json["file"])?,
            prefix: text(&json["prefix"])?,
            named: json["named"].as_object()?.clone(),
            inputs: list(&json["inputs"]).iter().map(Input::read).collect::<Option<_>>()?,
            outputs: list(&json["outputs"]).iter().map(Output::read).collect::<Option<_>>()?,
            gradients: list(&json["grads"]).iter().map(Gradient::read).collect::<Option<_>>()?,
            mutated: list(&json["mutated"])
                .iter()
                .map(|m| Some(Mutated { input: text(&m["input"])?, name: text(&m["name"])? }))
                .collect::<Option<_>>()?,
            tolerance: Tolerance {
                rtol: tolerance("rtol")?,
                atol: tolerance("atol")?,
                grad_rtol: tolerance("grad_rtol")?,
                grad_atol: tolerance("grad_atol")?,
            },
            tags: list(&json["tags"]).iter().map(text).collect::<Option<_>>()?,
        })
    }
}

impl Input {
    fn read(json: &Value) -> Option<Input> {
        Some(Input {
            name: text(&json["name"])?,
            stride: lengths(&json["stride"])?,
            contiguous: json["contiguous"].as_bool()?,
            requires_grad: json["requires_grad"].as_bool()?,
        })
    }
}

impl Output {
    fn read(json: &Value) -> Option<Output> {
        let step = |step: &Value| match step[0].as_str()? {
            "abs" => Some(Post::Abs),
            "narrow" => Some(Post::Narrow(step[1].as_i64()? as isize, step[2].as_u64()? as usize)),
            _ => None,
        };
        Some(Output {
            name: text(&json["name"])?,
            path: list(&json["path"]).first().and_then(Value::as_u64).map(|i| i as usize),
            shape: lengths(&json["shape"])?,
            cotangent: text(&json["cotangent"]),
            post: list(&json["post"]).iter().map(step).collect::<Option<_>>()?,
        })
    }
}

impl Gradient {
    fn read(json: &Value) -> Option<Gradient> {
        Some(Gradient { input: text(&json["input"])?, name: text(&json["name"]), compare: text(&json["compare"])? })
    }
}
