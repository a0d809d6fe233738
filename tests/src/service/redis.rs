//! Redis and its clients.

use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::Command;

use rustix::process::Signal;

use super::{Service, asks, folder, free_port, patiently, text};
use crate::World;
use crate::environment::works;

/// A server and its clients.
#[derive(Debug)]
pub struct Redis {
    /// The server.
    pub server: Service,
    /// Its TCP port.
    pub port: u16,
    _listens: TcpStream,
    _local: UnixStream,
}

impl Redis {
    /// Starts a server, a subscriber over TCP and a client over its Unix socket; `None` if redis is
    /// not installed.
    pub fn start(world: &World) -> Option<Self> {
        if !works(&["redis-server", "--version"]) {
            return None;
        }
        let home = folder(world, "redis", None);
        let (port, socket) = (free_port(), home.join("redis.sock"));
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
        command.args(["--unixsocket", text(&socket), "--dir", text(&home)]);
        let server = Service::start(command.args(["--save", ""]), Signal::TERM);
        let listens = patiently("redis", || TcpStream::connect(("127.0.0.1", port)));
        let local = patiently("redis", || UnixStream::connect(&socket));
        assert!(asks(&listens, "SUBSCRIBE news\r\n") > 0);
        assert!(asks(&local, "SET a 1\r\n") > 0);
        Some(Self {
            server,
            port,
            _listens: listens,
            _local: local,
        })
    }
}
