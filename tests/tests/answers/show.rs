//! `show`; and `list`, `path` and `info` of a series.

use serde_json::{Value, json};
use whotalks_tests::programs::run;
use whotalks_tests::{Actor, Kind, World};

use super::whotalks;

fn id(actor: &Actor) -> Value {
    format!("h0/p{}", actor.pid()).into()
}

#[test]
fn pages() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let listener = server.listen(&world.path("door"), Kind::Stream, 4);
    let near = client.connect(&listener, Kind::Stream);
    let far = server.accept(&listener);
    client.connect(&listener, Kind::Stream);
    client.send(&near, b"12345");
    let file = world.snapshot();
    let show = |selector: &str| {
        let mut command = whotalks(&["show", "--format", "json", selector]);
        run(command.arg(&file), b"").json()
    };
    let answer = show(&format!("pid:{}", server.pid()));
    assert_eq!(
        (&answer["schema"], &answer["matches"]),
        (&json!("whotalks-show/1"), &json!(1))
    );
    let page = &answer["pages"][0];
    assert_eq!(
        (&page["kind"], &page["process"]["pid"]),
        (&json!("process"), &json!(server.pid()))
    );
    let ids = |rows: &Value| -> Vec<Value> {
        rows.as_array()
            .unwrap()
            .iter()
            .map(|row| row["id"].clone())
            .collect()
    };
    assert_eq!(ids(&page["listens"]), [json!(listener.id())]);
    let callers = page["called_by"].as_array().unwrap();
    let caller = callers
        .iter()
        .find(|row| row["clients"] == json!([id(&client)]))
        .unwrap();
    assert_eq!(
        (&caller["connections"], &caller["pending"]),
        (&json!(2), &json!(1))
    );
    let queues = ids(&page["queues"]);
    assert!(
        queues.contains(&json!(listener.id())),
        "one waits in it: {queues:?}"
    );
    let page = show(&format!("pid:{}", client.pid()));
    let page = &page["pages"][0];
    let talks = page["talks_to"].as_array().unwrap();
    assert!(
        talks
            .iter()
            .any(|row| row["servers"] == json!([id(&server)]))
    );
    assert!(
        ids(&page["queues"]).contains(&json!(near.id())),
        "five bytes are not read yet"
    );

    // A name means its listener, though what it accepted has the same.
    let path = world.directory().join("door");
    let answer = show(&format!("socket:{}", path.display()));
    assert_eq!(answer["matches"], 1);
    let page = &answer["pages"][0];
    assert_eq!(
        (&page["kind"], &page["socket"]["id"]),
        (&json!("socket"), &json!(listener.id()))
    );
    let connections = page["connections"].as_array().unwrap();
    assert_eq!(connections.len(), 2);
    let established = connections
        .iter()
        .find(|row| row["state"] == "established")
        .unwrap();
    assert_eq!(established["a_processes"], json!([id(&client)]));
    assert_eq!(established["b_processes"], json!([id(&server)]));
    let page = show(&format!("inode:{}", far.inode));
    assert_eq!(page["pages"][0]["socket"]["id"], far.id());

    let text = run(
        whotalks(&["show", &format!("inode:{}", listener.inode)]).arg(&file),
        b"",
    );
    let text = text.succeeds();
    for part in [
        "unix stream listening",
        "1 of 4 pending, accepting",
        "(not accepted yet)",
    ] {
        assert!(
            text.text().contains(part),
            "{part} is not in\n{}",
            text.text()
        );
    }
    let many = run(whotalks(&["show", "comm:whotalks-actor"]).arg(&file), b"").succeeds();
    assert!(many.text().matches("process whotalks-actor").count() <= 3);
    run(whotalks(&["show", "pid:4294967295"]).arg(&file), b"").exits(1);
    run(whotalks(&["show"]).arg(&file), b"").exits(2);
}

