//! A booted guest with systemd: what people on such a machine ask, and what other programs there tell.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use whotalks_tests::World;
use whotalks_tests::environment::{euid, needs_namespaces, skip};
use whotalks_tests::guest::{Guest, Unit};
use whotalks_tests::programs::{Ran, programs, run};

use crate::oracles::users;

/// Until all of them talk.
const TIMEOUT: Duration = Duration::from_secs(90);

const UNITS: &[Unit<'_>] = &[
    (
        "cache",
        "cacheuser",
        "redis-server --port 6379 --bind 127.0.0.1 --save ''",
    ),
    ("news", "root", "redis-cli -h 127.0.0.1 subscribe news"),
    (
        "db",
        "postgres",
        "/bin/sh -ec 'cd $$(ls -d /usr/lib/postgresql/*/bin | tail -n 1); rm -rf /run/db/data; \
        ./initdb -A trust -N -D /run/db/data; exec ./postgres -D /run/db/data -k /run/db -c listen_addresses='",
    ),
    (
        "query",
        "postgres",
        "psql -h /run/db -c 'select pg_sleep(1e6)' postgres",
    ),
    ("web", "root", "nginx -c /etc/web.conf"),
    ("app", "root", "python3 /etc/app.py"),
    ("browser", "root", "python3 /etc/browser.py"),
    ("echo", "root", "python3 /etc/echo.py"),
    ("caller", "root", "python3 /etc/caller.py"),
    (
        "quiet",
        "root",
        "python3 -c 'import syslog, time; syslog.syslog(\"alone\"); time.sleep(1e6)'",
    ),
];

