//! Encodes records as bytes. The only file that uses bincode.
//!
//! A record is a sequence of fields in bincode 2's *standard* configuration (little-endian,
//! variable-length integers). In a block each record is preceded by its length. Fields are only
//! appended: a reader uses the default for fields that an older writer did not have, and skips
//! fields of a newer writer. Decoding allocates no more than the length of the input.

use bincode::config::{Configuration, standard};
use bincode::enc::write::Writer as BincodeWriter;
use bincode::error::EncodeError;

/// The reason why a record or field could not be decoded. The caller adds the file position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The input ended inside a field.
    #[error("field cut short")]
    Short,
    /// The type does not allow the value.
    #[error("field has a value that its type does not allow")]
    Invalid,
}

/// A type that can be a field of a record.
pub trait Field: Default {
    /// Appends the encoded value.
    fn put(&self, out: &mut Vec<u8>);
    /// Decodes the value at the start of `input`, and advances `input`.
    fn take(input: &mut &[u8]) -> Result<Self, WireError>;
}

/// A record: fields in a fixed order, defined by [`record!`](crate::record).
pub trait Record: Default {
    /// Appends the record's fields, without a length.
    fn encode(&self, out: &mut Vec<u8>);
    /// Name and type of the fields, in order.
    const FIELDS: &'static [(&'static str, &'static str)];
    /// Decodes a whole record. Missing trailing fields get their default, surplus bytes are
    /// ignored.
    fn decode(input: &[u8]) -> Result<Self, WireError>;
}

struct Sink<'a>(&'a mut Vec<u8>);

impl BincodeWriter for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

fn config() -> Configuration {
    standard()
}

fn put_bincode<T: bincode::Encode>(value: T, out: &mut Vec<u8>) {
    // Cannot fail: writing to a vector succeeds, and integers have no invalid values.
    let done = bincode::encode_into_writer(value, Sink(out), config());
    debug_assert!(done.is_ok());
}

fn take_bincode<T: bincode::Decode<()>>(input: &mut &[u8]) -> Result<T, WireError> {
    match bincode::decode_from_slice::<T, _>(input, config()) {
        Ok((value, used)) => {
            *input = &input[used..];
            Ok(value)
        }
        Err(bincode::error::DecodeError::UnexpectedEnd { .. }) => Err(WireError::Short),
        Err(_) => Err(WireError::Invalid),
    }
}

/// Appends one variable-length unsigned integer.
pub fn put_uint(value: u64, out: &mut Vec<u8>) {
    if value < 251 {
        // The encoding of small values, without a call to bincode: most values in tables are small.
        out.push(value as u8);
    } else {
        put_bincode(value, out);
    }
}

/// Decodes a variable-length unsigned integer at the start of `input`, and advances `input`.
pub fn take_uint(input: &mut &[u8]) -> Result<u64, WireError> {
    match input.split_first() {
        Some((&first, rest)) if first < 251 => {
            *input = rest;
            Ok(u64::from(first))
        }
        _ => take_bincode(input),
    }
}

/// Appends a signed integer (zigzag encoding, as in bincode).
pub fn put_int(value: i64, out: &mut Vec<u8>) {
    put_bincode(value, out);
}

/// Decodes a signed integer at the start of `input`, and advances `input`.
pub fn take_int(input: &mut &[u8]) -> Result<i64, WireError> {
    take_bincode(input)
}

/// Takes `length` bytes from the start of `input`.
pub(crate) fn take_slice<'a>(input: &mut &'a [u8], length: u64) -> Result<&'a [u8], WireError> {
    let length = usize::try_from(length).map_err(|_| WireError::Short)?;
    let (head, tail) = input.split_at_checked(length).ok_or(WireError::Short)?;
    *input = tail;
    Ok(head)
}

/// Skips a field by its type as in [`Record::FIELDS`].
///
/// # Errors
/// If the input ends inside the field, or records cannot have the type.
pub(crate) fn skip_field(kind: &str, input: &mut &[u8]) -> Result<(), WireError> {
    match kind {
        "u8" | "bool" => take_slice(input, 1).map(|_| ()),
        "u16" | "u32" | "u64" => take_uint(input).map(|_| ()),
        "Vec<u8>" => {
            let length = take_uint(input)?;
            take_slice(input, length).map(|_| ())
        }
        "Option<u32>" | "Option<u64>" => match u8::take(input)? {
            0 => Ok(()),
            _ => take_uint(input).map(|_| ()),
        },
        _ => Err(WireError::Invalid),
    }
}

macro_rules! integer_fields {
    ($($unsigned:ty)*) => {$(
        impl Field for $unsigned {
            fn put(&self, out: &mut Vec<u8>) {
                put_bincode(*self, out);
            }
            fn take(input: &mut &[u8]) -> Result<Self, WireError> {
                take_bincode(input)
            }
        }
    )*};
}
integer_fields!(u8 u16 u32 u64 i32 i64);

impl Field for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
    fn take(input: &mut &[u8]) -> Result<Self, WireError> {
        match u8::take(input)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(WireError::Invalid),
        }
    }
}

/// Kernel strings are bytes without a known encoding.
impl Field for Vec<u8> {
    fn put(&self, out: &mut Vec<u8>) {
        put_uint(self.len() as u64, out);
        out.extend_from_slice(self);
    }
    fn take(input: &mut &[u8]) -> Result<Self, WireError> {
        let length = take_uint(input)?;
        Ok(take_slice(input, length)?.to_vec())
    }
}

