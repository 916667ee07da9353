//! Along an axis, each element made of the one before it.

use chainrule::Var;

use super::Table;
use super::reduce::input;

pub const OPS: Table = &[
    ("cumsum", |call| Ok(input(call)?.cumsum(call.int("dim")?).into())),
    ("cumprod", |call| Ok(input(call)?.cumprod(call.int("dim")?).into())),
    ("logcumsumexp", |call| Ok(call.var("input")?.logcumsumexp(call.int("dim")?).into())),
    ("cummax", |call| Ok(call.var("input")?.cummax(call.int("dim")?).into())),
    ("cummin", |call| Ok(call.var("input")?.cummin(call.int("dim")?).into())),
    ("diff", |call| {
        let axis = call.int_or("dim", -1)?;
        let ends = [call.maybe_var("prepend")?, Some(call.var("input")?), call.maybe_var("append")?];
        let parts: Vec<&Var> = ends.iter().flatten().collect();
        Ok(Var::cat(&parts, axis).diff(call.int_or("n", 1)? as usize, axis).into())
    }),
    ("trapezoid", |call| {
        let (y, axis) = (call.var("y")?, call.int_or("dim", -1)?);
        Ok(match call.maybe_var("x")? {
            Some(x) => y.trapezoid_at(&x, axis),
            None => y.trapezoid(call.float_or("dx", 1.0)?, axis),
        }
        .into())
    }),
    ("cumulative_trapezoid", |call| {
        let (y, axis) = (call.var("y")?, call.int_or("dim", -1)?);
        Ok(match call.maybe_var("x")? {
            Some(x) => y.cumulative_trapezoid_at(&x, axis),
            None => y.cumulative_trapezoid(call.float_or("dx", 1.0)?, axis),
        }
        .into())
    }),
];
