//! Pictures of two maps.

use super::*;
use crate::diff::Change;
use crate::model::ProcessId;
use crate::query::Filter;

/// The comparison and the picture of two maps, and the picture of the first alone.
struct Compared {
    diff: diff::Diff,
    first: String,
    text: String,
}

fn compare(old: Map, new: Map, findings: [Option<Report>; 2]) -> Compared {
    let [before, after] = findings;
    let options = |findings| Options {
        findings,
        ..Options::default()
    };
    let compare = diff::Options {
        by: crate::graph::By::Process,
        all: false,
    };
    let alone = svg(&old, &options(before.clone())).unwrap();
    let first = (old.clone(), before);
    let both = FilteredMaps::of(old, new, &Filter::default()).unwrap();
    let text = changes(&both, &compare, first, &options(after)).unwrap();
    check(&text);
    Compared {
        diff: both.diff(&compare),
        first: alone,
        text,
    }
}

/// The middle of each node that is not on another.
fn places(text: &str, class: &str) -> BTreeMap<String, (f64, f64)> {
    let document = Document::parse(text).unwrap();
    let nodes = of_class(&document, "node").into_iter();
    nodes
        .filter(|node| has_class(node, class))
        .map(|node| {
            let [left, top, right, bottom] = extent(&node);
            let id = node.attribute("data-id").unwrap().to_owned();
            (id, ((left + right) / 2.0, (top + bottom) / 2.0))
        })
        .collect()
}

#[test]
fn what_changed_is_marked_and_what_stayed_is_there() {
    let machine = |clients: &[(u32, &[u8])]| {
        let mut map = Map::with_host();
        map.hosts[0].boot_id = b"boot"[..].into();
        let server = map.add_process(1, b"server");
        let socket = map.add_listener(&[server], b"/run/app\0");
        for (pid, comm) in clients {
            let client = map.add_process(*pid, comm);
            map.add_connection(&[client], &[server], Some(socket));
            if *comm == b"come" {
                map.add_listener(&[client], b"/run/come\0");
            }
        }
        map
    };
    let old = machine(&[(2, b"pool"), (5, b"gone")]);
    let new = machine(&[(2, b"pool"), (3, b"pool"), (4, b"come")]);
    let first = (old.clone(), None);
    let both = FilteredMaps::of(old, new, &Filter::default()).unwrap();
    let text = changes(&both, &diff::Options::default(), first, &Options::default()).unwrap();
    check(&text);
    let document = Document::parse(&text).unwrap();
    let count = |class: &str, mark: &str| {
        let of = of_class(&document, class).into_iter();
        of.filter(|node| has_class(node, mark)).count()
    };
    for (mark, nodes, listeners, edges) in [
        ("added", 2, 1, 2),
        ("removed", 1, 0, 1),
        ("changed", 1, 0, 0),
        ("stayed", 2, 1, 2),
    ] {
        let found = (
            count("node", mark),
            count("listener", mark),
            count("edge", mark),
        );
        // The legend has a key for each, which is no node.
        assert_eq!((found.0, found.2), (nodes, edges), "{mark}");
        assert!(found.1 >= listeners, "{mark}");
    }
    assert!(text.contains("± pool 1 → 2"), "{text}");
    assert!(
        text.contains("processes: 1 new, 1 gone, 1 changed"),
        "{text}"
    );
}

/// A hub, two chains, pairs and singles; some of it only then, some of it only now.
fn desk(now: bool) -> Map {
    let mut map = Map::with_host();
    map.hosts[0].boot_id = b"boot"[..].into();
    let hub = map.add_process(10, b"hub");
    let bus = map.add_listener(&[hub], b"/run/bus\0");
    let mut last = hub;
    for at in 0..24u32 {
        let (only_then, only_now) = (at % 7 == 3, at % 7 == 5);
        let client = map.add_process(100 + at, format!("client{at}").as_bytes());
        if (only_then && now) || (only_now && !now) {
            // Another program took its place, and talks to nobody.
            map.processes[client.index()].pid = 300 + at + 100 * u32::from(now);
            map.processes[client.index()].comm = format!("other{at}{now}").into_bytes().into();
            continue;
        }
        map.add_connection(&[client], &[hub], Some(bus));
        if at % 3 == 0 {
            map.add_connection(&[client], &[last], None);
        }
        last = client;
    }
    for at in 0..6u32 {
        let pair = [0, 1].map(|n| {
            let name = format!("pair{at}{n}");
            map.add_process(700 + 2 * at + n, name.as_bytes())
        });
        map.add_connection(&[pair[0]], &[pair[1]], None);
        map.add_process(800 + at, format!("single{at}").as_bytes());
    }
    if now {
        let come = map.add_process(900, b"newcomer");
        map.add_connection(&[come], &[ProcessId(3)], None);
        let (one, two) = (map.add_process(901, b"apart"), map.add_process(902, b"too"));
        map.add_connection(&[one], &[two], None);
    }
    map
}

