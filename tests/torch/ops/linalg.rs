//! Linear algebra.

use chainrule::{MatrixNorm, Tensor, Var};

use super::Table;
use crate::call::{Answer, Call, Unsupported};

pub const OPS: Table = &[
    ("linalg.inv", |call| Ok(call.var("A")?.inv().into())),
    ("linalg.det", |call| Ok(call.var("A")?.det().into())),
    ("linalg.slogdet", |call| {
        let (sign, log) = call.var("A")?.slogdet();
        Ok((Var::constant(sign), log).into())
    }),
    ("logdet", |call| Ok(call.var("input")?.logdet().into())),
    ("linalg.solve", |call| {
        let (a, b) = (call.var("A")?, call.var("B")?);
        Ok(if call.flag_or("left", true)? { a.solve(&b) } else { a.solve_right(&b) }.into())
    }),
    ("linalg.solve_triangular", |call| {
        let (left, unit) = (call.flag_or("left", true)?, call.flag_or("unitriangular", false)?);
        let (a, b, upper) = (call.var("input")?, call.var("B")?, call.flag_or("upper", false)?);
        Ok(a.solve_triangular_with(&b, upper, left, unit).into())
    }),
    ("linalg.cholesky", |call| {
        let a = call.var(if call.has("A") { "A" } else { "input" })?;
        Ok(if call.flag_or("upper", false)? { a.t().cholesky().t() } else { a.cholesky() }.into())
    }),
    ("cholesky_solve", |call| {
        Ok(call.var("input")?.cholesky_solve(&call.var("input2")?, call.flag_or("upper", false)?).into())
    }),
    ("cholesky_inverse", |call| Ok(call.var("input")?.cholesky_inverse(call.flag_or("upper", false)?).into())),
    ("linalg.qr", |call| match (call.var("A")?, call.text_or("mode", "reduced")?) {
        (a, "reduced") => Ok(a.qr().into()),
        (a, "complete") => Ok(a.qr_complete().into()),
        (a, "r") => {
            let (_, r) = a.qr();
            Ok((Var::constant(Tensor::zeros([0], a.dtype())), r).into())
        }
        (_, mode) => Err(Unsupported(format!("the mode {mode:?}"))),
    }),
    ("linalg.svd", |call| Ok(call.var("A")?.svd(call.flag_or("full_matrices", true)?).into())),
    ("linalg.svdvals", |call| Ok(call.var("A")?.svdvals().into())),
    ("linalg.eigh", |call| Ok(triangle_read(call)?.eigh().into())),
    ("linalg.eigvalsh", |call| Ok(triangle_read(call)?.eigvalsh().into())),
    ("linalg.lstsq", lstsq),
    ("linalg.pinv", |call| {
        let rtol = if call.is_tensor("rtol") { Some(call.tensor("rtol")?.item()) } else { call.maybe_float("rtol")? };
        let a = call.var(if call.has("A") { "A" } else { "input" })?;
        Ok(a.pinv_with(rtol, call.flag_or("hermitian", false)?).into())
    }),
    ("linalg.matrix_rank", |call| Ok(call.var("A")?.matrix_rank(call.maybe_float("rtol")?).into())),
    ("linalg.matrix_power", |call| {
        let a = call.var(if call.has("A") { "A" } else { "input" })?;
        Ok(a.matrix_power(call.int("n")? as i64).into())
    }),
    ("linalg.matrix_exp", |call| Ok(call.var("input")?.matrix_exp().into())),
    ("linalg.tensorsolve", |call| Ok(call.var("A")?.tensorsolve(&call.var("B")?).into())),
    ("linalg.tensorinv", |call| Ok(call.var("A")?.tensorinv(call.int_or("ind", 2)? as usize).into())),
    ("linalg.householder_product", |call| Ok(call.var("A")?.householder_product(&call.var("tau")?).into())),
    ("linalg.matrix_norm", |call| {
        let x = call.var(if call.has("A") { "A" } else { "input" })?;
        let axes = if call.has("dim") { call.ints("dim")? } else { vec![-2, -1] };
        matrix(&x, order(call, "ord", "fro")?, &axes, call.flag_or("keepdim", false)?)
    }),
    ("linalg.norm", |call| norm(call, "ord", None)),
    ("norm", |call| norm(call, "p", Some("fro"))),
];

/// The matrix whose lower triangle is the one that is read.
fn triangle_read(call: &Call) -> Result<Var, Unsupported> {
    let a = call.var(if call.has("A") { "A" } else { "input" })?;
    Ok(if call.text_or("UPLO", "L")?.eq_ignore_ascii_case("U") { a.t() } else { a })
}

/// The driver says how; but `gelsy` gives no residuals, and `gels` takes full rank for granted.
fn lstsq(call: &Call) -> Answer {
    let driver = call.text_or("driver", "gelsy")?;
    let (x, residuals) = call.var("input")?.lstsq(&call.var("b")?, call.maybe_float("rcond")?);
    let none = Var::constant(Tensor::zeros([0], x.dtype()));
    Ok((x, if driver == "gelsy" { none } else { residuals }).into())
}

/// The order of a norm: a name or a number.
enum Order<'a> {
    Name(&'a str),
    Number(f64),
}

fn order<'a>(call: &Call<'a>, name: &str, default: &'a str) -> Result<Order<'a>, Unsupported> {
    match call.is_text(name) || !call.has(name) {
        true => Ok(Order::Name(call.text_or(name, default)?)),
        false => Ok(Order::Number(call.float(name)?)),
    }
}

fn matrix(x: &Var, order: Order, axes: &[isize], keep: bool) -> Answer {
    let norm = match order {
        Order::Name("fro") => MatrixNorm::Fro,
        Order::Name("nuc") => MatrixNorm::Nuc,
        Order::Number(f64::INFINITY) => MatrixNorm::Inf,
        Order::Number(f64::NEG_INFINITY) => MatrixNorm::NegInf,
        Order::Number(1.0) => MatrixNorm::One,
        Order::Number(-1.0) => MatrixNorm::NegOne,
        Order::Number(2.0) => MatrixNorm::Two,
        Order::Number(-2.0) => MatrixNorm::NegTwo,
        Order::Name(name) => return Err(Unsupported(format!("the matrix norm {name:?}"))),
        Order::Number(p) => return Err(Unsupported(format!("the matrix norm {p}"))),
    };
    Ok(x.matrix_norm(norm, [axes[0], axes[1]], keep).into())
}

/// `linalg.norm` and the older `norm`: the latter takes numbers for vector norms whatever the axes.
fn norm(call: &Call, name: &str, default: Option<&'static str>) -> Answer {
    let x = call.var(if call.has("A") { "A" } else { "input" })?;
    let (axes, keep) = (call.ints_or_none("dim")?, call.flag_or("keepdim", false)?);
    let old = default.is_some();
    if !call.has(name) {
        return Ok(x.norm(&axes, keep).into());
    }
    let as_matrix = axes.len() == 2 || axes.is_empty() && x.rank() == 2;
    match order(call, name, "fro")? {
        Order::Name("fro") if old => Ok(x.norm(&axes, keep).into()),
        Order::Name("nuc") if old && axes.is_empty() => matrix(&x, Order::Name("nuc"), &[-2, -1], keep),
        order @ Order::Name(_) => matrix(&x, order, if axes.is_empty() { &[-2, -1] } else { &axes }, keep),
        order @ Order::Number(_) if !old && as_matrix => {
            matrix(&x, order, if axes.is_empty() { &[-2, -1] } else { &axes }, keep)
        }
        Order::Number(p) => Ok(x.vector_norm(p, &axes, keep).into()),
    }
}
