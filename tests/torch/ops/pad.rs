//! Padding.

use chainrule::ops::pad::Padding;

use super::Table;
use crate::call::{Answer, Call, Unsupported};

pub const OPS: Table = &[("nn.functional.pad", pad)];

/// PyTorch's pairs start at the last axis.
fn pad(call: &Call) -> Answer {
    let pairs: Vec<(isize, isize)> = call.ints("pad")?.chunks(2).rev().map(|pair| (pair[0], pair[1])).collect();
    let padding = match call.text_or("mode", "constant")? {
        "constant" => Padding::Constant(call.float_or("value", 0.0)?),
        "reflect" => Padding::Reflect,
        "replicate" => Padding::Replicate,
        "circular" => Padding::Circular,
        other => return Err(Unsupported(format!("the mode {other}"))),
    };
    Ok(call.var("input")?.pad_with(&pairs, padding).into())
}
