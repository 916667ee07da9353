//! The engine's promises, one test each.

use std::sync::atomic::{AtomicUsize, Ordering};

use chainrule_autodiff::{
    Op, Reach, Saves, Tape, Var, checkpoint, grad, hessian, hvp, jacobian, jvp, try_grad, value_and_grad, vjp,
};
use chainrule_tensor::{DType, Tensor, tensor};

fn message(f: impl FnOnce()) -> String {
    let payload = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).expect_err("this must panic");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast::<&str>().expect("a panic with a message").to_string(),
    }
}

#[test]
fn a_million_ops_differentiate_and_drop() {
    let x = Var::leaf(1.0);
    let mut y = x.clone();
    for _ in 0..500_000 {
        y = &y * 1.0 + 0.0;
    }
    let abandoned = y.clone() * 2.0;
    assert_eq!(y.backward()[&x].item(), 1.0);
    drop(abandoned);
}

#[test]
fn constants_record_nothing() {
    let (a, b) = (Var::constant(tensor![1., 2.]), Var::constant(tensor![3., 4.]));
    let y = (a.matmul(&b) + 1.0).exp();
    assert!(y.tape().is_empty() && !y.is_tracked() && y.id().is_none());
    assert!(message(move || drop(y.backward())).contains("constant"));
}

#[test]
fn only_what_the_rule_reads_is_saved() {
    let x = Var::leaf(Tensor::ones([100], DType::F64).contiguous());
    let saved = |y: Var| y.tape().bytes_saved().into_iter().sum::<usize>();
    assert_eq!(saved((&x + 1.0) * 2.0), 0);
    assert_eq!(saved(x.tanh()), 800, "tanh's slope names its output alone");
    assert_eq!(saved(x.sin()), 800, "sin's slope names its input alone");
    assert_eq!(saved(&x * &x), 800, "the same tensor twice is kept once");
}

#[test]
fn a_rule_that_reads_what_it_did_not_save_is_caught() {
    struct Forgetful;
    impl Op<1> for Forgetful {
        fn name(&self) -> &'static str {
            "forgetful"
        }
        fn saves(&self) -> Saves {
            Saves::Output
        }
        fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
            x * x
        }
        fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var {
            2.0 * g * x
        }
    }
    let text = message(|| drop(Forgetful.apply([&Var::leaf(3.0)]).backward()));
    assert!(text.contains("not saved") && text.contains("saves()"), "{text}");
}

#[test]
fn derivatives_of_derivatives() {
    let x = Var::leaf(0.7);
    let y = x.sin();
    let mut derivative = y;
    let expected = [0.7f64.cos(), -0.7f64.sin(), -0.7f64.cos(), 0.7f64.sin()];
    for value in expected {
        derivative = grad(&derivative, &[&x]).remove(0);
        assert!((derivative.item() - value).abs() < 1e-15);
    }
}

#[test]
fn a_gradient_can_itself_be_part_of_a_loss() {
    let x = Var::leaf(tensor![F64; 1., 2., 3.]);
    let energy = (&x * &x * &x).sum();
    let slope = grad(&energy, &[&x]).remove(0); // 3x²
    let penalty = (&slope * &slope).sum(); // 9x⁴
    assert_eq!(penalty.backward()[&x].to_vec::<f64>(), [36., 288., 972.]); // 36x³
}

#[test]
fn one_tensor_used_twice_gets_both_gradients() {
    let x = Var::leaf(3.0);
    assert_eq!((&x * &x).backward()[&x].item(), 6.0);
    assert_eq!(((&x * 2.0) + &x.exp() * 0.0 + &x).backward()[&x].item(), 3.0);
}

#[test]
fn the_order_of_a_diamond_is_the_order_of_making() {
    // b must have both of its contributions before it passes them on: what a depth-first walk without order gets wrong.
    let a = Var::leaf(-4.0);
    let b = &a + &a;
    let c = &b + &b;
    assert_eq!(c.backward()[&a].item(), 4.0);
}

#[test]
fn two_losses_from_one_trunk() {
    let w = Var::leaf(tensor![F64; 1., 2.]);
    let trunk = w.exp();
    let (first, second) = (trunk.sum(), trunk.square().sum());
    let both = (&first + &second).backward()[&w].clone();
    let summed = first.backward() + second.backward();
    assert!(both.allclose(&summed[&w], 1e-15, 0.0));
}

