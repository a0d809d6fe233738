//! Connections of TCP and UDP that are not simply established.

use serde_json::Value;
use whotalks_tests::World;
use whotalks_tests::environment::{needs_namespaces, skip, works};
use whotalks_tests::script::{Script, links, list};

/// The row of a list whose client or server is one of these processes.
fn row(list: &Value, pid: u32) -> &Value {
    let id = Value::from(format!("h0/p{pid}"));
    let mut rows = list["links"].as_array().unwrap().iter();
    let is_own = |row: &&Value| {
        let ids = |end: &str| row[end].as_array().unwrap().contains(&id);
        ids("clients") || ids("servers")
    };
    rows.find(is_own)
        .unwrap_or_else(|| panic!("no row of {pid}: {list:#}"))
}

/// Clients in the queues of several listeners of one process, of which none accepts.
#[test]
fn in_the_queues_of_a_group_of_listeners() {
    let world = World::new();
    let script = Script::start(
        "
group = []
for _ in range(3):
    l = S.socket(); l.setsockopt(S.SOL_SOCKET, S.SO_REUSEPORT, 1)
    l.bind(group[0].getsockname() if group else ('127.0.0.1', 0)); l.listen(16); group.append(l)
def client():
    name = group[0].getsockname()
    for l in group: l.close()
    globals()['all'] = [S.create_connection(name) for _ in range(6)]
    rest()
peer = fork(client)
ready(peer, os.getpid())
rest()
",
    );
    let answer = list(&world, &[]);
    assert_eq!(links(&answer, &script.pids), ["0 → 1"]);
    let row = row(&answer, script.pids[0]);
    assert_eq!(
        (&row["connections"], &row["pending"]),
        (&6.into(), &6.into())
    );
    let map = whotalks_tests::world::export(&world.snapshot());
    let client = Value::from(format!("h0/p{}", script.pids[0]));
    let held = |id: &Value| {
        let socket = map["sockets"]
            .as_array()
            .unwrap()
            .iter()
            .find(|s| s["id"] == *id)
            .unwrap();
        socket["holders"]
            .as_array()
            .unwrap()
            .iter()
            .any(|h| h["process"] == client)
    };
    let all = map["connections"].as_array().unwrap().iter();
    let own: Vec<&Value> = all.filter(|connection| held(&connection["a"])).collect();
    assert_eq!(own.len(), 6);
    for connection in own {
        assert_eq!(connection["state"], "pending", "{connection}");
        assert_eq!(connection["b"], Value::Null);
        let known = connection["listener"].is_string();
        assert!(known || connection["listener_group"].as_array().unwrap().len() == 3);
    }
}

/// A client that was not answered: more than the queue of a listener holds, and an address without a
/// machine.
#[test]
fn not_answered_yet() {
    if !needs_namespaces() {
        return;
    }
    let world = World::new();
    let made = "ip link set lo up && ip link add v0 type veth peer name v1 && ip addr add 192.0.2.2/24 dev v0 && ip link set v0 up && ip link set v1 up && ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev v0";
    if !works(&["unshare", "-n", "sh", "-c", made]) {
        return skip("no veth can be made here");
    }
    let network = format!("{made} && exec \"$@\"");
    let script = Script::start_in(
        &["unshare", "-n", "sh", "-c", &network, "sh"],
        "
l = S.socket(); l.bind(('127.0.0.1', 7102)); l.listen(1)
def connect(name, count):
    all = [S.socket() for _ in range(count)]
    for s in all:
        s.setblocking(False)
        s.connect_ex(name)
    return all
def client(name, count):
    def run():
        l.close(); globals()['all'] = connect(name, count); rest()
    return run
near, far = fork(client(('127.0.0.1', 7102), 6)), fork(client(('192.0.2.1', 5432), 1))
ready(near, os.getpid(), far)
rest()
",
    );
    let answer = list(&world, &[]);
    let outside = "2 → (outside) 192.0.2.1:5432";
    assert_eq!(links(&answer, &script.pids), ["0 → 1", outside]);
    let near = row(&answer, script.pids[0]);
    assert_eq!(near["connections"], 6);
    let waiting = near["pending"].as_u64().unwrap() + near["connecting"].as_u64().unwrap();
    assert_eq!(waiting, 6, "{near}");
    assert_eq!(row(&answer, script.pids[2])["connecting"], 1);
    let by_port = list(&world, &["port:5432"]);
    assert_eq!(links(&by_port, &script.pids), [outside]);
    // A SYN is not a byte that somebody wrote.
    let map = whotalks_tests::world::export(&world.snapshot());
    let sockets = map["sockets"].as_array().unwrap().iter();
    let connecting = sockets.filter(|socket| socket["state"] == "connecting");
    assert!(
        connecting
            .into_iter()
            .all(|socket| socket["send_queue_bytes"] == 0)
    );
}

