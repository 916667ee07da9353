//! Bugs that gradient rules of other frameworks really had, by class, planted and found.

use chainrule::autodiff::declare::{Call, Draw, Sample};
use chainrule::prelude::*;
use chainrule::{ListOp, vjp};
use chainrule_check::{Check, Failure, Property, check, check_drawn, check_op_drawn};

/// The value of one function with the rule of another.
struct Planted {
    value: Call,
    rule: Call,
}

impl ListOp for Planted {
    fn name(&self) -> &'static str {
        "planted"
    }
    fn forward(&self, x: &[&Tensor]) -> Tensor {
        (self.value)(&x.iter().map(|&x| Var::constant(x)).collect::<Vec<_>>()).value().clone()
    }
    fn backward(&self, wrt: usize, g: &Var, x: &[Var], _: &Var) -> Var {
        let x: Vec<Var> = x.iter().map(|x| if x.is_tracked() { x.clone() } else { Var::leaf(x.value()) }).collect();
        let gradient = vjp(&(self.rule)(&x), &[&x[wrt]], g).remove(0);
        gradient.unwrap_or_else(|| Var::constant(x[wrt].value().zeros_like()))
    }
}

/// A sample of a function with the rule of another.
fn planted(
    inputs: impl Into<Vec<Tensor>>,
    value: impl Fn(&[Var]) -> Var + Send + Sync + Clone + 'static,
    rule: impl Fn(&[Var]) -> Var + Send + Sync + Clone + 'static,
) -> Sample {
    Sample::new(inputs, "planted(&x)", move |x| {
        let op = Planted { value: Box::new(value.clone()), rule: Box::new(rule.clone()) };
        op.apply(&x.iter().collect::<Vec<_>>())
    })
}

fn found(name: &str, sample: impl Fn(&mut Draw) -> Sample) -> Failure {
    *check_drawn(name, sample).result().expect_err(name)
}

/// Convolution and pooling: stride, padding, dilation, groups.
#[test]
fn hyper_parameters_of_windows() {
    // The last inputs, which no window reaches, shift the gradient.
    found("a stride that does not divide", |draw| {
        let [n, k, stride] = [draw.range(3, 9), draw.range(1, 3), draw.range(1, 3)];
        let rest = (n - k) % stride;
        let window = Window::new(1).stride(&[stride]);
        let cut = window.clone();
        planted(
            [draw.reals(&[1, 1, n]), draw.reals(&[1, 1, k])],
            move |x| x[0].conv(&x[1], None, &window),
            move |x| x[0].narrow(2, rest, n - rest).conv(&x[1], None, &cut),
        )
    });
    found("a dilation that the rule forgets", |draw| {
        let [n, dilation] = [draw.range(7, 10), draw.range(1, 3)];
        let (window, plain) = (Window::new(1).dilation(&[dilation]), Window::new(1));
        planted(
            [draw.reals(&[1, 1, n]), draw.reals(&[1, 1, 3])],
            move |x| x[0].conv(&x[1], None, &window),
            move |x| x[0].narrow(2, 0, n - 2 * (dilation - 1)).conv(&x[1], None, &plain),
        )
    });
    found("groups in the wrong order", |draw| {
        let groups = draw.range(1, 3);
        let window = Window::new(1).groups(groups);
        let same = window.clone();
        planted(
            [draw.reals(&[1, 2 * groups, 4]), draw.reals(&[groups, 2, 2])],
            move |x| x[0].conv(&x[1], None, &window),
            move |x| {
                x[0].reshape([1, 2, groups, 4]).transpose(1, 2).reshape([1, 2 * groups, 4]).conv(&x[1], None, &same)
            },
        )
    });
    found("padding that counts in the mean", |draw| {
        let padding = draw.range(0, 1);
        let window = Window::new(1).padding(&[padding]);
        let same = window.clone();
        planted(
            [draw.reals(&[1, 1, 6])],
            move |x| x[0].avg_pool(&[2], &window, true),
            move |x| x[0].avg_pool(&[2], &same, false),
        )
    });
}

#[test]
fn broadcasting_that_is_not_reduced() {
    struct Add;
    impl Op<2> for Add {
        fn name(&self) -> &'static str {
            "add"
        }
        fn forward(&self, [a, b]: [&Tensor; 2]) -> Tensor {
            a + b
        }
        /// Where an axis was repeated, the first of what comes back stands for all.
        fn backward(&self, wrt: usize, g: &Var, x: [&Var; 2], _: &Var) -> Var {
            let mut g = g.clone();
            while g.rank() > x[wrt].rank() {
                if g.size(0) == 0 {
                    return g.sum_to(x[wrt].to_shape());
                }
                g = g.select(0, 0);
            }
            (0..g.rank()).fold(g, |g, axis| match (x[wrt].shape()[axis], g.shape()[axis]) {
                (1, 2..) => g.narrow(axis as isize, 0, 1),
                _ => g,
            })
        }
    }
    let verdict = check_op_drawn(|draw| {
        let [a, b] = draw.broadcasting_shapes();
        (Add, [draw.reals(&a), draw.reals(&b)])
    });
    let failure = verdict.failure().expect("it is found");
    assert!(failure.diagnosis().unwrap().to_string().contains("a sum is missing"), "{failure}");
}

