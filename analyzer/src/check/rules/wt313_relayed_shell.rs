//! WT313: a shell that another process connects with the network.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::wt310_shell_on_a_socket::{MULTI_CALL, is_shell};
use crate::check::Facts;
use crate::check::facts::Terminals;
use crate::check::facts::system_directories::is_in_system_directory;
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::model::{Address, Family, PipeId, Process, ProcessId, SocketId, SocketState};

rule! { WT313 "relayed-shell", High, since "0.1.0", earlier Unused }

const DOC: &str = "\
A shell takes its commands from a process with a network connection, and answers to it.

## What it finds
Shells that read their commands from standard input, where that and standard output are pipes,
FIFOs, a socketpair or a pseudo-terminal, and lead to a process with a network connection: directly,
or through a few others such as cat. High where the connection leaves the machine, medium where its
other end is here too. A shell that has the socket itself is WT310.

Programs whose work it is are left out where their executable is in a system directory: sshd,
telnetd, mosh, screen, tmux, terminal emulators, editors with a terminal, CI runners, and container
runtimes. So are shells that run a script or a command (sh -c), as most programs start them.

## Why it matters
This is what `ncat -e`, `socat EXEC`, `mkfifo f; nc … < f | sh > f` and a spawned terminal look
like: somebody elsewhere types the commands. No socket is seen at the shell itself.

## Example
    HIGH     WT313  sh [4315] is controlled over the network through ncat [4312]
             input: pipe from ncat [4312]; output: pipe to ncat [4312]
             ncat [4312]: 10.0.0.5:51312 ⇄ 203.0.113.7:443

## What to do
Find out who started both (the parents are in `whotalks show`) before you end them, and keep a copy
of what they run. Where it is meant, name it in an ignore file.

## References
- MITRE ATT&CK T1059.004 (Unix Shell), T1071 (Application Layer Protocol)
- elastic/detection-rules issue 2396
";

/// Programs that connect shells with the network, or with their user, on purpose.
pub(super) const TERMINALS: &str = "
    sshd sshd-session sshd-auth dropbear telnetd in.telnetd in.rlogind in.rshd rlogind mosh-server
    etserver etterminal login su sudo doas script screen tmux tmate zellij ttyd gotty
    shellinaboxd wetty jupyter-lab jupyter-notebook cockpit-bridge gitlab-runner
    xterm urxvt rxvt konsole yakuake kitty alacritty foot wezterm wezterm-gui st terminator tilix
    gnome-terminal-server kgx ptyxis xfce4-terminal mate-terminal lxterminal qterminal terminology
    emacs vim nvim vi gvim code codium
";

/// Most processes between a shell and the network in one direction, and visited in search of it.
const MAX_STEPS: usize = 3;
const MAX_VISITED: usize = 64;

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let processes = facts.map.processes.iter().enumerate();
    let shells = processes.filter(|(_, process)| reads_commands(process));
    let mut shells: BTreeSet<ProcessId> = shells.map(|(id, _)| ProcessId::new(id)).collect();
    let network = Network::new(facts);
    // Those are WT310.
    shells.retain(|shell| !network.at_stdio.contains(shell));
    if shells.is_empty() || network.sockets.is_empty() {
        output.unknowns(facts.missing_holders());
        return;
    }
    let plumbing = Plumbing::new(facts, &shells);
    let mut reported: BTreeSet<ProcessId> = BTreeSet::new();
    for shell in shells {
        let mut ancestors = facts.process_tree.ancestors(shell);
        if ancestors.any(|ancestor| reported.contains(&ancestor)) {
            continue;
        }
        if let Some(relayed) = plumbing.relayed(facts, &network, shell) {
            reported.insert(shell);
            output.finding(finding(facts, &network, shell, relayed));
        }
    }
    output.unknowns(facts.missing_holders());
}

