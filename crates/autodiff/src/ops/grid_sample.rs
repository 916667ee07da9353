//! Images read at given places, and the places of an affine map.

use chainrule_tensor::{DType, Tensor};

use crate::declare::{Declaration, Draw, Family, Sample};
use crate::op::{Op, Saves};
use crate::var::Var;

/// What [`Var::grid_sample`] takes for the number between positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sampling {
    /// What the neighbours on both sides of each axis weigh by distance: bilinear, trilinear.
    #[default]
    Linear,
    /// The nearest neighbour, the even one of two; the grid gets no gradient.
    Nearest,
    /// A cubic polynomial through four neighbours of each axis (Keys' kernel with a = −3/4), of images alone.
    Cubic,
}

/// What [`Var::grid_sample`] takes for the numbers outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outside {
    /// Zeros.
    #[default]
    Zeros,
    /// The number at the border; the grid gets no gradient there.
    Border,
    /// The input reflected at its border, as often as needed.
    Reflection,
}

/// The options of [`Var::grid_sample_with`]; the defaults are PyTorch's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GridSample {
    /// What stands between positions.
    pub mode: Sampling,
    /// What stands outside.
    pub outside: Outside,
    /// Whether −1 and 1 are the centres of the first and last position, rather than their outer edges.
    pub align_corners: bool,
}

/// From a coordinate between −1 and 1 to a position on an axis, folded back where it lies outside. Linear on pieces.
struct GridPosition {
    size: f64,
    outside: Outside,
    align_corners: bool,
}

impl GridPosition {
    fn scale(&self) -> f64 {
        if self.align_corners { (self.size - 1.0) / 2.0 } else { self.size / 2.0 }
    }

    /// The position of a coordinate, and the slope there.
    fn of(&self, x: f64) -> (f64, f64) {
        let position = (x + 1.0) * self.scale() - if self.align_corners { 0.0 } else { 0.5 };
        let (position, slope) = self.inside(position);
        (position, slope * self.scale())
    }

    /// A position brought inside, and the slope of that.
    fn inside(&self, position: f64) -> (f64, f64) {
        match self.outside {
            Outside::Zeros => (position, 1.0),
            Outside::Border => self.clipped(position),
            Outside::Reflection => {
                let (reflected, sign) = self.reflected(position);
                let (clipped, slope) = self.clipped(reflected);
                (clipped, sign * slope)
            }
        }
    }

    fn clipped(&self, position: f64) -> (f64, f64) {
        let last = self.size - 1.0;
        match position {
            x if x <= 0.0 => (0.0, 0.0),
            x if x >= last => (last, 0.0),
            x => (x, 1.0),
        }
    }

    fn reflected(&self, position: f64) -> (f64, f64) {
        let (low, span) = if self.align_corners { (0.0, self.size - 1.0) } else { (-0.5, self.size) };
        if span == 0.0 {
            return (0.0, 0.0);
        }
        let (from_low, sign) = ((position - low).abs(), if position < low { -1.0 } else { 1.0 });
        let (extra, flips) = (from_low % span, (from_low / span).floor());
        if flips % 2.0 == 0.0 { (low + extra, sign) } else { (low + span - extra, -sign) }
    }
}

impl Op<1> for GridPosition {
    fn name(&self) -> &'static str {
        "grid_position"
    }
    fn saves(&self) -> Saves {
        Saves::Inputs
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        numbers(x.to_f64_vec().into_iter().map(|x| self.of(x).0), x)
    }
    fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var {
        let slopes = x.value().to_f64_vec().into_iter().map(|x| self.of(x).1);
        g * Var::constant(numbers(slopes, x.value()))
    }
}

/// Numbers in the shape and type of another tensor.
fn numbers(numbers: impl Iterator<Item = f64>, like: &Tensor) -> Tensor {
    Tensor::from_vec(numbers.collect::<Vec<f64>>(), like.shape()).cast(like.dtype())
}

/// What one axis contributes to each place: positions on it, and their weights.
type AxisTaps = Vec<(Vec<f64>, Option<Var>)>;

