//! Fifty ways to hold it wrong. Each must panic on the line in this file that did it, and say what was wrong in words that
//! help: the op, the shapes, the rule, the remedy.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use chainrule::prelude::*;

thread_local! {
    static PLACE: RefCell<Option<(String, u32)>> = const { RefCell::new(None) };
}

/// The message and the source line of the panic that `f` must end in.
fn caught(name: &str, f: impl FnOnce()) -> (String, String, u32) {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err(&format!("{name} must panic"));
    let text = match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast::<&str>().expect("a panic with a message").to_string(),
    };
    let (file, line) = PLACE.with(|place| place.borrow_mut().take()).expect("the hook saw the panic");
    (text, file, line)
}

/// Each case on one line: a name, what to do, and what the message must contain.
macro_rules! misuses {
    ($($name:literal: $do:expr => [$($part:literal),+];)+) => {
        #[test]
        fn every_misuse_is_explained_on_the_line_that_did_it() {
            std::panic::set_hook(Box::new(|info| {
                let place = info.location().map(|at| (at.file().to_string(), at.line()));
                PLACE.with(|slot| *slot.borrow_mut() = place);
            }));
            let mut wrong = Vec::new();
            let mut count = 0;
            $({
                count += 1;
                let here = line_of!($name);
                let (text, file, line) = caught($name, || { let _ = $do; });
                if !file.ends_with("misuse.rs") || line != here {
                    wrong.push(format!("{}: blames {file}:{line} instead of line {here}: {text}", $name));
                }
                $(if !text.contains($part) {
                    wrong.push(format!("{}: does not say {:?}: {text}", $name, $part));
                })+
            })+
            let _ = std::panic::take_hook();
            assert!(wrong.is_empty(), "of {count}:\n{}", wrong.join("\n"));
            assert!(count >= 50, "{count} cases");
        }
    };
}

/// The line on which a case stands.
macro_rules! line_of {
    ($name:literal) => {
        1 + include_str!("misuse.rs")
            .lines()
            .position(|line| line.trim_start().starts_with(concat!("\"", $name, "\":")))
            .expect("each case starts its line") as u32
    };
}

fn t(shape: &[usize]) -> Tensor {
    Tensor::ones(shape, DType::F32)
}

fn v(shape: &[usize]) -> Var {
    Var::leaf(t(shape))
}

fn i(shape: &[usize]) -> Tensor {
    Tensor::zeros(shape, DType::I64)
}

