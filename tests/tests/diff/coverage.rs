//! Data that was not captured is not reported as a difference.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use serde_json::Value;
use whotalks_snapshot::BlockKind;
use whotalks_tests::environment::{euid, skip};
use whotalks_tests::programs::{programs, run};
use whotalks_tests::{Kind, World};

use crate::rewrite::without;
use crate::scene::Scene;

/// An arbitrary unprivileged user id; it need not exist.
const NOBODY_IN_PARTICULAR: u32 = 54_321;

fn talk(scene: &Scene) -> [whotalks_tests::Actor; 2] {
    let server = scene.world.actor_called("server");
    let client = scene.world.actor_called("client");
    let listener = server.listen(&scene.world.abstract_name("app"), Kind::Stream, 5);
    client.connect(&listener, Kind::Stream);
    server.accept(&listener);
    [server, client]
}

fn document(scene: &Scene, old: &std::path::Path, new: &std::path::Path) -> Value {
    let ran = scene.run(&["--format", "json"], old, new);
    serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stderr))
}

#[test]
fn root_and_an_ordinary_user() {
    if euid() != 0 {
        return skip("only root can be both");
    }
    let scene = Scene::new();
    let _kept = talk(&scene);
    let as_root = scene.capture("root");
    let as_user = scene.world.directory().join("user.whotalks");
    // Not beside the scene's programs: it is none of those that the scene is about.
    let elsewhere = World::new();
    let collector = elsewhere.directory().join("collector");
    std::fs::copy(&programs().collect, &collector).unwrap();
    std::fs::set_permissions(elsewhere.directory(), PermissionsExt::from_mode(0o755)).unwrap();
    let mut command = Command::new(&collector);
    command.uid(NOBODY_IN_PARTICULAR).gid(NOBODY_IN_PARTICULAR);
    let bytes = run(command.args(["-q", "-o", "-"]), b"").succeeds().stdout;
    std::fs::write(&as_user, bytes).unwrap();
    for (old, new) in [(&as_root, &as_user), (&as_user, &as_root)] {
        let found = document(&scene, old, new);
        assert_eq!(crate::scene::lines(&found), Vec::<String>::new());
        assert_eq!(found["comparable"], false);
        let caveats = found["caveats"].as_array().unwrap();
        assert!(
            caveats
                .iter()
                .any(|text| text.as_str().unwrap().contains("captured by")),
            "{caveats:?}"
        );
        let text = scene.run(&[], old, new);
        let first = text.text().lines().next().unwrap();
        assert!(first.ends_with("unequal coverage"), "{first}");
    }
}

#[test]
fn nothing_is_left_of_one() {
    let scene = Scene::new();
    let _kept = talk(&scene);
    let whole = scene.capture("whole");
    let bytes = std::fs::read(&whole).unwrap();
    let cut = scene.world.directory().join("cut.whotalks");
    std::fs::write(&cut, &bytes[..64]).unwrap();
    for (old, new) in [(&whole, &cut), (&cut, &whole)] {
        let mut command = Command::new(&programs().analyze);
        let ran = run(command.arg("diff").args([old, new]), b"").exits(0);
        let text = ran.text();
        for said in [
            "(unknown host)",
            "(unknown time)",
            "what changed cannot be known",
        ] {
            assert!(text.contains(said), "{said}: {text}");
        }
        assert!(!text.contains("1970") && !text.contains("nothing changed"));
        let mut command = Command::new(&programs().analyze);
        let ran = run(
            command.args(["diff", "--format", "json"]).args([old, new]),
            b"",
        );
        let found = ran.exits(0).json();
        assert_eq!(found["comparable"], false);
        let side = if old == &cut { "old" } else { "new" };
        assert_eq!(found[side][0]["hostname"], Value::Null);
        assert_eq!(found[side][0]["started_at"], Value::Null);
    }
}

#[test]
fn a_damaged_block() {
    let scene = Scene::new();
    let _kept = talk(&scene);
    let whole = scene.capture("whole");
    for lost in [BlockKind::Descriptors, BlockKind::Processes, BlockKind::Raw] {
        let damaged = without(&whole, lost);
        for (old, new) in [(&whole, &damaged), (&damaged, &whole)] {
            let found = document(&scene, old, new);
            assert_eq!(
                crate::scene::lines(&found),
                Vec::<String>::new(),
                "{lost:?}"
            );
            assert_eq!(found["comparable"], false);
            let caveats = found["caveats"].as_array().unwrap();
            assert!(
                caveats
                    .iter()
                    .any(|text| text.as_str().unwrap().contains("damaged")),
                "{caveats:?}"
            );
        }
    }
}
