//! Nodes, edges, glyphs and text of a picture of one map.

use super::worlds::{desk, desktop};
use super::*;
use crate::model::{ConnectionState, ProcessId, SocketState};

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
    let mut map = desk();
    let hub = map.add_program(b"--><svg onload=x>");
    for name in names {
        let process = map.add_program(name);
        map.processes[process.index()].cmdline = [name, b"\0", name, b"\0"].concat().into();
        map.processes[process.index()].unit = Some("<unit>".into());
        let bound = [b"\0", name].concat();
        let listener = map.add_listener(&[process], &bound);
        map.add_connection(&[hub], &[process], Some(listener));
    }
    map.hosts[0].hostname = b"<&\xff]]>"[..].into();
    let findings = Some(report(vec![finding("h0/p100", "<b>&")]));
    let options = Options {
        title: Some("</svg>\u{1}".into()),
        findings,
        ..Options::default()
    };
    let text = svg(&map, &options).unwrap();
    check(&text);
    assert!(!text.contains("<script") && !text.contains("onload=x>"));
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
}

#[test]
fn nothing_at_all_is_a_picture_too() {
    check(&draw(&Map::default()));
    check(&draw(&desk()));
}

#[test]
fn unknown_ends_are_marked_on_the_known_ones() {
    let mut map = desk();
    let (p, q) = (map.add_program(b"p"), map.add_program(b"q"));
    map.add_connection(&[p], &[q], None);
    map.add_connection(&[p], &[], None);
    let daemon = map.add_listener::<ProcessId>(&[], b"/run/docker.sock");
    map.add_connection(&[q], &[], Some(daemon));
    let text = draw(&map);
    check(&text);
    assert!(text.contains("1 connected to somebody who is not known"));
    // The listener stands for the server that could not be read.
    let document = Document::parse(&text).unwrap();
    let edges = of_class(&document, "edge");
    assert!(
        edges
            .iter()
            .any(|e| e.attribute("data-b") == Some(&crate::id::socket(&map, daemon))),
        "{text}"
    );
}

