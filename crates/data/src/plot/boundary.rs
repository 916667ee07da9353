//! Decision boundaries in the plane.

use std::ops::Range;
use std::path::Path;

use chainrule_tensor::{DType, Tensor};
use plotters::chart::ChartBuilder;
use plotters::style::{Color, RGBColor, WHITE};

use super::canvas::{self, Area, COLOURS, FAINT_INK, INK, draw_error, picture, text_style, units};
use super::key::{self, Key, Marker};
use super::ticks::{Axis, Fit};
use super::{PlotError, save};
use crate::dataset::Dataset;

/// The width of the picture and its margins, in pixels.
const SIDE: u32 = 820;
const LEFT: f64 = 82.0;
const EDGE: f64 = 32.0;
/// Points per side of the grid a model is asked about; between them its answers are interpolated.
const GRID_SIDE: usize = 160;
/// How strongly a class colours the region where it is certain.
const TINT: f64 = 0.42;
/// A circle of 2 units: half the width of the boundary.
const AROUND: [(isize, isize); 8] = [(2, 0), (1, 1), (0, 2), (-1, 1), (-2, 0), (-1, -1), (0, -2), (1, -1)];
const UNKNOWN: RGBColor = RGBColor(200, 200, 200);

/// A picture of how a model divides the plane: the examples as dots, the plane behind them in the colours of the
/// classes, mixed by their probabilities, and a line where the most probable class changes.
///
/// ```
/// use chainrule_data::{Dataset, plot::Boundary};
/// use chainrule_tensor::{Tensor, tensor};
///
/// let data = Dataset::new(tensor![[-1., 0.], [1., 0.5]], Tensor::from([0i64, 1]), ["left", "right"]);
/// let png = Boundary::new("Left or right", &data).png(|x| {
///     // The probability of "right" grows with the first coordinate.
///     let right = (x.narrow(1, 0, 1).to_vec::<f32>()).into_iter().map(|x| 1.0 / (1.0 + (-3.0 * x).exp()));
///     Tensor::from_vec(right.flat_map(|p| [1.0 - p, p]).collect(), [x.shape()[0], 2])
/// })?;
/// assert!(png.starts_with(b"\x89PNG"));
/// # Ok::<(), chainrule_data::plot::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Boundary {
    title: String,
    axes: [String; 2],
    data: Dataset,
}

impl Boundary {
    /// A picture of `data`, whose examples are points in the plane: `[n, 2]`.
    ///
    /// # Panics
    /// When the examples have another shape.
    #[track_caller]
    pub fn new(title: impl Into<String>, data: &Dataset) -> Boundary {
        let shape = data.x().shape();
        assert!(
            shape.len() == 2 && shape[1] == 2,
            "Boundary::new: examples have shape {shape:?}; points in the plane are [n, 2]"
        );
        Boundary { title: title.into(), axes: ["x₁".into(), "x₂".into()], data: data.clone() }
    }

    /// Names the axes; they are x₁ and x₂ otherwise.
    pub fn axes(mut self, horizontal: impl Into<String>, vertical: impl Into<String>) -> Boundary {
        self.axes = [horizontal.into(), vertical.into()];
        self
    }

