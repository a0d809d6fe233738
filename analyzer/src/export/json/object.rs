//! JSON objects: the name, order and value of each field in one place.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::export::exact_text::{ExactText, hex_of, hex_of_name};
use crate::query::Via;

/// A JSON object, whose fields are written in the order in which they were added.
pub struct Object<F>(F);

/// A field; without a value it is left out.
pub struct Field<V> {
    key: &'static str,
    /// Put after the key.
    suffix: &'static str,
    value: Option<V>,
}

/// An object with a field, and another one for the exact bytes.
type Exact<F, V> = Object<((F, Field<V>), Field<String>)>;

/// An object without fields.
pub fn object() -> Object<()> {
    Object(())
}

impl<F> Object<F> {
    /// Adds a field.
    pub fn field<V>(self, key: &'static str, value: V) -> Object<(F, Field<V>)> {
        self.known(key, Some(value))
    }

    /// Adds a field, unless there is no value.
    pub fn known<V>(self, key: &'static str, value: Option<V>) -> Object<(F, Field<V>)> {
        let suffix = "";
        Object((self.0, Field { key, suffix, value }))
    }

    /// Adds an array, whose elements are made when they are written.
    pub fn list<I>(self, key: &'static str, elements: I) -> Object<(F, Field<List<I>>)> {
        self.field(key, List(elements))
    }

    /// Adds a text, and as `KEY_hex` its exact bytes in hexadecimal if escaping changed it.
    pub fn exact<V>(self, key: &'static str, text: V, hex: Option<String>) -> Exact<F, V> {
        let (suffix, value) = ("_hex", hex);
        Object((self.field(key, text).0, Field { key, suffix, value }))
    }

    /// Adds kernel text, as [`exact`](Self::exact) does.
    pub fn bytes(self, key: &'static str, bytes: &[u8]) -> Exact<F, String> {
        let text = ExactText::new(bytes);
        self.exact(key, text.text, text.hex)
    }

    /// Adds kernel text; null if there is none.
    pub fn bytes_or_null(
        self,
        key: &'static str,
        bytes: Option<&[u8]>,
    ) -> Exact<F, Option<String>> {
        let text = bytes.map(ExactText::new);
        let (text, hex) = text.map_or((None, None), |text| (Some(text.text), text.hex));
        self.exact(key, text, hex)
    }

    /// Adds a text that is escaped already, such as a role.
    pub fn escaped<'a>(self, key: &'static str, text: &'a str) -> Exact<F, &'a str> {
        self.exact(key, text, hex_of(text))
    }

    /// Adds a name; null if there is none.
    pub fn name<'a>(self, key: &'static str, via: &'a Via) -> Exact<F, Option<&'a str>> {
        let text = Some(&*via.text).filter(|text| !text.is_empty());
        self.exact(key, text, hex_of_name(via))
    }
}

impl<F: Fields> Serialize for Object<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.0.write(&mut map)?;
        map.end()
    }
}

/// The fields of an [`Object`].
pub trait Fields {
    /// Writes the fields.
    ///
    /// # Errors
    /// Those of the writer.
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
}

impl Fields for () {
    fn write<M: SerializeMap>(&self, _: &mut M) -> Result<(), M::Error> {
        Ok(())
    }
}

impl<F: Fields, V: Serialize> Fields for (F, Field<V>) {
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let (before, Field { key, suffix, value }) = self;
        before.write(map)?;
        match value {
            Some(value) if suffix.is_empty() => map.serialize_entry(key, value),
            Some(value) => map.serialize_entry(&format!("{key}{suffix}"), value),
            None => Ok(()),
        }
    }
}

/// An array of the elements of an iterator.
pub struct List<I>(I);

impl<I: Iterator<Item: Serialize> + Clone> Serialize for List<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_order_and_escaped_text_its_bytes() {
        let document = object()
            .bytes("b", b"x\xff")
            .bytes("a", b"plain")
            .known("left_out", None::<u8>)
            .bytes_or_null("none", None)
            .list("rows", [1, 2].iter());
        assert_eq!(
            serde_json::to_string(&document).ok().as_deref(),
            Some(r#"{"b":"x\\xff","b_hex":"78ff","a":"plain","none":null,"rows":[1,2]}"#)
        );
    }
}