impl GridSample {
    fn taps(&self, coordinate: &Var, size: usize) -> AxisTaps {
        let axis = GridPosition { size: size as f64, outside: self.outside, align_corners: self.align_corners };
        let place = |axis: GridPosition| axis.apply([coordinate]);
        match self.mode {
            Sampling::Nearest => {
                let at = place(axis).value().to_f64_vec();
                vec![(at.into_iter().map(f64::round_ties_even).collect(), None)]
            }
            Sampling::Linear => {
                let (left, part) = split(&place(axis));
                let right = left.iter().map(|x| x + 1.0).collect();
                vec![(left, Some(1.0 - &part)), (right, Some(part))]
            }
            // Here it is the neighbours that are brought inside, not the place between them.
            Sampling::Cubic => {
                let (left, part) = split(&place(GridPosition { outside: Outside::Zeros, ..axis }));
                let tap = |k: usize| {
                    let at = left.iter().map(|x| axis.inside(x + k as f64 - 1.0).0).collect();
                    (at, Some(cubic(&part, k)))
                };
                (0..4).map(tap).collect()
            }
        }
    }
}

/// The position to the left of each place, and how far it is from there.
fn split(place: &Var) -> (Vec<f64>, Var) {
    let left: Vec<f64> = place.value().to_f64_vec().into_iter().map(f64::floor).collect();
    let part = place - Var::constant(numbers(left.iter().copied(), place.value()));
    (left, part)
}

/// The weight of neighbour `k` of four at a place `part` after the second.
fn cubic(part: &Var, k: usize) -> Var {
    const A: f64 = -0.75;
    let far = |x: Var| ((A * &x - 5.0 * A) * &x + 8.0 * A) * &x - 4.0 * A;
    let near = |x: Var| ((A + 2.0) * &x - (A + 3.0)) * &x * &x + 1.0;
    match k {
        0 => far(part + 1.0),
        1 => near(part.clone()),
        2 => near(1.0 - part),
        _ => far(2.0 - part),
    }
}

impl Var {
    /// An image or volume read at places between −1 and 1, linearly between positions, with zeros outside; see
    /// [`grid_sample_with`](Var::grid_sample_with).
    ///
    /// # Panics
    /// When shapes do not fit.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let image = Var::constant(tensor![[[[1., 3.], [5., 9.]]]]);
    /// let middle = Var::leaf(tensor![[[[0., 0.]]]]);
    /// let y = image.grid_sample(&middle);
    /// assert_eq!(y.item(), 4.5);
    /// assert_eq!(y.backward()[&middle].to_vec::<f32>(), [3., 5.]); // per half a width, per half a height
    /// ```
    #[track_caller]
    pub fn grid_sample(&self, grid: &Var) -> Var {
        self.grid_sample_with(grid, &GridSample::default())
    }

