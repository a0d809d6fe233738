//! A bounded queue between threads: the standard library's keeps three kinds of channel for each
//! type of message, 5 kB of program each time, and one that is short needs no better than a lock.

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
    /// At most so many wait.
    room: usize,
    came: Condvar,
    left: Condvar,
}

impl<T> Shared<T> {
    /// Nothing is left half done where a thread panics, so that a poisoned lock is as good.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end that messages go into; there may be many.
pub(crate) struct Sender<T>(Arc<Shared<T>>);

/// The end that messages come out of.
pub(crate) struct Receiver<T>(Arc<Shared<T>>);

/// A queue's two ends, in which at most so many messages wait.
pub(crate) fn queue<T>(room: usize) -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared {
        state: Mutex::new(State {
            waiting: VecDeque::new(),
            senders: 1,
            receiver: true,
        }),
        room,
        came: Condvar::new(),
        left: Condvar::new(),
    });
    (Sender(shared.clone()), Receiver(shared))
}

impl<T> Sender<T> {
    /// Waits for room; whether somebody is there to take it.
    pub(crate) fn send(&self, message: T) -> bool {
        let mut state = self.0.lock();
        while state.receiver && state.waiting.len() >= self.0.room {
            let woken = self.0.left.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
        if state.receiver {
            state.waiting.push_back(message);
            self.0.came.notify_one();
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
        self.0.came.notify_one();
    }
}

impl<T> Receiver<T> {
    /// Waits for a message; `None`: nobody can send any more, or none came in this time.
    pub(crate) fn receive(&self, patience: Option<Duration>) -> Option<T> {
        let until = patience.map(|patience| Instant::now() + patience);
        let mut state = self.0.lock();
        loop {
            if let Some(message) = state.waiting.pop_front() {
                self.0.left.notify_one();
                return Some(message);
            }
            if state.senders == 0 {
                return None;
            }
            let wait = until.map_or(Duration::MAX, |until| {
                until.saturating_duration_since(Instant::now())
            });
            if wait.is_zero() {
                return None;
            }
            let woken = self.0.came.wait_timeout(state, wait);
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
        self.0.left.notify_all();
        // Without the lock: what a message drops may be an end of a queue.
        drop(waiting);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn all_messages_come_in_each_senders_order() {
        let (sender, receiver) = queue(2);
        thread::scope(|scope| {
            for who in 0..4 {
                let sender = sender.clone();
                scope.spawn(move || (0..1_000).all(|number| sender.send((who, number))));
            }
            drop(sender);
            let mut next = [0; 4];
            while let Some((who, number)) = receiver.receive(None) {
                assert_eq!(number, next[who]);
                next[who] += 1;
            }
            assert_eq!(next, [1_000; 4]);
        });
    }

    #[test]
    fn a_full_queue_lets_its_sender_wait_until_the_receiver_goes() {
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
    fn one_that_waits_gives_up_in_time() {
        let (sender, receiver) = queue::<()>(1);
        assert_eq!(receiver.receive(Some(Duration::from_millis(1))), None);
        drop(sender);
        assert_eq!(receiver.receive(None), None);
    }
}