/// Concatenation of unequal parts, repeated indices, and an operand that wants no gradient.
#[test]
fn parts_and_indices() {
    struct Cat;
    impl ListOp for Cat {
        fn name(&self) -> &'static str {
            "cat"
        }
        fn forward(&self, x: &[&Tensor]) -> Tensor {
            Tensor::cat(x, 0)
        }
        /// As if all parts were as long as this one.
        fn backward(&self, wrt: usize, g: &Var, x: &[Var], _: &Var) -> Var {
            let n = x[wrt].size(0);
            g.narrow(0, (wrt * n).min(g.size(0) - n), n)
        }
    }
    found("unequal parts", |draw| {
        let inputs = [draw.size(), draw.size(), draw.size()].map(|n| draw.reals(&[n]));
        Sample::new(inputs, "cat(&x)", |x| Cat.apply(&x.iter().collect::<Vec<_>>()))
    });
    let failure = found("the first operand wants no gradient", |draw| {
        let inputs = [draw.size(), draw.size()].map(|n| draw.reals(&[n]));
        Sample::new(inputs, "cat(&x)", |x| match x[0].is_tracked() {
            true => Var::cat(&[&x[0], &x[1]], 0),
            false => Var::cat(&[&x[0], &x[1].detach()], 0),
        })
    });
    assert_eq!(failure.property(), Property::Subset, "{failure}");
    let failure = found("repeated indices", |draw| {
        let [n, k] = [draw.positive_size(), draw.positive_size()];
        let index = draw.indices(&[k], n);
        let (all, first) = (index.clone(), index.to_vec::<i64>());
        planted(
            [draw.reals(&[n])],
            move |x| x[0].index_select(0, &all),
            move |x| {
                // Each place after the first that reads the same element reads a constant.
                let read = |(at, &i): (usize, &i64)| {
                    let part = x[0].narrow(0, i as usize, 1);
                    if first[..at].contains(&i) { part.detach() } else { part }
                };
                Var::cat(&first.iter().enumerate().map(read).collect::<Vec<_>>().iter().collect::<Vec<_>>(), 0)
            },
        )
    });
    assert!(failure.to_string().contains("more than once"), "{failure}");
}

#[test]
fn silent_detach() {
    let failure = found("a cast that cuts", |draw| {
        let shape = draw.positive_shape();
        Sample::new([draw.reals(&shape)], "cast(&x)", |x| &x[0] + Var::constant(x[0].value() * 2.0))
    });
    assert_eq!(failure.property(), Property::Gradient, "{failure}");
    let failure = found("nothing arrives at all", |draw| {
        let shape = draw.positive_shape();
        Sample::new([draw.reals(&shape)], "unfold(&x)", |x| Var::constant(x[0].value() * 2.0))
    });
    assert!(failure.to_string().contains("no gradient arrives"), "{failure}");
}

#[test]
fn singular_points_and_extreme_values() {
    let one = |name: &str, value: fn(&Var) -> Var, rule: fn(&Var) -> Var| {
        found(name, move |draw| {
            let shape = draw.positive_shape();
            planted([draw.reals(&shape)], move |x| value(&x[0]), move |x| rule(&x[0]))
        })
    };
    let failure = one("a sigmoid that overflows", Var::sigmoid, |x| ((-x).exp() + 1.0).reciprocal());
    assert_eq!(failure.property(), Property::SpecialNumbers, "{failure}");
    let failure = one("the size of 0", Var::abs, |x| x.square().sqrt());
    assert_eq!(failure.property(), Property::SpecialNumbers, "{failure}");
    let failure = one(
        "a running product by logarithms",
        |x| x.flatten(0, -1).cumsum(0).square(),
        |x| {
            let x = x.flatten(0, -1);
            (&x * (&x.cumsum(0) / &x)).square() // x / x is 1, but at 0
        },
    );
    assert_eq!(failure.property(), Property::SpecialNumbers, "{failure}");
    found("softplus where its exponential is infinite", |draw| {
        let shape = draw.positive_shape();
        planted([draw.reals(&shape)], |x| x[0].softplus(), |x| (x[0].exp() + 1.0).log())
    });
}

