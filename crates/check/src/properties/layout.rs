//! The same numbers, lying differently in memory.

use chainrule_tensor::{Slice, Tensor};

use crate::finding::{Finding, Outcome, Property, Tally, same_gradients, same_value};
use crate::properties::Variation;
use crate::trial::Trial;

/// A way for a tensor to lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Axes stored in reverse order.
    Permuted,
    /// Every second element of a buffer; the others are NaN.
    Stepped,
    /// Backwards along every axis.
    Flipped,
    /// In the middle of a larger buffer; the rest is NaN.
    Offset,
    /// One slice, repeated by a stride of 0.
    Expanded,
}

pub(crate) const LAYOUTS: [Layout; 5] =
    [Layout::Permuted, Layout::Stepped, Layout::Flipped, Layout::Offset, Layout::Expanded];

impl Layout {
    /// The tensor in this layout. Only [`Expanded`](Layout::Expanded) changes numbers: it repeats those at position 0 of the longest axis.
    pub(crate) fn lay(self, x: &Tensor) -> Tensor {
        let rank = x.rank() as isize;
        let axes: Vec<isize> = (0..rank).collect();
        match self {
            Layout::Permuted => {
                let back: Vec<isize> = axes.iter().rev().copied().collect();
                x.permute(&back).deep_copy().permute(&back)
            }
            Layout::Flipped => x.flip(&axes).deep_copy().flip(&axes),
            Layout::Stepped => axes.iter().fold(x.clone(), |x, &axis| {
                let spread = Tensor::stack(&[&nan_like(&x), &x], axis + 1); // […, n, 2, …]
                let mut shape = x.to_shape();
                shape[axis as usize] *= 2;
                let mut parts = vec![Slice::from(..); axis as usize];
                parts.push(Slice::from(1..).step(2));
                spread.reshape(shape).slice(&parts)
            }),
            Layout::Offset => axes.iter().fold(x.clone(), |x, &axis| {
                let nan = nan_like(&x);
                Tensor::cat(&[&nan, &x, &nan], axis).narrow(axis, x.size(axis), x.size(axis))
            }),
            Layout::Expanded => {
                let Some(axis) = axes.iter().copied().max_by_key(|&axis| x.size(axis)) else { return x.clone() };
                if x.is_empty() {
                    return x.clone();
                }
                x.narrow(axis, 0, 1).deep_copy().broadcast_to(x.shape())
            }
        }
    }
}

fn nan_like(x: &Tensor) -> Tensor {
    Tensor::full(x.shape(), f64::NAN, x.dtype())
}

/// Value and gradients do not depend on how the inputs and the output's gradient lie in memory.
pub(super) fn layout(trial: &Trial, variation: Variation, _: &mut Tally) -> Outcome {
    // Inputs differ from each other in layout; 0, the simplest, lays only the first one.
    let (of_first, others) = (variation.layout as usize % LAYOUTS.len(), variation.layout as usize / LAYOUTS.len());
    let lay = |(i, x): (usize, &Tensor)| match (i, others) {
        (0, _) => LAYOUTS[of_first].lay(x),
        (_, 0) => x.clone(),
        (i, shift) => LAYOUTS[(of_first + i * shift) % LAYOUTS.len()].lay(x),
    };
    let laid: Vec<Tensor> = trial.inputs.iter().enumerate().map(lay).collect();
    let cotangent = LAYOUTS[of_first].lay(&trial.cotangent);
    let dense: Vec<Tensor> = laid.iter().map(Tensor::deep_copy).collect();
    // Repeating numbers may leave the function's domain.
    let Ok(mut reference) = Trial::new(trial.subject, dense) else { return Ok(()) };
    reference.cotangent = cotangent.deep_copy();
    if reference.pass().is_err() {
        return Ok(());
    }
    let detail = || {
        let name = |(i, x): (usize, &Tensor)| (!x.is_contiguous()).then(|| format!("x[{i}] is {}", describe(x)));
        let mut names: Vec<String> = laid.iter().enumerate().filter_map(name).collect();
        if !cotangent.is_contiguous() {
            names.push(format!("the incoming gradient is {}", describe(&cotangent)));
        }
        names.join(", ")
    };
    let panic = |panic| Finding::new(Property::Layout, format!("{}: it panics: {panic}", detail()));
    let pass = reference.pass_at(&laid, &cotangent).map_err(panic)?;
    same_value(Property::Layout, ["the value", "contiguous"], &reference, &pass.value, detail)?;
    let names = ["the gradient", "contiguous"];
    same_gradients(Property::Layout, names, &reference, &reference.in_line(&pass.gradients), detail)
}

fn describe(x: &Tensor) -> String {
    let layout = x.layout();
    format!("strided (shape {}, strides {:?}, offset {})", x.to_shape(), layout.strides(), layout.offset())
}

#[cfg(test)]
mod tests {
    use chainrule_tensor::DType;

    use super::*;

    #[test]
    fn each_layout_holds_the_same_numbers_differently() {
        for shape in [&[2usize, 3][..], &[3], &[2, 1, 3], &[2, 0], &[]] {
            let n = shape.iter().product::<usize>();
            let x = Tensor::arange(0.0, n as f64, 1.0, DType::F64).reshape(shape);
            for layout in LAYOUTS {
                let laid = layout.lay(&x);
                assert_eq!(laid.shape(), shape);
                if layout != Layout::Expanded {
                    assert!(laid.equal(&x), "{layout:?} {shape:?}");
                }
            }
        }
        let x = Tensor::arange(0.0, 6.0, 1.0, DType::F64).reshape([2, 3]);
        let strides: Vec<Vec<isize>> =
            LAYOUTS.iter().map(|layout| layout.lay(&x).layout().strides().to_vec()).collect();
        assert_eq!(strides[0], [1, 2]);
        assert!(strides[1][1] == 2 && strides[2].iter().all(|&s| s < 0) && strides[4].contains(&0), "{strides:?}");
        assert!(Layout::Offset.lay(&x).layout().offset() > 0);
    }
}
