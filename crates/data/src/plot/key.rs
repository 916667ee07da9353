//! The key of a picture: markers and names, in as many rows as they need.

use plotters::style::RGBColor;

use super::PlotError;
use super::canvas::{self, Area, INK, text_width, units};

/// The height of a row, in pixels.
pub(super) const ROW: f64 = 28.0;
const TEXT: f64 = 17.0;
const GAP: f64 = 8.0;
const SPACE: f64 = 26.0;

/// What stands before a name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Marker {
    Line,
    Dot,
}

impl Marker {
    fn width(self) -> f64 {
        match self {
            Marker::Line => 26.0,
            Marker::Dot => 10.0,
        }
    }
}

/// Names with markers, laid out in rows.
#[derive(Debug)]
pub(super) struct Key {
    marker: Marker,
    /// Name, colour, left edge in units, row.
    entries: Vec<(String, RGBColor, i32, i32)>,
    width: i32,
}

impl Key {
    /// Lays the names out in rows of at most `room` units, except that a name longer than that has a row of its own.
    pub fn new(marker: Marker, names: impl Iterator<Item = (String, RGBColor)>, room: i32) -> Result<Key, PlotError> {
        let (mut x, mut row, mut width) = (0, 0, 0);
        let mut entries = Vec::new();
        for (name, colour) in names {
            let wide = units(marker.width() + GAP) + text_width(&name, TEXT)?;
            if x > 0 && x + wide > room {
                (x, row) = (0, row + 1);
            }
            entries.push((name, colour, x, row));
            width = width.max(x + wide);
            x += wide + units(SPACE);
        }
        Ok(Key { marker, entries, width })
    }

    /// The width of the widest row, in units.
    pub fn width(&self) -> i32 {
        self.width
    }

    pub fn rows(&self) -> i32 {
        self.entries.last().map_or(0, |last| last.3 + 1)
    }

    /// Draws the key with the left end and middle of its first row at `(left, middle)`.
    pub fn draw(&self, area: &Area<'_>, (left, middle): (i32, i32)) -> Result<(), PlotError> {
        let wide = units(self.marker.width());
        for (name, colour, x, row) in &self.entries {
            let (x, y) = (left + x, middle + row * units(ROW));
            match self.marker {
                Marker::Line => canvas::stroke(area, &[(x, y), (x + wide, y)], 3.0, *colour)?,
                Marker::Dot => canvas::dot(area, (x + wide / 2, y), 5.0, *colour)?,
            }
            canvas::write(area, name, (x + wide + units(GAP), y), TEXT, INK)?;
        }
        Ok(())
    }
}
