//! The system call of a wait.

use whotalks::model::{Call, Map, ThreadState};

/// The call that a thread is in. Threads that are in no call have no row.
pub(crate) fn call_of(map: &Map, wait: usize) -> Option<&Call> {
    match &map.waits[wait].state {
        ThreadState::Call(call) => Some(call),
        _ => None,
    }
}
