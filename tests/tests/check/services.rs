//! Real services with clients: no findings.
//!
//! Each is captured three times in a row, so that the rules over time run too.

use std::io::Read;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use whotalks_tests::environment::{skip, works};
use whotalks_tests::findings::Findings;
use whotalks_tests::service::{
    Nginx, Postgresql, Redis, Service, asks, folder, free_port, patiently, text,
};
use whotalks_tests::{Address, Kind, World};

/// Asserts that no finding about these processes is high, and none is medium except those named.
#[track_caller]
fn is_healthy(world: &World, services: &[&Service], defended: &[&str]) {
    let pids: Vec<u32> = services.iter().flat_map(|service| service.pids()).collect();
    let file = world.snapshot_with(&["--count", "3", "--interval", "300ms"]);
    let findings = Findings::of(world, &pids, &[&file]);
    findings.are_at_worst(defended);
}

#[test]
fn postgresql_with_clients() {
    let world = World::new();
    let postgresql = match Postgresql::start(&world) {
        Ok(started) => started,
        Err(missing) => return skip(missing),
    };
    let [one, two, three] = &postgresql.clients();
    is_healthy(&world, &[&postgresql.server, one, two, three], &[]);
}

#[test]
fn nginx_with_workers() {
    let world = World::new();
    let Some(nginx) = Nginx::start(&world) else {
        return skip("no nginx");
    };
    // nginx lets every user connect to its Unix sockets, as to its port. Low severity, because the
    // workers that accept are unprivileged.
    is_healthy(&world, &[&nginx.server], &[]);
}

#[test]
fn redis_with_subscribers() {
    let world = World::new();
    let Some(redis) = Redis::start(&world) else {
        return skip("no redis-server");
    };
    is_healthy(&world, &[&redis.server], &[]);
}

const BUS: &str = "<busconfig><type>session</type><listen>unix:path=HOME/bus</listen>
<policy context='default'><allow send_destination='*' eavesdrop='true'/>
<allow eavesdrop='true'/><allow own='*'/></policy></busconfig>";

#[test]
fn a_session_bus() {
    if !works(&["sh", "-c", "command -v dbus-daemon dbus-send dbus-monitor"]) {
        return skip("no dbus-daemon, dbus-send or dbus-monitor");
    }
    let world = World::new();
    let home = folder(&world, "bus", None);
    let configuration = home.join("bus.conf");
    std::fs::write(&configuration, BUS.replace("HOME", text(&home))).expect("the folder is ours");
    let mut command = Command::new("dbus-daemon");
    command
        .args(["--nofork", "--nopidfile", "--config-file"])
        .arg(&configuration);
    let bus = Service::start(&mut command, Signal::TERM);
    let address = format!("unix:path={}", text(&home.join("bus")));
    let list = [
        "--session",
        "--print-reply",
        "--dest=org.freedesktop.DBus",
        "/",
        "org.freedesktop.DBus.ListNames",
    ];
    patiently("dbus-send", || {
        let mut asks = Command::new("dbus-send");
        asks.args(list).env("DBUS_SESSION_BUS_ADDRESS", &address);
        match asks.stdout(Stdio::null()).stderr(Stdio::null()).status() {
            Ok(status) if status.success() => Ok(()),
            other => Err(other),
        }
    });
    let monitors = [(); 3].map(|()| {
        let mut monitor = Command::new("dbus-monitor");
        monitor.args(["--address", &address]);
        Service::start(&mut monitor, Signal::TERM)
    });
    std::thread::sleep(Duration::from_millis(500));
    let [one, two, three] = &monitors;
    is_healthy(&world, &[&bus, one, two, three], &[]);
}

const ACCEPTS: &str = "
import socket, sys
s = socket.socket(fileno=3); kept = []
while True: kept.append(s.accept()[0]); kept[-1].send(b'hello')";

#[test]
fn socket_activation() {
    if !works(&["systemd-socket-activate", "--version"]) || !works(&["python3", "-c", ""]) {
        return skip("no systemd-socket-activate or python3");
    }
    let world = World::new();
    let home = folder(&world, "activated", None);
    let (socket, port) = (home.join("sock"), free_port());
    // One server for all, and one process for each connection.
    let mut one = Command::new("systemd-socket-activate");
    one.args(["-l", text(&socket), "python3", "-c", ACCEPTS]);
    let one = Service::start(&mut one, Signal::TERM);
    let mut each = Command::new("systemd-socket-activate");
    each.args(["-l", &format!("127.0.0.1:{port}"), "--accept", "--inetd"]);
    let each = Service::start(
        each.args(["sh", "-c", "echo hello; read line"]),
        Signal::TERM,
    );
    let first = patiently("activation", || UnixStream::connect(&socket));
    let second = patiently("activation", || UnixStream::connect(&socket));
    let others =
        [(); 2].map(|()| patiently("activation", || TcpStream::connect(("127.0.0.1", port))));
    assert!(asks(&first, "x") > 0 && asks(&second, "x") > 0);
    for other in &others {
        let mut reads = other;
        assert!(reads.read(&mut [0; 64]).expect("the shell says hello") > 0);
    }
    is_healthy(&world, &[&one, &each], &[]);
}

/// The parent listens and waits for something else; a child of another program accepts.
#[test]
fn an_activator_of_our_own() {
    if !works(&["python3", "-c", ""]) {
        return skip("no python3");
    }
    let world = World::new();
    let (parent, client) = (world.actor(), world.actor());
    let listener = parent.listen(&world.path("own.sock"), Kind::Stream, 3);
    let accepts = ACCEPTS.replace("fileno=3", &format!("fileno={}", listener.fd));
    let child = parent.run(&["python3", "-c", &accepts], &[listener.fd]);
    let connection = client.connect(&listener, Kind::Stream);
    let Some(Address::Path(_)) = &listener.address else {
        panic!("{listener:?}");
    };
    let accepted = |fd: std::fs::DirEntry| {
        let link = std::fs::read_link(fd.path()).unwrap_or_default();
        let link = link.to_string_lossy().into_owned();
        link.starts_with("socket:") && link != format!("socket:[{}]", listener.inode)
    };
    patiently("accepted", || {
        let fds = std::fs::read_dir(format!("/proc/{child}/fd"))?;
        match fds.flatten().any(accepted) {
            true => Ok(()),
            false => Err(std::io::Error::other("not yet")),
        }
    });
    let file = world.snapshot_with(&["--count", "3", "--interval", "300ms"]);
    // The client does not read what it was greeted with: low, and all there is.
    let findings = Findings::of(&world, &[child], &[&file]);
    findings.are_at_worst(&[]);
    drop(connection);
}
