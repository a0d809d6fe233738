//! WT212 and WT213: TCP connections that are not answered, listeners that are not served.

use super::{Scene, fires, quiet};

/// Two network namespaces with a veth pair, 10.9.0.1 and 10.9.0.2; `there(run)` forks into the second.
macro_rules! veth {
    ($script:literal) => {
        concat!(
            r#"
import subprocess
def sh(command): subprocess.run(command, shell=True, check=True, stdout=subprocess.DEVNULL)
def there(run):
    r, w = os.pipe(); go, begin = os.pipe()
    pid = os.fork()
    if pid == 0:
        quiet()
        subprocess.run  # loaded before the namespace changes
        import ctypes; ctypes.CDLL(None).unshare(0x40000000)
        os.write(w, b'x'); os.read(go, 1)
        for fd in (r, w, go, begin): os.close(fd)
        run(); os._exit(1)
    os.read(r, 1)
    sh(f'ip link add va type veth peer name vb netns {pid}')
    sh('ip addr add 10.9.0.1/24 dev va; ip link set va up; ip link set lo up')
    sh(f'nsenter -t {pid} -n sh -c "ip addr add 10.9.0.2/24 dev vb; ip link set vb up; ip link set lo up"')
    os.write(begin, b'x')
    for fd in (r, w, go, begin): os.close(fd)
    return pid
def serve():
    listener = S.socket(); listener.bind(('10.9.0.2', 7)); listener.listen()
    accepted, _ = listener.accept()
    while True:
        if not accepted.recv(100): time.sleep(600)
def connect():
    for _ in range(100):
        try: return S.create_connection(('10.9.0.2', 7), 1)
        except OSError: time.sleep(0.05)
def drop(pid):
    sh(f'nsenter -t {pid} -n nft "add table ip t; add chain ip t c {{ type filter hook input priority 0; policy drop; }}"')
"#,
            $script
        )
    };
}

/// Two workers that listen on one port, `serve(listener)` and `other(listener)`, and 24 clients.
macro_rules! reuseport {
    ($script:literal) => {
        concat!(
            r#"
def listen(port, kind=S.SOCK_STREAM):
    s = S.socket(S.AF_INET, kind); s.setsockopt(S.SOL_SOCKET, S.SO_REUSEPORT, 1)
    s.bind(('127.0.0.1', port))
    if kind == S.SOCK_STREAM: s.listen(64)
    return s
def accept(listener, kept=[]):
    while True: kept.append(listener.accept())
def worker(run, port):
    def start():
        run(listen(port))
    pid = fork(start); time.sleep(0.2)
    return pid
free = S.socket(); free.bind(('127.0.0.1', 0)); port = free.getsockname()[1]; free.close()
def clients(): return [S.create_connection(('127.0.0.1', port)) for _ in range(24)]
"#,
            $script
        )
    };
}

