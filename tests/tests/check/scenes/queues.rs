//! WT203: clients that have gone and are still in a listener's queue.

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
];
