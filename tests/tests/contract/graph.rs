//! `export --format json`: every documented field, its type, and the invariants between fields.

use std::collections::HashSet;

use serde_json::{Value, json};
use whotalks_tests::shape::{id_key, misfits};

use super::scene::{scene, whotalks};

fn template() -> Value {
    let holder = json!({"process": "id", "fd": "uint", "cloexec": "bool?"});
    let endpoint = json!({"?": true, "text": "string", "addr": "string", "port": "uint"});
    json!({
        "schema": "=whotalks-graph/1",
        "hosts": [{
            "id": "=h0", "hostname": "string", "boot_id": "string", "machine_id": "string?",
            "kernel": "string", "arch": "string", "os": "string", "started_at": "time",
            "ended_at": "time", "collector": "string", "source": "=collector", "euid": "uint",
            "note": "string?"
        }],
        "coverage": [{
            "host": "=h0",
            "processes": {"read": "uint", "partial": "uint", "denied": "uint", "vanished": "uint"},
            "netns": [{
                "inode": "uint", "diag": "=ok|denied|unavailable|truncated",
                "proc_net": "=ok|denied|unavailable"
            }],
            "complete": "bool"
        }],
        "processes": [{
            "id": "id", "host": "=h0", "pid": "uint", "ns_pid": "uint", "start_ticks": "uint",
            "started_at": "time", "ppid": "uint", "comm": "string", "exe": "string?",
            "exe_deleted": "bool", "cmdline": ["string"], "uid": "uint?", "user": "string?",
            "unit": "string?",
            "container": {"?": true, "id": "string", "name": "string?", "runtime": "string"},
            "cgroup": "string", "netns": "uint?", "mntns": "uint?", "pidns": "uint?",
            "fds_status": "=read|partial|denied|vanished", "fd_counts": {"*": "uint"}
        }],
        "sockets": [{
            "id": "id", "host": "=h0", "inode": "uint", "cookie": "uint?", "netns": "uint?",
            "family": "=unix|inet|inet6|netlink|packet|vsock|other", "type": "string",
            "protocol": "string?", "state": "string",
            "name": {"?": true, "kind": "=path|abstract", "text": "string", "hex": "hex"},
            "local": endpoint, "remote": endpoint,
            "recv_queue_bytes": "uint", "send_queue_bytes": "uint", "backlog": "uint?",
            "pending": "uint?", "accepting": "bool?",
            "holders": [{"process": "id", "tid": "uint?", "fd": "uint", "cloexec": "bool?"}],
            "holders_complete": "bool"
        }],
        "connections": [{
            "id": "id", "kind": "=unix|inet|netlink|vsock", "a": "id", "b": "id?",
            "listener": "id?", "state": "string", "evidence": "string",
            "listener_evidence": "=vfs|name|address?", "confirmed": "bool"
        }],
        "pipes": [{
            "id": "id", "host": "=h0", "inode": "uint", "path": "string?",
            "readers": [holder], "writers": [holder]
        }],
        "channels": [{
            "id": "id", "host": "=h0", "kind": "string", "name": "string",
            "ends": [{"process": "id", "tid": "uint?", "fd": "uint?", "role": "string"}]
        }],
        "warnings": [{"host": "=h0", "kind": "string", "text": "string"}]
    })
}

fn rows<'a>(document: &'a Value, array: &str) -> &'a Vec<Value> {
    document[array].as_array().unwrap()
}

fn ids<'a>(document: &'a Value, array: &str) -> HashSet<&'a str> {
    rows(document, array)
        .iter()
        .map(|row| row["id"].as_str().unwrap())
        .collect()
}

#[test]
fn every_documented_field_is_there() {
    let wrong = misfits(&template(), &scene().graph);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for array in [
        "hosts",
        "coverage",
        "processes",
        "sockets",
        "connections",
        "pipes",
    ] {
        assert!(
            !rows(&scene().graph, array).is_empty(),
            "no {array}: this test proves nothing"
        );
    }
}

#[test]
fn fields_are_null_where_they_mean_nothing() {
    for socket in rows(&scene().graph, "sockets") {
        let is = |field: &str| !socket[field].is_null();
        let unix = socket["family"] == "unix";
        assert!(!(unix && is("protocol")), "{socket:#}");
        assert!(!(unix && is("local")), "{socket:#}");
        assert!(unix || !is("name"), "{socket:#}");
        let inet = socket["family"] == "inet" || socket["family"] == "inet6";
        assert!(!inet || is("local"), "{socket:#}");
        let listens = socket["state"] == "listening";
        assert!(listens || !is("accepting"), "{socket:#}");
        assert!(
            !(listens && unix) || (is("accepting") && is("backlog") && is("pending")),
            "{socket:#}"
        );
    }
}