#[test]
fn detach_is_the_only_cut_and_is_named() {
    let (a, b, c) = (Var::leaf(1.0).named("a"), Var::leaf(2.0).named("b"), Var::leaf(3.0).named("c"));
    let cut_line = line!() + 1;
    let loss = &a * &(&b * 3.0).detach().exp() + &c * 0.0;
    let unused = Var::leaf(4.0);
    let frozen = Var::constant(5.0);
    let named = [("a", &a), ("b", &b), ("c", &c), ("unused", &unused), ("frozen", &frozen)];
    let (gradients, report) = loss.backward_report(named);
    assert!(gradients.get(&b).is_none());
    assert_eq!(report.of("a"), Some(Reach::Reached));
    assert_eq!(report.of("c"), Some(Reach::Zero));
    assert_eq!(report.of("unused"), Some(Reach::Unreachable(None)));
    assert_eq!(report.of("frozen"), Some(Reach::Constant));
    let Some(Reach::Unreachable(Some(at))) = report.of("b") else { panic!("{report}") };
    assert!(at.file().ends_with("engine.rs") && at.line() == cut_line, "{at}");
    assert!(!report.is_complete() && report.to_string().contains("cut by detach at"));
}

#[test]
fn a_cut_is_found_through_constants_and_further_cuts() {
    let w = Var::leaf(1.0);
    let once = w.exp().detach();
    let twice = (Var::leaf(2.0) * &once).detach().exp() + once;
    let v = Var::leaf(1.0);
    let (_, report) = (&v * twice).backward_report([("w", &w)]);
    assert!(matches!(report.of("w"), Some(Reach::Unreachable(Some(_)))));
}

#[test]
fn missing_gradients_are_explained() {
    let (x, unused) = (Var::leaf(1.0), Var::leaf(tensor![1., 2.]).named("unused"));
    let gradients = (&x * 2.0).backward();
    let text = message(|| drop(gradients[&unused].clone()));
    assert!(text.contains("\"unused\"") && text.contains("[2]") && text.contains("engine.rs"), "{text}");
    let y = x.exp();
    assert!(try_grad(&y, &[&unused])[0].is_none());
    let middle = message(|| drop(gradients[&y].clone()));
    assert!(middle.contains("intermediate") && middle.contains("exp"), "{middle}");
}

#[test]
fn gradients_of_intermediates_and_vector_valued_functions() {
    let x = Var::leaf(tensor![F64; 1., 2.]);
    let middle = x.square();
    let y = middle.exp();
    let g = Var::leaf(tensor![F64; 1., 0.5]);
    let parts = vjp(&y, &[&middle, &x], &g);
    let (of_middle, of_x) = (parts[0].as_ref().unwrap(), parts[1].as_ref().unwrap());
    assert!(of_middle.value().allclose(&tensor![F64; 1f64.exp(), 0.5 * 4f64.exp()], 1e-15, 0.0));
    assert!(of_x.value().allclose(&tensor![F64; 2.0 * 1f64.exp(), 2.0 * 4f64.exp()], 1e-15, 0.0));
    assert!(vjp(&of_x.sum(), &[&g], &Var::constant(1.0))[0].is_some(), "the product depends on g, too");
}

#[test]
fn models_are_shared_across_threads_and_shards_add_up() {
    let w = Var::leaf(Tensor::arange(0.0, 6.0, 1.0, DType::F64).reshape([2, 3]));
    let data = Tensor::arange(0.0, 32.0, 1.0, DType::F64).reshape([16, 2]);
    let loss = |x: Tensor| Var::constant(x).matmul(&w).square().sum();
    let whole = loss(data.clone()).backward();
    let shards = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|i| {
                scope.spawn({
                    let (data, loss) = (&data, &loss);
                    move || loss(data.narrow(0, i * 4, 4)).backward()
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).reduce(|a, b| a + b).unwrap()
    });
    assert!(whole[&w].equal(&shards[&w]), "sums of integers are exact");
}

#[test]
fn backward_of_the_same_history_twice_is_the_same() {
    let x = Var::leaf(tensor![0.3, -0.2]);
    let y = (x.tanh() * x.exp()).sum();
    assert!(y.clone().backward()[&x].same_bits(&y.backward()[&x]));
}

