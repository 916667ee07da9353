//! Bars: one group per thing compared, one bar per series.

use std::path::Path;

use plotters::element::Rectangle;
use plotters::style::Color;

use super::canvas::{self, Area, COLOURS, FAINT_INK, GRID, INK, draw_error, picture, text_width, units};
use super::key::{self, Key, Marker};
use super::{PlotError, save};

/// Heights, widths and distances in pixels.
const WIDTH: u32 = 900;
const EDGE: f64 = 32.0;
const TITLE: f64 = 64.0;
const BAR: f64 = 18.0;
const GAP: f64 = 16.0;
const FOOT: f64 = 64.0;
const TEXT: f64 = 17.0;
const VALUE: f64 = 15.0;
/// Room for the value beside the longest bar.
const BESIDE: f64 = 64.0;

/// A picture of numbers to be compared: horizontal bars in groups, each with its value beside it.
///
/// ```
/// use chainrule_data::plot::Bars;
///
/// let png = Bars::new("Time per step")
///     .value_label("milliseconds")
///     .group("small")
///     .bar("one thread", 2.0)
///     .bar("two threads", 1.1)
///     .group("large")
///     .bar("one thread", 9.0)
///     .bar("two threads", 4.8)
///     .png()?;
/// assert!(png.starts_with(b"\x89PNG"));
/// # Ok::<(), chainrule_data::plot::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Bars {
    title: String,
    value_label: String,
    reference: Option<f64>,
    logarithmic: bool,
    series: Vec<String>,
    groups: Vec<Group>,
}

#[derive(Clone, Debug)]
struct Group {
    name: String,
    /// The number of the series, and the value.
    bars: Vec<(usize, f64)>,
}

/// The horizontal axis.
struct Scale {
    low: f64,
    high: f64,
    ticks: Vec<f64>,
    logarithmic: bool,
}

impl Scale {
    fn new(values: impl Iterator<Item = f64> + Clone, logarithmic: bool) -> Scale {
        let (smallest, largest) = values.fold((f64::INFINITY, 0f64), |(s, l), v| (s.min(v), l.max(v)));
        let round = |x: f64, up: bool| {
            let power = 10f64.powf(x.log10().floor());
            let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
            let found = if up { steps.iter().find(|&&s| s >= x) } else { steps.iter().rev().find(|&&s| s <= x) };
            *found.unwrap_or(&x)
        };
        let high = round(if largest > 0.0 { largest } else { 1.0 }, true);
        let low = if logarithmic { round(smallest.clamp(1e-3 * high, high), false) } else { 0.0 };
        let ticks = match logarithmic {
            true => {
                let powers = (low.log10().floor() as i32)..=(high.log10().ceil() as i32);
                let all = powers.flat_map(|p| [1.0, 2.0, 5.0].map(|m| m * 10f64.powi(p)));
                all.filter(|t| (low * 0.999..=high * 1.001).contains(t)).collect()
            }
            false => (0..=4).map(|i| high * f64::from(i) / 4.0).collect(),
        };
        Scale { low, high, ticks, logarithmic }
    }

    /// Where a value is, from 0 to 1.
    fn part(&self, x: f64) -> f64 {
        let part = match self.logarithmic {
            true => (x / self.low).ln() / (self.high / self.low).ln(),
            false => x / self.high,
        };
        part.clamp(0.0, 1.0)
    }
}

impl Bars {
    /// A picture with this title and no bars yet.
    pub fn new(title: impl Into<String>) -> Bars {
        Bars {
            title: title.into(),
            value_label: String::new(),
            reference: None,
            logarithmic: false,
            series: vec![],
            groups: vec![],
        }
    }

    /// Says what the values are, below the axis.
    pub fn value_label(mut self, label: impl Into<String>) -> Bars {
        self.value_label = label.into();
        self
    }

    /// Draws a line at this value, which the bars are to be compared with. On a [logarithmic](Bars::logarithmic) axis they start there.
    pub fn reference(mut self, value: f64) -> Bars {
        self.reference = Some(value);
        self
    }

    /// Makes equal ratios equal distances. Values must be positive then.
    pub fn logarithmic(mut self) -> Bars {
        self.logarithmic = true;
        self
    }

    /// Adds a group below; the bars that follow go there.
    pub fn group(mut self, name: impl Into<String>) -> Bars {
        self.groups.push(Group { name: name.into(), bars: vec![] });
        self
    }

