//! WT307, WT309, WT310, WT311: programs with sockets that they should not have. As root.

use super::{Scene, fires, quiet};

/// Helpers: another program with a socket, a program under another name.
macro_rules! program {
    ($rest:literal) => {
        concat!(
            "
import shutil
def reuse(kind, address, port=0):
    s = S.socket(S.AF_INET, kind); s.setsockopt(S.SOL_SOCKET, S.SO_REUSEPORT, 1)
    s.bind((address, port))
    if kind == S.SOCK_STREAM: s.listen()
    return s
def exec(argv, program=None, fds={}):
    # Runs a program with these descriptors.
    pid = os.fork()
    if pid: return pid
    quiet()
    for number, fd in fds.items(): os.dup2(fd, number)
    os.closerange(3 + max([2, *fds]) - 2, 1024)
    os.execv(program or shutil.which(argv[0]), argv)
def other(s):
    # Another program has the socket.
    waits = 'open(S, \"+<&=9\"); accept(C, S); sleep 600'
    pid = exec(['perl', '-e', waits], fds={9: s.fileno()}); s.close()
    return pid
def copy(program, name):
    shutil.copy(shutil.which(program), name); return os.getcwd() + '/' + name
def connection():
    # A connection with a server that accepts; its client's end.
    s = S.socket(); s.bind(('127.0.0.1', 0)); s.listen()
    c = S.create_connection(s.getsockname()); fork(lambda: (c.close(), s.accept(), rest()))
    s.close(); return c
",
            $rest
        )
    };
}

