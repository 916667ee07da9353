//! Channels for pixels, and channels of groups in turns.

use chainrule_tensor::Shape;

use crate::declare::{Declaration, Sample};
use crate::var::Var;

impl Var {
    /// Channels laid out as `r × r` blocks of pixels (Shi et al., 2016).
    ///
    /// Shape: `[…, c·r², h, w]` → `[…, c, h·r, w·r]`.
    ///
    /// # Panics
    /// When there are fewer than three axes or the channels are no multiple of r².
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{DType, Tensor};
    /// let x = Var::constant(Tensor::zeros([8, 3, 5], DType::F32));
    /// assert_eq!(x.pixel_shuffle(2).shape(), [2, 6, 10]);
    /// ```
    #[track_caller]
    pub fn pixel_shuffle(&self, r: usize) -> Var {
        let (batch, [c, h, w]) = self.image("pixel_shuffle");
        assert!(
            r > 0 && c % (r * r) == 0,
            "pixel_shuffle: {c} channels are no multiple of {r}² (shape {})",
            self.to_shape()
        );
        let n = batch.iter().product();
        let x = self.reshape([n, c / (r * r), r, r, h, w]).permute(&[0, 1, 4, 2, 5, 3]); // [n, c, h, r, w, r]
        x.reshape(batch.into_iter().chain([c / (r * r), h * r, w * r]).collect::<Shape>())
    }

    /// Blocks of `r × r` pixels made channels: [`pixel_shuffle`](Var::pixel_shuffle) undone.
    ///
    /// Shape: `[…, c, h·r, w·r]` → `[…, c·r², h, w]`.
    ///
    /// # Panics
    /// When there are fewer than three axes or height or width are no multiples of r.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{DType, Tensor};
    /// let x = Var::constant(Tensor::zeros([2, 6, 10], DType::F32));
    /// assert_eq!(x.pixel_unshuffle(2).shape(), [8, 3, 5]);
    /// ```
    #[track_caller]
    pub fn pixel_unshuffle(&self, r: usize) -> Var {
        let (batch, [c, h, w]) = self.image("pixel_unshuffle");
        assert!(
            r > 0 && h % r == 0 && w % r == 0,
            "pixel_unshuffle: {h} × {w} pixels do not make blocks of {r} × {r} (shape {})",
            self.to_shape()
        );
        let n = batch.iter().product();
        let x = self.reshape([n, c, h / r, r, w / r, r]).permute(&[0, 1, 3, 5, 2, 4]); // [n, c, r, r, h, w]
        x.reshape(batch.into_iter().chain([c * r * r, h / r, w / r]).collect::<Shape>())
    }

    /// Channels of several groups taken in turns (Zhang et al., 2018): seen as `[groups, c/groups]`, they are transposed.
    ///
    /// Shape: `[n, c, …]` unchanged.
    ///
    /// # Panics
    /// When there are fewer than two axes or the channels are no multiple of `groups`.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![[1., 2., 3., 4.]]);
    /// assert_eq!(x.channel_shuffle(2).value().to_vec::<f32>(), [1., 3., 2., 4.]);
    /// ```
    #[track_caller]
    pub fn channel_shuffle(&self, groups: usize) -> Var {
        let shape = self.to_shape();
        assert!(shape.len() >= 2, "channel_shuffle: shape {shape} is not [n, channels, …]");
        let c = shape[1];
        assert!(
            groups > 0 && c.is_multiple_of(groups),
            "channel_shuffle: {c} channels do not make {groups} equal groups"
        );
        let grouped = self.unflatten(1, &[groups as isize, (c / groups) as isize]); // [n, groups, c/groups, …]
        grouped.transpose(1, 2).reshape(shape)
    }

    /// The axes before an image's channels, and its channels, height and width.
    #[track_caller]
    fn image(&self, op: &str) -> (Vec<usize>, [usize; 3]) {
        match self.shape() {
            [batch @ .., c, h, w] => (batch.to_vec(), [*c, *h, *w]),
            shape => panic!("{op}: shape {shape:?} is not [channels, height, width], with or without axes in front"),
        }
    }
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::linear(
        "pixel_shuffle",
        "pixel_shuffle",
        "channels to blocks of pixels",
        "pixel_unshuffle of g",
        |d| {
            let (c, r) = (d.range(1, 2), d.range(1, 3));
            let image = [d.size(), c * r * r, d.size(), d.size()];
            let shape = image[d.below(2)..].to_vec();
            Sample::new([d.reals(&shape)], format!("x[0].pixel_shuffle({r})"), move |x| x[0].pixel_shuffle(r))
        },
    ),
    Declaration::linear(
        "pixel_unshuffle",
        "pixel_unshuffle",
        "blocks of pixels to channels",
        "pixel_shuffle of g",
        |d| {
            let (h, w, r) = (d.range(1, 2), d.range(1, 3), d.range(1, 3));
            let image = [d.size(), d.size(), h * r, w * r];
            let shape = image[d.below(2)..].to_vec();
            Sample::new([d.reals(&shape)], format!("x[0].pixel_unshuffle({r})"), move |x| x[0].pixel_unshuffle(r))
        },
    ),
    Declaration::linear("channel_shuffle", "channel_shuffle", "channels of groups in turns", "in turns back", |d| {
        let (groups, each) = (d.range(1, 3), d.range(1, 3));
        let shape = [d.size(), groups * each, d.size()];
        Sample::new([d.reals(&shape)], format!("x[0].channel_shuffle({groups})"), move |x| x[0].channel_shuffle(groups))
    }),
];