    /// Adds a bar to the last group. Bars of one series have one colour.
    ///
    /// # Panics
    /// When there is no group yet, or the value is negative or not finite.
    #[track_caller]
    pub fn bar(mut self, series: &str, value: f64) -> Bars {
        assert!(value.is_finite() && value >= 0.0, "Bars::bar: a bar cannot be {value} long");
        let known = self.series.iter().position(|name| name == series);
        let number = known.unwrap_or_else(|| {
            self.series.push(series.to_string());
            self.series.len() - 1
        });
        let Some(group) = self.groups.last_mut() else {
            panic!("Bars::bar: there is no group to draw in; call group(\"name\") first");
        };
        group.bars.push((number, value));
        self
    }

    /// Draws the picture.
    ///
    /// # Errors
    /// [`PlotError::Draw`], when drawing fails.
    pub fn png(&self) -> Result<Vec<u8>, PlotError> {
        let room = units(f64::from(WIDTH) - 2.0 * EDGE);
        let colours = COLOURS.into_iter().cycle();
        let key = Key::new(Marker::Dot, self.series.iter().cloned().zip(colours), room)?;
        let head = TITLE + f64::from(key.rows()) * key::ROW;
        let body: f64 = self.groups.iter().map(Group::height).sum();
        picture((WIDTH, (head + body + FOOT) as u32), |area| {
            canvas::write_within(area, &self.title, (units(EDGE), units(38.0)), 24.0, room)?;
            key.draw(area, (units(EDGE), units(TITLE + 8.0)))?;
            self.draw_groups(area, head, body)
        })
    }

    /// Draws the picture into a PNG file.
    ///
    /// # Errors
    /// [`PlotError`], when drawing fails or the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), PlotError> {
        save(path.as_ref(), &self.png()?)
    }

    fn draw_groups(&self, area: &Area<'_>, head: f64, body: f64) -> Result<(), PlotError> {
        let values = self.groups.iter().flat_map(|group| &group.bars).map(|bar| bar.1).chain(self.reference);
        let scale = Scale::new(values, self.logarithmic);
        let names = self.groups.iter().map(|group| text_width(&group.name, TEXT)).collect::<Result<Vec<_>, _>>()?;
        let left = units(EDGE + 12.0) + names.into_iter().max().unwrap_or(0);
        let right = units(f64::from(WIDTH) - EDGE - BESIDE);
        let x = |value: f64| left + (f64::from(right - left) * scale.part(value)).round() as i32;
        let (top, bottom) = (units(head), units(head + body));
        // Where ratios are compared with something, bars start from there.
        let base = if self.logarithmic { self.reference.map_or(left, x) } else { left };
        for &tick in &scale.ticks {
            canvas::stroke(area, &[(x(tick), top), (x(tick), bottom)], 1.0, GRID)?;
            let label = format!("{tick}");
            let centre = x(tick) - text_width(&label, VALUE)? / 2;
            canvas::write(area, &label, (centre, bottom + units(16.0)), VALUE, FAINT_INK)?;
        }
        let mut y = head;
        for group in &self.groups {
            let middle = units(y + group.height() / 2.0);
            let start = left - units(12.0) - text_width(&group.name, TEXT)?;
            canvas::write(area, &group.name, (start, middle), TEXT, INK)?;
            for (i, &(series, value)) in group.bars.iter().enumerate() {
                let (from, to) = (y + GAP / 2.0 + i as f64 * BAR, y + GAP / 2.0 + (i + 1) as f64 * BAR - 2.0);
                let colour = COLOURS[series % COLOURS.len()];
                let bar = Rectangle::new(
                    [(base.min(x(value)), units(from)), (base.max(x(value)), units(to))],
                    colour.filled(),
                );
                area.draw(&bar).map_err(draw_error)?;
                let beside = (base.max(x(value)) + units(6.0), units((from + to) / 2.0));
                canvas::write(area, &short(value), beside, VALUE, FAINT_INK)?;
            }
            y += group.height();
        }
        if let Some(reference) = self.reference {
            canvas::stroke(area, &[(x(reference), top), (x(reference), bottom)], 1.5, INK)?;
        }
        canvas::write(area, &self.value_label, (left, bottom + units(42.0)), TEXT, INK)
    }
}

impl Group {
    fn height(&self) -> f64 {
        GAP + BAR * self.bars.len().max(1) as f64
    }
}

/// A value with about three digits.
fn short(value: f64) -> String {
    match value {
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    }
}
