//! Live scenes for the rules: for each some that it must find, and some on which it must be quiet.
//!
//! All scenes run side by side, each a script with processes of its own, and one capture has them all.
//! Of each, what is found about its processes is compared: its rule, and nothing else.

mod connections;
mod deleted;
mod exposed;
mod leaks;
mod limits;
mod names;
mod pipes;
mod ports;
mod programs;
mod queues;
mod shells;
mod stalled;
mod stopped;
mod zombies;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use whotalks_tests::World;
use whotalks_tests::environment::{euid, makes_namespaces, say, skip, works};
use whotalks_tests::findings::{about, check};
use whotalks_tests::script::Script;

/// A scene: what it is, its script, and what is to be found in it.
#[derive(Debug, Clone, Copy)]
struct Scene {
    rule: &'static str,
    about: &'static str,
    /// Must report the processes that findings may be about. It runs in a directory of its own, for
    /// which `@DIR@` stands.
    script: &'static str,
    /// Codes and severities; without a severity where that depends on how long the scenes take.
    expected: &'static [(&'static str, &'static str)],
    /// A command that executes its last arguments.
    wrapper: &'static [&'static str],
    /// Programs that it runs.
    needs: &'static [&'static str],
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
        wrapper: &[],
        needs: &[],
    }
}

const fn quiet(rule: &'static str, about: &'static str, script: &'static str) -> Scene {
    fires(rule, about, &[], script)
}

impl Scene {
    /// The same in a network namespace of its own.
    const fn in_netns(self) -> Self {
        self.through(&["unshare", "-n"])
    }

    const fn through(self, wrapper: &'static [&'static str]) -> Self {
        Self { wrapper, ..self }
    }

    const fn needs(self, needs: &'static [&'static str]) -> Self {
        Self { needs, ..self }
    }

    fn missing(&self) -> Option<&'static str> {
        let is_missing = |program: &&&str| !works(&["which", program]);
        self.needs.iter().find(is_missing).copied()
    }

    fn start(&self, home: &Path, number: usize) -> Script {
        let directory = home.join(format!("scene{number}"));
        std::fs::create_dir(&directory).expect("the world is ours");
        let directory = directory.to_str().expect("a test's path is text");
        let wrapper = [self.wrapper, &["env", "-C", directory]].concat();
        Script::start_in(&wrapper, &self.script.replace("@DIR@", directory))
    }

    /// Whether these codes and severities are what is expected.
    fn is_right(&self, found: &[(String, String)]) -> bool {
        let is_equal = |((code, severity), found): (&(&str, &str), &(String, String))| {
            *code == found.0 && (severity.is_empty() || *severity == found.1)
        };
        self.expected.len() == found.len() && self.expected.iter().zip(found).all(is_equal)
    }
}

const ALL: &[&[Scene]] = &[leaks::SCENES, pipes::SCENES, queues::SCENES];
const AS_ROOT: &[&[Scene]] = &[
    stopped::SCENES,
    stalled::SCENES,
    connections::SCENES,
    ports::SCENES,
    zombies::SCENES,
    limits::SCENES,
    names::SCENES,
    programs::SCENES,
    exposed::SCENES,
    shells::SCENES,
    deleted::SCENES,
];

/// Scripts that start at a time.
const JOBS: usize = 6;

#[test]
fn each_rule_finds_its_scenes_and_nothing_else() {
    let programs = "command -v python3 perl bash pgrep";
    if !works(&["sh", "-c", programs]) {
        return skip("no python3, perl, bash or pgrep");
    }
    let is_root = euid() == 0 && makes_namespaces();
    let as_root = if is_root { AS_ROOT } else { &[] };
    // A part of them, for work on one rule: `WT210`, or words of the description.
    let wanted = std::env::var("WHOTALKS_SCENES").unwrap_or_default();
    let is_wanted = |scene: &Scene| scene.rule.contains(&wanted) || scene.about.contains(&wanted);
    let all = ALL.iter().chain(as_root).copied().flatten().copied();
    let (scenes, lacking): (Vec<Scene>, Vec<Scene>) = all
        .filter(is_wanted)
        .partition(|scene| scene.missing().is_none());
    for scene in &lacking {
        let program = scene.missing().unwrap_or_default();
        skip(&format!("{} {}: no {program}", scene.rule, scene.about));
    }
    let world = World::new();
    let running = start(world.directory(), &scenes);
    let document = check(&[], &[&world.snapshot()]);
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut rows: Vec<String> = Vec::new();
    let mut wrong: Vec<String> = Vec::new();
    for (scene, script) in scenes.iter().zip(&running) {
        let findings = about(&document, &script.pids);
        let text = |finding: &Value, field: &str| finding[field].as_str().unwrap_or("").to_owned();
        let found: Vec<(String, String)> = findings
            .iter()
            .map(|finding| (text(finding, "code"), text(finding, "severity")))
            .collect();
        let Scene {
            rule,
            about,
            expected,
            ..
        } = scene;
        let names: Vec<String> = found
            .iter()
            .map(|(code, severity)| format!("{code} {severity}"))
            .collect();
        let shown = if names.is_empty() {
            "-".to_owned()
        } else {
            names.join(", ")
        };
        let is_right = scene.is_right(&found);
        let mark = if is_right { "" } else { "  WRONG" };
        rows.push(format!("{rule}  {shown:12}  {about}{mark}"));
        if !is_right {
            let (findings, pids) = (Value::from(findings), &script.pids);
            wrong.push(format!(
                "{rule} {about}: expected {expected:?}, found {findings:#} (processes {pids:?})"
            ));
        }
        let (fires, quiet) = counts.entry(rule).or_default();
        *(if expected.is_empty() { quiet } else { fires }) += 1;
    }
    rows.sort();
    let mut table = format!(
        "the rules and their scenes\n{}\n\nRULE   FIRES  QUIET\n",
        rows.join("\n")
    );
    for (rule, (fires, quiet)) in &counts {
        writeln!(table, "{rule}  {fires:5}  {quiet:5}").expect("it is text");
    }
    say(&table);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Starts the scripts of the scenes, a few at a time.
fn start(home: &Path, scenes: &[Scene]) -> Vec<Script> {
    let next = AtomicUsize::new(0);
    let started = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..JOBS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(scene) = scenes.get(number) else {
                        break;
                    };
                    let script = scene.start(home, number);
                    let mut started = started.lock().expect("no thread has panicked");
                    started.insert(number, script);
                }
            });
        }
    });
    let started = started.into_inner().expect("no thread has panicked");
    started.into_values().collect()
}
