//! Properties of the comparison, on small machines.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::Config;

mod machines;
mod never_silent;

use machines::{Machine, ROLES, booted, machine, map};

use super::{Change, Diff, FilteredMaps, MatchReason, Options, diff, role};
use crate::graph::{By, Groups};
use crate::model::{Map, NetnsCoverage, ProcessId, Readable, SocketId, SocketState};
use crate::query::{Filter, LinkFilter, LinkKind, SelectorSet, links};

/// What a machine is, by role: the same questions asked without `diff`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct State {
    processes: BTreeMap<String, usize>,
    listeners: BTreeSet<(String, String)>,
    links: BTreeMap<(String, String, String, LinkKind), usize>,
    descriptors: BTreeMap<(String, String), u64>,
}

impl State {
    fn of(map: &Map) -> Self {
        let groups = Groups::by_label(map, role);
        let mut state = Self::default();
        for process in &map.processes {
            let role = role(process);
            *state.processes.entry(role.clone()).or_default() += 1;
            for (kind, count) in &process.fd_counts {
                let key = (role.clone(), kind.to_string());
                *state.descriptors.entry(key).or_default() += u64::from(*count);
            }
        }
        for (at, socket) in map.sockets.iter().enumerate() {
            let holders = map.holding_processes(SocketId::new(at));
            if socket.state == SocketState::Listening
                && let (Some(name), [holder]) = (&socket.name, &holders[..])
            {
                let name = crate::text::escape::name(name.bytes());
                state.listeners.insert((name, role(map.process(*holder))));
            }
        }
        for link in links(map, &groups, &LinkFilter::default()) {
            let key = (link.client, link.server, link.via.text, link.kind);
            *state.links.entry(key).or_default() += link.connections;
        }
        state
    }

    /// What it becomes by all that a comparison says.
    fn apply(&mut self, diff: &Diff) {
        for row in &diff.processes {
            set(
                &mut self.processes,
                row.role.clone(),
                row.old.len(),
                row.new.len(),
            );
        }
        for row in &diff.listeners {
            let key = (row.name.text.clone(), row.role.clone());
            match row.change {
                Change::Added => assert!(self.listeners.insert(key)),
                Change::Removed => assert!(self.listeners.remove(&key)),
                _ => assert!(self.listeners.contains(&key)),
            }
        }
        for row in &diff.links {
            let key = (
                row.client.clone(),
                row.server.clone(),
                row.via.text.clone(),
                row.kind,
            );
            set(&mut self.links, key, row.old, row.new);
        }
        for row in &diff.descriptors {
            set(
                &mut self.descriptors,
                (row.role.clone(), row.kind.to_string()),
                row.old,
                row.new,
            );
        }
    }
}

/// Replaces a number that was right; of a replacement the numbers are of a part, and equal.
fn set<K: Ord + std::fmt::Debug, N>(counts: &mut BTreeMap<K, N>, key: K, old: N, new: N)
where
    N: Copy + Default + PartialEq + std::fmt::Debug,
{
    if old == new {
        return;
    }
    assert_eq!(
        counts.get(&key).copied().unwrap_or_default(),
        old,
        "{key:?}"
    );
    if new == N::default() {
        counts.remove(&key);
    } else {
        counts.insert(key, new);
    }
}

/// The rows, with old and new exchanged where asked.
fn rows(diff: &Diff, mirrored: bool) -> BTreeSet<String> {
    let change = |change: Change| match (change, mirrored) {
        (Change::Added, true) => Change::Removed,
        (Change::Removed, true) => Change::Added,
        (other, _) => other,
    };
    fn two<T>(old: T, new: T, mirrored: bool) -> (T, T) {
        if mirrored { (new, old) } else { (old, new) }
    }
    let processes = diff.processes.iter().map(|row| {
        let sizes = two(&row.old, &row.new, mirrored);
        format!("process {:?} {} {sizes:?}", change(row.change), row.role)
    });
    let listeners = diff.listeners.iter().map(|row| {
        let sockets = two(row.old, row.new, mirrored);
        format!(
            "listener {:?} {:?} {} {sockets:?}",
            change(row.change),
            row.name,
            row.role
        )
    });
    let links = diff.links.iter().map(|row| {
        let counts = two(row.old, row.new, mirrored);
        let ends = (&row.client, &row.server, &row.via, row.kind);
        format!("link {:?} {ends:?} {counts:?}", change(row.change))
    });
    let descriptors = diff.descriptors.iter().map(|row| {
        let counts = two(row.old, row.new, mirrored);
        format!("descriptors {} {} {counts:?}", row.role, row.kind)
    });
    let ignored = format!("{:?} {}", diff.ignored, diff.coverage.comparable);
    let all = processes.chain(listeners).chain(links).chain(descriptors);
    all.chain([ignored]).collect()
}

