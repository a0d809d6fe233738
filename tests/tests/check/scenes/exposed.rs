//! WT312: services for the machine itself, on all of its addresses.

use super::{Scene, fires, quiet};

/// `run(name, *arguments)` executes a script of that name, which listens on `--listen ADDRESS:PORT`.
macro_rules! service {
    ($script:literal) => {
        concat!(
            r#"
import subprocess
SERVES = '''
import socket, sys, time
for kind in sys.argv[1].split(","):
    s = socket.socket(socket.AF_INET, dict(tcp=socket.SOCK_STREAM, udp=socket.SOCK_DGRAM)[kind])
    s.bind((sys.argv[2], int(sys.argv[3]))); kept = [s, kind == "tcp" and s.listen()]
    globals()[kind] = s
time.sleep(600)
'''
def run(name, kinds, address, port, *arguments):
    open('@DIR@/' + name, 'w').write(SERVES)
    command = ['python3', '@DIR@/' + name, kinds, address, str(port), *arguments]
    return subprocess.Popen(command).pid
def free():
    s = S.socket(); s.bind(('127.0.0.1', 0)); return s.getsockname()[1]
def redis(*arguments):
    port = str(free())
    return subprocess.Popen(['redis-server', '--port', port, '--save', '', '--dir', '@DIR@',
        *arguments], stdout=subprocess.DEVNULL).pid
"#,
            $script
        )
    };
}

pub(super) const SCENES: &[Scene] = &[
    fires(
"WT312",
"a redis",
&[("WT312", "low")], service!(r#"
pid = redis('--bind', '0.0.0.0'); time.sleep(0.7)
ready(pid)
rest()
"#))
    .needs(&["redis-server"]),
    fires(
"WT312",
"the Docker API without TLS",
&[("WT312", "high")], service!(r#"
port = free()
pid = run('dockerd', 'tcp', '0.0.0.0', port, '-H', f'tcp://0.0.0.0:{port}'); time.sleep(0.4)
ready(pid)
rest()
"#)),
    fires(
"WT312",
"a memcached, over UDP too",
&[("WT312", "high")], service!(r#"
pid = run('memcached', 'tcp,udp', '0.0.0.0', free(), '-m', '64'); time.sleep(0.4)
ready(pid)
rest()
"#)),
    fires(
"WT312",
"an etcd without certificates",
&[("WT312", "medium")], service!(r#"
port = free()
pid = run('etcd', 'tcp', '0.0.0.0', port, '--listen-client-urls', f'http://0.0.0.0:{port}')
time.sleep(0.4)
ready(pid)
rest()
"#)),
    quiet(
"WT312",
"a redis on the loopback interface", service!(r#"
pid = redis('--bind', '127.0.0.1'); time.sleep(0.7)
ready(pid)
rest()
"#))
    .needs(&["redis-server"]),
    quiet(
"WT312",
"in a namespace with a veth pair only", service!(r#"
subprocess.run('ip link set lo up; ip link add va type veth peer name vb; ip addr add 10.9.9.1/24 dev va;'
    'ip link set va up; ip link set vb up', shell=True, check=True)
pid = run('memcached', 'tcp', '0.0.0.0', 11211); time.sleep(0.4)
ready(pid)
rest()
"#))
    .in_netns()
    .needs(&["ip"]),
    quiet(
"WT312",
"the Docker API with TLS", service!(r#"
port = free()
pid = run('dockerd', 'tcp', '0.0.0.0', port, '-H', f'tcp://0.0.0.0:{port}', '--tlsverify')
time.sleep(0.4)
ready(pid)
rest()
"#)),
    quiet(
"WT312",
"a web server", service!(r#"
pid = run('app', 'tcp', '0.0.0.0', free()); time.sleep(0.4)
ready(pid)
rest()
"#)),
];
