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

/// Longest comm: the kernel's `TASK_COMM_LEN` without the terminating zero.
const COMM_BYTES: usize = 15;

/// The program's name, printable: script, else executable, else comm.
pub fn program(process: &Process) -> String {
    let executable = last_part(&process.exe);
    if executable.is_empty() || MULTI_CALL.contains(&executable) {
        return escape::display(&process.comm);
    }
    let script = if stem(executable) == b"java" {
        jar(process)
    } else if is_interpreter(executable) {
        script(process)
    } else {
        None
    };
    escape::display(script.unwrap_or(executable))
}

/// The name of a process in drawings, printable: its comm, unless that is the name of an interpreter
/// or truncated; then the program's name.
pub fn display_name(process: &Process) -> String {
    let executable = last_part(&process.exe);
    let is_truncated =
        |name: &[u8]| process.comm.len() == COMM_BYTES && name.starts_with(&process.comm);
    let program = program(process);
    let interpreted = is_interpreter(executable) || program != escape::display(executable);
    let use_program = match interpreted {
        true => !is_own_name(&process.comm) || is_truncated(program.as_bytes()),
        false => is_truncated(executable),
    };
    match use_program {
        true => program,
        false => escape::display(&process.comm),
    }
}

/// Whether an interpreted program set this comm itself: it is not the interpreter's (Node sets
/// `node-MainThread`), and it is a single word, not the beginning of a command line or of a status
/// such as `gunicorn: worke`.
fn is_own_name(comm: &[u8]) -> bool {
    let main_thread = comm.strip_suffix(b"-MainThread").unwrap_or(comm);
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.@+".contains(byte);
    let is_default = is_interpreter(main_thread) || main_thread == b"java" || comm == b"MainThread";
    !is_default && !comm.is_empty() && comm.iter().all(word)
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

/// The first argument that is not an option, or the module of Python's `-m module`.
fn script(process: &Process) -> Option<&[u8]> {
    let mut arguments = process.arguments().skip(1);
    while let Some(argument) = arguments.next() {
        match argument {
            b"-m" => return arguments.next(),
            // A command in an argument or on standard input has no name.
            b"-c" | b"-e" | b"-" | b"" => return None,
            [b'-', ..] => {}
            // Neither has a script that is read from a descriptor.
            fd if fd.starts_with(b"/dev/") || fd.starts_with(b"/proc/") => return None,
            file => return Some(last_part(file)).filter(|name| !name.is_empty()),
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

    #[test]
    fn interpreters_are_named_by_their_script() {
        let check = |exe: &str, cmdline: &str, expected: &str| {
            let process = Process {
                exe: exe.as_bytes().into(),
                cmdline: cmdline.replace(' ', "\0").into_bytes().into(),
                comm: b"comm".as_slice().into(),
                ..Process::default()
            };
            assert_eq!(program(&process), expected);
        };
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
    fn display_names() {
        let check = |comm: &str, exe: &str, cmdline: &str, expected: &str| {
            let process = Process {
                exe: exe.as_bytes().into(),
                cmdline: cmdline.replace(' ', "\0").into_bytes().into(),
                comm: comm.as_bytes().into(),
                ..Process::default()
            };
            assert_eq!(display_name(&process), expected);
        };
        check(
            "python3",
            "/usr/bin/python3.11",
            "python3 /srv/shop.py",
            "shop.py",
        );
        check(
            "at-spi-bus-laun",
            "/usr/libexec/at-spi-bus-launcher",
            "",
            "at-spi-bus-launcher",
        );
        check(
            "python3",
            "/usr/bin/python3.11",
            "python3 -c import",
            "python3.11",
        );
        check("sh", "/usr/bin/dash", "sh", "dash");
        check(
            "worker",
            "/usr/bin/python3.11",
            "python3 -c import",
            "worker",
        );
        // The comm is more specific than the executable.
        check(
            "panel-6-systray",
            "/usr/lib/xfce4/panel/wrapper-2.0",
            "",
            "panel-6-systray",
        );
        check("bash", "/usr/bin/bash", "-bash", "bash");
        // So is the comm that a script set, if it is a single word.
        let script = |comm: &str, expected: &str| {
            check(
                comm,
                "/usr/bin/python3.11",
                "python3 /srv/run-workers.py",
                expected,
            );
        };
        script("indexer", "indexer");
        script("run-workers.py", "run-workers.py");
        script("python", "run-workers.py");
        script("gunicorn: worke", "run-workers.py");
        script("", "run-workers.py");
        check(
            "run-all-workers",
            "/usr/bin/dash",
            "sh /srv/run-all-workers.sh",
            "run-all-workers.sh",
        );
        check(
            "node-MainThread",
            "/usr/bin/node",
            "node /srv/shop.js",
            "shop.js",
        );
        check("kept", "", "", "kept");
    }
}
