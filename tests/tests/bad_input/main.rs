//! Invalid input, and output that cannot be written: one clear line, the right exit code, no
//! partial output, never a panic.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixtures;
mod outputs;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use whotalks_tests::World;
use whotalks_tests::programs::{Ran, programs, run};

/// What comes of a file.
enum Expected {
    /// Exit 2, and this after `whotalks: PATH: `.
    Refused(&'static str),
    /// Intact data is used; these are the warnings of kind `damage`, the first on standard error.
    Salvaged(&'static [&'static str]),
    /// No message.
    Intact,
}
use Expected::{Intact, Refused, Salvaged};

/// Every file of `tests/bad`.
const TABLE: &[(&str, Expected)] = &[
    (
        "block-bomb.whotalks",
        Salvaged(&["at byte 24: block 0 (host) asks for 4294967295 bytes, the limit is 16777216"]),
    ),
    (
        "block-cut.whotalks",
        Salvaged(&[
            "at byte 228: block 2 (processes) is cut: 40 of 84 bytes",
            "at byte 308: the file ends before its capture was complete",
        ]),
    ),
    (
        "compressed.whotalks",
        Refused("compressed with gzip: decompress it first (`gzip -dc FILE | whotalks …`)"),
    ),
    (
        "empty.whotalks",
        Refused("empty file, expected a whotalks snapshot"),
    ),
    (
        "foreign-text.whotalks",
        Refused("not a whotalks snapshot (starts with 48 65 6c 6c, expected 89 57 54 4b)"),
    ),
    (
        "foreign-zip.whotalks",
        Refused("not a whotalks snapshot (starts with 50 4b 03 04, expected 89 57 54 4b)"),
    ),
    (
        "header-cut-in-magic.whotalks",
        Refused("cut inside its header: 5 of 24 bytes"),
    ),
    (
        "header-cut.whotalks",
        Refused("cut inside its header: 23 of 24 bytes"),
    ),
    (
        "header-damaged.whotalks",
        Refused("header damaged: checksum 483613c3, expected 849c135d"),
    ),
    (
        "header-newer.whotalks",
        Refused("format 2 is newer than this program reads (1): update whotalks"),
    ),
    (
        "header-only.whotalks",
        Salvaged(&["at byte 24: the file ends before its capture was complete"]),
    ),
    ("intact.whotalks", Intact),
    (
        "payload-flipped.whotalks",
        Salvaged(&["at byte 228: block 2 (processes): checksum b44dc46c, expected 2a223071"]),
    ),
    (
        "records-cut.whotalks",
        Salvaged(&["at byte 228: block 2 (processes): 1 records unreadable: field cut short"]),
    ),
    (
        "tail-garbage.whotalks",
        Salvaged(&["at byte 653: 4 bytes that belong to no block"]),
    ),
    ("text-mode-7bit.whotalks", Refused(TEXT_MODE)),
    ("text-mode-crlf.whotalks", Refused(TEXT_MODE)),
    ("unknown-block.whotalks", Intact),
    (
        "without-end.whotalks",
        Salvaged(&["at byte 593: the file ends before its capture was complete"]),
    ),
    (
        "without-process.whotalks",
        Salvaged(&["at byte 228: 1 blocks are missing before block 3"]),
    ),
];

const TEXT_MODE: &str = "damaged in transfer: line ends or high bits were rewritten as if it were \
                         text (copy it as binary; `ssh -t` does this)";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("bad")
}

/// Runs `whotalks` among the files, so that their paths are their names.
fn whotalks(arguments: &[&str]) -> Ran {
    let mut command = Command::new(&programs().analyze);
    run(command.args(arguments).current_dir(folder()), b"")
}

#[test]
fn the_folder_is_the_table() {
    let table: BTreeSet<&str> = TABLE.iter().map(|(name, _)| *name).collect();
    assert_eq!(table.len(), TABLE.len(), "a name is there twice");
    assert!(TABLE.is_sorted_by_key(|(name, _)| *name));
    if std::env::var_os("WHOTALKS_BLESS").is_some() {
        for (name, bytes) in fixtures::all() {
            std::fs::write(folder().join(name), bytes).unwrap();
        }
    }
    let entries = std::fs::read_dir(folder()).unwrap();
    let files: BTreeSet<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(files.iter().eq(&table), "{files:?}");
    let made: BTreeSet<&str> = fixtures::all().iter().map(|(name, _)| *name).collect();
    assert_eq!(made, table, "a file that no code makes");
}

#[test]
fn each_file_has_its_exact_error() {
    for (name, expected) in TABLE {
        for command in [
            &["export", "--format", "json", name],
            &["hubs", "--format", "json", name],
        ] {
            let ran = whotalks(command);
            match expected {
                Refused(message) => {
                    let ran = ran.exits(2);
                    assert_eq!(ran.stderr, format!("whotalks: {name}: {message}\n"));
                    assert!(ran.stdout.is_empty(), "{name}: output without an answer");
                }
                Salvaged(damages) => {
                    let ran = ran.succeeds().says("whotalks: ");
                    assert!(ran.stderr.contains(name), "{}", ran.stderr);
                    assert!(ran.stderr.contains(damages[0]), "{name}: {}", ran.stderr);
                    is_salvaged(name, &ran.json(), damages);
                }
                Intact => {
                    let ran = ran.succeeds();
                    assert_eq!(ran.stderr, "", "{name}");
                    is_complete(name, &ran.json());
                }
            }
        }
    }
}

