//! Diagonals and triangles.

use super::Table;

pub const OPS: Table = &[
    ("diag", |call| Ok(call.var("input")?.diag(call.int_or("diagonal", 0)?).into())),
    ("diagonal", |call| {
        let (a, b) = (call.int_or("dim1", 0)?, call.int_or("dim2", 1)?);
        Ok(call.var("input")?.diagonal(call.int_or("offset", 0)?, a, b).into())
    }),
    ("diag_embed", |call| {
        let (a, b) = (call.int_or("dim1", -2)?, call.int_or("dim2", -1)?);
        Ok(call.var("input")?.diag_embed(call.int_or("offset", 0)?, a, b).into())
    }),
    ("trace", |call| Ok(call.var("input")?.trace().into())),
    ("tril", |call| Ok(call.var("input")?.tril(call.int_or("diagonal", 0)?).into())),
    ("triu", |call| Ok(call.var("input")?.triu(call.int_or("diagonal", 0)?).into())),
];
