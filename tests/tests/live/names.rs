//! Deceptive names: they forge rows of the kernel's text table.

use whotalks_tests::{Address, Edge, Kind, World};

/// A row as `/proc/net/unix` would print it, of a socket that does not exist.
const FORGED: &[u8] =
    b"x\n0000000000000000: 00000002 00000000 00010000 0001 01 4000000042 /run/forged.sock";
const FORGED_INODE: u64 = 4_000_000_042;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A listener of that name is one listener, with its exact name, and nothing else is there.
fn forging_listener(world: &World, address: &Address) {
    let (server, client) = (world.actor(), world.actor());
    for actor in [&server, &client] {
        actor.change_directory(&world.path(""));
    }
    let listener = server.listen(address, Kind::Stream, 4);
    let connected = client.connect(&listener, Kind::Stream);
    let accepted = server.accept(&listener);
    let map = world.capture();
    map.is_exactly(&[Edge::accepted(&connected, &accepted, &listener)]);
    let name = &map.socket(&listener)["name"];
    assert_eq!(name["hex"], hex(&address.bytes()));
    let text = name["text"].as_str().unwrap();
    assert!(!text.chars().any(char::is_control), "{text:?}");
    assert!(
        map.by_inode(FORGED_INODE).is_none(),
        "a forged row became a socket"
    );
    let forged = map
        .rows("warnings")
        .filter(|warning| warning["kind"] == "forged-row");
    let said: Vec<_> = forged
        .map(|warning| warning["text"].as_str().unwrap())
        .collect();
    assert!(
        said.iter().any(|text| text.contains("forged.sock")),
        "{said:?}"
    );
}

#[test]
fn a_line_break_in_an_abstract_name() {
    let world = World::new();
    forging_listener(&world, &world.abstract_name(FORGED));
}

#[test]
fn a_line_break_in_a_path() {
    let world = World::new();
    let forged = std::str::from_utf8(FORGED).unwrap();
    let folders = std::path::Path::new(forged).parent().unwrap();
    std::fs::create_dir_all(world.directory().join(folders)).unwrap();
    // Relative, since the whole would be too long for a name.
    forging_listener(&world, &Address::Path(FORGED.to_vec()));
}

#[test]
fn names_that_are_not_text() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let names = [
        world.abstract_name(b"\xff\xfe\0middle\0"),
        world.abstract_name(b""),
        world.path(b"caf\xe9 au lait"),
        world.path(b"\x1b]0;owned\x07<&>\"'"),
    ];
    let mut edges = Vec::new();
    let mut listeners = Vec::new();
    for name in &names {
        let listener = server.listen(name, Kind::Stream, 4);
        let connected = client.connect(&listener, Kind::Stream);
        edges.push(Edge::accepted(
            &connected,
            &server.accept(&listener),
            &listener,
        ));
        listeners.push(listener);
    }
    let map = world.capture();
    map.is_exactly(&edges);
    for (name, listener) in names.iter().zip(&listeners) {
        let row = &map.socket(listener)["name"];
        assert_eq!(row["hex"], hex(&name.bytes()));
        assert!(
            !row["text"].as_str().unwrap().chars().any(char::is_control),
            "{row}"
        );
    }
}

/// Trailing NULs are part of an abstract name; two that differ only there are two.
#[test]
fn names_that_differ_in_a_trailing_nul() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let mut edges = Vec::new();
    for name in [b"app".as_slice(), b"app\0", b"app\0\0"] {
        let listener = server.listen(&world.abstract_name(name), Kind::Stream, 4);
        let connected = client.connect(&listener, Kind::Stream);
        edges.push(Edge::accepted(
            &connected,
            &server.accept(&listener),
            &listener,
        ));
    }
    world.capture().is_exactly(&edges);
}

/// An abstract name that looks like a path, and the path.
#[test]
fn an_abstract_name_that_looks_like_a_path() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let path = world.path("app.sock");
    let mut edges = Vec::new();
    for address in [Address::Abstract(path.bytes()), path] {
        let listener = server.listen(&address, Kind::Stream, 4);
        let connected = client.connect(&listener, Kind::Stream);
        edges.push(Edge::accepted(
            &connected,
            &server.accept(&listener),
            &listener,
        ));
    }
    world.capture().is_exactly(&edges);
}

/// Two servers bind the same relative name, each in its own directory.
#[test]
fn relative_names() {
    let world = World::new();
    let name = Address::Path(b"app.sock".to_vec());
    let mut edges = Vec::new();
    let mut listeners = Vec::new();
    for folder in ["one", "two"] {
        std::fs::create_dir(world.directory().join(folder)).unwrap();
        let (server, client) = (world.actor(), world.actor());
        for actor in [&server, &client] {
            actor.change_directory(&world.path(folder));
        }
        let listener = server.listen(&name, Kind::Stream, 4);
        let connected = client.connect(&listener, Kind::Stream);
        edges.push(Edge::accepted(
            &connected,
            &server.accept(&listener),
            &listener,
        ));
        listeners.push(listener);
    }
    let map = world.capture();
    map.is_exactly(&edges);
    for listener in &listeners {
        assert_eq!(map.socket(listener)["name"]["text"], "app.sock");
    }
}
