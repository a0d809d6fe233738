//! WT215: zombies.

use super::{Scene, fires, quiet};

pub(super) const SCENES: &[Scene] = &[
    fires(
        "WT215",
        "a program that collects nobody",
        &[("WT215", "medium")],
        r#"
for _ in range(25):
    if os.fork() == 0: os._exit(0)
ready(os.getpid())
rest()
"#,
    ),
    fires(
        "WT215",
        "a shell that became another program",
        &[("WT215", "medium")],
        r#"
import subprocess
run = 'i=0; while [ $i -lt 30 ]; do sleep 0.6 & i=$((i+1)); done; exec sleep 600'
shell = subprocess.Popen(['sh', '-c', run])
time.sleep(1.2)
ready(os.getpid(), shell.pid)
rest()
"#,
    ),
    fires(
        "WT215",
        "process 1 of a container does not expect orphans",
        &[("WT215", "medium")],
        r#"
for _ in range(25):
    if os.fork() == 0:
        if os.fork() == 0: time.sleep(0.2)
        os._exit(0)
    os.wait()
time.sleep(0.5)
ready(int(os.readlink('/proc/self')))
rest()
"#,
    )
    .through(&["unshare", "-n", "-p", "-f"]),
    fires(
        "WT215",
        "a stopped parent",
        &[("WT215", "medium")],
        r#"
def parent():
    for _ in range(25):
        if os.fork() == 0: time.sleep(0.2); os._exit(0)
    while True: os.wait()
pid = fork(parent)
time.sleep(0.15); os.kill(pid, signal.SIGSTOP); time.sleep(0.5)
ready(os.getpid(), pid)
rest()
"#,
    ),
    quiet(
        "WT215",
        "a handful",
        r#"
for _ in range(8):
    if os.fork() == 0: os._exit(0)
ready(os.getpid())
rest()
"#,
    ),
    quiet(
        "WT215",
        "as many of two parents",
        r#"
def parent():
    for _ in range(15):
        if os.fork() == 0: os._exit(0)
    time.sleep(600)
pids = [fork(parent), fork(parent)]
ready(os.getpid(), *pids)
rest()
"#,
    ),
    quiet(
        "WT215",
        "a parent that ignores SIGCHLD",
        r#"
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in range(30):
    if os.fork() == 0: os._exit(0)
ready(os.getpid())
rest()
"#,
    ),
    quiet(
        "WT215",
        "main threads that have exited, while others go on",
        r#"
import ctypes, threading
libc = ctypes.CDLL(None)
def lives_on():
    threading.Thread(target=lambda: time.sleep(600)).start()
    time.sleep(0.1)
    libc.syscall(60, 0)
pids = [fork(lives_on) for _ in range(22)]
ready(os.getpid(), *pids)
rest()
"#,
    ),
];
