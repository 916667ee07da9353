//! Convolution, its adjoints, and the largest elements of windows.

use std::panic::catch_unwind;

use chainrule_tensor::{DType, Tensor, Window};
use proptest::prelude::*;

use crate::oracle::{Array, agree, indices, sample, spiced};
use crate::{Choices, NUMBERS, REALS, choices, config, of};

/// A convolution: its shapes and its window.
#[derive(Debug)]
struct Case {
    input: Vec<usize>,
    weight: Vec<usize>,
    output: Vec<usize>,
    window: Window,
}

fn lengths(c: &mut Choices, rank: usize, from: usize, to: usize) -> Vec<usize> {
    (0..rank).map(|_| from + c.below(to - from + 1)).collect()
}

/// The lengths of the result by counting positions, or `None` where no window fits.
fn count_positions(input: &[usize], kernel: &[usize], window: &Window) -> Option<Vec<usize>> {
    (0..input.len())
        .map(|i| {
            let padded = input[i] + 2 * window.padding[i];
            let reach = (kernel[i].checked_sub(1)?) * window.dilation[i] + 1;
            let starts = (0..).map(|o| o * window.stride[i]);
            let fits = |&start: &usize| match window.ceil_mode {
                false => start + reach <= padded,
                true => start + reach < padded + window.stride[i] && start < input[i] + window.padding[i],
            };
            let room = if window.ceil_mode { padded + window.stride[i] - 1 } else { padded };
            (room >= reach).then(|| starts.take_while(fits).count())
        })
        .collect()
}

impl Case {
    fn choose(c: &mut Choices, rank: usize) -> Option<Case> {
        let groups = c.below(3) + 1;
        let (samples, channels, features) = (c.below(4), c.below(3), c.below(3));
        let window = Window::new(rank)
            .stride(&lengths(c, rank, 1, 3))
            .padding(&lengths(c, rank, 0, 2))
            .dilation(&lengths(c, rank, 1, 2))
            .groups(groups);
        let (spatial, kernel) = (lengths(c, rank, 0, 5), lengths(c, rank, 1, 3));
        let output = count_positions(&spatial, &kernel, &window)?;
        Some(Case {
            input: [&[samples, groups * channels], &spatial[..]].concat(),
            weight: [&[groups * features, channels], &kernel[..]].concat(),
            output: [&[samples, groups * features], &output[..]].concat(),
            window,
        })
    }

    /// Calls `f(y, x, w)` with the indices of every term of the definition.
    fn each_term(&self, mut f: impl FnMut(&[usize], &[usize], &[usize])) {
        let (channels, features) = (self.weight[1], self.weight[0] / self.window.groups);
        for y in indices(&self.output) {
            for k in indices(&self.weight[1..]) {
                let reach = |i: usize| y[i + 2] * self.window.stride[i] + k[i + 1] * self.window.dilation[i];
                let at: Option<Vec<usize>> = (0..self.window.rank())
                    .map(|i| reach(i).checked_sub(self.window.padding[i]).filter(|&at| at < self.input[i + 2]))
                    .collect();
                if let Some(at) = at {
                    let group = y[1] / features;
                    f(&y, &[&[y[0], group * channels + k[0]], &at[..]].concat(), &[&[y[1]], &k[..]].concat());
                }
            }
        }
    }
}

