//! Discrete Fourier transforms of dense rows. A complex number is two numbers, its real and its imaginary part.

use realfft::RealFftPlanner;
use rustfft::num_complex::Complex;
use rustfft::{FftDirection, FftNum, FftPlanner};

use super::parallel::{SMALL, chunks_mut};
use crate::dtype::Number;

/// Calls `f(row, out)` for every row of `width` numbers of `out`, on several threads where that pays.
fn each_row<T: Send>(
    out: &mut [T],
    width: usize,
    f: impl Fn(&mut dyn Iterator<Item = (usize, &mut [T])>) + Send + Sync,
) {
    let rows = (SMALL / width).max(1);
    chunks_mut(out, rows * width, |i, chunk| f(&mut (i * rows..).zip(chunk.chunks_mut(width))));
}

fn read<T: Number>(pairs: &[T], line: &mut [Complex<T>]) {
    for (z, pair) in line.iter_mut().zip(pairs.chunks_exact(2)) {
        *z = Complex { re: pair[0], im: pair[1] };
    }
}

fn write<T: Number>(line: &[Complex<T>], pairs: &mut [T]) {
    for (z, pair) in line.iter().zip(pairs.chunks_exact_mut(2)) {
        pair.copy_from_slice(&[z.re, z.im]);
    }
}

fn zeros<T: Number>(n: usize) -> Vec<Complex<T>> {
    vec![Complex { re: T::ZERO, im: T::ZERO }; n]
}

/// Rows of `n` complex numbers to as many, unscaled.
pub(crate) fn complex<T: Number + FftNum>(x: &[T], n: usize, inverse: bool, out: &mut [T]) {
    let direction = if inverse { FftDirection::Inverse } else { FftDirection::Forward };
    let plan = FftPlanner::new().plan_fft(n, direction);
    each_row(out, 2 * n, |rows| {
        let (mut line, mut scratch) = (zeros(n), zeros(plan.get_inplace_scratch_len()));
        for (row, out) in rows {
            read(&x[row * 2 * n..], &mut line);
            plan.process_with_scratch(&mut line, &mut scratch);
            write(&line, out);
        }
    });
}

/// Rows of `n` real numbers to the first `n/2 + 1` complex ones, the others being their conjugates.
pub(crate) fn real<T: Number + FftNum>(x: &[T], n: usize, out: &mut [T]) {
    let plan = RealFftPlanner::new().plan_fft_forward(n);
    let half = n / 2 + 1;
    each_row(out, 2 * half, |rows| {
        let (mut line, mut scratch) = (zeros(half), zeros(plan.get_scratch_len()));
        let mut numbers = vec![T::ZERO; n];
        for (row, out) in rows {
            numbers.copy_from_slice(&x[row * n..][..n]);
            plan.process_with_scratch(&mut numbers, &mut line, &mut scratch)
                .expect("the lengths are those of the plan");
            write(&line, out);
        }
    });
}

/// Rows of `n/2 + 1` complex numbers, completed by their conjugates, to `n` real ones, unscaled. Imaginary parts that have no conjugate to
/// cancel them do not count.
pub(crate) fn real_inverse<T: Number + FftNum>(x: &[T], n: usize, out: &mut [T]) {
    let plan = RealFftPlanner::new().plan_fft_inverse(n);
    let half = n / 2 + 1;
    each_row(out, n, |rows| {
        let (mut line, mut scratch) = (zeros::<T>(half), zeros(plan.get_scratch_len()));
        for (row, out) in rows {
            read(&x[row * 2 * half..], &mut line);
            line[0].im = T::ZERO;
            if n.is_multiple_of(2) {
                line[half - 1].im = T::ZERO;
            }
            plan.process_with_scratch(&mut line, out, &mut scratch).expect("the lengths are those of the plan");
        }
    });
}
