//! `waits` in an outage of real services: clients, HAProxy, nginx, workers of an app, and what these wait for.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use whotalks_tests::World;
use whotalks_tests::environment::{needs_root, skip, works};
use whotalks_tests::programs::{Ran, programs, run};
use whotalks_tests::script::Script;
use whotalks_tests::service::{Postgresql, Redis, folder, text};

const SCENE: &str = include_str!("scenes/outage.py");

/// The scene, and the processes that it reported.
fn start(home: &Path, variant: &str, postgres: &str, redis: u16) -> Script {
    let text = SCENE
        .replace("HOME", text(home))
        .replace("VARIANT", variant)
        .replace("PGSOCKET", postgres)
        .replace("REDIS", &redis.to_string());
    Script::start(&text)
}

fn waits(file: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new(&programs().analyze);
    run(command.arg("waits").args(arguments).arg(file), b"").succeeds()
}

/// Pids along the chain of a process, from itself; its end.
fn chain(answer: &Value, pid: u32) -> (Vec<u32>, &Value) {
    let rows = answer["waits"].as_array().unwrap();
    let mut own = rows.iter().filter(|row| row["pid"] == pid);
    let row = own
        .next()
        .unwrap_or_else(|| panic!("no row of {pid} in {answer:#}"));
    assert_eq!(row["problem"], true);
    let steps = row["chain"].as_array().unwrap().iter();
    let pids = steps.map(|step| {
        let id = step["process"].as_str().unwrap();
        id.trim_start_matches("h0/p").parse().unwrap()
    });
    (std::iter::once(pid).chain(pids).collect(), &row["end"])
}

/// The lines of the text for this process.
fn lines(file: &Path, pid: u32) -> Vec<String> {
    let text = waits(file, &[&format!("pid:{pid}")]);
    text.text().lines().map(str::to_owned).collect()
}

fn has_services() -> bool {
    let all = works(&["nginx", "-v"]) && works(&["haproxy", "-v"]);
    if !all {
        skip("no nginx or haproxy");
    }
    all
}

/// One session is idle in a transaction and holds the lock of a row.
#[test]
fn a_row_lock() {
    if !needs_root() {
        return;
    }
    let world = World::new();
    if !has_services() {
        return;
    }
    let postgres = match Postgresql::start(&world) {
        Ok(postgres) => postgres,
        Err(why) => return skip(why),
    };
    let socket = postgres.home.join(format!(".s.PGSQL.{}", postgres.port));
    let home = folder(&world, "shop", None);
    let scene = start(&home, "lock", text(&socket), 0);
    let [holder, workers @ .., _, _, _, _, _, _, _] = &scene.pids[..] else {
        panic!("{:?}", scene.pids);
    };
    let (haproxy, clients) = (scene.pids[4], &scene.pids[5..]);
    assert_eq!(workers.len(), 3);
    let file = world.snapshot();
    let answer = waits(&file, &["--format", "json"]).json();
    for pid in workers {
        let (pids, end) = chain(&answer, *pid);
        // The worker, its session, the one that holds the lock, and that one's client.
        assert_eq!(pids.len(), 4, "{pids:?}");
        assert_eq!(pids[3], *holder);
        assert_eq!(end["kind"], "lock");
        assert!(
            end["text"]
                .as_str()
                .unwrap()
                .contains("idle in a transaction (by its title)")
        );
    }
    for pid in clients {
        let (pids, _) = chain(&answer, *pid);
        assert_eq!(
            (pids.len(), pids[1], pids[6]),
            (7, haproxy, *holder),
            "{pids:?}"
        );
        assert!(workers.contains(&pids[3]));
    }
    // The cause first, then each tier in one line.
    let lines = lines(&file, *holder);
    assert!(
        lines[0].starts_with("LOCK  ") && lines[0].contains(&format!("[{holder}]")),
        "{lines:#?}"
    );
    let tiers = [
        "idle in transaction\"",
        "UPDATE waiting\"",
        "×3 [",
        "nginx ",
        "haproxy [",
        "×6 [",
    ];
    for (line, part) in lines[1..].iter().zip(tiers) {
        assert!(line.contains(part), "{part}: {lines:#?}");
    }
    for pid in workers {
        assert!(lines[3].contains(&pid.to_string()), "{lines:#?}");
    }
    assert!(lines.len() <= 10, "{lines:#?}");
}

