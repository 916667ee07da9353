//! The header of an npy file: a Python dictionary of three entries.

use std::io::Read;

use crate::dtype::DType;
use crate::io::elements::Kind;
use crate::io::error::{FileError, Place};
use crate::shape::Shape;

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Bytes of a header that are accepted: what version 1 can express.
const LONGEST: u64 = u16::MAX as u64;
/// The elements begin at a multiple of this.
const ALIGN: usize = 64;

/// What a file says about its elements.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) big_endian: bool,
    pub(super) fortran: bool,
    pub(super) shape: Shape,
}

impl Header {
    /// Reads the header of a source of `len` bytes, and says how many it takes.
    pub(super) fn read(source: &mut dyn Read, len: u64, at: &Place) -> Result<(Header, u64), FileError> {
        let mut taken = 0;
        let mut start = [0; 8];
        take(source, &mut start, &mut taken, len, at)?;
        let [magic @ .., major, _minor] = &start;
        if magic != MAGIC {
            let reason = "it does not begin with \\x93NUMPY".to_string();
            return Err(FileError::Format { at: at.clone(), format: "npy", reason });
        }
        let mut claimed = [0; 4];
        let width = match major {
            1 => 2,
            2 | 3 => 4,
            _ => {
                let reason = format!("its version is {major}; 1 to 3 are known");
                return Err(FileError::Format { at: at.clone(), format: "npy", reason });
            }
        };
        take(source, &mut claimed[..width], &mut taken, len, at)?;
        let claimed = u64::from(u32::from_le_bytes(claimed));
        if claimed > LONGEST {
            return Err(FileError::HeaderTooLarge { at: at.clone(), claimed, limit: LONGEST });
        }
        if claimed > len.saturating_sub(taken) {
            return Err(FileError::Truncated { at: at.clone(), needed: taken + claimed, found: len });
        }
        let mut text = vec![0; claimed as usize];
        take(source, &mut text, &mut taken, len, at)?;
        let broken = |reason: String| FileError::Header { at: at.clone(), reason };
        let text = std::str::from_utf8(&text).map_err(|e| broken(e.to_string()))?;
        let raw = Dictionary::parse(text).map_err(broken)?;
        let (big_endian, kind) =
            kind_of(&raw.descr).ok_or_else(|| FileError::UnknownType { at: at.clone(), found: raw.descr.clone() })?;
        Ok((Header { kind, big_endian, fortran: raw.fortran_order, shape: raw.shape.into() }, taken))
    }
}

fn take(source: &mut dyn Read, into: &mut [u8], taken: &mut u64, len: u64, at: &Place) -> Result<(), FileError> {
    let needed = *taken + into.len() as u64;
    source.read_exact(into).map_err(|e| FileError::from_read(at, e, needed, len))?;
    *taken = needed;
    Ok(())
}

/// Byte order and type of a description such as `<f4`.
fn kind_of(descr: &str) -> Option<(bool, Kind)> {
    let (order, name) = descr.split_at_checked(1)?;
    let kind = match name {
        "f2" => Kind::F16,
        "f4" => Kind::F32,
        "f8" => Kind::F64,
        "i1" => Kind::I8,
        "i2" => Kind::I16,
        "i4" => Kind::I32,
        "i8" => Kind::I64,
        "u1" => Kind::U8,
        "u2" => Kind::U16,
        "u4" => Kind::U32,
        "b1" => Kind::Bool,
        _ => return None,
    };
    match order {
        "<" | "=" => Some((false, kind)),
        ">" => Some((true, kind)),
        "|" if kind.size() == 1 => Some((false, kind)),
        _ => None,
    }
}

/// The header of a tensor, from the magic word to the line's end.
pub(super) fn to_bytes(dtype: DType, shape: &Shape, at: &Place) -> Result<Vec<u8>, FileError> {
    let descr = match dtype {
        DType::F32 => "<f4",
        DType::F64 => "<f8",
        DType::F16 => "<f2",
        DType::I64 => "<i8",
        DType::Bool => "|b1",
        DType::BF16 => return Err(FileError::UnsupportedType { at: at.clone(), dtype, format: "npy" }),
    };
    let lengths: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let lengths = if shape.len() == 1 { lengths.trim_end() } else { lengths.trim_end_matches(", ") };
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({lengths}), }}");
    let padded = (MAGIC.len() + 4 + text.len() + 1).next_multiple_of(ALIGN);
    text.extend(std::iter::repeat_n(' ', padded - MAGIC.len() - 4 - text.len() - 1));
    text.push('\n');
    let Ok(claimed) = u16::try_from(text.len()) else {
        return Err(FileError::HeaderTooLarge { at: at.clone(), claimed: text.len() as u64, limit: LONGEST });
    };
    Ok([&MAGIC[..], &[1, 0], &claimed.to_le_bytes(), text.as_bytes()].concat())
}

