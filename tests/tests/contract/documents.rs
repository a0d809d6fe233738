//! The documents of `hubs`, `list` and `info`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use whotalks_tests::shape::{id_key, misfits};

use super::scene::{scene, whotalks};

fn fits(template: &Value, document: &Value) {
    let wrong = misfits(template, document);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn hubs_has_its_fields_and_order() {
    let document = whotalks(&["hubs", "--format", "json"]).json();
    let template = json!({
        "schema": "=whotalks-hubs/1",
        "hubs": [{
            "process": "id", "pid": "uint", "comm": "string", "peers": "uint",
            "connections": "uint", "listens": ["string"]
        }],
        "complete": "bool"
    });
    fits(&template, &document);
    let hubs = document["hubs"].as_array().unwrap();
    let number = |hub: &Value, field: &str| std::cmp::Reverse(hub[field].as_u64().unwrap());
    assert!(hubs.is_sorted_by_key(|hub| {
        let id = id_key(hub["process"].as_str().unwrap());
        (number(hub, "peers"), number(hub, "connections"), id)
    }));
    assert_eq!(
        document["complete"],
        scene().graph["coverage"][0]["complete"]
    );
}

/// Counted again from the exported graph, in the words of the documentation: without holders that only
/// keep what another one uses, and without conversations with loggers.
#[test]
fn peers_are_the_other_holders_of_the_other_ends() {
    let graph = &scene().graph;
    let rows = |array: &str| graph[array].as_array().unwrap();
    let processes = |ends: &Value| -> BTreeSet<String> {
        let ends = ends.as_array().unwrap().iter();
        let users = ends.filter(|end| end["keeps"] != true);
        users
            .map(|end| end["process"].as_str().unwrap().to_owned())
            .collect()
    };
    let holders: BTreeMap<&str, BTreeSet<String>> = rows("sockets")
        .iter()
        .map(|socket| {
            (
                socket["id"].as_str().unwrap(),
                processes(&socket["holders"]),
            )
        })
        .collect();
    let mut peers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut meet = |left: &BTreeSet<String>, right: &BTreeSet<String>| {
        for one in left {
            for other in right.iter().filter(|other| *other != one) {
                peers.entry(one.clone()).or_default().insert(other.clone());
                peers.entry(other.clone()).or_default().insert(one.clone());
            }
        }
    };
    let is_shown = |row: &&Value| row["class"] != "log";
    for connection in rows("connections").iter().filter(is_shown) {
        let end = |name: &str| connection[name].as_str().and_then(|id| holders.get(id));
        if let (Some(a), Some(b)) = (end("a"), end("b")) {
            meet(a, b);
        }
    }
    for pipe in rows("pipes").iter().filter(is_shown) {
        meet(&processes(&pipe["readers"]), &processes(&pipe["writers"]));
    }
    let document = whotalks(&["hubs", "--format", "json"]).json();
    let hubs = document["hubs"].as_array().unwrap().iter();
    let said: BTreeMap<String, usize> = hubs
        .map(|hub| {
            let peers = usize::try_from(hub["peers"].as_u64().unwrap()).unwrap();
            (hub["process"].as_str().unwrap().to_owned(), peers)
        })
        .filter(|(_, peers)| *peers > 0)
        .collect();
    let counted: BTreeMap<String, usize> = peers
        .into_iter()
        .map(|(process, peers)| (process, peers.len()))
        .collect();
    assert_eq!(said, counted);
    assert!(said.contains_key(&scene().client) && said.contains_key(&scene().server));
}

#[test]
fn list_has_its_fields() {
    let template = json!({
        "schema": "=whotalks-list/1", "by": "string",
        "links": [{
            "client": "string", "server": "string", "via": "string?", "kind": "string",
            "connections": "uint", "pending": "uint", "clients": ["id"], "servers": ["id"]
        }]
    });
    for by in [
        "role",
        "process",
        "exe",
        "unit",
        "container",
        "user",
        "host",
    ] {
        let document = whotalks(&["list", "--by", by, "--format", "json"]).json();
        fits(&template, &document);
        assert_eq!(document["by"], by);
    }
    let document = whotalks(&["list", "--format", "json"]).json();
    assert_eq!(document["by"], "role", "the default");
}

#[test]
fn list_counts_what_is_connected_and_what_waits() {
    let document = whotalks(&["list", "--by", "process", "--format", "json"]).json();
    let links = document["links"].as_array().unwrap().iter();
    let found: Vec<_> = links
        .filter(|link| link["via"] == scene().via.as_str())
        .collect();
    let [link] = found[..] else {
        panic!("one link via {}: {found:#?}", scene().via)
    };
    assert_eq!(link["clients"], json!([scene().client]), "{link:#}");
    assert_eq!(link["servers"], json!([scene().server]), "{link:#}");
    // A client that waits is a connection too, as in the exported graph.
    assert_eq!(link["connections"], 4, "{link:#}");
    assert_eq!(link["pending"], 1, "{link:#}");
    assert_eq!(link["kind"], "unix", "{link:#}");
}

#[test]
fn info_is_a_document_with_a_schema() {
    let document = whotalks(&["info", "--format", "json"]).json();
    assert_eq!(document["schema"], "whotalks-info/1");
    let text = whotalks(&["info"]).succeeds();
    let sha256 = std::process::Command::new("sha256sum")
        .arg(&scene().file)
        .output()
        .unwrap();
    let sha256 = String::from_utf8(sha256.stdout).unwrap();
    let sha256 = sha256.split_whitespace().next().unwrap();
    assert!(document.to_string().contains(sha256), "{document:#}");
    assert!(text.text().contains(&sha256[..8]), "{}", text.text());
}
