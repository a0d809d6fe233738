//! WT314: deleted programs that listen.

use super::{Scene, fires, quiet};

/// `run(path, code)` runs a copy of Python at a path.
macro_rules! agent {
    ($script:literal) => {
        concat!(
            r#"
import shutil, subprocess
def run(path, code):
    if path: shutil.copy(os.path.realpath(sys.executable), path)
    agent = subprocess.Popen([path, '-c', 'import socket, time; ' + code + '; time.sleep(600)'],
        env=dict(os.environ, PYTHONHOME=sys.base_prefix))
    time.sleep(0.5)
    return agent.pid
LOOPBACK = 's = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()'
UNIX = 's = socket.socket(socket.AF_UNIX); s.bind("@DIR@/agent.sock"); s.listen()'
"#,
            $script
        )
    };
}

pub(super) const SCENES: &[Scene] = &[
    fires(
        "WT314",
        "on the loopback interface",
        &[("WT314", "medium")],
        agent!(
            r#"
pid = run('@DIR@/agent', LOOPBACK); os.unlink('@DIR@/agent')
ready(pid)
rest()
"#
        ),
    ),
    fires(
        "WT314",
        "on a Unix socket",
        &[("WT314", "medium")],
        agent!(
            r#"
pid = run('@DIR@/agent', UNIX); os.unlink('@DIR@/agent')
ready(pid)
rest()
"#
        ),
    ),
    fires(
        "WT314",
        "from memory",
        &[("WT314", "medium")],
        agent!(
            r#"
memory = os.memfd_create('agent', 0)
with open(os.path.realpath(sys.executable), 'rb') as program: os.write(memory, program.read())
pid = os.fork()
if pid == 0:
    quiet(); os.environ['PYTHONHOME'] = sys.base_prefix
    os.execv(f'/proc/self/fd/{memory}', ['agent', '-c', 'import socket, time; ' + LOOPBACK + '; time.sleep(600)'])
time.sleep(0.5)
ready(pid)
rest()
"#
        ),
    ),
    fires(
        "WT314",
        "an upgrade",
        &[("WT314", "low")],
        agent!(
            r#"
pid = run('@DIR@/daemon', LOOPBACK)
shutil.copy('/bin/true', '@DIR@/new'); os.rename('@DIR@/new', '@DIR@/daemon')
ready(pid)
rest()
"#
        ),
    ),
    quiet(
        "WT314",
        "its file is still there",
        agent!(
            r#"
pid = run('@DIR@/agent', LOOPBACK)
ready(pid)
rest()
"#
        ),
    ),
    quiet(
        "WT314",
        "it has no listener",
        agent!(
            r#"
pid = run('@DIR@/agent', 'a, b = socket.socketpair()'); os.unlink('@DIR@/agent')
ready(pid)
rest()
"#
        ),
    ),
    quiet(
        "WT314",
        "it has moved",
        agent!(
            r#"
pid = run('@DIR@/agent', LOOPBACK); os.rename('@DIR@/agent', '@DIR@/elsewhere')
ready(pid)
rest()
"#
        ),
    ),
    fires(
        "WT309",
        "it reaches further",
        &[("WT309", "medium")],
        agent!(
            r#"
pid = run('@DIR@/agent', LOOPBACK.replace('127.0.0.1', '0.0.0.0')); os.unlink('@DIR@/agent')
ready(pid)
rest()
"#
        ),
    ),
];
