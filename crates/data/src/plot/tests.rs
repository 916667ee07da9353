use chainrule_tensor::{DType, Rng, Tensor, tensor};
use plotters::style::RGBColor;
use proptest::prelude::*;

use super::canvas::{COLOURS, INK};
use super::*;
use crate::dataset::Dataset;

/// A decoded picture.
struct Picture {
    width: usize,
    height: usize,
    pixels: Vec<[u8; 3]>,
}

fn decode(png: &[u8]) -> Picture {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgb, png::BitDepth::Eight));
    let pixels = bytes.chunks_exact(3).map(|p| [p[0], p[1], p[2]]).collect();
    Picture { width: info.width as usize, height: info.height as usize, pixels }
}

impl Picture {
    fn at(&self, x: usize, y: usize) -> [u8; 3] {
        self.pixels[y * self.width + x]
    }

    /// The places that have exactly this colour.
    fn places(&self, colour: RGBColor) -> Vec<(usize, usize)> {
        let all = (0..self.height).flat_map(|y| (0..self.width).map(move |x| (x, y)));
        all.filter(|&(x, y)| self.at(x, y) == [colour.0, colour.1, colour.2]).collect()
    }
}

/// The lines of a single panel, below everything that stands above it.
fn lines(picture: &Picture, colour: RGBColor) -> Vec<(usize, usize)> {
    picture.places(colour).into_iter().filter(|&(_, y)| y > 110).collect()
}

#[test]
fn a_falling_curve_falls_across_the_whole_panel() {
    let png = Curves::new("t").panel("loss").curve("train", [(0.0, 5.0), (10.0, 1.0)]).png().unwrap();
    assert_eq!(png, Curves::new("t").panel("loss").curve("train", [(0.0, 5.0), (10.0, 1.0)]).png().unwrap());
    let picture = decode(&png);
    assert_eq!((picture.width, picture.height), (720, 544));
    let line = lines(&picture, COLOURS[0]);
    let (left, right) = (line.iter().min().unwrap(), line.iter().max().unwrap());
    assert!(left.0 < 110 && right.0 > 650, "{left:?} {right:?}");
    assert!(left.1 < 160 && right.1 > 440, "{left:?} {right:?}");
    // It is a straight line: the middle is in the middle.
    let middle: Vec<usize> = line.iter().filter(|(x, _)| *x == (left.0 + right.0) / 2).map(|p| p.1).collect();
    assert!(middle.iter().all(|y| y.abs_diff((left.1 + right.1) / 2) <= 3), "{middle:?}");
}

#[test]
fn panels_and_curves_have_their_places_and_colours() {
    let picture = |second: bool| {
        let curves = Curves::new("t").panel("loss").curve("train", [(0.0, 1.0), (1.0, 0.0)]);
        let curves = curves.curve("test", [(0.0, 1.0), (1.0, 0.5)]);
        let curves = if second { curves.panel("accuracy").curve("train", [(0.0, 0.0), (1.0, 1.0)]) } else { curves };
        decode(&curves.png().unwrap())
    };
    let (one, two) = (picture(false), picture(true));
    assert_eq!((one.width, two.width), (720, 1440));
    assert!(!lines(&one, COLOURS[1]).is_empty() && lines(&one, COLOURS[2]).is_empty());
    let right = |p: &Picture, c| lines(p, c).iter().filter(|(x, _)| *x > 720).count();
    assert!(right(&two, COLOURS[0]) > 100 && right(&two, COLOURS[1]) == 0);
}

#[test]
fn points_that_are_not_finite_interrupt_a_line() {
    let with = |y: f64| {
        let points = (0..100).map(|i| (f64::from(i), if (40..60).contains(&i) { y } else { 1.0 }));
        decode(&Curves::new("t").panel("loss").curve("train", points).png().unwrap())
    };
    let columns = |p: &Picture| {
        let mut columns: Vec<usize> = lines(p, COLOURS[0]).into_iter().map(|(x, _)| x).collect();
        columns.dedup();
        columns.sort_unstable();
        columns.dedup();
        columns
    };
    let gaps = |columns: &[usize]| columns.windows(2).filter(|pair| pair[1] - pair[0] > 50).count();
    assert_eq!(gaps(&columns(&with(1.0))), 0);
    for hole in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(gaps(&columns(&with(hole))), 1);
    }
}

