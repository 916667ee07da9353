//! A call's arguments, by name and type.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use chainrule::ops::formula::Side;
use chainrule::{DType, Tensor, Var};
use serde_json::{Map, Value};

/// Why a call cannot be expressed.
#[derive(Debug)]
pub struct Unsupported(pub String);

/// What a call returns, and what it would have written into its arguments.
pub struct Outputs {
    pub values: Vec<Var>,
    pub mutated: Vec<(&'static str, Tensor)>,
}

/// A call to be expressed, or a reason why it cannot.
pub type Answer = Result<Outputs, Unsupported>;

/// How a PyTorch operator is said in chainrule.
pub type Mapping = fn(&Call) -> Answer;

impl Outputs {
    /// With new values of arguments that PyTorch changes in place.
    pub fn mutating(mut self, name: &'static str, value: Tensor) -> Outputs {
        self.mutated.push((name, value));
        self
    }
}

macro_rules! outputs {
    ($($from:ty, $x:pat => $values:expr;)*) => {$(
        impl From<$from> for Outputs {
            fn from($x: $from) -> Outputs {
                Outputs { values: $values, mutated: vec![] }
            }
        }
    )*};
}
outputs! {
    Var, x => vec![x];
    Tensor, x => vec![Var::constant(x)];
    Vec<Var>, x => x;
    (Var, Var), (a, b) => vec![a, b];
    (Var, Tensor), (a, b) => vec![a, Var::constant(b)];
    (Var, Var, Var), (a, b, c) => vec![a, b, c];
}

/// The named arguments of one case. Each must be asked for: one that no mapping reads would be ignored silently.
pub struct Call<'a> {
    named: &'a Map<String, Value>,
    inputs: &'a BTreeMap<String, Var>,
    asked: RefCell<BTreeSet<String>>,
}

