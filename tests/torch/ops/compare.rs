//! Comparisons and logic.

use chainrule::{Comparison, Tensor};

use super::Table;
use crate::call::{Answer, Call};

pub const OPS: Table = &[
    ("eq", |call| relation(call, Comparison::Eq)),
    ("ne", |call| relation(call, Comparison::Ne)),
    ("lt", |call| relation(call, Comparison::Lt)),
    ("le", |call| relation(call, Comparison::Le)),
    ("gt", |call| relation(call, Comparison::Gt)),
    ("ge", |call| relation(call, Comparison::Ge)),
    ("logical_and", |call| logic(call, Tensor::logical_and)),
    ("logical_or", |call| logic(call, Tensor::logical_or)),
    ("logical_xor", |call| logic(call, Tensor::logical_xor)),
    ("logical_not", |call| Ok(call.tensor("input")?.logical_not().into())),
    ("isclose", |call| {
        let (rtol, atol) = (call.float_or("rtol", 1e-5)?, call.float_or("atol", 1e-8)?);
        Ok(call.tensor("input")?.isclose(&call.tensor("other")?, rtol, atol, call.flag_or("equal_nan", false)?).into())
    }),
];

fn relation(call: &Call, relation: Comparison) -> Answer {
    let a = call.tensor("input")?;
    Ok(match call.is_tensor("other") {
        true => a.compare(relation, &call.tensor("other")?),
        false => a.compare_scalar(relation, call.float("other")?),
    }
    .into())
}

fn logic(call: &Call, f: fn(&Tensor, &Tensor) -> Tensor) -> Answer {
    Ok(f(&call.tensor("input")?, &call.tensor("other")?).into())
}
