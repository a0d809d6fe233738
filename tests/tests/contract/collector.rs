//! The files and options of the collector.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use whotalks_tests::World;
use whotalks_tests::programs::{Ran, programs, run};
use whotalks_tests::world::export;

fn collect(directory: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new(&programs().collect);
    run(command.args(arguments).current_dir(directory), b"")
}

fn files(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn the_file_is_its_owner_s_alone() {
    let world = World::new();
    collect(world.directory(), &["-q", "-o", "one.whotalks"]).succeeds();
    let mode = world
        .directory()
        .join("one.whotalks")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(files(world.directory()), ["one.whotalks"]);
}

#[test]
fn the_default_name_has_the_host_and_the_time() {
    let world = World::new();
    collect(world.directory(), &["-q"]).succeeds();
    let files = files(world.directory());
    let [name] = &files[..] else {
        panic!("{files:?}")
    };
    let graph = export(&world.directory().join(name));
    let host = graph["hosts"][0]["hostname"].as_str().unwrap();
    let rest = name
        .strip_prefix(&format!("{host}-"))
        .and_then(|r| r.strip_suffix("Z.whotalks"));
    let (date, time) = rest.and_then(|rest| rest.split_once('T')).unwrap();
    let digits =
        |text: &str, count| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    assert!(digits(date, 8) && digits(time, 6), "{name}");
}

#[test]
fn an_existing_file_is_refused_but_for_force() {
    let world = World::new();
    let file = world.directory().join("one.whotalks");
    std::fs::write(&file, "precious").unwrap();
    let refused = collect(world.directory(), &["-q", "-o", "one.whotalks"]).exits(2);
    assert!(refused.says("whotalks: ").stderr.contains("one.whotalks"));
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");
    assert_eq!(files(world.directory()), ["one.whotalks"]);
    collect(world.directory(), &["-q", "--force", "-o", "one.whotalks"]).succeeds();
    assert_eq!(export(&file)["schema"], "whotalks-graph/1");
    assert_eq!(files(world.directory()), ["one.whotalks"]);
}

#[test]
fn one_line_of_summary_or_silence() {
    let world = World::new();
    let said = collect(world.directory(), &["-o", "said.whotalks"]).succeeds();
    assert_eq!(said.stderr.lines().count(), 1, "{}", said.stderr);
    for word in ["process", "descriptor", "socket", "namespace"] {
        assert!(said.stderr.contains(word), "no {word}: {}", said.stderr);
    }
    let quiet = collect(world.directory(), &["-q", "-o", "quiet.whotalks"]).succeeds();
    assert_eq!((quiet.stderr.as_str(), quiet.text()), ("", ""));
}

#[test]
fn a_closed_pipe_is_an_incomplete_snapshot() {
    let mut collect = Command::new(&programs().collect);
    collect
        .args(["-q", "-o", "-"])
        .stdin(std::process::Stdio::null());
    collect
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut child = collect.spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(2));
}

#[test]
fn options_are_kept_in_the_file() {
    let world = World::new();
    let actor = world.actor();
    let file = world.snapshot_with(&["--note", "before the <change>", "--cmdline", "none"]);
    let graph = export(&file);
    assert_eq!(graph["hosts"][0]["note"], "before the <change>");
    let mut processes = graph["processes"].as_array().unwrap().iter();
    let process = processes
        .find(|process| process["pid"] == actor.pid())
        .unwrap();
    assert_eq!(process["cmdline"], serde_json::json!([]), "{process:#}");
    assert_eq!(process["comm"], "whotalks-actor");
}

#[test]
fn one_namespace_when_asked() {
    let world = World::new();
    let own = whotalks_tests::world::namespace(std::process::id(), "net").unwrap();
    let graph = export(&world.snapshot_with(&["--netns", "own"]));
    let read = graph["coverage"][0]["netns"].as_array().unwrap().iter();
    let read: Vec<_> = read.filter(|netns| netns["diag"] == "ok").collect();
    assert_eq!(read.len(), 1, "{read:#?}");
    assert_eq!(read[0]["inode"], own);
}

#[test]
fn a_passive_capture_is_a_capture() {
    let world = World::new();
    let actor = world.actor();
    let (a, b) = actor.pair(whotalks_tests::Kind::Stream);
    let map = world.capture_with(&["--passive"]);
    map.is_exactly(&[whotalks_tests::Edge::pair(&a, &b)]);
}
