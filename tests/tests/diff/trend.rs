//! `trend`: growth over captures of the real machine.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use whotalks_snapshot::BlockKind;
use whotalks_tests::programs::{Ran, programs, run};
use whotalks_tests::{Actor, Kind};

use crate::rewrite::without;
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
    // Constant rows are not reported.
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

/// `trend` and the rule on growth find the same leak, and nothing in a process that grows once.
#[test]
fn a_leak_is_one_to_trend_and_to_check() {
    let scene = Scene::new();
    let leaky = scene.world.actor_called("leaky");
    let starter = scene.world.actor_called("starter");
    let file = scene.world.path("actors.stderr");
    let mut captures = vec![scene.capture("before")];
    for step in 0..3 {
        let opened = if step == 0 { 40 } else { 0 };
        for (actor, count) in [(&leaky, 10), (&starter, opened)] {
            for _ in 0..count {
                actor.open(&file, true, false);
            }
        }
        captures.push(scene.capture(&step.to_string()));
    }
    let only = format!("exe:{}/*", scene.world.directory().display());
    let found = trend(&["--format", "json", "--only", &only], &captures).json();
    let rows = found["rows"].as_array().unwrap();
    let grows = |role: &str| -> Vec<Value> {
        let of = rows.iter().filter(|row| row["role"] == role);
        of.map(|row| row["grows"].clone()).collect()
    };
    assert_eq!(grows("leaky"), ["steady"], "{rows:?}");
    assert_eq!(grows("starter"), [Value::Null], "{rows:?}");

    let mut command = Command::new(&programs().analyze);
    command.args([
        "check",
        "--rule",
        "WT104",
        "--fail-on",
        "high",
        "--format",
        "json",
    ]);
    let found = run(command.args(&captures), b"").json();
    let of = |actor: &Actor| -> usize {
        let subject = format!("h0/p{}", actor.pid());
        let findings = found["findings"].as_array().unwrap();
        findings
            .iter()
            .filter(|one| one["subject"] == *subject)
            .count()
    };
    assert_eq!((of(&leaky), of(&starter)), (1, 0), "{found}");
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

/// A client that ends after the first of three captures.
fn a_client_ends(scene: &Scene) -> Vec<PathBuf> {
    let server = scene.world.actor_called("server");
    let name = scene.world.abstract_name(b"a\xff");
    let listener = server.listen(&name, Kind::Stream, 20);
    let clients = ["client", "client"].map(|name| scene.world.actor_called(name));
    let accepted = clients.each_ref().map(|client| {
        client.connect(&listener, Kind::Stream);
        server.accept(&listener)
    });
    let mut captures = vec![scene.capture("0")];
    let [gone, kept] = clients;
    server.close(&accepted[0]);
    scene.world.end(gone);
    captures.push(scene.capture("1"));
    captures.push(scene.capture("2"));
    scene.world.end(kept);
    captures
}

#[test]
fn what_is_damaged_is_not_none() {
    let scene = Scene::new();
    let mut captures = a_client_ends(&scene);
    captures[1] = without(&captures[1], BlockKind::Descriptors);
    let only = format!("exe:{}/*", scene.world.directory().display());
    let found = trend(&["--format", "json", "--all", "--only", &only], &captures).json();
    let rows = found["rows"].as_array().unwrap().iter();
    for row in rows.filter(|row| row["role"] == "client" || row["role"] == "server") {
        assert_eq!(row["values"][1], Value::Null, "{row}");
        assert_ne!(row["values"][2], Value::Null, "{row}");
    }
    let text = trend(&["--only", &only], &captures).succeeds();
    let line = text
        .text()
        .lines()
        .find(|l| l.ends_with("client: processes"));
    assert!(line.is_some_and(|l| l.contains("█ ▁")), "{}", text.text());
}

#[test]
fn rows_in_words_and_numbers() {
    let scene = Scene::new();
    let captures = a_client_ends(&scene);
    let only = format!("exe:{}/*", scene.world.directory().display());
    let arguments = ["--format", "json", "--only", &only];
    let rows = trend(&arguments, &captures).json()["rows"].clone();
    let of = |what: &str| {
        let mut rows = rows.as_array().unwrap().iter();
        let row = rows.find(|row| row["what"] == what && row["via"] != Value::Null);
        row.unwrap_or_else(|| panic!("{what}: {rows:?}")).clone()
    };
    for row in [of("link"), of("listener")] {
        assert_eq!(row["kind"], "unix");
        let hex = row["via_hex"].as_str().unwrap();
        assert!(hex.starts_with("00") && hex.ends_with("2f61ff"), "{row}");
    }
    let sheet = trend(&["--format", "csv", "--only", &only], &captures).succeeds();
    let line = sheet
        .text()
        .lines()
        .find(|l| l.starts_with("processes,client,"));
    let (row, rate) = line.unwrap().rsplit_once(',').unwrap();
    assert_eq!(row, "processes,client,,,,,2,1,-1,false,2 1 1");
    // A spreadsheet would run what begins with a minus.
    assert!(rate.starts_with("'-"), "{rate}");
    let text = trend(&["--only", &only], &captures).succeeds();
    assert!(
        text.text()
            .lines()
            .next()
            .unwrap()
            .ends_with(", 3 captures")
    );
}

#[test]
fn a_part_of_a_series() {
    let scene = Scene::new();
    let captures = a_client_ends(&scene);
    let only = format!("exe:{}/*", scene.world.directory().display());
    let ask = |more: &[&str]| {
        let arguments = [&["--format", "json", "--all", "--only", &only], more].concat();
        trend(&arguments, &captures)
    };
    let counted = |more: &[&str]| {
        let found = ask(more).json();
        let rows = found["rows"].as_array().unwrap();
        let fits = |row: &&Value| row["role"] == "client" && row["what"] == "processes";
        rows.iter().find(fits).unwrap()["values"].clone()
    };
    assert_eq!(counted(&["--at", "2"]), serde_json::json!([2, 1]));
    assert_eq!(counted(&["--since", "2"]), serde_json::json!([1, 1]));
    assert_eq!(
        counted(&["--since", "-3", "--at", "-1"]),
        serde_json::json!([2, 1, 1])
    );
    ask(&["--at", "9"])
        .exits(1)
        .says("whotalks: --since, --at: ");
    ask(&["--at", "1"])
        .exits(2)
        .says("whotalks: a trend needs two");
}
