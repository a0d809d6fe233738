//! WT210: stopped processes.

use super::{Scene, fires, quiet};

pub(super) const SCENES: &[Scene] = &[
    fires(
"WT210",
"a client in the queue of a stopped redis",
&[("WT210", "high")],
        r#"
import subprocess
free = S.socket(); free.bind(('127.0.0.1', 0)); port = free.getsockname()[1]; free.close()
redis = subprocess.Popen(['redis-server', '--bind', '127.0.0.1', '--port', str(port), '--save', '', '--dir', '@DIR@'],
    stdout=subprocess.DEVNULL)
for _ in range(200):
    try: S.create_connection(('127.0.0.1', port)).close(); break
    except OSError: time.sleep(0.05)
time.sleep(0.3)
redis.send_signal(signal.SIGSTOP); time.sleep(0.1)
client = S.create_connection(('127.0.0.1', port))
ready(os.getpid(), redis.pid)
rest()
"#,
    )
    .needs(&["redis-server"]),
    fires(
"WT210",
"clients in the queue of a stopped C program",
&[("WT210", "high")],
        r#"
import subprocess
open('@DIR@/s.c', 'w').write('''
#include <sys/socket.h>
#include <sys/un.h>
#include <string.h>
int main(int n, char **a) {
  struct sockaddr_un u = {AF_UNIX}; strcpy(u.sun_path, a[1]);
  int l = socket(AF_UNIX, SOCK_STREAM, 0); bind(l, (void *)&u, sizeof u); listen(l, 9);
  for (;;) accept(l, 0, 0); }''')
subprocess.run(['gcc', '-o', '@DIR@/server', '@DIR@/s.c'], check=True)
server = subprocess.Popen(['@DIR@/server', '@DIR@/s'])
while not os.path.exists('@DIR@/s'): time.sleep(0.02)
time.sleep(0.1)
server.send_signal(signal.SIGSTOP); time.sleep(0.1)
clients = [S.socket(S.AF_UNIX) for _ in range(3)]
for client in clients: client.connect('@DIR@/s')
ready(os.getpid(), server.pid)
rest()
"#,
    )
    .needs(&["gcc"]),
    fires(
"WT210",
"a request over TCP that is not read",
&[("WT210", "high")],
        r#"
listener = S.socket(); listener.bind(('127.0.0.1', 0)); listener.listen()
def serve():
    accepted, _ = listener.accept()
    while True: accepted.recv(100)
server = fork(serve)
client = S.create_connection(listener.getsockname()); listener.close()
time.sleep(0.2); os.kill(server, signal.SIGSTOP); time.sleep(0.1)
client.send(b'GET /')
ready(os.getpid(), server)
client.recv(100)
"#,
    ),
    fires(
"WT210",
"a client that waits for an answer",
&[("WT210", "medium")],
        r#"
listener = S.socket(S.AF_UNIX, S.SOCK_SEQPACKET); listener.bind('@DIR@/s'); listener.listen()
def serve():
    accepted, _ = listener.accept()
    accepted.recv(100); time.sleep(600)
server = fork(serve)
client = S.socket(S.AF_UNIX, S.SOCK_SEQPACKET); client.connect('@DIR@/s'); listener.close()
client.send(b'question')
time.sleep(0.3); os.kill(server, signal.SIGSTOP)
ready(os.getpid(), server)
client.recv(100)
"#,
    ),
    fires(
"WT210",
"datagrams to a stopped logger",
&[("WT210", "high")],
        r#"
log = S.socket(S.AF_UNIX, S.SOCK_DGRAM); log.bind('@DIR@/log')
def serve():
    while True: log.recv(100)
server = fork(serve); log.close()
time.sleep(0.1); os.kill(server, signal.SIGSTOP); time.sleep(0.1)
client = S.socket(S.AF_UNIX, S.SOCK_DGRAM); client.connect('@DIR@/log'); client.send(b'line')
ready(os.getpid(), server)
rest()
"#,
    ),
    fires(
"WT210",
"a client of a server at a breakpoint",
&[("WT210", "high")],
        r#"
import ctypes
listener = S.socket(); listener.bind(('127.0.0.1', 0)); listener.listen()
def serve():
    while True: listener.accept()
server = fork(serve)
address = listener.getsockname(); listener.close(); time.sleep(0.1)
ctypes.CDLL(None).ptrace(16, server, 0, 0); os.waitpid(server, 0)
client = S.create_connection(address)
ready(os.getpid(), server)
rest()
"#,
    ),
    fires(
"WT210",
"a client of a server in a frozen control group",
&[("WT210", "high")],
        r#"
listener = S.socket(); listener.bind(('127.0.0.1', 0)); listener.listen()
def serve():
    while True: listener.accept()
server = fork(serve)
address = listener.getsockname(); listener.close(); time.sleep(0.1)
group = '/sys/fs/cgroup/freezer/whotalks-%d' % os.getpid()
v1 = os.path.isdir('/sys/fs/cgroup/freezer')
if not v1: group = '/sys/fs/cgroup/whotalks-%d' % os.getpid()
os.mkdir(group)
def write(file, text): open(group + '/' + file, 'w').write(text)
write('cgroup.procs', str(server))
if v1: write('freezer.state', 'FROZEN')
else: write('cgroup.freeze', '1')
time.sleep(0.2)
client = S.create_connection(address)
# A frozen process cannot be killed: it goes with this one.
if os.fork() == 0:
    quiet(); os.setsid()
    while os.getppid() != 1: time.sleep(0.1)
    write('freezer.state', 'THAWED') if v1 else write('cgroup.freeze', '0')
    os.kill(server, signal.SIGKILL); time.sleep(0.3); os.rmdir(group); os._exit(0)
ready(os.getpid(), server)
rest()
"#,
    ),
    quiet(
"WT210",
"stopped by a debugger, and nobody waits",
        r#"
import ctypes
listener = S.socket(); listener.bind(('127.0.0.1', 0)); listener.listen()
def serve():
    while True: listener.accept()
server = fork(serve)
listener.close(); time.sleep(0.1)
ctypes.CDLL(None).ptrace(16, server, 0, 0); os.waitpid(server, 0)
ready(os.getpid(), server)
rest()
"#,
    ),
    quiet(
"WT210",
"an idle connection to a stopped server",
        r#"
listener = S.socket(S.AF_UNIX); listener.bind('@DIR@/s'); listener.listen()
def serve():
    accepted, _ = listener.accept(); accepted.recv(100)
server = fork(serve)
client = S.socket(S.AF_UNIX); client.connect('@DIR@/s'); listener.close()
time.sleep(0.2); os.kill(server, signal.SIGSTOP)
ready(os.getpid(), server)
rest()
"#,
    ),
    quiet(
"WT210",
"a stopped client of a server that reads",
        r#"
listener = S.socket(S.AF_UNIX); listener.bind('@DIR@/s'); listener.listen()
def connect():
    client = S.socket(S.AF_UNIX); client.connect('@DIR@/s'); listener.close(); time.sleep(600)
client = fork(connect)
accepted, _ = listener.accept()
os.kill(client, signal.SIGSTOP)
ready(os.getpid(), client)
accepted.recv(100)
"#,
    ),
    quiet(
"WT210",
"a server under strace, with a client",
        r#"
import subprocess
listener = S.socket(); listener.bind(('127.0.0.1', 0)); listener.listen()
def serve():
    accepted, _ = listener.accept()
    while True: accepted.send(accepted.recv(100))
server = fork(serve)
def ask():
    client = S.create_connection(listener.getsockname()); listener.close()
    while True: client.send(b'x'); client.recv(100); time.sleep(0.001)
client = fork(ask)
time.sleep(0.1); listener.close()
strace = subprocess.Popen(['strace', '-f', '-o', '/dev/null', '-p', str(server)],
    stderr=subprocess.DEVNULL)
ready(os.getpid(), server, client, strace.pid)
rest()
"#,
    )
    .needs(&["strace"]),
    fires(
"WT210",
"a client that polls for an answer",
&[("WT210", "medium")],
        r#"
a, b = S.socketpair()
def serve():
    a.close(); b.recv(100); time.sleep(600)
server = fork(serve); b.close()
a.send(b'question')
time.sleep(0.3); os.kill(server, signal.SIGSTOP)
ready(os.getpid(), server)
poll = select.poll(); poll.register(a, select.POLLIN); poll.poll()
"#,
    ),
];
