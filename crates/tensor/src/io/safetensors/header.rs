//! The header of a safetensors file: a JSON object of tensors by name, and of strings.

use std::collections::BTreeMap;
use std::fmt;

use safetensors::tensor::{Dtype, TensorInfo};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Metadata;
use crate::dtype::DType;
use crate::io::elements::Kind;
use crate::io::error::{FileError, Place};
use crate::shape::Shape;

/// The name under which a header holds the strings.
pub(super) const METADATA: &str = "__metadata__";

/// What a file says about its tensors.
pub(super) struct Header {
    pub(super) metadata: Metadata,
    pub(super) tensors: BTreeMap<String, TensorInfo>,
}

impl Header {
    /// The tensors in the order of their bytes, of which `available` are there.
    pub(super) fn checked(&self, available: u64, at: &Place) -> Result<Vec<(String, Kind, Shape)>, FileError> {
        let mut order: Vec<_> = self.tensors.iter().collect();
        order.sort_by_key(|(_, info)| info.data_offsets);
        let mut expected = 0;
        let mut checked = Vec::new();
        for (name, info) in order {
            let at = at.tensor(name);
            let (begin, end) = (info.data_offsets.0 as u64, info.data_offsets.1 as u64);
            let Some(kind) = kind_of(info.dtype) else {
                return Err(FileError::UnknownType { at, found: info.dtype.to_string() });
            };
            if begin != expected || end < begin {
                return Err(FileError::Offsets { at, begin, end, expected });
            }
            let shape = Shape::from(&info.shape);
            let (needed, given) = (kind.bytes(&shape, &at)?, end - begin);
            if needed != given {
                return Err(FileError::Mislabelled { at, shape, needed, given });
            }
            if end > available {
                return Err(FileError::Truncated { at, needed: end, found: available });
            }
            expected = end;
            checked.push((name.clone(), kind, shape));
        }
        match available - expected {
            0 => Ok(checked),
            extra => Err(FileError::Trailing { at: at.clone(), extra }),
        }
    }
}

/// The format's name for a tensor's element type.
pub(super) fn name_of(dtype: DType) -> Dtype {
    match dtype {
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        DType::F32 => Dtype::F32,
        DType::F64 => Dtype::F64,
        DType::I64 => Dtype::I64,
        DType::Bool => Dtype::BOOL,
    }
}

fn kind_of(dtype: Dtype) -> Option<Kind> {
    Some(match dtype {
        Dtype::F16 => Kind::F16,
        Dtype::BF16 => Kind::BF16,
        Dtype::F32 => Kind::F32,
        Dtype::F64 => Kind::F64,
        Dtype::I8 => Kind::I8,
        Dtype::I16 => Kind::I16,
        Dtype::I32 => Kind::I32,
        Dtype::I64 => Kind::I64,
        Dtype::U8 => Kind::U8,
        Dtype::U16 => Kind::U16,
        Dtype::U32 => Kind::U32,
        Dtype::BOOL => Kind::Bool,
        _ => return None,
    })
}

impl Serialize for Header {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if !self.metadata.is_empty() {
            map.serialize_entry(METADATA, &self.metadata)?;
        }
        self.tensors.iter().try_for_each(|(name, info)| map.serialize_entry(name, info))?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Header, D::Error> {
        deserializer.deserialize_map(Entries)
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors by name")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Header, M::Error> {
        let mut metadata: Option<Option<Metadata>> = None;
        let mut tensors = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let twice = if name == METADATA {
                metadata.replace(map.next_value()?).is_some()
            } else {
                let info = map.next_value().map_err(|e: M::Error| M::Error::custom(format_args!("{name:?}: {e}")))?;
                tensors.insert(name.clone(), info).is_some()
            };
            if twice {
                return Err(M::Error::custom(format_args!("{name:?} is described twice")));
            }
        }
        Ok(Header { metadata: metadata.flatten().unwrap_or_default(), tensors })
    }
}