misuses! {
    "add of shapes that do not broadcast": v(&[2, 3]) + v(&[4]) => ["add", "[2, 3]", "[4]", "broadcast"];
    "add of a transposed matrix": v(&[2, 3]) + v(&[3, 2]) => ["add", "did you mean b.t()?"];
    "mul of a column that lost its axis": v(&[4, 3]) * v(&[4]) => ["mul", "did you mean b.unsqueeze(1)?"];
    "sub of mixed types": v(&[2]) - Var::leaf(tensor![F64; 1., 2.]) => ["sub", "f32", "f64", ".cast("];
    "div of integers": i(&[2]) / i(&[2]) => ["div", "i64", ".cast(DType::F32)"];
    "add of truth values": tensor![true] + tensor![false] => ["add", "bool", "cast"];
    "fraction added to integers": i(&[2]) + 0.5 => ["add", "0.5", "i64", "cast"];
    "exp of integers": Var::constant(i(&[2])).exp() => ["exp", "i64", "real numbers"];
    "matmul with unequal inner lengths": v(&[64, 784]).matmul(&v(&[128, 784])) => ["matmul", "[64, 784] × [128, 784]", "784 ≠ 128", "did you mean b.t()?"];
    "matmul of a transposed left side": v(&[3, 4]).matmul(&v(&[3, 5])) => ["matmul", "did you mean a.t()?"];
    "matmul with unequal batches": v(&[2, 3, 4]).matmul(&v(&[3, 4, 5])) => ["matmul", "batch", "[2, 3, 4]"];
    "matmul of mixed types": v(&[2, 2]).matmul(&Var::leaf(Tensor::eye(2, DType::F64))) => ["matmul", "f64", "cast"];
    "matmul of a number": v(&[2, 2]).matmul(&v(&[])) => ["matmul", "use *"];
    "dot of unequal lengths": v(&[2]).matmul(&v(&[3])) => ["matmul", "[2] × [3]"];
    "linear with a transposed weight": v(&[8, 3]).linear(&v(&[3, 5]), None) => ["linear", "[outputs, 3]", "[3, 5]"];
    "mm of a batch": v(&[2, 3, 4]).mm(&v(&[4, 5])) => ["mm", "operand 0 needs 2 axes", "[2, 3, 4]", "matmul"];
    "addmm to a shape that does not broadcast": v(&[3]).addmm(&v(&[2, 5]), &v(&[5, 4])) => ["addmm", "[3]", "[2, 4]"];
    "einsum with too few operands": Var::einsum("ij,jk->ik", &[&v(&[2, 3])]) => ["einsum", "2 terms for 1 operands", "[2, 3]"];
    "einsum with unequal lengths": Var::einsum("ij,jk->ik", &[&v(&[2, 3]), &v(&[4, 5])]) => ["einsum", "length 3", "4", "[4, 5]"];
    "einsum with too many letters": Var::einsum("ijk->i", &[&v(&[2, 3])]) => ["einsum", "names 3 axes, operand 0 has 2"];
    "cross of vectors of two": v(&[2]).cross(&v(&[2]), 0) => ["cross", "length 3", "[2]"];
    "inv of a singular matrix": v(&[2, 2]).inv() => ["inv", "singular", "pivot 1", "pinv"];
    "inv of a matrix that is not square": v(&[2, 3]).inv() => ["inv", "square", "[2, 3]"];
    "solve with too few rows": Var::leaf(Tensor::eye(3, DType::F32)).solve(&v(&[2, 1])) => ["solve", "3 equations", "2 rows", "[2, 1]"];
    "cholesky of a matrix that is not positive": v(&[2, 2]).cholesky() => ["cholesky", "positive definite", "order 2"];
    "eigh of a vector": v(&[3]).eigh().0 => ["eigh", "needs a matrix", "[3]"];
    "qr of integers": Var::constant(i(&[2, 2])).qr().0 => ["qr", "i64", "cast"];
    "reshape to another count": v(&[2, 3]).reshape([4]) => ["reshape", "6 elements", "[4] has 4"];
    "reshape to an absurd size": v(&[2]).reshape([usize::MAX, 2]) => ["reshape", "address space"];
    "permute with a repeated axis": v(&[2, 3]).permute(&[0, 0]) => ["permute", "twice"];
    "permute with too few axes": v(&[2, 3]).permute(&[0]) => ["permute", "[2, 3]"];
    "transpose of an absent axis": v(&[2, 3]).transpose(0, 2) => ["transpose", "axis 2", "-2 to 1"];
    "t of a vector": v(&[3]).t() => ["t:", "[3]", "two axes"];
    "sum along an absent axis": v(&[2, 3]).sum_axes(&[5], false) => ["sum", "axis 5", "2 axes"];
    "sum along an axis named twice": v(&[2, 3]).sum_axes(&[1, -1], false) => ["sum", "twice"];
    "axis of a number": v(&[]).sum_axes(&[1], false) => ["sum", "without axes"];
    "largest of nothing": v(&[0, 3]).amax(&[0], false) => ["max", "no elements", "[0, 3]"];
    "argmax of nothing": t(&[2, 0]).argmax(1, false) => ["argmax", "no elements"];
    "narrow beyond the end": v(&[5]).narrow(0, 3, 4) => ["narrow", "4 elements from 3", "length 5"];
    "select beyond the end": v(&[5]).select(0, 5) => ["select", "index 5", "length 5"];
    "slice with too many ranges": v(&[5]).slice(&[s(..), s(..)]) => ["slice", "2 ranges for 1 axes"];
    "slice with step 0": v(&[5]).slice(&[s(..).step(0)]) => ["step of 0"];
    "broadcast to a smaller shape": v(&[3]).broadcast_to([2]) => ["broadcast_to", "[3]", "[2]"];
    "squeeze of no axis": v(&[2, 3]).squeeze(&[2]) => ["squeeze", "out of range"];
    "cat of nothing": Var::cat(&[], 0) => ["cat", "no"];
    "cat of unequal shapes": Var::cat(&[&v(&[2, 3]), &v(&[2, 4])], 0) => ["cat", "tensor 1", "[2, 4]"];
    "stack of unequal shapes": Var::stack(&[&v(&[2]), &v(&[3])], 0) => ["cat", "[1, 3]"];
    "placing where nothing is": v(&[2]).scatter(0, &tensor![2], 1.0) => ["gather", "index 2", "length 2"];
    "placing too little": v(&[3]).index_copy(0, &tensor![0, 1], &v(&[1])) => ["index_copy", "[1]", "[2]"];
    "a mask that does not fit": v(&[2, 3]).index(&[Some(tensor![true, false, true])]) => ["index", "[3]", "[2, 3]"];
    "indices that do not fit": v(&[2, 3]).index(&[Some(tensor![0, 1]), Some(tensor![0, 1, 2])]) => ["index", "broadcast"];
    "flip of no axis": v(&[]).flip(&[1]) => ["flip", "axis 1"];
    "view of another size": v(&[5]).view(&[2, -1]) => ["view", "5 elements", "[2, -1]"];
    "split into other lengths": v(&[5]).split_with_sizes(&[2, 2], 0) => ["split", "[2, 2]", "5"];
    "stack along no axis": Var::stack(&[&v(&[2])], 3) => ["unsqueeze", "axis 3"];
    "mirror of too little": v(&[2]).pad_with(&[(2, 0)], chainrule::ops::pad::Padding::Reflect) => ["pad", "length 2", "Reflect"];
    "pad with too many pairs": v(&[2]).pad(&[(1, 1), (1, 1)]) => ["pad", "2 pairs for the 1 axes"];
    "unfold wider than the axis": v(&[3]).unfold(0, 4, 1) => ["unfold", "windows of 4", "length 3"];
    "index out of range": v(&[3]).index_select(0, &tensor![3]) => ["index_select", "index 3", "length 3"];
    "index of the wrong type": v(&[3]).index_select(0, &t(&[1])) => ["index_select", "i64", "f32"];
    "gather with another rank": v(&[3, 2]).gather(0, &i(&[3])) => ["gather", "1 axes", "2"];
    "where without a mask": Var::choose(&t(&[2]), v(&[2]), v(&[2])) => ["where", "bool", "f32"];
    "conv with wrong channels": v(&[1, 3, 8, 8]).conv(&v(&[4, 1, 3, 3]), None, &Window::new(2)) => ["conv", "3 channels", "expects 1"];
    "conv with a kernel too large": v(&[1, 1, 2, 2]).conv(&v(&[1, 1, 3, 3]), None, &Window::new(2)) => ["conv", "larger than the input"];
    "conv without channels": v(&[8, 8]).conv(&v(&[1, 1, 3, 3]), None, &Window::new(2)) => ["conv", "axes", "[8, 8]"];
    "conv with a wrong bias": v(&[1, 1, 4, 4]).conv(&v(&[2, 1, 3, 3]), Some(&v(&[3])), &Window::new(2)) => ["conv", "bias", "[2]", "[3]"];
    "stride of 0": Window::new(2).stride(&[0]) => ["stride of 0"];
    "pool with too much padding": v(&[1, 1, 4, 4]).max_pool(&[2, 2], &Window::new(2).padding(&[2])) => ["max_pool", "padding 2", "half"];
    "cross entropy with a label too large": v(&[2, 3]).cross_entropy(&tensor![0, 3]) => ["cross_entropy", "label 3", "position 1", "0 to 2"];
    "cross entropy with too few labels": v(&[2, 3]).cross_entropy(&tensor![0]) => ["cross_entropy", "labels of shape [2]", "[1]"];
    "cross entropy with real labels": v(&[2, 3]).cross_entropy(&t(&[2])) => ["cross_entropy", "i64", "cross_entropy_to"];
    "a loss of class numbers with too few": v(&[2, 3]).nll_loss(&tensor![0]) => ["nll_loss", "labels of shape [2]", "[1]"];
    "probabilities that are none": (v(&[2]) + 2.0).binary_cross_entropy(&v(&[2])) => ["binary_cross_entropy", "no probability", "with_logits"];
    "a target longer than its row": v(&[4, 1, 3]).ctc_loss(&tensor![[1]], &[4], &[2]) => ["ctc_loss", "targets [1, 1]", "[2]"];
    "channels that do not divide": v(&[2, 5]).group_norm(2, None, None, 1e-5) => ["group_norm", "5 channels", "2 groups"];
    "attention to keys of another width": v(&[2, 5]).scaled_dot_product_attention(&v(&[3, 4]), &v(&[3, 4])) => ["scaled_dot_product_attention", "[2, 5]", "[3, 4]"];
    "mse of shapes that would broadcast": v(&[4, 1]).mse_loss(&v(&[4])) => ["mse_loss", "[4, 1]", "[4]"];
    "layer norm of other axes": v(&[2, 3]).layer_norm(&[2], None, None, 1e-5) => ["layer_norm", "[2, 3]", "[2]"];
    "batch norm with wrong channels": v(&[4, 3]).batch_norm(Some(&v(&[4])), None, 1e-5) => ["batch_norm", "3 channels", "[4]"];
    "dropout of more than everything": v(&[2]).dropout(1.5, &mut Rng::seed(0)) => ["dropout", "1.5", "probability"];
    "backward of a vector": v(&[2]).exp().backward() => ["backward", "[2]", ".sum()"];
    "backward of a constant": Var::constant(1.0).backward() => ["constant", "Var::leaf"];
    "backward of what was cut off": v(&[]).detach().exp().backward() => ["constant", "detach", "misuse.rs:"];
    "leaf of integers": Var::leaf(i(&[2])) => ["leaf", "i64", "cast"];
    "cast of a tracked variable to integers": v(&[2]).cast(DType::I64) => ["cast", "i64", "detach"];
    "gradient that did not arrive": v(&[]).backward()[&v(&[2]).named("w")].len() => ["no gradient reached", "\"w\"", "[2]"];
    "name for a constant": Var::constant(1.0).named("c") => ["named", "constant"];
    "vec of the wrong length": Tensor::from_vec(vec![1.0, 2.0], [3]) => ["[3] holds 3", "2 were given"];
    "tensor larger than memory": Tensor::zeros([1 << 40, 1 << 40], DType::F32) => ["address space"];
    "copy of more than there is": Tensor::ones([1 << 45], DType::F32).contiguous() => ["memory"];
    "item of many": t(&[2]).item() => ["item", "2 elements"];
    "wrong type read": t(&[2]).to_vec::<f64>() => ["f32", "f64", "cast"];
    "element out of range": t(&[2, 2]).at::<f32>(&[0, 2]) => ["at", "index 2", "axis 1"];
    "arange without a step": Tensor::arange(0.0, 1.0, 0.0, DType::F32) => ["arange", "never ends"];
    "one hot of too few classes": tensor![0, 5].one_hot(3, DType::F32) => ["one_hot", "label 5", "position 1"];
    "random integers from nothing": Tensor::randint(&mut Rng::seed(0), [2], 3, 3) => ["randint", "no integers"];
}
