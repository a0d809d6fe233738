//! Chains and cycles of waits on small maps.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::load::syscall::CallKind;
use crate::model::{Call, ConnectionState, FdTarget, ProcessId, SocketState};

fn wait(map: &mut Map, process: ProcessId, tid: u32, kind: CallKind, on: FdTarget) {
    let call = Call {
        name: Some("call"),
        kind,
        fd: Some(5),
        target: on,
        ..Call::default()
    };
    map.add_wait(process, tid, ThreadState::Call(call));
}

fn running(map: &mut Map, process: ProcessId) {
    map.add_wait(process, 0, ThreadState::Running);
}

fn end_targets(map: &Map, connection: usize) -> (FdTarget, FdTarget) {
    let connection = &map.connections[connection];
    (
        FdTarget::Socket(connection.a),
        FdTarget::Socket(connection.b.unwrap()),
    )
}

/// Pids along the chain of the first wait of a process, and its end.
fn chain(map: &Map, process: ProcessId) -> (Vec<u32>, ChainEnd, WaitClass) {
    let all = waits(map);
    let of_process = |w: &&BlockedThread| w.process == process;
    let found = all.waits.iter().find(of_process).unwrap();
    let pids = found.chain.iter().map(|step| map.process(step.process).pid);
    (pids.collect(), found.end.clone(), found.class)
}

#[test]
fn a_chain_ends_at_a_running_process() {
    let mut map = Map::with_host();
    let [a, b, c] = [1, 2, 3].map(|pid| map.add_process(pid, b"x"));
    let ab = map.add_connection(&[a], &[b], None);
    let bc = map.add_pipe(&[c], &[b]);
    let (near, _) = end_targets(&map, ab);
    wait(&mut map, a, 1, CallKind::Read, near);
    wait(&mut map, b, 2, CallKind::Read, FdTarget::Pipe(bc));
    running(&mut map, c);
    assert_eq!(
        chain(&map, a),
        (vec![2, 3], ChainEnd::Running, WaitClass::Reads)
    );
    assert_eq!(
        chain(&map, b),
        (vec![3], ChainEnd::Running, WaitClass::Reads)
    );
    assert_eq!(waits(&map).cycles, []);
}

#[test]
fn two_full_buffers_are_a_cycle() {
    let mut map = Map::with_host();
    let [a, b, c] = [1, 2, 3].map(|pid| map.add_process(pid, b"x"));
    let ab = map.add_connection(&[a], &[b], None);
    let to_a = map.add_pipe(&[a], &[c]);
    let (near, far) = end_targets(&map, ab);
    wait(&mut map, a, 1, CallKind::Write, near);
    wait(&mut map, b, 2, CallKind::Write, far);
    wait(&mut map, c, 3, CallKind::Read, FdTarget::Pipe(to_a));
    assert_eq!(
        chain(&map, a),
        (vec![2, 1], ChainEnd::Cycle(0), WaitClass::InCycle)
    );
    assert_eq!(
        chain(&map, b),
        (vec![1, 2], ChainEnd::Cycle(0), WaitClass::InCycle)
    );
    assert_eq!(
        chain(&map, c),
        (vec![1], ChainEnd::Cycle(0), WaitClass::OnCycle)
    );
    let all = waits(&map);
    assert_eq!(all.cycles.len(), 1);
    assert_eq!(all.cycles[0].processes, [a, b]);
    assert!(all.cycles[0].certain && all.cycles[0].deadlock);
}

/// Another thread, or another holder of the end, can still act.
#[test]
fn no_cycle_while_a_process_can_act() {
    let make = |idle: Option<CallKind>, third: bool| {
        let mut map = Map::with_host();
        let [a, b, c] = [1, 2, 3].map(|pid| map.add_process(pid, b"x"));
        let far_holders: &[ProcessId] = if third { &[b, c] } else { &[b] };
        let ab = map.add_connection(&[a], far_holders, None);
        let (near, far) = end_targets(&map, ab);
        wait(&mut map, a, 1, CallKind::Write, near);
        wait(&mut map, b, 2, CallKind::Write, far);
        if let Some(kind) = idle {
            wait(&mut map, b, 4, kind, FdTarget::Unknown);
        }
        running(&mut map, c);
        map
    };
    let b = ProcessId::new(1);
    assert_eq!(waits(&make(None, false)).cycles.len(), 1);
    assert_eq!(waits(&make(Some(CallKind::Futex), false)).cycles.len(), 1);
    assert_eq!(waits(&make(Some(CallKind::Poll), false)).cycles, []);
    assert_eq!(waits(&make(Some(CallKind::Accept), false)).cycles, []);
    assert_eq!(waits(&make(None, true)).cycles, []);
    assert_eq!(
        chain(&make(None, true), ProcessId::new(0)).1,
        ChainEnd::Running
    );
    assert_eq!(chain(&make(Some(CallKind::Poll), false), b).0, [1, 2]);
}

