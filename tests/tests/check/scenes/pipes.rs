//! WT103: pipes that never end.

use super::{Scene, fires, quiet};

/// Makes pipes at given descriptors, and runs commands with an end as their standard output.
macro_rules! pipe {
    ($rest:literal) => {
        concat!(
            "
def pipe(read, write):
    r, w = os.pipe(); os.dup2(r, read); os.dup2(w, write); os.close(r); os.close(w)
def run(command, stdout=None, closed=()):
    pid = os.fork()
    if pid: return pid
    if stdout: os.dup2(stdout, 1)
    else: quiet()
    for fd in closed: os.close(fd)
    os.execvp(command[0], command)
",
            $rest
        )
    };
}

pub(super) const SCENES: &[Scene] = &[
    fires(
        "WT103",
        "the output of a command that left a daemon, in a shell",
        &[("WT103", "high")],
        "
import subprocess
shell = subprocess.Popen(['bash', '-c', 'x=$(sleep 600 & )'])
ready(shell.pid); signal.pause()",
    ),
    fires(
        "WT103",
        "the captured output of a command that left a grandchild",
        &[("WT103", "medium")],
        "
import subprocess
reader = fork(lambda: subprocess.run(['sh', '-c', 'sleep 600 & true'], capture_output=True))
ready(reader); signal.pause()",
    ),
    fires(
        "WT103",
        "a session whose last command is nohup",
        &[("WT103", "high")],
        "
import subprocess
def session():
    shell = subprocess.Popen(['sh', '-c', 'nohup sleep 120 2>/dev/null &'], stdout=subprocess.PIPE,
                             start_new_session=True)
    os.read(shell.stdout.fileno(), 1)
reader = fork(session)
ready(reader); signal.pause()",
    ),
    fires(
        "WT103",
        "a sibling of the command has the write end",
        &[("WT103", "high")],
        pipe!(
            "
def parent():
    pipe(6, 7)
    run(['sleep', '600'], stdout=7, closed=[6, 7])
    run(['tail', '-f', '/dev/null'], closed=[6])
    os.close(7); os.read(6, 1)
reader = fork(parent)
ready(reader); signal.pause()"
        ),
    ),
    fires(
        "WT103",
        "the command has ended, its sibling has the write end",
        &[("WT103", "high")],
        pipe!(
            "
def parent():
    pipe(6, 7)
    run(['true'], stdout=7, closed=[6, 7])
    run(['tail', '-f', '/dev/null'], closed=[6])
    os.close(7); os.read(6, 1)
reader = fork(parent)
ready(reader); signal.pause()"
        ),
    ),
    fires(
        "WT103",
        "the reader kept the write end",
        &[("WT103", "high")],
        pipe!(
            "
def parent():
    pipe(6, 7)
    run(['sleep', '600'], stdout=7, closed=[6, 7])
    os.read(6, 1)
reader = fork(parent)
ready(reader); signal.pause()"
        ),
    ),
    quiet(
        "WT103",
        "a command that runs",
        "
import subprocess
shell = subprocess.Popen(['bash', '-c', 'x=$(sleep 600)'])
reader = fork(lambda: subprocess.run(['sleep', '600'], capture_output=True))
ready(shell.pid, reader); signal.pause()",
    ),
    quiet(
        "WT103",
        "a master with both ends of a pipe that its logger reads",
        pipe!(
            "
def master():
    pipe(6, 7)
    logger = os.fork()
    if logger == 0:
        os.close(7); os.read(6, 1)
    run(['sleep', '600'], stdout=7, closed=[6, 7])
    os.wait()
reader = fork(master)
ready(reader); signal.pause()"
        ),
    ),
    quiet(
        "WT103",
        "a pipeline whose shell has ended",
        "
import subprocess
subprocess.run(['bash', '-c', '(sleep 600 | cat > /dev/null) & '])
pids = subprocess.run(['pgrep', '-g', str(os.getpgid(0))], capture_output=True, text=True).stdout
ready(*pids.split()); signal.pause()",
    ),
    quiet(
        "WT103",
        "a self-pipe, and a job server",
        pipe!(
            "
def parent():
    pipe(6, 7)
    run(['sh', '-c', 'sleep 600; true']); run(['tail', '-f', '/dev/null'])
    select.select([6], [], [])
reader = fork(parent)
ready(reader); signal.pause()"
        ),
    ),
];