pub(super) const SCENES: &[Scene] = &[
    fires(
        "WT307",
        "UDP on one address",
        &[("WT307", "medium")],
        program!(
            "a = reuse(S.SOCK_DGRAM, '127.0.0.1'); b = reuse(S.SOCK_DGRAM, *a.getsockname())
ready(os.getpid(), other(b)); rest()"
        ),
    ),
    fires(
        "WT307",
        "a wildcard listener that is shadowed",
        &[("WT307", "medium")],
        program!(
            "a = reuse(S.SOCK_STREAM, '0.0.0.0'); b = reuse(S.SOCK_STREAM, '127.0.0.1', a.getsockname()[1])
ready(os.getpid(), other(b)); rest()"
        ),
    ),
    fires(
        "WT307",
        "a UDP wildcard that is shadowed",
        &[("WT307", "medium")],
        program!(
            "a = reuse(S.SOCK_DGRAM, '0.0.0.0'); b = reuse(S.SOCK_DGRAM, '127.0.0.1', a.getsockname()[1])
ready(os.getpid(), other(b)); rest()"
        ),
    ),
    quiet(
        "WT307",
        "a multicast address",
        program!(
            "a = reuse(S.SOCK_DGRAM, '239.1.2.3'); b = reuse(S.SOCK_DGRAM, *a.getsockname())
ready(os.getpid(), other(b)); rest()"
        ),
    ),
    quiet(
        "WT307",
        "one program on the wildcard and on an address",
        program!(
            "a = reuse(S.SOCK_DGRAM, '0.0.0.0'); b = reuse(S.SOCK_DGRAM, '127.0.0.1', a.getsockname()[1])
ready(os.getpid()); rest()"
        ),
    ),
    quiet(
        "WT307",
        "UDP that is connected",
        program!(
            "a = reuse(S.SOCK_DGRAM, '127.0.0.1'); b = reuse(S.SOCK_DGRAM, *a.getsockname())
for s in (a, b): s.connect(('127.0.0.1', 9))
ready(os.getpid(), other(b)); rest()"
        ),
    ),
    fires(
        "WT310",
        "a shell with a connection as descriptor 5",
        &[("WT310", "high")],
        program!(
            "c = connection(); shell = exec(['bash', '-c', 'read -u 5 x'], fds={5: c.fileno()}); c.close()
ready(shell); rest()"
        ),
    ),
    fires(
        "WT310",
        "shells of one session",
        &[("WT310", "high")],
        program!(
            "c = connection(); fd = c.fileno()
shell = exec(['sh', '-c', 'sh -c \"sleep 600; true\"; true'], fds={0: fd, 1: fd, 2: fd}); c.close()
ready(shell); rest()"
        ),
    ),
    fires(
        "WT310",
        "a renamed shell, by the name that it was started by",
        &[("WT310", "high")],
        program!(
            "c = connection(); fd = c.fileno()
shell = exec(['-sh', '-c', 'read x'], copy('dash', 'x'), fds={0: fd, 1: fd, 2: fd}); c.close()
ready(shell); rest()"
        ),
    ),
    quiet(
        "WT310",
        "a program that is no shell",
        program!(
            "c = connection(); other = exec(['cat'], fds={0: c.fileno()}); c.close()
ready(other); rest()"
        ),
    ),
    quiet(
        "WT310",
        "a shell on a Unix socket",
        program!(
            "a, b = S.socketpair(); shell = exec(['sh', '-c', 'read x'], fds={0: a.fileno()}); a.close()
ready(shell); rest()"
        ),
    ),
    quiet(
        "WT310",
        "an interpreter that serves",
        program!("c = connection(); ready(os.getpid()); rest()"),
    ),
    fires(
        "WT311",
        "raw packets of IPv4",
        &[("WT311", "medium")],
        "s = S.socket(S.AF_PACKET, S.SOCK_RAW, S.htons(0x0800)); ready(os.getpid()); rest()",
    ),
    fires(
        "WT311",
        "cooked packets of IPv6",
        &[("WT311", "medium")],
        "s = S.socket(S.AF_PACKET, S.SOCK_DGRAM, S.htons(0x86dd)); ready(os.getpid()); rest()",
    ),
    fires(
        "WT311",
        "a program with the name of one that may",
        &[("WT311", "high")],
        program!(
            "s = S.socket(S.AF_PACKET, S.SOCK_RAW, S.htons(3))
sniffer = exec(['dhclient', '600'], copy('sleep', 'dhclient'), fds={9: s.fileno()}); s.close()
ready(sniffer); rest()"
        ),
    ),
    fires(
        "WT311",
        "a raw socket of a program with the name of a manager",
        &[("WT311", "high")],
        program!(
            "s = S.socket(S.AF_INET, S.SOCK_RAW, S.IPPROTO_UDP)
sniffer = exec(['systemd', '600'], copy('sleep', 'systemd'), fds={9: s.fileno()}); s.close()
ready(sniffer); rest()"
        ),
    ),
    quiet(
        "WT311",
        "a raw socket that only sends",
        "s = S.socket(S.AF_INET, S.SOCK_RAW, S.IPPROTO_RAW); ready(os.getpid()); rest()",
    ),
    quiet(
        "WT311",
        "packets of one protocol of its own",
        "s = S.socket(S.AF_PACKET, S.SOCK_RAW, S.htons(0x88cc)); ready(os.getpid()); rest()",
    ),
    quiet(
        "WT311",
        "a packet socket that receives nothing",
        "s = S.socket(S.AF_PACKET, S.SOCK_RAW, 0); ready(os.getpid()); rest()",
    ),
    fires(
        "WT309",
        "a deleted program with the name of a manager",
        &[("WT309", "medium")],
        program!(
            "s = S.socket(S.AF_INET, S.SOCK_DGRAM); s.bind(('0.0.0.0', 0))
deleted = exec(['systemd', '600'], copy('sleep', 'systemd'), fds={9: s.fileno()}); s.close()
time.sleep(0.2); os.unlink('systemd'); ready(deleted); rest()"
        ),
    ),
    fires(
        "WT309",
        "a deleted program with the name of a container manager",
        &[("WT309", "medium")],
        program!(
            "s = S.socket(S.AF_INET6, S.SOCK_DGRAM); s.bind(('::', 0))
deleted = exec(['containerd', '600'], copy('sleep', 'containerd'), fds={9: s.fileno()}); s.close()
time.sleep(0.2); os.unlink('containerd'); ready(deleted); rest()"
        ),
    ),
    fires(
        "WT309",
        "a program in memory",
        &[("WT309", "high")],
        program!(
            "s = S.socket(S.AF_INET, S.SOCK_DGRAM); s.bind(('0.0.0.0', 0))
memory = os.memfd_create('systemd'); os.write(memory, open(shutil.which('sleep'), 'rb').read())
hidden = exec(['systemd', '600'], '/proc/%d/fd/%d' % (os.getpid(), memory), fds={9: s.fileno()})
s.close(); time.sleep(0.2); os.close(memory); ready(hidden); rest()"
        ),
    ),
    quiet(
        "WT309",
        "a deleted program without a socket",
        program!(
            "deleted = exec(['agent', '600'], copy('sleep', 'agent'))
time.sleep(0.2); os.unlink('agent'); ready(deleted); rest()"
        ),
    ),
    quiet(
        "WT309",
        "a program that is there",
        program!(
            "s = S.socket(S.AF_INET, S.SOCK_DGRAM); s.bind(('0.0.0.0', 0))
there = exec(['agent', '600'], copy('sleep', 'agent'), fds={9: s.fileno()}); s.close()
ready(there); rest()"
        ),
    ),
    quiet(
        "WT309",
        "a deleted program that talks to its parent",
        program!(
            "a, b = S.socketpair()
deleted = exec(['agent', '600'], copy('sleep', 'agent'), fds={9: a.fileno()}); a.close()
time.sleep(0.2); os.unlink('agent'); ready(deleted); rest()"
        ),
    ),
];
