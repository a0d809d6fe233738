#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::model::fixture::{connect, listener, map, pipe, process, socket};
use crate::model::{ConnectionState, FdTarget, SocketState, Wait};

fn wait(map: &mut Map, process: ProcessId, tid: u32, kind: CallKind, on: FdTarget) {
    map.waits.push(Wait {
        process,
        tid,
        comm: Box::default(),
        wchan: Box::default(),
        state: ThreadState::Call(Call {
            number: 0,
            name: Some("call"),
            kind,
            fd: Some(5),
            target: on,
            timed: false,
            child: None,
        }),
    });
}

fn running(map: &mut Map, process: ProcessId) {
    wait(map, process, 0, CallKind::Read, FdTarget::Unknown);
    map.waits.last_mut().unwrap().state = ThreadState::Running;
}

fn ends(map: &Map, connection: usize) -> (FdTarget, FdTarget) {
    let connection = &map.connections[connection];
    (
        FdTarget::Socket(connection.a),
        FdTarget::Socket(connection.b.unwrap()),
    )
}

/// Pids along the chain of the first wait of a process, and its end.
fn chain(map: &Map, process: ProcessId) -> (Vec<u32>, End, Class) {
    let all = waits(map);
    let of_process = |w: &&Waiting| map.waits[w.wait].process == process;
    let found = all.waits.iter().find(of_process).unwrap();
    let pids = found.chain.iter().map(|step| map.process(step.process).pid);
    (pids.collect(), found.end.clone(), found.class)
}

#[test]
fn a_chain_ends_where_somebody_runs() {
    let mut map = map();
    let [a, b, c] = [1, 2, 3].map(|pid| process(&mut map, pid, b"x"));
    let ab = connect(&mut map, &[a], &[b], None);
    let bc = pipe(&mut map, &[c], &[b]);
    let (near, _) = ends(&map, ab);
    wait(&mut map, a, 1, CallKind::Read, near);
    wait(&mut map, b, 2, CallKind::Read, FdTarget::Pipe(bc));
    running(&mut map, c);
    assert_eq!(chain(&map, a), (vec![2, 3], End::Running, Class::Reads));
    assert_eq!(chain(&map, b), (vec![3], End::Running, Class::Reads));
    assert_eq!(waits(&map).cycles, []);
}

#[test]
fn two_full_buffers_are_a_cycle_and_who_waits_for_it_is_told() {
    let mut map = map();
    let [a, b, c] = [1, 2, 3].map(|pid| process(&mut map, pid, b"x"));
    let ab = connect(&mut map, &[a], &[b], None);
    let to_a = pipe(&mut map, &[a], &[c]);
    let (near, far) = ends(&map, ab);
    wait(&mut map, a, 1, CallKind::Write, near);
    wait(&mut map, b, 2, CallKind::Write, far);
    wait(&mut map, c, 3, CallKind::Read, FdTarget::Pipe(to_a));
    assert_eq!(chain(&map, a), (vec![2, 1], End::Cycle(0), Class::InCycle));
    assert_eq!(chain(&map, b), (vec![1, 2], End::Cycle(0), Class::InCycle));
    assert_eq!(chain(&map, c), (vec![1], End::Cycle(0), Class::OnCycle));
    let all = waits(&map);
    assert_eq!(all.cycles.len(), 1);
    assert_eq!(all.cycles[0].processes, [a, b]);
    assert!(all.cycles[0].certain && all.cycles[0].deadlock);
}