fn inner(a: &Tensor, b: &Tensor) -> f64 {
    a.to_f64_vec().iter().zip(b.to_f64_vec()).map(|(a, b)| a * b).sum()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn conv_and_its_adjoints(rank in 1usize..4, dtype in of(&REALS), mut c in choices()) {
        let Some(case) = Case::choose(&mut c, rank) else { return Ok(()) };
        let ((x, a), (w, b)) = (sample(&mut c, &case.input, dtype), sample(&mut c, &case.weight, dtype));
        let (g, d) = sample(&mut c, &case.output, dtype);

        let mut wanted = Array::build(&case.output, |_| 0.0);
        case.each_term(|y, x, w| wanted.add(y, a.at(x) * b.at(w)));
        agree(&x.conv(&w, &case.window), &wanted);

        let mut wanted = Array::build(&case.input, |_| 0.0);
        case.each_term(|y, x, w| wanted.add(x, d.at(y) * b.at(w)));
        agree(&g.conv_input(&w, &case.input, &case.window), &wanted);

        let mut wanted = Array::build(&case.weight, |_| 0.0);
        case.each_term(|y, x, w| wanted.add(w, d.at(y) * a.at(x)));
        agree(&x.conv_weight(&g, &case.weight, &case.window), &wanted);
    }

    #[test]
    fn adjoint_identities(rank in 1usize..4, mut c in choices()) {
        let Some(case) = Case::choose(&mut c, rank) else { return Ok(()) };
        let mut real = |shape: &[usize]| Tensor::randn(&mut c.0, shape, DType::F64);
        let (x, w, g) = (real(&case.input), real(&case.weight), real(&case.output));
        let forward = inner(&x.conv(&w, &case.window), &g);
        let to_input = inner(&x, &g.conv_input(&w, &case.input, &case.window));
        let to_weight = inner(&w, &x.conv_weight(&g, &case.weight, &case.window));
        let scale = 1e-12 * (1.0 + forward.abs());
        prop_assert!((forward - to_input).abs() < scale && (forward - to_weight).abs() < scale);
    }

    #[test]
    fn outputs_of_windows(rank in 1usize..4, ceil in any::<bool>(), mut c in choices()) {
        let kernel = lengths(&mut c, rank, 0, 4);
        let padding = if ceil { kernel.iter().map(|&k| c.below(k / 2 + 1)).collect() } else { lengths(&mut c, rank, 0, 3) };
        let window = Window::new(rank)
            .stride(&lengths(&mut c, rank, 1, 4))
            .padding(&padding)
            .dilation(&lengths(&mut c, rank, 1, 3))
            .ceil_mode(ceil);
        let input = lengths(&mut c, rank, 0, 9);
        prop_assert_eq!(window.output(&input, &kernel), count_positions(&input, &kernel, &window));
    }

    #[test]
    fn argmax_windows(
        outer in crate::shapes(2), rank in 1usize..4, ceil in any::<bool>(), dtype in of(&NUMBERS), mut c in choices()
    ) {
        prop_assume!(!outer.is_empty());
        let kernel = lengths(&mut c, rank, 1, 3);
        let padding: Vec<usize> = kernel.iter().map(|&k| c.below(k / 2 + 1)).collect();
        let window = Window::new(rank)
            .stride(&lengths(&mut c, rank, 1, 3))
            .padding(&padding)
            .dilation(&lengths(&mut c, rank, 1, 2))
            .ceil_mode(ceil);
        let input = lengths(&mut c, rank, 1, 5);
        let Some(output) = count_positions(&input, &kernel, &window) else { return Ok(()) };
        let (x, a) = spiced(&mut c, &[&outer[..], &input].concat(), dtype);
        let plane = Array { shape: input.clone(), data: (0..input.iter().product()).map(|i: usize| i as f64).collect() };
        let inside = |o: &[usize]| -> Vec<Vec<usize>> {
            let source = |k: Vec<usize>| (0..rank)
                .map(|i| (o[i] * window.stride[i] + k[i] * window.dilation[i]).checked_sub(window.padding[i]))
                .zip(&input)
                .map(|(at, &n)| at.filter(|&at| at < n))
                .collect();
            indices(&kernel).into_iter().filter_map(source).collect()
        };
        if indices(&output).iter().any(|o| inside(o).is_empty()) {
            prop_assert!(catch_unwind(|| x.argmax_windows(&kernel, &window)).is_err());
            return Ok(());
        }
        let wanted = Array::build(&[&outer[..], &output].concat(), |index| {
            let (outer, o) = index.split_at(outer.len());
            let value = |at: &[usize]| a.at(&[outer, at].concat());
            let better = |best: Vec<usize>, at: Vec<usize>| {
                let (b, v) = (value(&best), value(&at));
                if v > b || v.is_nan() { at } else { best }
            };
            plane.at(&inside(o).into_iter().reduce(better).unwrap())
        });
        agree(&x.argmax_windows(&kernel, &window), &wanted);
    }
}
