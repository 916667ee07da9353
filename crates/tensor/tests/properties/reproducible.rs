//! The same bits with any number of threads, any vector instructions, and any garbage in recycled memory.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::process::Command;

use chainrule_tensor::{Comparison, DType, Interpolation, Lane, Map, Real, Reduction, Resize, Rng, Tensor, Window};

#[derive(Clone)]
struct Curve;
impl Map for Curve {
    #[inline(always)]
    fn at<T: Real>(&self, x: Lane<T>) -> Lane<T> {
        x.tanh() * x.exp() + x.abs().sqrt() / (1.0 + x.square()) + x.sigmoid().log()
    }
}

/// Results of every kind of kernel on numbers that round, at sizes that are cut into pieces.
fn results() -> Vec<(&'static str, Tensor)> {
    let rng = &mut Rng::seed(11);
    let mut out = Vec::new();
    for dtype in [DType::F32, DType::F64, DType::BF16] {
        let x = Tensor::randn(rng, [3, 211, 307], dtype);
        let y = Tensor::randn(rng, [307, 101], dtype);
        let row = Tensor::randn(rng, [307], dtype);
        let index = Tensor::randint(rng, [500], 0, 211);
        let images = Tensor::randn(rng, [19, 4, 14, 15], dtype);
        // Four features a group: products of fewer rows are added up vector by vector, as only some CPUs do.
        let kernels = Tensor::randn(rng, [8, 2, 3, 3], dtype);
        let window = Window::new(2).padding(&[1]).groups(2);
        let pool = Window::new(2).stride(&[2]);
        let g = images.conv(&kernels, &window);
        let (largest, chosen) = x.max_windows(&[2, 2], &pool);
        out.extend([
            ("map", x.map("curve", &Curve)),
            ("arithmetic", (&x * &row - &x.flip(&[1])) / (&row * &row + 1.0)),
            ("transposed", x.t().contiguous()),
            ("compare", x.compare(Comparison::Lt, &row).cast(dtype)),
            ("sum", x.sum(&[], false)),
            ("rows", x.sum(&[2], false)),
            ("columns", x.sum(&[1], false)),
            ("planes", x.sum(&[0], false)),
            ("ends", x.sum(&[0, 2], true)),
            ("mean", x.t().mean(&[1], false)),
            ("prod", (&x * 0.1 + 1.0).reduce(Reduction::Prod, &[1], false)),
            ("max", x.max(&[2], false)),
            ("argmax", x.argmax(1, false)),
            ("cumsum", x.cumsum(1)),
            ("matmul", x.matmul(&y)),
            ("many products", x.permute(&[1, 0, 2]).matmul(&y)),
            ("unview", x.unfold(1, 3, 2).unview(x.shape(), x.unfold(1, 3, 2).layout())),
            ("one_hot", index.one_hot(211, dtype)),
            ("eye", Tensor::eye(200, dtype)),
            ("index_add", x.index_add(1, &index, &x.index_select(1, &index))),
            ("conv", g.clone()),
            ("conv_input", g.conv_input(&kernels, images.shape(), &window)),
            ("conv_weight", images.conv_weight(&g, kernels.shape(), &window)),
            ("pool", images.argmax_windows(&[2, 2], &pool)),
            ("largest", largest.clone()),
            ("picked", chosen.pick(&x)),
            ("placed", chosen.place(&largest)),
            ("dropout", x.drop_out(0.3, 9)),
            ("resize", images.interpolate(&Resize::by(&[1.7]).mode(Interpolation::Cubic))),
            ("columns", images.im2col(&[3, 3], &window)),
        ]);
    }
    out
}

#[test]
#[cfg(feature = "threads")]
fn any_number_of_threads() {
    let with = |threads: usize| {
        chainrule_tensor::parallel::set_threads(threads).unwrap();
        results()
    };
    let one = with(1);
    for threads in [2, 8] {
        for ((name, a), (_, b)) in one.iter().zip(with(threads)) {
            assert!(a.same_bits(&b), "{name} {} differs with {threads} threads", a.dtype());
        }
    }
}

#[test]
fn any_garbage_in_recycled_memory() {
    let clean = results();
    for value in [-1.0, 7.0] {
        let garbage = |(_, x): &(_, Tensor)| Tensor::full(x.shape(), value, x.dtype()).deep_copy();
        drop(clean.iter().map(garbage).collect::<Vec<_>>());
        for ((name, a), (_, b)) in clean.iter().zip(results()) {
            assert!(a.same_bits(&b), "{name} {} shows what memory held", a.dtype());
        }
    }
}

/// One line per result: what it is, and a number that its bits determine.
fn digest() -> String {
    let line = |(name, x): (&str, Tensor)| {
        let mut hasher = DefaultHasher::new();
        x.to_f64_vec().iter().for_each(|x| x.to_bits().hash(&mut hasher));
        format!("digest: {name} {} {:016x}\n", x.dtype(), hasher.finish())
    };
    results().into_iter().map(line).collect()
}

#[test]
fn any_vector_instructions() {
    const CHILD: &str = "CHAINRULE_TEST_DIGEST";
    if std::env::var_os(CHILD).is_some() {
        return println!("\n{}", digest());
    }
    let run = |level: &str| {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "reproducible::any_vector_instructions", "--nocapture"]);
        let out = child.env(CHILD, "1").env("CHAINRULE_SIMD", level).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let text = String::from_utf8(out.stdout).unwrap();
        text.lines().filter(|line| line.starts_with("digest: ")).map(|line| format!("{line}\n")).collect::<String>()
    };
    let all = run("best");
    assert_eq!(run("avx2"), all);
    // Without vectors, what takes a convolution back to its input runs over columns, and adds up in another order.
    let but_conv_input = |text: String| {
        let lines = text.lines().filter(|line| !line.contains("conv_input"));
        lines.map(|line| format!("{line}\n")).collect::<String>()
    };
    let portable = but_conv_input(run("off"));
    assert!(portable.lines().count() > 50, "{portable}");
    assert_eq!(portable, but_conv_input(all));
}