/// Two of a name, one of which a restarted process listens on and one another program.
#[test]
fn of_listeners_of_one_name_all_are_chosen() {
    let old = Machine {
        processes: vec![Some((1, Some(2), 0))],
        talks: Vec::new(),
    };
    let new = Machine {
        processes: vec![
            None,
            Some((2, None, 0)),
            Some((1, Some(2), 0)),
            Some((0, Some(2), 0)),
        ],
        talks: vec![(2, 1, false), (1, 3, false)],
    };
    let comm = format!("comm:{}", String::from_utf8_lossy(ROLES[2]));
    let filter = Filter {
        only: SelectorSet::new(comm.parse().into_iter().collect()),
        ..Filter::default()
    };
    let (old, new) = (map(&old, "boot", 1), map(&new, "boot", 2));
    let options = Options {
        by: By::Process,
        all: false,
    };
    let names = |diff: &Diff| -> BTreeSet<(Change, String)> {
        let rows = diff.listeners.iter();
        rows.map(|row| (row.change, row.name.text.clone()))
            .collect()
    };
    let whole = names(&diff(&old, &new, &options));
    let selected = FilteredMaps::of(old, new, &filter).map(|both| names(&both.diff(&options)));
    assert!(selected.is_some_and(|names| names.is_subset(&whole)));
}

/// Two of one program on two ports, started the other way round after a reboot: what differs in
/// their command lines is a number, so what they listen on tells who is who.
#[test]
fn who_serves_a_name_is_who_served_it() {
    let machine = |boot: &str, servers: &[(&[u8], &[u8])]| {
        let mut map = booted(boot);
        for (at, (name, line)) in (0u32..).zip(servers) {
            let id = map.add_process(10 + at, b"redis");
            map.processes[id.index()].cmdline = (*line).into();
            map.processes[id.index()].start_ticks = u64::from(at);
            if !name.is_empty() {
                map.add_listener(&[id], name);
            }
        }
        map
    };
    let (one, two): (&[u8], &[u8]) = (b"/run/one\0", b"/run/two\0");
    let old = machine(
        "boot",
        &[(one, b"redis 1"), (two, b"redis 2"), (b"", b"redis x")],
    );
    let new = machine(
        "next",
        &[(two, b"redis 9"), (b"", b"redis y"), (one, b"redis --new")],
    );
    let pairs: Vec<(ProcessId, ProcessId, MatchReason)> = diff(&old, &new, &Options::default())
        .matching
        .pairs
        .iter()
        .map(|pair| (pair.old, pair.new, pair.why))
        .collect();
    let expected = [
        (ProcessId(0), ProcessId(2), MatchReason::Listener),
        (ProcessId(1), ProcessId(0), MatchReason::Shape),
        (ProcessId(2), ProcessId(1), MatchReason::Role),
    ];
    assert_eq!(pairs, expected);
}

/// What is in a network namespace that one capture could not enter has not gone.
#[test]
fn a_namespace_that_was_not_read_is_no_difference() {
    let machine = |listens: bool, diag: Readable| {
        let mut map = Map::with_host();
        map.hosts[0].boot_id = b"boot"[..].into();
        map.hosts[0].coverage.netns = vec![NetnsCoverage {
            inode: 1,
            diag,
            ..NetnsCoverage::default()
        }];
        let server = map.add_process(1, b"server");
        if listens {
            map.add_listener(&[server], b"/run/app\0");
        }
        map
    };
    let listeners = |new: Readable| {
        let found = diff(
            &machine(true, Readable::Ok),
            &machine(false, new),
            &Options::default(),
        );
        (found.listeners.len(), found.coverage.comparable)
    };
    assert_eq!(listeners(Readable::Denied), (0, false));
    assert_eq!(listeners(Readable::Ok), (1, true));
}

