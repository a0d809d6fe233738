#![allow(clippy::unwrap_used)] // a test that cannot parse what was drawn has failed

use std::collections::{BTreeMap, BTreeSet};

use roxmltree::{Document, Node};

use super::worlds::{World, desktop};
use super::*;
use crate::model::{ConnectionState, FdsStatus, SocketState};

fn draw(map: &Map) -> String {
    svg(map, &Options::default()).unwrap()
}

fn has_class(node: &Node<'_, '_>, class: &str) -> bool {
    let classes = node.attribute("class").unwrap_or("");
    classes.split(' ').any(|own| own == class)
}

fn of_class<'a>(document: &'a Document<'_>, class: &str) -> Vec<Node<'a, 'a>> {
    document
        .descendants()
        .filter(|node| has_class(node, class))
        .collect()
}

fn number(node: &Node<'_, '_>, name: &str) -> f64 {
    node.attribute(name).unwrap().parse().unwrap()
}

/// Left, top, right, bottom of a node.
fn extent(node: &Node<'_, '_>) -> [f64; 4] {
    let place = node.attribute("transform").unwrap();
    let place = place
        .strip_prefix("translate(")
        .unwrap()
        .strip_suffix(')')
        .unwrap();
    let (x, y) = place.split_once(',').unwrap();
    let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
    let (w, h) = (number(node, "data-w") / 2.0, number(node, "data-h") / 2.0);
    [x - w, y - h, x + w, y + h]
}

/// What holds for every picture: ids are unique and edges join them, everything has a title, no two
/// nodes and no counts overlap, everything is on the canvas.
fn check(text: &str) {
    let document = Document::parse(text).unwrap();
    let nodes = of_class(&document, "node");
    let ids: BTreeSet<&str> = nodes
        .iter()
        .map(|n| n.attribute("data-id").unwrap())
        .collect();
    assert_eq!(ids.len(), nodes.len(), "an id is there twice");
    for edge in of_class(&document, "edge") {
        for end in ["data-a", "data-b"] {
            assert!(ids.contains(edge.attribute(end).unwrap()));
        }
        assert!(number(&edge, "data-n") >= 1.0);
        assert!(edge.children().any(|child| child.has_tag_name("title")));
    }
    let root = document.root_element();
    let (width, height) = (number(&root, "width"), number(&root, "height"));
    let mut boxes: Vec<[f64; 4]> = Vec::new();
    for node in &nodes {
        assert!(node.children().any(|child| child.has_tag_name("title")));
        let own = extent(node);
        assert!(
            own[0] >= 0.0 && own[1] >= 0.0 && own[2] <= width && own[3] <= height,
            "{own:?}"
        );
        boxes.push(own);
    }
    for count in of_class(&document, "count") {
        let (x, y, w) = (number(&count, "x"), number(&count, "y"), 4.0);
        boxes.push([x - w, y - 6.0, x + w, y]);
    }
    boxes.sort_by(|a, b| a[0].total_cmp(&b[0]));
    for (at, a) in boxes.iter().enumerate() {
        for b in boxes[at + 1..].iter().take_while(|b| b[0] < a[2] - 0.11) {
            // Both are rounded to one decimal.
            let apart = a[3] <= b[1] + 0.11 || b[3] <= a[1] + 0.11;
            assert!(apart, "{a:?} overlaps {b:?}");
        }
    }
}

