//! Handles SIGINT, SIGTERM and SIGHUP: removes the temporary file, and never leaves an incomplete
//! file under the final name.
//!
//! The signals are blocked in all threads, and one thread waits for them with sigwait(3), so that
//! no code runs in a signal handler.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{messages, sys};

/// The state of the output.
enum Output {
    /// Being written, to the named temporary file if there is one.
    Partial(Option<PathBuf>),
    /// Complete under its final name: nothing to clean up.
    Complete,
}

static OUTPUT: Mutex<Output> = Mutex::new(Output::Partial(None));
/// Whether the first signal ends the series instead of discarding it.
static OPEN_ENDED: AtomicBool = AtomicBool::new(false);
static STOP: AtomicBool = AtomicBool::new(false);

fn output() -> MutexGuard<'static, Output> {
    OUTPUT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Blocks the signals and starts the thread that waits for them. Must be called before other
/// threads are started, because they inherit the mask.
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
            // Complete: the program exits with success on its own.
        }
    });
    if let Err(error) = waiting {
        messages::print(&format!("no thread for signals: {error}"));
    }
}

/// Makes the first signal end the series after the present capture.
pub(crate) fn finish_series_on_signal() {
    OPEN_ENDED.store(true, Ordering::Relaxed);
}

/// Whether a signal has ended the series.
pub(crate) fn series_ended() -> bool {
    STOP.load(Ordering::Relaxed)
}

/// Creates a temporary file, and registers it for removal under the same lock.
pub(crate) fn create_temporary<T>(
    path: &Path,
    make: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    let mut output = output();
    let made = make()?;
    *output = Output::Partial(Some(path.to_owned()));
    Ok(made)
}

/// Removes the temporary file, if there is one.
pub(crate) fn remove_temporary() {
    if let Output::Partial(temporary) = &mut *output()
        && let Some(path) = temporary.take()
    {
        let _ = std::fs::remove_file(path);
    }
}

/// Gives the output its final name. A signal is handled before or after, not in between.
pub(crate) fn complete(publish: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    let mut output = output();
    publish()?;
    *output = Output::Complete;
    Ok(())
}