/// Which worker of a pool has which client is chance.
#[test]
fn another_workers_turn_is_no_difference() {
    let machine = |boot: &str, busy: &[usize], workers: u32| {
        let mut map = booted(boot);
        let client = map.add_process(1, b"client");
        let pool: Vec<ProcessId> = (0..workers)
            .map(|at| map.add_process(10 + at, b"worker"))
            .collect();
        let socket = map.add_listener(&pool, b"/run/app\0");
        for at in busy {
            map.add_connection(&[client], &[pool[*at]], Some(socket));
        }
        map
    };
    let links = |old: &Map, new: &Map, all: bool| {
        let options = Options {
            by: By::Process,
            all,
        };
        diff(old, new, &options).links.len()
    };
    let old = machine("boot", &[0, 0, 1], 3);
    let turned = machine("another", &[1, 2, 2], 3);
    assert_eq!(links(&old, &turned, false), 0);
    assert_eq!(links(&old, &turned, true), 2);
    // One more is news, and so is what a new worker does; and in one boot each worker is known.
    assert_ne!(links(&old, &machine("another", &[1, 2, 2, 2], 3), false), 0);
    assert_ne!(links(&old, &machine("another", &[0, 0, 3], 4), false), 0);
    assert_eq!(links(&old, &machine("boot", &[1, 2, 2], 3), false), 2);
}

const VIEWS: [By; 5] = [By::Role, By::Process, By::Exe, By::User, By::Host];

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::with_cases(400) })]

    #[test]
    fn nothing_differs_from_itself(machine in machine()) {
        let map = map(&machine, "boot", 1);
        for by in VIEWS {
            for all in [false, true] {
                let found = diff(&map, &map, &Options { by, all });
                prop_assert!(found.is_empty(), "{:?}", rows(&found, false));
                prop_assert_eq!(found.ignored, super::Ignored::default());
            }
        }
    }

    #[test]
    fn the_other_way_round_is_the_mirror(one in machine(), two in machine(), reboot: bool, all: bool) {
        let old = map(&one, "boot", 1);
        let new = map(&two, if reboot { "another" } else { "boot" }, 2);
        let options = Options { by: By::Role, all };
        let (there, back) = (diff(&old, &new, &options), diff(&new, &old, &options));
        prop_assert_eq!(rows(&there, false), rows(&back, true));
    }

    #[test]
    fn applied_to_the_old_it_gives_the_new(one in machine(), two in machine(), reboot: bool) {
        let old = map(&one, "boot", 1);
        let new = map(&two, if reboot { "another" } else { "boot" }, 2);
        let found = diff(&old, &new, &Options { by: By::Role, all: true });
        let mut state = State::of(&old);
        state.apply(&found);
        prop_assert_eq!(state, State::of(&new));
    }

    #[test]
    fn with_selectors_nothing_else_is_told(
        one in machine(), two in machine(), reboot: bool, kind in 0..3_usize, who in 0..ROLES.len(),
    ) {
        let old = map(&one, "boot", 1);
        let new = map(&two, if reboot { "another" } else { "boot" }, 2);
        let comm = format!("comm:{}", String::from_utf8_lossy(ROLES[who]));
        let selection = || SelectorSet::new(comm.parse().into_iter().collect());
        let mut filter = Filter { hops: 1, ..Filter::default() };
        match kind {
            0 => filter.only = selection(),
            1 => filter.focus = selection(),
            _ => filter.hide = vec![selection()],
        }
        // Of what is one process, for roles have fewer members when selected.
        let options = Options { by: By::Process, all: false };
        let whole = diff(&old, &new, &options);
        if let Some(selected) = FilteredMaps::of(old, new, &filter) {
            let found = selected.diff(&options);
            let rows = |diff: &Diff| -> BTreeSet<(Change, String)> {
                diff.processes.iter().map(|row| (row.change, row.role.clone())).collect()
            };
            prop_assert!(rows(&found).is_subset(&rows(&whole)), "{:?}", rows(&found));
            let names = |diff: &Diff| -> BTreeSet<(Change, String)> {
                diff.listeners.iter().map(|row| (row.change, row.name.text.clone())).collect()
            };
            prop_assert!(names(&found).is_subset(&names(&whole)), "{:?}", names(&found));
        }
    }
}
