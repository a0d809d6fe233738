//! Runs blocking calls on a helper thread with a deadline, because a process stuck in the kernel or
//! a dead file server (FUSE, NFS) can block a read forever.
//!
//! A thread that misses the deadline is abandoned, with everything that its job owns. A job must
//! therefore own no part of the output.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::io::Errno;

use crate::proc::CHUNK_BYTES;
use crate::queue::{Receiver, Sender, queue};

/// Time limit of one call.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(2);
/// The wait is divided into slices, so that a suspended machine consumes one slice only.
const WAIT_SLICES: u32 = 20;
/// After so many abandoned calls in a capture, further calls fail at once: each took the full time.
const ABANDONED_LIMIT: usize = 8;
static ABANDONED: AtomicUsize = AtomicUsize::new(0);

/// Resets the count of abandoned calls, for a new capture.
pub(crate) fn reset() {
    ABANDONED.store(0, Ordering::Relaxed);
}

type Job = Box<dyn FnOnce() + Send>;

/// Runs jobs on a helper thread, one after the other. Starts a new thread after a timeout.
#[derive(Default)]
pub(crate) struct HelperThread {
    thread: Option<(Sender<Job>, Receiver<()>)>,
}

impl HelperThread {
    /// Runs a job and returns its result.
    ///
    /// # Errors
    /// `ETIMEDOUT` if the deadline passed, or if too many calls were abandoned before.
    pub(crate) fn call<T: Send + 'static>(
        &mut self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Errno> {
        if ABANDONED.load(Ordering::Relaxed) >= ABANDONED_LIMIT {
            return Err(Errno::TIMEDOUT);
        }
        let result = Arc::new(Mutex::new(None));
        let result_slot = result.clone();
        let (jobs, done) = match self.thread.take() {
            Some(thread) => thread,
            None => spawn_thread().map_err(|_| Errno::AGAIN)?,
        };
        jobs.send(Box::new(move || {
            let value = job();
            *locked(&result_slot) = Some(value);
        }));
        for _ in 0..WAIT_SLICES {
            if done.receive(Some(CALL_TIMEOUT / WAIT_SLICES)).is_some() {
                self.thread = Some((jobs, done));
                return locked(&result).take().ok_or(Errno::IO);
            }
        }
        ABANDONED.fetch_add(1, Ordering::Relaxed);
        Err(Errno::TIMEDOUT)
    }

    /// Reads a file of any length in pieces. Opening and each read have a deadline.
    ///
    /// # Errors
    /// The outer error is that of `each`, the inner one that of the file.
    pub(crate) fn stream(
        &mut self,
        open: impl FnOnce() -> Result<OwnedFd, Errno> + Send + 'static,
        mut each: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<Result<(), Errno>> {
        let mut file = match self.call(open) {
            Ok(Ok(file)) => file,
            Ok(Err(errno)) | Err(errno) => return Ok(Err(errno)),
        };
        let mut buffer = Vec::with_capacity(CHUNK_BYTES);
        loop {
            let result = self.call(move || {
                buffer.clear();
                let read = rustix::io::read(&file, spare_capacity(&mut buffer));
                (file, buffer, read)
            });
            let read;
            (file, buffer, read) = match result {
                Ok(result) => result,
                Err(errno) => return Ok(Err(errno)),
            };
            match read {
                Ok(0) => return Ok(Ok(())),
                Ok(_) => each(&buffer)?,
                Err(Errno::INTR) => {}
                Err(errno) => return Ok(Err(errno)),
            }
        }
    }
}

/// Locks a result. A panic of another thread does not invalidate it.
fn locked<T>(result: &Mutex<T>) -> MutexGuard<'_, T> {
    result.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a thread that runs jobs until the sender is dropped.
fn spawn_thread() -> io::Result<(Sender<Job>, Receiver<()>)> {
    let (jobs, received) = queue::<Job>(1);
    let (done_sender, done) = queue(1);
    // Not joined: the thread may block forever.
    std::thread::Builder::new().spawn(move || {
        while let Some(job) = received.receive(None) {
            job();
            if !done_sender.send(()) {
                break; // the caller has timed out
            }
        }
    })?;
    Ok((jobs, done))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blocked_call_times_out_and_the_next_one_runs() {
        let mut helper = HelperThread::default();
        assert_eq!(helper.call(|| 1), Ok(1));
        let (keep_open, blocked) = queue::<()>(1);
        let received = helper.call(move || blocked.receive(None).is_some());
        assert_eq!(received, Err(Errno::TIMEDOUT));
        assert_eq!(helper.call(|| 2), Ok(2));
        drop(keep_open);
    }

    #[test]
    fn stream_reads_whole_files() {
        let open = || {
            let flags = rustix::fs::OFlags::RDONLY;
            rustix::fs::open(file!(), flags, rustix::fs::Mode::empty())
                .or_else(|_| rustix::fs::open("src/timeout.rs", flags, rustix::fs::Mode::empty()))
        };
        let mut read = Vec::new();
        let done = HelperThread::default().stream(open, |piece| {
            read.extend_from_slice(piece);
            Ok(())
        });
        assert!(matches!(done, Ok(Ok(()))));
        assert_eq!(read, include_bytes!("timeout.rs"));
        let none = HelperThread::default().stream(|| Err(Errno::SRCH), |_| Ok(()));
        assert!(matches!(none, Ok(Err(Errno::SRCH))));
    }
}
