//! Spectra of a signal over time, and back. Linear, as made of linear parts.

use chainrule_tensor::{Tensor, Window};

use crate::declare::{Declaration, Draw, Sample};
use crate::ops::fft::FftNorm;
use crate::var::Var;

/// How a signal is cut into frames for [`Var::stft`], and put together again by [`Var::istft`].
///
/// ```
/// use chainrule_autodiff::{ops::stft::Stft, Var};
/// use chainrule_tensor::{DType, Tensor};
/// let speech = Var::constant(Tensor::zeros([16000], DType::F32));
/// let frames = Stft::new(400).hop(160).window(Tensor::hann_window(400, true, DType::F32));
/// assert_eq!(speech.stft(&frames).shape(), [201, 101, 2]);
/// ```
#[derive(Clone, Debug)]
pub struct Stft {
    size: usize,
    hop: usize,
    window: Option<Tensor>,
    center: bool,
    normalized: bool,
}

impl Stft {
    /// Frames of `size` elements, a quarter of that apart, through a window of ones, the first of them centred at the start of the signal.
    ///
    /// # Panics
    /// When the size is 0.
    #[track_caller]
    pub fn new(size: usize) -> Stft {
        assert!(size > 0, "Stft: frames of 0 elements");
        Stft { size, hop: (size / 4).max(1), window: None, center: true, normalized: false }
    }

    /// Another distance between frames.
    ///
    /// # Panics
    /// When it is 0.
    #[track_caller]
    pub fn hop(mut self, hop: usize) -> Stft {
        assert!(hop > 0, "Stft: a hop of 0 never ends");
        self.hop = hop;
        self
    }

    /// Another window, such as [`Tensor::hann_window`]. One that is shorter than a frame stands in its middle.
    ///
    /// # Panics
    /// When it is not one axis of at most the size of a frame.
    #[track_caller]
    pub fn window(mut self, window: Tensor) -> Stft {
        assert!(
            window.rank() == 1 && window.len() <= self.size,
            "Stft: a window of shape {} for frames of {}",
            window.to_shape(),
            self.size
        );
        self.window = Some(window);
        self
    }

    /// Whether frame t is centred at element t·hop, the signal being reflected at its ends, or starts there.
    pub fn center(mut self, on: bool) -> Stft {
        self.center = on;
        self
    }

    /// Whether spectra are divided by the root of the size, so that they keep lengths.
    pub fn normalized(mut self, on: bool) -> Stft {
        self.normalized = on;
        self
    }

    fn norm(&self) -> FftNorm {
        if self.normalized { FftNorm::Ortho } else { FftNorm::Backward }
    }

    /// The window in a frame: `[size, 1]`.
    fn column(&self, like: &Var) -> Var {
        let window = match &self.window {
            Some(window) => Var::constant(window.cast(like.dtype())),
            None => Var::constant(Tensor::ones([self.size], like.dtype())),
        };
        let before = (self.size - window.len()) / 2;
        window.pad(&[(before, self.size - window.len() - before)]).unsqueeze(1)
    }

    fn frames(&self) -> Window {
        Window::new(1).stride(&[self.hop])
    }
}