#[test]
fn a_rule_with_a_wrong_shape_or_type_is_named() {
    struct Wrong(fn(&Var) -> Var);
    impl Op<1> for Wrong {
        fn name(&self) -> &'static str {
            "wrong"
        }
        fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
            x.sum(&[], false)
        }
        fn backward(&self, _: usize, g: &Var, _: [&Var; 1], _: &Var) -> Var {
            self.0(g)
        }
    }
    let x = Var::leaf(tensor![1., 2., 3.]);
    for rule in [|g: &Var| g.reshape([1]).broadcast_to([2]), |g: &Var| g.broadcast_to([3]).cast(DType::F64)] {
        let y = Wrong(rule).apply([&x]);
        let text = message(|| drop(y.backward()));
        assert!(text.starts_with("wrong: its rule for argument 0") && text.contains("engine.rs"), "{text}");
    }
}

#[test]
fn integers_cannot_be_tracked() {
    assert!(message(|| drop(Var::leaf(tensor![1, 2]))).contains("no derivative flows through i64"));
    assert!(message(|| drop(Var::leaf(1.0).cast(DType::I64))).contains("no derivative flows"));
}

#[test]
fn what_is_multiplied_by_a_constant_is_not_kept() {
    let kept = |y: Var| y.tape().pop().map(|entry| [0, 1].map(|i| !entry.inputs()[i].value().is_ghost())).unwrap();
    let x = Tensor::ones([2, 2], DType::F64);
    let (x, frozen, learned) = (Var::leaf(&x), Var::constant(&x), Var::leaf(&x));
    assert_eq!([kept(&x * &frozen), kept(x.matmul(&frozen))], [[false, true]; 2]);
    assert_eq!([kept(&frozen * &x), kept(frozen.matmul(&x))], [[true, false]; 2]);
    assert_eq!([kept(&x * &learned), kept(x.matmul(&learned))], [[true, true]; 2]);
}

#[test]
fn the_tape_reads_like_the_program() {
    let x = Var::constant(tensor![[1., 2.]]);
    let w = Var::leaf(tensor![[3.], [4.]]).named("w");
    let y = x.matmul(&w).tanh().sum();
    let listing = y.tape().to_string();
    let lines: Vec<&str> = listing.lines().collect();
    assert_eq!(lines.len(), 5, "{listing}");
    assert!(lines[0].starts_with("#   op"), "{listing}");
    assert!(lines[1].contains("leaf \"w\"") && lines[1].contains("[2, 1]"), "{listing}");
    assert!(
        lines[2].contains("matmul") && lines[2].contains("const[1, 2], #0") && lines[2].contains("8 B"),
        "{listing}"
    );
    assert!(lines[3].contains("tanh") && lines[3].contains("4 B"), "{listing}");
    assert!(lines[1..].iter().all(|line| line.contains("engine.rs:")), "{listing}");
}

#[test]
fn a_tape_can_be_stepped_through_by_hand() {
    let x = Var::leaf(2.0);
    let y = (&x * 3.0).exp();
    let mut tape = Tape::of(&y);
    let last = tape.pop().unwrap();
    assert_eq!((last.op(), last.inputs().len()), ("exp", 1));
    let g = last.pull_back(0, &Var::constant(1.0), false);
    let first = tape.pop().unwrap();
    assert_eq!(first.pull_back(0, &g, false).item(), 3.0 * 6f64.exp());
    assert!(tape.pop().unwrap().is_leaf() && tape.pop().is_none());
}

#[test]
fn rules_are_asked_only_for_inputs_that_want_a_gradient() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    struct Counting;
    impl Op<3> for Counting {
        fn name(&self) -> &'static str {
            "counting"
        }
        fn forward(&self, [a, b, c]: [&Tensor; 3]) -> Tensor {
            &(a + b) + c
        }
        fn backward(&self, _: usize, g: &Var, _: [&Var; 3], _: &Var) -> Var {
            ASKED.fetch_add(1, Ordering::Relaxed);
            g.clone()
        }
    }
    let (a, b, c) = (Var::leaf(1.0), Var::constant(2.0), Var::leaf(3.0));
    Counting.apply([&a, &b, &c]).backward();
    assert_eq!(ASKED.load(Ordering::Relaxed), 2);
}

