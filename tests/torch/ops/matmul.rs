//! Products of vectors and matrices.

use chainrule::Var;

use super::Table;
use crate::call::{Answer, Call, Unsupported};

pub const OPS: Table = &[
    ("matmul", |call| Ok(call.var("input")?.matmul(&call.var("other")?).into())),
    ("mm", |call| Ok(call.var("input")?.mm(&call.var("mat2")?).into())),
    ("bmm", |call| Ok(call.var("input")?.bmm(&call.var("mat2")?).into())),
    ("mv", |call| Ok(call.var("input")?.mv(&call.var("vec")?).into())),
    ("dot", |call| Ok(call.var("input")?.dot(&call.var("tensor")?).into())),
    ("outer", |call| Ok(call.var("input")?.outer(&call.var("vec2")?).into())),
    ("addmm", |call| plus_product(call, ["mat1", "mat2"], Var::addmm_with)),
    ("addmv", |call| plus_product(call, ["mat", "vec"], Var::addmv_with)),
    ("addr", |call| plus_product(call, ["vec1", "vec2"], Var::addr_with)),
    ("baddbmm", |call| plus_product(call, ["batch1", "batch2"], Var::baddbmm_with)),
    ("addbmm", |call| plus_product(call, ["batch1", "batch2"], Var::addbmm_with)),
    ("nn.functional.linear", |call| {
        let bias = call.maybe_var("bias")?;
        Ok(call.var("input")?.linear(&call.var("weight")?, bias.as_ref()).into())
    }),
    ("nn.functional.bilinear", |call| {
        let bias = call.maybe_var("bias")?;
        let (x, y, weight) = (call.var("input1")?, call.var("input2")?, call.var("weight")?);
        Ok(x.bilinear(&y, &weight, bias.as_ref()).into())
    }),
    ("linalg.multi_dot", |call| Ok(Var::multi_dot(&call.vars("tensors")?.iter().collect::<Vec<_>>()).into())),
    ("cross", cross),
    ("linalg.cross", |call| {
        let (a, b) = (call.var("input")?, call.var("other")?);
        Ok(a.cross(&b, call.int_or("dim", -1)?).into())
    }),
    ("linalg.vecdot", |call| Ok(call.var("x")?.vecdot(&call.var("y")?, call.int_or("dim", -1)?).into())),
    ("cdist", |call| {
        call.text_or("compute_mode", "")?; // how, and not what
        Ok(call.var("x1")?.cdist(&call.var("x2")?, call.float_or("p", 2.0)?).into())
    }),
];

fn plus_product(call: &Call, [a, b]: [&str; 2], f: fn(&Var, &Var, &Var, f64, f64) -> Var) -> Answer {
    let (beta, alpha) = (call.float_or("beta", 1.0)?, call.float_or("alpha", 1.0)?);
    Ok(f(&call.var("input")?, &call.var(a)?, &call.var(b)?, beta, alpha).into())
}

/// Without `dim`, along the first axis of length 3.
fn cross(call: &Call) -> Answer {
    let (a, b) = (call.var("input")?, call.var("other")?);
    let first = || a.shape().iter().position(|&n| n == 3).map(|axis| axis as isize);
    let axis = if call.has("dim") { Some(call.int("dim")?) } else { first() };
    let axis = axis.ok_or_else(|| Unsupported("no axis has length 3".into()))?;
    Ok(a.cross(&b, axis).into())
}