    /// Draws the picture. `probabilities` is asked once, for all points of a grid: it takes `[m, 2]` of the examples'
    /// type and gives the probability of each class, `[m, classes]`. Where those are not finite, the plane is grey.
    ///
    /// # Errors
    /// [`PlotError::Draw`], when drawing fails.
    ///
    /// # Panics
    /// When the answer has another shape, or rows that are no probabilities (logits want a `softmax`).
    #[track_caller]
    pub fn png(&self, probabilities: impl FnOnce(&Tensor) -> Tensor) -> Result<Vec<u8>, PlotError> {
        let points: Vec<f64> = self.data.x().cast(DType::F64).to_vec();
        let [x, y] = square([0, 1].map(|axis| extent(points.iter().skip(axis).step_by(2).copied())));
        let field = Field::ask(&x, &y, self.data.x().dtype(), self.data.classes().len(), probabilities);
        let room = units(f64::from(SIDE) - LEFT - EDGE);
        let names = self.data.classes().iter().cloned().enumerate().map(|(class, name)| (name, colour(class)));
        let key = Key::new(Marker::Dot, names, room)?;
        let head = 60.0 + f64::from(key.rows()) * key::ROW;
        picture((SIDE, SIDE - 48 + head as u32), |area| {
            canvas::write_within(area, &self.title, (units(EDGE), units(38.0)), 24.0, room)?;
            key.draw(area, (units(LEFT), units(74.0)))?;
            let (_, body) = area.split_vertically(units(head));
            let mut chart = ChartBuilder::on(&body)
                .margin_left(units(12.0))
                .margin_right(units(EDGE))
                .margin_top(units(8.0))
                .margin_bottom(units(14.0))
                .x_label_area_size(units(58.0))
                .y_label_area_size(units(70.0))
                .build_cartesian_2d(axis(&x), axis(&y))
                .map_err(draw_error)?;
            let screen = area.use_screen_coord();
            field.paint(&screen, chart.plotting_area().get_pixel_range())?;
            chart
                .configure_mesh()
                .disable_mesh()
                .axis_style(FAINT_INK.stroke_width(units(1.0) as u32))
                .set_all_tick_mark_size(units(5.0))
                .y_label_offset(canvas::sink(17.0))
                .label_style(text_style(17.0, FAINT_INK))
                .axis_desc_style(text_style(18.0, INK))
                .x_desc(&self.axes[0])
                .y_desc(&self.axes[1])
                .draw()
                .map_err(draw_error)?;

            let radius = if self.data.len() <= 600 { 4.2 } else { 2.8 };
            for (point, class) in points.chunks_exact(2).zip(self.data.y().to_vec::<i64>()) {
                if point.iter().all(|v| v.is_finite()) {
                    let at = chart.plotting_area().map_coordinate(&(point[0], point[1]));
                    canvas::dot(&screen, at, radius + 1.2, WHITE)?;
                    canvas::dot(&screen, at, radius, colour(class as usize))?;
                }
            }
            Ok(())
        })
    }

    /// Draws the picture into a PNG file; see [`png`](Boundary::png) for `probabilities`.
    ///
    /// # Errors
    /// [`PlotError`], when drawing fails or the file cannot be written.
    ///
    /// # Panics
    /// As [`png`](Boundary::png) does.
    #[track_caller]
    pub fn save(&self, path: impl AsRef<Path>, probabilities: impl FnOnce(&Tensor) -> Tensor) -> Result<(), PlotError> {
        save(path.as_ref(), &self.png(probabilities)?)
    }
}

fn colour(class: usize) -> RGBColor {
    COLOURS[class % COLOURS.len()]
}

fn axis(range: &Range<f64>) -> Axis {
    Axis::new([range.start, range.end].into_iter(), 7, Fit::Tight)
}

/// The range of finite values and a tenth more at each end.
fn extent(values: impl Iterator<Item = f64> + Clone) -> Range<f64> {
    let axis = Axis::new(values, 7, Fit::Tight);
    let room = 0.1 * (axis.high - axis.low);
    axis.low - room..axis.high + room
}

/// Makes two ranges of similar length equally long, so that circles look like circles.
fn square(ranges: [Range<f64>; 2]) -> [Range<f64>; 2] {
    let lengths = ranges.clone().map(|r| r.end - r.start);
    let longest = lengths[0].max(lengths[1]);
    if longest > 3.0 * lengths[0].min(lengths[1]) {
        return ranges;
    }
    ranges.map(|r| {
        let middle = (r.start + r.end) / 2.0;
        middle - longest / 2.0..middle + longest / 2.0
    })
}

/// Class probabilities on a grid, row by row from the top.
struct Field {
    classes: usize,
    values: Vec<f64>,
}

