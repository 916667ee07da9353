//! Panics of the code under check, caught and kept off standard error.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

/// What a panic said, and where.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Panic {
    pub(crate) message: String,
    pub(crate) at: Option<String>,
}

impl std::fmt::Display for Panic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.at {
            Some(at) => write!(f, "{} (at {at})", self.message),
            None => write!(f, "{}", self.message),
        }
    }
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `f`; a panic in it becomes an error and prints nothing. Panics of other threads are reported as ever.
pub(crate) fn caught<T>(f: impl FnOnce() -> T) -> Result<T, Panic> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| match QUIET.get() {
            true => PLACE.set(info.location().map(ToString::to_string)),
            false => before(info),
        }));
    });
    let outer = QUIET.replace(true);
    let result = catch_unwind(AssertUnwindSafe(f));
    QUIET.set(outer);
    result.map_err(|payload| Panic { message: text(payload), at: PLACE.take() })
}

fn text(payload: Box<dyn Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast::<&str>().map_or("a panic without a message".into(), |text| text.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_with_its_place() {
        let line = line!() + 1;
        let panic = caught(|| panic!("the number is {}", 7)).unwrap_err();
        assert_eq!(panic.message, "the number is 7");
        assert!(panic.at.is_some_and(|at| at.contains(&format!("panics.rs:{line}:"))));
        assert_eq!(caught(|| 3), Ok(3));
    }
}
