//! WT310: a shell whose standard input or output is a network socket.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::check::Facts;
use crate::check::facts::describe::plural;
use crate::check::facts::system_directories::is_in_system_directory;
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::model::{Address, Family, Process, ProcessId, SocketId, SocketState};
use crate::text::escape;

rule! { WT310 "shell-on-a-socket", High, since "0.1.0", earlier Unused }

const DOC: &str = "\
A shell has a network connection, or an interpreter has one as its input or output.

## What it finds
Processes that run a shell (high) with an internet socket as any descriptor, and interpreters
(medium; high with a command instead of a script) with one as descriptor 0, 1 or 2. A program is a
shell by its executable, or by the name that it was started by. What such a process started is part
of the same finding. A connection beyond 0, 1 and 2 that the shell has in common with the program
that started it leaked into it, which WT101 finds.

A program outside the system's directories that has one connection as both its input and its output
may be a renamed shell: unknown.

It is quiet where that is how the program is meant to be started: by inetd, xinetd, tcpserver and
their like, by a systemd unit that has an instance for each connection, or as a FastCGI server whose
descriptor 0 is its listener.

## Why it matters
Whoever is at the other end types commands into the machine. It is what reverse and bind shells look
like.

## Example
    HIGH     WT310  sh [4312] takes its input from 10.0.0.5:51312 ⇄ 203.0.113.9:4444
             descriptors 0, 1, 2; started by java [812]

## What to do
Find out who started it (the parents are in the evidence) before you end it, and keep a copy of what
it runs. Where it is meant, name it in an ignore file.

## References
- MITRE ATT&CK T1059 (Command and Scripting Interpreter); inetd(8), systemd.socket(5) Accept=
";

pub(super) const SHELLS: &str = "
    sh bash rbash dash ash zsh ksh ksh93 mksh oksh yash fish csh tcsh rc es elvish nu pwsh
";

/// Programs that contain shells among others.
pub(super) const MULTI_CALL: &str = "busybox toybox";

/// Interpreters, without their version numbers.
pub(super) const INTERPRETERS: &str = "
    python perl ruby php php-cgi node lua tclsh gawk
";

/// Servers that start other programs on a connection.
pub(super) const STARTERS: &str = "
    inetd inetutils-inetd openbsd-inetd xinetd tcpserver tcpsvd s6-tcpserver ipsvd
    systemd-socket-activate
";

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let mut held: BTreeMap<ProcessId, Vec<(u32, SocketId)>> = BTreeMap::new();
    for (id, socket) in facts.sockets() {
        let inet = matches!(socket.family, Family::Inet | Family::Inet6);
        let talks = matches!(socket.state, SocketState::Established) || socket.state.is_closing();
        // A datagram socket that is not connected may be the program's input too.
        let is_open = socket.state != SocketState::Listening;
        for holder in facts.map.holders(id).iter().filter(|_| inet && is_open) {
            if holder.fd <= 2 || talks && is_own(facts, id, holder.process) {
                let fds = held.entry(holder.process).or_default();
                fds.push((holder.fd, id));
            }
        }
    }
    let mut shells: BTreeMap<ProcessId, Severity> = BTreeMap::new();
    for (process, fds) in &held {
        match assess(facts, *process, fds) {
            Verdict::Fires(severity) => {
                shells.insert(*process, severity);
            }
            Verdict::Unknown => output.unknown(format!(
                "whether {} is a shell is not known: it has a connection as its input and output",
                facts.process_name(*process)
            )),
            Verdict::Quiet => {}
        }
    }
    // One session is one finding: that of the topmost shell, or of the first with the same connection.
    let mut sessions: BTreeMap<ProcessId, Vec<ProcessId>> = BTreeMap::new();
    let mut by_socket: BTreeMap<SocketId, ProcessId> = BTreeMap::new();
    for process in shells.keys() {
        let ancestors = facts.process_tree.ancestors(*process);
        let top = ancestors.filter(|id| shells.contains_key(id)).last();
        let mut top = top.unwrap_or(*process);
        for (_, socket) in &held[process] {
            top = *by_socket.entry(*socket).or_insert(top);
        }
        sessions.entry(top).or_default().push(*process);
    }
    for (top, members) in sessions {
        let severity = members.iter().map(|process| shells[process]).max();
        let mut fds: Vec<(u32, SocketId)> = held.remove(&top).unwrap_or_default();
        fds.sort_unstable();
        output.finding(finding(facts, top, &members, severity, &fds));
    }
    output.unknowns(facts.missing_holders());
}

