//! The contract of `check` and `explain`: documents, exit codes, options.

use std::path::Path;
use std::process::Command;

use whotalks_tests::findings::check;
use whotalks_tests::programs::{Ran, programs, run};
use whotalks_tests::{Kind, World};

fn whotalks(arguments: &[&str], file: Option<&Path>) -> Ran {
    let mut command = Command::new(&programs().analyze);
    run(command.args(arguments).args(file), b"")
}

/// A world with a finding of medium severity, and its snapshot.
fn unwell() -> (World, std::path::PathBuf) {
    let world = World::new();
    let server = world.actor();
    let listener = server.listen(&world.path("full.sock"), Kind::Stream, 0);
    server.connect(&listener, Kind::Stream);
    let file = world.snapshot();
    (world, file)
}

#[test]
fn exit_codes_follow_what_is_asked() {
    let (_world, file) = unwell();
    let exits = |arguments: &[&str], code| {
        let arguments = [&["check", "--rule", "WT201"], arguments].concat();
        whotalks(&arguments, Some(&file)).exits(code)
    };
    exits(&[], 1);
    exits(&["--fail-on", "medium"], 1);
    exits(&["--fail-on", "high"], 0);
    exits(&["--fail-on", "unknown"], 1);
    exits(&["--min-severity", "high"], 0);
    exits(&["comm:nobody-is-called-so"], 1).says("whotalks: nothing matches");
    // A typo in a selector kind must not look like an empty result.
    exits(&["unti:nginx.service"], 2).says("whotalks: unti:nginx.service: there is no kind");
    exits(&["--rule", "WT999"], 2);
    exits(&["--fail-on", "never"], 2);
}

/// Rules over time do not run on a single capture, unless requested by name.
#[test]
fn a_rule_over_time_rejects_a_single_capture() {
    let (_world, file) = unwell();
    let unknown = |arguments: &[&str]| {
        let document = check(arguments, &[&file]);
        let rows = document["unknown"].as_array().cloned().unwrap_or_default();
        rows.into_iter()
            .filter(|row| row["why"].to_string().contains("needs a second capture of"))
            .count()
    };
    for code in ["WT104", "WT202", "WT204", "WT206", "WT208"] {
        assert_eq!(unknown(&["--rule", code]), 1, "{code}");
    }
    assert_eq!(unknown(&["--rule", "WT201"]), 0);
    assert_eq!(unknown(&[]), 0);
    whotalks(&["check", "--rule", "WT202"], Some(&file)).exits(0);
    let strict = ["check", "--rule", "WT202", "--fail-on", "unknown"];
    whotalks(&strict, Some(&file)).exits(1);
}

#[test]
fn the_document_is_as_promised() {
    let (world, file) = unwell();
    let document = check(&["--rule", "backlog-full"], &[&file]);
    assert_eq!(document["schema"], "whotalks-findings/1");
    let id = format!("h0/p{}", world.pids()[0]);
    let findings = document["findings"].as_array().expect("an array");
    let own = findings
        .iter()
        .find(|finding| finding["processes"][0] == id.as_str());
    let own = own.unwrap_or_else(|| panic!("{document:#}"));
    assert_eq!(
        (&own["code"], &own["rule"]),
        (&"WT201".into(), &"backlog-full".into())
    );
    assert_eq!(own["severity"], "medium");
    assert!(
        own["subject"]
            .as_str()
            .is_some_and(|id| id.starts_with("h0/s"))
    );
    assert_eq!(own["sockets"][0], own["subject"]);
    assert!(own["title"].is_string() && own["advice"].is_string());
    assert!(
        own["evidence"]
            .as_array()
            .is_some_and(|lines| !lines.is_empty())
    );
    assert!(document["unknown"].is_array());
    assert_eq!(check(&["--rule", "backlog-full"], &[&file]), document);
}

#[test]
fn the_text_has_problem_and_advice() {
    let (world, file) = unwell();
    let only = format!("pid:{}", world.pids()[0]);
    let ran = whotalks(&["check", "--rule", "WT201", &only], Some(&file)).exits(1);
    let lines: Vec<&str> = ran.text().lines().collect();
    assert!(lines[0].starts_with("MEDIUM   WT201  "), "{}", ran.text());
    assert!(
        lines
            .iter()
            .any(|line| line.ends_with("(whotalks explain WT201)"))
    );
    assert!(
        lines
            .last()
            .is_some_and(|line| line.starts_with("1 medium")),
        "{}",
        ran.text()
    );
}

#[test]
fn every_rule_is_explained() {
    let all = whotalks(&["explain"], None).succeeds();
    let codes: Vec<&str> = all
        .text()
        .lines()
        .skip(1)
        .filter_map(|line| line.get(..5))
        .collect();
    assert!(codes.len() >= 13, "{codes:?}");
    for code in codes {
        let one = whotalks(&["explain", code], None).succeeds();
        for heading in [
            "What it finds",
            "Why it matters",
            "Example",
            "What to do",
            "References",
        ] {
            assert!(
                one.text().lines().any(|line| line == heading),
                "{code}: {heading}"
            );
        }
    }
    whotalks(&["explain", "WT000"], None).exits(2);
}