impl<'a> Call<'a> {
    pub fn new(named: &'a Map<String, Value>, inputs: &'a BTreeMap<String, Var>) -> Call<'a> {
        Call { named, inputs, asked: RefCell::default() }
    }

    /// The arguments given that nobody has asked for.
    pub fn unasked(&self) -> Vec<&str> {
        self.named.keys().map(String::as_str).filter(|name| !self.asked.borrow().contains(*name)).collect()
    }

    /// The argument as it stands, if it is given and not `None`.
    fn given(&self, name: &str) -> Option<&'a Value> {
        self.asked.borrow_mut().insert(name.to_string());
        self.named.get(name).filter(|value| !value.is_null())
    }

    fn needed(&self, name: &str) -> Result<&'a Value, Unsupported> {
        self.given(name).ok_or_else(|| Unsupported(format!("the argument {name} is not given")))
    }

    fn read<T>(&self, name: &str, value: &Value, read: impl Fn(&Value) -> Option<T>) -> Result<T, Unsupported> {
        read(value).ok_or_else(|| Unsupported(format!("the argument {name} is {value}")))
    }

    /// Whether the argument is given and not `None`.
    pub fn has(&self, name: &str) -> bool {
        self.given(name).is_some()
    }

    /// Whether the argument is a tensor.
    pub fn is_tensor(&self, name: &str) -> bool {
        self.given(name).is_some_and(|value| value.get("tensor").is_some())
    }

    /// Whether the argument is one number, rather than a list of them.
    pub fn is_number(&self, name: &str) -> bool {
        self.given(name).is_some_and(|value| value.is_number())
    }

    fn find(&self, value: &Value) -> Option<&'a Var> {
        self.inputs.get(value.get("tensor")?.as_str()?)
    }

    /// A tensor through which derivatives flow. PyTorch's promotion of integers is said explicitly.
    fn promoted(&self, value: &Value) -> Option<Var> {
        let var = self.find(value)?;
        Some(if var.dtype().is_float() { var.clone() } else { Var::constant(var.value().cast(DType::F64)) })
    }

    pub fn var(&self, name: &str) -> Result<Var, Unsupported> {
        self.read(name, self.needed(name)?, |value| self.promoted(value))
    }

    pub fn maybe_var(&self, name: &str) -> Result<Option<Var>, Unsupported> {
        self.given(name).map(|value| self.read(name, value, |value| self.promoted(value))).transpose()
    }

    /// A tensor or a number.
    pub fn side(&self, name: &str) -> Result<Side, Unsupported> {
        let side = |value: &Value| number(value).map(Side::Number).or_else(|| self.promoted(value).map(Side::Var));
        self.read(name, self.needed(name)?, side)
    }

    /// A tensor as it is: indices, masks, lengths.
    pub fn tensor(&self, name: &str) -> Result<Tensor, Unsupported> {
        self.read(name, self.needed(name)?, |value| self.find(value).map(|var| var.value().clone()))
    }

    pub fn maybe_tensor(&self, name: &str) -> Result<Option<Tensor>, Unsupported> {
        if self.has(name) { self.tensor(name).map(Some) } else { Ok(None) }
    }

    /// A list of tensors through which derivatives flow.
    pub fn vars(&self, name: &str) -> Result<Vec<Var>, Unsupported> {
        self.read(name, self.needed(name)?, |value| items(value)?.iter().map(|item| self.promoted(item)).collect())
    }

    /// A list of tensors, or `None` in their place.
    pub fn maybe_tensors(&self, name: &str) -> Result<Vec<Option<Tensor>>, Unsupported> {
        let tensor = |item: &Value| match item {
            Value::Null => Some(None),
            item => self.find(item).map(|var| Some(var.value().clone())),
        };
        self.read(name, self.needed(name)?, |value| items(value)?.iter().map(tensor).collect())
    }

    pub fn int(&self, name: &str) -> Result<isize, Unsupported> {
        self.read(name, self.needed(name)?, int)
    }

    pub fn int_or(&self, name: &str, default: isize) -> Result<isize, Unsupported> {
        self.given(name).map_or(Ok(default), |value| self.read(name, value, int))
    }

    pub fn float(&self, name: &str) -> Result<f64, Unsupported> {
        self.read(name, self.needed(name)?, number)
    }

    pub fn float_or(&self, name: &str, default: f64) -> Result<f64, Unsupported> {
        self.given(name).map_or(Ok(default), |value| self.read(name, value, number))
    }

    pub fn maybe_float(&self, name: &str) -> Result<Option<f64>, Unsupported> {
        self.given(name).map(|value| self.read(name, value, number)).transpose()
    }

    pub fn flag_or(&self, name: &str, default: bool) -> Result<bool, Unsupported> {
        self.given(name).map_or(Ok(default), |value| self.read(name, value, Value::as_bool))
    }

    pub fn text(&self, name: &str) -> Result<&'a str, Unsupported> {
        let value = self.needed(name)?;
        value.as_str().ok_or_else(|| Unsupported(format!("the argument {name} is {value}")))
    }

    pub fn text_or(&self, name: &str, default: &'a str) -> Result<&'a str, Unsupported> {
        if self.has(name) { self.text(name) } else { Ok(default) }
    }

    /// Whether the argument is a string.
    pub fn is_text(&self, name: &str) -> bool {
        self.given(name).is_some_and(Value::is_string)
    }

    /// A list of integers; a single one counts as a list of one.
    pub fn ints(&self, name: &str) -> Result<Vec<isize>, Unsupported> {
        self.read(name, self.needed(name)?, ints)
    }

    /// As [`ints`](Call::ints), empty where the argument is not given.
    pub fn ints_or_none(&self, name: &str) -> Result<Vec<isize>, Unsupported> {
        self.given(name).map_or(Ok(vec![]), |value| self.read(name, value, ints))
    }

    /// A list of integers or `None`s; a single one counts as a list of one.
    pub fn maybe_ints(&self, name: &str) -> Result<Vec<Option<isize>>, Unsupported> {
        let maybe = |item: &Value| if item.is_null() { Some(None) } else { int(item).map(Some) };
        let maybes = |value: &Value| match items(value) {
            Some(items) => items.iter().map(maybe).collect(),
            None => Some(vec![maybe(value)?]),
        };
        self.read(name, self.needed(name)?, maybes)
    }

    /// Lengths, one for each of `rank` axes; a single one counts for all.
    pub fn sizes_or(&self, name: &str, rank: usize, default: usize) -> Result<Vec<usize>, Unsupported> {
        let found = self.ints_or_none(name)?;
        let sizes: Vec<usize> = found.iter().map(|&n| n as usize).collect();
        Ok(match sizes[..] {
            [] => vec![default; rank],
            [n] => vec![n; rank],
            _ => sizes,
        })
    }

    /// Lists of numbers; a single one counts as a list of one.
    pub fn floats(&self, name: &str) -> Result<Vec<f64>, Unsupported> {
        let floats = |value: &Value| match items(value) {
            Some(items) => items.iter().map(number).collect(),
            None => Some(vec![number(value)?]),
        };
        self.read(name, self.needed(name)?, floats)
    }

    /// Lists of lists of integers.
    pub fn int_lists(&self, name: &str) -> Result<Vec<Vec<isize>>, Unsupported> {
        self.read(name, self.needed(name)?, |value| items(value)?.iter().map(ints).collect())
    }

    pub fn dtype(&self, name: &str) -> Result<Option<DType>, Unsupported> {
        let dtype = |value: &Value| match value.get("dtype")?.as_str()? {
            "float64" => Some(DType::F64),
            "float32" => Some(DType::F32),
            "float16" => Some(DType::F16),
            "bfloat16" => Some(DType::BF16),
            "int64" => Some(DType::I64),
            "bool" => Some(DType::Bool),
            _ => None,
        };
        self.given(name).map(|value| self.read(name, value, dtype)).transpose()
    }
}

fn items(value: &Value) -> Option<&[Value]> {
    value.as_array().or_else(|| value.get("tuple")?.as_array()).map(Vec::as_slice)
}

fn int(value: &Value) -> Option<isize> {
    value.as_i64().map(|n| n as isize)
}

fn ints(value: &Value) -> Option<Vec<isize>> {
    match items(value) {
        Some(items) => items.iter().map(int).collect(),
        None => Some(vec![int(value)?]),
    }
}

fn number(value: &Value) -> Option<f64> {
    let special = || match value.get("float")?.as_str()? {
        "inf" => Some(f64::INFINITY),
        "-inf" => Some(f64::NEG_INFINITY),
        "nan" => Some(f64::NAN),
        _ => None,
    };
    value.as_f64().or_else(|| value.as_bool().map(|b| f64::from(u8::from(b)))).or_else(special)
}
