//! Files made to mislead: each lie has its own error, and none costs more than the file itself.

use std::collections::BTreeMap;
use std::io::Write;

use chainrule_tensor::io::{FileError, npy, npz, safetensors};
use chainrule_tensor::tensor;

/// A safetensors file of this header and these many bytes of data.
fn file(header: &str, data: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![1; data]].concat()
}

macro_rules! refused {
    ($bytes:expr, $read:path, $error:pat) => {{
        let error = $read(&$bytes[..]).expect_err("a lie");
        assert!(matches!(&error, $error), "{error:?}");
        error.to_string()
    }};
}

#[test]
fn headers_of_safetensors() {
    use safetensors::from_bytes;
    refused!([0; 7], from_bytes, FileError::Truncated { needed: 8, found: 7, .. });
    refused!(u64::MAX.to_le_bytes(), from_bytes, FileError::HeaderTooLarge { claimed: u64::MAX, .. });
    refused!(99_999_999u64.to_le_bytes(), from_bytes, FileError::Truncated { needed: 100_000_007, found: 8, .. });
    refused!([0; 8], from_bytes, FileError::Header { .. });
    refused!(file("{\"a\": 1", 0), from_bytes, FileError::Header { .. });
    refused!(file("[]", 0), from_bytes, FileError::Header { .. });
    refused!(file(&"[".repeat(100_000), 0), from_bytes, FileError::Header { .. });
    refused!([&2u64.to_le_bytes()[..], b"{\xff"].concat(), from_bytes, FileError::Header { .. });
    refused!(file("{} {}", 0), from_bytes, FileError::Header { .. });
    refused!(file("{\"__metadata__\": {\"a\": 1}}", 0), from_bytes, FileError::Header { .. });
    let twice = "{\"w\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},\
                 \"w\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}";
    assert!(refused!(file(twice, 0), from_bytes, FileError::Header { .. }).contains("\"w\" is described twice"));
}

#[test]
fn entries_of_safetensors() {
    use safetensors::from_bytes;
    let entry = |name: &str, dtype: &str, shape: &str, begin: u64, end: u64| {
        format!("\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":[{begin},{end}]}}")
    };
    let one = |dtype: &str, shape: &str, begin: u64, end: u64, data: usize| {
        file(&format!("{{{}}}", entry("w", dtype, shape, begin, end)), data)
    };
    let two = |first: (u64, u64), second: (u64, u64)| {
        let (a, b) = (entry("a", "U8", "[4]", first.0, first.1), entry("b", "U8", "[4]", second.0, second.1));
        file(&format!("{{{a},{b}}}"), 8)
    };
    assert!(from_bytes(&one("U8", "[4]", 0, 4, 4)).is_ok() && from_bytes(&two((4, 8), (0, 4))).is_ok());

    refused!(one("U8", "[4]", 0, 4, 3), from_bytes, FileError::Truncated { needed: 4, found: 3, .. });
    refused!(one("U8", "[4]", 0, 4, 5), from_bytes, FileError::Trailing { extra: 1, .. });
    refused!(one("F32", "[4]", 0, 4, 4), from_bytes, FileError::Mislabelled { needed: 16, given: 4, .. });
    refused!(one("U8", "[2, 3]", 0, 4, 4), from_bytes, FileError::Mislabelled { needed: 6, given: 4, .. });
    refused!(one("U8", "[4]", 1, 5, 5), from_bytes, FileError::Offsets { begin: 1, expected: 0, .. });
    refused!(one("U8", "[4]", 4, 0, 4), from_bytes, FileError::Offsets { .. });
    refused!(two((0, 4), (3, 7)), from_bytes, FileError::Offsets { begin: 3, expected: 4, .. });
    refused!(two((0, 4), (0, 4)), from_bytes, FileError::Offsets { begin: 0, expected: 4, .. });
    refused!(one("U64", "[1]", 0, 8, 8), from_bytes, FileError::UnknownType { .. });
    refused!(one("F8_E4M3", "[1]", 0, 1, 1), from_bytes, FileError::UnknownType { .. });
    let message = refused!(one("F9", "[1]", 0, 1, 1), from_bytes, FileError::Header { .. });
    assert!(message.contains("\"w\": unknown variant `F9`"), "{message}");
    refused!(one("U8", "[-1]", 0, 1, 1), from_bytes, FileError::Header { .. });
    refused!(one("U8", "[1.5]", 0, 1, 1), from_bytes, FileError::Header { .. });
    refused!(one("U8", "[99999999999999999999]", 0, 1, 1), from_bytes, FileError::Header { .. });
    refused!(one("U8", "[18446744073709551615, 2]", 0, 1, 1), from_bytes, FileError::TooLarge { .. });
    refused!(one("F32", "[4294967296, 4294967296, 0]", 0, 0, 0), from_bytes, FileError::TooLarge { .. });
    refused!(one("U8", "[1000000000000000000]", 0, 1000000000000000000, 1), from_bytes, FileError::Truncated { .. });
    let mut lie = one("BOOL", "[2]", 0, 2, 2);
    *lie.last_mut().unwrap() = 2;
    let message = refused!(lie, from_bytes, FileError::Bool { index: 1, value: 2, .. });
    assert!(message.contains("tensor \"w\""), "{message}");
}

