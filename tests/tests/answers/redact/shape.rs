//! Properties of a capture that its redacted copy must preserve.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use whotalks_tests::programs::{programs, run};
use whotalks_tests::world::export;

use super::answer;

/// The same map, hubs, links, findings and picture.
pub(super) fn assert_same_shape(file: &Path, copy: &Path) {
    for (before, after) in shape(file).iter().zip(shape(copy)) {
        assert_eq!(before, &after);
    }
}

/// The properties of a map that do not depend on names.
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
        links(file),
        findings(file),
        drawn(file),
    ]
}

/// Links between processes, sorted by properties without names.
fn links(file: &Path) -> Value {
    let document = answer(&["list", "--by", "process", "--all"], file);
    let links = document["links"].as_array().unwrap().iter();
    let keys = ["kind", "connections", "pending", "clients", "servers"];
    let mut links: Vec<Value> = links
        .map(|link| keys.iter().map(|key| link[*key].clone()).collect())
        .collect();
    links.sort_by_key(Value::to_string);
    json!(links)
}

/// What the rules find, and where. Whether two names resemble each other is lost with them.
fn findings(file: &Path) -> Value {
    let document = report(file);
    let findings = document["findings"].as_array().unwrap().iter();
    let keys = ["code", "severity", "processes", "sockets"];
    let mut findings: Vec<Value> = findings
        .filter(|found| found["code"] != "WT308")
        .map(|found| keys.iter().map(|key| found[*key].clone()).collect())
        .collect();
    findings.sort_by_key(Value::to_string);
    json!([findings, document["unknown"].as_array().unwrap().len()])
}

/// The findings; the program exits with 1 if there are any.
pub(super) fn report(file: &Path) -> Value {
    let mut command = Command::new(&programs().analyze);
    let ran = run(command.args(["check", "--format", "json"]).arg(file), b"");
    serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stderr))
}

/// The nodes and edges of the picture by their classes.
fn drawn(file: &Path) -> Value {
    let mut command = Command::new(&programs().analyze);
    let drawn = run(command.arg("draw").arg(file).args(["-o", "-"]), b"");
    let svg = String::from_utf8(drawn.succeeds().stdout).unwrap();
    let mut classes: BTreeMap<&str, u32> = BTreeMap::new();
    for rest in svg.split("class=\"").skip(1) {
        let class = rest.split('"').next().unwrap();
        if class.starts_with("node ") || class.starts_with("edge ") {
            *classes.entry(class).or_default() += 1;
        }
    }
    assert!(!classes.is_empty());
    json!(classes)
}
