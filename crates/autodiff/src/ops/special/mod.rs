//! Special functions of mathematics. Their values are computed by [`chainrule_tensor::special`]; here stand their slopes, which are special
//! functions again, so that derivatives of every order exist.

pub mod bessel;
pub mod gamma;
pub mod normal;
mod row;
