//! Losses.

use chainrule::Var;
use chainrule::ops::loss::{
    BinaryCrossEntropy, CrossEntropy, Ctc, GaussianNll, KlDiv, MultiMargin, Nll, PoissonNll, Reduce, Triplet,
};

use super::Table;
use crate::call::{Answer, Call, Unsupported};

pub const OPS: Table = &[
    ("nn.functional.mse_loss", |call| distance(call, Var::mse_loss_with)),
    ("nn.functional.l1_loss", |call| distance(call, Var::l1_loss_with)),
    ("nn.functional.soft_margin_loss", |call| distance(call, Var::soft_margin_loss_with)),
    ("nn.functional.smooth_l1_loss", |call| {
        let (beta, reduce) = (call.float_or("beta", 1.0)?, reduce(call)?);
        Ok(call.var("input")?.smooth_l1_loss_with(&call.var("target")?, beta, reduce).into())
    }),
    ("nn.functional.huber_loss", |call| {
        let (delta, reduce) = (call.float_or("delta", 1.0)?, reduce(call)?);
        Ok(call.var("input")?.huber_loss_with(&call.var("target")?, delta, reduce).into())
    }),
    ("nn.functional.cross_entropy", cross_entropy),
    ("nn.functional.nll_loss", |call| {
        let options = Nll { reduce: reduce(call)?, weight: call.maybe_tensor("weight")?, ignore_index: ignored(call)? };
        Ok(call.var("input")?.nll_loss_with(&call.tensor("target")?, &options).into())
    }),
    ("nn.functional.binary_cross_entropy", |call| {
        Ok(call.var("input")?.binary_cross_entropy_with(&call.var("target")?, &binary(call)?).into())
    }),
    ("nn.functional.binary_cross_entropy_with_logits", |call| {
        let options = BinaryCrossEntropy { pos_weight: call.maybe_tensor("pos_weight")?, ..binary(call)? };
        Ok(call.var("input")?.binary_cross_entropy_with_logits_with(&call.var("target")?, &options).into())
    }),
    ("nn.functional.multilabel_soft_margin_loss", |call| {
        Ok(call.var("input")?.multilabel_soft_margin_loss_with(&call.var("target")?, &binary(call)?).into())
    }),
    ("nn.functional.kl_div", |call| {
        let options = KlDiv { reduce: reduce(call)?, log_target: call.flag_or("log_target", false)? };
        Ok(call.var("input")?.kl_div_with(&call.var("target")?, &options).into())
    }),
    ("nn.functional.poisson_nll_loss", |call| {
        let (log_input, full) = (call.flag_or("log_input", true)?, call.flag_or("full", false)?);
        let options = PoissonNll { reduce: reduce(call)?, log_input, full, eps: call.float_or("eps", 1e-8)? };
        Ok(call.var("input")?.poisson_nll_loss_with(&call.var("target")?, &options).into())
    }),
    ("nn.functional.gaussian_nll_loss", |call| {
        let (full, eps) = (call.flag_or("full", false)?, call.float_or("eps", 1e-6)?);
        let options = GaussianNll { reduce: reduce(call)?, full, eps };
        Ok(call.var("input")?.gaussian_nll_loss_with(&call.var("target")?, &call.var("var")?, &options).into())
    }),
    ("nn.functional.hinge_embedding_loss", |call| {
        let (margin, reduce) = (call.float_or("margin", 1.0)?, reduce(call)?);
        Ok(call.var("input")?.hinge_embedding_loss_with(&call.tensor("target")?, margin, reduce).into())
    }),
    ("nn.functional.margin_ranking_loss", |call| {
        let (margin, reduce) = (call.float_or("margin", 0.0)?, reduce(call)?);
        let (x, y) = (call.var("input1")?, call.var("input2")?);
        Ok(x.margin_ranking_loss_with(&y, &call.var("target")?, margin, reduce).into())
    }),
    ("nn.functional.cosine_embedding_loss", |call| {
        let (margin, reduce) = (call.float_or("margin", 0.0)?, reduce(call)?);
        let (x, y) = (call.var("input1")?, call.var("input2")?);
        Ok(x.cosine_embedding_loss_with(&y, &call.tensor("target")?, margin, reduce).into())
    }),
    ("nn.functional.triplet_margin_loss", |call| {
        let (margin, p, eps) = (call.float_or("margin", 1.0)?, call.float_or("p", 2.0)?, call.float_or("eps", 1e-6)?);
        let options = Triplet { reduce: reduce(call)?, margin, p, eps, swap: call.flag_or("swap", false)? };
        let (positive, negative) = (call.var("positive")?, call.var("negative")?);
        Ok(call.var("anchor")?.triplet_margin_loss_with(&positive, &negative, &options).into())
    }),
    ("nn.functional.multi_margin_loss", |call| {
        let (p, margin) = (call.int_or("p", 1)? as u32, call.float_or("margin", 1.0)?);
        let options = MultiMargin { reduce: reduce(call)?, p, margin, weight: call.maybe_tensor("weight")? };
        Ok(call.var("input")?.multi_margin_loss_with(&call.tensor("target")?, &options).into())
    }),
    ("nn.functional.multilabel_margin_loss", |call| {
        Ok(call.var("input")?.multilabel_margin_loss_with(&call.tensor("target")?, reduce(call)?).into())
    }),
    ("nn.functional.ctc_loss", |call| {
        let (blank, zero_infinity) = (call.int_or("blank", 0)? as usize, call.flag_or("zero_infinity", false)?);
        let options = Ctc { reduce: reduce(call)?, blank, zero_infinity };
        let (steps, lengths) = (lengths(call, "input_lengths")?, lengths(call, "target_lengths")?);
        Ok(call.var("log_probs")?.ctc_loss_with(&call.tensor("targets")?, &steps, &lengths, &options).into())
    }),
];

