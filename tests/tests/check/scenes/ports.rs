//! WT214: ephemeral ports, in namespaces that have only twenty.

use super::{Scene, fires, quiet};

/// A server at 127.0.0.1:7 that keeps what it accepts, and `connect()`.
macro_rules! twenty {
    ($script:literal) => {
        concat!(
            r#"
import subprocess
subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
def setting(name, value): open('/proc/sys/net/ipv4/' + name, 'w').write(value)
setting('ip_local_port_range', '40000 40019'); setting('tcp_tw_reuse', '0')
def listen(port):
    listener = S.socket(); listener.bind(('127.0.0.1', port)); listener.listen(64)
    return listener
def accept(listener, kept=[]):
    while True: kept.append(listener.accept())
def connect(port=7): return S.create_connection(('127.0.0.1', port))
listener = listen(7)
server = fork(lambda: accept(listener))
"#,
            $script
        )
    };
}

pub(super) const SCENES: &[Scene] = &[
    fires(
        "WT214",
        "most ports lead to one server",
        &[("WT214", "medium")],
        twenty!(
            r#"
kept = [connect() for _ in range(17)]; listener.close()
ready(os.getpid(), server)
rest()
"#
        ),
    )
    .in_netns()
    .needs(&["ip"]),
    fires(
        "WT214",
        "connections in TIME-WAIT",
        &[("WT214", "high")],
        twenty!(
            r#"
for _ in range(18): connect().close()
kept = [connect() for _ in range(2)]; listener.close()
ready(os.getpid())
rest()
"#
        ),
    )
    .in_netns()
    .needs(&["ip"]),
    fires(
        "WT214",
        "most of the range is reserved",
        &[("WT214", "high")],
        twenty!(
            r#"
setting('ip_local_reserved_ports', '40010-40019')
kept = [connect() for _ in range(10)]; listener.close()
ready(os.getpid(), server)
rest()
"#
        ),
    )
    .in_netns()
    .needs(&["ip"]),
    fires(
        "WT214",
        "sockets of UDP",
        &[("WT214", "medium")],
        twenty!(
            r#"
listener.close(); kept = []
for _ in range(17):
    s = S.socket(S.AF_INET, S.SOCK_DGRAM); s.bind(('127.0.0.1', 0)); kept.append(s)
ready(os.getpid())
rest()
"#
        ),
    )
    .in_netns()
    .needs(&["ip"]),
    quiet(
        "WT214",
        "half of the ports",
        twenty!(
            r#"
kept = [connect() for _ in range(10)]; listener.close()
ready(os.getpid(), server)
rest()
"#
        ),
    )
    .in_netns()
    .needs(&["ip"]),
    quiet(
        "WT214",
        "as many connections, to two servers",
        twenty!(
            r#"
second = listen(8); other = fork(lambda: accept(second))
kept = [connect(port) for _ in range(10) for port in (7, 8)]
listener.close(); second.close()
ready(os.getpid(), server, other)
rest()
"#
        ),
    )
    .in_netns()
    .needs(&["ip"]),
    quiet(
        "WT214",
        "a server on a port of the range, with many clients",
        twenty!(
            r#"
setting('ip_local_port_range', '40000 40100')
second = listen(40000); other = fork(lambda: accept(second))
kept = [connect(40000) for _ in range(60)]; listener.close(); second.close()
setting('ip_local_port_range', '40000 40000')
setting('ip_local_port_range', '40000 40075')
ready(os.getpid(), server, other)
rest()
"#
        ),
    )
    .in_netns()
    .needs(&["ip"]),
];
