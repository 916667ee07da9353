//! Many numbers to one.

use chainrule::{Tensor, Var};

use super::Table;
use crate::call::{Answer, Call, Unsupported};

pub const OPS: Table = &[
    ("sum", |call| along(call, Var::sum_axes)),
    ("mean", |call| along(call, Var::mean_axes)),
    ("prod", |call| along(call, Var::prod_axes)),
    ("nansum", |call| along(call, Var::nansum)),
    ("nanmean", |call| along(call, Var::nanmean)),
    ("amax", |call| along(call, Var::amax)),
    ("amin", |call| along(call, Var::amin)),
    ("logsumexp", |call| along(call, Var::logsumexp)),
    ("aminmax", |call| {
        let (axes, keep) = (call.ints_or_none("dim")?, call.flag_or("keepdim", false)?);
        Ok(call.var("input")?.aminmax(&axes, keep).into())
    }),
    ("max", |call| extremum(call, |a, b| a.maximum(b), Var::max, Var::max_dim)),
    ("min", |call| extremum(call, |a, b| a.minimum(b), Var::min, Var::min_dim)),
    ("argmax", |call| position(call, |x, axis, keep| x.argmax(axis, keep))),
    ("argmin", |call| position(call, |x, axis, keep| x.argmin(axis, keep))),
    ("all", |call| truth(call, Tensor::all)),
    ("any", |call| truth(call, Tensor::any)),
    ("count_nonzero", |call| Ok(call.tensor("input")?.count_nonzero(&call.ints_or_none("dim")?).into())),
    ("var", |call| moment(call, |x, axes, correction, keep| x.var_axes(axes, correction, keep).into())),
    ("std", |call| moment(call, |x, axes, correction, keep| x.std_axes(axes, correction, keep).into())),
    ("var_mean", |call| moment(call, |x, axes, correction, keep| x.var_mean(axes, correction, keep).into())),
    ("std_mean", |call| moment(call, |x, axes, correction, keep| x.std_mean(axes, correction, keep).into())),
    ("linalg.vector_norm", |call| {
        let p = call.float_or("ord", 2.0)?;
        along(call, |x, axes, keep| x.vector_norm(p, axes, keep))
    }),
    ("dist", |call| Ok(call.var("input")?.dist(&call.var("other")?, call.float_or("p", 2.0)?).into())),
    ("renorm", |call| Ok(call.var("input")?.renorm(call.float("p")?, call.int("dim")?, call.float("maxnorm")?).into())),
    ("corrcoef", |call| Ok(call.var("input")?.corrcoef().into())),
];

/// The input, converted to `dtype`, if one is given.
pub fn input(call: &Call) -> Result<Var, Unsupported> {
    let x = call.var("input")?;
    Ok(match call.dtype("dtype")? {
        Some(dtype) => x.cast(dtype),
        None => x,
    })
}

fn along(call: &Call, f: impl Fn(&Var, &[isize], bool) -> Var) -> Answer {
    Ok(f(&input(call)?, &call.ints_or_none("dim")?, call.flag_or("keepdim", false)?).into())
}

/// `max(a, b)`, `max(a)` or `max(a, dim)`.
fn extremum(
    call: &Call,
    of_two: fn(&Var, &Var) -> Var,
    of_all: fn(&Var) -> Var,
    along: fn(&Var, isize, bool) -> (Var, Tensor),
) -> Answer {
    let x = call.var("input")?;
    if call.has("other") {
        return Ok(of_two(&x, &call.var("other")?).into());
    }
    if call.has("dim") {
        return Ok(along(&x, call.int("dim")?, call.flag_or("keepdim", false)?).into());
    }
    Ok(of_all(&x).into())
}

fn position(call: &Call, f: fn(&Tensor, Option<isize>, bool) -> Tensor) -> Answer {
    let axis = if call.has("dim") { Some(call.int("dim")?) } else { None };
    Ok(f(&call.tensor("input")?, axis, call.flag_or("keepdim", false)?).into())
}

fn truth(call: &Call, f: fn(&Tensor, &[isize], bool) -> Tensor) -> Answer {
    Ok(f(&call.tensor("input")?, &call.ints_or_none("dim")?, call.flag_or("keepdim", false)?).into())
}

fn moment(call: &Call, f: fn(&Var, &[isize], f64, bool) -> crate::call::Outputs) -> Answer {
    let correction = match call.flag_or("unbiased", true)? {
        true => call.float_or("correction", 1.0)?,
        false => 0.0,
    };
    Ok(f(&call.var("input")?, &call.ints_or_none("dim")?, correction, call.flag_or("keepdim", false)?))
}
