//! The file of `--map`: the key of the pseudonyms, and the names that they replace.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use serde::{Deserialize, Serialize};
use whotalks::redact::Names;
use whotalks::text::escape;

use crate::output;

#[derive(Serialize, Deserialize)]
struct Document {
    schema: String,
    /// In hexadecimal.
    key: String,
    /// Words by their pseudonyms.
    #[serde(default)]
    names: BTreeMap<String, String>,
    /// Addresses by their pseudonyms.
    #[serde(default)]
    addresses: BTreeMap<String, String>,
}

const SCHEMA: &str = "whotalks-redaction/1";

/// Reads the key.
pub(super) fn read(path: &Path) -> Result<[u8; 32]> {
    let name = path.display();
    let bytes = std::fs::read(path).with_context(|| format!("{name}: cannot read"))?;
    let document: Document = serde_json::from_slice(&bytes)
        .map_err(|_| anyhow!("{name}: not a map that --map has written"))?;
    parse_key(&document.key).with_context(|| format!("{name}: has no key of 64 hexadecimal digits"))
}

fn parse_key(digits: &str) -> Option<[u8; 32]> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| {
        let text = std::str::from_utf8(pair)
            .ok()
            .filter(|text| text.len() == 2)?;
        u8::from_str_radix(text, 16).ok()
    });
    pairs.collect::<Option<Vec<u8>>>()?.try_into().ok()
}

/// Writes the file with mode 0600.
pub(super) fn write(path: &Path, key: [u8; 32], names: &Names) -> Result<()> {
    let text = |bytes: &[u8]| escape::display(bytes);
    let document = Document {
        schema: SCHEMA.to_owned(),
        key: escape::hex(&key),
        names: names
            .words()
            .map(|(word, pseudonym)| (text(pseudonym), text(word)))
            .collect(),
        addresses: names
            .addresses()
            .map(|(address, pseudonym)| (pseudonym.to_string(), address.to_string()))
            .collect(),
    };
    output::write_private(path, |out| output::json(out, &document))
}
