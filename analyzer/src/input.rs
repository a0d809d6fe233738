//! Opening snapshots: files, standard input, or this machine captured now.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, bail};
use whotalks::load::{Loaded, load};
use whotalks_snapshot::{DamageKind, Limits};

/// The largest file that is read: beyond what any machine's tables fill.
const MAX_FILE_BYTES: u64 = 8 << 30;

/// A snapshot that was read, with what its name and bytes say beyond its content.
pub(crate) struct Snapshot {
    /// How people know it: its path, or where it came from.
    pub(crate) name: String,
    /// The file, `None` for standard input and captures made now.
    pub(crate) path: Option<PathBuf>,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
    /// Its content.
    pub(crate) loaded: Loaded,
}

/// Reads the snapshots, or captures this machine where none is named; says on standard error where
/// one is damaged.
pub(crate) fn open(files: &[PathBuf]) -> Result<Vec<Snapshot>> {
    let snapshots = if files.is_empty() {
        vec![capture()?]
    } else {
        files.iter().map(|file| read(file)).collect::<Result<_>>()?
    };
    for snapshot in &snapshots {
        warn(snapshot);
    }
    Ok(snapshots)
}

fn read(file: &Path) -> Result<Snapshot> {
    let name = file.display().to_string();
    if file == Path::new("-") {
        if io::stdin().is_terminal() {
            bail!("-: standard input is a terminal, expected a snapshot");
        }
        return parse("-".to_owned(), None, read_all(io::stdin().lock(), "-")?);
    }
    let open = File::open(file).with_context(|| format!("{name}: cannot open"))?;
    let bytes = read_all(open, &name)?;
    parse(name, Some(file.to_owned()), bytes)
}

fn read_all(from: impl Read, name: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = from.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes);
    read.with_context(|| format!("{name}: cannot read"))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        bail!("{name}: larger than {MAX_FILE_BYTES} bytes");
    }
    Ok(bytes)
}

fn parse(name: String, path: Option<PathBuf>, bytes: Vec<u8>) -> Result<Snapshot> {
    let loaded = load(&bytes, &Limits::default()).map_err(|error| anyhow!("{name}: {error}"))?;
    Ok(Snapshot {
        name,
        path,
        bytes,
        loaded,
    })
}

/// Captures this machine with the collector beside this program, or in PATH.
fn capture() -> Result<Snapshot> {
    let program = "whotalks-collect";
    let beside = std::env::current_exe()
        .ok()
        .map(|own| own.with_file_name(program));
    let collector = beside
        .filter(|path| path.is_file())
        .unwrap_or_else(|| program.into());
    let output = Command::new(&collector)
        .args(["-q", "-o", "-"])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| {
            format!(
                "{}: cannot run (no SNAPSHOT was given)",
                collector.display()
            )
        })?;
    if !output.status.success() {
        bail!("{}: capture failed", collector.display());
    }
    parse("(this machine)".to_owned(), None, output.stdout)
}

/// One line on standard error for a snapshot that is not whole.
fn warn(snapshot: &Snapshot) {
    let damages = &snapshot.loaded.damages;
    let Some(first) = damages.first() else { return };
    let name = &snapshot.name;
    let cut = damages.iter().any(|d| matches!(d.kind, DamageKind::NoEnd));
    let what = if cut { "cut" } else { "damaged" };
    let more = match damages.len() {
        1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    eprintln!("whotalks: warning: {name}: {what}, answers are incomplete: {first}{more}");
}
