//! The SVG of `draw`: well-formed for any names, and structured for scripts.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use roxmltree::{Document, Node};
use whotalks_tests::World;
use whotalks_tests::programs::{programs, run};
use whotalks_tests::terminal::on_terminal;

use super::scene::{HOSTILE, command, scene, whotalks};

fn drawn(arguments: &[&str]) -> String {
    let ran = whotalks(&[&["draw", "-o", "-"], arguments].concat()).succeeds();
    assert_eq!(ran.stderr, "");
    String::from_utf8(ran.stdout).unwrap()
}

fn has_class(node: &Node<'_, '_>, class: &str) -> bool {
    node.attribute("class")
        .is_some_and(|classes| classes.split(' ').any(|one| one == class))
}

fn elements<'a>(svg: &'a Document<'_>, class: &'a str) -> impl Iterator<Item = Node<'a, 'a>> {
    svg.descendants()
        .filter(move |node| node.is_element() && has_class(node, class))
}

/// Ids of the nodes, with their classes.
fn nodes<'a>(svg: &'a Document<'_>) -> BTreeMap<&'a str, &'a str> {
    let mut nodes = BTreeMap::new();
    for node in elements(svg, "node") {
        assert_eq!(node.tag_name().name(), "g");
        let attribute = |name| {
            node.attribute(name)
                .unwrap_or_else(|| panic!("{name}: {node:?}"))
        };
        for size in ["data-w", "data-h"] {
            let size: f64 = attribute(size).parse().unwrap();
            assert!(size.is_finite() && size > 0.0, "{node:?}");
        }
        let at = attribute("transform").strip_prefix("translate(");
        let (x, y) = at
            .and_then(|at| at.strip_suffix(')')?.split_once(','))
            .unwrap();
        for coordinate in [x, y] {
            assert!(
                coordinate.trim().parse::<f64>().unwrap().is_finite(),
                "{node:?}"
            );
        }
        let doubled = nodes.insert(attribute("data-id"), attribute("class"));
        assert_eq!(doubled, None, "{node:?} is drawn twice");
    }
    nodes
}

/// Joined ids and how many connections.
fn edges<'a>(svg: &'a Document<'_>) -> Vec<(&'a str, &'a str, u64)> {
    let attribute = |node: Node<'a, 'a>, name| {
        node.attribute(name)
            .unwrap_or_else(|| panic!("{name}: {node:?}"))
    };
    elements(svg, "edge")
        .map(|edge| {
            let count = attribute(edge, "data-n").parse().unwrap();
            (attribute(edge, "data-a"), attribute(edge, "data-b"), count)
        })
        .collect()
}

#[test]
fn every_drawing_is_well_formed_and_structured() {
    for arguments in [&[][..], &["--all"], &["--title", "<&\u{1b}\u{fffe}\">"]] {
        let text = drawn(arguments);
        let svg = Document::parse(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}"));
        let root = svg.root_element();
        assert_eq!(root.tag_name().name(), "svg");
        assert_eq!(
            root.tag_name().namespace(),
            Some("http://www.w3.org/2000/svg")
        );
        let nodes = nodes(&svg);
        assert!(!nodes.is_empty());
        for (a, b, count) in edges(&svg) {
            assert!(nodes.contains_key(a) && nodes.contains_key(b), "{a} to {b}");
            assert!(count > 0, "{a} to {b}");
        }
        assert!(elements(&svg, "edge").next().is_some());
        for drawn in elements(&svg, "node").chain(elements(&svg, "edge")) {
            let titled = drawn.children().any(|child| child.has_tag_name("title"));
            let titled = titled
                || drawn
                    .children()
                    .any(|child| child.tag_name().name() == "title");
            assert!(titled, "{drawn:?} has no title");
        }
        assert!(
            !text.contains("<script"),
            "a drawing is complete without scripts"
        );
    }
}

#[test]
fn with_all_every_conversation_is_drawn() {
    let text = drawn(&["--all"]);
    let svg = Document::parse(&text).unwrap();
    let nodes = nodes(&svg);
    let kind = |id: &str| nodes.get(id).copied().unwrap_or("");
    let classes = |id: &str| kind(id).split(' ').collect::<BTreeSet<_>>();
    assert!(
        classes(&scene().client).contains("process"),
        "{}",
        kind(&scene().client)
    );
    assert!(
        classes(&scene().server).contains("process"),
        "{}",
        kind(&scene().server)
    );
    // Directly, or through the nodes of their sockets.
    let mut reached = BTreeSet::from([scene().client.as_str()]);
    let edges = edges(&svg);
    loop {
        let known = reached.len();
        for (a, b, _) in &edges {
            if reached.contains(a) || reached.contains(b) {
                reached.extend([*a, *b]);
            }
        }
        if reached.len() == known {
            break;
        }
    }
    assert!(
        reached.contains(scene().server.as_str()),
        "client and server are joined"
    );
}

