//! What several tests need.
#![allow(dead_code)]

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use chainrule_autodiff::Var;
use chainrule_nn::Module;
use chainrule_tensor::{DType, Rng, Tensor};

/// A panic, as its reader sees it.
pub struct Panic {
    pub message: String,
    pub file: String,
    pub line: u32,
}

thread_local! {
    static LAST: RefCell<Option<Panic>> = const { RefCell::new(None) };
    static EXPECTED: RefCell<bool> = const { RefCell::new(false) };
}

/// The panic of `f`, which must panic.
pub fn panic_of<T>(f: impl FnOnce() -> T) -> Panic {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |info| {
            if !EXPECTED.with(|expected| *expected.borrow()) {
                return usual(info);
            }
            let at = info.location().expect("panics have a place");
            let message = info.payload_as_str().unwrap_or_default().to_string();
            LAST.with(|last| *last.borrow_mut() = Some(Panic { message, file: at.file().into(), line: at.line() }));
        }));
    });
    EXPECTED.with(|expected| *expected.borrow_mut() = true);
    let outcome = catch_unwind(AssertUnwindSafe(f));
    EXPECTED.with(|expected| *expected.borrow_mut() = false);
    assert!(outcome.is_err(), "a panic was expected");
    LAST.with(|last| last.borrow_mut().take()).expect("the hook has seen it")
}

/// Asserts that the expression panics on its own line, and that the message has all of these parts.
#[macro_export]
macro_rules! assert_misuse {
    ($call:expr, $($part:expr),+ $(,)?) => {{
        let (line, panic) = (line!(), $crate::common::panic_of(|| $call));
        assert_eq!(panic.file, file!(), "{}", panic.message);
        assert!((line..line + 4).contains(&panic.line), "line {} is not {line}: {}", panic.line, panic.message);
        $(assert!(panic.message.contains($part), "{:?} is not in: {}", $part, panic.message);)+
    }};
}

/// Random numbers in `f32`.
pub fn noise(seed: u64, shape: impl Into<chainrule_tensor::Shape>) -> Var {
    Var::constant(Tensor::randn(&mut Rng::seed(seed), shape, DType::F32))
}

pub fn paths(model: &dyn Module) -> Vec<String> {
    model.parameters().into_iter().map(|(path, _)| path).collect()
}

/// Whether two models hold the same bits under the same paths.
pub fn same(a: &dyn Module, b: &dyn Module) -> bool {
    let (a, b) = (a.state(), b.state());
    a.len() == b.len() && a.iter().all(|(path, x)| b.get(path).is_some_and(|y| x.same_bits(y)))
}
