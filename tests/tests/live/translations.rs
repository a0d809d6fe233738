//! Conversations whose addresses are translated, where the kernel's connection tracking was not captured.

use std::process::Command;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use whotalks_tests::World;
use whotalks_tests::environment::{needs_root, skip, works};
use whotalks_tests::programs::{programs, run};
use whotalks_tests::script::{Script, links};

/// A host with the address 192.168.77.1, and a container at 172.17.0.2 whose port 80 is published at
/// 8080: by rules of the packet filter for all but loopback.
const HOST: &str = "
import ctypes, subprocess
def run(text):
    for line in text.strip().splitlines(): subprocess.run(line.strip(), shell=True, check=True)
moved, entered = os.pipe(), os.pipe()
def container():
    ctypes.CDLL(None).unshare(0x40000000)
    os.write(entered[1], b'x'); os.read(moved[0], 1)
    run('''ip link set lo up
        ip addr add 172.17.0.2/16 dev e0
        ip link set e0 up
        ip route add default via 172.17.0.1''')
    l = S.socket(); l.bind(('0.0.0.0', 80)); l.listen(8)
    os.write(entered[1], b'x')
    for pipe in moved + entered: os.close(pipe)
    accepted = [l.accept() for _ in range(CLIENTS)]
    rest()
server = fork(container)
os.read(entered[0], 1)
run(f'''ip link set lo up
    ip addr add 192.168.77.1/32 dev lo
    ip link add d0 type veth peer name e0 netns {server}
    ip addr add 172.17.0.1/16 dev d0
    ip link set d0 up
    nft add table ip nat
    nft 'add chain ip nat output {{ type nat hook output priority -100; }}'
    nft add rule ip nat output ip daddr 192.168.77.1 tcp dport 8080 dnat to 172.17.0.2:80''')
if MASQUERADE: run(f'''
    nft 'add chain ip nat post {{ type nat hook postrouting priority 100; }}'
    nft add rule ip nat post oifname d0 masquerade {MASQUERADE}''')
os.write(moved[1], b'x'); os.read(entered[0], 1)
for pipe in moved + entered: os.close(pipe)
";

/// A program that is called as docker's proxy is, and does nothing.
const PROXY: &str = "
def proxy():
    os.execvp('python3', ['/usr/bin/docker-proxy', '-c', 'import time; time.sleep(1e6)', '-proto', 'tcp',
        '-host-ip', '0.0.0.0', '-host-port', '8080', '-container-ip', '172.17.0.2', '-container-port', '80'])
fork(proxy)
";

const CLIENTS: &str = "
def client():
    c = S.create_connection(('192.168.77.1', 8080)); rest()
ready(*[fork(client) for _ in range(CLIENTS)], server)
rest()
";

/// Starts a scene; `None` where the kernel cannot translate addresses.
fn scene(clients: u32, masquerade: &str, more: &[&str]) -> Script {
    let head = format!("CLIENTS, MASQUERADE = {clients}, {masquerade:?}\n{HOST}");
    Script::start_in(&["unshare", "-n"], &[&[&*head], more].concat().concat())
}

/// The scenes have equal addresses: one at a time.
static SCENE: Mutex<()> = Mutex::new(());

fn can_translate() -> bool {
    let rules =
        "nft add table ip nat && nft 'add chain ip nat o { type nat hook output priority -100; }'";
    needs_root() && {
        let can = works(&["unshare", "-n", "sh", "-c", rules]);
        if !can {
            skip("no address can be translated here (nft)");
        }
        can
    }
}

