//! WT101, WT102: connections and listeners that leaked.

use super::{Scene, fires, quiet};

/// A connection at descriptor 77, which children inherit, and what it is connected to.
macro_rules! connected {
    ($rest:literal) => {
        concat!(
            "
a, b = S.socketpair()
os.dup2(a.fileno(), 77); a.close()
def exec(*command):
    quiet(); os.execvp(command[0], command)
def twice(*command):
    # A daemon: its parent ends.
    if os.fork() == 0:
        if os.fork() == 0: exec(*command)
        os._exit(0)
    os.wait()
def run(*command):
    pid = os.fork()
    if pid == 0: exec(*command)
    return pid
",
            $rest
        )
    };
}

/// Two scripts of one interpreter.
macro_rules! scripts {
    ($opener:literal, $other:literal) => {
        concat!(
            "
import subprocess
for name, text in (('opener.py', '''",
            $opener,
            "'''), ('other.py', '''",
            $other,
            "''')):
    open(name, 'w').write('import os, socket as S, subprocess, sys, time\\n' + text)
opener = subprocess.Popen(['python3', 'opener.py'])
time.sleep(0.5)
ready(os.getpid(), opener.pid)
signal.pause()"
        )
    };
}

pub(super) const SCENES: &[Scene] = &[
    fires(
        "WT101",
        "a daemon that forked twice",
        &[("WT101", "medium")],
        connected!("twice('sleep', '600'); ready(os.getpid()); rest()"),
    ),
    fires(
        "WT101",
        "two programs, and who opened it has ended",
        &[("WT101", "medium")],
        connected!(
            "
if os.fork() == 0:
    twice('sleep', '600'); time.sleep(0.05); twice('tail', '-f', '/dev/null'); os._exit(0)
os.close(77); os.wait(); time.sleep(0.1)
import subprocess
pids = subprocess.run(['pgrep', '-g', str(os.getpgid(0))], capture_output=True, text=True).stdout
ready(*pids.split()); rest()"
        ),
    ),
    fires(
        "WT101",
        "a script in another script of its interpreter",
        &[("WT101", "medium")],
        scripts!(
            "a, b = S.socketpair(); os.dup2(a.fileno(), 77); a.close()
other = subprocess.Popen(['python3', 'other.py'], close_fds=False); other.wait()",
            "time.sleep(600)"
        ),
    ),
    fires(
        "WT101",
        "three programs",
        &[("WT101", "high")],
        connected!("run('sh', '-c', 'sleep 600; true'); ready(os.getpid()); rest()"),
    ),
    quiet(
        "WT101",
        "the number stands on the command line",
        connected!("run('perl', '-e', 'sleep 600', '--log', '77'); ready(os.getpid()); rest()"),
    ),
    quiet(
        "WT101",
        "the command reads it",
        connected!(
            "run('perl', '-e', 'open(F, \"<&=77\"); sysread(F, $x, 1)'); ready(os.getpid()); rest()"
        ),
    ),
    quiet(
        "WT101",
        "a store that received it",
        "
import subprocess
c, d = S.socketpair()
open('service.py', 'w').write('''
import os, socket as S, sys, time
a, b = S.socketpair(); c = S.socket(fileno=int(sys.argv[1]))
S.send_fds(c, [b'x'], [a.fileno()]); time.sleep(600)''')
open('store.py', 'w').write('''
import socket as S, sys, time
s = S.socket(fileno=int(sys.argv[1])); kept = S.recv_fds(s, 1, 1); time.sleep(600)''')
both = [subprocess.Popen(['python3', name, str(end.fileno())], pass_fds=[end.fileno()])
        for name, end in (('service.py', c), ('store.py', d))]
time.sleep(0.5)
ready(*[one.pid for one in both]); signal.pause()",
    ),
    quiet(
        "WT101",
        "a child of the same script",
        connected!("fork(rest); ready(os.getpid()); rest()"),
    ),
    fires(
        "WT102",
        "a TCP listener that only a command has left",
        &[("WT102", "medium")],
        connected!(
            "
os.close(77)
s = S.socket(); s.bind(('127.0.0.1', 0)); s.listen(); s.set_inheritable(True)
left = run('sleep', '600'); s.close(); ready(left); rest()"
        ),
    ),
    fires(
        "WT102",
        "a TCP listener in a daemon that forked twice",
        &[("WT102", "medium")],
        connected!(
            "
os.close(77)
s = S.socket(); s.bind(('127.0.0.1', 0)); s.listen(); s.set_inheritable(True)
twice('sleep', '600'); ready(os.getpid()); s.accept()"
        ),
    ),
    fires(
        "WT102",
        "a Unix listener that only a shell has left, and a client waits",
        &[("WT102", "high")],
        connected!(
            "
os.close(77)
s = S.socket(S.AF_UNIX); s.bind('left.sock'); s.listen(); s.set_inheritable(True)
c = S.socket(S.AF_UNIX); c.connect(s.getsockname())
left = run('sh', '-c', 'sleep 600; true'); s.close(); ready(left); rest()"
        ),
    ),
    quiet(
        "WT102",
        "a TCP listener that is served",
        "s = S.socket(); s.bind(('127.0.0.1', 0)); s.listen(); s.set_inheritable(True)
ready(os.getpid()); s.accept()",
    ),
    quiet(
        "WT102",
        "workers of one program",
        "s = S.socket(); s.bind(('127.0.0.1', 0)); s.listen(); s.set_inheritable(True)
workers = [fork(s.accept) for _ in range(3)]
ready(os.getpid(), *workers); os.wait()",
    ),
    quiet(
        "WT102",
        "the parent holds, the command serves",
        connected!(
            "
os.close(77)
s = S.socket(); s.bind(('127.0.0.1', 0)); s.listen(); os.dup2(s.fileno(), 66); s.close()
run('perl', '-e', 'open(S, \"+<&=66\"); accept(C, S)'); ready(os.getpid()); os.wait()"
        ),
    ),
];
