//! Sparse matrices along an axis against dense ones, windows as columns against their definition, and Fourier transforms of many rows.

use chainrule_tensor::{DType, Rng, Taps, Tensor, Window};
use proptest::prelude::*;

use crate::oracle::{Array, agree, indices, sample};
use crate::{Choices, REALS, choices, config, of};

fn taps(c: &mut Choices, inputs: usize, outputs: usize) -> Taps {
    let most = if inputs == 0 { 1 } else { 4 };
    let mut row = || -> Vec<(usize, f64)> {
        (0..c.below(most)).map(|_| (c.below(inputs), c.below(9) as f64 / 2.0 - 2.0)).collect()
    };
    Taps::new(inputs, (0..outputs).map(|_| row()))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn resample(shape in crate::shapes(3), outputs in 0usize..5, dtype in of(&REALS), mut c in choices()) {
        prop_assume!(!shape.is_empty());
        let axis = c.below(shape.len());
        let taps = taps(&mut c, shape[axis], outputs);
        let (x, a) = sample(&mut c, &shape, dtype);
        let mut wanted = shape.clone();
        wanted[axis] = outputs;
        let wanted = Array::build(&wanted, |index| {
            let at = |position: usize| a.at(&[&index[..axis], &[position], &index[axis + 1..]].concat());
            taps.row(index[axis]).iter().map(|&(position, weight)| weight * at(position)).sum()
        });
        agree(&x.resample(axis as isize, &taps), &wanted);
        prop_assert_eq!(taps.transposed().transposed().transposed(), taps.transposed());
    }

    #[test]
    fn columns(rank in 1usize..4, dtype in of(&REALS), mut c in choices()) {
        let mut lengths = |low: usize, high: usize| -> Vec<usize> { (0..rank).map(|_| low + c.below(high + 1 - low)).collect() };
        let (kernel, spatial) = (lengths(1, 3), lengths(1, 5));
        let window = Window::new(rank).stride(&lengths(1, 3)).padding(&lengths(0, 2)).dilation(&lengths(1, 2));
        let Some(output) = window.output(&spatial, &kernel) else { return Ok(()) };
        let (samples, channels) = (c.below(3), 1 + c.below(2));
        let (x, a) = sample(&mut c, &[&[samples, channels], &spatial[..]].concat(), dtype);
        let (under, places) = (indices(&kernel), indices(&output));
        let wanted = Array::build(&[samples, channels * under.len(), places.len()], |index| {
            let (channel, k, o) = (index[1] / under.len(), &under[index[1] % under.len()], &places[index[2]]);
            let at: Option<Vec<usize>> = (0..rank)
                .map(|i| (o[i] * window.stride[i] + k[i] * window.dilation[i]).checked_sub(window.padding[i]).filter(|&at| at < spatial[i]))
                .collect();
            at.map_or(0.0, |at| a.at(&[&[index[0], channel], &at[..]].concat()))
        });
        agree(&x.im2col(&kernel, &window), &wanted);
    }
}

#[test]
fn resampling_over_many_chunks() {
    let taps = Taps::new(5, [vec![(4, 1.0)], vec![(0, 2.0), (1, -1.0)], vec![], vec![(3, 1.0), (3, 1.0)]]);
    for [outer, inner] in [[40_000, 1], [3, 40_000], [301, 77]] {
        let x = Tensor::randint(&mut Rng::seed(0), [outer, 5, inner], -4, 5).cast(DType::F32);
        let at = |position: usize| x.narrow(1, position, 1);
        let rows = [at(4), &at(0) * 2.0 - at(1), at(0).zeros_like(), &at(3) * 2.0];
        let wanted = Tensor::cat(&rows.iter().collect::<Vec<_>>(), 1);
        assert!(x.resample(1, &taps).equal(&wanted), "{outer} × {inner}");
    }
}

#[test]
#[cfg(feature = "fft")]
fn transforms_of_many_rows() {
    let x = Tensor::randn(&mut Rng::seed(0), [700, 60, 2], DType::F64);
    let (complex, real) = (x.dft(1, false), x.real_dft(1));
    for row in [0, 272, 273, 274, 546, 699] {
        assert!(complex.select(0, row).same_bits(&x.select(0, row).dft(0, false)), "row {row}");
        assert!(real.select(0, row).same_bits(&x.select(0, row).real_dft(0)), "row {row}");
    }
    let back = real.real_dft_inverse(1, 60).affine(1.0 / 60.0, 0.0);
    assert!(back.allclose(&x, 1e-12, 1e-12));
}
