//! The steps by which processes are merged when a picture is too large: worker pool, executable, unit
//! or container, user.

use super::draft::{Draft, ProcessRef};
use super::label::{container, user};
use crate::graph::program;
use crate::model::Process;
use crate::text::escape::display;

/// What merged processes have in common.
#[derive(Debug)]
pub(crate) struct MergeStep {
    /// For the notes of the picture.
    pub(crate) word: &'static str,
    /// Equal for processes that are merged.
    key: fn(&ProcessRef<'_>) -> Vec<u8>,
    /// Name of the group, from its first process.
    name: fn(&ProcessRef<'_>) -> String,
}

/// The steps, in order.
pub(crate) const STEPS: [MergeStep; 4] = [
    MergeStep {
        word: "parent and program",
        key: worker,
        name: program_name,
    },
    MergeStep {
        word: "program",
        key: executable,
        name: program_name,
    },
    MergeStep {
        word: "unit or container",
        key: |process| unit(process.process()).into_bytes(),
        name: |process| unit(process.process()),
    },
    MergeStep {
        word: "user",
        key: |process| owner(process.process()).into_bytes(),
        name: |process| owner(process.process()),
    },
];

impl MergeStep {
    /// The class of a process: those of one class on one host are merged.
    pub(crate) fn class(&self, process: &ProcessRef<'_>) -> (usize, Vec<u8>) {
        (process.host(), (self.key)(process))
    }

    /// Names a group. One whose members all have one name needs no other, unless the group's is not a
    /// program's.
    pub(crate) fn label(&self, draft: &mut Draft<'_>, node: usize) {
        let own = &draft.nodes[node];
        let Some(first) = draft.first_process(own) else {
            return;
        };
        let name = (self.name)(first);
        let by_program = name == program_name(first);
        let needless = own.members.len() == 1 || (by_program && draft.is_one_program(own));
        draft.nodes[node].group = (!needless).then_some(name);
    }
}

fn program_name(process: &ProcessRef<'_>) -> String {
    match process.role {
        Some(_) => process.name(),
        None => program(process.process()),
    }
}

fn worker(process: &ProcessRef<'_>) -> Vec<u8> {
    let parent = process.process().ppid.to_ne_bytes();
    [&parent, &*executable(process)].concat()
}

fn executable(process: &ProcessRef<'_>) -> Vec<u8> {
    let (unit, program) = (unit(process.process()), program_name(process));
    // The processes of a role may have several executables.
    let exe: &[u8] = match process.role {
        Some(_) => b"",
        None => &process.process().exe,
    };
    [unit.as_bytes(), b"\0", exe, b"\0", program.as_bytes()].concat()
}

fn unit(process: &Process) -> String {
    let unit = || Some(display(process.unit.as_ref()?.as_bytes()));
    container(process)
        .or_else(unit)
        .unwrap_or_else(|| owner(process))
}

fn owner(process: &Process) -> String {
    user(process).unwrap_or_else(|| "user not known".to_owned())
}
