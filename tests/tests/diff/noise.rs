//! The capture itself and short-lived processes are not reported as differences.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use whotalks_tests::World;
use whotalks_tests::environment::skip;
use whotalks_tests::programs::{programs, run};
use whotalks_tests::service::{Nginx, Postgresql, Redis, Service};

/// The processes of all rows, and of both ends of links.
fn reported(document: &Value) -> Vec<String> {
    let mut told = Vec::new();
    for of in ["added", "removed", "changed", "replaced"] {
        let rows = document["processes"][of].as_array().into_iter().flatten();
        for row in rows {
            for side in ["old", "new"] {
                let ids = row[side].as_array().into_iter().flatten();
                told.extend(ids.map(|id| id.as_str().unwrap().to_owned()));
            }
        }
    }
    for of in ["added", "removed", "changed"] {
        let rows = document["links"][of].as_array().into_iter().flatten();
        for row in rows {
            told.push(row["client"].as_str().unwrap().to_owned());
            told.push(row["server"].as_str().unwrap().to_owned());
        }
    }
    told
}

#[test]
fn the_capture_itself() {
    let world = World::new();
    let before = world.directory().join("before.whotalks");
    std::fs::rename(world.snapshot(), &before).unwrap();
    // A capture made remotely: by shells, through a pipe.
    let after = world.directory().join("after.whotalks");
    let script = "echo $$ >\"$1/pid\"; sh -c '\"$0\" -q -o - | cat >\"$1/after.whotalks\"; true' \"$0\" \"$1\"; true";
    let mut shell = Command::new("sh");
    shell
        .args(["-c", script])
        .arg(&programs().collect)
        .arg(world.directory());
    run(&mut shell, b"").succeeds();
    let pid = std::fs::read_to_string(world.directory().join("pid")).unwrap();
    let shell = format!("h1/p{}", pid.trim());
    let ask = |all: &[&str]| -> Value {
        let mut command = Command::new(&programs().analyze);
        command
            .args(["diff", "--format", "json"])
            .args(all)
            .args([&before, &after]);
        let ran = run(&mut command, b"");
        serde_json::from_slice(&ran.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", ran.stderr))
    };
    let quiet = ask(&[]);
    // Two collectors, two shells, and cat; other tests may run and capture at the same time.
    assert!(
        quiet["ignored"]["capture"].as_u64().unwrap() >= 5,
        "{}",
        quiet["ignored"]
    );
    let told_by_default = reported(&quiet);
    assert!(!told_by_default.contains(&shell), "{told_by_default:?}");
    let told_with_all = reported(&ask(&["--all"]));
    assert!(told_with_all.contains(&shell), "{told_with_all:?}");
}

/// Captures some seconds apart.
fn captures(world: &World) -> Vec<PathBuf> {
    let take = |at: u64| {
        std::thread::sleep(Duration::from_millis(at * 700));
        let file = world.directory().join(format!("{at}.whotalks"));
        std::fs::rename(world.snapshot(), &file).unwrap();
        file
    };
    (0..4).map(take).collect()
}

/// The rows of `diff` and `trend` about what these selectors match.
fn about(command: &str, only: &[String], more: &[&str], files: &[&PathBuf]) -> Value {
    let mut asks = Command::new(&programs().analyze);
    // This test is a client of theirs, and does other things at the same time.
    let hide = format!("exe:{}", std::env::current_exe().unwrap().display());
    asks.args([command, "--format", "json", "--hide", &hide]);
    for selector in only {
        asks.args(["--only", selector]);
    }
    let ran = run(asks.args(more).args(files), b"");
    serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stderr))
}

/// Asserts that nothing of them changes, whichever two captures are compared, nor over all.
fn is_at_rest(of: &[String], files: &[PathBuf]) {
    for (at, old) in files.iter().enumerate() {
        for new in &files[at + 1..] {
            let found = about("diff", of, &[], &[old, new]);
            assert_eq!(
                crate::scene::lines(&found),
                Vec::<String>::new(),
                "{found:#}"
            );
        }
    }
    let all: Vec<&PathBuf> = files.iter().collect();
    let rows = about("trend", of, &[], &all)["rows"].clone();
    assert_eq!(rows, serde_json::json!([]));
}

#[test]
fn servers_at_rest() {
    let world = World::new();
    let (nginx, redis) = (Nginx::start(&world), Redis::start(&world));
    let (Ok(postgresql), Some(_), Some(_)) = (Postgresql::start(&world), &nginx, &redis) else {
        return skip("no nginx, redis-server or postgresql");
    };
    let _clients = postgresql.clients();
    // What they do at their start is done.
    std::thread::sleep(Duration::from_secs(2));
    // Other tests have such servers, too.
    let of = [format!("socket:{}/*", world.directory().display())];
    is_at_rest(&of, &captures(&world));
}

#[test]
fn a_loop_of_short_lived_programs() {
    let world = World::new();
    let directory = world.directory().to_str().unwrap().to_owned();
    let at = |name: &str| format!("{directory}/{name}");
    for (program, name) in [
        ("/bin/sh", "sh"),
        ("/bin/sleep", "nap"),
        ("/bin/cat", "reader"),
    ] {
        std::fs::copy(program, at(name)).unwrap();
    }
    let script =
        "while :; do \"$0/nap\" 0.2; echo | \"$0/reader\" | \"$0/reader\" >/dev/null; done";
    let mut shell = Command::new(at("sh"));
    let _busy = Service::start(shell.args(["-c", script, &directory]), Signal::KILL);
    std::thread::sleep(Duration::from_millis(200));
    let of = [format!("exe:{}", at("*"))];
    let files = captures(&world);
    is_at_rest(&of, &files);
    // They are listed on request.
    let all: Vec<&PathBuf> = files.iter().collect();
    let rows = about("trend", &of, &["--all"], &all)["rows"].clone();
    let is_nap = |row: &Value| {
        row["role"]
            .as_str()
            .is_some_and(|role| role.ends_with("nap"))
    };
    assert!(rows.as_array().unwrap().iter().any(is_nap), "{rows:#}");
}