#[test]
fn a_key_of_many_names_makes_room_for_itself() {
    let curves = |n: usize| {
        let all = Curves::new("t").panel("loss");
        let all = (0..n).fold(all, |c, i| c.curve(format!("network number {i}"), [(0.0, 0.0), (1.0, i as f64)]));
        decode(&all.png().unwrap()).height
    };
    assert!(curves(1) < curves(5) && curves(5) < curves(60));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_numbers_and_names_are_drawn(
        points in prop::collection::vec(any::<(f64, f64)>(), 0..20), title in ".{0,80}", panels in 0usize..3,
    ) {
        let draw = |c: Curves| c.panel(title.clone()).curve(title.clone(), points.clone()).curve("", []);
        let curves = (0..panels).fold(Curves::new(title.clone()).x_label(title.clone()), |c, _| draw(c));
        prop_assert_eq!(decode(&curves.png().unwrap()).width, 720 * panels.max(1));
    }
}

fn two_points() -> Dataset {
    Dataset::new(tensor![[-1.0, -1.0], [1.0, 1.0]], Tensor::from([0i64, 1]), ["left", "right"])
}

/// Probabilities that depend on the first coordinate: `right(x)` is that of the second class.
fn by_column(x: &Tensor, right: impl Fn(f32) -> f32) -> Tensor {
    let rows = x.to_vec::<f32>();
    let p: Vec<f32> = rows.chunks_exact(2).map(|row| right(row[0])).flat_map(|p| [1.0 - p, p]).collect();
    Tensor::from_vec(p, [x.shape()[0], 2])
}

#[test]
fn the_boundary_is_where_the_winner_changes() {
    let sure = |x: f32| if x > 0.0 { 1.0 } else { 0.0 };
    let picture = decode(&Boundary::new("t", &two_points()).png(|x| by_column(x, sure)).unwrap());
    assert_eq!((picture.width, picture.height), (820, 860));
    let (left, right) = (picture.at(200, 400), picture.at(700, 400));
    let tint = |c: RGBColor| [c.0, c.1, c.2].map(|v| (255.0 * 0.58 + 0.42 * f64::from(v)).round() as u8);
    assert_eq!((left, right), (tint(COLOURS[0]), tint(COLOURS[1])));
    let line = picture.places(INK).into_iter().filter(|&(x, y)| (100..780).contains(&x) && (150..700).contains(&y));
    let line: Vec<usize> = line.map(|(x, _)| x).collect();
    let middle = (82 + 788) / 2;
    assert!(line.len() >= 550 && line.iter().all(|x| x.abs_diff(middle) <= 4), "{} {:?}", line.len(), line.first());

    // Half certain is half tinted, and without a change there is no line.
    let undecided = decode(&Boundary::new("t", &two_points()).png(|x| by_column(x, |_| 0.25)).unwrap());
    let mixed = [0, 1, 2].map(|i| f64::from(left[i]) * 0.75 + f64::from(right[i]) * 0.25);
    assert!(undecided.at(700, 400).into_iter().zip(mixed).all(|(a, b)| (f64::from(a) - b).abs() <= 1.0));
    assert!(!undecided.places(INK).iter().any(|&(x, y)| (100..780).contains(&x) && (150..700).contains(&y)));
}

#[test]
fn the_vertical_axis_points_up() {
    let upper = |x: &Tensor| by_column(&x.flip(&[1]), |y| if y > 0.0 { 1.0 } else { 0.0 });
    let picture = decode(&Boundary::new("t", &two_points()).png(upper).unwrap());
    let tint = |at: [u8; 3]| i32::from(at[0]) - i32::from(at[2]);
    assert!(tint(picture.at(250, 150)) > 0, "orange, the second class, is above");
    assert!(tint(picture.at(600, 700)) < 0, "blue, the first class, is below");
}

