//! Comparing a JSON document with a template of its documented fields.
//!
//! A template is JSON itself. Its strings are types: `string`, `uint`, `bool`, `hex`, `time`,
//! `id`, or `=a|b` for one of some words; a final `?` also allows null. An array's one element is
//! the template of every element; an object's members must all be there, and more may be (the
//! contract only grows); an object with the one member `*` is one of any names.

use serde_json::Value;

/// All differences between a document and its template.
pub fn misfits(template: &Value, document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(template, document, "$", &mut found);
    found
}

fn compare(template: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    match template {
        Value::String(kind) => {
            if !is_kind(kind, value) {
                found.push(format!("{at}: {value} is not {kind}"));
            }
        }
        Value::Array(element) => match (element.first(), value.as_array()) {
            (Some(element), Some(values)) => {
                for (index, value) in values.iter().enumerate() {
                    compare(element, value, &format!("{at}[{index}]"), found);
                }
            }
            _ => found.push(format!("{at}: {value} is not an array")),
        },
        Value::Object(members) => {
            // `"?": true` marks an object that may be null.
            if members.contains_key("?") && value.is_null() {
                return;
            }
            let Some(values) = value.as_object() else {
                found.push(format!("{at}: {value} is not an object"));
                return;
            };
            for (name, template) in members.iter().filter(|(name, _)| *name != "?") {
                if name == "*" {
                    for (name, value) in values {
                        compare(template, value, &format!("{at}.{name}"), found);
                    }
                } else if let Some(value) = values.get(name) {
                    compare(template, value, &format!("{at}.{name}"), found);
                } else {
                    found.push(format!("{at}: no member {name}"));
                }
            }
        }
        other => found.push(format!("{at}: {other} is no template")),
    }
}

fn is_kind(kind: &str, value: &Value) -> bool {
    if let Some(kind) = kind.strip_suffix('?') {
        return value.is_null() || is_kind(kind, value);
    }
    if let Some(words) = kind.strip_prefix('=') {
        return value
            .as_str()
            .is_some_and(|text| words.split('|').any(|word| word == text));
    }
    match kind {
        "string" => value.is_string(),
        "uint" => value.is_u64(),
        "bool" => value.is_boolean(),
        "hex" => value.as_str().is_some_and(|text| {
            text.len().is_multiple_of(2)
                && text
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        }),
        "time" => value.as_str().is_some_and(is_time),
        "id" => value.as_str().is_some_and(|text| text.starts_with("h0/")),
        _ => false,
    }
}

/// `2026-11-22T17:00:00.123456789Z`
fn is_time(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let Some((date, clock)) = text.strip_suffix('Z').and_then(|text| text.split_once('T')) else {
        return false;
    };
    let (date, clock) = (date.split('-'), clock.split(':'));
    date.clone().count() == 3
        && clock.clone().count() == 3
        && date.chain(clock).all(|part| digits(&part.replace('.', "")))
}

/// The order of ids: text as text, numbers as numbers.
pub fn id_key(id: &str) -> Vec<(String, u64)> {
    let mut key = Vec::new();
    let mut rest = id;
    while !rest.is_empty() {
        let word = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (text, after) = rest.split_at(word);
        let number = after
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(after.len());
        let (digits, after) = after.split_at(number);
        key.push((text.to_owned(), digits.parse().unwrap_or(0)));
        rest = after;
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_template_finds_what_is_wrong() {
        let template = json!({"a": "uint", "b": ["=x|y"], "c": "time?", "d": {"*": "uint"}});
        let fits = |document: Value| misfits(&template, &document).is_empty();
        let time = "2026-11-22T17:00:00.123456789Z";
        assert!(fits(
            json!({"a": 1, "b": ["x", "y"], "c": null, "d": {"z": 1}, "new": 0})
        ));
        assert!(fits(json!({"a": 1, "b": [], "c": time, "d": {}})));
        assert!(!fits(json!({"a": -1, "b": [], "c": null, "d": {}})));
        assert!(!fits(json!({"a": 1, "b": ["z"], "c": null, "d": {}})));
        assert!(!fits(json!({"a": 1, "b": [], "c": "17:00", "d": {}})));
        assert!(!fits(json!({"a": 1, "b": [], "c": null, "d": {"z": "1"}})));
        assert!(!fits(json!({"a": 1, "b": [], "c": null})));
    }

    #[test]
    fn ids_are_ordered_by_their_numbers() {
        assert!(id_key("h0/s9") < id_key("h0/s10"));
        assert!(id_key("h0/s10") < id_key("h1/s9"));
        assert!(id_key("h0/f8-20") < id_key("h0/f10-1"));
    }
}
