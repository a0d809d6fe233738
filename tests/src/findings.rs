//! The findings of `whotalks check` that concern the processes of a scenario.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::World;
use crate::programs::{programs, run};

/// The findings of one run that concern processes of the scenario.
#[derive(Debug)]
pub struct Findings {
    /// The whole document, `whotalks-findings/1`.
    pub document: Value,
    about: Vec<Value>,
}

impl Findings {
    /// Runs all rules on snapshots; `others` are processes of the scenario that are not actors.
    pub fn of(world: &World, others: &[u32], files: &[&Path]) -> Self {
        let document = check(&[], files);
        let pids = world.pids().into_iter().chain(others.iter().copied());
        let about = about(&document, &pids.collect::<Vec<_>>());
        Self { document, about }
    }

    /// Asserts that no finding is high, and none is medium except those named.
    #[track_caller]
    pub fn are_at_worst(&self, defended: &[&str]) {
        let bad = self.about.iter().filter(|finding| {
            let code = finding["code"].as_str().unwrap_or_default();
            let medium = finding["severity"] == "medium" && defended.contains(&code);
            finding["severity"] != "low" && !medium
        });
        let bad: Vec<Value> = bad.cloned().collect();
        assert!(bad.is_empty(), "{:#}", Value::from(bad));
    }

    /// Asserts that these codes and severities are found, and nothing else.
    #[track_caller]
    pub fn are_exactly(&self, expected: &[(&str, &str)]) -> &[Value] {
        let text =
            |finding: &'_ Value, field: &str| finding[field].as_str().unwrap_or("").to_owned();
        let found: Vec<(String, String)> = self
            .about
            .iter()
            .map(|f| (text(f, "code"), text(f, "severity")))
            .collect();
        let expected: Vec<(String, String)> = expected
            .iter()
            .map(|(code, severity)| ((*code).into(), (*severity).into()))
            .collect();
        assert_eq!(found, expected, "{:#}", Value::from(self.about.clone()));
        &self.about
    }
}

/// The findings of a document that are about any of these processes.
pub fn about(document: &Value, pids: &[u32]) -> Vec<Value> {
    let ids: BTreeSet<String> = pids.iter().map(|pid| format!("h0/p{pid}")).collect();
    let concerns = |finding: &&Value| {
        let processes = finding["processes"].as_array();
        let mut processes = processes.into_iter().flatten();
        processes.any(|id| id.as_str().is_some_and(|id| ids.contains(id)))
    };
    let findings = document["findings"].as_array().expect("an array");
    findings.iter().filter(concerns).cloned().collect()
}

/// `whotalks check --format json ARGUMENTS FILES`: the document, for any exit code.
pub fn check(arguments: &[&str], files: &[&Path]) -> Value {
    let mut command = Command::new(&programs().analyze);
    command
        .args(["check", "--format", "json"])
        .args(arguments)
        .args(files);
    let ran = run(&mut command, b"");
    let code = ran.status.code();
    assert!(matches!(code, Some(0 | 1)), "{code:?}: {}", ran.stderr);
    serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{}: {error}", ran.command))
}
