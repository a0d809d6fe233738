//! Standard input and output, pipes and terminals, exit codes.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use whotalks_tests::World;
use whotalks_tests::programs::{TIMEOUT, finish, programs, run};
use whotalks_tests::terminal::on_terminal;

use super::scene::{command, scene, whotalks};

/// Every command that answers in text.
const TEXTS: &[&[&str]] = &[&["info"], &["list", "--all"], &["hubs"]];

fn has_control(text: &str) -> Option<&str> {
    text.lines().find(|line| line.chars().any(char::is_control))
}

#[test]
fn text_has_no_control_characters_whatever_the_names() {
    for arguments in TEXTS {
        let ran = whotalks(arguments).succeeds();
        assert_eq!(has_control(ran.text()), None, "{arguments:?}");
        assert_eq!(ran.stderr, "", "{arguments:?}");
    }
}

#[test]
fn no_color_is_heeded_on_a_terminal() {
    for arguments in TEXTS {
        let mut command = command(arguments);
        let ran = on_terminal(command.arg(&scene().file).env("NO_COLOR", "1")).succeeds();
        let text = String::from_utf8(ran.stdout).unwrap();
        // The terminal itself ends its lines with both.
        let text = text.replace("\r\n", "\n");
        assert_eq!(has_control(&text), None, "{arguments:?}");
        // Tables are cut in their last column; a hash or a sentence that is cut would be none.
        let table = if arguments[0] == "info" { "" } else { &text };
        let mut rows = table.lines().rev().skip(1);
        let wide = rows.find(|line| line.chars().count() > 80);
        assert_eq!(wide, None, "{arguments:?}: wider than the terminal");
    }
}

#[test]
fn a_dash_is_standard_input() {
    let bytes = std::fs::read(&scene().file).unwrap();
    for arguments in [
        &["export", "--format", "json"][..],
        &["list", "--format", "json"],
    ] {
        let from_file = whotalks(arguments).succeeds();
        let from_input = run(command(arguments).arg("-"), &bytes).succeeds();
        assert!(from_file.stdout == from_input.stdout, "{arguments:?}");
    }
}

#[test]
fn a_dash_is_standard_output() {
    let to_output = whotalks(&["export", "-o", "-"]).succeeds();
    let world = World::new();
    let file = world.directory().join("graph.json");
    std::fs::write(&file, "what was there is replaced").unwrap();
    whotalks(&["export", "-o", file.to_str().unwrap()]).succeeds();
    assert!(std::fs::read(file).unwrap() == to_output.stdout);
}

#[test]
fn a_snapshot_through_a_pipe_is_a_snapshot() {
    let mut collect = Command::new(&programs().collect);
    let snapshot = run(collect.args(["-q", "-o", "-"]), b"").succeeds();
    let document = run(command(&["export"]).arg("-"), &snapshot.stdout).json();
    assert_eq!(document["schema"], "whotalks-graph/1");
    assert!(!document["processes"].as_array().unwrap().is_empty());
}

/// `| head -1`
#[test]
fn a_reader_that_goes_early_is_no_error() {
    for arguments in [
        TEXTS,
        &[&["export"], &["list", "--all", "--format", "json"]],
    ]
    .concat()
    {
        // A reader that is closed from the start, and one that has read a line.
        for lines in 0..2 {
            let mut command = command(arguments);
            command.arg(&scene().file).stdin(Stdio::null());
            let mut child = command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut output = BufReader::new(child.stdout.take().unwrap());
            if lines == 1 {
                output.read_line(&mut String::new()).unwrap();
            }
            drop(output);
            let ended = child.wait_with_output().unwrap();
            let stderr = String::from_utf8(ended.stderr).unwrap();
            assert_eq!(
                (ended.status.code(), stderr.as_str()),
                (Some(0), ""),
                "{arguments:?}"
            );
        }
    }
}

#[test]
fn binary_is_refused_on_a_terminal() {
    let mut collect = Command::new(&programs().collect);
    let ran = on_terminal(collect.args(["-q", "-o", "-"]))
        .exits(2)
        .says("whotalks: ");
    assert!(
        ran.stdout.is_empty(),
        "{} bytes on the terminal",
        ran.stdout.len()
    );
}

#[test]
fn a_snapshot_from_a_terminal_is_refused() {
    let mut export = command(&["export", "-"]);
    export.stdin(File::options().read(true).open("/dev/ptmx").unwrap());
    export.stdout(Stdio::piped()).stderr(Stdio::piped());
    finish(&mut export, b"", TIMEOUT)
        .exits(2)
        .says("whotalks: -: ");
}

#[test]
fn wrong_usage_is_exit_2() {
    for arguments in [
        &["no-such-command"][..],
        &["list", "--no-such-option"],
        &["list", "--by", "no-such-view"],
        &["export", "--format", "no-such-format"],
        &[],
    ] {
        let ran = run(&mut command(arguments), b"").exits(2);
        assert!(
            ran.stdout.is_empty() && !ran.stderr.is_empty(),
            "{arguments:?}"
        );
    }
    for arguments in [
        &["--no-such-option"][..],
        &["-o"],
        &["--netns", "some"],
        &["surplus"],
    ] {
        let ran = run(Command::new(&programs().collect).args(arguments), b"").exits(2);
        assert!(
            ran.stdout.is_empty() && !ran.stderr.is_empty(),
            "{arguments:?}"
        );
    }
}

#[test]
fn help_and_version_are_no_errors() {
    for program in [&programs().analyze, &programs().collect] {
        let help = run(Command::new(program).arg("--help"), b"").succeeds();
        assert!(
            help.text().to_lowercase().contains("example"),
            "{}",
            help.text()
        );
        let version = run(Command::new(program).arg("-V"), b"").succeeds();
        assert!(
            version.text().contains(env!("CARGO_PKG_VERSION")),
            "{}",
            version.text()
        );
        assert!(help.stderr.is_empty() && version.stderr.is_empty());
    }
    for subcommand in ["info", "list", "hubs", "path", "draw", "export", "raw"] {
        run(&mut command(&[subcommand, "--help"]), b"").succeeds();
    }
}

#[test]
fn without_a_snapshot_this_machine_is_captured() {
    let document = run(&mut command(&["hubs", "--format", "json"]), b"").json();
    assert_eq!(document["schema"], "whotalks-hubs/1");
    assert!(!document["hubs"].as_array().unwrap().is_empty());
}
