//! Records as bytes: the only place that knows bincode.
//!
//! A record is a sequence of fields, each in bincode 2's *standard* configuration (little-endian,
//! variable-length integers), preceded in a block by its length. Fields are only ever appended: a
//! reader takes the default for fields that an older writer did not know, and skips what a newer
//! writer added. Nothing here allocates more than the input is long.

use bincode::config::{Configuration, standard};
use bincode::enc::write::Writer as BincodeWriter;
use bincode::error::EncodeError;

/// Why a record or a field could not be decoded. Carries no file position: the caller knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The input ended inside a field.
    #[error("field cut short")]
    Short,
    /// A value is not one of those that its type allows.
    #[error("field has a value that its type does not allow")]
    Invalid,
}

/// A value that can be a field of a record.
pub trait Field: Default {
    /// Appends the encoded value.
    fn put(&self, out: &mut Vec<u8>);
    /// Takes the value off the front of `input`.
    fn take(input: &mut &[u8]) -> Result<Self, WireError>;
}

/// A record: fields in a fixed order, made by [`record!`](crate::record).
pub trait Record: Default {
    /// Appends the record's fields, without a length.
    fn encode(&self, out: &mut Vec<u8>);
    /// The fields in their order: name and type.
    const FIELDS: &'static [(&'static str, &'static str)];
    /// Decodes a whole record; missing trailing fields are default, surplus bytes ignored.
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
    // The sink cannot fail and the values have no invalid states, so neither can this.
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
        // The encoding of small values, without the detour: tables are made of them.
        out.push(value as u8);
    } else {
        put_bincode(value, out);
    }
}

/// Takes one variable-length unsigned integer off the front of `input`.
pub fn take_uint(input: &mut &[u8]) -> Result<u64, WireError> {
    match input.split_first() {
        Some((&first, rest)) if first < 251 => {
            *input = rest;
            Ok(u64::from(first))
        }
        _ => take_bincode(input),
    }
}

/// Appends a signed integer (zigzag, as bincode does it).
pub fn put_int(value: i64, out: &mut Vec<u8>) {
    put_bincode(value, out);
}

/// Takes one signed integer off the front of `input`.
pub fn take_int(input: &mut &[u8]) -> Result<i64, WireError> {
    take_bincode(input)
}

/// Takes `length` bytes off the front of `input`.
pub(crate) fn take_slice<'a>(input: &mut &'a [u8], length: u64) -> Result<&'a [u8], WireError> {
    let length = usize::try_from(length).map_err(|_| WireError::Short)?;
    let (head, tail) = input.split_at_checked(length).ok_or(WireError::Short)?;
    *input = tail;
    Ok(head)
}

/// Skips a field by its type, as [`Record::FIELDS`] names it.
///
/// # Errors
/// Where the input ends inside it, or the type is not one that records have.
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

/// Kernel strings are bytes: no encoding is assumed.
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

/// A list inside a record: a count, then the items. Each item of a nested record is preceded by
/// its length, so nested records grow like the others.
impl<T: Record> Field for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        put_uint(self.len() as u64, out);
        for item in self {
            put_record(item, out);
        }
    }
    fn take(input: &mut &[u8]) -> Result<Self, WireError> {
        let count = take_uint(input)?;
        // Every item takes at least its length byte; a count beyond that is a lie.
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

/// Takes a length-prefixed record off the front of `input`.
pub fn take_record<R: Record>(input: &mut &[u8]) -> Result<R, WireError> {
    let length = take_uint(input)?;
    R::decode(take_slice(input, length)?)
}

/// The records of a block's payload, in order.
///
/// A record that cannot be decoded is an `Err` and the next one is tried; a payload that ends
/// inside a record is one last `Err`.
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

/// How many records a payload holds, the bad ones counted too: what decoding it will allocate.
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

/// Defines a record: a struct whose fields are encoded in the order written.
///
/// Fields may be appended in later versions, never inserted, removed, reordered or retyped.
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
        /// What an older writer knew.
        pub struct Old {
            /// A number.
            pub number: u32,
        }
    }
    record! {
        /// What a newer writer knows.
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
        let mut payload = vec![1, 251]; // one byte long: an integer cut short
        put_record(&Old { number: 5 }, &mut payload);
        payload.push(9); // claims nine bytes that are not there
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
