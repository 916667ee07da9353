//! Elements picked and placed by position or by mask.

use chainrule::ops::embedding::Embeddings;
use chainrule::{Tensor, Var};

use super::Table;
use crate::call::{Answer, Call, Unsupported};

pub const OPS: Table = &[
    ("index_select", |call| {
        let (x, index) = (call.var("input")?, call.tensor("index")?);
        let picked = x.atleast_1d().index_select(call.int("dim")?, &index.reshape([index.len()]));
        Ok(if x.rank() == 0 { picked.reshape([]) } else { picked }.into())
    }),
    ("gather", |call| Ok(call.var("input")?.gather(call.int("dim")?, &call.tensor("index")?).into())),
    ("scatter", scatter),
    ("scatter_add", |call| {
        let (index, source) = (call.tensor("index")?, call.var("src")?);
        Ok(call.var("input")?.scatter_add(call.int("dim")?, &index, &source).into())
    }),
    ("index_add", index_add),
    ("index_put", |call| {
        let (indices, values) = (call.maybe_tensors("indices")?, call.var("values")?);
        Ok(call.var("input")?.index_put(&indices, &values, call.flag_or("accumulate", false)?).into())
    }),
    ("take", |call| Ok(call.var("input")?.take(&call.tensor("index")?).into())),
    ("take_along_dim", take_along_dim),
    ("masked_fill", |call| {
        let (mask, value) = (call.tensor("mask")?, call.side("value")?);
        Ok(call.var("input")?.masked_fill(&mask, value).into())
    }),
    ("nn.functional.embedding", embedding),
];

fn scatter(call: &Call) -> Answer {
    let (x, axis, index) = (call.var("input")?, call.int("dim")?, call.tensor("index")?);
    if call.has("reduce") {
        return Err(Unsupported("reduce is a function of its own: scatter_reduce".into()));
    }
    let source = if call.has("src") { call.side("src")? } else { call.side("value")? };
    Ok(x.scatter(axis, &index, source).into())
}

fn index_add(call: &Call) -> Answer {
    let (x, index, source) = (call.var("input")?, call.tensor("index")?, call.var("source")?);
    let source = source * call.float_or("alpha", 1.0)?;
    let index = index.reshape([index.len()]);
    let added = x.atleast_1d().index_add(call.int("dim")?, &index, &source.atleast_1d());
    Ok(if x.rank() == 0 { added.reshape([]) } else { added }.into())
}

fn take_along_dim(call: &Call) -> Answer {
    let (x, index) = (call.var("input")?, call.tensor("indices")?);
    Ok(match call.has("dim") {
        true => x.take_along_dim(&index, call.int("dim")?),
        false => x.take(&index.reshape([index.len()])),
    }
    .into())
}

fn embedding(call: &Call) -> Answer {
    let (index, table): (Tensor, Var) = (call.tensor("input")?, call.var("weight")?);
    let padding = if call.has("padding_idx") { Some(call.int("padding_idx")?) } else { None };
    let options = Embeddings { padding, mean_gradient: call.flag_or("scale_grad_by_freq", false)? };
    Ok(table.embedding_with(&index, options).into())
}
