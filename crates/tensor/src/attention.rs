//! Attention without a tensor of scores, for those who compute its gradients.

use crate::dtype::each_real;
use crate::kernel::attention::{Form, Place, backward, forward};
use crate::layout::Layout;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// What turns scores of queries and keys into weights.
///
/// Queries `[…, l, d]`, keys `[…, s, d]` and values `[…, s, e]` have the same axes before the last two. None is empty.
///
/// ```
/// use chainrule_tensor::{Attention, tensor};
/// let (q, k, v) = (tensor![[0., 9.]], tensor![[1., 0.], [0., 9.]], tensor![[3.], [7.]]);
/// let attention = Attention { causal: false, scale: 1.0 };
/// assert_eq!(attention.forward([&q, &k, &v]).to_vec::<f32>(), [7.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention {
    /// Whether query i looks at the keys up to i only.
    pub causal: bool,
    /// What scores are multiplied by.
    pub scale: f64,
}

impl Attention {
    fn form(self, [q, k, v]: [&Tensor; 3]) -> Form {
        let batch = &q.shape()[..q.rank() - 2];
        let all: usize = batch.iter().product();
        // Threads share samples; of a single one, its heads.
        let heads = if batch.len() >= 2 && all > batch[batch.len() - 1] { batch[batch.len() - 1] } else { 1 };
        Form {
            samples: all / heads,
            heads,
            queries: q.size(-2),
            keys: k.size(-2),
            width: q.size(-1),
            values: v.size(-1),
            causal: self.causal,
            scale: self.scale,
        }
    }

    /// softmax(scale·q·kᵀ)·v: `[…, l, e]`. In memory, the heads (axis −3) of one position lie side by side where there are several samples, so that
    /// joining them takes no copy.
    ///
    /// # Panics
    /// When types differ or are not `f32` or `f64`.
    #[track_caller]
    pub fn forward(self, [q, k, v]: [&Tensor; 3]) -> Tensor {
        let form = self.form([q, k, v]);
        let Form { samples, heads, queries, values, .. } = form;
        let out = each_real!("attention", q, T => {
            let inputs = [q, k, v].map(|x| (x.storage.slice::<T>(), &x.layout));
            Tensor::build::<T>([samples, queries, heads, values], |out| forward(form, inputs, out))
        }, half => panic!("attention: halves are stored, not computed with; cast them"));
        let shape: Shape = q.shape()[..q.rank() - 1].iter().copied().chain([values]).collect();
        let place = Place { first: 0, head: values, row: heads * values };
        view(&out, shape, form, queries * heads * values, place)
    }

    /// The gradients of queries, keys and values, given that of the output.
    ///
    /// # Panics
    /// As `forward`.
    #[track_caller]
    pub fn backward(self, x: [&Tensor; 3], g: &Tensor) -> [Tensor; 3] {
        let form = self.form(x);
        let Form { heads, queries, keys, width, values, .. } = form;
        let rows = [heads * width, heads * width, heads * values];
        let firsts = [0, queries * rows[0], (queries + keys) * rows[0]];
        let size = firsts[2] + keys * rows[2];
        let widths = [width, width, values];
        let place = |i: usize| Place { first: firsts[i], head: widths[i], row: rows[i] };
        let places = [0, 1, 2].map(place);
        let all = gradients(form, x, g, places, size);
        std::array::from_fn(|i| view(&all, x[i].to_shape(), form, size, places[i]))
    }

    /// [`forward`](Attention::forward) of queries, keys and values that lie side by side: `[…, l, 3, heads, d]` → `[…, l, heads, d]`.
    ///
    /// # Panics
    /// As `forward`.
    #[track_caller]
    pub fn forward_joint(self, x: &Tensor) -> Tensor {
        let parts = parts(x);
        self.forward(parts.each_ref()).transpose(-3, -2)
    }

    /// The gradient of what [`forward_joint`](Attention::forward_joint) takes, given that of the output.
    ///
    /// # Panics
    /// As `forward`.
    #[track_caller]
    pub fn backward_joint(self, x: &Tensor, g: &Tensor) -> Tensor {
        let (parts, g) = (parts(x), g.transpose(-3, -2));
        let form = self.form(parts.each_ref());
        let Form { samples, heads, queries, width, .. } = form;
        let row = heads * width;
        let places = [0, 1, 2].map(|i| Place { first: i * row, head: width, row: 3 * row });
        let all = gradients(form, parts.each_ref(), &g, places, queries * 3 * row);
        if heads == x.size(-2) {
            return all.reshape(x.to_shape());
        }
        // A single sample, whose heads came one after the other.
        all.reshape([samples, queries, 3, width]).permute(&[1, 2, 0, 3]).reshape(x.to_shape())
    }
}

/// `[…, l, 3, heads, d]` as three of `[…, heads, l, d]`.
fn parts(x: &Tensor) -> [Tensor; 3] {
    [0, 1, 2].map(|i| x.select(-3, i).transpose(-3, -2))
}

/// The gradients at their places in the memory of each sample: `[samples, size]`.
#[track_caller]
fn gradients(form: Form, [q, k, v]: [&Tensor; 3], g: &Tensor, places: [Place; 3], size: usize) -> Tensor {
    each_real!("attention", q, T => {
        let inputs = [q, k, v, g].map(|x| (x.storage.slice::<T>(), &x.layout));
        Tensor::build::<T>([form.samples, size], |out| backward(form, inputs, places, size, out))
    }, half => panic!("attention: halves are stored, not computed with; cast them"))
}

/// Matrices of this shape among those of all samples, each of which takes `size` numbers.
fn view(all: &Tensor, shape: Shape, form: Form, size: usize, place: Place) -> Tensor {
    let rank = shape.len();
    let mut walk = Layout::dense(shape).walk();
    walk.offset = place.first;
    (walk.strides[rank - 2], walk.strides[rank - 1]) = (place.row as isize, 1);
    let mut step = size;
    for axis in (0..rank - 2).rev() {
        if form.heads > 1 && axis == rank - 3 {
            walk.strides[axis] = place.head as isize;
        } else {
            walk.strides[axis] = step as isize;
            step *= walk.shape[axis];
        }
    }
    all.with_layout(walk)
}