/// Lengths whose sum wraps around to the length of the file, at which a reader that adds them up unchecked panics or worse.
#[test]
fn lengths_of_safetensors_that_overflow() {
    const EACH: u64 = (1 << 60) - 1;
    let entries: Vec<String> = (0..16)
        .map(|i| (i, i * EACH, (i + 1) * EACH))
        .map(|(i, a, b)| format!("\"{i}\":{{\"dtype\":\"U8\",\"shape\":[{EACH}],\"data_offsets\":[{a},{b}]}}"))
        .collect();
    let bytes = file(&format!("{{{}}}", entries.join(",")), 8);
    refused!(bytes, safetensors::from_bytes, FileError::Truncated { .. });
}

/// An npy file of version 1 with this header and these data.
fn array(header: &str, data: &[u8]) -> Vec<u8> {
    [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
}

#[test]
fn headers_of_npy() {
    use npy::from_bytes;
    let described = |descr: &str, shape: &str, data: &[u8]| {
        array(&format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}}}"), data)
    };
    assert_eq!(from_bytes(&described("|b1", "(2,)", &[0, 1])).unwrap().to_vec::<bool>(), [false, true]);

    refused!(b"\x93NUMPZ\x01\0\0\0", from_bytes, FileError::Format { .. });
    refused!(b"\x93NUMPY\x04\0\0\0\0\0", from_bytes, FileError::Format { .. });
    refused!(b"\x93NUMPY\x02\0\xff\xff\xff\xff", from_bytes, FileError::HeaderTooLarge { claimed: 0xffff_ffff, .. });
    refused!(b"\x93NUMPY\x01\0\xff\xff", from_bytes, FileError::Truncated { needed: 65545, found: 10, .. });
    refused!(array("{'descr': '\u{e9}'", &[])[..13], from_bytes, FileError::Truncated { .. });
    refused!(described("|b1", "(2,)", &[0, 3]), from_bytes, FileError::Bool { index: 1, value: 3, .. });
    refused!(described("<f4", "(2,)", &[0; 7]), from_bytes, FileError::Truncated { needed: 8, found: 7, .. });
    refused!(described("<f4", "(2,)", &[0; 9]), from_bytes, FileError::Trailing { extra: 1, .. });
    refused!(described("<f4", "(1000000000000000000,)", &[]), from_bytes, FileError::Truncated { .. });
    refused!(described("|i1", "(2000000000000000000,)", &[]), from_bytes, FileError::TooLarge { .. });
    refused!(described("<f8", "(4294967296, 4294967296)", &[]), from_bytes, FileError::TooLarge { .. });
    refused!(described("<f8", "(4294967296, 4294967296, 0)", &[]), from_bytes, FileError::TooLarge { .. });
    for descr in ["<u8", "<V2", "<c8", "|f4", "!f4", "f4", "", "\u{e9}f4", "<f16"] {
        refused!(described(descr, "(0,)", &[]), from_bytes, FileError::UnknownType { .. });
    }
}

