//! `redact`: the copy contains no identifying name, and yields the same map.

mod addresses;
mod secrets;
mod shape;
mod words;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use whotalks::load::load;
use whotalks_snapshot::{Decoder, Event, Limits, Reader};
use whotalks_tests::programs::{programs, run};
use whotalks_tests::world::export;
use whotalks_tests::{Kind, World};

use shape::{assert_same_shape, report};

fn redact(file: &Path, more: &[&str]) -> PathBuf {
    let copy = file.with_extension("redacted.whotalks");
    let mut command = Command::new(&programs().analyze);
    command
        .arg("redact")
        .args(more)
        .arg(file)
        .arg("-o")
        .arg(&copy);
    run(&mut command, b"").succeeds();
    copy
}

fn answer(arguments: &[&str], file: &Path) -> Value {
    let mut command = Command::new(&programs().analyze);
    run(
        command.args(arguments).args(["--format", "json"]).arg(file),
        b"",
    )
    .json()
}

/// All payloads of a file, decoded.
fn payloads(file: &Path) -> Vec<u8> {
    let bytes = std::fs::read(file).unwrap();
    let limits = Limits::default();
    let mut decoder = Decoder::new(&limits);
    let mut all = Vec::new();
    for event in Reader::new(&bytes, &limits).unwrap() {
        let Event::Block(block) = event else {
            panic!("{event:?}")
        };
        for member in decoder.members(&block).unwrap() {
            all.extend(member.payload);
        }
    }
    all
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn nothing_is_left_that_names_anybody() {
    let world = World::new();
    let secrets = secrets::Scene::new(&world);
    let actor = world.actor_called("Goldfinger");
    let listener = actor.listen(&world.path("Kryptonite.sock"), Kind::Stream, 5);
    let other = world.actor();
    let client = other.connect(&listener, Kind::Stream);
    let accepted = actor.accept(&listener);
    assert!(client.inode != accepted.inode);
    let hidden = actor.listen(&world.abstract_name("Moneypenny"), Kind::Stream, 1);
    let _talks = other.connect(&hidden, Kind::Stream);
    let _pair = actor.pair(Kind::Stream);
    let note = ["--note", "Blofeld's island"];
    let file = world.snapshot_as("secret.whotalks", &secrets.collector(), &note);
    let copy = redact(&file, &[]);

    let loaded = load(&std::fs::read(&file).unwrap(), &Limits::default()).unwrap();
    let named = words::named(&loaded.captures[0]);
    for expected in [
        "Kryptonite",
        "Moneypenny",
        "Goldfinger",
        "Blofeld",
        "island",
    ] {
        assert!(named.contains(expected.as_bytes()), "{expected}");
    }
    let (before, bytes) = (payloads(&file), payloads(&copy));
    let left = words::words(&bytes);
    // What else runs on this machine may be called by a word that the two programs write themselves.
    let programs =
        [&programs().collect, &programs().analyze].map(|path| std::fs::read(path).unwrap());
    let written = |word: &[u8]| programs.iter().any(|program| has(program, word));
    let found: Vec<_> = named
        .intersection(&left)
        .filter(|word| !written(word))
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    assert!(found.is_empty(), "{found:?}");
    // These are so rare that they may be within no other word either.
    let mut rare = secrets.needles();
    for name in [
        "Kryptonite",
        "Moneypenny",
        "Goldfinger",
        "Blofeld",
        "island",
    ] {
        rare.push((name.to_owned(), name.as_bytes().to_vec()));
    }
    for (what, rare) in rare {
        assert!(has(&before, &rare), "{what} is in no capture");
        assert!(!has(&bytes, &rare), "{what} is left");
    }
    assert_same_shape(&file, &copy);
    let map = export(&copy);
    let sockets = map["sockets"].as_array().unwrap();
    let named = sockets
        .iter()
        .find(|socket| socket["inode"] == listener.inode);
    let name = named.unwrap()["name"]["text"].as_str().unwrap();
    assert!(name.starts_with('/') && name.ends_with(".sock"), "{name}");
}

#[test]
fn copies_of_the_samples_have_their_shape() {
    let world = World::new();
    for name in ["server", "desktop"] {
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../snapshots/samples");
        let file = world.directory().join(format!("{name}.whotalks"));
        std::fs::copy(sample.join(format!("{name}.whotalks")), &file).unwrap();
        assert_same_shape(&file, &redact(&file, &[]));
    }
}

/// What names hide is found in the copy, too: control characters, turned directions, bytes that are no text.
#[test]
fn a_name_hides_nothing_by_being_replaced() {
    let world = World::new();
    let actor = world.actor();
    for name in [
        &b"Krypto\x1b[31mnite"[..],
        b"Krypto\xe2\x80\xaenite",
        b"Krypto\x9bnite",
    ] {
        actor.listen(&world.abstract_name(name), Kind::Stream, 1);
    }
    let file = world.snapshot();
    let copy = redact(&file, &[]);
    let found = |file: &Path| {
        let report = report(file);
        let findings = report["findings"].as_array().unwrap().iter();
        findings.filter(|found| found["code"] == "WT402").count()
    };
    assert!(found(&file) >= 3);
    assert_eq!(found(&copy), found(&file));
}

#[test]
fn a_map_lets_its_owner_read_the_copy() {
    let world = World::new();
    let file = world.snapshot();
    let secret = world.directory().join("secret.json");
    let copy = redact(
        &file,
        &["--map", secret.to_str().unwrap(), "--keep", "comm"],
    );
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(
        std::fs::metadata(&secret).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let map: Value = serde_json::from_slice(&std::fs::read(&secret).unwrap()).unwrap();
    let (old, new) = (export(&file), export(&copy));
    let told = new["hosts"][0]["hostname"].as_str().unwrap();
    assert_ne!(told, old["hosts"][0]["hostname"].as_str().unwrap());
    assert_eq!(new["processes"][0]["comm"], old["processes"][0]["comm"]);
    assert_eq!(map["key"].as_str().unwrap().len(), 64);
    // The same key again: the same copy, but for the file's own mark. Without it, another.
    let again = payloads(&redact(
        &file,
        &["--map", secret.to_str().unwrap(), "--keep", "comm"],
    ));
    assert!(again == payloads(&copy));
    assert_ne!(payloads(&redact(&file, &["--keep", "comm"])), again);
}

#[test]
fn a_series_stays_one() {
    let world = World::new();
    let file = world.snapshot_with(&["--interval", "100ms", "--count", "3"]);
    let copy = redact(&file, &[]);
    let info = answer(&["info", "--verify"], &copy);
    assert_eq!(info["files"][0]["captures"], 3);
    assert_eq!(info["files"][0]["intact"], true);
    let series = info["files"][0]["series"].as_array().unwrap();
    assert!(series[1]["based"] == true && series[0]["based"] == false);
}