#[test]
fn a_series_at_one_time_and_at_all() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let listener = server.listen(&world.path("door"), Kind::Stream, 4);
    let first = client.connect(&listener, Kind::Stream);
    let accepted = server.accept(&listener);
    let early = world.directory().join("early.whotalks");
    std::fs::rename(world.snapshot(), &early).unwrap();
    client.close(&first);
    server.close(&accepted);
    let second = client.connect(&listener, Kind::Stream);
    server.accept(&listener);
    let late = world.snapshot();
    let ask = |arguments: &[&str]| {
        let mut command = whotalks(arguments);
        run(command.arg(&early).arg(&late), b"")
    };
    let sockets = |at: &str| {
        let map = ask(&["export", "--at", at]).json();
        let seen = |socket: &whotalks_tests::Socket| {
            let rows = map["sockets"].as_array().unwrap().clone();
            let row = rows.into_iter().find(|row| row["id"] == socket.id())?;
            Some(row["seen"].clone())
        };
        [&listener, &first, &second].map(seen)
    };
    let there = Some(Value::Null);
    assert_eq!(sockets("1"), [there.clone(), there.clone(), None]);
    assert_eq!(sockets("-1"), [there.clone(), None, there.clone()]);
    assert_eq!(
        sockets("2999-01-01T00:00:00Z"),
        [there.clone(), None, there]
    );
    assert_eq!(
        sockets("all"),
        [Some(json!(2)), Some(json!(1)), Some(json!(1))]
    );
    let selector = format!("pid:{}", client.pid());
    let all = ask(&[
        "list", "--by", "process", "--format", "json", "--at", "all", &selector,
    ])
    .json();
    let path = world.directory().join("door");
    let links = all["links"].as_array().unwrap();
    let link = links
        .iter()
        .find(|link| link["via"] == path.to_str().unwrap())
        .unwrap();
    assert_eq!(
        (&link["connections"], &link["seen"], &link["captures"]),
        (&json!(2), &json!(2), &json!(2))
    );
    let started = |at: &str| ask(&["export", "--at", at]).json()["hosts"][0]["started_at"].clone();
    assert_eq!(
        [&link["first_seen_at"], &link["last_seen_at"]],
        [&started("1"), &started("2")]
    );
    let text = ask(&["list", "--by", "process", "--at", "all", &selector]).stdout;
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("seen 2 of 2"), "{text}");
    let csv = ask(&["list", "--format", "csv", "--at", "all", &selector]).stdout;
    let csv = String::from_utf8(csv).unwrap();
    let last = started("2");
    let row = format!(
        "2,2,{},{}",
        started("1").as_str().unwrap(),
        last.as_str().unwrap()
    );
    assert!(csv.lines().any(|line| line.ends_with(&row)), "{csv}");
    // One row for each pair of sockets.
    let by_socket = ask(&[
        "list", "--by", "socket", "--format", "json", "--at", "1", &selector,
    ])
    .json();
    let links = by_socket["links"].as_array().unwrap();
    let link = links
        .iter()
        .find(|link| link["via"] == path.to_str().unwrap())
        .unwrap();
    assert!(
        link["client"]
            .as_str()
            .unwrap()
            .starts_with(&format!("{} ", first.id()))
    );
    assert!(
        link["server"]
            .as_str()
            .unwrap()
            .starts_with(&format!("{} ", accepted.id()))
    );
    let to = format!("pid:{}", server.pid());
    ask(&["path", "--at", "1", &selector, &to]).succeeds();
    ask(&["path", "--at", "7", &selector, &to]).exits(1);
    ask(&["list", "--at", "25:00"]).exits(2);
    let info = |at: &str| run(whotalks(&["info", "--at", at]).arg(&early), b"");
    info("1").succeeds();
    info("2").exits(1);
}

#[test]
fn groups_and_near_names() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let listener = server.listen(&world.path("door"), Kind::Stream, 4);
    client.connect(&listener, Kind::Stream);
    server.accept(&listener);
    let file = world.snapshot();
    let hubs = |by: &str| {
        run(
            whotalks(&["hubs", "--by", by, "--format", "json"]).arg(&file),
            b"",
        )
        .json()
    };
    let name = "whotalks-actor";
    let row = |hubs: &Value| {
        let all = hubs["hubs"].as_array().unwrap().clone();
        all.into_iter()
            .filter(|hub| hub["comm"].as_str().unwrap().contains(name))
            .count()
    };
    assert!(row(&hubs("process")) >= 2, "each of them talks");
    assert!(row(&hubs("exe")) <= 1, "together they are one");
    let drawn = run(whotalks(&["draw", "--view", "exe"]).arg(&file), b"").succeeds();
    assert!(drawn.text().contains(" ×"), "actors are one node");
    let ran = run(
        whotalks(&["list", "--from", "whotalks-acter"]).arg(&file),
        b"",
    )
    .exits(1);
    assert!(
        ran.stderr.contains("near: ") && ran.stderr.contains(name),
        "{}",
        ran.stderr
    );
}