impl<T: Field> Field for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            None => out.push(0),
            Some(value) => {
                out.push(1);
                value.put(out);
            }
        }
    }
    fn take(input: &mut &[u8]) -> Result<Self, WireError> {
        match u8::take(input)? {
            0 => Ok(None),
            1 => Ok(Some(T::take(input)?)),
            _ => Err(WireError::Invalid),
        }
    }
}

/// A list in a record: the number of items, then the items. Each item is preceded by its length, so
/// that nested records can grow too.
impl<T: Record> Field for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        put_uint(self.len() as u64, out);
        for item in self {
            put_record(item, out);
        }
    }
    fn take(input: &mut &[u8]) -> Result<Self, WireError> {
        let count = take_uint(input)?;
        // Every item takes at least one byte, its length: a larger count is invalid.
        if count > input.len() as u64 {
            return Err(WireError::Short);
        }
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(take_record(input)?);
        }
        Ok(items)
    }
}

/// Appends a record preceded by its length in bytes.
pub fn put_record<R: Record>(record: &R, out: &mut Vec<u8>) {
    let mut body = Vec::new();
    record.encode(&mut body);
    put_uint(body.len() as u64, out);
    out.extend_from_slice(&body);
}

/// Decodes a record preceded by its length at the start of `input`, and advances `input`.
pub fn take_record<R: Record>(input: &mut &[u8]) -> Result<R, WireError> {
    let length = take_uint(input)?;
    R::decode(take_slice(input, length)?)
}

/// Returns the records of a payload in order.
///
/// A record that cannot be decoded is an `Err`, and the next one follows. A payload that ends
/// inside a record ends with an `Err`.
pub fn records<R: Record>(payload: &[u8]) -> impl Iterator<Item = Result<R, WireError>> {
    let mut rest = payload;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let body = take_uint(&mut rest).and_then(|length| take_slice(&mut rest, length));
        if body.is_err() {
            rest = &[];
        }
        Some(body.and_then(R::decode))
    })
}

/// Returns the number of records in a payload, with invalid ones, to estimate what decoding
/// allocates.
pub fn count(payload: &[u8]) -> usize {
    let mut rest = payload;
    let mut count = 0;
    while !rest.is_empty() {
        count += 1;
        let body = take_uint(&mut rest).and_then(|length| take_slice(&mut rest, length));
        if body.is_err() {
            break;
        }
    }
    count
}

/// Defines a record: a struct whose fields are encoded in the order of definition.
///
/// Later versions may append fields. They must not insert, remove, reorder or retype them.
#[macro_export]
macro_rules! record {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct $name { $($(#[$field_meta])* pub $field: $type,)* }

        impl $crate::wire::Record for $name {
            const FIELDS: &'static [(&'static str, &'static str)] =
                &[$((stringify!($field), stringify!($type)),)*];
            fn encode(&self, out: &mut Vec<u8>) {
                $($crate::wire::Field::put(&self.$field, out);)*
            }
            fn decode(input: &[u8]) -> Result<Self, $crate::wire::WireError> {
                let mut rest = input;
                let mut record = Self::default();
                $(
                    if rest.is_empty() {
                        return Ok(record);
                    }
                    record.$field = $crate::wire::Field::take(&mut rest)?;
                )*
                let _ = rest;
                Ok(record)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    #![allow(unreachable_pub, reason = "the macro makes public records")]
    use super::*;

    record! {
        /// A record of an older writer.
        pub struct Old {
            /// A number.
            pub number: u32,
        }
    }
    record! {
        /// The same record of a newer writer.
        pub struct New {
            /// A number.
            pub number: u32,
            /// Appended later.
            pub names: Vec<u8>,
            /// Appended later.
            pub nested: Vec<Old>,
        }
    }

    fn encoded(record: &impl Record) -> Vec<u8> {
        let mut out = Vec::new();
        record.encode(&mut out);
        out
    }

    #[test]
    fn fields_may_be_appended() {
        let new = New {
            number: 70_000,
            names: b"\0x".to_vec(),
            nested: vec![Old { number: 3 }],
        };
        assert_eq!(New::decode(&encoded(&new)).unwrap(), new);
        assert_eq!(Old::decode(&encoded(&new)).unwrap(), Old { number: 70_000 });
        let from_old = New::decode(&encoded(&Old { number: 9 })).unwrap();
        assert_eq!(
            from_old,
            New {
                number: 9,
                ..New::default()
            }
        );
    }

    #[test]
    fn lengths_beyond_the_input_are_refused_without_allocating() {
        let mut claim = vec![1]; // number
        put_uint(u64::MAX, &mut claim); // names: 2^64-1 bytes
        assert_eq!(New::decode(&claim), Err(WireError::Short));
        let mut list = vec![1, 0];
        put_uint(1 << 40, &mut list);
        assert_eq!(New::decode(&list), Err(WireError::Short));
    }

    #[test]
    fn integers_are_bincodes() {
        for value in [
            0,
            1,
            250,
            251,
            65_535,
            65_536,
            u64::from(u32::MAX),
            u64::MAX,
        ] {
            let mut fast = Vec::new();
            put_uint(value, &mut fast);
            let mut plain = Vec::new();
            put_bincode(value, &mut plain);
            assert_eq!(fast, plain);
            assert_eq!(take_uint(&mut fast.as_slice()).unwrap(), value);
        }
    }

    #[test]
    fn a_bad_record_does_not_hide_the_next() {
        let mut payload = vec![1, 251]; // a truncated integer in one byte
        put_record(&Old { number: 5 }, &mut payload);
        payload.push(9); // declares nine bytes that are missing
        let all: Vec<_> = records::<Old>(&payload).collect();
        assert_eq!(
            all,
            [
                Err(WireError::Short),
                Ok(Old { number: 5 }),
                Err(WireError::Short)
            ]
        );
    }
}