impl Field {
    #[track_caller]
    fn ask(
        x: &Range<f64>,
        y: &Range<f64>,
        dtype: DType,
        classes: usize,
        probabilities: impl FnOnce(&Tensor) -> Tensor,
    ) -> Field {
        let along =
            |range: &Range<f64>, i: usize| range.start + (range.end - range.start) * i as f64 / (GRID_SIDE - 1) as f64;
        let grid: Vec<f64> = (0..GRID_SIDE * GRID_SIDE)
            .flat_map(|i| [along(x, i % GRID_SIDE), along(y, GRID_SIDE - 1 - i / GRID_SIDE)])
            .collect();
        let points = GRID_SIDE * GRID_SIDE;
        let answer = probabilities(&Tensor::from_vec(grid, [points, 2]).cast(dtype));
        assert!(
            answer.shape() == [points, classes],
            "Boundary: asked about [{points}, 2] the model gave {:?}; wanted is [{points}, {classes}], one probability per \
             class",
            answer.shape()
        );
        let values: Vec<f64> = answer.cast(DType::F64).to_vec();
        for row in values.chunks_exact(classes.max(1)).filter(|row| row.iter().all(|p| p.is_finite())) {
            let sum: f64 = row.iter().sum();
            assert!(
                (sum - 1.0).abs() < 0.01 && row.iter().all(|&p| p > -0.01),
                "Boundary: {row:?} are no probabilities, which are at least 0 and sum to 1; logits want a softmax"
            );
        }
        Field { classes, values }
    }

    /// Bilinear interpolation; `u` and `v` from 0 (left, top) to 1.
    fn at(&self, u: f64, v: f64, out: &mut [f64]) {
        let cell = |t: f64| {
            let scaled = t * (GRID_SIDE - 1) as f64;
            let low = (scaled as usize).min(GRID_SIDE - 2);
            (low, scaled - low as f64)
        };
        let ((column, a), (row, b)) = (cell(u), cell(v));
        let corner = |dx: usize, dy: usize| ((row + dy) * GRID_SIDE + column + dx) * self.classes;
        let corners = [corner(0, 0), corner(1, 0), corner(0, 1), corner(1, 1)];
        let weights = [(1.0 - a) * (1.0 - b), a * (1.0 - b), (1.0 - a) * b, a * b];
        for (class, out) in out.iter_mut().enumerate() {
            *out = corners.iter().zip(weights).map(|(&at, weight)| weight * self.values[at + class]).sum();
        }
    }

    fn paint(&self, screen: &Area<'_>, (xs, ys): (Range<i32>, Range<i32>)) -> Result<(), PlotError> {
        if self.classes == 0 {
            return Ok(());
        }
        let width = xs.len();
        let along = |range: &Range<i32>, at: i32| f64::from(at - range.start) / (range.len() - 1).max(1) as f64;
        let mut p = vec![0.0; self.classes];
        let mut winners = Vec::with_capacity(width * ys.len());
        for y in ys.clone() {
            for x in xs.clone() {
                self.at(along(&xs, x), along(&ys, y), &mut p);
                let known = p.iter().all(|p| p.is_finite());
                let shade = if known { mixture(&p) } else { UNKNOWN };
                screen.draw_pixel((x, y), &shade).map_err(draw_error)?;
                let winner = (0..self.classes).max_by(|&a, &b| p[a].total_cmp(&p[b]));
                winners.push(winner.filter(|_| known));
            }
        }
        // The boundary: where another class wins a little further in some direction.
        let winner = |x: usize, y: usize| winners[y.min(ys.len() - 1) * width + x.min(width - 1)];
        for (y, at_y) in ys.clone().enumerate() {
            for (x, at_x) in xs.clone().enumerate() {
                let near = AROUND.map(|(dx, dy)| winner(x.saturating_add_signed(dx), y.saturating_add_signed(dy)));
                if near.iter().any(|&other| other != winner(x, y)) {
                    screen.draw_pixel((at_x, at_y), &INK).map_err(draw_error)?;
                }
            }
        }
        Ok(())
    }
}

/// White paper tinted by each class in proportion to its probability.
fn mixture(p: &[f64]) -> RGBColor {
    let channel = |pick: fn(RGBColor) -> u8| {
        let tint: f64 = p.iter().enumerate().map(|(class, p)| p.max(0.0) * f64::from(pick(colour(class)))).sum();
        (255.0 * (1.0 - TINT) + TINT * tint).round().clamp(0.0, 255.0) as u8
    };
    RGBColor(channel(|c| c.0), channel(|c| c.1), channel(|c| c.2))
}
