//! Numbers in a shape, walked by index loops alone, and random tensors that show the same numbers in some layout.

use chainrule_tensor::{DType, Element, Tensor, bf16, f16, s};

use crate::Choices;

/// A dense array of doubles.
#[derive(Clone, Debug)]
pub struct Array {
    pub shape: Vec<usize>,
    pub data: Vec<f64>,
}

/// All indices of a shape in row-major order.
pub fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    shape.iter().fold(vec![vec![]], |all, &n| {
        let longer = |index: Vec<usize>| (0..n).map(move |i| [&index[..], &[i]].concat());
        all.into_iter().flat_map(longer).collect()
    })
}

impl Array {
    pub fn build(shape: &[usize], f: impl FnMut(&[usize]) -> f64) -> Array {
        let mut f = f;
        Array { shape: shape.to_vec(), data: indices(shape).iter().map(|index| f(index)).collect() }
    }

    fn position(&self, index: &[usize]) -> usize {
        assert_eq!(index.len(), self.shape.len());
        index.iter().zip(&self.shape).fold(0, |at, (&i, &n)| {
            assert!(i < n, "{index:?} of {:?}", self.shape);
            at * n + i
        })
    }

    pub fn at(&self, index: &[usize]) -> f64 {
        self.data[self.position(index)]
    }

    pub fn add(&mut self, index: &[usize], x: f64) {
        let at = self.position(index);
        self.data[at] += x;
    }

    /// The element that broadcasting shows at `index` of a larger shape.
    pub fn broadcast(&self, index: &[usize]) -> f64 {
        let skip = index.len() - self.shape.len();
        let index: Vec<usize> =
            index[skip..].iter().zip(&self.shape).map(|(&i, &n)| if n == 1 { 0 } else { i }).collect();
        self.at(&index)
    }

    pub fn map(&self, f: impl Fn(f64) -> f64) -> Array {
        Array { shape: self.shape.clone(), data: self.data.iter().map(|&x| f(x)).collect() }
    }
}

/// The number of a type that is nearest to `x`, as kernels find it: halves by way of `f32`.
pub fn rounded(dtype: DType, x: f64) -> f64 {
    match dtype {
        DType::F32 => f64::from(x as f32),
        DType::F64 => x,
        DType::F16 => f16::from_f32(x as f32).to_f64(),
        DType::BF16 => bf16::from_f32(x as f32).to_f64(),
        DType::I64 => x as i64 as f64,
        DType::Bool => f64::from(u8::from(x != 0.0)),
    }
}

/// Asserts that a tensor shows these numbers, rounded to its type.
#[track_caller]
pub fn agree(x: &Tensor, wanted: &Array) {
    assert_eq!(x.shape(), wanted.shape, "shape");
    let same = |a: f64, b: f64| a == b || a.is_nan() && b.is_nan();
    let seen = elements(x);
    assert_eq!(seen.len(), wanted.data.len());
    for ((index, &wanted), copied) in indices(x.shape()).iter().zip(&wanted.data).zip(seen) {
        let (shown, wanted) = (at(x, index), rounded(x.dtype(), wanted));
        assert!(same(shown, wanted), "at {index:?}: {shown} instead of {wanted} in {x}");
        assert!(same(copied, wanted), "at {index:?} of the copy: {copied} instead of {wanted}");
    }
}

macro_rules! typed {
    ($x:expr, $T:ident => $body:expr) => {
        match $x.dtype() {
            DType::F32 => {
                type $T = f32;
                $body
            }
            DType::F64 => {
                type $T = f64;
                $body
            }
            DType::F16 => {
                type $T = f16;
                $body
            }
            DType::BF16 => {
                type $T = bf16;
                $body
            }
            DType::I64 => {
                type $T = i64;
                $body
            }
            DType::Bool => {
                type $T = bool;
                $body
            }
        }
    };
}

fn at(x: &Tensor, index: &[usize]) -> f64 {
    typed!(x, T => x.at::<T>(index).to_f64())
}

fn elements(x: &Tensor) -> Vec<f64> {
    typed!(x, T => x.to_vec::<T>().into_iter().map(Element::to_f64).collect())
}