const FILES: &[(&str, &str)] = &[
    (
        "web.conf",
        "daemon off; pid /run/web/pid; error_log stderr; events {}
        http { access_log off; server { listen 127.0.0.1:8080; location / {
            proxy_read_timeout 1d; proxy_pass http://unix:/run/app/app.sock; } } }",
    ),
    (
        "app.py",
        "
import os, socket, time
l = socket.socket(socket.AF_UNIX); l.bind('/run/app/app.sock'); os.chmod('/run/app/app.sock', 0o777); l.listen(8)
kept = [l.accept() for _ in range(8)]",
    ),
    (
        "browser.py",
        "
import socket, time
c = socket.create_connection(('127.0.0.1', 8080))
c.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n')
if b'502' in c.recv(999): raise SystemExit(1)",
    ),
    (
        "echo.py",
        "
import socket
l = socket.socket(fileno=3); kept = []
while True: kept.append(l.accept())",
    ),
    (
        "caller.py",
        "
import socket, time
c = socket.socket(socket.AF_UNIX); c.connect('/run/echo.sock'); time.sleep(1e6)",
    ),
    (
        "systemd/system/echo.socket",
        "[Socket]\nListenStream=/run/echo.sock\n",
    ),
];

/// Client, server, and over what.
const TALK: [(&str, &str, &str); 6] = [
    ("news/redis-cli", "cache/redis-server", "127.0.0.1:6379"),
    ("query/psql", "db/postgres", "/run/db/.s.PGSQL.5432"),
    ("browser/browser.py", "web/nginx", "127.0.0.1:8080"),
    ("web/nginx", "app/app.py", "/run/app/app.sock"),
    ("caller/caller.py", "echo/echo.py", "/run/echo.sock"),
    (
        "systemd-logind",
        "dbus/dbus-daemon",
        "/run/dbus/system_bus_socket",
    ),
];

fn whotalks(words: &[&str], file: &Path) -> Ran {
    let mut command = Command::new(&programs().analyze);
    run(command.args(words).arg(file), b"")
}

fn links(list: &Value) -> Vec<(String, String, String)> {
    let rows = list["links"].as_array().unwrap().iter();
    let text = |row: &Value, field: &str| row[field].as_str().unwrap_or_default().to_owned();
    rows.map(|row| (text(row, "client"), text(row, "server"), text(row, "via")))
        .collect()
}

/// The first expected conversation that is not there; names begin with `prefix`.
fn missing(found: &[(String, String, String)], prefix: &str) -> Option<String> {
    let is_there = |(client, server, via): &(&str, &str, &str)| {
        // A unit and a program of similar names are one word.
        let is_end = |label: &str, end: &str| {
            label
                .strip_prefix(prefix)
                .is_some_and(|label| label == end || end.split('/').any(|part| part == label))
        };
        found
            .iter()
            .any(|(from, to, over)| is_end(from, client) && is_end(to, server) && over == via)
    };
    let missing = TALK.iter().find(|talk| !is_there(talk))?;
    Some(format!("{missing:?} is not among {found:#?}"))
}

#[test]
fn services_talk_to_each_other() {
    if !needs_namespaces()
        || euid() != 0
        || std::env::var_os(whotalks_tests::environment::RERUN_AS).is_some()
    {
        return;
    }
    let world = World::new();
    let guest = match Guest::boot(&world, UNITS, FILES) {
        Ok(guest) => guest,
        Err(reason) => return skip(reason),
    };
    let inside = world.directory().join("inside.whotalks");
    let begun = Instant::now();
    loop {
        guest.snapshot(inside.clone());
        let list = whotalks(&["list", "--all", "--format", "json"], &inside).json();
        match missing(&links(&list), "") {
            None => break,
            Some(missing) => assert!(begun.elapsed() < TIMEOUT, "{missing}\n{}", guest.messages()),
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    inside_it(&inside);
    from_the_host(&world, &guest);
    oracles(&guest, &inside);
}

fn inside_it(file: &Path) {
    let list = whotalks(&["list", "--all", "--format", "json"], file).json();
    let rows = list["links"].as_array().unwrap();
    assert!(rows.len() <= 60, "{} rows", rows.len());
    for row in rows {
        let via = row["via"].as_str().unwrap_or_default();
        assert!(!via.starts_with("/run/systemd/journal/"), "{row}");
        // What the manager serves itself: readiness, and its own bus.
        let by_manager = row["servers"].as_array().unwrap().contains(&"h0/p1".into());
        assert!(
            !by_manager || via == "/run/systemd/notify" || via == "/run/systemd/private",
            "{row}"
        );
    }
    assert!(list["hidden"]["log"].as_u64().unwrap() >= 5);
    let hubs = whotalks(&["hubs", "--format", "json"], file).json();
    assert_ne!(hubs["hubs"][0]["pid"], 1, "{hubs}");
    assert_ne!(hubs["hubs"][0]["comm"], "systemd-journal", "{hubs}");
    // Both log, and nothing else joins them.
    let apart = whotalks(&["path", "unit:news.service", "unit:quiet.service"], file);
    assert_eq!(
        apart.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&apart.stdout)
    );
    let joined = whotalks(
        &["path", "--logs", "unit:news.service", "unit:quiet.service"],
        file,
    );
    assert_eq!(joined.status.code(), Some(0));
    let only = whotalks(&["list", "--format", "json", "unit:echo.service"], file).json();
    assert_eq!(links(&only).len(), 1, "{only}");
}

/// Its units are kept apart from the host's, and its users are its own.
fn from_the_host(world: &World, guest: &Guest) {
    let file = world.snapshot();
    let selector = format!("container:{}", guest.name);
    let list = whotalks(&["list", "--all", "--format", "json", &selector], &file).json();
    assert_eq!(missing(&links(&list), &format!("{}/", guest.name)), None);
    let map = whotalks_tests::world::export(&file);
    let processes = map["processes"].as_array().unwrap();
    let is_cache = |process: &&Value| {
        process["container"]["id"] == *guest.name && process["unit"] == "cache.service"
    };
    let cache = processes.iter().find(is_cache).unwrap();
    assert_eq!(cache["user"], "cacheuser");
    let user = whotalks(&["list", "--format", "json", "user:cacheuser"], &file).json();
    assert_eq!(links(&user).len(), 1, "{user}");
}

/// Every holder and every pair that these programs tell of, for sockets that both saw.
fn oracles(guest: &Guest, file: &Path) {
    let map = whotalks(&["export", "--format", "json"], file).json();
    let text = |words: &[&str]| String::from_utf8(guest.run(words).succeeds().stdout).unwrap();
    let sockets = map["sockets"].as_array().unwrap();
    let holders = |socket: &Value| -> BTreeSet<(u64, u64)> {
        let all = socket["holders"].as_array().unwrap().iter();
        let number = |holder: &Value| holder["process"].as_str().unwrap()[4..].parse().unwrap();
        all.map(|holder| (number(holder), holder["fd"].as_u64().unwrap_or_default()))
            .collect()
    };
    let by_inode = |inode: u64| sockets.iter().find(|socket| socket["inode"] == inode);
    let mut compared = [0; 4];
    for line in text(&["ss", "-xpna"]).lines().skip(1) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (Some(own), Some(peer)) = (words.get(5), words.get(7)) else {
            continue;
        };
        let (Ok(own), Ok(peer)) = (own.parse::<u64>(), peer.parse::<u64>()) else {
            continue;
        };
        let Some(socket) = by_inode(own) else {
            continue;
        };
        let told: BTreeSet<(u64, u64)> = users(line).into_iter().collect();
        assert!(told.is_subset(&holders(socket)), "{line}\n{socket}");
        compared[0] += 1;
        let ends = [format!("h0/s{own}"), format!("h0/s{peer}")];
        let joined = || {
            map["connections"].as_array().unwrap().iter().any(|edge| {
                ends.iter()
                    .all(|end| edge["a"] == *end || edge["b"] == *end)
            })
        };
        assert!(peer == 0 || by_inode(peer).is_none() || joined(), "{line}");
    }
    for line in text(&["ss", "-tunapeH"]).lines() {
        let inode = line
            .split_whitespace()
            .find_map(|word| word.strip_prefix("ino:")?.parse().ok());
        let Some(socket) = inode.and_then(by_inode) else {
            continue;
        };
        let told: BTreeSet<(u64, u64)> = users(line).into_iter().collect();
        assert!(told.is_subset(&holders(socket)), "{line}\n{socket}");
        compared[1] += 1;
    }
    // Process, descriptor and inode of each Unix socket.
    let mut pid = 0;
    let mut fd = 0;
    let lsof = guest.run(&["lsof", "-nP", "-U", "-FpfTi", "+E"]).stdout;
    for line in String::from_utf8(lsof).unwrap().lines() {
        let number = || line[1..].parse::<u64>().ok();
        match line.as_bytes()[0] {
            b'p' => pid = number().unwrap_or(0),
            b'f' => fd = number().unwrap_or(u64::MAX),
            b'i' => {
                let Some(socket) = number().and_then(by_inode) else {
                    continue;
                };
                assert!(holders(socket).contains(&(pid, fd)), "{pid} {fd}\n{socket}");
                compared[2] += 1;
            }
            _ => {}
        }
    }
    let lsfd = text(&["lsfd", "--raw", "--noheadings", "-o", "PID,FD,TYPE,INODE"]);
    for line in lsfd.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [pid, fd, kind, inode] = words[..] else {
            continue;
        };
        let is_socket = ["SOCK", "UNIX", "TCP", "UDP", "NETLINK"];
        let is_socket = is_socket.iter().any(|start| kind.starts_with(start));
        let (Ok(pid), Ok(fd), Ok(inode)) = (pid.parse(), fd.parse(), inode.parse()) else {
            continue; // a mapped file, a working directory
        };
        let Some(socket) = by_inode(inode).filter(|_| is_socket) else {
            continue;
        };
        assert!(holders(socket).contains(&(pid, fd)), "{line}\n{socket}");
        compared[3] += 1;
    }
    assert!(
        compared.iter().all(|count| *count >= 3) && compared[0] > 20,
        "{compared:?}"
    );
}
