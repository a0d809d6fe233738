//! Names of processes: the executable, or the script that an interpreter runs.

use super::process::Process;
use crate::text::escape;

/// Interpreters, without version numbers; their first argument that is not an option is the script.
const INTERPRETERS: [&str; 14] = [
    "ash", "bash", "dash", "gjs", "ksh", "lua", "node", "nodejs", "perl", "php", "python", "ruby",
    "sh", "zsh",
];

/// Executables that contain several programs, chosen by `argv[0]`: these are named by comm. Other
/// executables are not, since a process can set its comm to anything.
const MULTI_CALL: [&[u8]; 5] = [
    b"busybox",
    b"coreutils",
    b"redis-check-aof",
    b"redis-check-rdb",
    b"toybox",
];

/// Programs that start others and hold descriptors for them: service managers and supervisors, the
/// first process of containers, container runtimes and their shims.
pub(crate) const MANAGERS: &str = "
    systemd init upstart openrc-init runit runit-init runsvdir runsv s6-svscan s6-supervise
    dinit shepherd launchd supervisord circusd monit inetd xinetd tini tini-static dumb-init
    catatonit docker-init dockerd docker-proxy containerd containerd-shim containerd-shim-runc-v1
    containerd-shim-runc-v2 conmon crio podman runc crun lxc-start systemd-nspawn
";

/// Longest comm: the kernel's `TASK_COMM_LEN` without the terminating zero.
const COMM_BYTES: usize = 15;

/// The program's name, printable: script, else the name it was started by, else executable, else comm.
pub fn program(process: &Process) -> String {
    let executable = last_part(&process.exe);
    if executable.is_empty() || MULTI_CALL.contains(&executable) {
        return escape::display(&process.comm);
    }
    let script = if stem(executable) == b"java" {
        jar(process)
    } else {
        script(process)
    };
    let name = script.or_else(|| started_as(process));
    escape::display(name.unwrap_or(executable))
}

/// The name that a process was started by, where it is another one than its executable's: a link, such
/// as `pipewire-pulse` or one of the alternatives system.
///
/// At execve(2) the kernel takes comm from the path that was executed; programs can change comm, and
/// argv[0] is the caller's choice: only where both agree it is the name.
fn started_as(process: &Process) -> Option<&[u8]> {
    let first = process.arguments().next()?;
    let name = last_part(first.strip_prefix(b"-").unwrap_or(first));
    let is_comm = match process.comm.len() {
        COMM_BYTES => name.starts_with(&process.comm),
        _ => *name == *process.comm,
    };
    let is_reexecuted = first.starts_with(b"/proc/") || first.starts_with(b"/dev/");
    (is_comm && !name.is_empty() && !is_reexecuted).then_some(name)
}

fn is_interpreter(executable: &[u8]) -> bool {
    INTERPRETERS
        .iter()
        .any(|name| name.as_bytes() == stem(executable))
}

/// An executable's name without its version: `python` of `python3.11`.
fn stem(executable: &[u8]) -> &[u8] {
    let version = |byte: &u8| byte.is_ascii_digit() || b".-".contains(byte);
    let end = executable.iter().rposition(|byte| !version(byte));
    &executable[..end.map_or(0, |last| last + 1)]
}

/// The name of the script that an interpreter runs.
fn script(process: &Process) -> Option<&[u8]> {
    script_path(process)
        .map(last_part)
        .filter(|name| !name.is_empty())
}

/// The script of an interpreter as its command line has it: the first argument that is not an option, or
/// the module of Python's `-m module`. `None`: not an interpreter, or its script has no name.
pub(crate) fn script_path(process: &Process) -> Option<&[u8]> {
    if !is_interpreter(last_part(&process.exe)) {
        return None;
    }
    let mut arguments = process.arguments().skip(1);
    while let Some(argument) = arguments.next() {
        match argument {
            b"-m" => return arguments.next(),
            // A command in an argument or on standard input has no name.
            b"-c" | b"-e" | b"-" | b"" => return None,
            [b'-', ..] => {}
            // Neither has a script that is read from a descriptor.
            fd if fd.starts_with(b"/dev/") || fd.starts_with(b"/proc/") => return None,
            file => return Some(file),
        }
    }
    None
}

/// The file after `-jar`.
fn jar(process: &Process) -> Option<&[u8]> {
    let mut arguments = process
        .arguments()
        .skip_while(|argument| *argument != b"-jar");
    arguments
        .nth(1)
        .map(last_part)
        .filter(|name| !name.is_empty())
}

fn last_part(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(comm: &str, exe: &str, cmdline: &str, expected: &str) {
        let process = Process {
            exe: exe.as_bytes().into(),
            cmdline: cmdline.replace(' ', "\0").into_bytes().into(),
            comm: comm.as_bytes().into(),
            ..Process::default()
        };
        assert_eq!(program(&process), expected);
    }

    #[test]
    fn interpreters_are_named_by_their_script() {
        let check = |exe, cmdline, expected| check("comm", exe, cmdline, expected);
        check("/usr/bin/python3.11", "python3 -u /srv/app.py x", "app.py");
        check("/usr/bin/python3", "python3 -m http.server", "http.server");
        check("/usr/bin/python3", "python3 -c import", "python3");
        check(
            "/usr/lib/jvm/bin/java",
            "java -Xmx1g -jar /opt/shop.jar",
            "shop.jar",
        );
        check("/usr/bin/bash", "-bash", "bash");
        check("/usr/bin/bash", "bash /dev/fd/3", "bash");
        check("/usr/sbin/nginx", "nginx: worker process", "nginx");
        check(
            "/usr/bin/redis-check-rdb",
            "/usr/bin/redis-server *:6379",
            "comm",
        );
        check("", "", "comm");
    }

    #[test]
    fn the_name_it_was_started_by() {
        check(
            "pipewire-pulse",
            "/usr/bin/pipewire",
            "/usr/bin/pipewire-pulse",
            "pipewire-pulse",
        );
        check(
            "uwsgi",
            "/usr/bin/uwsgi-core",
            "/usr/bin/uwsgi --ini x",
            "uwsgi",
        );
        check(
            "a-very-long-nam",
            "/usr/bin/x",
            "a-very-long-name-indeed",
            "a-very-long-name-indeed",
        );
        check("bash", "/usr/bin/bash", "-bash", "bash");
        // Titles and names that a process gave itself.
        check(
            "systemd",
            "/usr/lib/systemd/systemd",
            "/sbin/init splash",
            "systemd",
        );
        check("nginx", "/usr/sbin/nginx", "nginx: worker process", "nginx");
        check("kworker/0:1", "/tmp/x", "/tmp/x", "x");
        check("exe", "/usr/bin/runc", "/proc/self/exe init", "runc");
    }
}