/// The server that the workers ask is stopped.
#[test]
fn a_stopped_server() {
    let world = World::new();
    if !has_services() {
        return;
    }
    let Some(redis) = Redis::start(&world) else {
        return skip("no redis");
    };
    let server = redis.server.pids()[0];
    let home = folder(&world, "shop", None);
    signal(server, "STOP");
    let scene = start(&home, "redis", "", redis.port);
    let file = world.snapshot();
    signal(server, "CONT");
    let (workers, haproxy, clients) = (&scene.pids[..3], scene.pids[3], &scene.pids[4..]);
    let answer = waits(&file, &["--format", "json"]).json();
    for pid in workers {
        let (pids, end) = chain(&answer, *pid);
        assert_eq!(
            (&pids[..], &end["kind"]),
            (&[*pid, server][..], &"stopped".into())
        );
    }
    for pid in clients {
        let (pids, end) = chain(&answer, *pid);
        assert_eq!(
            (pids.len(), pids[1], pids[4]),
            (5, haproxy, server),
            "{pids:?}"
        );
        assert_eq!(end["kind"], "stopped");
    }
    let lines = lines(&file, server);
    assert!(
        lines[0].starts_with("STOPPED  redis-server ["),
        "{lines:#?}"
    );
    assert!(
        lines[0].contains(&format!("kill -CONT {server} ")),
        "{lines:#?}"
    );
    assert!(lines[0].contains("3 clients queued"), "{lines:#?}");
    for (line, part) in lines[1..]
        .iter()
        .zip(["×3 [", "nginx ", "haproxy [", "×6 ["])
    {
        assert!(line.contains(part), "{part}: {lines:#?}");
    }
    // Stopped processes are said to be so everywhere.
    let show = |arguments: &[&str]| {
        let mut command = Command::new(&programs().analyze);
        run(command.args(arguments).arg(&file), b"")
            .text()
            .to_owned()
    };
    let page = show(&["show", &format!("pid:{server}")]);
    assert!(page.contains(&format!("kill -CONT {server} ")), "{page}");
    let list = show(&["list", "--by", "process", "--to", &format!("pid:{server}")]);
    assert!(list.contains("server stopped"), "{list}");
}

/// Listeners whose queues are full: further clients wait in connect(2).
#[test]
fn full_backlogs() {
    let world = World::new();
    let home = folder(&world, "shop", None);
    let scene = start(&home, "full", "", 0);
    let file = world.snapshot();
    let answer = waits(&file, &["--format", "json"]).json();
    let [local, remote, clients @ ..] = &scene.pids[..] else {
        panic!("{:?}", scene.pids);
    };
    let (of_local, of_remote) = clients.split_at(4);
    let mut connecting = 0;
    for (server, clients) in [(local, of_local), (remote, of_remote)] {
        for pid in clients {
            let (pids, end) = chain(&answer, *pid);
            assert_eq!(
                (&pids[..], &end["kind"]),
                (&[*pid, *server][..], &"asleep".into())
            );
            let rows = answer["waits"].as_array().unwrap().iter();
            let calls = rows.filter(|row| row["pid"] == *pid);
            connecting += calls.filter(|row| row["call"] == "connect").count();
        }
        let lines = lines(&file, *server);
        assert!(lines[0].starts_with("ASLEEP  "), "{lines:#?}");
        assert!(lines[0].contains("(full, backlog 1)"), "{lines:#?}");
    }
    assert!(connecting >= 2, "{answer:#}");
}

fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill")
        .args([format!("-{name}"), pid.to_string()])
        .status();
    assert!(sent.is_ok_and(|status| status.success()));
}
