//! A world of named programs, captured repeatedly, and its differences as lines.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use whotalks_tests::World;
use whotalks_tests::programs::{Ran, programs, run};

/// A world whose snapshots are stored.
pub(crate) struct Scene {
    pub(crate) world: World,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self {
            world: World::new(),
        }
    }

    /// Captures the machine into a file of this name.
    pub(crate) fn capture(&self, name: &str) -> PathBuf {
        let file = self.world.directory().join(format!("{name}.whotalks"));
        std::fs::rename(self.world.snapshot(), &file).unwrap();
        file
    }

    /// `whotalks diff` of what this world's programs do among themselves.
    pub(crate) fn run(&self, arguments: &[&str], old: &Path, new: &Path) -> Ran {
        let only = format!("exe:{}/*", self.world.directory().display());
        self.run_only(&["--only", &only], arguments, old, new)
    }

    fn run_only(&self, only: &[&str], arguments: &[&str], old: &Path, new: &Path) -> Ran {
        // This test talks to every actor.
        let hide = format!("exe:{}", std::env::current_exe().unwrap().display());
        let mut command = Command::new(&programs().analyze);
        command.arg("diff").args(only).args(["--hide", &hide]);
        command.args(arguments).args([old, new]);
        run(&mut command, b"")
    }

    /// The same as lines.
    pub(crate) fn diff(&self, old: &Path, new: &Path) -> Vec<String> {
        self.diff_with(&[], old, new)
    }

    /// The same with more arguments.
    pub(crate) fn diff_with(&self, arguments: &[&str], old: &Path, new: &Path) -> Vec<String> {
        self.lines_of(self.run(&[&["--format", "json"], arguments].concat(), old, new))
    }

    /// The same of the programs that have the directory in their command line.
    pub(crate) fn diff_of_programs(&self, old: &Path, new: &Path) -> Vec<String> {
        let only = format!("cmd:*{}/*", self.world.directory().display());
        self.diff_only(&["--only", &only], old, new)
    }

    /// The same of what these selectors match.
    pub(crate) fn diff_only(&self, only: &[&str], old: &Path, new: &Path) -> Vec<String> {
        self.lines_of(self.run_only(only, &["--format", "json"], old, new))
    }

    fn lines_of(&self, ran: Ran) -> Vec<String> {
        let document: Value = serde_json::from_slice(&ran.stdout)
            .unwrap_or_else(|error| panic!("{}: {error}\n{}", ran.command, ran.stderr));
        let lines = lines(&document);
        ran.exits(i32::from(!lines.is_empty()));
        let directory = self.world.directory().to_string_lossy().into_owned();
        let world = directory.rsplit('/').next().unwrap().to_owned();
        lines
            .iter()
            .map(|line| line.replace(&directory, "DIR").replace(&world, "WORLD"))
            .map(|line| line.replace("-WORLD.py", ".py"))
            .collect()
    }
}

/// The document's rows, one line each.
pub(crate) fn lines(document: &Value) -> Vec<String> {
    let rows = |part: &str, of: &str| -> Vec<Value> {
        document[part][of].as_array().cloned().unwrap_or_default()
    };
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or("-").to_owned();
    let count = |row: &Value, key: &str| row[key].as_array().map_or(0, Vec::len);
    let mut lines = Vec::new();
    for of in ["added", "removed", "replaced"] {
        for row in rows("listeners", of) {
            lines.push(format!(
                "{of} listener {} of {}",
                text(&row, "name"),
                text(&row, "role")
            ));
        }
    }
    for of in ["unlinked", "relinked"] {
        for row in document[of].as_array().into_iter().flatten() {
            lines.push(format!(
                "{of} {} of {}",
                text(row, "name"),
                text(row, "role")
            ));
        }
    }
    for row in document["altered"].as_array().into_iter().flatten() {
        let (what, role, name) = (text(row, "what"), text(row, "role"), text(row, "name"));
        let (old, new) = (text(row, "old"), text(row, "new"));
        let subject = match row["old_role"].as_str() {
            _ if name != "-" => name,
            Some(old) => format!("{old}→{role}"),
            None => role,
        };
        lines.push(format!("altered {what} of {subject}: {old} to {new}"));
    }
    for of in ["added", "removed", "changed"] {
        for row in rows("links", of) {
            let (client, server, via) = (
                text(&row, "client"),
                text(&row, "server"),
                text(&row, "via"),
            );
            lines.push(format!(
                "{of} link {client} to {server} over {via}: {} {}",
                row["old"], row["new"]
            ));
        }
    }
    for of in ["added", "removed", "changed", "replaced"] {
        for row in rows("processes", of) {
            let (old, new) = (count(&row, "old"), count(&row, "new"));
            lines.push(format!("{of} process {}: {old} {new}", text(&row, "role")));
        }
    }
    for row in document["descriptors"].as_array().into_iter().flatten() {
        let (role, kind) = (text(row, "role"), text(row, "kind"));
        lines.push(format!(
            "descriptors {role} {kind}: {} {}",
            row["old"], row["new"]
        ));
    }
    lines
}
