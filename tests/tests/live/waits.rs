//! `waits`: processes that are really blocked on each other.

use std::process::Command;

use serde_json::{Value, json};
use whotalks_tests::programs::{Ran, programs, run};
use whotalks_tests::protocol::Blocking;
use whotalks_tests::{Actor, Kind, World};

/// `whotalks waits FILE`
fn waits(world: &World, arguments: &[&str]) -> Ran {
    let file = world.snapshot();
    let mut command = Command::new(&programs().analyze);
    run(command.arg("waits").args(arguments).arg(file), b"").succeeds()
}

fn id(actor: &Actor) -> Value {
    format!("h0/p{}", actor.pid()).into()
}

/// The one row of a process.
fn row<'a>(answer: &'a Value, actor: &Actor) -> &'a Value {
    let all = answer["waits"].as_array().unwrap();
    let mut own = all.iter().filter(|row| row["pid"] == actor.pid());
    let first = own
        .next()
        .unwrap_or_else(|| panic!("no row of {} in {answer:#}", actor.pid()));
    assert_eq!(own.next(), None);
    first
}

fn processes(steps: &Value) -> Vec<Value> {
    let steps = steps.as_array().unwrap().iter();
    steps.map(|step| step["process"].clone()).collect()
}

/// The cycles that a process is in.
fn cycles<'a>(answer: &'a Value, actor: &Actor) -> Vec<&'a Value> {
    let all = answer["cycles"].as_array().unwrap().iter();
    all.filter(|cycle| cycle["processes"].as_array().unwrap().contains(&id(actor)))
        .collect()
}

/// Over a pipe, over a socket, to a process blocked in `accept`.
#[test]
fn a_chain_of_three() {
    let world = World::new();
    let (first, last) = (world.actor(), world.actor());
    let (read, write) = first.pipe();
    let middle = world.heir(&first, &[write.fd]);
    first.close_descriptor(write.fd);
    let listener = last.listen(&world.path("last"), Kind::Stream, 4);
    let client = middle.connect(&listener, Kind::Stream);
    last.accept(&listener);
    middle.block(Blocking::Read(client.fd));
    first.block(Blocking::Read(read.fd));
    last.block(Blocking::Accept(listener.fd));
    let answer = waits(&world, &["--format", "json"]).json();
    assert_eq!(answer["schema"], "whotalks-waits/1");
    assert_eq!(answer["captured"], true);
    let row = row(&answer, &first);
    assert_eq!(
        (&row["call"], &row["fd"]),
        (&json!("read"), &json!(read.fd))
    );
    assert_eq!(row["object"], format!("h0/i{}", read.inode));
    assert_eq!(row["peers"], json!([id(&middle)]));
    assert_eq!(processes(&row["chain"]), [id(&middle), id(&last)]);
    assert_eq!(row["chain"][0]["call"], "read");
    assert_eq!(row["chain"][0]["object"], client.id());
    assert_eq!(row["chain_length"], 2);
    assert_eq!(row["end"]["kind"], "idle");
    assert_eq!(
        (&row["class"], &row["problem"]),
        (&json!("reads"), &json!(true))
    );
    let on = json!([{"fd": read.fd, "object": format!("h0/i{}", read.inode), "want": "read"}]);
    assert_eq!(row["on"], on);
    let middle_row = self::row(&answer, &middle);
    let path = world.directory().join("last");
    assert_eq!(middle_row["via"], path.to_str().unwrap());
    // Its client waits for it in vain; the thread itself waits for clients.
    let all = waits(&world, &["--all", "--format", "json"]).json();
    let last_row = self::row(&all, &last);
    assert_eq!(
        (&last_row["need"], &last_row["class"], &last_row["problem"]),
        (&json!("client"), &json!("idle"), &json!(false))
    );
    assert_eq!(cycles(&answer, &first), [] as [&Value; 0]);
    // The text output, restricted to the selected process: the end first.
    let one = waits(&world, &[&format!("pid:{}", first.pid())]);
    let lines: Vec<&str> = one.text().lines().collect();
    let expected = [&last, &middle, &first].map(|actor| format!("[{}]", actor.pid()));
    assert!(lines.len() >= 3, "{}", one.text());
    for (line, pid) in lines.iter().zip(expected) {
        assert!(line.contains(&pid), "{}", one.text());
    }
    assert!(lines[0].contains("idle in accept"), "{}", one.text());
    let of_last = waits(
        &world,
        &["--format", "json", &format!("pid:{}", last.pid())],
    )
    .json();
    let rows = of_last["waits"].as_array().unwrap().iter();
    let mut pids: Vec<u64> = rows.map(|row| row["pid"].as_u64().unwrap()).collect();
    pids.sort_unstable();
    let mut expected = [&first, &middle].map(|actor| u64::from(actor.pid()));
    expected.sort_unstable();
    assert_eq!(pids, expected);
    assert_eq!(of_last["idle"], 1);
}

