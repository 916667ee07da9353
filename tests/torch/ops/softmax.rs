//! Softmax and its logarithm.

use chainrule::Var;

use super::Table;
use crate::call::{Answer, Call};

pub const OPS: Table =
    &[("softmax", |call| along(call, Var::softmax)), ("log_softmax", |call| along(call, Var::log_softmax))];

/// A function along `dim`, of the input converted to `dtype`, if one is given.
fn along(call: &Call, f: fn(&Var, isize) -> Var) -> Answer {
    let mut x = call.var("input")?;
    if let Some(dtype) = call.dtype("dtype")? {
        x = x.cast(dtype);
    }
    Ok(f(&x, call.int("dim")?).into())
}