/// Captures without connection tracking: `NETLINK_NETFILTER` (12) is refused with `EPROTONOSUPPORT` (93).
fn answer(world: &World, script: &Script) -> (Vec<String>, Vec<Value>) {
    let actor = programs().actor.to_str().unwrap();
    let file = world.snapshot_as(
        "untracked.whotalks",
        &[actor, "--refuse", "socket:2=12:93"],
        &[],
    );
    let mut command = Command::new(&programs().analyze);
    command.args(["list", "--format", "json", "--by", "process"]);
    let list = run(command.arg(&file), b"").json();
    let map = whotalks_tests::world::export(&file);
    let ids: Vec<String> = script.pids.iter().map(|pid| format!("h0/p{pid}")).collect();
    let sockets = map["sockets"].as_array().unwrap();
    let is_ours = |id: &Value| {
        let socket = sockets.iter().find(|socket| socket["id"] == *id);
        let holders = socket.and_then(|socket| socket["holders"].as_array());
        holders
            .into_iter()
            .flatten()
            .any(|holder| ids.contains(&holder["process"].as_str().unwrap().to_owned()))
    };
    let connections = map["connections"].as_array().unwrap().iter();
    let ours = connections.filter(|edge| edge["kind"] == "inet" && is_ours(&edge["a"]));
    (
        links(&list, &script.pids),
        ours.map(|edge| edge["translated"].clone()).collect(),
    )
}

#[test]
fn an_equal_address_at_both_ends_joins_them() {
    if !can_translate() {
        return;
    }
    let _alone = SCENE.lock().unwrap_or_else(PoisonError::into_inner);
    let world = World::new();
    let script = scene(2, "", &[CLIENTS]);
    let translated = json!({"from": "192.168.77.1:8080", "by": "address"});
    assert_eq!(
        answer(&world, &script),
        (
            ["0 → 2", "1 → 2"].map(str::to_owned).to_vec(),
            vec![translated; 2]
        )
    );
}

#[test]
fn the_command_line_of_a_proxy_joins_both_ends() {
    if !can_translate() {
        return;
    }
    let _alone = SCENE.lock().unwrap_or_else(PoisonError::into_inner);
    let world = World::new();
    let script = scene(2, " ", &[PROXY, CLIENTS]);
    let translated = json!({"from": "192.168.77.1:8080", "by": "proxy"});
    assert_eq!(
        answer(&world, &script),
        (
            ["0 → 2", "1 → 2"].map(str::to_owned).to_vec(),
            vec![translated; 2]
        )
    );
}

/// The kernel chose other ports for the clients: which connection is whose is not known, but the server is.
#[test]
fn a_proxy_names_the_server_of_clients_that_cannot_be_told_apart() {
    if !can_translate() {
        return;
    }
    let _alone = SCENE.lock().unwrap_or_else(PoisonError::into_inner);
    let world = World::new();
    let script = scene(2, "random", &[PROXY, CLIENTS]);
    let (links, translated) = answer(&world, &script);
    assert_eq!(links, ["(translated) 172.17.0.1 → 2", "0 → 2", "1 → 2"]);
    let by_proxy = json!({"from": "192.168.77.1:8080", "by": "proxy"});
    assert_eq!(translated.iter().filter(|one| **one == by_proxy).count(), 2);
}

/// An address of this machine is never outside.
#[test]
fn what_joins_nothing_is_translated() {
    if !can_translate() {
        return;
    }
    let _alone = SCENE.lock().unwrap_or_else(PoisonError::into_inner);
    let world = World::new();
    let script = scene(1, " ", &[CLIENTS]);
    let (links, _) = answer(&world, &script);
    assert_eq!(
        links,
        [
            "(translated) 172.17.0.1 → 1",
            "0 → (translated) 192.168.77.1:8080"
        ]
    );
}

/// Two containers on one machine with equal addresses: neither is taken for the other.
#[test]
fn an_address_that_two_namespaces_have_names_no_server() {
    if !can_translate() {
        return;
    }
    let _alone = SCENE.lock().unwrap_or_else(PoisonError::into_inner);
    let scenes = [(); 2].map(|()| scene(2, "random", &[PROXY, CLIENTS]));
    for script in &scenes {
        let (found, _) = answer(&World::new(), script);
        let servers = |client: &str| -> Vec<&String> {
            let of_client = |link: &&String| link.starts_with(&format!("{client} →"));
            found.iter().filter(of_client).collect()
        };
        for client in ["0", "1"] {
            assert_eq!(servers(client).len(), 1, "{found:?}");
            assert!(servers(client)[0].contains("(translated) "), "{found:?}");
        }
    }
}
