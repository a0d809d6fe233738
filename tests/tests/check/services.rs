//! Real services at work, with clients: nothing is wrong with them, and nothing is found.
//!
//! Each is looked at three times in a row, so that the rules over time run too.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use whotalks_tests::findings::Findings;
use whotalks_tests::role::{euid, skip, works};
use whotalks_tests::{Address, Kind, World};

/// How long a service may take to begin or to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server and everything that it starts; asked to end when it is dropped.
#[derive(Debug)]
struct Service {
    child: Child,
    /// What its manual says ends it.
    ends: Signal,
}

impl Service {
    fn start(command: &mut Command, ends: Signal) -> Self {
        let command = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = command.spawn();
        let child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { child, ends }
    }

    /// The process and all below it.
    fn pids(&self) -> Vec<u32> {
        let mut family = vec![self.child.id()];
        let entries = std::fs::read_dir("/proc").expect("there is /proc");
        let pids = entries.flatten();
        let mut pids: Vec<u32> = pids
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect();
        pids.sort_unstable();
        // A child's number may be lower than its parent's, once they have wrapped.
        for _ in 0..3 {
            for pid in &pids {
                if !family.contains(pid) && parent(*pid).is_some_and(|of| family.contains(&of)) {
                    family.push(*pid);
                }
            }
        }
        family
    }
}

fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(1)?.parse().ok()
}

impl Drop for Service {
    fn drop(&mut self) {
        let pid = Pid::from_child(&self.child);
        let asked = kill_process(pid, self.ends);
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let killed = kill_process_group(pid, Signal::KILL);
        let ended = self.child.wait();
        debug_assert!(asked.is_ok() && killed.is_ok() && ended.is_ok());
    }
}

