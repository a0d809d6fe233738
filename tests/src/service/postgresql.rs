//! PostgreSQL and its clients.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use super::{Service, folder, free_port, patiently, text};
use crate::World;
use crate::environment::euid;

/// A server with its own database.
#[derive(Debug)]
pub struct Postgresql {
    /// The server.
    pub server: Service,
    /// Folder of its Unix socket.
    pub home: PathBuf,
    /// Its port, also in the name of the Unix socket.
    pub port: String,
    psql: PathBuf,
}

impl Postgresql {
    /// Starts a server and waits until it responds; `Err` if something required is missing.
    pub fn start(world: &World) -> Result<Self, &'static str> {
        let user = uid_of(POSTGRES).filter(|_| euid() == 0);
        let (Some(mut initdb), Some(mut server), Some(psql)) =
            (program("initdb"), program("postgres"), program("psql"))
        else {
            return Err("no postgresql");
        };
        if euid() == 0 && user.is_none() {
            return Err("no user postgres");
        }
        let home = folder(world, "pg", user);
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
        let this = Self {
            server: Service::start(server, Signal::INT),
            home,
            psql: psql.get_program().into(),
            port,
        };
        patiently("psql", || {
            let mut asks = this.asks("127.0.0.1", "select 1");
            match asks.stdout(Stdio::null()).stderr(Stdio::null()).status() {
                Ok(status) if status.success() => Ok(()),
                other => Err(other),
            }
        });
        Ok(this)
    }

    /// Clients waiting for a response: one over the Unix socket, two over TCP.
    pub fn clients(&self) -> [Service; 3] {
        let hosts = [text(&self.home), "127.0.0.1", "127.0.0.1"];
        let clients = hosts.map(|host| {
            let query = "select pg_sleep(600)";
            Service::start(&mut self.asks(host, query), Signal::KILL)
        });
        // Each client has its own server process.
        patiently("three servers", || {
            let backends = self.server.pids().into_iter().filter(|pid| {
                let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                String::from_utf8_lossy(&line).contains("SELECT")
            });
            match backends.count() {
                3 => Ok(()),
                other => Err(other),
            }
        });
        clients
    }

    fn asks(&self, host: &str, query: &str) -> Command {
        let mut client = Command::new(&self.psql);
        client.args(["-h", host, "-p", &self.port, "-U", POSTGRES, "-c", query]);
        client
    }
}

/// The user of the PostgreSQL package, because the server refuses to run as root.
const POSTGRES: &str = "postgres";

fn uid_of(user: &str) -> Option<u32> {
    let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
    let line = passwd
        .lines()
        .find(|line| line.split(':').next() == Some(user))?;
    line.split(':').nth(2)?.parse().ok()
}

/// A program of the newest installed PostgreSQL, run as that user.
fn program(program: &str) -> Option<Command> {
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