/// Two processes write to each other and neither reads; a third waits for a reply of one.
#[test]
fn a_deadlock() {
    let world = World::new();
    let (one, two, third) = (world.actor(), world.actor(), world.actor());
    let listener = two.listen(&world.abstract_name("two"), Kind::Stream, 4);
    let [near, other] = [&one, &third].map(|actor| actor.connect(&listener, Kind::Stream));
    let far = two.accept(&listener);
    two.accept(&listener);
    one.block(Blocking::Write(near.fd));
    two.block(Blocking::Write(far.fd));
    third.block(Blocking::Read(other.fd));
    let answer = waits(&world, &["--format", "json"]).json();
    let [cycle] = cycles(&answer, &one)[..] else {
        panic!("{:#}", answer["cycles"]);
    };
    assert_eq!(cycle["processes"], json!([id(&one), id(&two)]));
    assert_eq!(processes(&cycle["steps"]), [id(&one), id(&two)]);
    assert_eq!(cycle["deadlock"], true);
    // If a process could not be read, its descriptors are unknown.
    let file = whotalks_tests::world::export(&world.directory().join("machine.whotalks"));
    let sockets = file["sockets"].as_array().unwrap();
    let ends = [near.id(), far.id()];
    let mut ends = sockets
        .iter()
        .filter(|s| ends.iter().any(|end| s["id"] == *end));
    let known = ends.all(|end| end["holders_complete"] == true);
    assert_eq!(cycle["certain"], known);
    for (actor, peer, end) in [(&one, &two, &near), (&two, &one, &far)] {
        let row = row(&answer, actor);
        assert_eq!(
            (&row["call"], &row["need"]),
            (&json!("write"), &json!("room"))
        );
        assert_eq!(row["object"], end.id());
        assert!(row["queue_bytes"].as_u64().unwrap() > 0, "{row:#}");
        assert_eq!(processes(&row["chain"]), [id(peer), id(actor)]);
        assert_eq!(
            (&row["end"]["kind"], &row["problem"]),
            (&json!("cycle"), &json!(true))
        );
        assert_eq!(row["class"], "in-cycle");
    }
    let row = row(&answer, &third);
    assert_eq!(
        (&row["class"], &row["end"]["kind"]),
        (&json!("on-cycle"), &json!("cycle"))
    );
    assert_eq!(processes(&row["chain"]), [id(&two)]);
    assert!(cycles(&answer, &third).is_empty());
    let text = waits(&world, &[]);
    let line = format!(
        "DEADLOCK  whotalks-actor [{0}] write → whotalks-actor [{1}] write → whotalks-actor [{0}]",
        one.pid(),
        two.pid()
    );
    assert!(text.text().contains(&line), "{}", text.text());
}

/// A writer whose reader also polls other descriptors is not a deadlock.
#[test]
fn an_event_loop_may_yet_read() {
    let world = World::new();
    let (server, writer, poller) = (world.actor(), world.actor(), world.actor());
    let listener = server.listen(&world.path("loop"), Kind::Stream, 4);
    let out = writer.connect(&listener, Kind::Stream);
    let silent = poller.connect(&listener, Kind::Stream);
    let accepted = [(); 2].map(|()| server.accept(&listener));
    server.block(Blocking::Epoll(vec![listener.fd, accepted[1].fd]));
    writer.block(Blocking::Write(out.fd));
    poller.block(Blocking::Poll(vec![silent.fd]));
    let answer = waits(&world, &["--all", "--format", "json"]).json();
    let writes = row(&answer, &writer);
    assert_eq!(
        (&writes["class"], &writes["end"]["kind"], &writes["problem"]),
        (&json!("held"), &json!("idle"), &json!(true))
    );
    assert_eq!(processes(&writes["chain"]), [id(&server)]);
    // It watches the connection that is silent, and not the one that is written to.
    let events = row(&answer, &server);
    let watched = |fd: i32, object: String| json!({"fd": fd, "object": object, "want": "read"});
    let on = [
        watched(listener.fd, listener.id()),
        watched(accepted[1].fd, accepted[1].id()),
    ];
    assert_eq!(events["on"].as_array().unwrap(), &on);
    assert_eq!(
        (&events["class"], &events["problem"]),
        (&json!("neglects"), &json!(true))
    );
    assert_eq!(events["neglects"][0]["socket"], accepted[0].id());
    assert!(events["neglects"][0]["recv_queue_bytes"].as_u64() > Some(0));
    // Its connection is watched, and nothing in it is unread.
    let polls = row(&answer, &poller);
    assert_eq!(
        (&polls["class"], &polls["problem"]),
        (&json!("idle"), &json!(false))
    );
    for actor in [&server, &writer, &poller] {
        assert!(cycles(&answer, actor).is_empty());
    }
}