/// Whole numbers from −`range` to `range`, so that sums and products of them are exact.
pub fn whole(choices: &mut Choices, shape: &[usize], range: usize) -> Array {
    Array::build(shape, |_| choices.below(2 * range + 1) as f64 - range as f64)
}

/// A tensor of this shape and type, in a random layout, and its numbers: whole ones up to 8.
pub fn sample(choices: &mut Choices, shape: &[usize], dtype: DType) -> (Tensor, Array) {
    laid_out(choices, shape, dtype, |choices, base| whole(choices, base, 8))
}

/// As `sample`, with numbers that are not finite among those of floating types.
pub fn spiced(choices: &mut Choices, shape: &[usize], dtype: DType) -> (Tensor, Array) {
    const SPICE: [f64; 4] = [f64::NAN, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    laid_out(choices, shape, dtype, |choices, base| {
        let rate = if dtype.is_float() { 2 + choices.below(8) } else { usize::MAX };
        let mut numbers = whole(choices, base, 3);
        for x in &mut numbers.data {
            if choices.one_in(rate) {
                *x = SPICE[choices.below(4)];
            }
        }
        numbers
    })
}

/// How one axis of a tensor comes from one of its base.
struct AxisLayout {
    base: usize,
    start: usize,
    step: isize,
    len: usize,
}

impl AxisLayout {
    fn choose(choices: &mut Choices, len: usize) -> AxisLayout {
        let (before, after, step) = (choices.below(3), choices.below(3), choices.below(3) + 1);
        let span = len.saturating_sub(1) * step + usize::from(len > 0);
        match choices.below(6) {
            0 => AxisLayout { base: before + span + after, start: before, step: step as isize, len },
            1 => {
                AxisLayout { base: before + span + after, start: before + span.max(1) - 1, step: -(step as isize), len }
            }
            2 => AxisLayout { base: 1, start: 0, step: 0, len },
            _ => AxisLayout { base: len, start: 0, step: 1, len },
        }
    }

    fn position(&self, i: usize) -> usize {
        (self.start as isize + i as isize * self.step) as usize
    }

    /// The axis of the base, seen in this way.
    fn view(&self, x: &Tensor, axis: usize) -> Tensor {
        let mut parts = vec![s(..); axis];
        let low = self.position(if self.step < 0 { self.len.saturating_sub(1) } else { 0 });
        let high = self.position(if self.step > 0 { self.len.saturating_sub(1) } else { 0 });
        match self.step {
            0 => {
                let mut shape = x.shape().to_vec();
                shape[axis] = self.len;
                return x.broadcast_to(shape);
            }
            _ if self.len == 0 => parts.push(s(0..0)),
            step => parts.push(s(low as isize..high as isize + 1).step(step)),
        }
        x.slice(&parts)
    }
}

/// A tensor of this shape that shows the numbers of `fill` through a random layout: permuted, sliced, flipped and expanded.
pub fn laid_out(
    choices: &mut Choices,
    shape: &[usize],
    dtype: DType,
    fill: impl Fn(&mut Choices, &[usize]) -> Array,
) -> (Tensor, Array) {
    let rank = shape.len();
    let order = if choices.one_in(2) { (0..rank).collect() } else { choices.permutation(rank) };
    let axes: Vec<AxisLayout> = order.iter().map(|&axis| AxisLayout::choose(choices, shape[axis])).collect();
    let base: Vec<usize> = axes.iter().map(|axis| axis.base).collect();
    let numbers = fill(choices, &base);
    let mut x = Tensor::from_vec(numbers.data.clone(), base).cast(dtype);
    for (i, axis) in axes.iter().enumerate() {
        x = axis.view(&x, i);
    }
    let place = |axis: usize| order.iter().position(|&a| a == axis).unwrap();
    let back: Vec<isize> = (0..rank).map(|axis| place(axis) as isize).collect();
    let seen = Array::build(shape, |index| {
        let index: Vec<usize> = order.iter().zip(&axes).map(|(&axis, layout)| layout.position(index[axis])).collect();
        rounded(dtype, numbers.at(&index))
    });
    (x.permute(&back), seen)
}
