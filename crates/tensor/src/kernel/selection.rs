//! Elements of one tensor or another, by a mask.

use super::blocks::{BLOCK, Reader};
use super::map::common_shape;
use super::parallel::{SMALL, chunks_mut};
use crate::dtype::{DType, Element, each_dtype};
use crate::shape::{Shape, broadcast_shapes};
use crate::tensor::Tensor;

/// Elements of `a` where `mask` holds, else of `b`, all broadcast to one shape.
#[track_caller]
pub(crate) fn select(mask: &Tensor, a: &Tensor, b: &Tensor) -> Tensor {
    assert!(
        mask.dtype() == DType::Bool,
        "where: the condition must be bool, got {} of shape {}; compare it with something",
        mask.dtype(),
        mask.layout.shape
    );
    let shape = common_shape("where", a, b);
    let shape = broadcast_shapes(&shape, mask.shape()).unwrap_or_else(|| {
        panic!("where: the condition's shape {} does not broadcast with {shape}", mask.layout.shape)
    });
    each_dtype!(a.dtype(), T => select_typed::<T>(mask, a, b, shape))
}

#[track_caller]
fn select_typed<T: Element>(mask: &Tensor, a: &Tensor, b: &Tensor, shape: Shape) -> Tensor {
    let expand = |x: &Tensor| x.layout.expanded(&shape);
    let mask = Reader::<bool>::new(mask, &expand(mask));
    let (a, b) = (Reader::<T>::new(a, &expand(a)), Reader::<T>::new(b, &expand(b)));
    Tensor::build::<T>(shape, |out| {
        chunks_mut(out, SMALL, |i, chunk| {
            let (mut m, mut x, mut y) = (Vec::new(), Vec::new(), Vec::new());
            for (j, out) in chunk.chunks_mut(BLOCK).enumerate() {
                let start = i * SMALL + j * BLOCK;
                let m = mask.block(start, out.len(), &mut m);
                let x = a.block(start, out.len(), &mut x);
                let y = b.block(start, out.len(), &mut y);
                for (((o, &m), &x), &y) in out.iter_mut().zip(m).zip(x).zip(y) {
                    *o = if m { x } else { y };
                }
            }
        });
    })
}
