//! A bounded queue between threads.
//!
//! It replaces `std::sync::mpsc::sync_channel`, which adds 41 kB to the program (3 %): it
//! instantiates three kinds of channel for each type of message. For a short queue a lock is
//! sufficient.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

struct State<T> {
    waiting: VecDeque<T>,
    senders: usize,
    receiver: bool,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    /// Messages that can wait.
    room: usize,
    not_empty: Condvar,
    not_full: Condvar,
}

impl<T> Shared<T> {
    /// Locks the state. A panic does not leave it inconsistent, so a poisoned lock is usable.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The sending end. It can be cloned.
pub(crate) struct Sender<T>(Arc<Shared<T>>);

/// The receiving end.
pub(crate) struct Receiver<T>(Arc<Shared<T>>);

/// Creates a queue for at most `room` waiting messages.
pub(crate) fn queue<T>(room: usize) -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared {
        state: Mutex::new(State {
            waiting: VecDeque::new(),
            senders: 1,
            receiver: true,
        }),
        room,
        not_empty: Condvar::new(),
        not_full: Condvar::new(),
    });
    (Sender(shared.clone()), Receiver(shared))
}

impl<T> Sender<T> {
    /// Sends a message, and waits for room. Returns whether the receiver still exists.
    pub(crate) fn send(&self, message: T) -> bool {
        let mut state = self.0.lock();
        while state.receiver && state.waiting.len() >= self.0.room {
            let woken = self.0.not_full.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
        if state.receiver {
            state.waiting.push_back(message);
            self.0.not_empty.notify_one();
        }
        state.receiver
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.lock().senders += 1;
        Self(self.0.clone())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.lock().senders -= 1;
        self.0.not_empty.notify_one();
    }
}

impl<T> Receiver<T> {
    /// Waits for a message. Returns `None` after the timeout, or when all senders are dropped.
    pub(crate) fn receive(&self, timeout: Option<Duration>) -> Option<T> {
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        let mut state = self.0.lock();
        loop {
            if let Some(message) = state.waiting.pop_front() {
                self.0.not_full.notify_one();
                return Some(message);
            }
            if state.senders == 0 {
                return None;
            }
            let wait = deadline.map_or(Duration::MAX, |deadline| {
                deadline.saturating_duration_since(Instant::now())
            });
            if wait.is_zero() {
                return None;
            }
            let woken = self.0.not_empty.wait_timeout(state, wait);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.receiver = false;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        self.0.not_full.notify_all();
        // Without the lock: dropping a message may drop an end of another queue.
        drop(waiting);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn messages_keep_each_senders_order() {
        let (sender, receiver) = queue(2);
        thread::scope(|scope| {
            for index in 0..4 {
                let sender = sender.clone();
                scope.spawn(move || (0..1_000).all(|number| sender.send((index, number))));
            }
            drop(sender);
            let mut next = [0; 4];
            while let Some((index, number)) = receiver.receive(None) {
                assert_eq!(number, next[index]);
                next[index] += 1;
            }
            assert_eq!(next, [1_000; 4]);
        });
    }

    #[test]
    fn send_blocks_while_full_and_fails_without_receiver() {
        let (sender, receiver) = queue(1);
        assert!(sender.send(1));
        thread::scope(|scope| {
            let second = scope.spawn(|| sender.send(2));
            let third = scope.spawn(|| sender.send(3));
            assert_eq!(receiver.receive(None), Some(1));
            assert!(receiver.receive(None).is_some());
            assert!(second.join().is_ok_and(|sent| sent));
            assert!(third.join().is_ok_and(|sent| sent));
            drop(receiver);
        });
        assert!(!sender.send(4));
    }

    #[test]
    fn receive_times_out() {
        let (sender, receiver) = queue::<()>(1);
        assert_eq!(receiver.receive(Some(Duration::from_millis(1))), None);
        drop(sender);
        assert_eq!(receiver.receive(None), None);
    }
}
