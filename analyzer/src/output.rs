//! Writes answers to standard output, or to a file that is replaced only when the answer is complete.
//!
//! A new file has mode 0600, like the snapshot it comes from: both contain command lines. A replaced
//! file keeps its mode.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use whotalks_snapshot::block::MAGIC;

/// Bytes written at a time.
const BUFFER_BYTES: usize = 1 << 16;

/// Writes a document to standard output if the path is `-`, else replaces the file atomically. Refuses to
/// replace a snapshot, which may be the only evidence there is.
///
/// # Errors
/// With the path in it. No partial file is left behind.
pub(crate) fn write(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    if path == Path::new("-") {
        return stdout(write);
    }
    refuse_snapshot(path)?;
    replace(path, mode_of(path), write)
}

/// Writes a file with mode 0600, whatever the mode of the file that it replaces.
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

/// Writes a snapshot, which may replace a snapshot.
///
/// # Errors
/// As [`write`], and if standard output is a terminal.
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

/// Writes to standard output through a buffer.
pub(crate) fn stdout(write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock());
    write(&mut out)?;
    out.flush().context("standard output: cannot write")
}

/// Writes an indented JSON document and a newline.
pub(crate) fn json(out: &mut dyn Write, document: &impl Serialize) -> Result<()> {
    serde_json::to_writer_pretty(&mut *out, document)?;
    Ok(writeln!(out)?)
}

/// Whether the cause of an error is that the reader has closed the pipe.
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let json = cause
            .downcast_ref::<serde_json::Error>()
            .and_then(serde_json::Error::io_error_kind);
        io.or(json) == Some(ErrorKind::BrokenPipe)
    })
}

/// The mode of the regular file at a path.
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
    if path.file_name().is_none() {
        bail!("{name}: not a file name");
    }
    // Devices and FIFOs cannot be replaced, only written to.
    let special = path
        .metadata()
        .is_ok_and(|meta| !meta.is_file() && !meta.is_dir());
    let written = if special {
        File::create(path)
            .map_err(anyhow::Error::from)
            .and_then(|mut file| fill(&mut file, write))
    } else {
        replace_file(path, mode, write)
    };
    written.with_context(|| format!("{name}: cannot write"))
}

/// Writes a temporary file beside the path and renames it. A symbolic link is replaced, not followed.
fn replace_file(
    path: &Path,
    mode: Option<Permissions>,
    write: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // Not `tempfile_in`: its errors repeat the path.
    let mut temporary = tempfile::Builder::new()
        .prefix(".whotalks-")
        .make_in(directory, create_private)?;
    if let Some(mode) = mode {
        temporary.as_file().set_permissions(mode)?;
    }
    fill(temporary.as_file_mut(), write)?;
    temporary.persist(path).map_err(|failed| failed.error)?;
    Ok(())
}

/// Creates a file with mode 0600. An existing file or link is an error.
fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn fill(file: &mut File, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, file);
    write(&mut out)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    match file.sync_data() {
        // Pipes and devices cannot be synced.
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
        synced => Ok(synced?),
    }
}

/// Fails if there is a snapshot at the path.
fn refuse_snapshot(path: &Path) -> Result<()> {
    let is_file = path.metadata().is_ok_and(|meta| meta.is_file());
    let mut start = [0; MAGIC.len()];
    let read = is_file
        && File::open(path)
            .and_then(|mut file| file.read_exact(&mut start))
            .is_ok();
    if read && start == MAGIC {
        bail!("{}: is a snapshot, not replaced", path.display());
    }
    Ok(())
}