/// Whether no program that started a process, other than a shell, has its connection too.
fn is_own(facts: &Facts<'_>, socket: SocketId, process: ProcessId) -> bool {
    let holders = facts.map.holders(socket);
    let holds = |process: &ProcessId| {
        let found = holders.binary_search_by_key(process, |holder| holder.process);
        found.is_ok()
    };
    let mut holding = facts.process_tree.ancestors(process).filter(holds);
    holding.all(|ancestor| is_shell(facts.map.process(ancestor)))
}

enum Verdict {
    Quiet,
    /// It may be a renamed shell.
    Unknown,
    Fires(Severity),
}

/// Whether a process with these connections is a shell, and was not started by a server on purpose.
fn assess(facts: &Facts<'_>, id: ProcessId, fds: &[(u32, SocketId)]) -> Verdict {
    let process = facts.map.process(id);
    let exe = last_part(&process.exe);
    let stem = exe.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    let is_shell = is_shell(process);
    let has_stdio = fds.iter().any(|(fd, _)| *fd <= 2);
    let is_interpreter = is_in(INTERPRETERS, stem) && has_stdio;
    let both = |socket: SocketId| fds.contains(&(0, socket)) && fds.contains(&(1, socket));
    let is_unknown = fds.iter().any(|(_, socket)| both(*socket))
        && !process.exe.is_empty()
        && !is_in_system_directory(&process.exe);
    if !is_shell && !is_interpreter && !is_unknown {
        return Verdict::Quiet;
    }
    // `telnet@3-10.0.0.5:23-10.0.0.9:41000.service`: one instance for each connection.
    let unit = process.unit.as_deref();
    let instance = unit.and_then(|unit| unit.split_once('@'));
    let per_connection = instance.is_some_and(|(_, instance)| {
        let number = instance.split('-').next().unwrap_or_default();
        instance.contains('-') && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
    });
    let by_server = facts.process_tree.ancestors(id).any(|ancestor| {
        let exe = &facts.map.process(ancestor).exe;
        is_in(STARTERS, &last_part(exe)) && is_in_system_directory(exe)
    });
    if per_connection || by_server {
        return Verdict::Quiet;
    }
    if !is_shell && !is_interpreter {
        return Verdict::Unknown;
    }
    let mut arguments = process.arguments().skip(1);
    let has_command = arguments.any(|text| matches!(text, b"-c" | b"-e" | b"-" | b"-r"));
    Verdict::Fires(Severity::Medium.raised_if(is_shell || has_command))
}

/// Whether a process runs a shell: by its executable, or the name that it was started by; of a program
/// that contains many, by the one that was chosen.
pub(super) fn is_shell(process: &Process) -> bool {
    let exe = last_part(&process.exe);
    let mut arguments = process.arguments();
    let first = arguments.next().unwrap_or_default();
    let started_as = last_part(first.strip_prefix(b"-").unwrap_or(first));
    if !is_in(MULTI_CALL, &exe) {
        return is_in(SHELLS, &exe) || is_in(SHELLS, &started_as);
    }
    match is_in(MULTI_CALL, &started_as) {
        true => is_in(SHELLS, &last_part(arguments.next().unwrap_or_default())),
        false => is_in(SHELLS, &started_as),
    }
}

fn is_in(words: &str, name: &str) -> bool {
    words.split_ascii_whitespace().any(|word| word == name)
}

fn last_part(path: &[u8]) -> Cow<'_, str> {
    let name = path.rsplit(|byte| *byte == b'/').next();
    String::from_utf8_lossy(name.unwrap_or_default())
}