#[test]
fn what_stayed_keeps_its_place() {
    let compared = compare(desk(false), desk(true), [None, None]);
    let (before, after) = (
        places(&compared.first, "node"),
        places(&compared.text, "stayed"),
    );
    assert!(after.len() > 25, "{after:?}");
    let mut shifts: Vec<(f64, f64)> = Vec::new();
    for (id, at) in &after {
        let was = before
            .get(id)
            .unwrap_or_else(|| panic!("{id} is nowhere in the first"));
        shifts.push((at.0 - was.0, at.1 - was.1));
    }
    for shift in &shifts {
        let off = (shift.0 - shifts[0].0)
            .abs()
            .max((shift.1 - shifts[0].1).abs());
        // Both pictures round to one decimal.
        assert!(off < 0.25, "{shifts:?}");
    }
    // What is gone is where it was, too, but for the room that its sign needs.
    let gone = places(&compared.text, "removed");
    assert!(!gone.is_empty());
    for at in gone.values() {
        let (x, y) = (at.0 - shifts[0].0, at.1 - shifts[0].1);
        let near = |was: &(f64, f64)| (was.0 - x).hypot(was.1 - y);
        let nearest = before.values().map(near).fold(f64::MAX, f64::min);
        assert!(nearest < 60.0, "{at:?}: {nearest}");
    }
}

/// The collector stood alone on its shelf, and is no part of a comparison.
#[test]
fn a_shelf_that_nobody_stands_on_has_no_heading() {
    let alone = |single: &[u8]| {
        let mut map = Map::with_host();
        map.hosts[0].boot_id = b"boot"[..].into();
        let hub = map.add_process(10, b"hub");
        for at in 0..3 {
            let client = map.add_process(20 + at, b"client");
            map.add_connection(&[client], &[hub], None);
        }
        map.add_process(40, single);
        map
    };
    let headings = |single: &[u8]| {
        let compared = compare(alone(single), alone(single), [None, None]);
        assert!(compared.first.contains("Seen talking to nobody (1)"));
        compared.text.contains("Before: Seen talking to nobody")
    };
    assert!(headings(b"vim"));
    assert!(!headings(b"whotalks-collect"));
}

#[test]
fn the_caption_counts_what_the_comparison_tells() {
    let compared = compare(desk(false), desk(true), [None, None]);
    let processes = |change: Change| {
        let rows = compared.diff.processes.iter();
        rows.filter(|row| row.change == change).count()
    };
    let links = |change: Change| {
        let rows = compared.diff.links.iter();
        rows.filter(|row| row.change == change).count()
    };
    let said = notes(&compared.text);
    for (what, of) in [
        ("processes", &processes as &dyn Fn(Change) -> usize),
        ("conversations", &links),
    ] {
        let (new, gone) = (of(Change::Added), of(Change::Removed));
        assert!(new > 0 && gone > 0, "{what}");
        let wanted = format!("{what}: {new} new, {gone} gone");
        assert!(said.contains(&wanted), "{wanted}: {said}");
    }
}

#[test]
fn findings_of_the_second_map_are_marked() {
    let new = desk(true);
    let of = |pid: u32| {
        let at = new.processes.iter().position(|p| p.pid == pid).unwrap();
        crate::id::process(&new, ProcessId::new(at))
    };
    let socket = crate::id::socket(&new, new.connections[0].a);
    let found = report(vec![
        finding(&of(900), "opens too much"),
        finding(&socket, "nobody reads it"),
    ]);
    let compared = compare(desk(false), new, [None, Some(found)]);
    let document = Document::parse(&compared.text).unwrap();
    let marked = of_class(&document, "finding").into_iter();
    let ids: Vec<&str> = marked
        .filter_map(|node| node.attribute("data-id"))
        .collect();
    assert!(
        ids.contains(&"h0/p900") && ids.contains(&socket.as_str()),
        "{ids:?}"
    );
    let said = notes(&compared.text);
    assert!(said.contains("Checks found 2 medium."), "{said}");
}

