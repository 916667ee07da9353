//! All gradients of an entry, made at once, where the engine asks for one at a time.

use std::sync::{Mutex, PoisonError};

use chainrule_tensor::Tensor;

/// Gradients that were made with another and not yet asked for.
#[derive(Default)]
pub(crate) struct Answers(Mutex<Option<Ready>>);

struct Ready {
    /// The incoming gradient that they belong to. Held, so that its memory cannot become another's.
    g: Tensor,
    gradients: Vec<Option<Tensor>>,
}

impl Answers {
    /// The gradient for input `wrt`, given that of the output; `all` makes those of all inputs, `None` being zeros or not wanted.
    pub(crate) fn take(&self, wrt: usize, g: &Tensor, all: impl FnOnce() -> Vec<Option<Tensor>>) -> Option<Tensor> {
        let mut ready = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let belongs = |ready: &Ready| ready.g.shares_memory(g) && ready.g.layout() == g.layout();
        let waiting = ready.take().filter(|ready| belongs(ready) && ready.gradients[wrt].is_some());
        let mut found = waiting.unwrap_or_else(|| Ready { g: g.clone(), gradients: all() });
        let gradient = found.gradients[wrt].take();
        if found.gradients.iter().any(Option::is_some) {
            *ready = Some(found);
        }
        gradient
    }
}
