//! One machine for all tests of this suite: captured once, with names that are hard on any output.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;
use whotalks_tests::programs::{Ran, programs, run};
use whotalks_tests::world::export;
use whotalks_tests::{Address, Kind, World};

/// A snapshot and its processes.
pub(crate) struct Scene {
    /// The file.
    pub(crate) file: PathBuf,
    /// Its export.
    pub(crate) graph: Value,
    /// Ids of a client and of the server that it has three connections to.
    pub(crate) client: String,
    /// See `client`.
    pub(crate) server: String,
    /// Where they meet.
    pub(crate) via: String,
}

/// What XML, JSON, CSV, terminals and text tables each stumble over.
pub(crate) const HOSTILE: &[&[u8]] = &[
    b"<script>&\"'</script>]]>",
    b"\x1b[31mred\x1b]0;title\x07",
    b"two\nlines\r\tand a tab",
    b"not \xff\xfe text",
    b"nul\0inside\0",
    "right\u{202e}to\u{2066}left \u{feff}\u{fffe}\u{85}".as_bytes(),
    b"=cmd|'/C calc'!A0",
    b"%s%n{}$(id)`id`",
];

pub(crate) fn scene() -> &'static Scene {
    static SCENE: OnceLock<Scene> = OnceLock::new();
    SCENE.get_or_init(capture)
}

fn capture() -> Scene {
    let world = World::new();
    let comm = b"<a&\"\x1b\n\xff'>";
    let comm: String = comm.iter().map(|byte| format!("{byte:02x}")).collect();
    let server = world.actor();
    let client = world.actor_with(&[], &["--name", &comm, "<&\x1b[31m\n\">"]);
    let address = world.abstract_name("meeting");
    let listener = server.listen(&address, Kind::Stream, 8);
    for _ in 0..3 {
        client.connect(&listener, Kind::Stream);
        server.accept(&listener);
    }
    client.connect(&listener, Kind::Stream);
    for kind in Kind::ALL {
        client.pair(kind);
    }
    let log = server.bound(&world.path("log"), Kind::Datagram);
    client.connect(&log, Kind::Datagram);
    let (gone, _) = client.pair(Kind::Stream);
    client.close(&gone);
    let web = server.listen(&Address::Inet("127.0.0.1:0".into()), Kind::Stream, 4);
    client.connect(&web, Kind::Stream);
    server.accept(&web);
    let (read, _) = server.pipe();
    world.heir(&server, &[read.fd]);
    for (at, name) in HOSTILE.iter().enumerate() {
        let name = match at % 2 {
            0 => world.abstract_name(name),
            _ => Address::Abstract(name.to_vec()),
        };
        let listener = server.listen(&name, Kind::Stream, 4);
        client.connect(&listener, Kind::Stream);
        server.accept(&listener);
    }
    let snapshot = world.snapshot();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scene.whotalks");
    std::fs::copy(snapshot, &file).unwrap();
    let Address::Abstract(name) = address else {
        unreachable!("it was made as one")
    };
    Scene {
        graph: export(&file),
        file,
        client: format!("h0/p{}", client.pid()),
        server: format!("h0/p{}", server.pid()),
        via: format!("@{}", String::from_utf8(name).unwrap()),
    }
}

/// `whotalks`, with these arguments and the scene's file.
pub(crate) fn whotalks(arguments: &[&str]) -> Ran {
    run(command(arguments).arg(&scene().file), b"")
}

/// The same, not yet run and without a file.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(&programs().analyze);
    command.args(arguments);
    command
}
