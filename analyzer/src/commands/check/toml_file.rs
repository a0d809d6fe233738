//! Policies and ignore files: TOML files of limited size.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Larger than any file that is written by hand.
const MAX_BYTES: u64 = 4 << 20;

pub(super) fn read(path: &Path) -> Result<String> {
    let name = path.display();
    let mut text = String::new();
    let file = File::open(path).with_context(|| format!("{name}: cannot open"))?;
    file.take(MAX_BYTES + 1)
        .read_to_string(&mut text)
        .with_context(|| format!("{name}: cannot read"))?;
    if text.len() as u64 > MAX_BYTES {
        bail!("{name}: larger than {MAX_BYTES} bytes");
    }
    Ok(text)
}
