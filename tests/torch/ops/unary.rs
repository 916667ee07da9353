//! Functions of one number.

use chainrule::Var;

use super::Table;
use crate::call::{Answer, Call};

fn unary(call: &Call, f: fn(&Var) -> Var) -> Answer {
    Ok(f(&call.var("input")?).into())
}

pub const OPS: Table = &[
    ("abs", |c| unary(c, Var::abs)),
    ("neg", |c| unary(c, |x| -x)),
    ("exp", |c| unary(c, Var::exp)),
    ("expm1", |c| unary(c, Var::expm1)),
    ("exp2", |c| unary(c, Var::exp2)),
    ("log", |c| unary(c, Var::log)),
    ("log1p", |c| unary(c, Var::log1p)),
    ("log2", |c| unary(c, Var::log2)),
    ("log10", |c| unary(c, Var::log10)),
    ("sqrt", |c| unary(c, Var::sqrt)),
    ("rsqrt", |c| unary(c, Var::rsqrt)),
    ("square", |c| unary(c, Var::square)),
    ("reciprocal", |c| unary(c, Var::reciprocal)),
    ("sin", |c| unary(c, Var::sin)),
    ("cos", |c| unary(c, Var::cos)),
    ("tan", |c| unary(c, Var::tan)),
    ("asin", |c| unary(c, Var::asin)),
    ("acos", |c| unary(c, Var::acos)),
    ("atan", |c| unary(c, Var::atan)),
    ("sinh", |c| unary(c, Var::sinh)),
    ("cosh", |c| unary(c, Var::cosh)),
    ("tanh", |c| unary(c, Var::tanh)),
    ("asinh", |c| unary(c, Var::asinh)),
    ("acosh", |c| unary(c, Var::acosh)),
    ("atanh", |c| unary(c, Var::atanh)),
    ("sigmoid", |c| unary(c, Var::sigmoid)),
    ("floor", |c| unary(c, Var::floor)),
    ("ceil", |c| unary(c, Var::ceil)),
    ("trunc", |c| unary(c, Var::trunc)),
    ("frac", |c| unary(c, Var::frac)),
    ("sign", |c| unary(c, Var::sign)),
    ("round", |c| {
        let (x, decimals) = (c.var("input")?, c.int_or("decimals", 0)?);
        Ok(x.round_with(decimals as i32).into())
    }),
    ("clamp", |c| {
        let x = c.var("input")?;
        Ok(match (c.has("min"), c.has("max")) {
            (true, true) => x.clamp(c.side("min")?, c.side("max")?),
            (true, false) => x.clamp_min(c.side("min")?),
            (false, true) => x.clamp_max(c.side("max")?),
            (false, false) => x,
        }
        .into())
    }),
    ("clamp_min", |c| Ok(c.var("input")?.clamp_min(c.side("min")?).into())),
    ("clamp_max", |c| Ok(c.var("input")?.clamp_max(c.side("max")?).into())),
];
