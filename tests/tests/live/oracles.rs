//! The map against `ss`, `lsof` and `lsfd` for the same processes: it contains all they report.
//!
//! What only the map contains is compared too: a difference is either an error or a limitation of
//! theirs that is documented here.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;
use whotalks_tests::environment::{skip, works};
use whotalks_tests::programs::run;
use whotalks_tests::{Actor, Address, Kind, Map, Socket, World};

/// How often `lsof` is run.
const LSOF_RUNS: usize = 4;

/// Process and descriptor.
type Holder = (u64, u64);

/// One of everything that these programs can see, and some that they cannot.
struct Scene {
    world: World,
    pids: BTreeSet<u64>,
    /// In a thread's private table only.
    private: (Socket, Socket),
    private_holder: Actor,
    pending: Socket,
    listener: Socket,
    pipe: u64,
    _actors: Vec<Actor>,
}

impl Scene {
    fn new() -> Self {
        let world = World::new();
        let (server, client, other) = (world.actor(), world.actor(), world.actor());
        let (a, _) = server.pair(Kind::Stream);
        let heir = world.heir(&server, &[a.fd]);
        server.pair(Kind::Seqpacket);
        let listener = server.listen(&world.path("served"), Kind::Stream, 4);
        client.connect(&listener, Kind::Stream);
        server.accept(&listener);
        let pending = client.connect(&listener, Kind::Stream);
        let log = server.bound(&world.abstract_name("log"), Kind::Datagram);
        for sender in [&client, &other] {
            sender.connect(&log, Kind::Datagram);
        }
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let address = Address::Inet(address.into());
            let tcp = server.listen(&address, Kind::Stream, 4);
            client.connect(&tcp, Kind::Stream);
            server.accept(&tcp);
            let udp = server.bound(&address, Kind::Datagram);
            client.connect(&udp, Kind::Datagram);
        }
        let (read, _) = client.pipe();
        let private = other.private_table();
        let actors = vec![server, client, heir];
        let pids = actors
            .iter()
            .chain([&other])
            .map(|actor| u64::from(actor.pid()))
            .collect();
        Self {
            world,
            pids,
            private,
            private_holder: other,
            pending,
            listener,
            pipe: read.inode,
            _actors: actors,
        }
    }

    fn lists(&self, holder: &Holder) -> bool {
        self.pids.contains(&holder.0)
    }
}

/// The output of a program, or why it is not available.
fn output(command: &[&str]) -> Option<String> {
    if !works(&["sh", "-c", &format!("command -v {}", command[0])]) {
        skip(&format!("{} is not installed", command[0]));
        return None;
    }
    let mut program = Command::new(command[0]);
    // lsof exits with 1 if any requested file is missing.
    let ran = run(program.args(&command[1..]).env("LC_ALL", "C"), b"");
    Some(String::from_utf8_lossy(&ran.stdout).into_owned())
}

/// `users:(("nginx",pid=12,fd=5),("nginx",pid=13,fd=5))`
pub(crate) fn users(text: &str) -> Vec<Holder> {
    let after = |part: &str, key: &str| {
        let rest = part.split_once(key)?.1;
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        rest[..end].parse().ok()
    };
    let parts = text.split("),(");
    parts
        .filter_map(|part| Some((after(part, "pid=")?, after(part, "fd=")?)))
        .collect()
}

fn socket_id(inode: u64) -> String {
    format!("h0/s{inode}")
}

fn holders_of(socket: &Value) -> BTreeSet<Holder> {
    let all = socket["holders"].as_array().unwrap().iter();
    // Without a descriptor: through io_uring.
    let is_shared = |holder: &&Value| holder["tid"].is_null() && !holder["fd"].is_null();
    let shared = all.filter(is_shared);
    let pid = |holder: &Value| {
        holder["process"]
            .as_str()?
            .strip_prefix("h0/p")?
            .parse()
            .ok()
    };
    shared
        .map(|holder| (pid(holder).unwrap(), holder["fd"].as_u64().unwrap()))
        .collect()
}

/// Sockets (by inode) of the scene that processes of it hold in their ordinary tables, as the map
/// has them.
fn held(map: &Map, scene: &Scene, family: impl Fn(&str) -> bool) -> BTreeSet<(u64, Holder)> {
    let mut held = BTreeSet::new();
    let sockets = map.rows("sockets");
    for socket in sockets.filter(|socket| family(socket["family"].as_str().unwrap())) {
        let inode = socket["inode"].as_u64().unwrap();
        let holders = holders_of(socket)
            .into_iter()
            .filter(|holder| scene.lists(holder));
        held.extend(holders.map(|holder| (inode, holder)));
    }
    held
}

/// Whether one connection of the map joins the two, as ends or as client and listener.
fn are_joined(map: &Map, one: u64, two: u64) -> bool {
    let (one, two) = (socket_id(one), socket_id(two));
    map.connections_of(&one).any(|connection| {
        ["a", "b", "listener"]
            .iter()
            .any(|end| connection[*end] == two.as_str())
    })
}