/// Whether a process is a shell that reads its commands from standard input: no script and no `-c`.
fn reads_commands(process: &Process) -> bool {
    if !is_shell(process) {
        return false;
    }
    let mut arguments = process.arguments();
    let first = arguments.next().unwrap_or_default();
    let mut multi_call = MULTI_CALL.split_ascii_whitespace();
    if multi_call.any(|program| file_name(first) == program.as_bytes()) {
        arguments.next();
    }
    while let Some(argument) = arguments.next() {
        match argument {
            b"--rcfile" | b"--init-file" | b"-o" | b"+o" | b"-O" | b"+O" => {
                arguments.next();
            }
            b"-" | b"--" | b"" => {}
            [b'-', b'-', ..] | [b'+', ..] => {}
            [b'-', flags @ ..] if flags.contains(&b'c') => return false,
            [b'-', flags @ ..] if flags.contains(&b's') => return true,
            [b'-', ..] => {}
            _ => return false,
        }
    }
    true
}

/// The name of an executable, without its directory.
pub(super) fn file_name(exe: &[u8]) -> &[u8] {
    exe.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

/// A connection of a process.
#[derive(Debug, Clone, Copy)]
struct Connected {
    socket: SocketId,
    remote: IpAddr,
    /// Whether the other end is in this network namespace.
    is_local: bool,
}

/// Processes with network connections.
struct Network {
    sockets: BTreeMap<ProcessId, Vec<Connected>>,
    /// Those that have one as descriptor 0, 1 or 2.
    at_stdio: BTreeSet<ProcessId>,
}

impl Network {
    fn new(facts: &Facts<'_>) -> Self {
        use SocketState::{Connecting, Listening, Pending, TimeWait, Unconnected, Unknown};
        let mut sockets: BTreeMap<ProcessId, Vec<Connected>> = BTreeMap::new();
        let mut at_stdio = BTreeSet::new();
        for (id, socket) in facts.sockets() {
            let is_inet = matches!(socket.family, Family::Inet | Family::Inet6);
            let is_open = !matches!(
                socket.state,
                Connecting | Listening | Pending | TimeWait | Unconnected | Unknown
            );
            let Some(Address::Ip(ip, _)) = socket.remote.filter(|_| is_inet && is_open) else {
                continue;
            };
            let remote = ip.to_canonical();
            let peer = facts.peer(id).map(|peer| facts.map.socket(peer).netns);
            let connected = Connected {
                socket: id,
                remote,
                is_local: remote.is_loopback() || peer.is_some_and(|peer| peer == socket.netns),
            };
            let stdio = facts.map.holders(id).iter().filter(|holder| holder.fd <= 2);
            at_stdio.extend(stdio.map(|holder| holder.process));
            for process in facts.map.using_processes(id) {
                sockets.entry(process).or_default().push(connected);
            }
        }
        Self { sockets, at_stdio }
    }

    /// The connections of a process that is not known to have them for its work.
    fn of_relay(&self, facts: &Facts<'_>, process: ProcessId) -> Option<&[Connected]> {
        let sockets = self.sockets.get(&process)?;
        (!is_expected(facts, process)).then_some(sockets)
    }
}

/// Whether a process connects shells with others on purpose.
fn is_expected(facts: &Facts<'_>, id: ProcessId) -> bool {
    let process = facts.map.process(id);
    let name = String::from_utf8_lossy(file_name(&process.exe));
    let is_terminal = || {
        TERMINALS
            .split_ascii_whitespace()
            .any(|terminal| terminal == name)
    };
    !process.exe_deleted
        && is_in_system_directory(&process.exe)
        && (facts.process_tree.is_manager_in_place(id) || is_terminal())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// Where a process reads from.
    Input,
    /// Where it writes to.
    Output,
}

/// How shells are connected.
#[derive(Debug)]
struct Relayed {
    /// The processes with a connection.
    relays: BTreeSet<ProcessId>,
    /// What standard input and output are.
    input: &'static str,
    output: &'static str,
}

/// Pipes, Unix sockets and terminals of processes.
struct Plumbing {
    /// Pipes that each process reads, by descriptor.
    reads: BTreeMap<ProcessId, Vec<(u32, PipeId)>>,
    writes: BTreeMap<ProcessId, Vec<(u32, PipeId)>>,
    /// Unix sockets at descriptors 0, 1 and 2 of shells.
    sockets: BTreeMap<(ProcessId, u32), SocketId>,
    terminals: Terminals,
}

impl Plumbing {
    fn new(facts: &Facts<'_>, shells: &BTreeSet<ProcessId>) -> Self {
        let mut plumbing = Self {
            reads: BTreeMap::new(),
            writes: BTreeMap::new(),
            sockets: BTreeMap::new(),
            terminals: facts.terminals(shells),
        };
        for (index, pipe) in facts.map.pipes.iter().enumerate() {
            let id = PipeId::new(index);
            for holder in &pipe.readers {
                plumbing
                    .reads
                    .entry(holder.process)
                    .or_default()
                    .push((holder.fd, id));
            }
            for holder in &pipe.writers {
                plumbing
                    .writes
                    .entry(holder.process)
                    .or_default()
                    .push((holder.fd, id));
            }
        }
        for (id, _) in facts.sockets().filter(|(_, it)| it.family == Family::Unix) {
            for holder in facts.map.holders(id).iter().filter(|holder| holder.fd <= 2) {
                if shells.contains(&holder.process) {
                    plumbing.sockets.insert((holder.process, holder.fd), id);
                }
            }
        }
        plumbing
    }

    /// Who relays between a shell and the network: in both directions one process, or several that are
    /// connected with one address.
    fn relayed(&self, facts: &Facts<'_>, network: &Network, shell: ProcessId) -> Option<Relayed> {
        let (input, from) = self.ends(facts, shell, 0)?;
        let (output, to) = [1, 2]
            .into_iter()
            .find_map(|fd| self.ends(facts, shell, fd))?;
        let [from, to] = [(from, Direction::Input), (to, Direction::Output)]
            .map(|(ends, direction)| self.reach(facts, network, shell, ends, direction));
        let remotes = |relays: &BTreeSet<ProcessId>| -> BTreeSet<IpAddr> {
            let sockets = relays.iter().filter_map(|relay| network.sockets.get(relay));
            sockets
                .flatten()
                .map(|connected| connected.remote)
                .collect()
        };
        let both: BTreeSet<ProcessId> = from.intersection(&to).copied().collect();
        let relays = if !both.is_empty() {
            both
        } else if !remotes(&from).is_disjoint(&remotes(&to)) {
            from.union(&to).copied().collect()
        } else {
            return None;
        };
        Some(Relayed {
            relays,
            input,
            output,
        })
    }

    /// What a standard descriptor of a shell is, and who is at its other end.
    fn ends(
        &self,
        facts: &Facts<'_>,
        shell: ProcessId,
        fd: u32,
    ) -> Option<(&'static str, Vec<ProcessId>)> {
        let map = facts.map;
        let pipe = |pipes: &BTreeMap<ProcessId, Vec<(u32, PipeId)>>| {
            let pipes = pipes.get(&shell)?.iter();
            pipes
                .copied()
                .find(|(own, _)| *own == fd)
                .map(|(_, pipe)| pipe)
        };
        let pipes = if fd == 0 { &self.reads } else { &self.writes };
        if let Some(pipe) = pipe(pipes) {
            let pipe = &map.pipes[pipe.index()];
            let others = if fd == 0 {
                &pipe.writers
            } else {
                &pipe.readers
            };
            let others = others.iter().map(|holder| holder.process).collect();
            return Some((
                if pipe.path.is_some() {
                    "a FIFO"
                } else {
                    "a pipe"
                },
                others,
            ));
        }
        if let Some(socket) = self.sockets.get(&(shell, fd)) {
            return Some(("a Unix socket", facts.peer_processes(*socket)));
        }
        let number = *self.terminals.stdio.get(&(shell, fd))?;
        let host = map.process(shell).host;
        let masters = |number| self.terminals.masters.get(&(host, number));
        let known = masters(Some(number)).into_iter().flatten().copied();
        let mut holders: Vec<ProcessId> = known.collect();
        if holders.is_empty() {
            // Whose master it is was not captured: an ancestor's.
            let unknown = masters(None);
            let ancestors = facts.process_tree.ancestors(shell);
            let first = ancestors
                .into_iter()
                .find(|id| unknown.is_some_and(|all| all.contains(id)));
            holders.extend(first);
        }
        Some(("a terminal", holders))
    }

    /// The processes with a connection that are reached from some others.
    fn reach(
        &self,
        facts: &Facts<'_>,
        network: &Network,
        shell: ProcessId,
        ends: Vec<ProcessId>,
        direction: Direction,
    ) -> BTreeSet<ProcessId> {
        let mut relays = BTreeSet::new();
        let mut visited = BTreeSet::from([shell]);
        let mut next = ends;
        for _ in 0..=MAX_STEPS {
            let mut further = Vec::new();
            for process in next {
                if visited.len() >= MAX_VISITED || !visited.insert(process) {
                    continue;
                }
                if network.of_relay(facts, process).is_some() {
                    relays.insert(process);
                } else if !is_expected(facts, process) {
                    further.extend(self.beyond(facts, process, direction));
                }
            }
            next = further;
        }
        relays
    }

    /// The processes at the other ends of a process's pipes.
    fn beyond(
        &self,
        facts: &Facts<'_>,
        process: ProcessId,
        direction: Direction,
    ) -> Vec<ProcessId> {
        let pipes = match direction {
            Direction::Input => self.reads.get(&process),
            Direction::Output => self.writes.get(&process),
        };
        let pipes = pipes.into_iter().flatten().take(MAX_VISITED);
        let holders = pipes.flat_map(|(_, pipe)| {
            let pipe = &facts.map.pipes[pipe.index()];
            match direction {
                Direction::Input => &pipe.writers,
                Direction::Output => &pipe.readers,
            }
        });
        holders
            .take(MAX_VISITED)
            .map(|holder| holder.process)
            .collect()
    }
}

fn finding(facts: &Facts<'_>, network: &Network, shell: ProcessId, relayed: Relayed) -> RawFinding {
    let relays = Vec::from_iter(relayed.relays);
    let connections = relays
        .iter()
        .flat_map(|relay| network.sockets.get(relay))
        .flatten();
    let mut connections: Vec<&Connected> = connections.collect();
    connections.sort_by_key(|connected| (connected.is_local, connected.socket));
    connections.dedup_by_key(|connected| connected.socket);
    let is_outside = connections.first().is_some_and(|first| !first.is_local);
    let names = facts.process_names(&relays);
    let mut evidence = vec![format!(
        "standard input is {}, standard output {}",
        relayed.input, relayed.output
    )];
    for connected in connections.iter().take(3) {
        let socket = facts.map.socket(connected.socket);
        let [local, remote] = [socket.local, socket.remote]
            .map(|end| end.map_or_else(String::new, |address| address.to_string()));
        evidence.push(format!(
            "{}: {local} ⇄ {remote}",
            facts.owner(connected.socket)
        ));
    }
    let name = facts.process_name(shell);
    let mut processes = vec![shell];
    processes.extend(&relays);
    RawFinding {
        severity: Severity::Medium.raised_if(is_outside),
        subject: Subject::Process(shell),
        processes,
        sockets: connections
            .iter()
            .map(|connected| connected.socket)
            .collect(),
        title: format!("{name} is controlled over the network through {names}"),
        evidence,
        advice: "find out who started both before you end them".to_owned(),
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::high("pipes to a process with a connection", |scene| {
        let (shell, relay) = shell_and_relay(scene, "sh", "/usr/bin/ncat");
        pipes(scene, shell, relay);
    }),
    Case::medium("the other end is on this machine", |scene| {
        let (shell, relay) = shell_and_relay(scene, "bash -i", "/tmp/relay");
        pipes(scene, shell, relay);
        let local = std::net::Ipv4Addr::LOCALHOST.into();
        scene.map.sockets[0].remote = Some(Address::Ip(local, 4444));
    }),
    Case::high("a socketpair", |scene| {
        let (shell, relay) = shell_and_relay(scene, "sh", "/usr/bin/socat");
        let fds = [0, 1, 2].map(|fd| (shell, fd, Some(false)));
        scene.pair(&fds, &[(relay, 6, Some(true))]);
    }),
    Case::high("a FIFO to cat, and a pipe", |scene| {
        let (shell, relay) = shell_and_relay(scene, "sh -i", "/usr/bin/nc");
        let cat = scene.process(700, 1, "/usr/bin/cat");
        scene.map.add_pipe(&[(relay, 1, None)], &[(cat, 0, None)]);
        scene.map.add_pipe(&[(cat, 1, None)], &[(shell, 0, None)]);
        scene.map.add_pipe(&[(shell, 1, None)], &[(relay, 0, None)]);
    }),
    Case::high("a false sshd", |scene| {
        let (shell, relay) = shell_and_relay(scene, "sh", "/tmp/sshd");
        pipes(scene, shell, relay);
    }),
    Case::quiet("sshd", |scene| {
        let (shell, relay) = shell_and_relay(scene, "bash -s", "/usr/sbin/sshd");
        pipes(scene, shell, relay);
    }),
    Case::quiet("a command of a web server", |scene| {
        let (shell, relay) = shell_and_relay(scene, "sh -c ls", "/usr/bin/node");
        pipes(scene, shell, relay);
    }),
    Case::quiet("a script that is downloaded and run", |scene| {
        let (shell, relay) = shell_and_relay(scene, "sh", "/usr/bin/curl");
        let tee = scene.process(700, 1, "/usr/bin/tee");
        scene.map.add_pipe(&[(relay, 1, None)], &[(shell, 0, None)]);
        scene.map.add_pipe(&[(shell, 1, None)], &[(tee, 0, None)]);
    }),
];

/// A shell without pipes, and a process with a connection to another host.
#[cfg(test)]
fn shell_and_relay(scene: &mut Scene, command: &str, exe: &str) -> (ProcessId, ProcessId) {
    let relay = scene.process(600, 1, exe);
    let shell = scene.process(601, 600, "/usr/bin/bash");
    scene.process_mut(shell).cmdline = command.replace(' ', "\0").into_bytes().into();
    let socket = scene.tcp_socket(&[(relay, 5, Some(true))], 51_312);
    let socket = scene.socket_mut(socket);
    socket.remote = Some(Address::Ip(IpAddr::from([203, 0, 113, 7]), 443));
    (shell, relay)
}

#[cfg(test)]
fn pipes(scene: &mut Scene, shell: ProcessId, relay: ProcessId) {
    scene.map.add_pipe(&[(relay, 7, None)], &[(shell, 0, None)]);
    let outputs = [(shell, 1, None), (shell, 2, None)];
    scene.map.add_pipe(&outputs, &[(relay, 8, None)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shells_that_read_commands() {
        let check = |exe: &str, command: &str| {
            reads_commands(&Process {
                exe: exe.as_bytes().into(),
                cmdline: command.replace(' ', "\0").into_bytes().into(),
                ..Process::default()
            })
        };
        for command in [
            "sh",
            "-bash",
            "sh -i",
            "bash --norc -i",
            "bash --rcfile /x",
            "sh -s x",
        ] {
            assert!(check("/bin/bash", command), "{command}");
        }
        for command in ["sh -c ls", "bash -lc ls", "bash x.sh", "sh -e x.sh 7"] {
            assert!(!check("/bin/bash", command), "{command}");
        }
        assert!(check("/bin/busybox", "sh -i") && check("/bin/busybox", "busybox sh"));
        assert!(!check("/bin/busybox", "busybox cat") && !check("/bin/busybox", "cat"));
        assert!(check("/tmp/x", "bash -i") && !check("/usr/bin/app", "app"));
    }
}