    /// An image or volume read at places: the last axis of the grid holds (x, y) or (x, y, z), where x goes along the last axis of the input, and
    /// −1 and 1 are its ends.
    ///
    /// Shapes: `[n, c, spatial…]`, grid `[n, output…, spatial axes]` → `[n, c, output…]`.
    ///
    /// Source: Jaderberg et al., Spatial transformer networks, 2015.
    ///
    /// # Panics
    /// When shapes do not fit, or volumes are to be read with [`Sampling::Cubic`].
    #[track_caller]
    pub fn grid_sample_with(&self, grid: &Var, options: &GridSample) -> Var {
        let rank = self.rank().saturating_sub(2);
        assert!(
            rank > 0 && grid.rank() == rank + 2 && grid.size(-1) == rank && grid.size(0) == self.size(0),
            "grid_sample: an input [n, c, …] of shape {} needs a grid [n, …, {rank}] of as many axes, got {}",
            self.to_shape(),
            grid.to_shape()
        );
        assert!(
            options.mode != Sampling::Cubic || rank == 2,
            "grid_sample: cubic sampling is for images alone, not for {}",
            self.to_shape()
        );
        let (n, c, spatial) = (self.size(0), self.size(1), &self.shape()[2..]);
        assert!(!spatial.contains(&0), "grid_sample: a spatial axis of input {} is empty", self.to_shape());
        let plane: usize = spatial.iter().product();
        let places: usize = grid.shape()[1..=rank].iter().product();
        let mut rows: AxisTaps = vec![((0..n * places).map(|p| (p / places) as f64).collect(), None)];
        for (axis, &size) in spatial.iter().enumerate() {
            let coordinate = grid.select(-1, (rank - 1 - axis) as isize).reshape([n * places]);
            rows = product(&rows, &options.taps(&coordinate, size), size);
        }
        // One more row, of zeros, for what lies outside.
        let last: Vec<isize> = [0].into_iter().chain(2..=rank as isize + 1).chain([1]).collect();
        let pixels = self.permute(&last).reshape([n * plane, c]);
        let pixels = Var::cat(&[&pixels, &Var::constant(Tensor::zeros([1, c], self.dtype()))], 0);
        let read = |(at, weight): &(Vec<f64>, Option<Var>)| {
            let at = at.iter().map(|&at| if at >= 0.0 { at as i64 } else { (n * plane) as i64 }).collect::<Vec<_>>();
            let read = pixels.index_select(0, &at.into()); // [n·places, c]
            match weight {
                Some(weight) => read * weight.unsqueeze(1),
                None => read,
            }
        };
        let sum = rows.iter().map(read).reduce(|sum, more| sum + more).expect("there is a tap");
        let output = [&grid.shape()[..=rank], &[c]].concat();
        let back: Vec<isize> = [0, rank as isize + 1].into_iter().chain(1..=rank as isize).collect();
        sum.reshape(output).permute(&back)
    }

    /// The places that affine maps send the pixels of an output to, for [`grid_sample`](Var::grid_sample): a grid of (x, y) or (x, y, z), each
    /// the map of the pixel's own coordinates between −1 and 1, extended by 1.
    ///
    /// Shapes: maps `[n, 2, 3]` and size `[n, c, height, width]` → `[n, height, width, 2]`; with a depth `[n, 3, 4]` → `[n, depth, height, width, 3]`.
    ///
    /// # Panics
    /// When shapes do not fit.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let shift = Var::leaf(tensor![[[1., 0., 0.25], [0., 1., 0.]]]);
    /// let grid = shift.affine_grid(&[1, 1, 1, 2], false);
    /// assert_eq!(grid.value().to_vec::<f32>(), [-0.25, 0., 0.75, 0.]);
    /// ```
    #[track_caller]
    pub fn affine_grid(&self, size: &[usize], align_corners: bool) -> Var {
        let rank = size.len().saturating_sub(2);
        assert!(
            rank > 0 && self.shape() == [size[0], rank, rank + 1],
            "affine_grid: an output {size:?} needs maps of shape [{}, {rank}, {}], got {}",
            size.first().unwrap_or(&0),
            rank + 1,
            self.to_shape()
        );
        let spatial = &size[2..];
        let mut coordinates = Vec::with_capacity(rank + 1);
        for (axis, &n) in spatial.iter().enumerate().rev() {
            let end = match n {
                0 | 1 => 0.0,
                _ if align_corners => 1.0,
                n => (n - 1) as f64 / n as f64,
            };
            let mut shape = vec![1; rank];
            shape[axis] = n;
            coordinates.push(Tensor::linspace(-end, end, n, DType::F64).reshape(shape).broadcast_to(spatial));
        }
        coordinates.push(Tensor::ones(spatial, DType::F64));
        let base = Tensor::stack(&coordinates.iter().collect::<Vec<_>>(), -1).cast(self.dtype()); // [spatial…, rank + 1]
        let base = base.reshape([spatial.iter().product(), rank + 1]);
        Var::constant(base).matmul(&self.t()).reshape([&size[..1], spatial, &[rank]].concat())
    }
}

