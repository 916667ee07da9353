//! Pooling: of windows, to a given size, and undone.

use chainrule::{Tensor, Var, Window};

use super::Table;
use crate::call::{Answer, Call, Unsupported};

pub const OPS: Table = &[
    ("nn.functional.max_pool1d", |call| max_pool(call, 1)),
    ("nn.functional.max_pool2d", |call| max_pool(call, 2)),
    ("nn.functional.max_pool3d", |call| max_pool(call, 3)),
    ("nn.functional.avg_pool1d", |call| avg_pool(call, 1)),
    ("nn.functional.avg_pool2d", |call| avg_pool(call, 2)),
    ("nn.functional.avg_pool3d", |call| avg_pool(call, 3)),
    ("nn.functional.lp_pool1d", |call| lp_pool(call, 1)),
    ("nn.functional.lp_pool2d", |call| lp_pool(call, 2)),
    ("nn.functional.lp_pool3d", |call| lp_pool(call, 3)),
    ("nn.functional.adaptive_avg_pool1d", |call| adaptive_avg_pool(call, 1)),
    ("nn.functional.adaptive_avg_pool2d", |call| adaptive_avg_pool(call, 2)),
    ("nn.functional.adaptive_avg_pool3d", |call| adaptive_avg_pool(call, 3)),
    ("nn.functional.adaptive_max_pool1d", |call| adaptive_max_pool(call, 1)),
    ("nn.functional.adaptive_max_pool2d", |call| adaptive_max_pool(call, 2)),
    ("nn.functional.adaptive_max_pool3d", |call| adaptive_max_pool(call, 3)),
    ("nn.functional.max_unpool1d", |call| max_unpool(call, 1)),
    ("nn.functional.max_unpool2d", |call| max_unpool(call, 2)),
    ("nn.functional.max_unpool3d", |call| max_unpool(call, 3)),
];

/// The window's lengths, and how it moves: by its lengths, unless a stride is given.
fn windows(call: &Call, rank: usize) -> Result<(Vec<usize>, Window), Unsupported> {
    let kernel = call.sizes_or("kernel_size", rank, 1)?;
    let stride =
        if call.ints_or_none("stride")?.is_empty() { kernel.clone() } else { call.sizes_or("stride", rank, 1)? };
    let window = Window::new(rank).stride(&stride).padding(&call.sizes_or("padding", rank, 0)?);
    Ok((kernel, window.ceil_mode(call.flag_or("ceil_mode", false)?)))
}

fn with_indices(call: &Call, (values, indices): (Var, Tensor)) -> Answer {
    Ok(if call.flag_or("return_indices", false)? { (values, indices).into() } else { values.into() })
}

fn max_pool(call: &Call, rank: usize) -> Answer {
    let (kernel, window) = windows(call, rank)?;
    let window = window.dilation(&call.sizes_or("dilation", rank, 1)?);
    with_indices(call, call.var("input")?.max_pool_with_indices(&kernel, &window))
}

fn avg_pool(call: &Call, rank: usize) -> Answer {
    let (x, (kernel, window)) = (call.var("input")?, windows(call, rank)?);
    let count_padding = call.flag_or("count_include_pad", true)?;
    Ok(match call.maybe_float("divisor_override")? {
        Some(divisor) => (x.sum_pool(&kernel, &window) / divisor).into(),
        None => x.avg_pool(&kernel, &window, count_padding).into(),
    })
}

fn lp_pool(call: &Call, rank: usize) -> Answer {
    let (kernel, window) = windows(call, rank)?;
    Ok(call.var("input")?.lp_pool(call.float("norm_type")?, &kernel, &window).into())
}

/// The output's lengths; what is not given stays as it is.
fn output(call: &Call, x: &Var, rank: usize) -> Result<Vec<usize>, Unsupported> {
    let given = call.maybe_ints("output_size")?;
    let spatial = &x.shape()[x.rank() - rank..];
    Ok((0..rank).map(|i| given[i % given.len()].map_or(spatial[i], |n| n as usize)).collect())
}

fn adaptive_avg_pool(call: &Call, rank: usize) -> Answer {
    let x = call.var("input")?;
    Ok(x.adaptive_avg_pool(&output(call, &x, rank)?).into())
}

fn adaptive_max_pool(call: &Call, rank: usize) -> Answer {
    let x = call.var("input")?;
    with_indices(call, x.adaptive_max_pool_with_indices(&output(call, &x, rank)?))
}

fn max_unpool(call: &Call, rank: usize) -> Answer {
    let (x, (kernel, window)) = (call.var("input")?, windows(call, rank)?);
    let spatial = &x.shape()[x.rank() - rank..];
    let natural = (0..rank).map(|i| (spatial[i] - 1) * window.stride[i] + kernel[i] - 2 * window.padding[i]);
    let output: Vec<usize> = match call.ints_or_none("output_size")?.as_slice() {
        [] => natural.collect(),
        given => given[given.len() - rank..].iter().map(|&n| n as usize).collect(),
    };
    Ok(x.max_unpool(&call.tensor("indices")?, &output).into())
}
