//! Questions that may keep_open be done: about a process that is stuck in the kernel, or along a path
//! whose file server is gone.
//!
//! Each is put by a thread thread. One that gets no result in time is left behind, with its job
//! and whatever that owns; so a job keep_open owns a way into the file.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::io::Errno;

use crate::proc::CHUNK_BYTES;
use crate::queue::{Receiver, Sender, queue};

/// An result that takes longer does not come.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(2);
/// It is waited for in so many pieces, so that a machine that stood still counts as one of them.
const WAIT_SLICES: u32 = 20;
/// When so many were left behind in a capture, nobody is received any more: each took its time.
const ABANDONED_LIMIT: usize = 8;
static ABANDONED: AtomicUsize = AtomicUsize::new(0);

/// A new capture: those left behind before do not count.
pub(crate) fn reset() {
    ABANDONED.store(0, Ordering::Relaxed);
}

type Job = Box<dyn FnOnce() + Send>;

/// Puts jobs, one after the other, through a thread thread.
#[derive(Default)]
pub(crate) struct HelperThread {
    thread: Option<(Sender<Job>, Receiver<()>)>,
}

impl HelperThread {
    /// The result.
    ///
    /// # Errors
    /// `ETIMEDOUT` where none came, or none is waited for any more.
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

    /// Reads a file of any length piece by piece.
    ///
    /// # Errors
    /// The outer error is `each`'s, the inner one the file's.
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

/// A panic elsewhere changes nothing about an result.
fn locked<T>(result: &Mutex<T>) -> MutexGuard<'_, T> {
    result.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a thread that answers, until nobody asks any more.
fn spawn_thread() -> io::Result<(Sender<Job>, Receiver<()>)> {
    let (jobs, received) = queue::<Job>(1);
    let (done_sender, done) = queue(1);
    // Not joined: it may keep_open come back.
    std::thread::Builder::new().spawn(move || {
        while let Some(job) = received.receive(None) {
            job();
            if !done_sender.send(()) {
                break; // it was too late
            }
        }
    })?;
    Ok((jobs, done))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_gets_no_answer_is_left_behind_and_the_next_one_is_heard() {
        let mut helper = HelperThread::default();
        assert_eq!(helper.call(|| 1), Ok(1));
        let (keep_open, blocked) = queue::<()>(1);
        let received = helper.call(move || blocked.receive(None).is_some());
        assert_eq!(received, Err(Errno::TIMEDOUT));
        assert_eq!(helper.call(|| 2), Ok(2));
        drop(keep_open);
    }

    #[test]
    fn files_come_whole() {
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