#[test]
fn unknown_regions_are_grey_and_odd_points_do_no_harm() {
    let x = tensor![[-1.0, -1.0], [1.0, 1.0], [0.0, 0.0]];
    let x = &x / &tensor![[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]];
    let data = Dataset::new(x, Tensor::from([0i64, 1, 1]), ["left", "right"]);
    let picture = Boundary::new("t", &data).png(|x| by_column(x, |x| if x > 0.0 { f32::NAN } else { 0.0 })).unwrap();
    assert_eq!(decode(&picture).at(700, 400), [200, 200, 200]);

    let nothing = Dataset::new(Tensor::zeros([0, 2], DType::F64), Tensor::from(Vec::<i64>::new()), ["only"]);
    let certain = |x: &Tensor| Tensor::ones([x.shape()[0], 1], x.dtype());
    assert_eq!(decode(&Boundary::new("t", &nothing).png(certain).unwrap()).width, 820);
    let huge = &Tensor::randn(&mut Rng::seed(0), [5, 2], DType::F64) * 1e200;
    let huge = Dataset::new(huge, Tensor::from([0i64; 5]), ["only"]);
    assert_eq!(decode(&Boundary::new("t", &huge).png(certain).unwrap()).width, 820);
}

#[test]
fn a_file_is_written_or_the_error_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (folder.path().join("a.png"), folder.path().join("no/a.png"));
    let curves = Curves::new("t").panel("loss").curve("train", [(0.0, 1.0)]);
    curves.save(&good).unwrap();
    assert_eq!(std::fs::read(&good).unwrap(), curves.png().unwrap());
    let error = curves.save(&bad).unwrap_err();
    assert!(matches!(&error, PlotError::Write { path, .. } if *path == bad), "{error}");
    let error = Boundary::new("t", &two_points()).save(&bad, |x| by_column(x, |_| 0.5)).unwrap_err();
    assert!(error.to_string().starts_with(&bad.display().to_string()), "{error}");
}

#[test]
#[should_panic(expected = "logits want a softmax")]
fn logits_are_refused() {
    drop(Boundary::new("t", &two_points()).png(|x| by_column(x, |_| 7.0)));
}

#[test]
#[should_panic(expected = "the model gave [25600, 1]; wanted is [25600, 2]")]
fn one_output_for_two_classes_is_refused() {
    drop(Boundary::new("t", &two_points()).png(|x| x.narrow(1, 0, 1)));
}

#[test]
#[should_panic(expected = "examples have shape [1797, 1, 8, 8]; points in the plane are [n, 2]")]
fn images_are_no_points() {
    drop(Boundary::new("t", &crate::digits().scaled()));
}

#[test]
#[should_panic(expected = "call panel(\"loss\") first")]
fn a_curve_wants_a_panel() {
    drop(Curves::new("t").curve("train", []));
}

#[test]
fn longer_bars_are_for_larger_values() {
    let bars = |logarithmic: bool| {
        let bars = Bars::new("t").reference(1.0).group("a").bar("x", 0.5).bar("y", 4.0).group("b").bar("x", 2.0);
        decode(&if logarithmic { bars.logarithmic() } else { bars }.png().unwrap())
    };
    for (logarithmic, expected) in [(false, 0.25), (true, 1.0)] {
        let picture = bars(logarithmic);
        let length = |colour, rows: std::ops::Range<usize>| {
            let inside = picture.places(colour).into_iter().filter(|(_, y)| *y > 100 && rows.contains(y));
            let (low, high) = inside.fold((usize::MAX, 0), |(low, high), (x, _)| (low.min(x), high.max(x)));
            high.saturating_sub(low) as f64
        };
        let (first, second) = (length(COLOURS[0], 0..126), length(COLOURS[0], 130..200));
        let ratio = first / second;
        assert!((ratio - expected).abs() < 0.05, "{logarithmic}: {first} {second}");
        assert!(length(COLOURS[1], 0..200) > second);
    }
}
