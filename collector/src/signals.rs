//! SIGINT, SIGTERM, SIGHUP: no temporary file stays, and nothing half-written gets the final name.
//!
//! The signals are held back in every thread but one that waits for them, so no code of ours ever
//! runs inside a signal handler. What that thread must know is one value under one lock.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{messages, sys};

/// How far the output is.
enum Output {
    /// Being written; the named temporary file, where there is one.
    Partial(Option<PathBuf>),
    /// It has its final name: a signal has nothing to undo any more.
    Complete,
}

static OUTPUT: Mutex<Output> = Mutex::new(Output::Partial(None));
/// Whether the first signal ends a series instead of dropping it.
static OPEN_ENDED: AtomicBool = AtomicBool::new(false);
static STOP: AtomicBool = AtomicBool::new(false);

fn output() -> MutexGuard<'static, Output> {
    OUTPUT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins to spawn_handler. Before any other thread is started: they inherit the mask.
pub(crate) fn spawn_handler() {
    sys::block_termination_signals();
    let waiting = std::thread::Builder::new().spawn(|| {
        loop {
            let signal = sys::wait_for_termination_signal();
            if OPEN_ENDED.load(Ordering::Relaxed) && !STOP.swap(true, Ordering::Relaxed) {
                continue;
            }
            let output = output();
            if let Output::Partial(temporary) = &*output {
                if let Some(path) = temporary {
                    let _ = std::fs::remove_file(path);
                }
                let name = match signal {
                    libc::SIGINT => "SIGINT",
                    libc::SIGHUP => "SIGHUP",
                    _ => "SIGTERM",
                };
                messages::print(&format!("stopped by {name}: no snapshot was written"));
                std::process::exit(2);
            }
            // Complete: the program is about to end by itself, with success.
        }
    });
    if let Err(error) = waiting {
        messages::print(&format!("no thread for signals: {error}"));
    }
}

/// From now on the first signal ends the series after the capture that is being made.
pub(crate) fn finish_series_on_signal() {
    OPEN_ENDED.store(true, Ordering::Relaxed);
}

/// Whether a signal asked for the series' end.
pub(crate) fn series_ended() -> bool {
    STOP.load(Ordering::Relaxed)
}

/// Makes a named temporary file, known to the signals from its first moment.
pub(crate) fn create_temporary<T>(
    path: &Path,
    make: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    let mut output = output();
    let made = make()?;
    *output = Output::Partial(Some(path.to_owned()));
    Ok(made)
}

/// Removes the named temporary file, if there is one.
pub(crate) fn remove_temporary() {
    if let Output::Partial(temporary) = &mut *output()
        && let Some(path) = temporary.take()
    {
        let _ = std::fs::remove_file(path);
    }
}

/// Gives the output its final name; a signal comes before or after, never between.
pub(crate) fn complete(publish: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    let mut output = output();
    publish()?;
    *output = Output::Complete;
    Ok(())
}
