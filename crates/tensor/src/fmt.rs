//! Printing, as NumPy does it: aligned columns, the middle of long axes elided, the type at the end.

use std::fmt;

use crate::dtype::{DType, Element, each_dtype};
use crate::tensor::Tensor;

/// Elements up to which everything is printed.
const WHOLE: usize = 1000;
/// Elements shown at each end of an elided axis.
const EDGE: usize = 3;
/// Decimals shown at most.
const DECIMALS: usize = 4;

impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_ghost() {
            return write!(f, "tensor(not saved, shape={}, {})", self.layout.shape, self.dtype());
        }
        if self.is_empty() {
            return write!(f, "tensor([], shape={}, {})", self.layout.shape, self.dtype());
        }
        let elide = self.len() > WHOLE;
        let style = Style::of(&shown(self, elide));
        f.write_str("tensor(")?;
        write_axis(f, self, 8, elide, &style)?;
        if elide {
            write!(f, ", shape={}", self.layout.shape)?;
        }
        write!(f, ", {})", self.dtype())
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The elements that will be printed.
fn shown(x: &Tensor, elide: bool) -> Vec<f64> {
    let mut part = x.clone();
    for axis in 0..x.rank() {
        let n = x.shape()[axis];
        if elide && n > 2 * EDGE {
            let axis = axis as isize;
            part = Tensor::cat(&[&part.narrow(axis, 0, EDGE), &part.narrow(axis, n - EDGE, EDGE)], axis);
        }
    }
    part.to_f64_vec()
}

/// How all numbers of one tensor are written, so that columns align.
struct Style {
    width: usize,
    decimals: usize,
    scientific: bool,
    integral: bool,
}

impl Style {
    fn of(numbers: &[f64]) -> Style {
        let finite = || numbers.iter().map(|x| x.abs()).filter(|x| x.is_finite());
        let (largest, smallest) =
            (finite().fold(0.0, f64::max), finite().filter(|&x| x > 0.0).fold(f64::MAX, f64::min));
        let integral = finite().all(|x| x.fract() == 0.0) && largest < 1e8;
        let scientific = !integral && (largest >= 1e8 || smallest < 1e-4 || largest / smallest > 1e7);
        let needed = |x: f64| (0..DECIMALS).find(|&d| format!("{x:.d$}").parse() == Ok(x)).unwrap_or(DECIMALS);
        let decimals = if integral { 0 } else { numbers.iter().map(|&x| needed(x)).max().unwrap_or(0).max(1) };
        let mut style = Style { width: 0, decimals, scientific, integral };
        style.width = numbers.iter().map(|&x| style.write(x).len()).max().unwrap_or(0);
        style
    }

    fn write(&self, x: f64) -> String {
        match () {
            () if x.is_nan() => "nan".into(),
            () if x.is_infinite() => if x > 0.0 { "inf" } else { "-inf" }.into(),
            () if self.scientific => format!("{x:.*e}", DECIMALS),
            () if self.integral => format!("{x:.0}."),
            () => format!("{x:.*}", self.decimals),
        }
    }
}

fn write_number(f: &mut fmt::Formatter<'_>, x: &Tensor, style: &Style) -> fmt::Result {
    match x.dtype() {
        DType::I64 => write!(f, "{:>1$}", x.at::<i64>(&[]), style.width - 1),
        DType::Bool => write!(f, "{:>5}", x.at::<bool>(&[])),
        dtype => each_dtype!(dtype, T => write!(f, "{:>1$}", style.write(x.at::<T>(&[]).to_f64()), style.width)),
    }
}

fn write_axis(f: &mut fmt::Formatter<'_>, x: &Tensor, indent: usize, elide: bool, style: &Style) -> fmt::Result {
    if x.rank() == 0 {
        return write_number(f, x, style);
    }
    let n = x.shape()[0];
    let separator = match x.rank() {
        1 => ", ".to_string(),
        rank => format!(",{}{:indent$}", "\n".repeat(rank - 1), ""),
    };
    f.write_str("[")?;
    for i in 0..n {
        if elide && n > 2 * EDGE && (EDGE..n - EDGE).contains(&i) {
            if i == EDGE {
                write!(f, "{separator}...")?;
            }
            continue;
        }
        if i > 0 {
            f.write_str(&separator)?;
        }
        write_axis(f, &x.select(0, i as isize), indent + 1, elide, style)?;
    }
    f.write_str("]")
}

#[cfg(test)]
mod tests {
    use crate::{DType, Tensor, tensor};

    #[test]
    fn numbers_align_and_say_their_type() {
        assert_eq!(
            tensor![[1., -2.5], [30.25, 4.]].to_string(),
            "tensor([[ 1.00, -2.50],\n        [30.25,  4.00]], f32)"
        );
        assert_eq!(tensor![1, 20].to_string(), "tensor([ 1, 20], i64)");
        assert_eq!(tensor![true, false].to_string(), "tensor([ true, false], bool)");
        assert_eq!(Tensor::from(3.0).to_string(), "tensor(3., f64)");
        assert_eq!(Tensor::zeros([0, 3], DType::F64).to_string(), "tensor([], shape=[0, 3], f64)");
    }

    #[test]
    fn what_is_not_finite_or_spans_magnitudes_is_readable() {
        assert_eq!(tensor![1.0, f64::NAN, f64::INFINITY].to_string(), "tensor([ 1., nan, inf], f32)");
        assert_eq!(tensor![F64; 1e-9, 1.0].to_string(), "tensor([1.0000e-9,  1.0000e0], f64)");
    }

    #[test]
    fn long_axes_are_elided() {
        let text = Tensor::arange(0.0, 2000.0, 1.0, DType::I64).to_string();
        assert_eq!(text, "tensor([   0,    1,    2, ..., 1997, 1998, 1999], shape=[2000], i64)");
    }
}