/// Tries until it works.
fn patiently<T, E: std::fmt::Debug>(what: &str, mut attempt: impl FnMut() -> Result<T, E>) -> T {
    let begun = Instant::now();
    loop {
        match attempt() {
            Ok(done) => return done,
            Err(error) => assert!(begun.elapsed() < PATIENCE, "{what}: {error:?}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Asserts that of what these do nothing is high, and that what is medium is what the test names.
#[track_caller]
fn is_healthy(world: &World, services: &[&Service], defended: &[&str]) {
    let pids: Vec<u32> = services.iter().flat_map(|service| service.pids()).collect();
    let file = world.snapshot_with(&["--count", "3", "--interval", "300ms"]);
    let findings = Findings::of(world, &pids, &[&file]);
    findings.are_at_worst(defended);
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    listener.expect("a port is free").port()
}

/// A folder of the world's, owned by this user.
fn folder(world: &World, name: &str, owner: Option<u32>) -> PathBuf {
    let folder = world.directory().join(name);
    std::fs::create_dir(&folder).expect("the world is ours");
    if let Some(owner) = owner {
        chown(&folder, Some(owner), None).expect("root may");
    }
    folder
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a test's path is text")
}

/// Asks something of a server and reads the beginning of its answer.
fn asks(mut stream: impl Read + Write, question: &str) -> usize {
    stream
        .write_all(question.as_bytes())
        .expect("the server reads");
    let mut answer = [0; 4096];
    stream.read(&mut answer).expect("the server answers")
}

/// Who runs PostgreSQL, which refuses to run as root: the user of its package.
const POSTGRES: &str = "postgres";

fn uid_of(user: &str) -> Option<u32> {
    let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
    let line = passwd
        .lines()
        .find(|line| line.split(':').next() == Some(user))?;
    line.split(':').nth(2)?.parse().ok()
}

/// A program of the newest PostgreSQL that is installed, as that user.
fn postgresql(program: &str) -> Option<Command> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut versions: Vec<PathBuf> = versions.flatten().map(|entry| entry.path()).collect();
    versions.sort();
    let program = versions.pop()?.join("bin").join(program);
    program.exists().then(|| {
        let mut command = Command::new(&program);
        if let Some(uid) = uid_of(POSTGRES).filter(|_| euid() == 0) {
            command.uid(uid).gid(uid);
        }
        command
    })
}

#[test]
fn postgresql_with_clients() {
    let user = uid_of(POSTGRES).filter(|_| euid() == 0);
    let (Some(mut initdb), Some(mut server), Some(psql)) = (
        postgresql("initdb"),
        postgresql("postgres"),
        postgresql("psql"),
    ) else {
        return skip("no postgresql");
    };
    if euid() == 0 && user.is_none() {
        return skip("no user postgres");
    }
    let world = World::new();
    let home = folder(&world, "pg", user);
    let data = home.join("data");
    let made = initdb
        .args(["-A", "trust", "-N", "-U", POSTGRES, "-D"])
        .arg(&data)
        .current_dir(&home)
        .stdout(Stdio::null())
        .status();
    assert!(made.is_ok_and(|status| status.success()));
    let port = free_port().to_string();
    let server = server
        .arg("-D")
        .arg(&data)
        .args(["-p", &port, "-k", text(&home)])
        .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"])
        .current_dir(&home);
    let server = Service::start(server, Signal::INT);
    let client = |host: &str, query: &str| {
        let mut client = Command::new(psql.get_program());
        client.args(["-h", host, "-p", &port, "-U", POSTGRES, "-c", query]);
        client
    };
    patiently("psql", || {
        let mut asks = client("127.0.0.1", "select 1");
        match asks.stdout(Stdio::null()).stderr(Stdio::null()).status() {
            Ok(status) if status.success() => Ok(()),
            other => Err(other),
        }
    });
    let hosts = [text(&home), "127.0.0.1", "127.0.0.1"];
    let clients = hosts.map(|host| {
        let query = "select pg_sleep(600)";
        Service::start(&mut client(host, query), Signal::KILL)
    });
    // Each client has a server of its own.
    patiently("three servers", || {
        let backends = server.pids().into_iter().filter(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains("SELECT")
        });
        match backends.count() {
            3 => Ok(()),
            other => Err(other),
        }
    });
    let [one, two, three] = &clients;
    is_healthy(&world, &[&server, one, two, three], &[]);
}

const NGINX: &str = "
daemon off; worker_processes 3; pid HOME/pid; error_log HOME/log;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path HOME/b; proxy_temp_path HOME/p; fastcgi_temp_path HOME/f;
  uwsgi_temp_path HOME/u; scgi_temp_path HOME/s;
  server { listen 127.0.0.1:PORT; listen unix:HOME/sock; location / { return 200 ok; } }
  server { listen 127.0.0.1:FRONT; location / {
    proxy_http_version 1.1; proxy_set_header Connection ''; proxy_pass http://back; } }
  upstream back { server 127.0.0.1:PORT; keepalive 4; }
}";

#[test]
fn nginx_with_workers() {
    let Some(nginx) = ["/usr/sbin/nginx", "nginx"]
        .into_iter()
        .find(|nginx| works(&[nginx, "-v"]))
    else {
        return skip("no nginx");
    };
    let world = World::new();
    let home = folder(&world, "nginx", None);
    let (port, front) = (free_port(), free_port());
    let configuration = NGINX
        .replace("HOME", text(&home))
        .replace("PORT", &port.to_string())
        .replace("FRONT", &front.to_string());
    let file = home.join("nginx.conf");
    std::fs::write(&file, configuration).expect("the folder is ours");
    let mut command = Command::new(nginx);
    command
        .args(["-p", text(&home), "-e", text(&home.join("log")), "-c"])
        .arg(&file);
    let server = Service::start(&mut command, Signal::QUIT);
    let question = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let clients: Vec<TcpStream> = [port, front, port, front, front]
        .into_iter()
        .map(|port| patiently("nginx", || TcpStream::connect(("127.0.0.1", port))))
        .collect();
    let local = patiently("nginx", || UnixStream::connect(home.join("sock")));
    assert!(clients.iter().all(|client| asks(client, question) > 0));
    assert!(asks(&local, question) > 0);
    // nginx lets everybody connect to its Unix sockets, as to its port; it is low, since its workers
    // answer, and they are no more than anybody.
    is_healthy(&world, &[&server], &[]);
}

#[test]
fn redis_with_subscribers() {
    if !works(&["redis-server", "--version"]) {
        return skip("no redis-server");
    }
    let world = World::new();
    let home = folder(&world, "redis", None);
    let (port, socket) = (free_port(), home.join("redis.sock"));
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
    command.args(["--unixsocket", text(&socket), "--dir", text(&home)]);
    let server = Service::start(command.args(["--save", ""]), Signal::TERM);
    let listens = patiently("redis", || TcpStream::connect(("127.0.0.1", port)));
    let local = patiently("redis", || UnixStream::connect(&socket));
    assert!(asks(&listens, "SUBSCRIBE news\r\n") > 0);
    assert!(asks(&local, "SET a 1\r\n") > 0);
    is_healthy(&world, &[&server], &[]);
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
