//! WT310: a shell whose standard input or output is a network socket.

use std::collections::BTreeMap;

use crate::check::Facts;
use crate::check::facts::describe::plural;
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::model::{Address, Family, ProcessId, SocketId, SocketState};
use crate::text::escape;

rule! { WT310 "shell-on-a-socket", High, since "0.1.0", earlier Unused }

const DOC: &str = "\
A shell or interpreter has a network connection as its standard input, output or error.

## What it finds
Processes that run a shell (high) or an interpreter (medium; high with a command instead of a
script) with an internet socket as descriptor 0, 1 or 2.

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
    sh bash dash ash zsh ksh mksh fish csh tcsh busybox toybox
";

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
    let mut stdio: BTreeMap<ProcessId, Vec<(u32, SocketId)>> = BTreeMap::new();
    for (id, socket) in facts.sockets() {
        let inet = matches!(socket.family, Family::Inet | Family::Inet6);
        if !inet || socket.state == SocketState::Listening {
            continue;
        }
        for holder in facts.map.holders(id).iter().filter(|holder| holder.fd <= 2) {
            let fds = stdio.entry(holder.process).or_default();
            fds.push((holder.fd, id));
        }
    }
    for (process, mut fds) in stdio {
        fds.sort_unstable();
        if let Some(severity) = assess(facts, process) {
            output.finding(finding(facts, process, severity, &fds));
        }
    }
    output.unknowns(facts.missing_holders());
}

/// The severity; `None`: not a shell, or started by a server on purpose.
fn assess(facts: &Facts<'_>, id: ProcessId) -> Option<Severity> {
    let process = facts.map.process(id);
    let exe = process.exe.rsplit(|byte| *byte == b'/').next()?;
    let name = String::from_utf8_lossy(exe);
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    let is_in = |words: &str, name: &str| words.split_ascii_whitespace().any(|word| word == name);
    let is_shell = is_in(SHELLS, &name);
    if !is_shell && !is_in(INTERPRETERS, stem) {
        return None;
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
        let name = exe.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        is_in(STARTERS, &String::from_utf8_lossy(name))
    });
    if per_connection || by_server {
        return None;
    }
    let mut arguments = process.arguments().skip(1);
    let has_command = arguments.any(|text| matches!(text, b"-c" | b"-e" | b"-" | b"-r"));
    Some(Severity::Medium.raised_if(is_shell || has_command))
}

fn finding(
    facts: &Facts<'_>,
    process: ProcessId,
    severity: Severity,
    fds: &[(u32, SocketId)],
) -> RawFinding {
    let (_, first) = fds[0];
    let socket = facts.map.socket(first);
    let text = |address: Address| address.to_string();
    let [local, remote] =
        [socket.local, socket.remote].map(|end| end.map_or_else(String::new, text));
    let numbers: Vec<String> = fds.iter().map(|(fd, _)| fd.to_string()).collect();
    let count = plural(numbers.len(), "descriptor", "descriptors");
    let mut evidence = vec![format!("{count} of 0, 1, 2: {}", numbers.join(", "))];
    let mut processes = vec![process];
    if let Some(parent) = facts.process_tree.parent(process) {
        processes.push(parent);
        evidence.push(format!("started by {}", facts.process_name(parent)));
    }
    let command = one_line(&facts.map.process(process).cmdline);
    if !command.is_empty() {
        evidence.push(format!("command: {command}"));
    }
    let name = facts.process_name(process);
    RawFinding {
        severity,
        subject: Subject::Process(process),
        processes,
        sockets: fds.iter().map(|(_, socket)| *socket).collect(),
        title: format!("{name} has {local} ⇄ {remote} as its standard input or output"),
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
