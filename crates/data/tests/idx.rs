//! IDX files: what is written is read, and whatever else there is gives the error that says so.

use std::io::{Read, Write};

use chainrule_data::idx::{self, IdxArray, IdxError, MAX_ELEMENTS};
use chainrule_data::{Images, ImagesError};
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

fn file(shape: &[u32], elements: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, shape.len() as u8];
    bytes.extend(shape.iter().flat_map(|n| n.to_be_bytes()));
    bytes.extend(elements);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn arrays() -> impl Strategy<Value = (Vec<u32>, Vec<u8>)> {
    prop::collection::vec(0u32..6, 0..5).prop_flat_map(|shape| {
        let count = shape.iter().product::<u32>() as usize;
        (Just(shape), prop::collection::vec(any::<u8>(), count))
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read((shape, elements) in arrays()) {
        let bytes = file(&shape, &elements);
        for source in [bytes.clone(), gzip(&bytes)] {
            let array = idx::read(&source[..]).unwrap();
            prop_assert!(array.shape().iter().map(|&n| n as u32).eq(shape.iter().copied()));
            prop_assert_eq!(array.elements(), &elements[..]);
        }
    }

    #[test]
    fn every_shorter_file_is_truncated((shape, elements) in arrays(), cut in any::<prop::sample::Index>()) {
        let bytes = file(&shape, &elements);
        let kept = cut.index(bytes.len());
        for source in [bytes[..kept].to_vec(), gzip(&bytes[..kept])] {
            let header = 4 + 4 * shape.len();
            match idx::read(&source[..]) {
                Err(IdxError::Truncated { part: "header", wanted, found }) => {
                    prop_assert!(kept < header && found < wanted);
                }
                Err(IdxError::Truncated { part: "element", wanted, found }) => {
                    prop_assert_eq!((wanted, found), (elements.len() as u64, (kept - header) as u64));
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }

    #[test]
    fn a_cut_gzip_stream_is_an_error((shape, elements) in arrays(), cut in any::<prop::sample::Index>()) {
        let whole = gzip(&file(&shape, &elements));
        prop_assert!(idx::read(&whole[..cut.index(whole.len())]).is_err());
    }

    #[test]
    fn a_flipped_bit_in_gzip_data_is_noticed(
        (shape, elements) in arrays(), at in any::<prop::sample::Index>(), bit in 0..8u8,
    ) {
        let mut damaged = gzip(&file(&shape, &elements));
        // Gzip's own header has bytes nobody verifies: flags, time, operating system.
        let at = 10 + at.index(damaged.len() - 10);
        damaged[at] ^= 1 << bit;
        if let Ok(array) = idx::read(&damaged[..]) {
            prop_assert_eq!(array.elements(), &elements[..], "the damage went unnoticed");
        }
    }

    #[test]
    fn more_bytes_than_announced_are_noticed((shape, elements) in arrays(), more in 1usize..5) {
        let mut bytes = file(&shape, &elements);
        bytes.extend(vec![7; more]);
        for source in [bytes.clone(), gzip(&bytes)] {
            let wanted = elements.len() as u64;
            let noticed = matches!(idx::read(&source[..]), Err(IdxError::Trailing { wanted: w }) if w == wanted);
            prop_assert!(noticed);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), like_idx in any::<bool>()) {
        let bytes = if like_idx { [&[0, 0, 8, 3][..], &bytes].concat() } else { bytes };
        if let Ok(array) = idx::read(&bytes[..]) {
            prop_assert_eq!(array.shape().iter().product::<usize>(), array.elements().len());
        }
    }
}

#[test]
fn other_files_are_named_as_such() {
    let png = b"\x89PNG\r\n\x1a\n";
    assert!(matches!(idx::read(&png[..]), Err(IdxError::Magic { found: [0x89, b'P', b'N', b'G'] })));
    let floats = [0, 0, 0x0d, 1, 0, 0, 0, 1, 0, 0, 0, 0];
    assert!(matches!(idx::read(&floats[..]), Err(IdxError::ElementType { code: 0x0d })));
    assert!(matches!(idx::read(&b""[..]), Err(IdxError::Truncated { part: "header", wanted: 4, found: 0 })));
    assert!(matches!(idx::read(&[0x1f, 0x8b, 1, 2, 3][..]), Err(IdxError::Io(_) | IdxError::Truncated { .. })));
    assert!(matches!(idx::open("no/such/file"), Err(IdxError::Io(_))));
}

#[test]
fn an_announced_size_is_neither_trusted_nor_allocated() {
    let overflowing = file(&[u32::MAX; 255], &[]);
    assert!(matches!(idx::read(&overflowing[..]), Err(IdxError::TooLarge { shape }) if shape.len() == 255));
    let above = file(&[MAX_ELEMENTS as u32 + 1], &[1; 10]);
    assert!(matches!(idx::read(&above[..]), Err(IdxError::TooLarge { .. })));
    let at_the_limit = file(&[MAX_ELEMENTS as u32], &[1; 10]);
    assert!(matches!(idx::read(&at_the_limit[..]), Err(IdxError::Truncated { wanted: MAX_ELEMENTS, found: 10, .. })));
}

#[test]
fn reading_stops_soon_after_the_announced_end() {
    struct Endless(u64);
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            buffer.fill(1);
            self.0 += buffer.len() as u64;
            assert!(self.0 < 1 << 20, "the reader asks for more than a header and 3 elements");
            Ok(buffer.len())
        }
    }
    let header = file(&[3], &[]);
    let endless = header.chain(Endless(0));
    assert!(matches!(idx::read(endless), Err(IdxError::Trailing { wanted: 3 })));
}

fn array(shape: &[u32], elements: &[u8]) -> IdxArray {
    idx::read(&file(shape, elements)[..]).unwrap()
}

#[test]
fn images_and_labels_must_fit() {
    let two = || array(&[2, 1, 3], &[1, 2, 3, 4, 5, 6]);
    let images = Images::from_idx(two(), array(&[2], &[1, 0]), ["no", "yes"]).unwrap();
    assert_eq!((images.shape(), images.labels(), images.white()), ([2, 1, 1, 3], &[1, 0][..], 255));

    let error = |images, labels| Images::from_idx(images, labels, ["no", "yes"]).unwrap_err();
    assert_eq!(error(two(), array(&[3], &[0; 3])), ImagesError::Count { images: 2, labels: 3 });
    let label = ImagesError::Label { index: 1, label: 2, classes: 2 };
    assert_eq!(label.to_string(), "label 2 of image 1 names none of the 2 classes (0 to 1)");
    assert_eq!(error(two(), array(&[2], &[0, 2])), label);
    let axes = |what, shape: &[usize], wanted| ImagesError::Axes { what, shape: shape.to_vec(), wanted };
    assert_eq!(error(array(&[2], &[0; 2]), array(&[2], &[0; 2])), axes("images", &[2], 3));
    assert_eq!(error(two(), two()), axes("labels", &[2, 1, 3], 1));
    let flat = array(&[0, 0, u32::MAX], &[]);
    assert_eq!(error(flat, array(&[0], &[])), ImagesError::Size { size: [1, 0, u32::MAX as usize] });

    let none = Images::from_idx(array(&[0, 2, 2], &[]), array(&[0], &[]), ["no", "yes"]).unwrap();
    assert!(none.is_empty() && none.scaled().x().shape() == [0, 1, 2, 2]);

    let new = |pixels: &[u8], labels: &[u8], classes: usize| {
        Images::new(pixels.to_vec(), labels.to_vec(), [1, 1, 2], 16, (0..classes).map(|c| c.to_string())).unwrap_err()
    };
    assert_eq!(new(&[1, 2, 3, 17], &[0, 0], 1), ImagesError::Pixel { index: 1, pixel: 17, white: 16 });
    assert_eq!(new(&[1, 2, 3], &[0], 1), ImagesError::Pixels { pixels: 3, size: [1, 1, 2] });
    assert_eq!(new(&[], &[], 0), ImagesError::Classes(0));
    assert_eq!(new(&[], &[], 257), ImagesError::Classes(257));
}
