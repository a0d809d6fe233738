//! Processes that do not run: stopped by a signal or a tracer, or frozen.

use super::base::Facts;
use super::serving::blocking_call;
use crate::load::syscall::CallKind;
use crate::model::{ProcessId, ThreadState, Wait};

/// Kernel functions in which threads of a frozen control group sleep (v2, v1).
const FREEZERS: [&[u8]; 2] = [b"do_freezer_trap", b"__refrigerator"];

/// Why a process does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stop {
    /// State T: by SIGSTOP, SIGTSTP, SIGTTIN or SIGTTOU.
    Signal,
    /// State t, with the tracer where the capture has it.
    Tracer(Option<ProcessId>),
    /// Its control group is frozen.
    Frozen,
}

impl Facts<'_> {
    /// Why a process does not run; `None`: it does, or its tracer is about to continue it.
    pub(crate) fn stop(&self, id: ProcessId) -> Option<Stop> {
        match self.map.process(id).state {
            b'T' => Some(Stop::Signal),
            b't' => {
                let tracer = self.tracer(id);
                let attends = tracer.is_some_and(|tracer| self.attends_to_stops(tracer));
                (!attends).then_some(Stop::Tracer(tracer))
            }
            _ => self.is_frozen(id).then_some(Stop::Frozen),
        }
    }

    /// The process that traces another one.
    fn tracer(&self, id: ProcessId) -> Option<ProcessId> {
        let process = self.map.process(id);
        self.process_by_pid(process.host, process.tracer_pid?)
    }

    /// Whether a tracer runs or waits for its tracees, as strace does at every call.
    fn attends_to_stops(&self, tracer: ProcessId) -> bool {
        let mut threads = self.threads(tracer).iter();
        threads.any(|thread| match &thread.state {
            ThreadState::Running => true,
            _ => blocking_call(thread).is_some_and(|call| call.kind == CallKind::Child),
        })
    }

    fn is_frozen(&self, id: ProcessId) -> bool {
        let threads = self.threads(id);
        let is_frozen = |thread: &Wait| FREEZERS.contains(&&*thread.wchan);
        !threads.is_empty() && threads.iter().all(is_frozen)
    }

    /// Describes the stop, as a line of evidence.
    pub(crate) fn stop_text(&self, stop: Stop) -> String {
        match stop {
            Stop::Signal => "state T: stopped by a signal".to_owned(),
            Stop::Tracer(Some(tracer)) => {
                format!(
                    "state t: stopped by its tracer {}",
                    self.process_name(tracer)
                )
            }
            Stop::Tracer(None) => "state t: stopped by a tracer".to_owned(),
            Stop::Frozen => "its control group is frozen".to_owned(),
        }
    }

    /// Why some processes may be stopped unnoticed.
    pub(crate) fn missing_states(&self) -> Option<String> {
        let processes = self.map.processes.iter();
        let unread = processes.filter(|process| process.state == 0).count();
        let processes = super::describe::plural(unread, "process's state", "processes' states");
        (unread > 0).then(|| format!("{processes} could not be read"))
    }
}