/// Another thread, or another holder of the end, may yet act.
#[test]
fn nothing_is_a_cycle_that_somebody_can_end() {
    let make = |idle: Option<CallKind>, third: bool| {
        let mut map = map();
        let [a, b, c] = [1, 2, 3].map(|pid| process(&mut map, pid, b"x"));
        let far_holders: &[ProcessId] = if third { &[b, c] } else { &[b] };
        let ab = connect(&mut map, &[a], far_holders, None);
        let (near, far) = ends(&map, ab);
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
    assert_eq!(chain(&make(None, true), ProcessId::new(0)).1, End::Running);
    assert_eq!(chain(&make(Some(CallKind::Poll), false), b).0, [1, 2]);
}

#[test]
fn a_stopped_process_is_the_end_and_its_own_pipe_is_no_cycle() {
    let mut map = map();
    let [a, b] = [1, 2].map(|pid| process(&mut map, pid, b"x"));
    let ab = pipe(&mut map, &[a, b], &[a]);
    let own = pipe(&mut map, &[b], &[b]);
    wait(&mut map, a, 1, CallKind::Read, FdTarget::Pipe(ab));
    wait(&mut map, b, 2, CallKind::Read, FdTarget::Pipe(own));
    assert_eq!(chain(&map, b), (vec![], End::Itself, Class::Idle));
    assert_eq!(chain(&map, a), (vec![2], End::Itself, Class::Reads));
    map.processes[b.index()].state = b'T';
    assert_eq!(chain(&map, a), (vec![2], End::Stopped, Class::Reads));
}

/// Whatever the file says, it ends: a long line of processes, each waiting for the next, closed to
/// a ring or not.
#[test]
fn long_chains_and_rings() {
    for closed in [false, true] {
        let mut map = map();
        let all: Vec<_> = (0..20_000)
            .map(|pid| process(&mut map, pid, b"x"))
            .collect();
        for (at, own) in all.iter().enumerate() {
            let next = all[(at + 1) % all.len()];
            let pipe = pipe(&mut map, &[next], &[*own]);
            wait(&mut map, *own, 1, CallKind::Read, FdTarget::Pipe(pipe));
        }
        if !closed {
            map.waits.last_mut().unwrap().state = ThreadState::Running;
        }
        let answer = waits(&map);
        let first = answer.waits.iter().find(|w| w.wait == 0).unwrap();
        if closed {
            assert_eq!(answer.cycles[0].steps.len(), all.len());
            assert_eq!((first.length, first.class), (all.len(), Class::InCycle));
        } else {
            assert_eq!((first.length, &first.end), (all.len() - 1, &End::Running));
        }
        assert!(first.chain.len().abs_diff(STEPS) <= 1);
    }
}

/// All hold both ends, as a make and its children do, and all wait for a token.
#[test]
fn one_pipe_that_all_read_and_could_write() {
    let mut map = map();
    let all = [1, 2, 3].map(|pid| process(&mut map, pid, b"x"));
    let tokens = pipe(&mut map, &all, &all);
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
    assert!(!answer.cycles[0].deadlock, "all wait for another to write");
    assert_eq!(chain(&map, all[2]).1, End::Cycle(0));
}

/// The queue that is full tells whom a blocked connect(2) waits for; of two it is not known.
#[test]
fn connecting_to_a_full_queue() {
    let mut map = map();
    let [a, b, c] = [1, 2, 3].map(|pid| process(&mut map, pid, b"x"));
    let full = |map: &mut Map, process: ProcessId, name: &[u8]| {
        let id = listener(map, &[process], name);
        let socket = &mut map.sockets[id.index()];
        (socket.pending, socket.backlog) = (Some(2), Some(1));
    };
    full(&mut map, b, b"/run/full\0");
    let other = listener(&mut map, &[c], b"/run/other\0");
    map.sockets[other.index()].backlog = Some(1);
    let own = socket(&mut map, &[a]);
    map.sockets[own.index()].state = SocketState::Unconnected;
    wait(&mut map, a, 1, CallKind::Connect, FdTarget::Socket(own));
    wait(&mut map, b, 2, CallKind::Sleep, FdTarget::Unknown);
    assert_eq!(chain(&map, a), (vec![2], End::Timer, Class::Held));
    assert_eq!(waits(&map).waits[0].via.text, "/run/full");
    full(&mut map, c, b"/run/too\0");
    assert_eq!(chain(&map, a), (vec![], End::Unknown, Class::Held));
}

/// A datagram socket that is not connected hears everybody, its known senders included.
#[test]
fn anyone_may_send() {
    let mut map = map();
    let [a, b] = [1, 2].map(|pid| process(&mut map, pid, b"x"));
    let sent = connect(&mut map, &[a], &[b], None);
    map.connections[sent].state = ConnectionState::OneWay;
    let (near, far) = ends(&map, sent);
    wait(&mut map, a, 1, CallKind::Write, near);
    wait(&mut map, b, 2, CallKind::Read, far);
    assert_eq!(chain(&map, b), (vec![], End::Anyone, Class::Idle));
    assert_eq!(chain(&map, a), (vec![2], End::Anyone, Class::Held));
}
