//! A name bound again by another socket: old connections do not belong to the new listener.

use whotalks_tests::{Actor, Address, Edge, Kind, Socket, World};

struct Served {
    listener: Socket,
    client: Socket,
    accepted: Socket,
}

impl Served {
    fn by(server: &Actor, client: &Actor, address: &Address) -> Self {
        let listener = server.listen(address, Kind::Stream, 4);
        let connected = client.connect(&listener, Kind::Stream);
        let accepted = server.accept(&listener);
        Self {
            listener,
            client: connected,
            accepted,
        }
    }

    fn edge(&self) -> Edge {
        Edge::accepted(&self.client, &self.accepted, &self.listener)
    }
}

fn unlink(address: &Address) {
    let path = String::from_utf8(address.bytes()).unwrap();
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_path_rebound_while_the_old_listener_lives() {
    let world = World::new();
    let (old, new, client) = (world.actor(), world.actor(), world.actor());
    let path = world.path("app.sock");
    let first = Served::by(&old, &client, &path);
    unlink(&path);
    let second = Served::by(&new, &client, &path);
    world.capture().is_exactly(&[first.edge(), second.edge()]);
}

#[test]
fn a_path_rebound_after_the_old_listener_went() {
    let world = World::new();
    let (old, new, client) = (world.actor(), world.actor(), world.actor());
    let path = world.path("app.sock");
    let first = Served::by(&old, &client, &path);
    old.close(&first.listener);
    unlink(&path);
    let second = Served::by(&new, &client, &path);
    world
        .capture()
        .is_exactly(&[Edge::pair(&first.client, &first.accepted), second.edge()]);
}

#[test]
fn a_path_unlinked_under_its_listener() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let path = world.path("app.sock");
    let served = Served::by(&server, &client, &path);
    unlink(&path);
    world.capture().is_exactly(&[served.edge()]);
}

#[test]
fn a_path_renamed_under_its_listener() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let path = world.path("app.sock");
    let served = Served::by(&server, &client, &path);
    std::fs::rename(
        world.directory().join("app.sock"),
        world.directory().join("new"),
    )
    .unwrap();
    // Another one under the old name is another one.
    let other = Served::by(&server, &client, &path);
    world.capture().is_exactly(&[served.edge(), other.edge()]);
}

/// The new listener belongs to a process that holds nothing of the old connection.
///
/// The kernel does not report which listener accepted it; only that the new one is younger, by its
/// inode. Each processor counts its inodes apart, hence the repetition.
#[test]
fn an_abstract_name_rebound() {
    let world = World::new();
    let (old, new, client) = (world.actor(), world.actor(), world.actor());
    let name = world.abstract_name("app");
    let first = Served::by(&old, &client, &name);
    old.close(&first.listener);
    let second = loop {
        let second = Served::by(&new, &client, &name);
        if second.listener.inode > first.accepted.inode {
            break second;
        }
        client.close(&second.client);
        new.close(&second.accepted);
        new.close(&second.listener);
    };
    world
        .capture()
        .is_exactly(&[Edge::pair(&first.client, &first.accepted), second.edge()]);
}

/// An abstract name that one process binds again: both listeners are held by the process that accepted,
/// and the inodes tell which is older, where one processor gave them out.
#[test]
fn an_abstract_name_bound_again_by_the_same_process() {
    let world = World::new();
    let server = world.actor_with(&["taskset", "-c", "0"], &[]);
    let client = world.actor();
    let name = world.abstract_name("again");
    let first = Served::by(&server, &client, &name);
    server.close(&first.listener);
    let second = server.listen(&name, Kind::Stream, 4);
    let map = world.capture();
    map.is_exactly(&[Edge::pair(&first.client, &first.accepted)]);
    map.has(&second, "state", "listening");
}
