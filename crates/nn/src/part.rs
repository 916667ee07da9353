//! What a model is made of besides parameters: buffers and modes.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use chainrule_tensor::Tensor;

/// Whether a module behaves as in training or as in use. A field of the modules that care (dropout, batch normalisation); there is no
/// global switch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Dropout drops; batch normalisation uses the batch's statistics, and remembers them.
    #[default]
    Training,
    /// Dropout is off; batch normalisation uses the statistics it has remembered.
    Inference,
}

/// Numbers that belong to a model and are not learned by gradients, such as running statistics.
///
/// They change behind a shared reference, one change at a time, so that a model shared by threads can keep statistics. A clone has
/// numbers of its own from then on.
///
/// ```
/// use chainrule_nn::Buffer;
/// use chainrule_tensor::tensor;
/// let mean = Buffer::new(tensor![0., 0.]);
/// let before = mean.clone();
/// mean.update(|m| m + tensor![1., 2.]);
/// assert_eq!(mean.get().to_vec::<f32>(), [1., 2.]);
/// assert_eq!(before.get().to_vec::<f32>(), [0., 0.]);
/// ```
pub struct Buffer(Mutex<Tensor>);

impl Buffer {
    /// A buffer that holds these numbers.
    pub fn new(value: impl Into<Tensor>) -> Buffer {
        Buffer(Mutex::new(value.into()))
    }

    /// The numbers as they are now.
    pub fn get(&self) -> Tensor {
        self.lock(|value| value.clone())
    }

    /// Replaces the numbers.
    pub fn set(&self, value: impl Into<Tensor>) {
        let value = value.into();
        self.lock(|slot| *slot = value);
    }

    /// Replaces the numbers by a function of them. No other change can come in between.
    pub fn update(&self, change: impl FnOnce(&Tensor) -> Tensor) {
        self.lock(|value| *value = change(value));
    }

    /// A tensor is replaced as a whole, so a panic in between leaves a valid one.
    fn lock<T>(&self, work: impl FnOnce(&mut Tensor) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Buffer {
        Buffer::new(self.get())
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "buffer {}", self.get())
    }
}