fn is_salvaged(name: &str, document: &Value, damages: &[&str]) {
    if document["schema"] == "whotalks-hubs/1" {
        assert_eq!(document["complete"], false, "{name}");
        return;
    }
    assert_eq!(document["coverage"][0]["complete"], false, "{name}");
    let warnings = document["warnings"].as_array().unwrap().iter();
    let said = warnings.filter(|warning| warning["kind"] == "damage");
    let said: BTreeSet<&str> = said
        .map(|warning| warning["text"].as_str().unwrap())
        .collect();
    assert_eq!(said, damages.iter().copied().collect(), "{name}");
}

fn is_complete(name: &str, document: &Value) {
    if document["schema"] == "whotalks-hubs/1" {
        assert_eq!(document["complete"], true, "{name}");
        return;
    }
    assert_eq!(
        document["coverage"][0]["complete"], true,
        "{name}: {document:#}"
    );
    assert_eq!(document["processes"][0]["comm"], "example", "{name}");
    assert_eq!(document["hosts"][0]["hostname"], "nowhere", "{name}");
}

/// Intact data is used: the process is in the map although the file is truncated.
#[test]
fn intact_data_is_used() {
    for (name, processes) in [
        ("without-end.whotalks", 1),
        ("tail-garbage.whotalks", 1),
        ("block-bomb.whotalks", 1),
        ("block-cut.whotalks", 0),
        ("header-only.whotalks", 0),
    ] {
        let document = whotalks(&["export", "--format", "json", name]).json();
        assert_eq!(
            document["processes"].as_array().unwrap().len(),
            processes,
            "{name}"
        );
    }
}

#[test]
fn damage_is_exit_1_where_it_was_asked_for() {
    whotalks(&["info", "--verify", "intact.whotalks"]).succeeds();
    whotalks(&["info", "--verify", "without-end.whotalks"]).exits(1);
    whotalks(&["info", "--verify", "payload-flipped.whotalks"]).exits(1);
    whotalks(&["info", "without-end.whotalks"]).succeeds();
    whotalks(&["info", "--verify", "empty.whotalks"]).exits(2);
}

#[test]
fn what_is_no_file() {
    let missing = "no-such-file.whotalks";
    whotalks(&["list", missing])
        .exits(2)
        .says(&format!("whotalks: {missing}: "));
    let directory = World::new();
    let path = directory.directory().to_str().unwrap();
    whotalks(&["list", path])
        .exits(2)
        .says(&format!("whotalks: {path}: "));
    // Of several files each must be right.
    let ran = whotalks(&["export", "intact.whotalks", "empty.whotalks"]).exits(2);
    assert_eq!(
        ran.stderr,
        "whotalks: empty.whotalks: empty file, expected a whotalks snapshot\n"
    );
}

/// Truncation at any byte: a complete document without the lost data, and no panic.
#[test]
fn a_cut_at_any_byte_is_survived() {
    let intact = std::fs::read(folder().join("intact.whotalks")).unwrap();
    for cut in 0..intact.len() {
        let mut command = Command::new(&programs().analyze);
        let ran = run(
            command.args(["hubs", "--format", "json", "-"]),
            &intact[..cut],
        );
        if cut < 24 {
            ran.exits(2).says("whotalks: -: ");
        } else {
            let ran = ran.succeeds().says("whotalks: ");
            assert_eq!(ran.json()["complete"], false, "cut at {cut}");
        }
    }
}

/// What has no end is refused for its beginning.
#[test]
fn a_file_without_end_is_not_read_to_its_end() {
    let zeros = "whotalks: /dev/zero: not a whotalks snapshot (starts with 00 00 00 00, expected 89 57 54 4b)\n";
    let ran = whotalks(&["info", "/dev/zero"]).exits(2);
    assert_eq!(ran.stderr, zeros);
}

/// Limits are raised by an option, and what was refused names it.
#[test]
fn a_limit_is_raised_by_an_option() {
    let hubs = |limit: &str| {
        let limit = format!("--limit-bytes={limit}");
        whotalks(&["hubs", "--format", "json", &limit, "intact.whotalks"])
    };
    let refused = hubs("100").succeeds();
    let hint = "; --limit-bytes allows more\n";
    assert!(refused.stderr.ends_with(hint), "{}", refused.stderr);
    assert_eq!(refused.json()["complete"], false);
    for enough in ["1M", "64k", "4G", "100000"] {
        assert_eq!(hubs(enough).succeeds().stderr, "", "{enough}");
    }
    for wrong in ["0", "x", "4X", "99999999999999T", "-1", ""] {
        hubs(wrong).exits(2);
    }
}