#[test]
fn ties() {
    /// The larger of two numbers; both get the gradient where they are equal.
    struct Larger;
    impl Op<1> for Larger {
        fn name(&self) -> &'static str {
            "larger"
        }
        fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
            x.max(&[0], false)
        }
        fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], y: &Var) -> Var {
            g * Var::constant(x.value().compare(Comparison::Eq, y.value()).cast(x.dtype()))
        }
    }
    let verdict = check_op_drawn(|draw| {
        let n = draw.positive_size();
        (Larger, [draw.distinct(&[n])])
    });
    let failure = verdict.failure().expect("it is found");
    assert_eq!(failure.property(), Property::SpecialNumbers, "{failure}");
    assert!(failure.to_string().contains("move alike"), "{failure}");
}

#[test]
fn wide_and_tall() {
    /// The sum of the diagonal.
    struct Trace;
    impl Op<1> for Trace {
        fn name(&self) -> &'static str {
            "trace"
        }
        fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
            let n = x.size(0).min(x.size(1)) as isize;
            (0..n).fold(Tensor::scalar(0.0, x.dtype()), |sum, i| sum + x.select(0, i).select(0, i))
        }
        /// Every (rows + 1)th element of memory: right for squares.
        fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var {
            let (rows, n) = (x.size(0), x.size(0).min(x.size(1)));
            let ones = (0..x.len()).map(|i| f64::from(u8::from(i % (rows + 1) == 0 && i / (rows + 1) < n)));
            g * Var::constant(Tensor::from_vec(ones.collect::<Vec<f64>>(), x.shape()).cast(x.dtype()))
        }
    }
    let verdict = check_op_drawn(|draw| {
        let shape = [draw.size(), draw.size()];
        (Trace, [draw.reals(&shape)])
    });
    let failure = verdict.failure().expect("it is found");
    assert_ne!(failure.inputs()[0].size(0), failure.inputs()[0].size(1), "{failure}");
    assert!(failure.inputs()[0].len() <= 9, "{failure}");
}

#[test]
fn empty_tensors() {
    struct Largest;
    impl Op<1> for Largest {
        fn name(&self) -> &'static str {
            "scaled"
        }
        fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
            x * 2.0
        }
        fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var {
            let _first = x.value().to_f64_vec()[0];
            g * 2.0
        }
    }
    let verdict = check_op_drawn(|draw| {
        let shape = draw.shape();
        (Largest, [draw.reals(&shape)])
    });
    let failure = verdict.failure().expect("it is found");
    assert!(failure.property() == Property::Answers && failure.inputs()[0].is_empty(), "{failure}");
}

/// One wrong number among many passes a loose comparison of projections.
#[test]
fn one_wrong_number_in_a_large_jacobian() {
    struct Corner;
    impl Op<1> for Corner {
        fn name(&self) -> &'static str {
            "corner"
        }
        fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
            x * x
        }
        /// One part in a hundred is missing at the last element.
        fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var {
            let n = x.len();
            let slope =
                Tensor::from_vec((1..=n).map(|i| if i == n { 1.98 } else { 2.0 }).collect::<Vec<f64>>(), x.shape());
            g * x * Var::constant(slope.cast(x.dtype()))
        }
    }
    let x = Tensor::randn(&mut Rng::seed(1), [20, 20], DType::F64);
    let verdict = Check::new().op(Corner, [x]);
    let failure = verdict.failure().expect("it is found");
    assert_eq!(failure.element(), Some(&[19, 19][..]), "{failure}");
}

/// A derivative inside the function, and histories built in another order.
#[test]
fn derivatives_inside() {
    let slope = |x: &Var| grad(&x.tanh().sum(), &[x]).remove(0);
    check(|x| slope(&x[0]) * &x[0], &[tensor![0.3, -1.0]]).assert();
    let cut = check(
        |x| {
            let inner = Var::leaf(x[0].value());
            Var::constant(&inner.tanh().sum().backward()[&inner]) * &x[0]
        },
        &[tensor![0.3, -1.0]],
    );
    assert!(!cut.passed(), "{cut}");

    let built = |first_left: bool| {
        let (a, b) = (Var::leaf(tensor![F64; 0.5, 2.0]), Var::leaf(tensor![F64; 1.5, -1.0]));
        let (left, right) = (|| (&a * &b).tanh(), || (&a + &b).sin() * &a);
        let y = match first_left {
            true => {
                let left = left();
                left * right()
            }
            false => {
                let right = right();
                left() * right
            }
        };
        let gradients = y.sum().backward();
        [gradients[&a].to_vec::<f64>(), gradients[&b].to_vec::<f64>()]
    };
    for (a, b) in built(true).iter().flatten().zip(built(false).iter().flatten()) {
        assert!((a - b).abs() <= 1e-15, "{a} {b}");
    }
}