/// The entries as they stand in the file.
#[derive(Debug, Default, PartialEq, Eq)]
struct Dictionary {
    descr: String,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl Dictionary {
    /// Reads the part of Python's syntax that NumPy writes: a dictionary of strings, truth values and tuples of integers.
    fn parse(text: &str) -> Result<Dictionary, String> {
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        let mut text = Text { rest: text };
        text.expect("{")?;
        while !text.accept("}") {
            let key = text.string()?;
            text.expect(":")?;
            let twice = match key {
                "descr" => descr.replace(text.string()?.to_string()).is_some(),
                "fortran_order" => fortran_order.replace(text.truth()?).is_some(),
                "shape" => shape.replace(text.lengths()?).is_some(),
                _ => return Err(format!("unknown key {key:?}")),
            };
            if twice {
                return Err(format!("{key:?} stands there twice"));
            }
            if !text.accept(",") {
                text.expect("}")?;
                break;
            }
        }
        if !text.rest.trim_start().is_empty() {
            return Err("something follows the dictionary".to_string());
        }
        let missing = |key: &str| format!("no {key:?}");
        Ok(Dictionary {
            descr: descr.ok_or_else(|| missing("descr"))?,
            fortran_order: fortran_order.ok_or_else(|| missing("fortran_order"))?,
            shape: shape.ok_or_else(|| missing("shape"))?,
        })
    }
}

/// What is left to be read.
struct Text<'a> {
    rest: &'a str,
}

impl<'a> Text<'a> {
    /// Steps over `token` and the blanks before it, if it comes next.
    fn accept(&mut self, token: &str) -> bool {
        let found = self.rest.trim_start().strip_prefix(token);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.accept(token) { Ok(()) } else { Err(format!("{token:?} expected {}", self.here())) }
    }

    fn here(&self) -> String {
        match self.rest.trim_start().chars().take(20).collect::<String>() {
            next if next.is_empty() => "at the end".to_string(),
            next => format!("before {next:?}"),
        }
    }

    fn string(&mut self) -> Result<&'a str, String> {
        let quote = ["'", "\""].into_iter().find(|quote| self.accept(quote));
        let parts = quote.and_then(|quote| self.rest.split_once(quote));
        let (inside, rest) = parts.ok_or_else(|| format!("a string expected {}", self.here()))?;
        self.rest = rest;
        Ok(inside)
    }

    fn truth(&mut self) -> Result<bool, String> {
        match (self.accept("True"), self.accept("False")) {
            (true, false) => Ok(true),
            (false, true) => Ok(false),
            _ => Err(format!("True or False expected {}", self.here())),
        }
    }

    fn lengths(&mut self) -> Result<Vec<usize>, String> {
        let mut lengths = Vec::new();
        self.expect("(")?;
        while !self.accept(")") {
            lengths.push(self.number()?);
            // Python 2 wrote long integers with a suffix.
            self.accept("L");
            if !self.accept(",") {
                self.expect(")")?;
                if lengths.len() == 1 {
                    return Err("a tuple of one length needs a comma".to_string());
                }
                break;
            }
        }
        Ok(lengths)
    }

    fn number(&mut self) -> Result<usize, String> {
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (digits, rest) = rest.split_at(end);
        let number = digits.parse().map_err(|_| format!("a length expected {}", self.here()))?;
        self.rest = rest;
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_that_python_allows_is_read() {
        let wanted = |shape: &[usize]| Dictionary { descr: "<f4".into(), fortran_order: false, shape: shape.into() };
        for (text, shape) in [
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }  \n", &[3, 4][..]),
            ("{\"shape\":(3,),\"fortran_order\":False,\"descr\":\"<f4\"}", &[3]),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': ()}", &[]),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3L, 4L)}", &[3, 4]),
        ] {
            assert_eq!(Dictionary::parse(text), Ok(wanted(shape)), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, reason) in [
            ("", "\"{\" expected at the end"),
            ("{'descr': [('a', '<f4')]}", "a string expected before \"[('a', '<f4')]}\""),
            ("{'descr': '<f4', 'shape': (3,)}", "no \"fortran_order\""),
            ("{'shape': (3)}", "a tuple of one length needs a comma"),
            ("{'shape': (-3,)}", "a length expected before \"-3,)}\""),
            ("{'shape': (99999999999999999999,)}", "a length expected before \"99999999999999999999\""),
            ("{'shape': (), 'shape': ()}", "\"shape\" stands there twice"),
            ("{'fortran_order': 1}", "True or False expected before \"1}\""),
            ("{'colour': 1}", "unknown key \"colour\""),
        ] {
            assert_eq!(Dictionary::parse(text), Err(reason.to_string()), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for dtype in [DType::F32, DType::F64, DType::F16, DType::I64, DType::Bool] {
            for shape in [vec![], vec![7], vec![0, 3], vec![2, 3, 4], vec![1; 3000]] {
                let shape = Shape::from(shape);
                let bytes = to_bytes(dtype, &shape, &Place::default()).unwrap();
                let (header, taken) = Header::read(&mut &bytes[..], bytes.len() as u64, &Place::default()).unwrap();
                assert_eq!(header, Header { kind: Kind::of(dtype), big_endian: false, fortran: false, shape });
                assert!(taken == bytes.len() as u64 && bytes.len().is_multiple_of(ALIGN));
            }
        }
    }
}