/// The visible text of the notes.
fn notes(text: &str) -> String {
    let document = Document::parse(text).unwrap();
    let lines = of_class(&document, "note");
    lines
        .iter()
        .filter_map(|line| line.text())
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn a_desktop_has_its_hubs_its_listeners_and_its_leak() {
    let map = desktop();
    let text = draw(&map);
    check(&text);
    let document = Document::parse(&text).unwrap();
    assert_eq!(
        of_class(&document, "process")
            .iter()
            .filter(|n| has_class(n, "node"))
            .count(),
        45
    );
    let listeners = map
        .sockets
        .iter()
        .filter(|s| s.state == SocketState::Listening)
        .count();
    assert_eq!(
        of_class(&document, "listener")
            .iter()
            .filter(|n| has_class(n, "node"))
            .count(),
        listeners
    );
    let mut degrees: BTreeMap<&str, usize> = BTreeMap::new();
    for edge in of_class(&document, "edge")
        .iter()
        .filter(|edge| has_class(edge, "unix"))
    {
        for end in ["data-a", "data-b"] {
            *degrees.entry(edge.attribute(end).unwrap()).or_default() += 1;
        }
    }
    let mut ranks: Vec<(usize, &str)> = degrees.into_iter().map(|(id, n)| (n, id)).collect();
    ranks.sort_unstable();
    let first: BTreeSet<&str> = ranks.iter().rev().take(3).map(|rank| rank.1).collect();
    // Session bus, X, session manager.
    assert_eq!(first, BTreeSet::from(["h0/p109", "h0/p106", "h0/p112"]));
    let star = of_class(&document, "socket");
    let star = star.iter().find(|node| has_class(node, "node")).unwrap();
    let id = star.attribute("data-id").unwrap();
    let held = of_class(&document, "star");
    assert_eq!(
        held.iter()
            .filter(|edge| edge.attribute("data-b") == Some(id))
            .count(),
        12
    );
    assert!(
        star.children()
            .any(|c| c.text().is_some_and(|t| t.contains("held by 12")))
    );
    let twice = of_class(&document, "edge");
    let twice: Vec<_> = twice
        .iter()
        .filter(|edge| edge.attribute("data-n") == Some("2"))
        .collect();
    assert_eq!(
        twice.len(),
        1,
        "the two connections to the sound server are one edge"
    );
    assert!(text.contains("×2</text>") && text.contains("2 to /run/user/1000/pulse/native"));
    assert!(text.contains("(outside) 10.0.4.7:6379"));
    assert!(notes(&text).contains("1 of 45 processes unreadable"));
    assert!(notes(&text).contains("Not drawn: 1 idle socket."));
}

#[test]
fn every_theme_and_layout_draws_the_same_things() {
    let map = desktop();
    let ids = |text: &str| {
        let document = Document::parse(text).unwrap();
        let nodes = of_class(&document, "node");
        nodes
            .iter()
            .map(|n| n.attribute("data-id").unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let classic = draw(&map);
    assert_eq!(classic, draw(&map), "not the same bytes twice");
    for theme in [Theme::Light, Theme::Dark, Theme::Auto] {
        let options = Options {
            theme,
            ..Options::default()
        };
        let text = svg(&map, &options).unwrap();
        check(&text);
        assert_eq!(ids(&text), ids(&classic));
    }
    let options = Options {
        layout: Layout::Layered,
        ..Options::default()
    };
    let text = svg(&map, &options).unwrap();
    check(&text);
    assert_eq!(ids(&text), ids(&classic));
}

#[test]
fn hostile_names_leave_the_document_whole() {
    let names: [&[u8]; 8] = [
        b"</title><script>",
        b"a&b;\"'",
        b"\xff\xfe\x00\x1b[31m",
        "\u{202e}gpj".as_bytes(),
        b"]]>",
        "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}".as_bytes(),
        b"",
        b"\n\r\t",
    ];
    let mut w = World::new();
    let hub = w.process(b"--><svg onload=x>");
    for name in names {
        let process = w.process(name);
        w.map.processes[process.index()].cmdline = [name, b"\0", name, b"\0"].concat().into();
        w.map.processes[process.index()].unit = Some("<unit>".into());
        let bound = [b"\0", name].concat();
        let listener = w.listener(&[process], &bound);
        w.connect(&[hub], &[process], Some(listener));
    }
    w.map.hosts[0].hostname = b"<&\xff]]>"[..].into();
    let findings = vec![Marked {
        nodes: vec!["h0/p100".into()],
        title: "<b>&".into(),
    }];
    let options = Options {
        title: Some("</svg>\u{1}".into()),
        findings,
        ..Options::default()
    };
    let text = svg(&w.map, &options).unwrap();
    check(&text);
    assert!(!text.contains("<script") && !text.contains("onload=x>"));
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
}

#[test]
fn nothing_at_all_is_a_picture_too() {
    check(&draw(&Map::default()));
    check(&draw(&World::new().map));
}

#[test]
fn what_is_not_drawn_is_counted() {
    let mut w = World::new();
    let (p, q) = (w.process(b"p"), w.process(b"q"));
    w.connect(&[p], &[q], None);
    for _ in 0..3 {
        let socket = w.socket(&[p]);
        w.connection(socket, None, None, ConnectionState::Closing);
    }
    w.socket(&[q]);
    w.pipe(&[p], &[]);
    w.pipe(&[q], &[q]);
    w.connect(&[], &[], None);
    let notes = notes(&draw(&w.map));
    for part in [
        "1 idle socket",
        "3 connections whose other end has closed",
        "1 connection with no known end",
        "2 pipes with one end",
    ] {
        assert!(notes.contains(part), "{part}: {notes}");
    }
}

#[test]
fn unknown_ends_are_marked_on_the_known_ones() {
    let mut w = World::new();
    let (p, q) = (w.process(b"p"), w.process(b"q"));
    w.connect(&[p], &[q], None);
    w.connect(&[p], &[], None);
    let daemon = w.listener(&[], b"/run/docker.sock");
    w.connect(&[q], &[], Some(daemon));
    let text = draw(&w.map);
    check(&text);
    assert!(text.contains("1 connected to somebody who is not known"));
    // The listener stands for the server that could not be read.
    let document = Document::parse(&text).unwrap();
    let edges = of_class(&document, "edge");
    assert!(
        edges
            .iter()
            .any(|e| e.attribute("data-b") == Some("h0/s1005")),
        "{text}"
    );
}

#[test]
fn pending_clients_wait_at_the_listener() {
    let mut w = World::new();
    let (p, q) = (w.process(b"client"), w.process(b"server"));
    let listener = w.listener(&[q], b"/run/slow");
    let waiting = w.socket(&[p]);
    w.connection(waiting, None, Some(listener), ConnectionState::Pending);
    let text = draw(&w.map);
    check(&text);
    let document = Document::parse(&text).unwrap();
    assert_eq!(
        of_class(&document, "pending")
            .iter()
            .filter(|n| has_class(n, "edge"))
            .count(),
        1
    );
}

#[test]
fn workers_of_one_name_with_the_same_neighbours_are_one() {
    let mut w = World::new();
    let master = w.process(b"nginx");
    let workers: Vec<_> = (0..8).map(|_| w.process(b"nginx")).collect();
    let mut all = workers.clone();
    all.push(master);
    w.listener(&all, b"/run/nginx.sock");
    for worker in &workers {
        w.connect(&[master], &[*worker], None);
    }
    let text = draw(&w.map);
    check(&text);
    let document = Document::parse(&text).unwrap();
    let group = of_class(&document, "group");
    let group: Vec<_> = group
        .iter()
        .filter(|node| has_class(node, "node"))
        .collect();
    assert_eq!(group.len(), 1);
    assert_eq!(group[0].attribute("data-members"), Some("8"));
    assert!(notes(&text).contains("8 processes in 1"));
    let all = svg(
        &w.map,
        &Options {
            all: true,
            ..Options::default()
        },
    )
    .unwrap();
    check(&all);
    assert!(!all.contains("data-members"));
}

#[test]
fn two_kinds_of_edges_between_two_nodes_do_not_lie_on_each_other() {
    let mut w = World::new();
    let (p, q, r) = (w.process(b"p"), w.process(b"q"), w.process(b"r"));
    w.connect(&[p], &[q], None);
    w.connect(&[q], &[r], None);
    w.pipe(&[q], &[p]);
    let text = draw(&w.map);
    let document = Document::parse(&text).unwrap();
    let ways: BTreeSet<&str> = of_class(&document, "edge")
        .iter()
        .flat_map(|edge| edge.children().filter_map(|child| child.attribute("d")))
        .collect();
    assert_eq!(ways.len(), 3);
    assert_eq!(ways.iter().filter(|way| way.contains('Q')).count(), 2);
}

#[test]
fn hubs_become_badges_when_asked() {
    let map = desktop();
    let options = Options {
        hub_badges: HubBadges::On,
        ..Options::default()
    };
    let text = svg(&map, &options).unwrap();
    check(&text);
    let document = Document::parse(&text).unwrap();
    let badges = of_class(&document, "badge");
    let badges: Vec<_> = badges
        .iter()
        .filter(|node| has_class(node, "node"))
        .collect();
    let edges: f64 = of_class(&document, "edge")
        .iter()
        .filter(|edge| has_class(edge, "unix"))
        .map(|edge| number(edge, "data-n"))
        .sum();
    let on_badges: f64 = badges.iter().map(|badge| number(badge, "data-n")).sum();
    let before = draw(&map);
    let before = Document::parse(&before).unwrap();
    let all: f64 = of_class(&before, "edge")
        .iter()
        .filter(|edge| has_class(edge, "unix"))
        .map(|edge| number(edge, "data-n"))
        .sum();
    assert!(on_badges > 40.0, "{on_badges}");
    assert_eq!(edges + on_badges, all, "a connection got lost");
    assert!(text.contains("Hubs, shown as badges"));
}

#[test]
fn singles_are_gathered_by_name_and_none_is_lost() {
    let mut w = World::new();
    for at in 0..3000u32 {
        let name = format!("job{}", at % 700);
        let process = w.process(name.as_bytes());
        if at % 10 == 0 {
            w.map.processes[process.index()].fds_status = FdsStatus::Denied;
        }
        if at % 7 == 0 {
            w.listener(&[process], format!("/run/{at}").as_bytes());
        }
    }
    let text = draw(&w.map);
    check(&text);
    let document = Document::parse(&text).unwrap();
    let members: f64 = of_class(&document, "process")
        .iter()
        .filter(|node| has_class(node, "node"))
        .map(|node| {
            node.attribute("data-members")
                .map_or(1.0, |n| n.parse().unwrap())
        })
        .sum();
    assert_eq!(members, 3000.0);
    assert!(text.len() < 2_000_000, "{} bytes", text.len());
}

#[test]
fn a_large_machine_fits_the_budget_and_no_process_is_lost() {
    let mut w = World::new();
    let bus = w.process(b"dbus-daemon");
    let own = w.listener(&[bus], b"/run/bus");
    let processes: Vec<_> = (0..4000u32)
        .map(|at| {
            let id = w.process(format!("svc{}", at % 600).as_bytes());
            let process = &mut w.map.processes[id.index()];
            process.ppid = at % 50;
            process.unit = Some(format!("unit{}.service", at % 90));
            id
        })
        .collect();
    for (at, process) in processes.iter().enumerate() {
        w.connect(&[*process], &[bus], Some(own));
        for step in [1, 7, 61, 311] {
            w.connect(
                &[*process],
                &[processes[(at * step + 13 * step) % 4000]],
                None,
            );
        }
    }
    let text = draw(&w.map);
    check(&text);
    assert!(text.len() < 2_000_000, "{} bytes", text.len());
    let document = Document::parse(&text).unwrap();
    let nodes = of_class(&document, "process");
    let nodes: Vec<_> = nodes
        .iter()
        .filter(|node| has_class(node, "node"))
        .collect();
    let members: f64 = nodes
        .iter()
        .map(|n| {
            n.attribute("data-members")
                .map_or(1.0, |n| n.parse().unwrap())
        })
        .sum();
    assert_eq!(members, 4001.0);
    assert!(notes(&text).contains("merged by"), "{}", notes(&text));
}

#[test]
fn findings_are_marked() {
    let mut w = World::new();
    let (p, q) = (w.process(b"p"), w.process(b"q"));
    let (a, b) = (w.socket(&[p]), w.socket(&[q]));
    w.connection(a, Some(b), None, ConnectionState::Established);
    let marked = Marked {
        nodes: vec!["h0/s1001".into()],
        title: "agent shared by 12".into(),
    };
    let text = svg(
        &w.map,
        &Options {
            findings: vec![marked],
            ..Options::default()
        },
    )
    .unwrap();
    check(&text);
    let document = Document::parse(&text).unwrap();
    let found = of_class(&document, "finding");
    let found: Vec<_> = found
        .iter()
        .filter(|node| has_class(node, "node"))
        .collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].attribute("data-id"), Some("h0/s1001"));
    assert!(text.contains(">agent shared by 12</text>"));
}

#[test]
fn the_layered_layout_passes_its_limits_on() {
    let mut w = World::new();
    let hub = w.process(b"hub");
    for at in 0..400u32 {
        let process = w.process(format!("p{at}").as_bytes());
        w.connect(&[process], &[hub], None);
    }
    let options = Options {
        layout: Layout::Layered,
        ..Options::default()
    };
    let error = svg(&w.map, &options).unwrap_err();
    assert!(error.to_string().contains("--layout stress"), "{error}");
}
