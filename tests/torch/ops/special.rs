//! Special functions.

use chainrule::Var;

use super::Table;
use crate::call::{Answer, Call};

fn unary(call: &Call, f: fn(&Var) -> Var) -> Answer {
    Ok(f(&call.var("input")?).into())
}

pub const OPS: Table = &[
    ("erf", |c| unary(c, Var::erf)),
    ("erfc", |c| unary(c, Var::erfc)),
    ("erfinv", |c| unary(c, Var::erfinv)),
    ("lgamma", |c| unary(c, Var::lgamma)),
    ("digamma", |c| unary(c, Var::digamma)),
    ("sinc", |c| unary(c, Var::sinc)),
    ("logit", |c| {
        let x = c.var("input")?;
        Ok(match c.maybe_float("eps")? {
            Some(eps) => x.logit_with(eps),
            None => x.logit(),
        }
        .into())
    }),
];