#[test]
fn arrays_are_sorted_by_id() {
    for array in ["hosts", "processes", "sockets", "connections", "pipes"] {
        let keys: Vec<_> = rows(&scene().graph, array)
            .iter()
            .map(|row| id_key(row["id"].as_str().unwrap()))
            .collect();
        let misplaced = keys.windows(2).find(|pair| pair[0] >= pair[1]);
        assert!(misplaced.is_none(), "{array}: {misplaced:?}");
    }
    for socket in rows(&scene().graph, "sockets") {
        let holders = rows(socket, "holders").iter();
        let keys: Vec<_> = holders
            .map(|holder| {
                let process = id_key(holder["process"].as_str().unwrap());
                (process, holder["tid"].as_u64(), holder["fd"].as_u64())
            })
            .collect();
        assert!(keys.is_sorted(), "{socket:#}");
    }
}

#[test]
fn ids_are_what_they_are_made_of() {
    let graph = &scene().graph;
    for process in rows(graph, "processes") {
        assert_eq!(process["id"], format!("h0/p{}", process["pid"]));
    }
    for socket in rows(graph, "sockets") {
        let (inode, cookie) = (&socket["inode"], &socket["cookie"]);
        let id = &socket["id"];
        assert!(
            *id == format!("h0/s{inode}") || *id == format!("h0/k{cookie}"),
            "{socket:#}"
        );
    }
    for pipe in rows(graph, "pipes") {
        let id = pipe["id"].as_str().unwrap();
        let fifo = id.starts_with("h0/f") && id.ends_with(&format!("-{}", pipe["inode"]));
        assert!(fifo || id == format!("h0/i{}", pipe["inode"]), "{pipe:#}");
    }
}

#[test]
fn every_id_leads_somewhere() {
    let graph = &scene().graph;
    let (processes, sockets) = (ids(graph, "processes"), ids(graph, "sockets"));
    let known = |set: &HashSet<&str>, id: &Value| id.as_str().is_none_or(|id| set.contains(id));
    for socket in rows(graph, "sockets") {
        for holder in rows(socket, "holders") {
            assert!(known(&processes, &holder["process"]), "{socket:#}");
        }
    }
    for pipe in rows(graph, "pipes") {
        for end in rows(pipe, "readers").iter().chain(rows(pipe, "writers")) {
            assert!(known(&processes, &end["process"]), "{pipe:#}");
        }
    }
    for connection in rows(graph, "connections") {
        for end in ["a", "b", "listener"] {
            assert!(known(&sockets, &connection[end]), "{connection:#}");
        }
        let listener = connection["listener"].is_null();
        assert!(
            !listener || connection["listener_evidence"].is_null(),
            "{connection:#}"
        );
    }
}

/// Each pair of connected sockets is one connection.
#[test]
fn no_socket_has_two_peers() {
    let mut seen = HashSet::new();
    for connection in rows(&scene().graph, "connections") {
        if connection["state"] == "one-way" {
            continue;
        }
        let ends = [&connection["a"], &connection["b"]];
        let itself = ends[0] == ends[1];
        for end in ends
            .into_iter()
            .take(if itself { 1 } else { 2 })
            .filter_map(Value::as_str)
        {
            assert!(seen.insert(end), "{end} is in two connections");
        }
    }
}

/// Text is for display; what escaping changed is there exactly.
#[test]
fn text_is_printable_and_hex_is_exact() {
    let mut changed = 0;
    for process in rows(&scene().graph, "processes") {
        let text = process["comm"].as_str().unwrap();
        assert!(!text.chars().any(char::is_control), "{text:?}");
        if let Some(hex) = process["comm_hex"].as_str() {
            changed += usize::from(hex == "3c6126221b0aff273e");
        }
    }
    assert_eq!(
        changed, 1,
        "the process with the hostile name has its exact bytes"
    );
    let names = rows(&scene().graph, "sockets")
        .iter()
        .map(|socket| &socket["name"]);
    let mut hostile = 0;
    for name in names.filter(|name| !name.is_null()) {
        let (text, hex) = (
            name["text"].as_str().unwrap(),
            name["hex"].as_str().unwrap(),
        );
        assert!(!text.chars().any(char::is_control), "{text:?}");
        hostile += usize::from(hex.contains("1b5b33316d"));
        if name["kind"] == "abstract" {
            assert!(hex.starts_with("00") && text.starts_with('@'), "{name}");
        } else {
            assert!(
                !hex.ends_with("00"),
                "a path's hex is without its NUL: {name}"
            );
        }
    }
    assert!(hostile > 0, "the hostile names are in the scene");
}

#[test]
fn two_runs_are_byte_identical() {
    for arguments in [
        &["export", "--format", "json"][..],
        &["list", "--format", "json"],
        &["list", "--all"],
        &["hubs", "--format", "json"],
        &["hubs"],
        &["info", "--format", "json"],
    ] {
        let first = whotalks(arguments).succeeds();
        let second = whotalks(arguments).succeeds();
        assert!(first.stdout == second.stdout, "{arguments:?}");
    }
}