fn reduce(call: &Call) -> Result<Reduce, Unsupported> {
    match call.text_or("reduction", "mean")? {
        "mean" => Ok(Reduce::Mean),
        "sum" => Ok(Reduce::Sum),
        "none" => Ok(Reduce::None),
        "batchmean" => Ok(Reduce::BatchMean),
        other => Err(Unsupported(format!("the reduction {other}"))),
    }
}

fn distance(call: &Call, f: fn(&Var, &Var, Reduce) -> Var) -> Answer {
    Ok(f(&call.var("input")?, &call.var("target")?, reduce(call)?).into())
}

fn ignored(call: &Call) -> Result<Option<i64>, Unsupported> {
    Ok(Some(call.int_or("ignore_index", -100)? as i64))
}

fn binary(call: &Call) -> Result<BinaryCrossEntropy, Unsupported> {
    Ok(BinaryCrossEntropy { reduce: reduce(call)?, weight: call.maybe_tensor("weight")?, pos_weight: None })
}

/// The target is a tensor of classes, or of probabilities, of which none can be ignored.
fn cross_entropy(call: &Call) -> Answer {
    let (x, labels) = (call.var("input")?, call.tensor("target")?);
    let ignore_index = ignored(call)?;
    let options = CrossEntropy {
        reduce: reduce(call)?,
        weight: call.maybe_tensor("weight")?,
        ignore_index: ignore_index.filter(|_| !labels.dtype().is_float()),
        label_smoothing: call.float_or("label_smoothing", 0.0)?,
    };
    Ok(match labels.dtype().is_float() {
        true => x.cross_entropy_to_with(&call.var("target")?, &options),
        false => x.cross_entropy_with(&labels, &options),
    }
    .into())
}

/// Lengths, as a list or a tensor.
fn lengths(call: &Call, name: &str) -> Result<Vec<usize>, Unsupported> {
    let numbers = match call.is_tensor(name) {
        true => call.tensor(name)?.to_vec::<i64>().into_iter().map(|n| n as isize).collect(),
        false => call.ints(name)?,
    };
    Ok(numbers.into_iter().map(|n| n as usize).collect())
}
