//! Writing answers: to standard output, or to a file that is replaced only when it is whole.
//!
//! A new file is for its owner alone, like the snapshot that it comes from: command lines are in
//! both. One that is replaced keeps its mode, so whoever serves a picture decides once.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use whotalks_snapshot::block::MAGIC;

/// Writes a document: `-` to standard output, else the file is replaced atomically.
///
/// # Errors
/// With the path in it; nothing is left behind then.
pub(crate) fn write(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    if path == Path::new("-") {
        return stdout(write);
    }
    refuse_snapshot(path)?;
    replace(path, mode_of(path), write)
}

/// Writes a file that its owner alone may read, whoever could read the one that it replaces.
///
/// # Errors
/// As [`write`].
pub(crate) fn write_private(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Result<()> {
    refuse_snapshot(path)?;
    replace(path, None, write)
}

/// Writes a snapshot, which may replace one.
///
/// # Errors
/// As [`write`]; and where that would put it on a terminal.
pub(crate) fn write_snapshot(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Result<()> {
    if path == Path::new("-") {
        if io::stdout().is_terminal() {
            bail!("standard output: is a terminal, and a snapshot is binary");
        }
        return stdout(write);
    }
    replace(path, mode_of(path), write)
}

/// The mode of a file that is to be replaced.
fn mode_of(path: &Path) -> Option<Permissions> {
    let meta = path.metadata().ok()?;
    meta.is_file().then(|| meta.permissions())
}

fn replace(
    path: &Path,
    mode: Option<Permissions>,
    write: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Result<()> {
    let name = path.display();
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let stem = path
        .file_name()
        .with_context(|| format!("{name}: not a file name"))?;
    // A device, or a pipe with a name, can only be written into.
    let special = path
        .metadata()
        .is_ok_and(|meta| !meta.is_file() && !meta.is_dir());
    if special {
        let file = File::create(path).with_context(|| format!("{name}: cannot write"))?;
        return finish(file, write)
            .map(drop)
            .with_context(|| format!("{name}: cannot write"));
    }
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(stem);
    hidden.push(format!(".{}", std::process::id()));
    let temporary = Temporary(directory.join(hidden));
    let file = private(&temporary.0).with_context(|| format!("{name}: cannot write"))?;
    if let Some(mode) = mode {
        file.set_permissions(mode)
            .with_context(|| format!("{name}: cannot write"))?;
    }
    finish(file, write).with_context(|| format!("{name}: cannot write"))?;
    std::fs::rename(&temporary.0, path).with_context(|| format!("{name}: cannot write"))
}

/// A new file that its owner alone may read. What an earlier run of the same pid left is removed; nothing
/// that somebody else puts in its place is followed.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            std::fs::remove_file(path)?;
            options.open(path)
        }
        opened => opened,
    }
}

/// A snapshot may be the only evidence there is: no answer replaces one.
fn refuse_snapshot(path: &Path) -> Result<()> {
    let is_file = path.metadata().is_ok_and(|meta| meta.is_file());
    let mut start = [0; MAGIC.len()];
    let read = is_file
        && File::open(path)
            .and_then(|mut f| f.read_exact(&mut start))
            .is_ok();
    if read && start == MAGIC {
        bail!("{}: is a snapshot, not replaced", path.display());
    }
    Ok(())
}

/// Writes to standard output through a buffer.
pub(crate) fn stdout(write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    write(&mut out)?;
    out.flush().context("standard output: cannot write")
}

fn finish(file: File, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, file);
    write(&mut out)?;
    out.into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .sync_data()
        .or_else(|error| {
            // Pipes and devices have nothing to sync.
            if error.kind() == ErrorKind::InvalidInput {
                Ok(())
            } else {
                Err(error)
            }
        })?;
    Ok(())
}

/// A file that is removed unless it was renamed.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Whether an error is only that the reader of our output has gone.
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let json = cause
            .downcast_ref::<serde_json::Error>()
            .and_then(serde_json::Error::io_error_kind);
        io.or(json) == Some(ErrorKind::BrokenPipe)
    })
}