#[test]
fn a_crowd_of_newcomers_finds_room_and_nobody_makes_way() {
    let machine = |clients: u32| {
        let mut map = Map::with_host();
        map.hosts[0].boot_id = b"boot"[..].into();
        let hub = map.add_process(1, b"hub");
        for at in 0..clients {
            let client = map.add_process(100 + at, format!("client{at}").as_bytes());
            map.add_connection(&[client], &[hub], None);
        }
        map
    };
    let compared = compare(machine(4), machine(400), [None, None]);
    assert_eq!(places(&compared.text, "added").len(), 396);
    let (before, after) = (
        places(&compared.first, "node"),
        places(&compared.text, "stayed"),
    );
    assert_eq!(after.len(), 5);
    let hub = |of: &BTreeMap<String, (f64, f64)>| of["h0/p1"];
    for (id, at) in &after {
        let off = |of: (f64, f64), from: (f64, f64)| (of.0 - from.0, of.1 - from.1);
        let (is, was) = (off(*at, hub(&after)), off(before[id], hub(&before)));
        assert!(
            (is.0 - was.0).abs() < 0.3 && (is.1 - was.1).abs() < 0.3,
            "{id}: {is:?}, {was:?}"
        );
    }
}

#[test]
fn who_is_not_known_is_no_node() {
    let machine = |writers: u32| {
        let mut map = Map::with_host();
        map.hosts[0].boot_id = b"boot"[..].into();
        let reader = map.add_process(1, b"reader");
        let all: Vec<ProcessId> = (0..writers)
            .map(|at| map.add_process(100 + at, b"writer"))
            .collect();
        // One reader for all, and a pipe of which nobody knows who reads it.
        map.add_pipe(&all, &[reader]);
        map.add_pipe(&all, &[]);
        map
    };
    let compared = compare(machine(20), machine(21), [None, None]);
    let document = Document::parse(&compared.text).unwrap();
    assert!(of_class(&document, "outside").is_empty());
    // Who shares the end of a pipe is joined to who has its other end.
    let edges = of_class(&document, "edge").into_iter();
    let ends: BTreeSet<String> = edges
        .flat_map(|edge| ["data-a", "data-b"].map(|end| edge.attribute(end).unwrap().to_owned()))
        .collect();
    assert!(ends.contains("h0/p1"), "{ends:?}");
    let joined = |id: &&String| ends.contains(*id);
    let processes = places(&compared.text, "process");
    assert_eq!(processes.keys().filter(joined).count(), processes.len());
    assert!(!compared.text.contains("many more"), "{}", compared.text);
    let said = notes(&compared.text);
    assert!(said.contains("with one end or one process"), "{said}");
}

#[test]
fn who_comes_stands_on_no_shelf_of_before() {
    let machine = |now: bool| {
        let mut map = Map::with_host();
        map.hosts[0].boot_id = b"boot"[..].into();
        let singles: Vec<ProcessId> = (0..9)
            .map(|at| map.add_process(10 + at, format!("single{at}").as_bytes()))
            .collect();
        for at in 0..3 {
            map.add_process(50 + at, format!("idle{at}").as_bytes());
            let idle = ProcessId::new(map.processes.len() - 1);
            map.add_listener(&[idle], format!("/run/idle{at}\0").as_bytes());
        }
        if now {
            let come = map.add_process(900, b"newcomer");
            map.add_connection(&[come], &[singles[4]], None);
        }
        map
    };
    let compared = compare(machine(false), machine(true), [None, None]);
    let [new] = places(&compared.text, "added")
        .into_values()
        .collect::<Vec<_>>()[..]
    else {
        panic!("{}", compared.text);
    };
    let stayed = places(&compared.text, "stayed");
    let ends = |of: fn(&(f64, f64)) -> f64| {
        let all = || stayed.values().map(of);
        (
            all().fold(f64::MAX, f64::min),
            all().fold(f64::MIN, f64::max),
        )
    };
    let ((left, right), (top, bottom)) = (ends(|at| at.0), ends(|at| at.1));
    let beside = new.0 < left || new.0 > right || new.1 < top || new.1 > bottom;
    assert!(beside, "{new:?} is among {stayed:?}");
}

#[test]
fn another_number_is_written_on_the_line() {
    let machine = |conversations: usize| {
        let mut map = Map::with_host();
        map.hosts[0].boot_id = b"boot"[..].into();
        let ids: Vec<ProcessId> = (0..12)
            .map(|at| map.add_process(10 + at, format!("program{at}").as_bytes()))
            .collect();
        for client in &ids[2..] {
            map.add_connection(&[*client], &[ids[0]], None);
        }
        for _ in 0..conversations {
            map.add_connection(&[ids[0]], &[ids[1]], None);
        }
        map
    };
    let compared = compare(machine(2), machine(5), [None, None]);
    let document = Document::parse(&compared.text).unwrap();
    let counts = of_class(&document, "count").into_iter();
    let said: Vec<&str> = counts.filter_map(|count| count.text()).collect();
    assert_eq!(said, ["2 → 5"]);
}
