//! Training curves: one panel per quantity, one line per part of the data.

use std::path::Path;

use plotters::chart::ChartBuilder;
use plotters::style::{Color, TRANSPARENT};

use super::canvas::{self, Area, COLOURS, FAINT_INK, GRID, INK, draw_error, picture, text_style, text_width, units};
use super::key::{self, Key, Marker};
use super::ticks::{Axis, Fit};
use super::{PlotError, save};

/// A panel without what stands above it, and the height of the title, in pixels.
const PANEL: (u32, u32) = (720, 436);
const TITLE: u32 = 64;
/// The free margin at the left and right, and the height of a panel's name, in pixels.
const EDGE: f64 = 32.0;
const NAME: f64 = 20.0;
/// With more points than this on a line, each of them is no longer marked.
const MARKED: usize = 30;

/// A picture of what happens during training: panels side by side, each with lines over a common horizontal axis.
///
/// Above each panel stands what it shows, and for each line its name and last value. A point that is not finite
/// interrupts its line.
///
/// ```
/// use chainrule_data::plot::Curves;
///
/// let png = Curves::new("A small network")
///     .x_label("epoch")
///     .panel("loss")
///     .curve("train", [(1.0, 0.9), (2.0, 0.4), (3.0, 0.2)])
///     .curve("test", [(1.0, 1.0), (2.0, 0.5), (3.0, 0.4)])
///     .panel("accuracy")
///     .curve("train", [(1.0, 0.7), (2.0, 0.9), (3.0, 0.95)])
///     .curve("test", [(1.0, 0.6), (2.0, 0.8), (3.0, 0.9)])
///     .png()?;
/// assert!(png.starts_with(b"\x89PNG"));
/// # Ok::<(), chainrule_data::plot::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Curves {
    title: String,
    x_label: String,
    panels: Vec<Panel>,
}

#[derive(Clone, Debug)]
struct Panel {
    name: String,
    curves: Vec<Curve>,
}

#[derive(Clone, Debug)]
struct Curve {
    name: String,
    points: Vec<(f64, f64)>,
}

impl Curves {
    /// A picture with this title and no panel yet.
    pub fn new(title: impl Into<String>) -> Curves {
        Curves { title: title.into(), x_label: "epoch".into(), panels: Vec::new() }
    }

    /// Names the horizontal axis; it is "epoch" otherwise.
    pub fn x_label(mut self, label: impl Into<String>) -> Curves {
        self.x_label = label.into();
        self
    }

    /// Adds a panel to the right; the curves that follow go there.
    pub fn panel(mut self, name: impl Into<String>) -> Curves {
        self.panels.push(Panel { name: name.into(), curves: Vec::new() });
        self
    }

    /// Adds a line through `points` (x, y) to the last panel.
    ///
    /// # Panics
    /// When there is no panel yet.
    #[track_caller]
    pub fn curve(mut self, name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Curves {
        let Some(panel) = self.panels.last_mut() else {
            panic!("Curves::curve: there is no panel to draw in; call panel(\"loss\") first");
        };
        panel.curves.push(Curve { name: name.into(), points: points.into_iter().collect() });
        self
    }

    /// Draws the picture.
    ///
    /// # Errors
    /// [`PlotError::Draw`], when drawing fails.
    pub fn png(&self) -> Result<Vec<u8>, PlotError> {
        let heads = self.panels.iter().map(Head::of).collect::<Result<Vec<Head>, _>>()?;
        let head = heads.iter().map(Head::height).max().unwrap_or(0);
        let width = PANEL.0 * self.panels.len().max(1) as u32;
        picture((width, TITLE + head + PANEL.1), |area| {
            let (title, body) = area.split_vertically(units(f64::from(TITLE)));
            let room = units(f64::from(width) - 2.0 * EDGE);
            canvas::write_within(&title, &self.title, (units(EDGE), units(38.0)), 24.0, room)?;
            for ((panel, own), area) in self.panels.iter().zip(&heads).zip(body.split_evenly((1, heads.len()))) {
                let (top, plane) = area.split_vertically(units(f64::from(head)));
                own.draw(&top, &panel.name)?;
                self.draw_plane(panel, &plane)?;
            }
            Ok(())
        })
    }

    /// Draws the picture into a PNG file.
    ///
    /// # Errors
    /// [`PlotError`], when drawing fails or the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), PlotError> {
        save(path.as_ref(), &self.png()?)
    }

