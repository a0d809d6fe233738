//! Names that differ at each start: no difference, and one entry of a policy.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use whotalks_tests::environment::skip;
use whotalks_tests::programs::{programs, run};

use crate::program::Program;
use crate::scene::Scene;

/// How often everything is restarted.
const STARTS: usize = 8;

/// What makes a name for a listener `l`.
const MAKERS: [(&str, &str); 6] = [
    (
        "tempfile",
        "n = tempfile.mkdtemp() + '/app.sock'; l = listen(n)",
    ),
    (
        "prefix",
        "n = tempfile.mktemp(prefix='app-', suffix='.sock'); l = listen(n)",
    ),
    (
        "listener",
        "from multiprocessing.connection import Listener; k = Listener(family='AF_UNIX'); \
         n = k.address; l = k._listener._socket",
    ),
    (
        "mktemp",
        "n = subprocess.run(['mktemp', '-u', tempfile.tempdir + '/foo.XXXXXX'], \
         stdout=-1, text=True).stdout.strip(); l = listen(n)",
    ),
    (
        "mkstemp",
        "n = subprocess.run(['mktemp', '-u', tempfile.tempdir + '/fooXXXXXX'], \
         stdout=-1, text=True).stdout.strip(); l = listen(n)",
    ),
    (
        "pid",
        "n = f'{tempfile.tempdir}/app-{os.getpid()}.sock'; l = listen(n)",
    ),
];

struct Running {
    _programs: Vec<Program>,
    others: Vec<Child>,
}

impl Drop for Running {
    fn drop(&mut self) {
        for other in &mut self.others {
            let _ = other.kill();
            let _ = other.wait();
        }
    }
}

fn start(scene: &Scene) -> Option<Running> {
    let directory = scene.world.directory().to_str().unwrap();
    let mut programs = Vec::new();
    for (name, maker) in MAKERS {
        let mut server = Program::start(scene, name);
        server.does(&format!("tempfile.tempdir = '{directory}'"));
        server.does("os.environ['TMPDIR'] = tempfile.tempdir");
        server.does(maker);
        server.does(&format!("open('{directory}/name', 'w').write(n)"));
        let mut client = Program::start(scene, &format!("{name}-client"));
        client.does(&format!("c = join(open('{directory}/name').read())"));
        server.does("c = accept(l)");
        programs.extend([server, client]);
    }
    let mut others = Vec::new();
    let address = format!("--address=unix:tmpdir={directory}");
    for command in [
        &[
            "dbus-daemon",
            "--session",
            "--nofork",
            "--nopidfile",
            &address,
        ][..],
        &["ssh-agent", "-D"],
    ] {
        let child = Command::new(command[0])
            .args(&command[1..])
            .env("TMPDIR", directory)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        others.push(child.ok()?);
    }
    std::thread::sleep(std::time::Duration::from_millis(500));
    Some(Running {
        _programs: programs,
        others,
    })
}

#[test]
fn restarts_are_restarts_only() {
    let scene = Scene::new();
    let mut files: Vec<PathBuf> = Vec::new();
    for number in 0..STARTS {
        let Some(_running) = start(&scene) else {
            return skip("no dbus-daemon or ssh-agent");
        };
        files.push(scene.capture(&number.to_string()));
    }
    // The agent ignores TMPDIR where it is set-group-ID.
    let only = format!("socket:{}/*", scene.world.directory().display());
    let only = ["--only", &only, "--only", "socket:/tmp/ssh-*"];
    for pair in files.windows(2) {
        let lines = scene.diff_only(&only, &pair[0], &pair[1]);
        let others: Vec<&String> = lines
            .iter()
            .filter(|line| !line.starts_with("replaced process "))
            .collect();
        assert_eq!(others, Vec::<&String>::new());
        // The server and the client of each maker, D-Bus and the agent.
        assert_eq!(lines.len(), 2 * MAKERS.len() + 2, "{lines:?}");
    }
    let mut command = Command::new(&programs().analyze);
    let policy = run(command.arg("learn").args(only).args(&files), b"").succeeds();
    let entries = policy.text().matches("client = ").count();
    assert_eq!(entries, MAKERS.len(), "{}", policy.text());
    // The name of the directory contains this process's id, which is that of their parent.
    let directory = scene.world.directory().to_str().unwrap();
    let directory = directory.replace(&std::process::id().to_string(), "*");
    for via in ["tmp*/app.sock", "app-*.sock", "foo.*", "foo*"] {
        let line = format!("via = \"{directory}/{via}\"");
        assert!(policy.text().contains(&line), "{line}\n{}", policy.text());
    }
}