/// Control characters are never in it, not even as references: XML 1.0 has none.
#[test]
fn hostile_names_are_text() {
    let text = drawn(&["--all"]);
    let svg = Document::parse(&text).unwrap();
    assert!(!text.contains('\u{1b}') && !text.contains("&#27;") && !text.contains("&#x1b;"));
    let tag = String::from_utf8_lossy(HOSTILE[0]);
    let shown = svg.descendants().filter_map(|node| node.text());
    assert!(
        shown.into_iter().any(|text| text.contains(&tag[..8])),
        "the name is nowhere as text"
    );
}

#[test]
fn two_drawings_are_byte_identical() {
    assert!(drawn(&[]) == drawn(&[]));
}

#[test]
fn themes_and_layouts() {
    for theme in ["classic", "light", "dark", "auto"] {
        Document::parse(&drawn(&["--theme", theme])).unwrap();
    }
    // The layered layout has limits, and reports them.
    let ran = whotalks(&["draw", "-o", "-", "--layout", "layered"]);
    match ran.status.code() {
        Some(0) => drop(Document::parse(ran.text()).unwrap()),
        _ => assert!(
            ran.exits(2)
                .says("whotalks: ")
                .stderr
                .contains("--layout stress")
        ),
    }
}

#[test]
fn on_a_terminal_it_is_written_beside_the_snapshot() {
    let world = World::new();
    let snapshot = world.directory().join("web1.whotalks");
    std::fs::copy(&scene().file, &snapshot).unwrap();
    let ran = on_terminal(command(&["draw"]).arg(&snapshot)).succeeds();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &ran.stderr;
    assert!(
        said.contains("web1.svg") && !said.contains("<svg"),
        "{said}"
    );
    let text = std::fs::read_to_string(world.directory().join("web1.svg")).unwrap();
    Document::parse(&text).unwrap();
}

#[test]
fn in_a_pipe_it_goes_to_standard_output() {
    let ran = whotalks(&["draw"]).succeeds();
    Document::parse(ran.text()).unwrap();
}

/// The middle of each node that is drawn, by its id.
fn places<'a>(svg: &'a Document<'_>) -> BTreeMap<&'a str, (f64, f64)> {
    let place = |node: Node<'a, 'a>| {
        let at = node.attribute("transform")?.strip_prefix("translate(")?;
        let (x, y) = at.strip_suffix(')')?.split_once(',')?;
        let at = (x.parse().ok()?, y.parse().ok()?);
        Some((node.attribute("data-id")?, at))
    };
    elements(svg, "node").filter_map(place).collect()
}

#[test]
fn compared_with_itself_a_capture_looks_as_it_does_alone() {
    for sample in ["desktop", "server"] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("../snapshots/samples/{sample}.whotalks"));
        let picture = |arguments: &[&OsStr]| {
            let mut draw = Command::new(&programs().analyze);
            draw.args(["draw", "-o", "-"]).args(arguments).arg(&file);
            String::from_utf8(run(&mut draw, b"").succeeds().stdout).unwrap()
        };
        let (alone, both) = (
            picture(&[]),
            picture(&[OsStr::new("--diff"), file.as_os_str()]),
        );
        let (alone, both) = (
            Document::parse(&alone).unwrap(),
            Document::parse(&both).unwrap(),
        );
        nodes(&both);
        for change in ["added", "removed", "changed"] {
            assert_eq!(elements(&both, change).count(), 0, "{change}");
        }
        let (before, after) = (places(&alone), places(&both));
        let shifts: Vec<(f64, f64)> = after
            .iter()
            .filter_map(|(id, at)| {
                let was = before.get(id)?;
                Some((at.0 - was.0, at.1 - was.1))
            })
            .collect();
        let near = |one: &(f64, f64), other: &(f64, f64), most: f64| {
            (other.0 - one.0).abs() < most && (other.1 - one.1).abs() < most
        };
        let together = |shift: &&(f64, f64)| {
            let same = shifts.iter().filter(|other| near(shift, other, 0.3));
            same.count()
        };
        let common = shifts.iter().max_by_key(together).unwrap();
        // A node with more text in a comparison may be larger than before, by less than a line.
        assert!(together(&common) * 10 >= shifts.len() * 9, "{shifts:?}");
        assert!(
            shifts.iter().all(|shift| near(shift, common, 12.0)),
            "{shifts:?}"
        );
    }
}