#[test]
fn pending_clients_wait_at_the_listener() {
    let mut map = desk();
    let (p, q) = (map.add_program(b"client"), map.add_program(b"server"));
    let listener = map.add_listener(&[q], b"/run/slow");
    let waiting = map.add_socket(&[p]);
    let index = map.connect(waiting, None, Some(listener));
    map.connections[index].state = ConnectionState::Pending;
    let text = draw(&map);
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
fn two_kinds_of_edges_between_two_nodes_do_not_lie_on_each_other() {
    let mut map = desk();
    let (p, q, r) = (
        map.add_program(b"p"),
        map.add_program(b"q"),
        map.add_program(b"r"),
    );
    map.add_connection(&[p], &[q], None);
    map.add_connection(&[q], &[r], None);
    map.add_pipe(&[q], &[p]);
    let text = draw(&map);
    let document = Document::parse(&text).unwrap();
    let ways: BTreeSet<&str> = of_class(&document, "edge")
        .iter()
        .flat_map(|edge| edge.children().filter_map(|child| child.attribute("d")))
        .collect();
    assert_eq!(ways.len(), 3);
    assert_eq!(ways.iter().filter(|way| way.contains('Q')).count(), 2);
}

#[test]
fn findings_are_marked() {
    let mut map = desk();
    let (p, q) = (map.add_program(b"p"), map.add_program(b"q"));
    let (a, b) = (map.add_socket(&[p]), map.add_socket(&[q]));
    map.connect(a, Some(b), None);
    let leak = crate::id::socket(&map, a);
    let marked = finding(&leak, "agent shared by 12");
    let text = svg(
        &map,
        &Options {
            findings: Some(report(vec![marked])),
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
    assert_eq!(found[0].attribute("data-id"), Some(leak.as_str()));
    assert!(text.contains(">WT101 agent shared by 12</text>"));
    let marked = of_class(&document, "edge");
    assert!(marked.iter().all(|edge| has_class(edge, "finding")));
    assert!(notes(&text).contains("Checks found 1 medium."));
    assert!(!draw(&map).contains("Checks"), "nobody asked");
}

#[test]
fn a_finding_is_as_loud_as_it_is_severe() {
    let mut map = desk();
    let (p, q) = (map.add_program(b"p"), map.add_program(b"q"));
    let (a, b) = (map.add_socket(&[p]), map.add_socket(&[q]));
    map.connect(a, Some(b), None);
    let leak = crate::id::socket(&map, a);
    for (severity, title_shown, red) in [
        (Severity::Low, false, "1 low"),
        (Severity::Medium, true, "1 medium"),
        (Severity::High, true, "1 high"),
    ] {
        let marked = Finding {
            severity,
            ..finding(&leak, "agent shared by 12")
        };
        let options = Options {
            findings: Some(report(vec![marked])),
            ..Options::default()
        };
        let text = svg(&map, &options).unwrap();
        check(&text);
        let document = Document::parse(&text).unwrap();
        let shown = text.contains(">WT101 agent shared by 12</text>");
        assert_eq!(shown, title_shown, "{red}");
        assert!(title_shown || text.contains(">WT101</text>"));
        // Nothing is hidden: whoever points at it reads the whole.
        assert!(text.contains("<title>WT101 agent shared by 12"));
        assert!(notes(&text).contains(red));
        for one in of_class(&document, "finding") {
            assert!(has_class(&one, severity.name()), "{one:?}");
        }
    }
    // The style sheet paints what is grave, and nothing else.
    let style = svg(&map, &Options::default()).unwrap();
    assert!(style.contains(".high .shape{stroke-width") && !style.contains(".low "));
}

#[test]
fn what_was_found_elsewhere_and_what_is_unknown_is_counted() {
    let mut map = desk();
    let p = map.add_program(b"p");
    map.add_socket(&[p]);
    let mut report = report(vec![
        finding("h0/p100", "here"),
        finding("h9/p1", "not here"),
    ]);
    for why in ["this", "that"] {
        let (code, why) = ("WT201", why.to_owned());
        report.unknown.push(crate::check::Unknown { code, why });
    }
    let options = Options {
        findings: Some(report),
        ..Options::default()
    };
    let notes = notes(&svg(&map, &options).unwrap());
    let said = "Checks found 2 medium (1 not on this picture); 1 rule could not be answered.";
    assert!(notes.contains(said), "{notes}");
}

#[test]
fn a_thousand_findings_are_not_a_thousand_nodes() {
    let mut map = desk();
    let hub = map.add_program(b"hub");
    let mut findings = Vec::new();
    for _ in 0..1_000 {
        let worker = map.add_program(b"worker");
        map.add_connection(&[worker], &[hub], None);
        findings.push(finding(&crate::id::process(&map, worker), "leaks"));
    }
    let options = Options {
        findings: Some(report(findings)),
        ..Options::default()
    };
    let text = svg(&map, &options).unwrap();
    check(&text);
    let document = Document::parse(&text).unwrap();
    let drawn = of_class(&document, "node").len();
    assert!((40..60).contains(&drawn), "{drawn}");
    assert!(notes(&text).contains("Checks found 1000 medium."));
}

#[test]
fn the_layered_layout_passes_its_limits_on() {
    let mut map = desk();
    let hub = map.add_program(b"hub");
    for at in 0..400u32 {
        let process = map.add_program(format!("p{at}").as_bytes());
        map.add_connection(&[process], &[hub], None);
    }
    let options = Options {
        layout: Layout::Layered,
        ..Options::default()
    };
    let error = svg(&map, &options).unwrap_err();
    assert!(error.to_string().contains("--layout stress"), "{error}");
}

/// The pid of one of many says nothing about the others.
#[test]
fn groups_have_no_pid() {
    let mut map = desk();
    let (p, q) = (map.add_program(b"nginx x5"), map.add_program(b"redis"));
    map.add_connection(&[p], &[q], None);
    let pid = map.process(p).pid.to_string();
    let draw = |grouped| {
        let options = Options {
            grouped,
            ..Options::default()
        };
        svg(&map, &options).unwrap()
    };
    let (one, whole) = (draw(false), draw(true));
    check(&whole);
    let shown = [format!(">{pid}</text>"), format!("[{pid}]")];
    for shown in &shown {
        assert!(one.contains(shown) && !whole.contains(shown), "{shown}");
    }
}
