//! Nodes that are merged, left out or placed on a shelf are counted.

use super::worlds::{desk, desktop};
use super::*;
use crate::draw::graph::Kind;
use crate::draw::reduce::{Member, draft, unmerged_draft};
use crate::model::{ConnectionState, FdsStatus, ProcessId};

#[test]
fn what_is_not_drawn_is_counted() {
    let mut map = desk();
    let (p, q) = (map.add_program(b"p"), map.add_program(b"q"));
    map.add_connection(&[p], &[q], None);
    for _ in 0..3 {
        let socket = map.add_socket(&[p]);
        let index = map.connect(socket, None, None);
        map.connections[index].state = ConnectionState::Closing;
    }
    map.add_socket(&[q]);
    map.add_pipe(&[p], &[]);
    map.add_pipe(&[q], &[q]);
    map.add_connection::<ProcessId>(&[], &[], None);
    let notes = notes(&draw(&map));
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
fn workers_of_one_name_with_the_same_neighbours_are_one() {
    let mut map = desk();
    let master = map.add_program(b"nginx");
    let workers: Vec<_> = (0..8).map(|_| map.add_program(b"nginx")).collect();
    let mut all = workers.clone();
    all.push(master);
    map.add_listener(&all, b"/run/nginx.sock");
    for worker in &workers {
        map.add_connection(&[master], &[*worker], None);
    }
    let text = draw(&map);
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
        &map,
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
fn hubs_become_badges_when_asked() {
    let map = desktop();
    let options = Options {
        hub_badges: HubBadges::Always,
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

/// What nearly everybody holds would cover the picture as a hub does.
#[test]
fn a_pipe_and_a_listener_that_everybody_holds_become_badges() {
    let mut map = desk();
    let names: Vec<String> = (0..300).map(|at| format!("service{at}")).collect();
    let all: Vec<_> = names
        .iter()
        .map(|name| map.add_program(name.as_bytes()))
        .collect();
    // A ring, so that there is something to be covered.
    for (at, process) in all.iter().enumerate() {
        map.add_connection(&[*process], &[all[(at + 1) % all.len()]], None);
    }
    let logger = map.add_program(b"logger");
    map.add_pipe(&all, &[logger]);
    map.add_listener(&all, b"/run/shared.sock");
    let (leaked, kept) = (map.add_socket(&all), map.add_socket(&[logger]));
    map.connect(leaked, Some(kept), None);
    let text = draw(&map);
    check(&text);
    let document = Document::parse(&text).unwrap();
    let badges = of_class(&document, "badge");
    let titles: Vec<&str> = badges
        .iter()
        .filter(|node| has_class(node, "node"))
        .filter_map(|node| node.first_element_child()?.text())
        .collect();
    let count = |title: &str| titles.iter().filter(|own| **own == title).count();
    assert_eq!(count("writes pipe"), 300);
    assert_eq!(count("reads pipe"), 1);
    assert_eq!(count("holds this: listens at /run/shared.sock"), 300);
    assert_eq!(titles.len(), 601);
    // A connected socket stays a star.
    assert_eq!(
        of_class(&document, "star").len(),
        300 + 1,
        "and in the legend"
    );
    let never = Options {
        hub_badges: HubBadges::Never,
        ..Options::default()
    };
    let text = svg(&map, &never).unwrap();
    let document = Document::parse(&text).unwrap();
    let pipes: f64 = of_class(&document, "edge")
        .iter()
        .filter(|edge| has_class(edge, "pipe"))
        .map(|edge| number(edge, "data-n"))
        .sum();
    assert_eq!(pipes, 301.0);
}

#[test]
fn singles_are_gathered_by_name_and_none_is_lost() {
    let mut map = desk();
    for at in 0..3000u32 {
        let name = format!("job{}", at % 700);
        let process = map.add_program(name.as_bytes());
        if at % 10 == 0 {
            map.processes[process.index()].fds_status = FdsStatus::Denied;
        }
        if at % 7 == 0 {
            map.add_listener(&[process], format!("/run/{at}").as_bytes());
        }
    }
    let text = draw(&map);
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
    let mut map = desk();
    let bus = map.add_program(b"dbus-daemon");
    let own = map.add_listener(&[bus], b"/run/bus");
    let processes: Vec<_> = (0..4000u32)
        .map(|at| {
            let id = map.add_program(format!("svc{}", at % 600).as_bytes());
            let process = &mut map.processes[id.index()];
            process.ppid = at % 50;
            process.unit = Some(format!("unit{}.service", at % 90));
            id
        })
        .collect();
    for (at, process) in processes.iter().enumerate() {
        map.add_connection(&[*process], &[bus], Some(own));
        for step in [1, 7, 61, 311] {
            map.add_connection(
                &[*process],
                &[processes[(at * step + 13 * step) % 4000]],
                None,
            );
        }
    }
    let text = draw(&map);
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

/// On a screen, where a large picture is seen as a whole, most text is dust.
#[test]
fn seen_as_a_whole_it_says_what_it_is_of_and_who_the_hub_is() {
    let mut map = desk();
    let hub = map.add_program(b"dbus-daemon");
    for at in 0..600 {
        let client = map.add_program(format!("client{at}").as_bytes());
        map.add_connection(&[client], &[hub], None);
    }
    let text = draw(&map);
    check(&text);
    let document = Document::parse(&text).unwrap();
    let root = document.root_element();
    let screen = 1_600.0 / number(&root, "width");
    assert!(screen < 0.7, "{screen}");
    let caption = of_class(&document, "caption");
    let scale = caption[0].attribute("transform").unwrap();
    let (_, scale) = scale.split_once("scale(").unwrap();
    let scale: f64 = scale.trim_end_matches(')').parse().unwrap();
    let title = number(&of_class(&document, "title")[0], "font-size");
    assert!((title * scale * screen - title).abs() < 0.1);
    let named = |name: &str| {
        let mut texts = document.descendants().filter(|n| n.has_tag_name("text"));
        number(
            &texts.find(|n| n.text() == Some(name)).unwrap(),
            "font-size",
        )
    };
    assert_eq!((named("client1"), named("dbus-daemon")), (11.0, 40.0));
}

/// A crowd of one program is one; its hub, and a service that is few, stay themselves.
#[test]
fn aggregation_keeps_the_hub_of_a_crowd_apart() {
    let mut map = desk();
    let crowd: Vec<_> = (0..3_000).map(|_| map.add_program(b"worker")).collect();
    for (at, process) in crowd.iter().enumerate() {
        for step in [7, 61, 311] {
            map.add_connection(&[*process], &[crowd[(at * step + 13) % 3_000]], None);
        }
        if at % 2 == 1 {
            map.add_connection(&[*process], &[crowd[0]], None);
        }
    }
    let store = [0; 3].map(|_| map.add_program(b"store"));
    for (at, store) in store.iter().enumerate() {
        map.add_connection(&[crowd[at]], &[*store], None);
    }
    let options = Options::default();
    let drawn = draft(&map, &options);
    let of = |process: ProcessId| {
        let mut nodes = drawn.nodes.iter();
        let own = nodes.find(|node| node.members.contains(&Member::Process(process.0)));
        own.unwrap().members.len()
    };
    assert_eq!(of(crowd[0]), 1);
    assert_eq!(of(crowd[1]), 2_999);
    assert_eq!(store.map(of), [1, 1, 1]);
}

#[test]
fn sockets_inherited_by_all_who_follow_cost_no_edge_each() {
    let mut map = desk();
    let processes: Vec<_> = (0..400).map(|_| map.add_program(b"heir")).collect();
    for first in 0..398 {
        map.add_socket(&processes[first..]);
    }
    let options = Options::default();
    let drawn = draft(&map, &options);
    assert_eq!(drawn.merged_by, Some("parent and program"));
    let things = |kind: Kind| -> usize {
        let of = drawn.nodes.iter().filter(|node| node.kind == kind);
        of.map(|node| node.members.len()).sum()
    };
    assert_eq!((things(Kind::Process), things(Kind::Socket)), (400, 398));
    assert_eq!(drawn.edges.len(), 1);
    let reduced = unmerged_draft(&map, false);
    assert_eq!(reduced.edges.len(), 1);
    let all = unmerged_draft(&map, true);
    assert_eq!(all.edges.len(), (3..=400).sum::<usize>());
}

#[test]
fn very_many_edges_are_few_elements() {
    let mut map = desk();
    for _ in 0..5_001 {
        let (p, q) = (map.add_program(b"p"), map.add_program(b"q"));
        map.add_connection(&[p], &[q], None);
    }
    let options = Options {
        all: true,
        ..Options::default()
    };
    let text = svg(&map, &options).unwrap();
    check(&text);
    let document = Document::parse(&text).unwrap();
    assert_eq!(of_class(&document, "edge").len(), 0);
    let batches = of_class(&document, "batch");
    assert!(batches.len() < 10, "{}", batches.len());
    let lines: f64 = batches.iter().map(|b| number(b, "data-edges")).sum();
    assert_eq!(lines, 5_001.0);
    let data = |node: &Node<'_, '_>| node.attribute("d").unwrap_or("").matches('M').count();
    let drawn: usize = batches
        .iter()
        .flat_map(|batch| batch.children())
        .map(|child| data(&child))
        .sum();
    assert_eq!(drawn, 5_001, "a line is missing");
    let circles = document.descendants().filter(|node| {
        let id = node.attribute("id");
        id.is_some_and(|id| id.starts_with("wt-b"))
    });
    assert_eq!(circles.map(|node| data(&node)).sum::<usize>(), 2 * 5_001);
    // One edge fewer, and each is an element of its own.
    map.connections.pop();
    let text = svg(&map, &options).unwrap();
    let document = Document::parse(&text).unwrap();
    assert_eq!(of_class(&document, "edge").len(), 5_000);
}

#[test]
fn one_of_very_many_nodes_takes_few_bytes() {
    let mut map = desk();
    let holders: Vec<_> = (0..12).map(|_| map.add_program(b"holder")).collect();
    let drawn = |map: &Map| {
        let options = Options {
            all: true,
            ..Options::default()
        };
        svg(map, &options).unwrap()
    };
    for _ in 0..1_000 {
        map.add_socket(&holders);
    }
    let fewer = drawn(&map);
    for _ in 0..1_000 {
        map.add_socket(&holders);
    }
    let more = drawn(&map);
    check(&more);
    let document = Document::parse(&more).unwrap();
    let sockets = of_class(&document, "socket");
    let sockets = sockets.iter().filter(|node| has_class(node, "node"));
    let mut instances = BTreeSet::new();
    for node in sockets {
        let of = node.children().find(|child| child.has_tag_name("use"));
        let of = of.and_then(|of| of.attribute(("http://www.w3.org/1999/xlink", "href")));
        instances.insert(of.unwrap().trim_start_matches('#'));
    }
    assert_eq!(instances.len(), 1, "all look alike: {instances:?}");
    let defined = document
        .descendants()
        .find(|node| node.attribute("id") == instances.first().copied());
    let shown = defined
        .unwrap()
        .descendants()
        .filter(Node::is_text)
        .filter_map(|node| node.text());
    assert_eq!(shown.collect::<String>(), "12", "held by so many");
    // With a line to each of its twelve holders.
    let each = (more.len() - fewer.len()) / 1_000;
    assert!(each < 450, "{each} bytes a node");
}
