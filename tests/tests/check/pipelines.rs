//! `check` in pipelines: SARIF, ignored findings, baselines and policies.

use std::path::{Path, PathBuf};
use std::process::Command;

use whotalks_tests::environment::{skip, works};
use whotalks_tests::findings::check;
use whotalks_tests::programs::{Ran, programs, run};
use whotalks_tests::{Kind, World};

fn whotalks(arguments: &[&str], file: &Path) -> Ran {
    let mut command = Command::new(&programs().analyze);
    run(command.args(arguments).arg(file), b"")
}

/// A world with a listener that is unreachable, and its snapshot.
fn unwell() -> (World, PathBuf) {
    let world = World::new();
    let address = world.path("gone.sock");
    world.actor().listen(&address, Kind::Stream, 3);
    std::fs::remove_file(world.directory().join("gone.sock")).expect("it is there");
    let file = world.snapshot();
    (world, file)
}

const VALIDATES: &str = "
import json, sys, jsonschema
schema, document = (json.load(open(name)) for name in sys.argv[1:])
jsonschema.validate(document, schema, format_checker=jsonschema.FormatChecker())
run = document['runs'][0]
ids = [rule['id'] for rule in run['tool']['driver']['rules']]
assert run['results'] and all(ids[r['ruleIndex']] == r['ruleId'] for r in run['results'])
prints = [r['partialFingerprints']['whotalks/v1'] for r in run['results']]
assert len(set(prints)) == len(prints), prints
assert any('#2' in one for one in prints), prints";

#[test]
fn sarif_conforms_to_its_schema() {
    let (world, _) = unwell();
    // No stable property distinguishes these two.
    let app = world.actor();
    for _ in 0..2 {
        let listener = app.listen(&world.path("same.sock"), Kind::Stream, 0);
        app.connect(&listener, Kind::Stream);
        std::fs::remove_file(world.directory().join("same.sock")).expect("it is there");
    }
    let file = world.snapshot();
    let pythons = ["python3", "/usr/bin/python3"];
    let imports = |python: &&&str| works(&[python, "-c", "import jsonschema"]);
    let Some(python) = pythons.iter().find(imports) else {
        return skip("no python3-jsonschema");
    };
    let document = whotalks(&["check", "--format", "sarif"], &file).exits(1);
    let sarif = world.directory().join("out.sarif");
    std::fs::write(&sarif, &document.stdout).expect("it can be written");
    let schema = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/schemas/sarif-2.1.0-rtm.5.json"
    );
    let mut command = Command::new(python);
    run(command.args(["-c", VALIDATES, schema]).arg(&sarif), b"").succeeds();
}

fn about(document: &serde_json::Value, world: &World) -> usize {
    let findings = document["findings"].as_array().cloned().unwrap_or_default();
    let directory = world.directory().display().to_string();
    findings
        .iter()
        .filter(|finding| finding.to_string().contains(&directory))
        .count()
}

#[test]
fn ignored_findings_are_omitted_and_unused_ignores_reported() {
    let (world, file) = unwell();
    let ignores = world.directory().join("ignore.toml");
    let write = |text: String| std::fs::write(&ignores, text).expect("it can be written");
    let ignored = |expected: usize| {
        let name = ignores.to_str().expect("a test's path is text");
        let document = check(&["--rule", "WT304", "--ignore", name], &[&file]);
        assert_eq!(about(&document, &world), expected);
        whotalks(&["check", "--rule", "WT304", "--ignore", name], &file).stderr
    };
    let selector = format!("socket:{}/gone.sock", world.directory().display());
    let entry = |selector: &str, more: &str| {
        format!(
            "[[ignore]]\ncode = \"WT304\"\nselector = \"{selector}\"\nreason = \"test\"\n{more}"
        )
    };
    write(entry(&selector, ""));
    assert_eq!(ignored(0), "");
    write(entry(&selector, "expires = 2001-01-01"));
    assert!(ignored(1).contains("entry 1 (WT304): expired on 2001-01-01"));
    write(entry("socket:/nowhere", ""));
    assert!(ignored(1).contains("entry 1 (WT304): nothing to ignore"));
    write("[[ignore]]\ncode = \"WT304\"".to_owned());
    let name = ignores.to_str().expect("a test's path is text");
    whotalks(&["check", "--ignore", name], &file)
        .exits(2)
        .says("whotalks: ");
}

#[test]
fn what_was_there_before_is_not_new() {
    let (world, file) = unwell();
    let old = world.directory().join("old.whotalks");
    std::fs::rename(&file, &old).expect("it can be moved");
    let name = old.to_str().expect("a test's path is text");
    let rule = ["--rule", "WT304", "--baseline", name];
    let address = world.path("gone.sock");
    // The same trouble of another process.
    world.end(world.actor());
    let file = world.snapshot();
    assert_eq!(about(&check(&rule, &[&file]), &world), 0);
    let other = world.path("other.sock");
    world.actor().listen(&other, Kind::Stream, 3);
    std::fs::remove_file(world.directory().join("other.sock")).expect("it is there");
    let file = world.snapshot();
    assert_eq!(about(&check(&rule, &[&file]), &world), 1);
    drop(address);
}

/// A policy learned from an incomplete capture states so, in the file and on standard error.
#[test]
fn a_policy_from_an_incomplete_capture_is_marked() {
    let (world, file) = unwell();
    let bytes = std::fs::read(&file).expect("it was written");
    let cut = world.directory().join("cut.whotalks");
    std::fs::write(&cut, &bytes[..bytes.len() * 3 / 4]).expect("it can be written");
    let ran = whotalks(&["learn"], &cut).succeeds();
    let warned = ran.stderr.lines().any(|line| {
        line == "whotalks: warning: 1 of 1 capture is damaged: conversations may be missing here"
    });
    assert!(warned, "{}", ran.stderr);
    let told = "# Incomplete: 1 of 1 capture is damaged";
    assert!(ran.text().contains(told), "{}", ran.text());
}

#[test]
fn a_policy_is_learned_and_kept() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let listener = server.listen(&world.path("server.sock"), Kind::Stream, 3);
    let connection = client.connect(&listener, Kind::Stream);
    server.accept(&listener);
    let policy = world.directory().join("policy.toml");
    let name = policy.to_str().expect("a test's path is text");
    let mut learn = Command::new(&programs().analyze);
    let file = world.snapshot();
    run(learn.args(["learn", "-o", name]).arg(&file), b"").succeeds();
    let text = std::fs::read_to_string(&policy).expect("it was written");
    assert!(text.contains("server.sock\""), "{text}");

    let told = |code: &str, name_of: &str| {
        let file = world.snapshot();
        let document = check(&["--rule", code, "--policy", name], &[&file]);
        let found = document["findings"].to_string().contains(name_of);
        (found, document["unknown"] != serde_json::json!([]))
    };
    assert!(!told("WT501", "server.sock").0);
    assert!(!told("WT502", "server.sock").0);
    let other = server.listen(&world.path("other.sock"), Kind::Stream, 3);
    client.connect(&other, Kind::Stream);
    server.accept(&other);
    assert!(told("WT501", "other.sock").0);
    // The policy has names without their random parts; the evidence has them as they are.
    assert!(told("WT501", &format!("reaches {}", world.directory().display())).0);
    client.close(&connection);
    let (missing, unknown) = told("WT502", "server.sock");
    assert!(missing || unknown);
}
