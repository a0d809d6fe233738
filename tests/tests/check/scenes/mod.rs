//! Live scenes for the rules: for each some that it must find, and some on which it must be quiet.
//!
//! All scenes run side by side, each a script with processes of its own, and one capture has them all.
//! Of each, what is found about its processes is compared: its rule, and nothing else.

mod leaks;
mod names;
mod pipes;
mod programs;
mod queues;

use std::collections::BTreeMap;

use serde_json::Value;
use whotalks_tests::World;
use whotalks_tests::environment::{euid, skip, works};
use whotalks_tests::findings::{about, check};
use whotalks_tests::script::Script;

/// A scene, with a directory of its own: what it is, its script, and what is to be found in it: codes and severities.
struct Scene {
    rule: &'static str,
    about: &'static str,
    /// Must report the processes that findings may be about.
    script: &'static str,
    expected: &'static [(&'static str, &'static str)],
}

const fn fires(
    rule: &'static str,
    about: &'static str,
    expected: &'static [(&'static str, &'static str)],
    script: &'static str,
) -> Scene {
    Scene {
        rule,
        about,
        script,
        expected,
    }
}

const fn quiet(rule: &'static str, about: &'static str, script: &'static str) -> Scene {
    fires(rule, about, &[], script)
}

const ALL: &[&[Scene]] = &[leaks::SCENES, pipes::SCENES, queues::SCENES];
const AS_ROOT: &[&[Scene]] = &[names::SCENES, programs::SCENES];

/// Scripts that start at a time.
const JOBS: usize = 12;

#[test]
fn each_rule_finds_its_scenes_and_nothing_else() {
    let programs = "command -v python3 perl bash pgrep";
    if !works(&["sh", "-c", programs]) {
        return skip("no python3, perl, bash or pgrep");
    }
    let as_root = if euid() == 0 { AS_ROOT } else { &[] };
    let scenes: Vec<&Scene> = ALL.iter().chain(as_root).copied().flatten().collect();
    let world = World::new();
    let mut running: Vec<Script> = Vec::new();
    for batch in scenes.chunks(JOBS) {
        std::thread::scope(|scope| {
            let first = running.len();
            let start = |(index, scene): (usize, &&Scene)| {
                let directory = world.directory().join(format!("scene{}", first + index));
                std::fs::create_dir(&directory).expect("the world is ours");
                let directory = directory.display().to_string();
                let script = scene.script;
                scope.spawn(move || Script::start_in(&["env", "-C", &directory], script))
            };
            let started: Vec<_> = batch.iter().enumerate().map(start).collect();
            running.extend(
                started
                    .into_iter()
                    .map(|one| one.join().expect("it starts")),
            );
        });
    }
    let document = check(&[], &[&world.snapshot()]);
    let mut table: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut wrong: Vec<String> = Vec::new();
    for (scene, script) in scenes.iter().zip(&running) {
        let findings = about(&document, &script.pids);
        let text = |finding: &Value, field: &str| finding[field].as_str().unwrap_or("").to_owned();
        let found: Vec<(String, String)> = findings
            .iter()
            .map(|finding| (text(finding, "code"), text(finding, "severity")))
            .collect();
        let expected: Vec<(String, String)> = scene
            .expected
            .iter()
            .map(|(code, severity)| ((*code).into(), (*severity).into()))
            .collect();
        if found != expected {
            let (rule, about) = (scene.rule, scene.about);
            let findings = Value::from(findings);
            wrong.push(format!(
                "{rule} {about}: expected {expected:?}, found {findings:#}"
            ));
        }
        let (fires, quiet) = table.entry(scene.rule).or_default();
        *(if expected.is_empty() { quiet } else { fires }) += 1;
    }
    println!("RULE   FIRES  QUIET");
    for (rule, (fires, quiet)) in &table {
        println!("{rule}  {fires:5}  {quiet:5}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
