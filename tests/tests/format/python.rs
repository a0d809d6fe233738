//! The Python reader, written from FORMAT.md alone, against `whotalks` on the same files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use whotalks_tests::World;
use whotalks_tests::environment::{skip, works};
use whotalks_tests::programs::{programs, run};
use whotalks_tests::world::export;

use crate::document;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Whether the reader can run here.
fn there() -> bool {
    let there = works(&["python3", "-c", "import zstandard"]);
    if !there {
        skip("python3 without its package zstandard (python3 -m pip install zstandard)");
    }
    there
}

fn counts(file: &Path) -> Value {
    let mut command = Command::new("python3");
    command
        .arg(root().join("tests/format/reader.py"))
        .arg("counts")
        .arg(file);
    run(&mut command, b"").json()
}

fn numbers(array: &Value) -> BTreeSet<u64> {
    array
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_u64)
        .collect()
}

fn field(rows: &Value, name: &str) -> BTreeSet<u64> {
    rows.as_array()
        .unwrap()
        .iter()
        .filter_map(|row| row[name].as_u64())
        .collect()
}

/// Both readers report the same for a file.
fn agree(file: &Path) {
    let name = file.display();
    let python = counts(file);
    let mut info = Command::new(&programs().analyze);
    let info = run(info.args(["info", "--format", "json"]).arg(file), b"").json();
    let info = &info["files"][0];
    assert_eq!(python["damage"], Value::Array(Vec::new()), "{name}");
    for same in [
        "format",
        "captures",
        "blocks",
        "hostname",
        "boot_id",
        "collector",
        "euid",
    ] {
        assert_eq!(python[same], info[same], "{name}: {same}");
    }
    assert_eq!(info["intact"], python["ended"], "{name}");
    let map = export(file);
    let processes = numbers(&python["processes"]);
    let once = numbers(&python["read_once"]);
    assert_eq!(
        processes,
        field(&map["processes"], "pid"),
        "{name}: processes"
    );
    assert_eq!(
        Some(processes.len() as u64),
        info["processes"].as_u64(),
        "{name}"
    );
    for process in map["processes"].as_array().unwrap() {
        let pid = process["pid"].to_string();
        let comm = process["comm"].as_str().unwrap();
        if comm
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        {
            assert_eq!(python["comms"][&pid], comm, "{name}: {pid}");
        }
        let counted = process["fd_counts"].as_object().unwrap().values();
        let counted: u64 = counted.filter_map(Value::as_u64).sum();
        let read = python["descriptors_of"][&pid].as_u64().unwrap_or(0);
        if process["fds_status"] == "read" && once.contains(&process["pid"].as_u64().unwrap()) {
            assert_eq!(read, counted, "{name}: descriptors of {pid}");
        }
    }
    // Every socket of the dump is a socket of the map, and every descriptor's is held in it.
    let rows = map["sockets"].as_array().unwrap();
    let family: BTreeMap<u64, &str> = rows
        .iter()
        .filter_map(|row| Some((row["inode"].as_u64()?, row["family"].as_str()?)))
        .collect();
    let dumped = numbers(&python["unix_inodes"]);
    let unix = |inode: &u64| family.get(inode) == Some(&"unix");
    let lost: Vec<_> = dumped.iter().filter(|inode| !unix(inode)).collect();
    assert!(
        lost.is_empty(),
        "{name}: sockets of the dump that are not in the map: {lost:?}"
    );
    let held = rows
        .iter()
        .filter(|row| !row["holders"].as_array().unwrap().is_empty());
    let held: BTreeSet<u64> = held.filter_map(|row| row["inode"].as_u64()).collect();
    let first_look = numbers(&python["socket_inodes"]);
    let lost: Vec<_> = first_look.difference(&held).collect();
    assert!(
        lost.is_empty(),
        "{name}: sockets in descriptor tables without a holder: {lost:?}"
    );
}

#[test]
fn a_series_of_this_machine_reads_the_same() {
    if !there() {
        return;
    }
    let world = World::new();
    let file = world.snapshot_with(&["--interval", "50ms", "--count", "3"]);
    assert!(
        counts(&file)["codecs"]["3"].as_u64() > Some(0),
        "later captures are read, too"
    );
    agree(&file);
}

#[test]
fn a_capture_of_this_machine_reads_the_same() {
    if !there() {
        return;
    }
    let world = World::new();
    let actor = world.actor();
    let pairs: Vec<_> = (0..40)
        .map(|_| actor.pair(whotalks_tests::Kind::Stream))
        .collect();
    let file = world.snapshot();
    let python = counts(&file);
    let inodes = numbers(&python["unix_inodes"]);
    for (one, other) in &pairs {
        assert!(
            inodes.contains(&one.inode) && inodes.contains(&other.inode),
            "{one:?}"
        );
    }
    assert!(
        python["codecs"]["2"].as_u64() > Some(0),
        "transposed blocks are read, too"
    );
    agree(&file);
}

#[test]
fn every_sample_reads_the_same() {
    if !there() {
        return;
    }
    let folder = root().join("snapshots/samples");
    let mut samples = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "whotalks")
        {
            agree(&path);
            samples += 1;
        }
    }
    if samples == 0 {
        skip("no samples under snapshots/samples");
    }
}

#[test]
fn the_dump_of_the_document_is_the_readers() {
    if !there() {
        return;
    }
    let file = std::env::temp_dir().join(format!("whotalks-dump-{}", std::process::id()));
    std::fs::write(&file, document::example()).unwrap();
    let mut command = Command::new("python3");
    command
        .arg(root().join("tests/format/reader.py"))
        .arg("dump")
        .arg(&file);
    let ran = run(&mut command, b"").succeeds();
    std::fs::remove_file(&file).unwrap();
    let document = std::fs::read_to_string(root().join("snapshots/FORMAT.md")).unwrap();
    assert!(
        document.contains(ran.text()),
        "FORMAT.md explains other bytes:\n{}",
        ran.text()
    );
}
