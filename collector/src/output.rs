//! Opens the output, and gives the file its name only when it is complete.
//!
//! An unnamed file (`O_TMPFILE`) is linked at the end, so that even SIGKILL leaves nothing behind.
//! If the file system does not support that, a temporary file in the same directory is renamed. An
//! existing file is never opened for writing, except a device or a pipe.

use std::ffi::OsString;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::args::{Config, Destination};
use crate::{clock, signals};

/// The output of a capture.
pub(crate) struct Output {
    file: File,
    place: Place,
    /// Its name in messages.
    display_name: String,
}

enum Place {
    /// Standard output, a device or a pipe, written directly.
    Direct,
    /// An unnamed file until published.
    Unnamed { target: PathBuf, force: bool },
    /// A temporary file until published.
    Named {
        temporary: PathBuf,
        target: PathBuf,
        force: bool,
    },
}

/// A message for standard error.
pub(crate) type Message = String;

impl Output {
    /// Opens the destination. `hostname` is used in the default name.
    pub(crate) fn open(config: &Config, hostname: &[u8]) -> Result<Self, Message> {
        let target = match &config.destination {
            Destination::Stdout => return Self::stdout(),
            Destination::File(path) => path.clone(),
            Destination::Default => PathBuf::from(default_name(hostname)),
        };
        let display_name = target.display().to_string();
        match std::fs::metadata(&target) {
            Ok(found) if found.is_dir() => return Err(format!("{display_name}: is a directory")),
            Ok(found) if !found.is_file() => {
                let opened = File::options().write(true).open(&target);
                let file =
                    opened.map_err(|error| format!("cannot write {display_name}: {error}"))?;
                return Self::direct(file, display_name);
            }
            Ok(_) if !config.force => {
                return Err(format!("{display_name}: file exists (--force replaces it)"));
            }
            _ => {}
        }
        let write_error =
            |error: io::Error| format!("cannot write {display_name}: {}", cause(&error));
        if let Some(file) = create_unnamed(parent(&target)) {
            let place = Place::Unnamed {
                target,
                force: config.force,
            };
            return Ok(Self {
                file,
                place,
                display_name,
            });
        }
        let temporary = temporary_name(&target);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let made = signals::create_temporary(&temporary, || {
            rustix::fs::open(&temporary, flags, private()).map_err(io::Error::from)
        });
        let file = File::from(made.map_err(write_error)?);
        let place = Place::Named {
            temporary,
            target,
            force: config.force,
        };
        Ok(Self {
            file,
            place,
            display_name,
        })
    }

    fn stdout() -> Result<Self, Message> {
        let display_name = "standard output".to_owned();
        let duplicate = io::stdout().as_fd().try_clone_to_owned();
        let owned: OwnedFd =
            duplicate.map_err(|error| format!("{display_name}: {}", cause(&error)))?;
        Self::direct(File::from(owned), display_name)
    }

    fn direct(file: File, display_name: String) -> Result<Self, Message> {
        if file.is_terminal() {
            return Err(format!(
                "{display_name}: is a terminal, and a snapshot is binary"
            ));
        }
        Ok(Self {
            file,
            place: Place::Direct,
            display_name,
        })
    }

    /// Returns the name of the output in messages.
    pub(crate) fn display_name(&self) -> &str {
        &self.display_name
    }

    /// Gives the complete file its name.
    pub(crate) fn publish(self) -> Result<(), Message> {
        let display_name = self.display_name;
        let done = signals::complete(|| match &self.place {
            Place::Direct => Ok(()),
            Place::Unnamed { target, force } => link(&self.file, target, *force),
            Place::Named {
                temporary,
                target,
                force,
            } => rename(temporary, target, *force),
        });
        done.map_err(|error| {
            signals::remove_temporary();
            format!("cannot write {display_name}: {}", cause(&error))
        })
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Formats an error in lowercase, without `(os error N)`.
pub(crate) fn cause(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    text.to_lowercase()
}

fn private() -> Mode {
    Mode::RUSR | Mode::WUSR
}

fn parent(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Creates an unnamed file that can be linked later, which requires a `/proc` of the same pid
/// namespace.
fn create_unnamed(directory: &Path) -> Option<File> {
    let flags = OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(directory, flags, private()).ok()?);
    let own = rustix::fs::fstat(&file).ok()?;
    let seen = rustix::fs::stat(magic_link(&file)).ok()?;
    ((own.st_dev, own.st_ino) == (seen.st_dev, seen.st_ino)).then_some(file)
}

fn magic_link(file: &File) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

fn temporary_name(target: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    // Random: other users of the directory cannot create the name in advance.
    name.push(format!(".{:016x}.part", RandomState::new().hash_one(())));
    parent(target).join(name)
}

fn link(file: &File, target: &Path, force: bool) -> io::Result<()> {
    let magic = magic_link(file);
    let link_to = |path: &Path| {
        rustix::fs::linkat(CWD, &magic, CWD, path, AtFlags::SYMLINK_FOLLOW).map_err(io::Error::from)
    };
    if !force {
        return link_to(target);
    }
    // linkat(2) does not replace files; rename(2) does.
    let temporary = temporary_name(target);
    link_to(&temporary)?;
    std::fs::rename(&temporary, target).inspect_err(|_| {
        let _ = std::fs::remove_file(&temporary);
    })
}

fn rename(temporary: &Path, target: &Path, force: bool) -> io::Result<()> {
    if force {
        return std::fs::rename(temporary, target);
    }
    match rustix::fs::renameat_with(CWD, temporary, CWD, target, RenameFlags::NOREPLACE) {
        // The file system does not support the flag, or the kernel is older than 3.15: check first
        // instead.
        Err(Errno::INVAL | Errno::NOSYS) if !target.exists() => std::fs::rename(temporary, target),
        Err(Errno::INVAL | Errno::NOSYS) => Err(Errno::EXIST.into()),
        other => Ok(other?),
    }
}

/// Returns the default file name: the host name without separators, leading dots and dashes, at
/// most 64 characters, and the time.
fn default_name(hostname: &[u8]) -> String {
    let host: String = String::from_utf8_lossy(hostname)
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '_'
            }
        })
        .take(64)
        .collect();
    let host = host.trim_start_matches(['.', '-']);
    let host = if host.is_empty() { "host" } else { host };
    format!(
        "{host}-{}.whotalks",
        clock::compact_utc(clock::realtime_ns())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_names_stay_in_this_directory() {
        for (hostname, expected) in [
            (&b"web1.example.org"[..], "web1.example.org-"),
            (b"../x/y", "_x_y-"),
            (b"-o", "o-"),
            (b"", "host-"),
            (b"\xffa\n", "_a_-"),
        ] {
            let name = default_name(hostname);
            assert!(name.starts_with(expected), "{name}");
            assert!(name.ends_with("Z.whotalks") && !name.contains('/'));
        }
    }
}
