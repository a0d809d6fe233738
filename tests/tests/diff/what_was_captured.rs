//! Captures with and without arguments, and redacted ones.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use whotalks_tests::programs::{Ran, programs, run};

use crate::program::Program;
use crate::scene::Scene;

fn scene() -> (Scene, [Program; 2]) {
    let scene = Scene::new();
    let directory = scene.world.directory().to_str().unwrap().to_owned();
    let mut server = Program::start(&scene, "server");
    server.does(&format!("l = listen('{directory}/app')"));
    let mut client = Program::start(&scene, "client");
    client.does(&format!("c = join('{directory}/app')"));
    server.does("c = accept(l)");
    (scene, [server, client])
}

#[test]
fn without_arguments() {
    let (scene, mut running) = scene();
    let directory = scene.world.directory().to_str().unwrap().to_owned();
    let full = scene.capture("full");
    let take = |name: &str| {
        let file = scene.world.directory().join(format!("{name}.whotalks"));
        std::fs::rename(scene.world.snapshot_with(&["--cmdline", "none"]), &file).unwrap();
        file
    };
    let none = take("none");
    let only = format!("socket:{directory}/*");
    let only = ["--only", &only];
    for (old, new) in [(&full, &none), (&none, &full)] {
        assert_eq!(scene.diff_only(&only, old, new), [""; 0]);
        let text = diff(&only, old, new).succeeds();
        assert!(
            text.text().contains(" one has no command lines: "),
            "{}",
            text.text()
        );
    }
    // A restart, too.
    let [_, client] = &mut running;
    client.does("c.close()");
    *client = Program::start(&scene, "client");
    running[1].does(&format!("c = join('{directory}/app')"));
    running[0].does("c = accept(l)");
    let lines = scene.diff_only(&only, &full, &take("restarted"));
    // Interpreters without a script are of one role: other tests have some.
    let is_process = |line: &String| line.contains(" process python3");
    assert!(
        !lines.is_empty() && lines.iter().all(is_process),
        "{lines:?}"
    );
}

fn diff(arguments: &[&str], old: &Path, new: &Path) -> Ran {
    let mut command = Command::new(&programs().analyze);
    run(command.arg("diff").args(arguments).args([old, new]), b"")
}

#[test]
fn redacted() {
    let (scene, _running) = scene();
    let before = scene.capture("before");
    let after = scene.capture("after");
    let key = scene.world.directory().join("key");
    let redact = |file: &Path, name: &str, more: &[&Path]| -> PathBuf {
        let out = scene.world.directory().join(format!("{name}.whotalks"));
        let mut command = Command::new(&programs().analyze);
        command.arg("redact").arg(file).arg("-o").arg(&out);
        for key in more {
            command.arg("--map").arg(key);
        }
        run(&mut command, b"").succeeds();
        out
    };
    let other_keys = [redact(&before, "a", &[]), redact(&after, "b", &[])];
    let one_key = [redact(&before, "c", &[&key]), redact(&after, "d", &[&key])];
    for (old, new, why) in [
        (
            &other_keys[0],
            &other_keys[1],
            "the two were redacted with different keys",
        ),
        (&before, &other_keys[1], "only the new one is redacted"),
        (&other_keys[0], &after, "only the old one is redacted"),
    ] {
        let ran = diff(&["--format", "json"], old, new).exits(2);
        assert!(ran.stderr.contains(why), "{}", ran.stderr);
        let document: Value = serde_json::from_slice(&ran.stdout).unwrap();
        assert_eq!(document["comparable"], false);
        assert_eq!(crate::scene::lines(&document), [""; 0]);
    }
    let ran = diff(&["--format", "json"], &one_key[0], &one_key[1]);
    let document: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(document["comparable"], true, "{document:#}");
}