/// The finding of a session, whose first process has these connections.
fn finding(
    facts: &Facts<'_>,
    process: ProcessId,
    members: &[ProcessId],
    severity: Option<Severity>,
    fds: &[(u32, SocketId)],
) -> RawFinding {
    let (_, first) = fds[0];
    let socket = facts.map.socket(first);
    let text = |address: Address| address.to_string();
    let [local, remote] =
        [socket.local, socket.remote].map(|end| end.map_or_else(String::new, text));
    let numbers: Vec<String> = fds.iter().map(|(fd, _)| fd.to_string()).collect();
    let count = match numbers.len() {
        1 => "descriptor",
        _ => "descriptors",
    };
    let mut evidence = vec![format!("{count} {}", numbers.join(", "))];
    let mut processes = members.to_vec();
    processes.push(process);
    if let Some(parent) = facts.process_tree.parent(process) {
        processes.push(parent);
        evidence.push(format!("started by {}", facts.process_name(parent)));
    }
    if members.len() > 1 {
        let others = plural(members.len() - 1, "process", "processes");
        evidence.push(format!("and {others} that it started"));
    }
    let command = one_line(&facts.map.process(process).cmdline);
    if !command.is_empty() {
        evidence.push(format!("command: {command}"));
    }
    let name = facts.process_name(process);
    let how = match fds[0].0 {
        0..=2 => "as its standard input or output",
        _ => "open",
    };
    RawFinding {
        severity: severity.unwrap_or(Severity::High),
        subject: Subject::Process(process),
        processes,
        sockets: fds.iter().map(|(_, socket)| *socket).collect(),
        title: format!("{name} has {local} ⇄ {remote} {how}"),
        evidence,
        advice: "find out who started it before you end it".to_owned(),
    }
}

/// Formats the beginning of a command line as one printable line.
fn one_line(cmdline: &[u8]) -> String {
    let arguments = cmdline.strip_suffix(b"\0").unwrap_or(cmdline);
    let beginning = &arguments[..arguments.len().min(200)];
    let words: Vec<&[u8]> = beginning.split(|byte| *byte == 0).collect();
    escape::display(&words.join(&b' '))
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::high("a reverse shell", |scene| {
        on_socket(scene, "/bin/sh", "sh", None);
    }),
    Case::medium("a script on a connection", |scene| {
        on_socket(scene, "/usr/bin/python3.11", "python3 /srv/x.py", None);
    }),
    Case::high("a command on a connection", |scene| {
        on_socket(scene, "/usr/bin/python3.11", "python3 -c import", None);
    }),
    Case::high(
        "a shell that opened a connection as descriptor 5",
        |scene| {
            let shell = scene.process(600, 1, "/bin/bash");
            scene.tcp_socket(&[(shell, 5, Some(false))], 4444);
        },
    ),
    Case::high("a shell and what it started are one finding", |scene| {
        let shell = scene.process(600, 1, "/bin/bash");
        let child = scene.process(601, 600, "/bin/dash");
        let other = scene.process(602, 601, "/bin/dash");
        let fds = [shell, child, other].map(|id| (id, 0, Some(false)));
        scene.tcp_socket(&fds, 4444);
    }),
    Case::high(
        "a renamed shell by the name that it was started by",
        |scene| {
            on_socket(scene, "/tmp/x", "-bash", None);
        },
    ),
    Case::quiet(
        "a connection that leaked from who started the shell",
        |scene| {
            let app = scene.process(500, 1, "/usr/bin/bash");
            scene.process_mut(app).exe = b"/usr/bin/bash-less"[..].into();
            let shell = scene.process(600, 500, "/bin/sh");
            let holders = [(app, 9, Some(true)), (shell, 9, Some(true))];
            scene.tcp_socket(&holders, 4444);
        },
    ),
    Case::quiet("a service that is started for each connection", |scene| {
        let unit = Some("date@3-10.0.0.5:13-10.0.0.9:41000.service");
        on_socket(scene, "/bin/sh", "sh /srv/date.sh", unit);
    }),
    Case::quiet("a server, not a shell", |scene| {
        on_socket(scene, "/usr/sbin/git-daemon", "git-daemon", None);
    }),
    Case::quiet("inetd", |scene| {
        let inetd = scene.process(500, 1, "/usr/sbin/inetd");
        let shell = scene.process(600, 500, "/bin/sh");
        scene.tcp_socket(&[(shell, 0, Some(false))], 23);
        scene.tcp_listener(&[(inetd, 5, Some(true))], 23);
    }),
];

#[cfg(test)]
fn on_socket(scene: &mut Scene, exe: &str, command: &str, unit: Option<&str>) {
    let shell = scene.process(600, 1, exe);
    let process = scene.process_mut(shell);
    process.cmdline = command.replace(' ', "\0").into_bytes().into();
    process.unit = unit.map(str::to_owned);
    let fds = [0, 1, 2].map(|fd| (shell, fd, Some(false)));
    scene.tcp_socket(&fds, 4444);
}