#[test]
fn a_stopped_process_ends_a_chain_and_its_own_pipe_is_no_cycle() {
    let mut map = Map::with_host();
    let [a, b] = [1, 2].map(|pid| map.add_process(pid, b"x"));
    let ab = map.add_pipe(&[a, b], &[a]);
    let own = map.add_pipe(&[b], &[b]);
    wait(&mut map, a, 1, CallKind::Read, FdTarget::Pipe(ab));
    wait(&mut map, b, 2, CallKind::Read, FdTarget::Pipe(own));
    assert_eq!(chain(&map, b), (vec![], ChainEnd::Itself, WaitClass::Idle));
    assert_eq!(chain(&map, a), (vec![2], ChainEnd::Itself, WaitClass::Idle));
    map.processes[b.index()].state = b'T';
    assert_eq!(
        chain(&map, a),
        (vec![2], ChainEnd::Stopped, WaitClass::Reads)
    );
}

/// Terminates on a long line of processes that each wait for the next, closed to a ring or not.
#[test]
fn long_chains_and_rings() {
    for closed in [false, true] {
        let mut map = Map::with_host();
        let all: Vec<_> = (0..20_000).map(|pid| map.add_process(pid, b"x")).collect();
        for (at, own) in all.iter().enumerate() {
            let next = all[(at + 1) % all.len()];
            let pipe = map.add_pipe(&[next], &[*own]);
            wait(&mut map, *own, 1, CallKind::Read, FdTarget::Pipe(pipe));
        }
        if !closed {
            map.waits.last_mut().unwrap().state = ThreadState::Running;
        }
        let answer = waits(&map);
        let first = answer.waits.iter().find(|w| w.wait == Some(0)).unwrap();
        if closed {
            assert_eq!(answer.cycles[0].steps.len(), all.len());
            assert_eq!((first.length, first.class), (all.len(), WaitClass::InCycle));
        } else {
            assert_eq!(
                (first.length, &first.end),
                (all.len() - 1, &ChainEnd::Running)
            );
        }
        assert!(first.chain.len().abs_diff(analysis::MAX_CHAIN_STEPS) <= 1);
    }
}

/// All processes hold both ends, as make and its children do, and all wait for a token.
#[test]
fn one_pipe_that_all_read_and_could_write() {
    let mut map = Map::with_host();
    let all = [1, 2, 3].map(|pid| map.add_process(pid, b"x"));
    let tokens = map.add_pipe(&all, &all);
    for process in all {
        wait(&mut map, process, 1, CallKind::Read, FdTarget::Pipe(tokens));
    }
    let answer = waits(&map);
    let steps: Vec<_> = answer.cycles[0]
        .steps
        .iter()
        .map(|step| step.process)
        .collect();
    assert_eq!((steps, answer.cycles.len()), (vec![all[0], all[1]], 1));
    assert!(!answer.cycles[0].deadlock, "all wait to receive");
    assert_eq!(chain(&map, all[2]).1, ChainEnd::Cycle(0));
}

/// A blocked connect(2) waits for the only listener with a full backlog; of several it is not known
/// which.
#[test]
fn connecting_to_a_full_queue() {
    let mut map = Map::with_host();
    let [a, b, c] = [1, 2, 3].map(|pid| map.add_process(pid, b"x"));
    let full = |map: &mut Map, process: ProcessId, name: &[u8]| {
        let id = map.add_listener(&[process], name);
        let socket = &mut map.sockets[id.index()];
        (socket.pending, socket.backlog) = (Some(2), Some(1));
    };
    full(&mut map, b, b"/run/full\0");
    let other = map.add_listener(&[c], b"/run/other\0");
    map.sockets[other.index()].backlog = Some(1);
    let own = map.add_socket(&[a]);
    map.sockets[own.index()].state = SocketState::Unconnected;
    wait(&mut map, a, 1, CallKind::Connect, FdTarget::Socket(own));
    wait(&mut map, b, 2, CallKind::Sleep, FdTarget::Unknown);
    assert_eq!(chain(&map, a), (vec![2], ChainEnd::Timer, WaitClass::Held));
    let answer = waits(&map);
    let ends: Vec<_> = answer.waits.iter().map(|w| (w.process, w.class)).collect();
    assert_eq!(ends, [(b, WaitClass::Neglects), (a, WaitClass::Held)]);
    assert_eq!(answer.waits[1].via.text, "/run/full");
    full(&mut map, c, b"/run/too\0");
    assert_eq!(chain(&map, a), (vec![], ChainEnd::Unknown, WaitClass::Held));
}

/// A datagram socket that is not connected receives from any sender, not only from known ones.
#[test]
fn anyone_may_send() {
    let mut map = Map::with_host();
    let [a, b] = [1, 2].map(|pid| map.add_process(pid, b"x"));
    let sent = map.add_connection(&[a], &[b], None);
    map.connections[sent].state = ConnectionState::OneWay;
    let (near, far) = end_targets(&map, sent);
    wait(&mut map, a, 1, CallKind::Write, near);
    wait(&mut map, b, 2, CallKind::Read, far);
    assert_eq!(chain(&map, b), (vec![], ChainEnd::Anyone, WaitClass::Idle));
    assert_eq!(chain(&map, a), (vec![2], ChainEnd::Anyone, WaitClass::Held));
}
