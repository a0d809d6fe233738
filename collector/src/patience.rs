//! Questions that may never be answered: about a process that is stuck in the kernel, or along a path
//! whose file server is gone.
//!
//! Each is put by a thread beside. One that gets no answer in time is left behind, with its question
//! and whatever that owns; so a question never owns a way into the file.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::io::Errno;

use crate::proc::CHUNK_BYTES;
use crate::queue::{Receiver, Sender, queue};

/// An answer that takes longer does not come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);
/// It is waited for in so many pieces, so that a machine that stood still counts as one of them.
const PIECES: u32 = 20;
/// When so many were left behind in a capture, nobody is asked any more: each took its time.
const LEFT_LIMIT: usize = 8;
static LEFT: AtomicUsize = AtomicUsize::new(0);

/// A new capture: those left behind before do not count.
pub(crate) fn begin() {
    LEFT.store(0, Ordering::Relaxed);
}

type Question = Box<dyn FnOnce() + Send>;

/// Puts questions, one after the other, through a thread beside.
#[derive(Default)]
pub(crate) struct Asker {
    beside: Option<(Sender<Question>, Receiver<()>)>,
}

impl Asker {
    /// The answer.
    ///
    /// # Errors
    /// `ETIMEDOUT` where none came, or none is waited for any more.
    pub(crate) fn ask<T: Send + 'static>(
        &mut self,
        question: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Errno> {
        if LEFT.load(Ordering::Relaxed) >= LEFT_LIMIT {
            return Err(Errno::TIMEDOUT);
        }
        let answer = Arc::new(Mutex::new(None));
        let theirs = answer.clone();
        let (questions, answered) = match self.beside.take() {
            Some(beside) => beside,
            None => begin_beside().map_err(|_| Errno::AGAIN)?,
        };
        questions.send(Box::new(move || {
            let given = question();
            *locked(&theirs) = Some(given);
        }));
        for _ in 0..PIECES {
            if answered.receive(Some(PATIENCE / PIECES)).is_some() {
                self.beside = Some((questions, answered));
                return locked(&answer).take().ok_or(Errno::IO);
            }
        }
        LEFT.fetch_add(1, Ordering::Relaxed);
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
        let mut file = match self.ask(open) {
            Ok(Ok(file)) => file,
            Ok(Err(errno)) | Err(errno) => return Ok(Err(errno)),
        };
        let mut buffer = Vec::with_capacity(CHUNK_BYTES);
        loop {
            let answer = self.ask(move || {
                buffer.clear();
                let read = rustix::io::read(&file, spare_capacity(&mut buffer));
                (file, buffer, read)
            });
            let read;
            (file, buffer, read) = match answer {
                Ok(answer) => answer,
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

/// A panic elsewhere changes nothing about an answer.
fn locked<T>(answer: &Mutex<T>) -> MutexGuard<'_, T> {
    answer.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a thread that answers, until nobody asks any more.
fn begin_beside() -> io::Result<(Sender<Question>, Receiver<()>)> {
    let (questions, asked) = queue::<Question>(1);
    let (said, answered) = queue(1);
    // Not joined: it may never come back.
    std::thread::Builder::new().spawn(move || {
        while let Some(question) = asked.receive(None) {
            question();
            if !said.send(()) {
                break; // it was too late
            }
        }
    })?;
    Ok((questions, answered))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_gets_no_answer_is_left_behind_and_the_next_one_is_heard() {
        let mut asker = Asker::default();
        assert_eq!(asker.ask(|| 1), Ok(1));
        let (never, silence) = queue::<()>(1);
        let asked = asker.ask(move || silence.receive(None).is_some());
        assert_eq!(asked, Err(Errno::TIMEDOUT));
        assert_eq!(asker.ask(|| 2), Ok(2));
        drop(never);
    }

    #[test]
    fn files_come_whole() {
        let open = || {
            let flags = rustix::fs::OFlags::RDONLY;
            rustix::fs::open(file!(), flags, rustix::fs::Mode::empty())
                .or_else(|_| rustix::fs::open("src/patience.rs", flags, rustix::fs::Mode::empty()))
        };
        let mut read = Vec::new();
        let done = Asker::default().stream(open, |piece| {
            read.extend_from_slice(piece);
            Ok(())
        });
        assert!(matches!(done, Ok(Ok(()))));
        assert_eq!(read, include_bytes!("patience.rs"));
        let none = Asker::default().stream(|| Err(Errno::SRCH), |_| Ok(()));
        assert!(matches!(none, Ok(Err(Errno::SRCH))));
    }
}
