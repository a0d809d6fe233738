//! A scene in which machine, user and addresses have unique names.

use std::net::IpAddr;

use whotalks_tests::actor::Socket;
use whotalks_tests::environment::{makes_namespaces, skip, works};
use whotalks_tests::protocol::Address;
use whotalks_tests::{Actor, Kind, World};

const HOST: &str = "drno-krabkey";
const USER: &str = "stavroblo";
const V4: [&str; 2] = ["198.51.100.77", "198.51.100.78"];
const V6: [&str; 2] = ["2a0e:b107:f00d:77::5", "2a0e:b107:f00d:77::6"];
const MAC: [u8; 6] = [0x02, 0x4b, 0x72, 0x79, 0x70, 0x74];

/// Two networks with a cable between them, over which somebody talks; and a collector that takes
/// the machine for another.
pub(super) struct Scene {
    /// Whether there is a network of its own.
    network: bool,
    /// What puts the collector into a machine of another name; empty where that may not be.
    collector: Vec<String>,
    _held: Vec<(Actor, Vec<Socket>)>,
}

impl Scene {
    pub(super) fn new(world: &World) -> Self {
        if !makes_namespaces() {
            skip("without addresses and a host name of its own: no namespaces can be made here");
            return Self {
                network: false,
                collector: Vec::new(),
                _held: Vec::new(),
            };
        }
        let alone = &["unshare", "-n"];
        let (server, client) = (world.actor_with(alone, &[]), world.actor_with(alone, &[]));
        let (here, there) = (server.pid(), client.pid());
        let mac = MAC.map(|byte| format!("{byte:02x}")).join(":");
        let [here_v4, there_v4] = V4;
        let [here_v6, there_v6] = V6;
        let made = format!(
            "nsenter -n -t {here} ip link add one type veth peer name two netns {there} &&
             nsenter -n -t {here} ip link set one address {mac} &&
             nsenter -n -t {here} ip addr add {here_v4}/24 dev one &&
             nsenter -n -t {here} ip addr add {here_v6}/64 dev one nodad &&
             nsenter -n -t {there} ip addr add {there_v4}/24 dev two &&
             nsenter -n -t {there} ip addr add {there_v6}/64 dev two nodad &&
             nsenter -n -t {there} ip link set two up &&
             nsenter -n -t {here} ip link set one up"
        );
        let network = works(&["sh", "-c", &made]);
        let mut held = Vec::new();
        if network {
            for (to, from) in [
                (format!("{here_v4}:7000"), format!("{there_v4}:0")),
                (format!("[{here_v6}]:7001"), format!("[{there_v6}]:0")),
            ] {
                let listener = server.listen(&Address::Inet(to), Kind::Stream, 4);
                let from = client.bound(&Address::Inet(from), Kind::Stream);
                client.connect_to(&from, listener.address.as_ref().unwrap());
                held.push((server.clone(), vec![server.accept(&listener), listener]));
                held.push((client.clone(), vec![from]));
            }
        } else {
            skip("without addresses of its own: no veth can be made here");
        }
        let users = world.directory().join("passwd");
        std::fs::write(&users, format!("{USER}:x:0:0::/:/bin/sh\n")).unwrap();
        let command = format!(
            "hostname {HOST} && mount --bind {} /etc/passwd && exec \"$@\"",
            users.display()
        );
        let collector: Vec<String> = ["unshare", "-u", "-m", "sh", "-c", &command, "sh"]
            .map(str::to_owned)
            .into();
        let words: Vec<&str> = collector
            .iter()
            .map(String::as_str)
            .chain(["true"])
            .collect();
        let collector = match works(&words) {
            true => collector,
            false => {
                skip("without a host name of its own: no machine can be called another name here");
                Vec::new()
            }
        };
        Self {
            network,
            collector,
            _held: held,
        }
    }

    /// Command before the collector.
    pub(super) fn collector(&self) -> Vec<&str> {
        self.collector.iter().map(String::as_str).collect()
    }

    /// What must not be in the copy, in each form that a table has, with what it is.
    pub(super) fn needles(&self) -> Vec<(String, Vec<u8>)> {
        let mut all = Vec::new();
        if !self.collector.is_empty() {
            all.extend([HOST, USER].map(|name| (name.to_owned(), name.as_bytes().to_vec())));
        }
        if self.network {
            for text in V4.into_iter().chain(V6) {
                let address: IpAddr = text.parse().unwrap();
                let octets = match address {
                    IpAddr::V4(address) => address.octets().to_vec(),
                    IpAddr::V6(address) => address.octets().to_vec(),
                };
                // As `/proc/net/tcp` has it.
                let words = octets.chunks_exact(4);
                let words = words.map(|word| u32::from_ne_bytes(word.try_into().unwrap()));
                let hex: String = words.map(|word| format!("{word:08X}")).collect();
                all.push((format!("{text} in text"), hex.into_bytes()));
                all.push((format!("{text} in bytes"), octets));
            }
            // A hardware address is in the address that the kernel makes of it (RFC 4291, EUI-64).
            let [a, b, c, d, e, f] = MAC;
            let link = [a ^ 2, b, c, 0xff, 0xfe, d, e, f];
            all.push(("the hardware address".to_owned(), link.to_vec()));
        }
        all
    }
}
