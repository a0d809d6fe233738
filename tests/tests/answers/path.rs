//! `path`: three real processes in a row.

use std::process::{Command, Stdio};

use whotalks_tests::programs::run;
use whotalks_tests::{Kind, World};

use super::whotalks;

/// A process without what cargo and the test hand down to it.
const NOTHING_HELD: &str = r#"
for fd in /proc/self/fd/*; do
    fd=${fd##*/}
    [ "$fd" -le 2 ] || eval "exec $fd>&-"
done
exec sleep 600
"#;

#[test]
fn hop_by_hop() {
    let world = World::new();
    let (front, middle, back) = (world.actor(), world.actor(), world.actor());
    // All actors are connected to this test; this process is not.
    let mut alone = Command::new("bash");
    alone
        .args(["-c", NOTHING_HELD])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut alone = alone.spawn().unwrap();
    let comm = format!("/proc/{}/comm", alone.id());
    while std::fs::read_to_string(&comm).unwrap() != "sleep\n" {
        std::thread::yield_now();
    }
    let front_door = middle.listen(&world.path("front"), Kind::Stream, 5);
    let first = front.connect(&front_door, Kind::Stream);
    middle.accept(&front_door);
    let back_door = back.listen(&world.abstract_name("\x1b[31m"), Kind::Stream, 5);
    let second = middle.connect(&back_door, Kind::Stream);
    back.accept(&back_door);
    let map = world.capture();
    let file = world.snapshot();
    alone.kill().unwrap();
    alone.wait().unwrap();
    let pid = |of: u32| format!("pid:{of}");
    let ask = |from: u32, to: u32, format: &str| {
        let mut command = whotalks(&["path", "--format", format, &pid(from), &pid(to)]);
        run(command.arg(&file), b"")
    };
    let connection = |end: &whotalks_tests::Socket| {
        let id = end.id();
        let row = map.connections_of(&id).next().expect("it is connected");
        row["id"].clone()
    };
    let found = ask(front.pid(), back.pid(), "json").json();
    assert_eq!(found["schema"], "whotalks-path/1");
    assert_eq!(found["found"], true);
    let process = |of: u32| serde_json::Value::from(format!("h0/p{of}"));
    let hops = found["hops"].as_array().unwrap();
    let expected = [
        (process(front.pid()), connection(&first)),
        (process(middle.pid()), connection(&second)),
        (process(back.pid()), serde_json::Value::Null),
    ];
    // Ids of connections are stable within a file: processes and order are what both files share.
    assert_eq!(hops.len(), expected.len());
    for (hop, (process, connection)) in hops.iter().zip(&expected) {
        assert_eq!(&hop["process"], process);
        assert_eq!(hop["connection"].is_null(), connection.is_null());
    }
    let text = ask(back.pid(), front.pid(), "text").succeeds();
    let text = text.text();
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].contains(" ← @") && lines[0].contains("\\x1b[31m ← "),
        "{text}"
    );
    assert!(lines[1].contains("/front ← "), "{text}");
    assert!(lines[2].starts_with("2 hops."), "{text}");
    assert!(!text.contains('\x1b'));

    let none = ask(front.pid(), alone.id(), "json")
        .exits(1)
        .says("whotalks: no path from pid:");
    let none: serde_json::Value = serde_json::from_slice(&none.stdout).unwrap();
    assert_eq!(
        (&none["found"], none["hops"].as_array().unwrap().len()),
        (&false.into(), 0)
    );
    ask(front.pid(), 4_194_304, "text")
        .exits(1)
        .says("whotalks: pid:4194304: nothing matches");
    let mut slip = whotalks(&["path", "whotalks-aktor", "whotalks-actor"]);
    let slip = run(slip.arg(&file), b"").exits(1);
    assert!(
        slip.stderr.contains("near: ") && slip.stderr.contains("whotalks-actor"),
        "{}",
        slip.stderr
    );
}
