//! What one box stands for: pools, and the view that is chosen for a large map.

use super::worlds::{desk, desktop};
use super::*;
use crate::graph::By;
use crate::model::ProcessId;
use crate::query::{Filter, SelectorSet, apply_filter};

/// A postmaster with a listener, its backends with the connections, and a client of each.
fn pool(worker: &[u8]) -> Map {
    let mut map = desk();
    let parent = map.add_program(b"postgres");
    let listener = map.add_listener(&[parent], b"/run/postgresql/.s.PGSQL.5432");
    for _ in 0..5 {
        let backend = map.add_program(worker);
        map.processes[backend.index()].ppid = map.processes[parent.index()].pid;
        let client = map.add_program(b"app");
        map.add_connection(&[client], &[backend], Some(listener));
    }
    map
}

#[test]
fn a_pool_stands_with_its_listener() {
    let text = draw(&pool(b"postgres"));
    check(&text);
    let document = Document::parse(&text).unwrap();
    let stack = of_class(&document, "process");
    let stack = stack
        .iter()
        .find(|node| node.attribute("data-members") == Some("6"));
    let stack = stack.expect("the postmaster and its backends are one");
    let listener = &of_class(&document, "docked")[0];
    assert!(with_card(stack)[0] <= extent(listener)[0]);
    assert!(!notes(&text).contains("nobody"), "{}", notes(&text));
    let all = Options {
        all: true,
        ..Options::default()
    };
    let text = svg(&pool(b"postgres"), &all).unwrap();
    let document = Document::parse(&text).unwrap();
    assert_eq!(
        of_class(&document, "accepts").len(),
        5 + 1,
        "with the legend's"
    );
}

#[test]
fn a_worker_of_another_program_is_tied_to_who_accepted_for_it() {
    let text = draw(&pool(b"sshd-session"));
    check(&text);
    let document = Document::parse(&text).unwrap();
    let ties = of_class(&document, "accepts");
    let ties: Vec<_> = ties.iter().filter(|tie| has_class(tie, "edge")).collect();
    assert!(!ties.is_empty());
    for tie in ties {
        assert_eq!(tie.attribute("data-a"), Some("h0/p100"));
        assert_eq!(tie.attribute("data-server"), tie.attribute("data-b"));
    }
    assert!(!notes(&text).contains("nobody"), "{}", notes(&text));
}

/// Programs in a ring, each of which calls the next; `unit` names the unit of each.
fn ring(
    programs: usize,
    name: impl Fn(usize) -> String,
    unit: impl Fn(usize) -> Option<String>,
) -> Map {
    let mut map = desk();
    let ids: Vec<ProcessId> = (0..programs)
        .map(|number| {
            let id = map.add_program(name(number).as_bytes());
            map.processes[id.index()].unit = unit(number);
            id
        })
        .collect();
    for (number, server) in ids.iter().enumerate() {
        let listener = map.add_listener(&[*server], format!("/run/{number}").as_bytes());
        let client = ids[(number + 1) % programs];
        map.add_connection(&[client], &[*server], Some(listener));
    }
    map
}

#[test]
fn many_boxes_are_seen_by_role_or_unit() {
    let view = |map: &Map| glance(map, &Options::default());
    let by_name = |number: usize| format!("program{number}");
    assert_eq!(view(&desktop()).view, By::Process);
    let few = view(&ring(60, by_name, |_| None));
    assert_eq!((few.view, few.instead_of), (By::Process, None));
    let same = |number: usize| format!("program{}", number % 20);
    let roles = view(&ring(90, same, |_| None));
    assert_eq!((roles.view, roles.instead_of), (By::Role, Some(90)));
    let units = view(&ring(90, by_name, |n| Some(format!("u{}.service", n / 6))));
    assert_eq!((units.view, units.instead_of), (By::Unit, Some(90)));
    let nothing = view(&ring(90, |_| "worker".to_owned(), |_| None));
    assert_eq!(nothing.view, By::Process, "one box says nothing");
    let all = Options {
        all: true,
        ..Options::default()
    };
    assert_eq!(glance(&ring(90, same, |_| None), &all).view, By::Process);
}