/// The other end is gone: its process has closed it, and the kernel still has a row of it or none.
#[test]
fn closed_at_the_other_end() {
    let world = World::new();
    let script = Script::start(
        "
l = S.socket(); l.bind(('127.0.0.1', 0)); l.listen(1)
tcp = S.create_connection(l.getsockname()); s, _ = l.accept(); s.close(); l.close()
receiver = S.socket(S.AF_INET, S.SOCK_DGRAM); receiver.bind(('127.0.0.1', 0))
def udp():
    tcp.close()
    u = S.socket(S.AF_INET, S.SOCK_DGRAM); u.connect(receiver.getsockname()); receiver.close(); rest()
def unix():
    tcp.close(); receiver.close()
    r = S.socket(S.AF_UNIX, S.SOCK_DGRAM); r.bind('\\0gone-%d' % os.getpid())
    d = S.socket(S.AF_UNIX, S.SOCK_DGRAM); d.connect(r.getsockname()); r.close(); rest()
a, b = fork(udp), fork(unix)
receiver.close()
ready(os.getpid(), a, b)
rest()
",
    );
    let answer = list(&world, &[]);
    for pid in 0..3 {
        let links = links(&answer, &script.pids[pid..=pid]);
        assert!(links[0].contains("(closed)"), "{links:?}");
        assert_eq!(links.len(), 1, "{links:?}");
    }
    let map = whotalks_tests::world::export(&world.snapshot());
    let own = Value::from(format!("h0/p{}", script.pids[0]));
    let holds = |socket: &&Value| {
        let mut holders = socket["holders"].as_array().unwrap().iter();
        socket["protocol"] == "tcp" && holders.any(|holder| holder["process"] == own)
    };
    let socket = map["sockets"]
        .as_array()
        .unwrap()
        .iter()
        .find(holds)
        .unwrap();
    assert_eq!(socket["state"], "close-wait");
    // A FIN is not a byte to read.
    assert_eq!(socket["recv_queue_bytes"], 0);
    let mut all = map["connections"].as_array().unwrap().iter();
    let connection = all
        .find(|connection| connection["a"] == socket["id"])
        .unwrap();
    assert_eq!(
        (
            &connection["state"],
            &connection["orphan"],
            &connection["b"]
        ),
        (&"closing".into(), &"fin-wait-2".into(), &Value::Null)
    );
}

/// Connections that ended a moment ago.
#[test]
fn in_time_wait() {
    let world = World::new();
    let script = Script::start(
        "
l = S.socket(); l.bind(('127.0.0.1', 0)); l.listen(8)
for _ in range(50):
    c = S.create_connection(l.getsockname()); s, _ = l.accept(); c.close(); s.close()
ready(os.getpid(), l.getsockname()[1])
rest()
",
    );
    let server = Value::from(format!("127.0.0.1:{}", script.pids[1]));
    let departed = |answer: &Value| {
        let rows = answer["departed"].as_array().unwrap().iter();
        let own = rows.filter(|row| row["server"] == server);
        own.map(|row| {
            (
                row["state"].clone(),
                row["client"].clone(),
                row["count"].clone(),
            )
        })
        .collect::<Vec<_>>()
    };
    let expected = [("time-wait".into(), "127.0.0.1".into(), 50.into())];
    assert_eq!(departed(&list(&world, &[])), expected);
    assert_eq!(departed(&list(&world, &["state:time-wait"])), expected);
    assert_eq!(
        departed(&list(&world, &[&format!("port:{}", script.pids[1])])),
        expected
    );
    assert_eq!(
        departed(&list(&world, &[&format!("pid:{}", script.pids[0])])),
        []
    );
}

/// The server's address as the client has it is translated, by a rule of the packet filter.
#[test]
fn behind_a_translated_address() {
    if !needs_namespaces() {
        return;
    }
    let world = World::new();
    let made = "ip link set lo up
        ip link add v0 type veth peer name v1
        ip addr add 10.5.0.2/24 dev v0
        ip link set v0 up
        ip link set v1 up
        ip route add default dev v0
        nft add table ip nat
        nft 'add chain ip nat output { type nat hook output priority -100; }'
        nft add rule ip nat output ip daddr 10.96.0.1 tcp dport 443 dnat to 10.5.0.2:8443";
    if !works(&["unshare", "-n", "sh", "-e", "-c", made]) {
        return skip("no address can be translated here (nft)");
    }
    let network = format!("{made}\nexec \"$@\"");
    let script = Script::start_in(
        &["unshare", "-n", "sh", "-e", "-c", &network, "sh"],
        "
l = S.socket(); l.bind(('10.5.0.2', 8443)); l.listen(8)
def client():
    l.close(); c = S.create_connection(('10.96.0.1', 443)); globals()['c'] = c; rest()
peer = fork(client)
s, _ = l.accept()
ready(peer, os.getpid())
rest()
",
    );
    let answer = list(&world, &[]);
    let found = links(&answer, &script.pids);
    let map = whotalks_tests::world::export(&world.snapshot());
    let translated: Vec<&Value> = map["connections"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|connection| connection["translated"].is_object())
        .collect();
    assert_eq!(found, ["0 → 1"], "{translated:#?}");
    assert_eq!(row(&answer, script.pids[0])["via"], "10.96.0.1:443");
    let expected = serde_json::json!({"from": "10.96.0.1:443", "by": "conntrack"});
    assert!(
        translated
            .iter()
            .any(|connection| connection["translated"] == expected)
    );
}
