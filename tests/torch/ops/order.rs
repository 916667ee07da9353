//! Sorting and what follows from order.

use chainrule::{Tensor, Var};

use super::Table;
use crate::call::{Answer, Call};

pub const OPS: Table = &[
    // Every sort is stable.
    ("sort", |call| {
        call.flag_or("stable", true)?;
        Ok(call.var("input")?.sort(call.int_or("dim", -1)?, call.flag_or("descending", false)?).into())
    }),
    ("argsort", |call| {
        call.flag_or("stable", true)?;
        Ok(call.tensor("input")?.argsort(call.int_or("dim", -1)?, call.flag_or("descending", false)?).into())
    }),
    ("msort", |call| Ok(call.var("input")?.msort().into())),
    // Every answer is sorted.
    ("topk", |call| {
        call.flag_or("sorted", true)?;
        let (k, axis) = (call.int("k")? as usize, call.int_or("dim", -1)?);
        Ok(call.var("input")?.topk(k, axis, call.flag_or("largest", true)?).into())
    }),
    ("kthvalue", |call| {
        let (k, axis) = (call.int("k")? as usize, call.int_or("dim", -1)?);
        Ok(call.var("input")?.kthvalue(k, axis, call.flag_or("keepdim", false)?).into())
    }),
    ("median", |call| of_line(call, Var::median, Var::median_dim)),
    ("nanmedian", |call| of_line(call, Var::nanmedian, Var::nanmedian_dim)),
    ("mode", |call| Ok(call.var("input")?.mode(call.int_or("dim", -1)?, call.flag_or("keepdim", false)?).into())),
];

fn of_line(call: &Call, of_all: fn(&Var) -> Var, along: fn(&Var, isize, bool) -> (Var, Tensor)) -> Answer {
    let x = call.var("input")?;
    Ok(match call.has("dim") {
        true => along(&x, call.int("dim")?, call.flag_or("keepdim", false)?).into(),
        false => of_all(&x).into(),
    })
}
