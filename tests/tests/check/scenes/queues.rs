//! WT203, WT204: clients that have gone and are still in a queue; readers that do not read.

use super::{Scene, fires, quiet};

pub(super) const SCENES: &[Scene] = &[
    fires(
        "WT203",
        "a TCP client",
        &[("WT203", "low")],
        "s = S.socket(); s.bind(('127.0.0.1', 0)); s.listen()
c = S.create_connection(s.getsockname()); c.close(); ready(os.getpid()); rest()",
    ),
    fires(
        "WT203",
        "TCP clients that fill the queue",
        &[("WT203", "medium")],
        "s = S.socket(); s.bind(('127.0.0.1', 0)); s.listen(2)
for _ in range(2): S.create_connection(s.getsockname()).close()
ready(os.getpid()); rest()",
    ),
    fires(
        "WT203",
        "a Unix client of packets",
        &[("WT203", "low")],
        "s = S.socket(S.AF_UNIX, S.SOCK_SEQPACKET); s.bind('sock'); s.listen()
c = S.socket(S.AF_UNIX, S.SOCK_SEQPACKET); c.connect('sock'); c.close(); ready(os.getpid()); rest()",
    ),
    quiet(
        "WT203",
        "a TCP client that waits",
        "s = S.socket(); s.bind(('127.0.0.1', 0)); s.listen()
c = S.create_connection(s.getsockname()); ready(os.getpid()); rest()",
    ),
    quiet(
        "WT203",
        "a TCP client that has sent all that it will",
        "s = S.socket(); s.bind(('127.0.0.1', 0)); s.listen()
c = S.create_connection(s.getsockname()); c.shutdown(S.SHUT_WR); ready(os.getpid()); rest()",
    ),
    quiet(
        "WT203",
        "a TCP client that was accepted",
        "s = S.socket(); s.bind(('127.0.0.1', 0)); s.listen()
c = S.create_connection(s.getsockname()); a = s.accept(); c.close(); ready(os.getpid()); s.accept()",
    ),
    fires(
        "WT204",
        "a UDP server that does not read, and packets are dropped",
        &[("WT204", "high")],
        "s = S.socket(S.AF_INET, S.SOCK_DGRAM); s.bind(('127.0.0.1', 0)); c = S.socket(S.AF_INET, S.SOCK_DGRAM)
for _ in range(5000): c.sendto(b'x' * 200, s.getsockname())
c.close(); ready(os.getpid()); signal.pause()",
    ),
    fires(
        "WT204",
        "a client of UDP that does not read its answers",
        &[("WT204", "high")],
        "s = S.socket(S.AF_INET6, S.SOCK_DGRAM); s.bind(('::1', 0)); c = S.socket(S.AF_INET6, S.SOCK_DGRAM)
c.connect(s.getsockname()); c.send(b'x'); a = s.recvfrom(9)[1]
for _ in range(5000): s.sendto(b'x' * 200, a)
s.close(); ready(os.getpid()); signal.pause()",
    ),
    fires(
        "WT204",
        "a stream that is not read, and a writer that is blocked",
        &[("WT204", "high")],
        "a, b = S.socketpair()
writer = fork(lambda: (b.close(), a.sendall(b'x' * 9000000))); a.close()
ready(os.getpid(), writer); signal.pause()",
    ),
    quiet(
        "WT204",
        "a few datagrams",
        "s = S.socket(S.AF_INET, S.SOCK_DGRAM); s.bind(('127.0.0.1', 0)); c = S.socket(S.AF_INET, S.SOCK_DGRAM)
for _ in range(5): c.sendto(b'x' * 200, s.getsockname())
ready(os.getpid()); signal.pause()",
    ),
    quiet(
        "WT204",
        "packets were dropped, and all others read",
        "s = S.socket(S.AF_INET, S.SOCK_DGRAM); s.bind(('127.0.0.1', 0)); c = S.socket(S.AF_INET, S.SOCK_DGRAM)
for _ in range(5000): c.sendto(b'x' * 200, s.getsockname())
s.setblocking(False)
try:
    while True: s.recv(999)
except BlockingIOError: pass
ready(os.getpid()); signal.pause()",
    ),
    quiet(
        "WT204",
        "a server that waits",
        "s = S.socket(S.AF_INET, S.SOCK_DGRAM); s.bind(('127.0.0.1', 0)); ready(os.getpid()); s.recv(9)",
    ),
];
