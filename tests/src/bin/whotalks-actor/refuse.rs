//! Executes another program under a seccomp(2) filter that makes some system calls fail, as on
//! an older kernel or in a container.

use std::io::{Error, Result};
use std::os::unix::process::CommandExt;
use std::process::{Command, exit};

use crate::raw;

/// `SECCOMP_RET_ALLOW`, and `SECCOMP_RET_ERRNO` with an errno in the low bits (`linux/seccomp.h`).
const ALLOW: u32 = 0x7fff_0000;
const ERRNO: u32 = 0x0005_0000;
/// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARGUMENTS: u32 = 16;

/// `--refuse NAME[:ARGUMENT=VALUE]:ERRNO,… PROGRAM ARGUMENT…`
pub(crate) fn run(arguments: &[String]) -> ! {
    let done = match arguments {
        [refused, program, rest @ ..] => rules(refused).and_then(|rules| {
            raw::install_filter(&filter(&rules))?;
            Err(Command::new(program).args(rest).exec())
        }),
        _ => Err(Error::other("--refuse needs a list and a program")),
    };
    if let Err::<(), _>(error) = done {
        eprintln!("whotalks-actor: {error}");
    }
    exit(2)
}

struct Rule {
    call: u32,
    /// An argument's index and the value that it must have.
    argument: Option<(u32, u32)>,
    errno: u32,
}

fn rules(text: &str) -> Result<Vec<Rule>> {
    let rule = |text: &str| {
        let mut words = text.split(':').collect::<Vec<_>>();
        let errno = words.pop()?.parse().ok()?;
        let call = number(words.first()?)?;
        let argument = match words.get(1) {
            None => None,
            Some(word) => {
                let (index, value) = word.split_once('=')?;
                Some((index.parse().ok()?, value.parse().ok()?))
            }
        };
        Some(Rule {
            call,
            argument,
            errno,
        })
    };
    let wrong = |text: &str| Error::other(format!("not a refusal: {text}"));
    text.split(',')
        .map(|text| rule(text).ok_or_else(|| wrong(text)))
        .collect()
}

fn number(name: &str) -> Option<u32> {
    let number = match name {
        "kcmp" => libc::SYS_kcmp,
        "openat2" => libc::SYS_openat2,
        "pidfd_getfd" => libc::SYS_pidfd_getfd,
        "pidfd_open" => libc::SYS_pidfd_open,
        "renameat2" => libc::SYS_renameat2,
        "setns" => libc::SYS_setns,
        "socket" => libc::SYS_socket,
        "statx" => libc::SYS_statx,
        _ => return None,
    };
    u32::try_from(number).ok()
}

fn filter(rules: &[Rule]) -> Vec<libc::sock_filter> {
    let instruction = |code: u32, jf: u8, k: u32| libc::sock_filter {
        code: code as u16,
        jt: 0,
        jf,
        k,
    };
    let load = |offset| instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, offset);
    let equal = |value, skip| instruction(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, skip, value);
    let give = |value| instruction(libc::BPF_RET | libc::BPF_K, 0, value);
    // The low half of an argument comes first on little-endian machines.
    let half = if cfg!(target_endian = "big") { 4 } else { 0 };
    let mut program = Vec::new();
    for rule in rules {
        program.push(load(NUMBER));
        match rule.argument {
            None => program.push(equal(rule.call, 1)),
            Some((index, value)) => {
                program.push(equal(rule.call, 3));
                program.push(load(ARGUMENTS + 8 * index + half));
                program.push(equal(value, 1));
            }
        }
        program.push(give(ERRNO | rule.errno));
    }
    program.push(give(ALLOW));
    program
}
