//! Products over named axes.

use chainrule::Var;

use super::Table;
use crate::call::{Answer, Call};

pub const OPS: Table = &[
    ("einsum", |call| {
        let operands = call.vars("operands")?;
        Ok(Var::einsum(call.text("equation")?, &operands.iter().collect::<Vec<_>>()).into())
    }),
    ("tensordot", tensordot),
];

fn tensordot(call: &Call) -> Answer {
    let (a, b) = (call.var("a")?, call.var("b")?);
    if call.is_number("dims") || !call.has("dims") {
        return Ok(a.tensordot(&b, call.int_or("dims", 2)? as usize).into());
    }
    let axes = call.int_lists("dims")?;
    Ok(a.tensordot_axes(&b, &axes[0], &axes[1]).into())
}
