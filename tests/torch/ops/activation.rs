//! Activation functions.

use chainrule::Var;

use super::Table;
use crate::call::{Answer, Call};

fn plain(call: &Call, f: fn(&Var) -> Var) -> Answer {
    Ok(f(&call.var("input")?).into())
}

/// A function of one number with a parameter.
fn with(call: &Call, name: &str, default: f64, f: fn(&Var, f64) -> Var) -> Answer {
    Ok(f(&call.var("input")?, call.float_or(name, default)?).into())
}

pub const OPS: Table = &[
    ("nn.functional.relu", |c| plain(c, Var::relu)),
    ("nn.functional.relu6", |c| plain(c, Var::relu6)),
    ("nn.functional.selu", |c| plain(c, Var::selu)),
    ("nn.functional.silu", |c| plain(c, Var::silu)),
    ("nn.functional.mish", |c| plain(c, Var::mish)),
    ("nn.functional.softsign", |c| plain(c, Var::softsign)),
    ("nn.functional.logsigmoid", |c| plain(c, Var::log_sigmoid)),
    ("nn.functional.hardsigmoid", |c| plain(c, Var::hardsigmoid)),
    ("nn.functional.hardswish", |c| plain(c, Var::hardswish)),
    ("nn.functional.tanhshrink", |c| plain(c, Var::tanhshrink)),
    ("nn.functional.leaky_relu", |c| with(c, "negative_slope", 0.01, Var::leaky_relu)),
    ("nn.functional.elu", |c| with(c, "alpha", 1.0, Var::elu)),
    ("nn.functional.celu", |c| with(c, "alpha", 1.0, Var::celu)),
    ("nn.functional.softshrink", |c| with(c, "lambd", 0.5, Var::softshrink)),
    ("nn.functional.hardshrink", |c| with(c, "lambd", 0.5, Var::hardshrink)),
    ("nn.functional.gelu", |c| {
        let x = c.var("input")?;
        Ok(if c.text_or("approximate", "none")? == "tanh" { x.gelu_tanh() } else { x.gelu() }.into())
    }),
    ("nn.functional.softplus", |c| {
        let (beta, threshold) = (c.float_or("beta", 1.0)?, c.float_or("threshold", 20.0)?);
        Ok(c.var("input")?.softplus_with(beta, threshold).into())
    }),
    ("nn.functional.hardtanh", |c| {
        let (low, high) = (c.float_or("min_val", -1.0)?, c.float_or("max_val", 1.0)?);
        Ok(c.var("input")?.hardtanh(low, high).into())
    }),
    ("nn.functional.threshold", |c| Ok(c.var("input")?.threshold(c.float("threshold")?, c.float("value")?).into())),
    ("nn.functional.prelu", |c| Ok(c.var("input")?.prelu(&c.var("weight")?).into())),
    ("nn.functional.glu", |c| Ok(c.var("input")?.glu(c.int_or("dim", -1)?).into())),
    ("nn.functional.softmin", |c| {
        let mut x = c.var("input")?;
        if let Some(dtype) = c.dtype("dtype")? {
            x = x.cast(dtype);
        }
        Ok(x.softmin(c.int("dim")?).into())
    }),
];
