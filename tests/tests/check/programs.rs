//! WT306, WT307, WT309 to WT311, WT403: programs and sockets that they should not have.

use whotalks_tests::environment::{euid, needs_namespaces, skip, works};
use whotalks_tests::findings::Findings;
use whotalks_tests::protocol::Address;
use whotalks_tests::{Kind, World};

use super::foreign_process::ForeignProcess;

fn once(world: &World, others: &[u32]) -> Findings {
    Findings::of(world, others, &[&world.snapshot()])
}

fn anywhere() -> Address {
    Address::Inet("0.0.0.0:0".to_owned())
}

#[test]
fn a_socket_that_went_into_another_network() {
    if !needs_namespaces() {
        return;
    }
    let world = World::new();
    let parent = world.actor();
    let socket = parent.bound(&Address::Inet("127.0.0.1:0".to_owned()), Kind::Datagram);
    let child = parent.run(&["unshare", "-n", "sleep", "600"], &[socket.fd]);
    wait_for_program(child, "sleep");
    let findings = once(&world, &[child]);
    let found = findings.are_exactly(&[("WT306", "medium")]);
    assert_eq!(found[0]["subject"], format!("h0/p{child}"));
}

fn wait_for_program(pid: u32, comm: &str) {
    let begun = std::time::Instant::now();
    while std::fs::read_to_string(format!("/proc/{pid}/comm"))
        .unwrap_or_default()
        .trim()
        != comm
    {
        assert!(
            begun.elapsed().as_secs() < 20,
            "{pid} does not become {comm}"
        );
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

const PYTHON_LISTENS: &str = "
import socket, sys, signal
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
s.bind(('127.0.0.1', int(sys.argv[1]))); s.listen(); signal.pause()";

const PERL_LISTENS: &str = "
use Socket; socket(S, PF_INET, SOCK_STREAM, 0); setsockopt(S, SOL_SOCKET, 15, 1) or die;
bind(S, sockaddr_in($ARGV[0], inet_aton('127.0.0.1'))) or die; listen(S, 5); sleep 600";

#[test]
fn two_programs_on_one_address() {
    if !works(&["python3", "-c", ""]) || !works(&["perl", "-e", "use Socket"]) {
        return skip("no python3 or perl");
    }
    let world = World::new();
    // A port that was free a moment ago, and is below those that the kernel gives.
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let port = free.expect("a port is free").port().to_string();
    let one = ForeignProcess::start(&["python3", "-c", PYTHON_LISTENS, &port]);
    let python = one.wait_for("python3");
    once(&world, &[python]).are_exactly(&[]);
    let two = ForeignProcess::start(&["perl", "-e", PERL_LISTENS, &port]);
    let perl = two.wait_for("perl");
    once(&world, &[python, perl]).are_exactly(&[("WT307", "medium")]);
}

#[test]
fn a_program_without_a_file_that_listens() {
    let world = World::new();
    let copy = world.directory().join("agent");
    std::fs::copy(&whotalks_tests::programs::programs().actor, &copy).expect("it can be copied");
    let run = format!("exec {}", copy.display());
    let agent = world.actor_with(&["sh", "-c", &run], &[]);
    agent.listen(&anywhere(), Kind::Stream, 3);
    once(&world, &[]).are_exactly(&[]);
    std::fs::remove_file(&copy).expect("it is there");
    once(&world, &[]).are_exactly(&[("WT309", "medium")]);
    // An upgrade: the path is there again.
    std::fs::write(&copy, "newer").expect("it can be written");
    let findings = once(&world, &[]);
    let found = findings.are_exactly(&[("WT309", "low")]);
    let evidence = found[0]["evidence"].to_string();
    assert!(
        evidence.contains("another file is at its path now"),
        "{evidence}"
    );
}

const SHELL: &str = "
import os, socket, sys
s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); os.dup2(s.fileno(), 0)
os.execvp('sh', ['sh', '-c', 'read line'])";

#[test]
fn a_shell_controlled_over_the_network() {
    if !works(&["python3", "-c", ""]) {
        return skip("no python3");
    }
    let world = World::new();
    let server = world.actor();
    let listener = server.listen(&Address::Inet("127.0.0.1:0".to_owned()), Kind::Stream, 3);
    let address = server.local_address(&listener);
    let port = address.rsplit(':').next().unwrap_or_default();
    let shell = ForeignProcess::start(&["python3", "-c", SHELL, port]);
    server.accept(&listener);
    let pid = shell.wait_for("sh");
    let findings = once(&world, &[pid]);
    let found = findings.are_exactly(&[("WT310", "high")]);
    assert_eq!(found[0]["subject"], format!("h0/p{pid}"));
}

const SNIFFS: &str = "
import signal, socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)); signal.pause()";

#[test]
fn a_program_that_reads_packets() {
    if euid() != 0 || !works(&["python3", "-c", ""]) {
        return skip("needs root and python3");
    }
    let world = World::new();
    let sniffer = ForeignProcess::start(&["python3", "-c", SNIFFS]);
    let pid = sniffer.wait_for("python3");
    once(&world, &[pid]).are_exactly(&[("WT311", "medium")]);
}

/// An unbound socket is in no table and receives nothing, but the thread waits.
const UNLISTED: &str = "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.recv(1)";

/// The same without a waiting thread, as in programs that query interfaces.
const UNBOUND: &str = "
import signal, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); signal.pause()";

#[test]
fn a_socket_that_no_table_lists() {
    if !works(&["python3", "-c", ""]) {
        return skip("no python3");
    }
    for (program, expected) in [(UNLISTED, &[("WT403", "low")][..]), (UNBOUND, &[])] {
        let world = World::new();
        let stranger = ForeignProcess::start(&["python3", "-c", program]);
        let pid = stranger.wait_for("python3");
        let file = world.snapshot_with(&["--count", "2", "--interval", "100ms"]);
        let findings = Findings::of(&world, &[pid], &[&file]);
        findings.are_exactly(expected);
        let unknown = findings.document["unknown"].to_string();
        let told = unknown.contains("that no table lists");
        assert!(told || !expected.is_empty(), "{unknown}");
    }
}