#[test]
fn the_servers_end_is_marked_in_every_family() {
    let mut map = desktop();
    let [client, server] = [b"curl", b"http"].map(|name| map.add_program(name));
    let [a, b] = [client, server].map(|id| map.add_socket(&[id]));
    for (socket, local, remote) in [(a, 40_000, 80), (b, 80, 40_000)] {
        let address = |port| Some(crate::model::Address::Ip([127, 0, 0, 1].into(), port));
        let socket = &mut map.sockets[socket.index()];
        socket.family = crate::model::Family::Inet;
        (socket.local, socket.remote) = (address(local), address(remote));
    }
    map.connect(a, Some(b), None);
    map.connections.last_mut().unwrap().kind = crate::model::ConnectionKind::Inet;
    let text = draw(&map);
    check(&text);
    let document = Document::parse(&text).unwrap();
    let id = |process: ProcessId| crate::id::process(&map, process);
    let edges = of_class(&document, "edge");
    let edge = edges
        .iter()
        .find(|edge| edge.attribute("data-a") == Some(&*id(client)) && has_class(edge, "net"));
    assert_eq!(edge.unwrap().attribute("data-server"), Some(&*id(server)));
    assert!(text.contains("#wt-net-server"));
    let title = edge
        .unwrap()
        .children()
        .find(|child| child.has_tag_name("title"));
    let title = title.and_then(|title| title.text()).unwrap().to_owned();
    assert!(
        title.starts_with("curl [") && title.contains("→ http ["),
        "{title}"
    );
    // To an address outside, the dot is at the address.
    let outside = edges.iter().find(|edge| {
        edge.attribute("data-b") == Some("10.0.4.7:6379")
            || edge
                .attribute("data-b")
                .is_some_and(|id| id.contains("10.0.4.7"))
    });
    assert!(outside.is_some_and(|edge| edge.attribute("data-server") == edge.attribute("data-b")));
}

/// A desktop's picture under a filter.
fn filtered(filter: Filter) -> String {
    let (map, found) = apply_filter(desktop(), &filter);
    assert!(found);
    let text = draw(&map);
    check(&text);
    text
}

fn selected(text: &str) -> SelectorSet {
    SelectorSet::new(vec![text.parse().unwrap()])
}

#[test]
fn what_is_left_out_on_request_is_not_nobody() {
    let text = filtered(Filter {
        hide: vec![selected("comm:dbus*")],
        ..Filter::default()
    });
    let document = Document::parse(&text).unwrap();
    let nodes = of_class(&document, "process");
    // xfconfd talks to the session bus alone.
    let xfconfd = nodes
        .iter()
        .find(|node| node.attribute("data-id") == Some("h0/p157"));
    assert_eq!(xfconfd.unwrap().attribute("data-hidden"), Some("1"));
    assert!(text.contains("1 hidden"));
    assert!(notes(&text).contains("left out on request"));
    let nobody = of_class(&document, "note");
    let nobody = nobody
        .iter()
        .find(|note| note.text().is_some_and(|text| text.starts_with("Seen")));
    assert_eq!(
        nobody.and_then(|note| note.text()),
        Some("Seen talking to nobody (6)")
    );
    assert!(!draw(&desktop()).contains("data-hidden"));
}

#[test]
fn the_focus_is_marked_and_changes_no_glyph() {
    let text = filtered(Filter {
        focus: selected("comm:Thunar"),
        hops: 1,
        ..Filter::default()
    });
    let document = Document::parse(&text).unwrap();
    let focus = of_class(&document, "focus");
    let focus: Vec<_> = focus
        .iter()
        .filter_map(|node| node.attribute("data-id"))
        .collect();
    assert_eq!(focus, ["h0/p142"]);
    assert!(!notes(&text).contains("idle socket"), "{}", notes(&text));
    let whole = draw(&desktop());
    let whole = Document::parse(&whole).unwrap();
    let glyphs = |document: &Document<'_>, a: &str, b: &str| {
        let edges = of_class(document, "edge");
        let edge = edges.iter().find(|edge| {
            let ends = [edge.attribute("data-a"), edge.attribute("data-b")];
            ends == [Some(a), Some(b)]
        });
        let uses = edge
            .unwrap()
            .children()
            .filter(|child| child.has_tag_name("use"));
        let mut glyphs: Vec<String> = uses
            .filter_map(|own| own.attributes().find(|at| at.name() == "href"))
            .map(|href| href.value().to_owned())
            .collect();
        glyphs.sort();
        glyphs
    };
    let (x, thunar) = ("h0/p106", "h0/p142");
    assert_eq!(glyphs(&document, x, thunar), ["#wt-server", "#wt-socket"]);
    assert_eq!(glyphs(&whole, x, thunar), glyphs(&document, x, thunar));
}