/// An npz file whose one entry `x.npy` deflates `content`.
fn deflated(content: &[u8]) -> Vec<u8> {
    let mut archive = rawzip::ZipArchiveWriter::new(Vec::new());
    let builder = archive.new_file("x.npy").compression_method(rawzip::CompressionMethod::DEFLATE);
    let (mut entry, config) = builder.start().unwrap();
    let encoder = flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::best());
    let mut sink = config.wrap(encoder);
    sink.write_all(content).unwrap();
    let (encoder, summary) = sink.finish().unwrap();
    encoder.finish().unwrap();
    entry.finish(summary).unwrap();
    archive.finish().unwrap()
}

/// The position of the `n`-th record of the directory.
fn record(file: &[u8], n: usize) -> usize {
    file.windows(4).enumerate().filter(|(_, bytes)| bytes == b"PK\x01\x02").nth(n).unwrap().0
}

#[test]
fn zip_bombs() {
    use npz::from_bytes;
    let small = npy::to_bytes(&tensor![1.5, 2.5]).unwrap();
    let mut bomb = deflated(&[&small[..], &vec![0; 50_000_000]].concat());
    assert!(bomb.len() < 100_000);
    refused!(bomb, from_bytes, FileError::Trailing { extra: 50_000_000, .. });

    // The directory says how many bytes come out: 24 bytes into the record.
    let size = record(&bomb, 0) + 24;
    bomb[size..size + 4].copy_from_slice(&(small.len() as u32).to_le_bytes());
    refused!(bomb, from_bytes, FileError::Archive { .. });
    let mut honest = deflated(&small);
    let size = record(&honest, 0) + 24;
    honest[size..size + 4].copy_from_slice(&0x7fff_ffffu32.to_le_bytes());
    assert!(refused!(honest, from_bytes, FileError::Archive { .. }).contains("more than possible"));

    let large = "{'descr': '<f8', 'fortran_order': False, 'shape': (100000000,)}";
    refused!(deflated(&array(large, &[0; 8])), from_bytes, FileError::Truncated { .. });
}

#[test]
fn archives_that_contradict_themselves() {
    use npz::from_bytes;
    let two = BTreeMap::from(["a", "b"].map(|name| (name.to_string(), tensor![1., 2.])));
    let good = npz::to_bytes(&two).unwrap();
    assert_eq!(from_bytes(&good).unwrap().len(), 2);

    // A record's last fixed field, 42 bytes in, says where the entry lies.
    let mut same_place = good.clone();
    let place = record(&good, 1) + 42;
    same_place[place..place + 4].fill(0);
    assert!(refused!(same_place, from_bytes, FileError::Archive { .. }).contains("overlaps \"a\""));

    let mut same_name = good.clone();
    same_name[record(&good, 1) + 46] = b'a';
    assert!(refused!(same_name, from_bytes, FileError::Name { .. }).contains("two tensors have this name"));

    let mut other_entry = good.clone();
    other_entry[record(&good, 1) + 46 + 4] = b'x';
    refused!(other_entry, from_bytes, FileError::Name { .. });

    let mut encrypted = good.clone();
    encrypted[record(&good, 0) + 8] |= 1;
    assert!(refused!(encrypted, from_bytes, FileError::Archive { .. }).contains("encrypted"));

    let mut unknown = good.clone();
    unknown[record(&good, 0) + 10] = 12;
    assert!(refused!(unknown, from_bytes, FileError::Archive { .. }).contains("BZIP2"));

    let mut fewer = good.clone();
    let end = good.windows(4).position(|bytes| bytes == b"PK\x05\x06").unwrap();
    fewer[end + 10] = 1;
    refused!(fewer, from_bytes, FileError::Archive { .. });

    refused!(b"PK", from_bytes, FileError::Format { .. });
    refused!(b"no archive at all, but long enough to be one", from_bytes, FileError::Format { .. });
}
