//! WT216: limits of users. Each scene is of a user of its own.

use super::{Scene, fires, quiet};

/// `watch(count)` opens inotify instances; `most` is the limit.
macro_rules! inotify {
    ($script:literal) => {
        concat!(
            r#"
import ctypes
libc = ctypes.CDLL(None)
def watch(count):
    for _ in range(count):
        if libc.inotify_init1(0o2000000) < 0: raise SystemExit('no more instances')
most = int(open('/proc/sys/fs/inotify/max_user_instances').read())
def watcher(count):
    def start():
        watch(count); time.sleep(600)
    return fork(start)
"#,
            $script
        )
    };
}

/// A bus at the usual name below a directory, and `connect(count)`, as another user.
macro_rules! bus {
    ($script:literal) => {
        concat!(
            r#"
os.chmod('@DIR@', 0o755); os.mkdir('@DIR@/dbus')
listener = S.socket(S.AF_UNIX); listener.bind('@DIR@/dbus/system_bus_socket'); listener.listen(300)
os.chmod('@DIR@/dbus/system_bus_socket', 0o666)
def serve(kept=[]):
    e = select.epoll(); e.register(listener, select.EPOLLIN)
    while e.poll(): kept.append(listener.accept())
bus = fork(serve); listener.close()
def client(count, uid):
    def start():
        os.setuid(uid); kept = []
        for _ in range(count):
            s = S.socket(S.AF_UNIX); s.connect('@DIR@/dbus/system_bus_socket'); kept.append(s)
        time.sleep(600)
    return fork(start)
"#,
            $script
        )
    };
}

pub(super) const SCENES: &[Scene] = &[
    fires(
        "WT216",
        "inotify instances of one process",
        &[("WT216", "medium")],
        inotify!(
            r#"
os.setuid(61001)
watch(most * 86 // 100)
ready(os.getpid())
rest()
"#
        ),
    ),
    fires(
        "WT216",
        "inotify instances of three processes",
        &[("WT216", "medium")],
        inotify!(
            r#"
os.setuid(61002)
pids = [watcher(most * 28 // 100 + 1) for _ in range(3)]
ready(os.getpid(), *pids)
rest()
"#
        ),
    ),
    fires(
        "WT216",
        "hardly any inotify instance is left",
        &[("WT216", "high")],
        inotify!(
            r#"
os.setuid(61003)
watch(most - 2)
ready(os.getpid())
rest()
"#
        ),
    ),
    fires(
        "WT216",
        "connections to the system bus",
        &[("WT216", "medium")],
        bus!(
            r#"
pid = client(215, 61004); time.sleep(0.5)
ready(os.getpid(), pid)
rest()
"#
        ),
    ),
    quiet(
        "WT216",
        "half of the inotify instances",
        inotify!(
            r#"
os.setuid(61005)
watch(most // 2)
ready(os.getpid())
rest()
"#
        ),
    ),
    quiet(
        "WT216",
        "instances that forked workers share",
        inotify!(
            r#"
os.setuid(61006)
watch(most // 4)
pids = [fork(rest) for _ in range(6)]
ready(os.getpid(), *pids)
rest()
"#
        ),
    ),
    quiet(
        "WT216",
        "as many connections to the bus, of two users",
        bus!(
            r#"
pids = [client(120, 61007), client(120, 61008)]; time.sleep(0.5)
ready(os.getpid(), bus, *pids)
rest()
"#
        ),
    ),
];