/// All pairs of taps: positions in a plane with one more axis of length `size`, −1 for outside, and the products of the weights.
fn product(rows: &AxisTaps, taps: &AxisTaps, size: usize) -> AxisTaps {
    let size = size as f64;
    let pair = |row: &(Vec<f64>, Option<Var>), tap: &(Vec<f64>, Option<Var>)| {
        let join = |(&row, &at): (&f64, &f64)| if row < 0.0 || at < 0.0 || at >= size { -1.0 } else { row * size + at };
        let at = row.0.iter().zip(&tap.0).map(join).collect();
        let weight = match (&row.1, &tap.1) {
            (Some(a), Some(b)) => Some(a * b),
            (a, b) => a.clone().or(b.clone()),
        };
        (at, weight)
    };
    rows.iter().flat_map(|row| taps.iter().map(move |tap| pair(row, tap))).collect()
}

/// A grid whose places keep away from positions, edges and the middles between positions.
fn places(d: &mut Draw, shape: &[usize], spatial: &[usize], align_corners: bool) -> Tensor {
    let rank = spatial.len();
    let count: usize = shape.iter().product();
    let coordinate = |i: usize| {
        let size = spatial[rank - 1 - i % rank];
        let position = d.below(size + 4) as f64 - 2.0 + d.value(0.1, 0.4);
        let size = size as f64;
        if align_corners { 2.0 * position / (size - 1.0).max(1.0) - 1.0 } else { (2.0 * position + 1.0) / size - 1.0 }
    };
    Tensor::from_vec((0..count).map(coordinate).collect::<Vec<f64>>(), shape)
}

fn drawn(d: &mut Draw, options: GridSample) -> [Tensor; 2] {
    let rank = if options.mode == Sampling::Cubic { 2 } else { d.range(1, 3) };
    let spatial: Vec<usize> = (0..rank).map(|_| d.range(1, 3)).collect();
    let (n, c) = (d.size().min(2), d.range(1, 2));
    let output: Vec<usize> = (0..rank).map(|_| d.size().min(2)).collect();
    let x = d.reals(&[&[n, c], &spatial[..]].concat());
    let grid = places(d, &[&[n], &output[..], &[rank]].concat(), &spatial, options.align_corners);
    [x, grid]
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(
        Family::Composite,
        "grid_sample",
        "nn.functional.grid_sample",
        "the input at places",
        "of its parts",
        |d| {
            let inputs = drawn(d, GridSample::default());
            Sample::new(inputs, "x[0].grid_sample(&x[1])", |x| x[0].grid_sample(&x[1]))
        },
    ),
    Declaration::new(
        Family::Composite,
        "grid_sample_with",
        "nn.functional.grid_sample",
        "the input at places",
        "of its parts",
        |d| {
            let options = GridSample {
                mode: d.pick(&[Sampling::Linear, Sampling::Nearest, Sampling::Cubic]),
                outside: d.pick(&[Outside::Zeros, Outside::Border, Outside::Reflection]),
                align_corners: d.flag(),
            };
            let [x, grid] = drawn(d, options);
            if options.mode == Sampling::Nearest {
                let source = format!("x[0].grid_sample_with(&grid, &{options:?})");
                return Sample::new([x], source, move |x| {
                    x[0].grid_sample_with(&Var::constant(grid.cast(x[0].dtype())), &options)
                });
            }
            let source = format!("x[0].grid_sample_with(&x[1], &{options:?})");
            Sample::new([x, grid], source, move |x| x[0].grid_sample_with(&x[1], &options))
        },
    ),
    Declaration::linear(
        "affine_grid",
        "nn.functional.affine_grid",
        "pixels under affine maps",
        "pixelsᵀ · g",
        |d| {
            let rank = d.range(1, 3);
            let spatial: Vec<usize> = (0..rank).map(|_| d.size().min(3)).collect();
            let size = [vec![d.size().min(2), 1], spatial].concat();
            let align = d.flag();
            let source = format!("x[0].affine_grid(&{size:?}, {align})");
            Sample::new([d.reals(&[size[0], rank, rank + 1])], source, move |x| x[0].affine_grid(&size, align))
        },
    ),
];
