//! Other shapes, joins, cuts, and numbers at other places.

use chainrule::Var;

use super::Table;
use crate::call::{Answer, Call, Unsupported};

pub const OPS: Table = &[
    ("reshape", |call| Ok(call.var("input")?.view(&call.ints("shape")?).into())),
    ("view", |call| Ok(call.var("input")?.view(&call.ints("size")?).into())),
    ("ravel", |call| Ok(call.var("input")?.ravel().into())),
    ("flatten", |call| {
        Ok(call.var("input")?.flatten(call.int_or("start_dim", 0)?, call.int_or("end_dim", -1)?).into())
    }),
    ("unflatten", |call| Ok(call.var("input")?.unflatten(call.int("dim")?, &call.ints("sizes")?).into())),
    ("permute", |call| Ok(call.var("input")?.permute(&call.ints("dims")?).into())),
    ("transpose", |call| Ok(call.var("input")?.transpose(call.int("dim0")?, call.int("dim1")?).into())),
    ("movedim", |call| Ok(call.var("input")?.movedim(&call.ints("source")?, &call.ints("destination")?).into())),
    ("squeeze", squeeze),
    ("unsqueeze", |call| Ok(call.var("input")?.unsqueeze(call.int("dim")?).into())),
    ("expand", |call| Ok(call.var("input")?.expand(&call.ints("size")?).into())),
    ("broadcast_to", |call| Ok(call.var("input")?.expand(&call.ints("size")?).into())),
    ("cat", |call| joined(call, Var::cat)),
    ("stack", |call| joined(call, Var::stack)),
    ("split", split),
    ("chunk", |call| Ok(call.var("input")?.chunk(call.int("chunks")? as usize, call.int_or("dim", 0)?).into())),
    ("narrow", narrow),
    ("select", |call| Ok(call.var("input")?.select(call.int("dim")?, call.int("index")?).into())),
    ("flip", |call| Ok(call.var("input")?.flip(&call.ints("dims")?).into())),
    ("roll", |call| Ok(call.var("input")?.roll(&call.ints("shifts")?, &call.ints_or_none("dims")?).into())),
    ("rot90", |call| {
        let dims = if call.has("dims") { call.ints("dims")? } else { vec![0, 1] };
        Ok(call.var("input")?.rot90(call.int_or("k", 1)?, dims[0], dims[1]).into())
    }),
    ("repeat", |call| Ok(call.var("input")?.repeat(&counts(call, "repeats")?).into())),
    ("tile", |call| Ok(call.var("input")?.tile(&counts(call, "dims")?).into())),
    ("repeat_interleave", repeat_interleave),
    ("unfold", |call| {
        let (size, step) = (call.int("size")? as usize, call.int("step")? as usize);
        Ok(call.var("input")?.unfold(call.int("dimension")?, size, step).into())
    }),
    ("kron", |call| Ok(call.var("input")?.kron(&call.var("other")?).into())),
    ("nn.functional.pixel_shuffle", |call| {
        Ok(call.var("input")?.pixel_shuffle(call.int("upscale_factor")? as usize).into())
    }),
];

fn counts(call: &Call, name: &str) -> Result<Vec<usize>, Unsupported> {
    Ok(call.ints(name)?.iter().map(|&n| n as usize).collect())
}

/// No axes named, and `dim` not given, are two things in PyTorch.
fn squeeze(call: &Call) -> Answer {
    let (x, axes) = (call.var("input")?, call.ints_or_none("dim")?);
    Ok(if call.has("dim") && axes.is_empty() { x } else { x.squeeze(&axes) }.into())
}

fn joined(call: &Call, join: fn(&[&Var], isize) -> Var) -> Answer {
    let parts = call.vars("tensors")?;
    Ok(join(&parts.iter().collect::<Vec<_>>(), call.int_or("dim", 0)?).into())
}

fn split(call: &Call) -> Answer {
    let (x, axis) = (call.var("tensor")?, call.int_or("dim", 0)?);
    Ok(match call.is_number("split_size_or_sections") {
        true => x.split(call.int("split_size_or_sections")? as usize, axis),
        false => x.split_with_sizes(&counts(call, "split_size_or_sections")?, axis),
    }
    .into())
}

/// The start may be a tensor, and count from the end.
fn narrow(call: &Call) -> Answer {
    let (x, axis) = (call.var("input")?, call.int("dim")?);
    let start = match call.is_tensor("start") {
        true => call.tensor("start")?.item() as isize,
        false => call.int("start")?,
    };
    let start = if start < 0 { start + x.size(axis) as isize } else { start };
    Ok(x.narrow(axis, start as usize, call.int("length")? as usize).into())
}

/// Without `dim`, of all elements in a row.
fn repeat_interleave(call: &Call) -> Answer {
    let mut x = call.var("input")?;
    if !call.has("dim") {
        x = x.ravel();
    }
    let axis = call.int_or("dim", 0)?;
    if !call.is_tensor("repeats") {
        return Ok(x.repeat_interleave(call.int("repeats")? as usize, axis).into());
    }
    let mut times = call.tensor("repeats")?;
    if times.len() == 1 {
        times = times.reshape([1]).broadcast_to([x.size(axis)]);
    }
    Ok(x.repeat_interleave_each(&times, axis).into())
}
