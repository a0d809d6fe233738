//! nginx as a proxy for itself, with workers and clients.

use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::Command;

use rustix::process::Signal;

use super::{Service, asks, folder, free_port, patiently, text};
use crate::World;
use crate::environment::works;

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

/// A server and its clients.
#[derive(Debug)]
pub struct Nginx {
    /// The server.
    pub server: Service,
    _clients: Vec<TcpStream>,
    _local: UnixStream,
}

impl Nginx {
    /// Starts a server and clients that received a response; `None` if nginx is not installed.
    pub fn start(world: &World) -> Option<Self> {
        let mut known = ["/usr/sbin/nginx", "nginx"].into_iter();
        let nginx = known.find(|nginx| works(&[nginx, "-v"]))?;
        let home = folder(world, "nginx", None);
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
        Some(Self {
            server,
            _clients: clients,
            _local: local,
        })
    }
}
