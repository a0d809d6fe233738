//! Choice of the captures to compare, and exit codes.

use std::ffi::OsStr;
use std::process::Command;

use serde_json::Value;
use whotalks_tests::Kind;
use whotalks_tests::programs::{Ran, programs, run};

use crate::scene::Scene;

fn diff(arguments: &[&OsStr]) -> Ran {
    run(
        Command::new(&programs().analyze)
            .arg("diff")
            .args(arguments),
        b"",
    )
}

#[test]
fn a_series_with_itself() {
    let scene = Scene::new();
    let file = scene
        .world
        .snapshot_with(&["--count", "2", "--interval", "10ms"]);
    let same = diff(&["--at".as_ref(), "1".as_ref(), file.as_os_str()]).exits(0);
    assert!(same.text().contains("identical"), "{}", same.text());
    let file = file.as_os_str();
    for arguments in [
        &[file, file][..],
        &["--at".as_ref(), "1".as_ref(), file, file],
    ] {
        let same = diff(arguments).exits(0);
        assert!(same.text().contains("identical"), "{}", same.text());
    }
    let two: Vec<&OsStr> = vec!["--format".as_ref(), "json".as_ref(), file];
    let times = |ran: Ran| {
        let found: Value = serde_json::from_slice(&ran.stdout).unwrap();
        [
            found["old"][0]["started_at"].clone(),
            found["new"][0]["started_at"].clone(),
        ]
    };
    // Of one series its first and its last, of two files the same capture of either.
    let [first, last] = times(diff(&two));
    assert_ne!(first, last);
    let copy = scene.world.directory().join("copy.whotalks");
    std::fs::copy(file, &copy).unwrap();
    let at: Vec<&OsStr> = [&two[..], &[copy.as_os_str(), "--at".as_ref(), "1".as_ref()]].concat();
    assert_eq!(times(diff(&at)), [first.clone(), first]);
    diff(&["--since".as_ref(), "7".as_ref(), file])
        .exits(1)
        .says("whotalks: --since: there is no such capture");
}

#[test]
fn this_machine_now() {
    let scene = Scene::new();
    let before = scene.capture("before");
    let server = scene.world.actor_called("server");
    server.listen(&scene.world.abstract_name("app"), Kind::Stream, 5);
    let only = format!("pid:{}", server.pid());
    let ran = diff(&["--only".as_ref(), only.as_ref(), before.as_os_str()]).exits(1);
    let line = ran
        .text()
        .lines()
        .find(|line| line.starts_with("+ listener"));
    assert!(
        line.is_some_and(|line| line.ends_with(&format!("server [{}]", server.pid()))),
        "{}",
        ran.text()
    );
}

#[test]
fn words_without_endings_are_files_too() {
    let scene = Scene::new();
    let directory = scene.world.directory();
    std::fs::rename(scene.capture("one"), directory.join("one")).unwrap();
    std::fs::copy(directory.join("one"), directory.join("two")).unwrap();
    let mut command = Command::new(&programs().analyze);
    command.current_dir(directory).args(["diff", "one", "two"]);
    run(&mut command, b"").exits(0);
}

#[test]
fn wrong_usage() {
    let scene = Scene::new();
    let file = scene.capture("one");
    diff(&[]).exits(2).says("whotalks: OLD is missing");
    diff(&[file.as_os_str(); 3])
        .exits(2)
        .says("whotalks: expected OLD and NEW, found 3");
    diff(&["-".as_ref(), "-".as_ref()])
        .exits(2)
        .says("whotalks: -: ");
    let missing = scene.world.directory().join("missing.whotalks");
    diff(&[file.as_os_str(), missing.as_os_str()]).exits(2);
}