/// Pairs of inodes that the map joins, where a process of the scene holds the first.
fn joined(map: &Map, of: &BTreeSet<u64>) -> BTreeSet<(u64, u64)> {
    let inode = |id: &Value| id.as_str()?.strip_prefix("h0/s")?.parse::<u64>().ok();
    let ends = map.rows("connections").filter_map(|one| {
        let other = if one["b"].is_null() {
            &one["listener"]
        } else {
            &one["b"]
        };
        Some((inode(&one["a"])?, inode(other)?))
    });
    ends.flat_map(|(a, b)| [(a, b), (b, a)])
        .filter(|(a, _)| of.contains(a))
        .collect()
}

#[test]
fn ss_of_unix_sockets() {
    let scene = Scene::new();
    let map = scene.world.capture();
    let Some(text) = output(&["ss", "-xpaHn"]) else {
        return;
    };
    let (mut held_there, mut joined_there) = (BTreeSet::new(), BTreeSet::new());
    for line in text.lines() {
        // Netid State Recv-Q Send-Q Name Inode Peer-Name Peer-Inode Users: the scene's names have
        // no blanks in them.
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let holders: Vec<_> = fields.get(8).map(|text| users(text)).unwrap_or_default();
        let own: Vec<_> = holders
            .into_iter()
            .filter(|holder| scene.lists(holder))
            .collect();
        if own.is_empty() {
            continue;
        }
        let (inode, peer): (u64, u64) = (fields[5].parse().unwrap(), fields[7].parse().unwrap());
        held_there.extend(own.into_iter().map(|holder| (inode, holder)));
        if peer != 0 {
            assert!(are_joined(&map, inode, peer), "{line}");
            joined_there.insert((inode, peer));
        }
    }
    // It reads /proc/PID/fd, without private tables of threads; so does `held`.
    let held_here = held(&map, &scene, |family| family == "unix");
    assert_eq!(held_there, held_here);
    assert!(held_here.len() >= 12, "{held_here:?}");
    assert!(
        !map.socket(&scene.private.0)["holders"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    // Its peers are the kernel's, one for each socket: a client in a listener's queue has none yet,
    // a listener has none, and a receiver of datagrams has none of its senders.
    let inodes = held_here.iter().map(|(inode, _)| *inode).collect();
    for (one, two) in joined(&map, &inodes).difference(&joined_there) {
        let pending = [scene.pending.inode, scene.listener.inode];
        let receives = map.by_inode(*one).unwrap()["type"] == "dgram";
        assert!(
            pending.contains(one) && pending.contains(two) || receives,
            "{one} and {two} are joined in the map alone"
        );
    }
}

#[test]
fn ss_of_internet_sockets() {
    let scene = Scene::new();
    let map = scene.world.capture();
    let Some(text) = output(&["ss", "-tunapH"]) else {
        return;
    };
    let mut seen = BTreeSet::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let holders = fields.get(6).map(|text| users(text)).unwrap_or_default();
        for holder in holders.into_iter().filter(|holder| scene.lists(holder)) {
            let mut sockets = map.rows("sockets");
            let socket = sockets.find(|socket| holders_of(socket).contains(&holder));
            let socket = socket.unwrap_or_else(|| panic!("nobody holds this: {line}"));
            assert_eq!(socket["protocol"], fields[0], "{line}");
            assert_eq!(socket["local"]["text"], fields[4], "{line}");
            // Without a peer it prints the wildcard and a star.
            let peer = Some(fields[5]).filter(|peer| !peer.ends_with(":*"));
            assert_eq!(socket["remote"]["text"].as_str(), peer, "{line}");
            seen.insert((socket["inode"].as_u64().unwrap(), holder));
            let Some(peer) = peer else { continue };
            // It reports two addresses, but not that they are the ends of one connection.
            let id = socket["id"].as_str().unwrap();
            let [connection] = map.connections_of(id).collect::<Vec<_>>()[..] else {
                panic!("{id} is not of one connection");
            };
            let other = ["a", "b"]
                .into_iter()
                .find(|end| connection[*end] != id)
                .unwrap();
            let other = connection[other].as_str().unwrap();
            let far = map
                .rows("sockets")
                .find(|socket| socket["id"] == other)
                .unwrap();
            assert_eq!(far["local"]["text"], peer, "{line}");
        }
    }
    let inet = |family: &str| family.starts_with("inet");
    assert_eq!(seen, held(&map, &scene, inet));
    assert_eq!(seen.len(), 10);
}

#[test]
fn lsof_with_endpoints() {
    let scene = Scene::new();
    let map = scene.world.capture();
    // It learns of the other ends by one dump, which skips sockets while others come and go: what it says
    // in several runs together.
    let runs = (0..LSOF_RUNS).map(|_| output(&["lsof", "-nP", "-U", "+E", "-F", "pfin"]));
    let Some(text) = runs.collect::<Option<String>>() else {
        return;
    };
    let (mut held_there, mut joined_there) = (BTreeSet::new(), BTreeSet::new());
    let (mut pid, mut fd, mut inode) = (0, None, 0);
    for line in text.lines() {
        let (field, value) = line.split_at(1);
        match field {
            "p" => pid = value.parse().unwrap(),
            "f" => fd = value.parse::<u64>().ok(),
            "i" => inode = value.parse().unwrap(),
            "n" => {
                let Some(holder) = fd.map(|fd| (pid, fd)).filter(|holder| scene.lists(holder))
                else {
                    continue;
                };
                held_there.insert((inode, holder));
                // `->INO=22588634 11358,cargo,7u`, once for each holder of the other end.
                for part in value.split("->INO=").skip(1) {
                    let peer: u64 = part.split(' ').next().unwrap().parse().unwrap();
                    assert!(are_joined(&map, inode, peer), "{line}");
                    joined_there.extend([(inode, peer), (peer, inode)]);
                    let far = holders_of(map.by_inode(peer).unwrap());
                    for end in part.split(' ').skip(1).filter(|end| end.contains(',')) {
                        let parts: Vec<&str> = end.split(',').collect();
                        let fd = parts[2].trim_end_matches(|c: char| !c.is_ascii_digit());
                        let end = (parts[0].parse().unwrap(), fd.parse().unwrap());
                        assert!(far.contains(&end), "{line}");
                    }
                }
            }
            _ => {}
        }
    }
    // Like ss, it does not read private tables of threads.
    let held_here = held(&map, &scene, |family| family == "unix");
    assert_eq!(held_there, held_here);
    // Where several hold an end it may show the pair on the lines of one of the two only, so that
    // either is enough. It shows one endpoint of a socket, and with it only those whose own files it lists: of two
    // senders to one receiver it may show one. Everything else that the map joins it joins as well.
    let inodes = held_here.iter().map(|(inode, _)| *inode).collect();
    for (one, two) in joined(&map, &inodes).difference(&joined_there) {
        let row = |inode: &u64| map.by_inode(*inode).unwrap();
        let several = map.connections_of(&socket_id(*one)).count() > 1;
        let queue = *one == scene.pending.inode || *one == scene.listener.inode;
        assert!(
            several || queue,
            "{} and {} are joined in the map alone",
            row(one),
            row(two)
        );
    }
    assert!(!joined_there.is_empty());
}

#[test]
fn lsfd_with_threads() {
    let scene = Scene::new();
    let map = scene.world.capture();
    let pids: Vec<String> = scene.pids.iter().map(u64::to_string).collect();
    let columns = "PID,TID,FD,INODE,MODE";
    let command = ["lsfd", "-l", "-J", "-p", &pids.join(","), "-o", columns];
    let Some(text) = output(&command) else { return };
    let rows: Value = serde_json::from_str(&text).unwrap();
    let (mut sockets, mut pipes, mut private) = (BTreeSet::new(), 0, 0);
    for row in rows["lsfd"].as_array().unwrap() {
        let (Some(fd), Some(inode)) = (row["fd"].as_u64(), row["inode"].as_u64()) else {
            continue; // a mapped file, a working directory
        };
        let (pid, tid) = (row["pid"].as_u64().unwrap(), row["tid"].as_u64().unwrap());
        if let Some(pipe) = map.rows("pipes").find(|pipe| pipe["inode"] == inode) {
            pipes += usize::from(inode == scene.pipe);
            let mode = row["mode"].as_str().unwrap();
            for (letter, end) in [('r', "readers"), ('w', "writers")] {
                let mut all = pipe[end].as_array().unwrap().iter();
                let is_it = |one: &Value| {
                    one["process"] == format!("h0/p{pid}").as_str() && one["fd"] == fd
                };
                assert_eq!(all.any(is_it), mode.contains(letter), "{row}");
            }
            continue;
        }
        // How it names a socket differs from version to version.
        let link = std::fs::read_link(format!("/proc/{pid}/task/{tid}/fd/{fd}")).unwrap();
        if !link.to_string_lossy().starts_with("socket:") {
            continue;
        }
        let socket = map
            .by_inode(inode)
            .unwrap_or_else(|| panic!("not in the map: {row}"));
        let mut holders = socket["holders"].as_array().unwrap().iter();
        let found = holders.find(|one| {
            let thread = one["tid"].as_u64();
            one["process"] == format!("h0/p{pid}").as_str()
                && one["fd"] == fd
                && thread.is_none_or(|thread| thread == tid)
        });
        let found = found.unwrap_or_else(|| panic!("not held so in the map: {row}"));
        if found["tid"].is_null() {
            sockets.insert((inode, (pid, fd)));
        } else {
            private += 1;
        }
    }
    // By threads it sees the private table as well: nothing is missing on either side.
    assert_eq!(sockets, held(&map, &scene, |_| true));
    let own = scene.private_holder.pid();
    let thread = |socket: &Socket| map.socket(socket)["holders"][0]["process"].clone();
    assert_eq!(thread(&scene.private.1), format!("h0/p{own}"));
    assert!(private >= 2 && pipes == 2, "{private} {pipes}");
}