impl Var {
    /// The spectra of overlapping frames of a signal, each seen through a window: the short-time Fourier transform. Complex numbers are pairs
    /// along the last axis, as for [`rfft`](Var::rfft).
    ///
    /// Shape: `[length]` → `[size/2 + 1, frames, 2]`, or both with a first axis n.
    ///
    /// # Panics
    /// When there are other axes, or the signal is too short: for a frame, or to be reflected by half of one.
    ///
    /// ```
    /// # use chainrule_autodiff::{ops::stft::Stft, Var};
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![1., 2., 3., 4.]);
    /// let y = x.stft(&Stft::new(2).hop(2).center(false));
    /// assert_eq!(y.real().value().to_vec::<f32>(), [3., 7., -1., -1.]);
    /// ```
    #[track_caller]
    pub fn stft(&self, frames: &Stft) -> Var {
        if self.rank() == 1 {
            return self.unsqueeze(0).stft(frames).squeeze(&[0]);
        }
        assert!(self.rank() == 2, "stft: needs a signal [length] or signals [n, length], got {}", self.to_shape());
        let mut x = self.clone();
        if frames.center {
            let (n, half) = (self.size(1), frames.size / 2);
            assert!(
                half < n,
                "stft: a signal of {n} elements is too short to be reflected by {half}; .center(false) does without"
            );
            let places = (0..n + 2 * half).map(|i| {
                let at = i.abs_diff(half);
                at.min((2 * (n - 1)).abs_diff(at)) as i64
            });
            x = x.index_select(1, &places.collect::<Vec<_>>().into());
        }
        assert!(x.size(1) >= frames.size, "stft: frames of {} do not fit a signal of {}", frames.size, x.size(1));
        let columns = x.unsqueeze(1).im2col(&[frames.size], &frames.frames()); // [n, size, frames]
        (columns * frames.column(self)).rfft(None, 1, frames.norm())
    }

    /// The signal of which these are the spectra: the inverse of [`stft`](Var::stft), which is the least-squares one where the spectra fit none.
    /// Cut or filled with zeros to `length` elements, if that is given.
    ///
    /// Shape: `[size/2 + 1, frames, 2]` → `[length]`, or both with a first axis n.
    ///
    /// Source: Griffin and Lim, Signal estimation from modified short-time Fourier transform, 1984.
    ///
    /// # Panics
    /// When the shape is not that of such spectra, or the windows leave out elements of the signal.
    ///
    /// ```
    /// # use chainrule_autodiff::{ops::stft::Stft, Var};
    /// # use chainrule_tensor::{tensor, Tensor, DType};
    /// let x = Var::constant(tensor![1., 2., 4., 3., 5., 8.]);
    /// let frames = Stft::new(4).hop(1).window(Tensor::hann_window(4, true, DType::F32));
    /// let y = x.stft(&frames).istft(&frames, Some(6));
    /// assert!(y.value().allclose(x.value(), 1e-5, 0.0));
    /// ```
    #[track_caller]
    pub fn istft(&self, frames: &Stft, length: Option<usize>) -> Var {
        self.expect_complex("istft");
        if self.rank() == 3 {
            return self.unsqueeze(0).istft(frames, length).squeeze(&[0]);
        }
        assert!(
            self.rank() == 4 && self.size(1) == frames.size / 2 + 1 && self.size(2) > 0,
            "istft: needs spectra [{}, frames, 2] or [n, {}, frames, 2], got {}",
            frames.size / 2 + 1,
            frames.size / 2 + 1,
            self.to_shape()
        );
        let (count, window) = (self.size(2), frames.column(self));
        let whole = frames.size + frames.hop * (count - 1);
        let columns = self.irfft(Some(frames.size), 1, frames.norm()) * &window; // [n, size, frames]
        let add = |columns: &Var| columns.col2im(&[whole], &[frames.size], &frames.frames()).squeeze(&[1]); // [n, whole]
        let weights = window.square().broadcast_to([1, frames.size, count]);
        let start = if frames.center { frames.size / 2 } else { 0 };
        let end = length.map_or(whole.saturating_sub(start), |length| (start + length).min(whole)).max(start);
        let weights = add(&weights).narrow(1, start, end - start);
        assert!(
            weights.value().to_f64_vec().iter().all(|&weight| weight > 1e-11),
            "istft: the windows leave out elements of the signal (frames of {}, {} apart)",
            frames.size,
            frames.hop
        );
        let y = add(&columns).narrow(1, start, end - start) / weights;
        y.pad(&[(0, 0), (0, length.map_or(0, |length| length.saturating_sub(end - start)))])
    }
}

fn drawn(d: &mut Draw) -> Stft {
    let size = d.range(2, 6);
    let frames = Stft::new(size).hop(d.range(1, 2)).center(d.flag()).normalized(d.flag());
    let width = d.range(size.saturating_sub(1), size);
    frames.window(d.tensor(&[width], 0.5, 1.5))
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::linear("stft", "stft", "rfft of windowed frames", "of its parts", |d| {
        let frames = drawn(d);
        let shape = [d.size().min(2), 6 + d.below(4)];
        let shape = if d.flag() { &shape[1..] } else { &shape };
        Sample::new([d.reals(shape)], format!("x[0].stft(&{frames:?})"), move |x| x[0].stft(&frames))
    }),
    Declaration::linear(
        "istft",
        "istft",
        "frames by irfft, windowed, added, over the windows' squares",
        "of its parts",
        |d| {
            let size = d.range(2, 6);
            let frames =
                Stft::new(size).hop(1).center(d.flag()).normalized(d.flag()).window(d.tensor(&[size], 0.5, 1.5));
            let count = d.range(2, 4);
            let shape = [d.size().min(2), size / 2 + 1, count, 2];
            let shape = if d.flag() { &shape[1..] } else { &shape };
            let length = d.flag().then(|| d.range(1, 5));
            let source = format!("x[0].istft(&{frames:?}, {length:?})");
            Sample::new([d.reals(shape)], source, move |x| x[0].istft(&frames, length))
        },
    ),
];
