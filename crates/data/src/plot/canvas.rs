//! A sheet to draw on: larger than the picture, and averaged down, which smooths every edge.

use std::sync::Once;

use plotters::backend::BitMapBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontFamily, FontStyle, IntoFont, RGBColor, ShapeStyle, TextStyle, register_font};

use super::PlotError;

/// The part of the picture that is drawn on; its unit is half a pixel of the picture.
pub(super) type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;

/// Units per pixel, in each direction.
pub(super) const UNIT: u32 = 2;

pub(super) const INK: RGBColor = RGBColor(31, 41, 55);
pub(super) const FAINT_INK: RGBColor = RGBColor(107, 114, 128);
pub(super) const GRID: RGBColor = RGBColor(229, 231, 235);

/// Colours that stay apart for colour-blind readers too, after M. Okabe and K. Ito, "Color universal design", 2008, with
/// darker yellow and blue for white paper.
pub(super) const COLOURS: [RGBColor; 10] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(190, 90, 150),
    RGBColor(214, 160, 0),
    RGBColor(70, 170, 220),
    RGBColor(110, 85, 170),
    RGBColor(140, 100, 60),
    RGBColor(120, 120, 120),
    RGBColor(60, 140, 40),
];

const FONT_NAME: &str = "chainrule: DejaVu Sans";
static FONT: &[u8] = include_bytes!("../../assets/font/DejaVuSans-subset.ttf");

pub(super) fn draw_error(error: impl std::error::Error + Send + Sync + 'static) -> PlotError {
    PlotError::Draw(Box::new(error))
}

/// Draws on a white sheet of `width × height` pixels and returns it as PNG.
pub(super) fn picture(
    (width, height): (u32, u32),
    draw: impl FnOnce(&Area<'_>) -> Result<(), PlotError>,
) -> Result<Vec<u8>, PlotError> {
    let mut sheet = vec![u8::MAX; (width * UNIT) as usize * (height * UNIT) as usize * 3];
    {
        let area = BitMapBackend::with_buffer(&mut sheet, (width * UNIT, height * UNIT)).into_drawing_area();
        draw(&area)?;
        area.present().map_err(draw_error)?;
    }
    encode(&averaged(&sheet, width as usize), width, height)
}

/// The mean of each UNIT × UNIT square.
fn averaged(sheet: &[u8], width: usize) -> Vec<u8> {
    let unit = UNIT as usize;
    let row = width * unit * 3;
    let mut picture = Vec::with_capacity(sheet.len() / (unit * unit));
    for rows in sheet.chunks_exact(row * unit) {
        for x in 0..width {
            for channel in 0..3 {
                let square = (0..unit * unit).map(|i| rows[i / unit * row + (x * unit + i % unit) * 3 + channel]);
                let sum: u32 = square.map(u32::from).sum();
                picture.push(((sum + UNIT * UNIT / 2) / (UNIT * UNIT)) as u8);
            }
        }
    }
    picture
}

fn encode(pixels: &[u8], width: u32, height: u32) -> Result<Vec<u8>, PlotError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(draw_error)?;
    writer.write_image_data(pixels).map_err(draw_error)?;
    writer.finish().map_err(draw_error)?;
    Ok(file)
}

/// A length of `pixels` in units.
pub(super) fn units(pixels: f64) -> i32 {
    (pixels * f64::from(UNIT)).round() as i32
}

/// Text of a height in pixels.
pub(super) fn text_style(pixels: f64, colour: RGBColor) -> TextStyle<'static> {
    static REGISTER: Once = Once::new();
    REGISTER.call_once(|| {
        let font = register_font(FONT_NAME, FontStyle::Normal, FONT);
        assert!(font.is_ok(), "the embedded font is whole");
    });
    (FontFamily::Name(FONT_NAME), pixels * f64::from(UNIT)).into_font().color(&colour)
}

/// The width of `text` of a height in pixels, in units.
pub(super) fn text_width(text: &str, pixels: f64) -> Result<i32, PlotError> {
    let (width, _) = text_style(pixels, INK).font.box_size(text).map_err(draw_error)?;
    Ok(width as i32)
}

/// How far above the middle of its box the middle of a capital letter is, in heights of the text. The drawing library
/// centres the box.
const SINK: f64 = 0.14;

/// The shift that centres text of a height in pixels, in units.
pub(super) fn sink(pixels: f64) -> i32 {
    units(SINK * pixels)
}

/// Writes `text` with its left end and middle at `(x, y)`.
pub(super) fn write(
    area: &Area<'_>,
    text: &str,
    (x, y): (i32, i32),
    pixels: f64,
    colour: RGBColor,
) -> Result<(), PlotError> {
    let style = text_style(pixels, colour).pos(Pos::new(HPos::Left, VPos::Center));
    area.draw(&Text::new(text, (x, y + sink(pixels)), &style)).map_err(draw_error)
}

/// [`write`], smaller where the text is wider than `room` units.
pub(super) fn write_within(
    area: &Area<'_>,
    text: &str,
    at: (i32, i32),
    pixels: f64,
    room: i32,
) -> Result<(), PlotError> {
    let width = text_width(text, pixels)?;
    let fit = f64::from(room.max(1)) / f64::from(width.max(1));
    write(area, text, at, pixels * fit.min(1.0), INK)
}

/// A line through `points` with round joints, however short the steps are.
pub(super) fn stroke(area: &Area<'_>, points: &[(i32, i32)], width: f64, colour: RGBColor) -> Result<(), PlotError> {
    let style = ShapeStyle { color: colour.to_rgba(), filled: true, stroke_width: units(width) as u32 };
    for ends in points.windows(2).filter(|ends| ends[0] != ends[1]) {
        area.draw(&PathElement::new(ends.to_vec(), style)).map_err(draw_error)?;
    }
    points.iter().try_for_each(|&point| dot(area, point, width / 2.0, colour))
}

/// A filled circle; radius in pixels.
pub(super) fn dot(area: &Area<'_>, at: (i32, i32), radius: f64, colour: RGBColor) -> Result<(), PlotError> {
    area.draw(&Circle::new(at, units(radius), colour.filled())).map_err(draw_error)
}
