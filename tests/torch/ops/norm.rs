//! Normalisation, and likeness of vectors.

use chainrule::{DType, Tensor, Var};

use super::Table;
use crate::call::{Answer, Call, Outputs, Unsupported};

pub const OPS: Table = &[
    ("nn.functional.layer_norm", |call| {
        let Parameters { x, weight, bias, eps } = parameters(call)?;
        Ok(x.layer_norm(&shape(call)?, weight.as_ref(), bias.as_ref(), eps).into())
    }),
    ("nn.functional.rms_norm", |call| {
        let x = call.var("input")?;
        let smallest = if x.dtype() == DType::F64 { f64::EPSILON } else { f64::from(f32::EPSILON) };
        Ok(x.rms_norm(&shape(call)?, call.maybe_var("weight")?.as_ref(), call.float_or("eps", smallest)?).into())
    }),
    ("nn.functional.group_norm", |call| {
        let Parameters { x, weight, bias, eps } = parameters(call)?;
        Ok(x.group_norm(call.int("num_groups")? as usize, weight.as_ref(), bias.as_ref(), eps).into())
    }),
    ("nn.functional.batch_norm", |call| {
        let training = call.flag_or("training", false)?;
        per_channel(call, training, Var::batch_norm, Var::batch_norm_training, Var::batch_norm_with)
    }),
    ("nn.functional.instance_norm", |call| {
        let training = call.flag_or("use_input_stats", true)?;
        per_channel(call, training, Var::instance_norm, Var::instance_norm_training, Var::instance_norm_with)
    }),
    ("nn.functional.local_response_norm", |call| {
        let (alpha, beta, k) = (call.float_or("alpha", 1e-4)?, call.float_or("beta", 0.75)?, call.float_or("k", 1.0)?);
        Ok(call.var("input")?.local_response_norm(call.int("size")? as usize, alpha, beta, k).into())
    }),
    ("nn.functional.normalize", |call| {
        let (p, axis, eps) = (call.float_or("p", 2.0)?, call.int_or("dim", 1)?, call.float_or("eps", 1e-12)?);
        Ok(call.var("input")?.normalize(p, axis, eps).into())
    }),
    ("nn.functional.cosine_similarity", |call| {
        let (axis, eps) = (call.int_or("dim", 1)?, call.float_or("eps", 1e-8)?);
        Ok(call.var("x1")?.cosine_similarity(&call.var("x2")?, axis, eps).into())
    }),
];

struct Parameters {
    x: Var,
    weight: Option<Var>,
    bias: Option<Var>,
    eps: f64,
}

fn parameters(call: &Call) -> Result<Parameters, Unsupported> {
    Ok(Parameters {
        x: call.var("input")?,
        weight: call.maybe_var("weight")?,
        bias: call.maybe_var("bias")?,
        eps: call.float_or("eps", 1e-5)?,
    })
}

fn shape(call: &Call) -> Result<Vec<usize>, Unsupported> {
    Ok(call.ints("normalized_shape")?.iter().map(|&n| n as usize).collect())
}

type Plain = fn(&Var, Option<&Var>, Option<&Var>, f64) -> Var;
type Training = fn(&Var, [&Tensor; 2], f64, Option<&Var>, Option<&Var>, f64) -> (Var, [Tensor; 2]);
type Inference = fn(&Var, [&Var; 2], Option<&Var>, Option<&Var>, f64) -> Var;

/// With the input's statistics, which running ones follow if there are any, or with the running ones.
fn per_channel(call: &Call, training: bool, plain: Plain, following: Training, given: Inference) -> Answer {
    let Parameters { x, weight, bias, eps } = parameters(call)?;
    let (weight, bias) = (weight.as_ref(), bias.as_ref());
    let momentum = call.float_or("momentum", 0.1)?;
    let running = (call.maybe_var("running_mean")?, call.maybe_var("running_var")?);
    match running {
        (Some(mean), Some(variance)) if training => {
            let (y, [mean, variance]) = following(&x, [mean.value(), variance.value()], momentum, weight, bias, eps);
            Ok(Outputs::from(y).mutating("running_mean", mean).mutating("running_var", variance))
        }
        (Some(mean), Some(variance)) => Ok(given(&x, [&mean, &variance], weight, bias, eps).into()),
        _ => Ok(plain(&x, weight, bias, eps).into()),
    }
}
