//! WT301, WT304: who may connect, and where names lead. As root.

use super::{Scene, fires, quiet};

/// A server at a path in the scene's own directory.
macro_rules! server {
    ($rest:literal) => {
        concat!(
            "
def serve(name, kind=S.SOCK_STREAM, mode=0o755):
    s = S.socket(S.AF_UNIX, kind)
    s.bind(name if name[0] == '/' else os.getcwd() + '/' + name)
    if mode != 0o755: os.chmod(name, mode)
    if kind != S.SOCK_DGRAM: s.listen()
    return s
",
            $rest,
            "
ready(os.getpid()); rest()"
        )
    };
}

pub(super) const SCENES: &[Scene] = &[
    fires(
        "WT301",
        "a protocol that gives control",
        &[("WT301", "high")],
        server!("s = serve('php-fpm.sock', mode=0o666)"),
    ),
    fires(
        "WT301",
        "a datagram server",
        &[("WT301", "medium")],
        server!("s = serve('daemon.sock', S.SOCK_DGRAM, 0o777)"),
    ),
    fires(
        "WT301",
        "a protocol that is not known, of packets",
        &[("WT301", "medium")],
        server!("s = serve('daemon.sock', S.SOCK_SEQPACKET, 0o722)"),
    ),
    quiet("WT301", "only its user", server!("s = serve('x.sock')")),
    quiet(
        "WT301",
        "a directory that only its user may search",
        server!("os.mkdir('own', 0o700); s = serve('own/x.sock', mode=0o777)"),
    ),
    quiet(
        "WT301",
        "a protocol for all",
        server!("os.mkdir('systemd'); s = serve('systemd/notify', S.SOCK_DGRAM, 0o777)"),
    ),
    fires(
        "WT304",
        "a datagram server whose file was removed",
        &[("WT304", "medium")],
        server!("s = serve('log', S.SOCK_DGRAM); os.unlink('log')"),
    ),
    fires(
        "WT304",
        "a datagram server whose file was replaced",
        &[("WT304", "medium")],
        server!("s = serve('log', S.SOCK_DGRAM); os.unlink('log'); t = serve('log', S.SOCK_DGRAM)"),
    ),
    fires(
        "WT304",
        "another directory is at its path",
        &[("WT304", "medium")],
        server!("os.mkdir('d'); s = serve('d/x'); os.unlink('d/x'); os.rmdir('d'); os.mkdir('d')"),
    ),
    quiet(
        "WT304",
        "a path through the binder's own descriptor",
        server!(
            "os.mkdir('d'); fd = os.open('d', os.O_PATH)
s = serve('/proc/self/fd/%d/attach' % fd); os.close(fd)"
        ),
    ),
    quiet(
        "WT304",
        "it was renamed",
        server!("s = serve('x.tmp'); os.rename('x.tmp', 'x')"),
    ),
    quiet(
        "WT304",
        "a client that bound its socket, and removed the file",
        server!(
            "s = serve('log', S.SOCK_DGRAM); c = serve('client', S.SOCK_DGRAM)
c.connect('log'); os.unlink('client')"
        ),
    ),
];
