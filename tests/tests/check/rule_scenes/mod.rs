//! Scenes of rules: what a script sets up, and what `check` finds in it. One capture of all of them.
//!
//! A scene is judged by the findings about its own processes, so that it proves "this finding, and no
//! other", whatever else runs on the machine.

mod connections;
mod deleted;
mod exposed;
mod limits;
mod pipes;
mod ports;
mod shells;
mod stopped;
mod zombies;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use whotalks_tests::World;
use whotalks_tests::environment::{euid, needs_namespaces, say, skip, works};
use whotalks_tests::findings::check;
use whotalks_tests::script::Script;

/// Scenes that are set up at a time.
const AT_ONCE: usize = 4;

/// One scene.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scene {
    /// The code of the rule that it is about.
    rule: &'static str,
    /// What is found about its processes: `WT210 high`; a code alone where the severity depends on how
    /// long the scenes take; empty: nothing.
    finds: &'static str,
    about: &'static str,
    /// A script as for [`Script`], in which `@DIR@` stands for a directory of its own.
    script: &'static str,
    /// A command that executes its last arguments.
    wrapper: &'static [&'static str],
    /// Programs that it runs.
    needs: &'static [&'static str],
}

impl Scene {
    const fn new(
        rule: &'static str,
        finds: &'static str,
        about: &'static str,
        script: &'static str,
    ) -> Self {
        Self {
            rule,
            finds,
            about,
            script,
            wrapper: &[],
            needs: &[],
        }
    }

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
        let directory = home.join(number.to_string());
        std::fs::create_dir(&directory).expect("the world is ours");
        let directory = directory.to_str().expect("a test's path is text");
        Script::start_in(self.wrapper, &self.script.replace("@DIR@", directory))
    }
}

const ALL: [&[Scene]; 9] = [
    stopped::SCENES,
    pipes::SCENES,
    connections::SCENES,
    ports::SCENES,
    zombies::SCENES,
    limits::SCENES,
    exposed::SCENES,
    shells::SCENES,
    deleted::SCENES,
];

#[test]
fn rules_fire_where_they_should_and_nowhere_else() {
    if !needs_namespaces() {
        return;
    }
    if euid() != 0 {
        return skip("needs root");
    }
    // A part of them, for work on one rule: `WT210`, or words of the description.
    let wanted = std::env::var("WHOTALKS_SCENES").unwrap_or_default();
    let is_wanted = |scene: &Scene| scene.rule.contains(&wanted) || scene.about.contains(&wanted);
    let all: Vec<Scene> = ALL.concat().into_iter().filter(is_wanted).collect();
    let (ready, lacking): (Vec<Scene>, Vec<Scene>) =
        all.into_iter().partition(|scene| scene.missing().is_none());
    for scene in &lacking {
        let program = scene.missing().unwrap_or_default();
        skip(&format!("{}, {}: no {program}", scene.rule, scene.about));
    }
    let world = World::new();
    let scripts = start(world.directory(), &ready);
    let document = check(&[], &[&world.snapshot()]);
    let mut table = String::new();
    let mut wrong = String::new();
    let mut counts: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for (scene, script) in ready.iter().zip(&scripts) {
        let (found, findings) = about(&document, &script.pids);
        // Without a severity where that depends on how long the scenes took.
        let codes = |text: &str| text.split([' ', ',']).next().unwrap_or_default().to_owned();
        let is_right = found == scene.finds
            || !scene.finds.contains(' ')
                && found.split(", ").map(codes).eq([scene.finds.to_owned()]);
        let mark = if is_right { "" } else { "  WRONG" };
        let shown = if found.is_empty() { "-" } else { &found };
        writeln!(table, "{} {shown:<12} {}{mark}", scene.rule, scene.about).expect("it is text");
        counts.entry(scene.rule).or_default()[usize::from(scene.finds.is_empty())] += 1;
        if !is_right {
            let expected = if scene.finds.is_empty() {
                "nothing"
            } else {
                scene.finds
            };
            let about = format!(
                "{}, {}: expected {expected}, found",
                scene.rule, scene.about
            );
            let pids = &script.pids;
            writeln!(wrong, "{about} {findings:#} (processes {pids:?})").expect("it is text");
        }
    }
    say(&format!("rules and scenes\n{table}"));
    assert!(wrong.is_empty(), "{wrong}");
    if wanted.is_empty() && lacking.is_empty() {
        // Rules of which other tests have scenes too are listed with those that belong to others here.
        let is_few = |(rule, [fires, quiet]): &(&&str, &[usize; 2])| {
            **rule != "WT309" && (*fires < 3 || *quiet < 3)
        };
        let few: Vec<_> = counts.iter().filter(is_few).collect();
        assert!(few.is_empty(), "fewer than three of each: {few:?}");
    }
}

/// Sets up the scenes, a few at a time.
fn start(home: &Path, scenes: &[Scene]) -> Vec<Script> {
    let next = AtomicUsize::new(0);
    let started = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
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

/// The findings about some processes, and their codes and severities.
fn about(document: &Value, pids: &[u32]) -> (String, Value) {
    let ids: BTreeSet<String> = pids.iter().map(|pid| format!("h0/p{pid}")).collect();
    let concerns = |finding: &&Value| {
        let processes = finding["processes"].as_array().into_iter().flatten();
        let mut ids_of = processes.filter_map(Value::as_str);
        ids_of.any(|id| ids.contains(id))
    };
    let findings = document["findings"].as_array().into_iter().flatten();
    let findings: Vec<Value> = findings.filter(concerns).cloned().collect();
    let text = |finding: &Value, field: &str| finding[field].as_str().unwrap_or("?").to_owned();
    let names = findings
        .iter()
        .map(|finding| format!("{} {}", text(finding, "code"), text(finding, "severity")));
    (names.collect::<Vec<_>>().join(", "), findings.into())
}
