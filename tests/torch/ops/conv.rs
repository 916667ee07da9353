//! Convolution, its transpose, and windows as columns.

use chainrule::{Var, Window};

use super::Table;
use crate::call::{Answer, Call, Unsupported};

pub const OPS: Table = &[
    ("nn.functional.conv1d", |call| conv(call, 1)),
    ("nn.functional.conv2d", |call| conv(call, 2)),
    ("nn.functional.conv3d", |call| conv(call, 3)),
    ("nn.functional.conv_transpose1d", |call| conv_transpose(call, 1)),
    ("nn.functional.conv_transpose2d", |call| conv_transpose(call, 2)),
    ("nn.functional.conv_transpose3d", |call| conv_transpose(call, 3)),
    ("nn.functional.unfold", |call| {
        Ok(call.var("input")?.im2col(&call.sizes_or("kernel_size", 2, 1)?, &window(call, 2)?).into())
    }),
    ("nn.functional.fold", |call| {
        let [output, kernel] = [call.sizes_or("output_size", 2, 1)?, call.sizes_or("kernel_size", 2, 1)?];
        Ok(call.var("input")?.col2im(&output, &kernel, &window(call, 2)?).into())
    }),
];

fn strides(call: &Call, rank: usize) -> Result<Window, Unsupported> {
    let groups = call.int_or("groups", 1)? as usize;
    let window = Window::new(rank).stride(&call.sizes_or("stride", rank, 1)?);
    Ok(window.dilation(&call.sizes_or("dilation", rank, 1)?).groups(groups))
}

fn window(call: &Call, rank: usize) -> Result<Window, Unsupported> {
    Ok(strides(call, rank)?.padding(&call.sizes_or("padding", rank, 0)?))
}

fn operands(call: &Call) -> Result<(Var, Var, Option<Var>), Unsupported> {
    Ok((call.var("input")?, call.var("weight")?, call.maybe_var("bias")?))
}

fn conv(call: &Call, rank: usize) -> Answer {
    let (x, weight, bias) = operands(call)?;
    let bias = bias.as_ref();
    if !call.is_text("padding") {
        return Ok(x.conv(&weight, bias, &window(call, rank)?).into());
    }
    let window = strides(call, rank)?;
    match call.text("padding")? {
        "same" => Ok(x.conv_same(&weight, bias, &window).into()),
        "valid" => Ok(x.conv(&weight, bias, &window).into()),
        other => Err(Unsupported(format!("padding {other:?}"))),
    }
}

fn conv_transpose(call: &Call, rank: usize) -> Answer {
    let (x, weight, bias) = operands(call)?;
    let output_padding = call.sizes_or("output_padding", rank, 0)?;
    Ok(x.conv_transpose(&weight, bias.as_ref(), &window(call, rank)?, &output_padding).into())
}