pub(super) const SCENES: &[Scene] = &[
    fires(
        "WT212",
        "a firewall that drops",
        &[("WT212", "")],
        veth!(
            r#"
server = there(serve); client = connect(); drop(server)
client.settimeout(None); client.send(b'hello'); time.sleep(4)
ready(os.getpid(), server)
client.recv(100)
"#
        ),
    )
    .in_netns()
    .needs(&["nft", "ip"]),
    fires(
        "WT212",
        "a cable that was pulled",
        &[("WT212", "")],
        veth!(
            r#"
server = there(serve); client = connect()
sh(f'nsenter -t {server} -n ip link set vb down')
client.settimeout(None); client.send(b'hello'); time.sleep(4)
ready(os.getpid(), server)
rest()
"#
        ),
    )
    .in_netns()
    .needs(&["ip"]),
    fires(
        "WT212",
        "keepalive probes without an answer",
        &[("WT212", "")],
        veth!(
            r#"
server = there(serve); client = connect()
for option, value in ((S.SO_KEEPALIVE, 1),): client.setsockopt(S.SOL_SOCKET, option, value)
for option in (S.TCP_KEEPIDLE, S.TCP_KEEPINTVL): client.setsockopt(S.IPPROTO_TCP, option, 1)
client.setsockopt(S.IPPROTO_TCP, S.TCP_KEEPCNT, 60)
client.settimeout(None); drop(server); time.sleep(5)
ready(os.getpid(), server)
client.recv(100)
"#
        ),
    )
    .in_netns()
    .needs(&["nft", "ip"]),
    fires(
        "WT212",
        "two connections of a pool",
        &[("WT212", "")],
        r#"
import subprocess
def sh(command): subprocess.run(command, shell=True, check=True)
sh('ip link set lo up')
listener = S.socket(); listener.bind(('127.0.0.1', 7)); listener.listen()
def serve():
    kept = [listener.accept() for _ in range(2)]; time.sleep(600)
server = fork(serve)
clients = [S.create_connection(('127.0.0.1', 7)) for _ in range(2)]; listener.close()
sh('nft "add table ip t; add chain ip t c { type filter hook input priority 0; policy drop; }"')
for client in clients: client.send(b'hello')
time.sleep(4)
ready(os.getpid(), server)
rest()
"#,
    )
    .in_netns()
    .needs(&["nft", "ip"]),
    quiet(
        "WT212",
        "an idle connection",
        veth!(
            r#"
server = there(serve); client = connect()
client.settimeout(None)
ready(os.getpid(), server)
client.recv(100)
"#
        ),
    )
    .in_netns()
    .needs(&["ip"]),
    quiet(
        "WT212",
        "a loss that was made good",
        veth!(
            r#"
server = there(serve); client = connect()
drop(server); client.send(b'hello'); time.sleep(1.5)
sh(f'nsenter -t {server} -n nft delete table ip t'); time.sleep(2)
client.settimeout(None)
ready(os.getpid(), server)
client.recv(100)
"#
        ),
    )
    .in_netns()
    .needs(&["nft", "ip"]),
    quiet(
        "WT212",
        "a full window, whose probes are answered",
        veth!(
            r#"
def hold():
    listener = S.socket(); listener.bind(('10.9.0.2', 7)); listener.listen()
    accepted = listener.accept(); time.sleep(600)
server = there(hold); client = connect()
client.setblocking(False)
try:
    while True: client.send(b'x' * 60000)
except BlockingIOError: pass
time.sleep(3)
ready(os.getpid(), server)
rest()
"#
        ),
    )
    .in_netns()
    .needs(&["ip"]),
    fires(
        "WT213",
        "a worker that waits for a child",
        &[("WT213", "high")],
        reuseport!(
            r#"
def stuck(listener):
    child = os.fork()
    if child == 0: listener.close(); time.sleep(600)
    os.waitpid(child, 0)
pids = [worker(stuck, port), worker(accept, port)]
kept = clients()
ready(os.getpid(), *pids)
rest()
"#
        ),
    ),
    fires(
        "WT213",
        "a worker that sleeps",
        &[("WT213", "medium")],
        reuseport!(
            r#"
pids = [worker(lambda listener: time.sleep(600), port), worker(accept, port), worker(accept, port)]
kept = clients()
ready(os.getpid(), *pids)
rest()
"#
        ),
    ),
    fires(
        "WT213",
        "a receiver of UDP that waits for a signal",
        &[("WT213", "high")],
        reuseport!(
            r#"
def start(run):
    def bound(): run(listen(port, S.SOCK_DGRAM))
    pid = fork(bound); time.sleep(0.2); return pid
def receive(s):
    while True: s.recv(100)
pids = [start(lambda s: signal.pause()), start(receive)]
kept = []
for _ in range(24):
    s = S.socket(S.AF_INET, S.SOCK_DGRAM); s.sendto(b'x', ('127.0.0.1', port)); s.close()
ready(os.getpid(), *pids)
rest()
"#
        ),
    ),
    quiet(
        "WT213",
        "two workers that accept",
        reuseport!(
            r#"
pids = [worker(accept, port), worker(accept, port)]
kept = clients()
ready(os.getpid(), *pids)
rest()
"#
        ),
    ),
    quiet(
        "WT213",
        "clients wait at both",
        reuseport!(
            r#"
pids = [worker(lambda listener: time.sleep(600), port) for _ in range(2)]
kept = clients()
ready(os.getpid(), *pids)
rest()
"#
        ),
    ),
    quiet(
        "WT213",
        "a worker that is busy with a client",
        reuseport!(
            r#"
def one(listener):
    accepted, _ = listener.accept(); accepted.recv(100)
pids = [worker(one, port), worker(accept, port)]
kept = clients()
ready(os.getpid(), *pids)
rest()
"#
        ),
    ),
    fires(
        "WT213",
        "a listener that its worker has forgotten",
        &[("WT213", "high")],
        reuseport!(
            r#"
def forgetful(listener):
    other = listen(port); kept = []
    poll = select.poll(); poll.register(listener, select.POLLIN)
    while poll.poll(): kept.append(listener.accept())
pid = worker(forgetful, port)
kept = clients()
ready(os.getpid(), pid)
rest()
"#
        ),
    ),
];
