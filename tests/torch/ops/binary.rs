//! Functions of two or three numbers.

use chainrule::ops::formula::Side;
use chainrule::{Tensor, Var};

use super::Table;
use crate::call::{Answer, Call, Unsupported};

/// Two arguments, of which one may be a number: it takes the type of the other.
fn operands(call: &Call, names: [&str; 2]) -> Result<[Var; 2], Unsupported> {
    let number = |x: f64, like: &Var| Var::constant(Tensor::scalar(x, like.dtype()));
    Ok(match (call.side(names[0])?, call.side(names[1])?) {
        (Side::Var(a), Side::Var(b)) => [a, b],
        (Side::Var(a), Side::Number(b)) => [a.clone(), number(b, &a)],
        (Side::Number(a), Side::Var(b)) => [number(a, &b), b],
        (Side::Number(a), Side::Number(b)) => [a, b].map(Var::constant),
    })
}

fn pair(call: &Call, f: fn(&Var, &Var) -> Var) -> Answer {
    let [a, b] = operands(call, ["input", "other"])?;
    Ok(f(&a, &b).into())
}

/// `input ± alpha · other`.
fn scaled(call: &Call, sign: f64) -> Answer {
    let [a, b] = operands(call, ["input", "other"])?;
    Ok((a + b * (sign * call.float_or("alpha", 1.0)?)).into())
}

fn fused(call: &Call, f: fn(&Var, &Var, &Var, f64) -> Var) -> Answer {
    let [x, a, b] = [call.var("input")?, call.var("tensor1")?, call.var("tensor2")?];
    Ok(f(&x, &a, &b, call.float_or("value", 1.0)?).into())
}

/// A power; one with a number as exponent is an op of its own.
fn pow(call: &Call) -> Answer {
    let [x, p] = operands(call, ["input", "exponent"])?;
    Ok(match call.side("exponent")? {
        Side::Number(p) => x.powf(p),
        Side::Var(_) => x.pow(&p),
    }
    .into())
}

pub const OPS: Table = &[
    ("add", |c| scaled(c, 1.0)),
    ("sub", |c| scaled(c, -1.0)),
    ("mul", |c| pair(c, |a, b| a * b)),
    ("div", |c| match c.text_or("rounding_mode", "")? {
        "floor" => pair(c, |a, b| a.floor_divide(b)),
        "trunc" => pair(c, |a, b| a.trunc_divide(b)),
        _ => pair(c, |a, b| a / b),
    }),
    ("floor_divide", |c| pair(c, |a, b| a.floor_divide(b))),
    ("pow", pow),
    ("maximum", |c| pair(c, |a, b| a.maximum(b))),
    ("minimum", |c| pair(c, |a, b| a.minimum(b))),
    ("fmax", |c| pair(c, |a, b| a.fmax(b))),
    ("fmin", |c| pair(c, |a, b| a.fmin(b))),
    ("fmod", |c| pair(c, |a, b| a.fmod(b))),
    ("remainder", |c| pair(c, |a, b| a.remainder(b))),
    ("atan2", |c| pair(c, |a, b| a.atan2(b))),
    ("hypot", |c| pair(c, |a, b| a.hypot(b))),
    ("xlogy", |c| pair(c, |a, b| a.xlogy(b))),
    ("logaddexp", |c| pair(c, |a, b| a.logaddexp(b))),
    ("logaddexp2", |c| pair(c, |a, b| a.logaddexp2(b))),
    ("copysign", |c| pair(c, |a, b| a.copysign(b))),
    ("lerp", |c| Ok(c.var("input")?.lerp(&c.var("end")?, c.side("weight")?).into())),
    ("addcmul", |c| fused(c, Var::addcmul)),
    ("addcdiv", |c| fused(c, Var::addcdiv)),
    ("where", |c| {
        let (mask, [a, b]) = (c.tensor("condition")?, operands(c, ["input", "other"])?);
        Ok(Var::choose(&mask, &a, &b).into())
    }),
];
