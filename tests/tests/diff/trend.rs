//! `trend`: what grows over captures of the real machine.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use whotalks_tests::programs::{Ran, programs, run};
use whotalks_tests::{Actor, Kind};

use crate::scene::Scene;

fn trend(arguments: &[&str], files: &[PathBuf]) -> Ran {
    let mut command = Command::new(&programs().analyze);
    run(command.arg("trend").args(arguments).args(files), b"")
}

#[test]
fn a_leak_and_a_crowd() {
    let scene = Scene::new();
    let server = scene.world.actor_called("server");
    let listener = server.listen(&scene.world.abstract_name("app"), Kind::Stream, 20);
    let leaky = scene.world.actor_called("leaky");
    let file = scene.world.path("actors.stderr");
    let mut clients: Vec<Actor> = Vec::new();
    let mut captures = Vec::new();
    for step in 0..4 {
        leaky.open(&file, true, false);
        leaky.open(&file, true, false);
        let client = scene.world.actor_called("client");
        client.connect(&listener, Kind::Stream);
        server.accept(&listener);
        clients.push(client);
        captures.push(scene.capture(&step.to_string()));
    }
    let only = format!("exe:{}/*", scene.world.directory().display());
    let found = trend(&["--format", "json", "--only", &only], &captures).json();
    assert_eq!(found["schema"], "whotalks-trend/1");
    assert_eq!(found["captures"].as_array().unwrap().len(), captures.len());
    let rows = found["rows"].as_array().unwrap();
    let row = |role: &str, what: &str, kind: Option<&str>| -> Value {
        let fits = |row: &&Value| {
            row["role"] == role
                && row["what"] == what
                && kind.is_none_or(|kind| row["kind"] == kind)
        };
        let found: Vec<&Value> = rows.iter().filter(fits).collect();
        assert_eq!(found.len(), 1, "{role} {what}: {rows:?}");
        found[0].clone()
    };
    let files = row("leaky", "descriptors", Some("file"));
    assert_eq!(
        (&files["growth"], &files["rising"]),
        (&6.into(), &true.into())
    );
    let crowd = serde_json::json!([1, 2, 3, 4]);
    assert_eq!(row("client", "processes", None)["values"], crowd);
    let over = row("server", "listener", None);
    assert_eq!((&over["values"], &over["rising"]), (&crowd, &true.into()));
    assert!(over["via"].as_str().unwrap().ends_with("/app"), "{over}");
    // Who does not move is not told.
    assert!(
        !rows
            .iter()
            .any(|row| row["role"] == "leaky" && row["what"] == "processes")
    );

    let text = trend(&["--only", &only], &captures).succeeds();
    let line = text
        .text()
        .lines()
        .find(|line| line.ends_with("leaky: file descriptors"));
    assert!(
        line.is_some_and(|line| line.contains("+6 ") && line.contains("▁▃▅█")),
        "{}",
        text.text()
    );
}

#[test]
fn what_is_no_series() {
    let scene = Scene::new();
    let one = scene.capture("one");
    trend(&[], &[one])
        .exits(2)
        .says("whotalks: a trend needs two captures or more");
    trend(&[], &[])
        .exits(2)
        .says("whotalks: SNAPSHOT is missing");
}
