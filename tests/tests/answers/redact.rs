//! `redact`: nothing that names anybody is left in the copy, and its map is the same.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use whotalks::load::{Capture, load};
use whotalks::redact::KNOWN_WORDS;
use whotalks_snapshot::descriptors::Link;
use whotalks_snapshot::{Decoder, Event, Limits, Reader};
use whotalks_tests::programs::{programs, run};
use whotalks_tests::world::export;
use whotalks_tests::{Kind, World};

/// The kernel's own words, which processes may go by too: states, names of fields, file systems.
const KERNELS: [&str; 14] = [
    "btrfs", "data", "disk", "events", "ext4", "files", "idle", "open", "running", "sleep",
    "sleeping", "stopped", "x86_64", "xfs",
];

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

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn words(text: &[u8]) -> BTreeSet<Vec<u8>> {
    let words = text.split(|byte| !is_part(*byte));
    words.map(<[u8]>::to_vec).collect()
}

/// Everything in a capture that names a person, a machine, a program or a place.
fn named(capture: &Capture) -> BTreeSet<Vec<u8>> {
    let mut texts: Vec<Vec<u8>> = Vec::new();
    let host = capture.host.as_ref().unwrap();
    texts.extend([
        host.hostname.clone(),
        host.boot_id.clone(),
        host.machine_id.clone(),
    ]);
    texts.push(host.arguments.clone());
    texts.extend(host.note.clone());
    for process in &capture.processes {
        texts.extend(
            [&process.cmdline, &process.exe, &process.cwd, &process.root].map(Clone::clone),
        );
        let comm = process.stat.split(|byte| *byte == b'(').nth(1).unwrap();
        texts.push(comm.split(|byte| *byte == b')').next().unwrap().to_vec());
        texts.push(
            process
                .cgroup
                .rsplit(|byte| *byte == b':')
                .next()
                .unwrap()
                .to_vec(),
        );
    }
    for table in &capture.tables {
        for entry in table.entries() {
            if let Link::Other { text } | Link::Fifo { text, .. } = entry.unwrap().1
                && text.starts_with(b"/")
                && !text.starts_with(b"/proc/")
            {
                texts.push(text.to_vec());
            }
        }
    }
    texts.extend(capture.waits.iter().map(|wait| wait.comm.clone()));
    texts.extend(capture.users.iter().map(|user| user.name.clone()));
    texts.extend(capture.paths.iter().map(|path| path.path.clone()));
    // What the blocks are called (sys/net/core/somaxconn) is no secret, if a program is called so too.
    let sources = capture.raw.iter().flat_map(|raw| words(&raw.header.source));
    let sources: BTreeSet<Vec<u8>> = sources.collect();
    texts
        .iter()
        .flat_map(|text| words(text))
        .filter(|word| word.len() > 3 && !word.iter().all(u8::is_ascii_digit))
        .filter(|word| !sources.contains(word))
        .filter(|word| {
            let text = String::from_utf8_lossy(word);
            !KNOWN_WORDS.contains(&&*text) && !KERNELS.contains(&&*text)
        })
        .collect()
}

/// What is left of a map when its names are gone.
fn shape(file: &Path) -> Vec<Value> {
    let map = export(file);
    let rows = |name: &str, keys: &[&str]| -> Value {
        let rows = map[name].as_array().unwrap().iter();
        rows.map(|row| keys.iter().map(|key| row[*key].clone()).collect::<Value>())
            .collect()
    };
    let hubs = answer(&["hubs"], file);
    let hubs = hubs["hubs"].as_array().unwrap().iter();
    let hubs =
        hubs.map(|hub| [&hub["process"], &hub["peers"], &hub["connections"]].map(Clone::clone));
    vec![
        rows(
            "processes",
            &[
                "id",
                "ppid",
                "uid",
                "start_ticks",
                "netns",
                "fds_status",
                "fd_counts",
            ],
        ),
        rows(
            "sockets",
            &[
                "id",
                "family",
                "type",
                "state",
                "holders",
                "recv_queue_bytes",
                "backlog",
            ],
        ),
        rows(
            "connections",
            &["id", "a", "b", "listener", "state", "evidence"],
        ),
        rows("pipes", &["id", "readers", "writers"]),
        hubs.map(|hub| hub.to_vec()).collect::<Value>(),
    ]
}

#[test]
fn nothing_is_left_that_names_anybody() {
    let world = World::new();
    let actor = world.actor();
    let listener = actor.listen(&world.path("Kryptonite.sock"), Kind::Stream, 5);
    let other = world.actor();
    let client = other.connect(&listener, Kind::Stream);
    let accepted = actor.accept(&listener);
    assert!(client.inode != accepted.inode);
    let _pair = actor.pair(Kind::Stream);
    let file = world.snapshot_with(&["--note", "Blofeld's island"]);
    let copy = redact(&file, &[]);

    let loaded = load(&std::fs::read(&file).unwrap(), &Limits::default()).unwrap();
    let named = named(&loaded.captures[0]);
    for expected in ["Kryptonite", "Blofeld", "island", "actor"] {
        assert!(named.contains(expected.as_bytes()), "{expected}");
    }
    let bytes = payloads(&copy);
    let left = words(&bytes);
    let found: Vec<_> = named
        .intersection(&left)
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    assert!(found.is_empty(), "{found:?}");
    // These are so rare that they may be in no other word either.
    for rare in [&b"Kryptonite"[..], b"Blofeld", b"whotalks-actor"] {
        assert!(!bytes.windows(rare.len()).any(|window| window == rare));
    }
    assert_eq!(shape(&copy), shape(&file));
    let map = export(&copy);
    let sockets = map["sockets"].as_array().unwrap();
    let named = sockets
        .iter()
        .find(|socket| socket["inode"] == listener.inode);
    let name = named.unwrap()["name"]["text"].as_str().unwrap();
    assert!(name.starts_with('/') && name.ends_with(".sock"), "{name}");
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