    fn draw_plane(&self, panel: &Panel, area: &Area<'_>) -> Result<(), PlotError> {
        let points = || panel.curves.iter().flat_map(|curve| &curve.points).filter(|(x, y)| is_drawn(*x, *y));
        let x = Axis::new(points().map(|p| p.0), 8, Fit::Tight);
        let y = Axis::new(points().map(|p| p.1), 5, Fit::Loose);
        let room = 0.02 * (x.high - x.low);
        let x_range = x.low - room..x.high + room;
        let mut chart = ChartBuilder::on(area)
            .margin_left(units(12.0))
            .margin_right(units(EDGE))
            .margin_top(units(4.0))
            .margin_bottom(units(14.0))
            .x_label_area_size(units(58.0))
            .y_label_area_size(units(70.0))
            .build_cartesian_2d(x.over(x_range), y)
            .map_err(draw_error)?;
        chart
            .configure_mesh()
            .bold_line_style(GRID.stroke_width(units(1.0) as u32))
            .light_line_style(TRANSPARENT)
            .axis_style(FAINT_INK.stroke_width(units(1.0) as u32))
            .set_all_tick_mark_size(units(5.0))
            .y_label_offset(canvas::sink(17.0))
            .label_style(text_style(17.0, FAINT_INK))
            .axis_desc_style(text_style(18.0, INK))
            .x_desc(&self.x_label)
            .draw()
            .map_err(draw_error)?;

        let plane = chart.plotting_area();
        let screen = area.use_screen_coord();
        for (i, curve) in panel.curves.iter().enumerate() {
            let colour = COLOURS[i % COLOURS.len()];
            for run in curve.points.split(|&(x, y)| !is_drawn(x, y)) {
                let run: Vec<(i32, i32)> = run.iter().map(|point| plane.map_coordinate(point)).collect();
                canvas::stroke(&screen, &run, 2.2, colour)?;
                if curve.points.len() <= MARKED {
                    run.iter().try_for_each(|&at| canvas::dot(&screen, at, 3.6, colour))?;
                }
            }
        }
        Ok(())
    }
}

fn is_drawn(x: f64, y: f64) -> bool {
    x.is_finite() && y.is_finite()
}

/// What stands above a panel: its name, and the key beside it, or below where there is no room.
struct Head {
    key: Key,
    beside: bool,
}

impl Head {
    const LEFT: f64 = 82.0;
    const ROOM: f64 = PANEL.0 as f64 - Head::LEFT - EDGE;

    fn of(panel: &Panel) -> Result<Head, PlotError> {
        let colours = COLOURS.into_iter().cycle();
        let key = Key::new(Marker::Line, panel.curves.iter().map(Curve::entry).zip(colours), units(Head::ROOM))?;
        let width = text_width(&panel.name, NAME)? + units(EDGE) + key.width();
        Ok(Head { beside: key.rows() <= 1 && width <= units(Head::ROOM), key })
    }

    /// In pixels.
    fn height(&self) -> u32 {
        let rows = if self.beside { 0 } else { self.key.rows() };
        44 + rows as u32 * key::ROW as u32
    }

    fn draw(&self, area: &Area<'_>, name: &str) -> Result<(), PlotError> {
        let (left, middle) = (units(Head::LEFT), units(22.0));
        canvas::write_within(area, name, (left, middle), NAME, units(Head::ROOM))?;
        match self.beside {
            true => self.key.draw(area, (left + units(Head::ROOM) - self.key.width(), middle)),
            false => self.key.draw(area, (left, middle + units(key::ROW))),
        }
    }
}

impl Curve {
    fn entry(&self) -> String {
        match self.points.last() {
            Some((_, y)) if y.abs() >= 1e-3 && y.abs() < 1e4 || *y == 0.0 => format!("{} {y:.4}", self.name),
            Some((_, y)) => format!("{} {y:.2e}", self.name),
            None => self.name.clone(),
        }
    }
}
