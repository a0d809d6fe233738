//! WT211: pipes that are not read.

use super::{Scene, fires, quiet};

pub(super) const SCENES: &[Scene] = &[
    fires(
        "WT211",
        "a parent that waits for its child to exit",
        &[("WT211", "high")],
        r#"
r, w = os.pipe()
def write():
    os.close(r); os.write(w, b'x' * 200000)
child = fork(write); os.close(w)
ready(os.getpid(), child)
os.waitpid(child, 0)
"#,
    ),
    fires(
        "WT211",
        "a parent that reads the output first, and then the errors",
        &[("WT211", "high")],
        r#"
import subprocess
child = subprocess.Popen(['python3', '-c', '''import os, sys; os.write(2, b"x" * 200000)'''],
    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
ready(os.getpid(), child.pid)
child.stdout.read()
"#,
    ),
    fires(
        "WT211",
        "a stopped reader of a FIFO",
        &[("WT211", "high")],
        r#"
os.mkfifo('@DIR@/fifo')
def read():
    f = os.open('@DIR@/fifo', os.O_RDONLY)
    while True: os.read(f, 100)
reader = fork(read)
f = os.open('@DIR@/fifo', os.O_WRONLY)
time.sleep(0.2); os.kill(reader, signal.SIGSTOP); time.sleep(0.1)
ready(os.getpid(), reader)
os.write(f, b'x' * 200000)
"#,
    ),
    fires(
        "WT211",
        "a reader that waits for a signal",
        &[("WT211", "medium")],
        r#"
r, w = os.pipe()
def read():
    os.close(w); signal.pause()
reader = fork(read); os.close(r)
ready(os.getpid(), reader)
os.write(w, b'x' * 200000)
"#,
    ),
    fires(
        "WT211",
        "a reader that sleeps",
        &[("WT211", "low")],
        r#"
r, w = os.pipe()
def read():
    os.close(w); time.sleep(600)
reader = fork(read); os.close(r)
ready(os.getpid(), reader)
os.write(w, b'x' * 200000)
"#,
    ),
    fires(
        "WT211",
        "a shell's loop over lines",
        &[("WT211", "low")],
        r#"
import subprocess
loop = subprocess.Popen(['sh', '-c', 'yes | while read line; do sleep 600; done; true'])
time.sleep(0.4)
family = [loop.pid]
for pid in family:
    family += [int(c) for c in open(f'/proc/{pid}/task/{pid}/children').read().split()]
ready(os.getpid(), *family)
rest()
"#,
    ),
    fires(
        "WT211",
        "the end of a chain of three",
        &[("WT211", "medium")],
        r#"
(ar, aw), (br, bw) = os.pipe(), os.pipe()
def first():
    for fd in (ar, br, bw): os.close(fd)
    while True: os.write(aw, b'x' * 60000)
def second():
    for fd in (aw, br): os.close(fd)
    while True: os.write(bw, os.read(ar, 60000))
def third():
    for fd in (ar, aw, bw): os.close(fd)
    signal.pause()
pids = [fork(run) for run in (first, second, third)]
for fd in (ar, aw, br, bw): os.close(fd)
ready(os.getpid(), *pids)
rest()
"#,
    ),
    quiet(
        "WT211",
        "a pager that asks its user",
        r#"
import pty
r, w = os.pipe()
master, slave = pty.openpty()
def page():
    os.close(w); os.read(r, 4096); os.read(slave, 1)
pager = fork(page); os.close(r); os.close(slave)
ready(os.getpid(), pager)
os.write(w, b'x' * 200000)
"#,
    ),
    quiet(
        "WT211",
        "a reader that watches the pipe, edge-triggered",
        r#"
r, w = os.pipe()
def read():
    os.close(w)
    e = select.epoll(); e.register(r, select.EPOLLIN | select.EPOLLET)
    while True: e.poll()
reader = fork(read); os.close(r)
ready(os.getpid(), reader)
os.write(w, b'x' * 65536); os.write(w, b'x' * 100)
"#,
    ),
    quiet(
        "WT211",
        "a reader that polls a writer's space too",
        r#"
import fcntl
(r, w), (to_r, to_w) = os.pipe(), os.pipe()
def read():
    os.close(w)
    fcntl.fcntl(to_w, fcntl.F_SETFL, os.O_NONBLOCK)
    try:
        while True: os.write(to_w, b'x' * 60000)
    except BlockingIOError: pass
    poll = select.poll(); poll.register(to_w, select.POLLOUT); poll.poll()
reader = fork(read); os.close(r); os.close(to_w)
ready(os.getpid(), reader)
os.write(w, b'x' * 200000)
"#,
    ),
    quiet(
        "WT211",
        "a pipe with room",
        r#"
r, w = os.pipe()
def read():
    os.close(w); signal.pause()
reader = fork(read); os.close(r)
os.write(w, b'x' * 1000)
ready(os.getpid(), reader)
rest()
"#,
    ),
    fires(
        "WT211",
        "a parent that polls the output alone",
        &[("WT211", "high")],
        r#"
import subprocess
child = subprocess.Popen(['sh', '-c', 'head -c 200000 /dev/zero >&2'],
    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
time.sleep(0.3)
head = int(open(f'/proc/{child.pid}/task/{child.pid}/children').read().split()[0])
ready(os.getpid(), child.pid, head)
select.select([child.stdout], [], [])
"#,
    )
    .needs(&["head"]),
];