#[test]
fn products_with_jacobians_and_hessians_agree_with_the_matrices() {
    let x = Var::leaf(tensor![F64; [0.3, -1.2, 0.7], [2.0, 0.1, -0.4]]);
    let w = Var::leaf(tensor![F64; 0.5, -0.3, 1.1]);
    let v = [tensor![F64; [1.0, 2.0, -1.0], [0.5, 0.0, 3.0]], tensor![F64; -1.0, 0.25, 2.0]];
    let y = (&x * &w).tanh().matmul(&w); // [2]
    let times = |m: Var, rows: usize, v: &Tensor| {
        m.reshape([rows, v.len()]).matmul(&Var::constant(v.reshape([v.len()]))).value().clone()
    };
    let expected = times(jacobian(&y, &x), 2, &v[0]) + times(jacobian(&y, &w), 2, &v[1]);
    assert!(jvp(&y, &[&x, &w], &v).value().allclose(&expected, 1e-13, 1e-13));

    let loss = y.square().sum();
    let both = times(hessian(&loss, &w), 3, &v[1]) + times(jacobian(&grad(&loss, &[&w])[0], &x), 3, &v[0]);
    let found = hvp(&loss, &[&x, &w], &v);
    assert!(found[1].value().allclose(&both, 1e-12, 1e-12));
    assert_eq!(found[0].shape(), x.shape());
    let h = hessian(&loss, &x).reshape([6, 6]);
    assert!(h.value().allclose(h.t().value(), 1e-13, 1e-13), "a Hessian is symmetric");

    let third = hvp(&(&w * &w * &w).sum(), &[&w], &[v[1].ones_like()]); // 6w, differentiable again
    assert_eq!(grad(&third[0].sum(), &[&w])[0].value().to_vec::<f64>(), [6.0; 3]);
    let constant = Var::constant(v[1].clone());
    assert_eq!(jvp(&constant, &[&w], &v[1..]).value().to_vec::<f64>(), [0.0; 3]);
    assert_eq!(jacobian(&constant, &w).shape(), [3, 3]);
    let unused = message(|| drop(value_and_grad(|x| x[0].sum(), &v)));
    assert!(unused.contains("no gradient reached"), "{unused}");
}

#[test]
fn a_checkpoint_has_the_gradients_of_its_segment() {
    let segment = |x: &[Var]| (&x[0].matmul(&x[1]) + &x[2]).tanh();
    let (x, w) = (Var::leaf(tensor![F64; [1.0, -2.0], [0.5, 3.0]]), Var::leaf(tensor![F64; [0.1, 0.2], [-0.3, 0.4]]));
    let b = Var::constant(tensor![F64; 0.5, -0.5]);
    let inputs = [&x, &w, &b];
    let direct = segment(&inputs.map(Var::clone)).square().sum();
    let kept = checkpoint(segment, &inputs).square().sum();
    assert_eq!(kept.tape().len(), 5, "two leaves, the segment, a square and a sum");
    for x in [&x, &w] {
        let [of_kept, of_direct] = [&kept, &direct].map(|y| y.clone().backward()[x].clone());
        assert!(of_kept.same_bits(&of_direct));
        let [of_kept, of_direct] = [&kept, &direct].map(|y| hvp(y, &[x], &[x.value().ones_like()]).remove(0));
        assert!(of_kept.value().allclose(of_direct.value(), 1e-13, 1e-13));
    }
    let (hidden, line) = (w.clone(), line!() - 12);
    let lost = message(move || drop(checkpoint(move |x| &x[0] * &hidden, &[&x])));
    assert!(lost.contains("pass it as an input") && lost.contains(&format!("engine.rs:{line}")), "{lost}");
    let nested = |x: &[Var]| checkpoint(|x| x[0].exp(), &[&x[0].sin()]).sum();
    check_nested(nested);
}

fn check_nested(f: impl Fn(&[Var]) -> Var + Send + Sync + 'static) {
    let x = Var::leaf(tensor![F64; 0.2, 0.9]);
    let expected = x.sin().exp() * x.cos();
    let found = checkpoint(f, &[&x]).backward();
    assert!(found[&x].allclose(expected.value(), 1e-14, 0.0));
}
