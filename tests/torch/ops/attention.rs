//! Attention.

use chainrule::DType;
use chainrule::ops::attention::{Attention, AttentionMask};

use super::Table;
use crate::call::{Answer, Call, Unsupported};

pub const OPS: Table = &[("nn.functional.scaled_dot_product_attention", attention)];

fn attention(call: &Call) -> Answer {
    let (query, key, value) = (call.var("query")?, call.var("key")?, call.var("value")?);
    if call.float_or("dropout_p", 0.0)? > 0.0 {
        return Err(Unsupported("dropout: PyTorch's random numbers".into()));
    }
    let mask = match call.maybe_tensor("attn_mask")? {
        Some(mask) if mask.dtype() == DType::Bool => Some(AttentionMask::Allowed(mask)),
        Some(_) => Some(AttentionMask::Bias(call.var("attn_mask")?)),
        None => None,
    };
    let (causal, grouped) = (call.flag_or("is_causal", false)?, call.flag_or("enable_gqa", false)?);
    let options = Attention { mask, causal, dropout: None, scale: call.maybe_float("scale")?, grouped };
    Ok(query.scaled_dot_product_attention_with(&key, &value, options).into())
}
