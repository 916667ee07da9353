//! Other resolutions, and reading at given places.

use chainrule::ops::grid_sample::{GridSample, Outside, Sampling};
use chainrule::{Interpolation, Resize};

use super::Table;
use crate::call::{Answer, Call, Unsupported};

pub const OPS: Table = &[
    ("nn.functional.interpolate", |call| {
        let mode = match call.text_or("mode", "nearest")? {
            "nearest" => Interpolation::Nearest,
            "nearest-exact" => Interpolation::NearestExact,
            "linear" | "bilinear" | "trilinear" => Interpolation::Linear,
            "bicubic" => Interpolation::Cubic,
            "area" => Interpolation::Area,
            other => return Err(Unsupported(format!("mode {other:?}"))),
        };
        interpolate(call, mode, call.flag_or("align_corners", false)?)
    }),
    ("nn.functional.upsample_nearest", |call| interpolate(call, Interpolation::Nearest, false)),
    ("nn.functional.upsample_bilinear", |call| interpolate(call, Interpolation::Linear, true)),
    ("nn.functional.grid_sample", |call| {
        let mode = match call.text_or("mode", "bilinear")? {
            "bilinear" => Sampling::Linear,
            "nearest" => Sampling::Nearest,
            "bicubic" => Sampling::Cubic,
            other => return Err(Unsupported(format!("mode {other:?}"))),
        };
        let outside = match call.text_or("padding_mode", "zeros")? {
            "zeros" => Outside::Zeros,
            "border" => Outside::Border,
            "reflection" => Outside::Reflection,
            other => return Err(Unsupported(format!("padding_mode {other:?}"))),
        };
        let options = GridSample { mode, outside, align_corners: call.flag_or("align_corners", false)? };
        Ok(call.var("input")?.grid_sample_with(&call.var("grid")?, &options).into())
    }),
    ("nn.functional.affine_grid", |call| {
        let size: Vec<usize> = call.ints("size")?.iter().map(|&n| n as usize).collect();
        Ok(call.var("theta")?.affine_grid(&size, call.flag_or("align_corners", false)?).into())
    }),
];

fn interpolate(call: &Call, mode: Interpolation, align_corners: bool) -> Answer {
    let size: Vec<usize> = call.ints_or_none("size")?.iter().map(|&n| n as usize).collect();
    let resize = match call.has("scale_factor") {
        true => Resize::by(&call.floats("scale_factor")?),
        false => Resize::to(&size),
    };
    let resize = resize.mode(mode).align_corners(align_corners).antialias(call.flag_or("antialias", false)?);
    let resize = resize.recompute_scale_factor(call.flag_or("recompute_scale_factor", false)?);
    Ok(call.var("input")?.interpolate(&resize).into())
}
