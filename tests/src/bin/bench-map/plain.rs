//! The minimum cost of reading a snapshot: the same data, compressed plainly, read by `zstd`.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use whotalks_snapshot::{Decoder, Event, Limits, Reader};

/// Reads a snapshot into typed rows and discards them.
pub(crate) fn load(file: &Path) -> Result<()> {
    let bytes = std::fs::read(file)?;
    let loaded = whotalks::load::load(&bytes, &Limits::default())?;
    ensure!(loaded.damages.is_empty(), "{}: damaged", file.display());
    // As in the program: the exit frees everything at once.
    std::mem::forget(loaded);
    Ok(())
}

/// Writes the decoded blocks of a snapshot into one zstd stream at the collector's level; returns
/// their size in bytes.
pub(crate) fn recompress(snapshot: &Path, plain: &Path) -> Result<u64> {
    let bytes = std::fs::read(snapshot)?;
    let limits = Limits::default();
    let mut decoder = Decoder::new(&limits);
    let mut zstd = Command::new("zstd")
        .args(["-q", "-3", "-f", "-o"])
        .arg(plain)
        .stdin(Stdio::piped())
        .spawn()
        .context("zstd: cannot run")?;
    let mut input = zstd.stdin.take().context("no pipe")?;
    let mut decoded = 0;
    for event in Reader::new(&bytes, &limits)? {
        match event {
            Event::Block(block) => {
                let payload = decoder.payload(&block)?;
                decoded += payload.len() as u64;
                input.write_all(&payload)?;
            }
            Event::Damage(damage) => bail!("{}: {damage}", snapshot.display()),
        }
    }
    drop(input);
    ensure!(zstd.wait()?.success(), "zstd failed");
    File::open(plain)?;
    Ok(decoded)
}
