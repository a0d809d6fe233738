//! The matrix: a row for each client, a column for each server.

use super::worlds::{desk, desktop};
use super::*;
use crate::graph::{By, Groups};
use crate::query::{LinkFilter, LinkKind, links};

fn matrix(map: &Map) -> String {
    let options = Options {
        layout: Layout::Matrix,
        ..Options::default()
    };
    svg(map, &options).unwrap()
}

/// Client, server and number of each cell.
fn cells(document: &Document<'_>) -> BTreeMap<(String, String), u32> {
    let cell = |cell: &Node<'_, '_>| {
        let end = |name: &str| cell.attribute(name).unwrap().to_owned();
        assert!(cell.children().any(|child| child.has_tag_name("title")));
        (
            (end("data-a"), end("data-b")),
            number(cell, "data-n") as u32,
        )
    };
    of_class(document, "cell").iter().map(cell).collect()
}

#[test]
fn the_cells_are_the_links_of_list() {
    let map = desktop();
    let text = matrix(&map);
    let document = Document::parse(&text).unwrap();
    let cells = cells(&document);
    let groups = Groups::new(&map, By::Process);
    let mut expected: BTreeMap<(String, String), u32> = BTreeMap::new();
    for link in links(&map, &groups, &LinkFilter::default()) {
        // Shared ends are rows and columns of their own, or several cells.
        if let (Some(client), Some(server), LinkKind::Unix) =
            (link.clients.first(), link.servers.first(), link.kind)
            && link.clients.len() == 1
            && link.servers.len() == 1
        {
            let id = |process: &crate::model::ProcessId| crate::id::process(&map, *process);
            *expected.entry((id(client), id(server))).or_default() += link.connections as u32;
        }
    }
    // Some stand for several: their numbers are theirs together.
    let headers = of_class(&document, "header");
    let is_single = |id: &String| headers.iter().any(|h| h.attribute("data-id") == Some(id));
    expected.retain(|ends, _| is_single(&ends.0) && is_single(&ends.1));
    assert!(expected.len() > 40, "{}", expected.len());
    for (ends, n) in &expected {
        // Where either may be the client, the order of the matrix decides.
        let turned = (ends.1.clone(), ends.0.clone());
        let found = cells.get(ends).or_else(|| cells.get(&turned));
        assert!(
            found.is_some_and(|found| found >= n),
            "{ends:?}: {n}, {found:?}"
        );
    }
}

#[test]
fn clients_are_above_and_before_their_servers() {
    let text = matrix(&desktop());
    let document = Document::parse(&text).unwrap();
    let order = |class: &str| -> Vec<String> {
        let headers = of_class(&document, class).into_iter();
        headers
            .map(|header| header.attribute("data-id").unwrap().to_owned())
            .collect()
    };
    let (rows, columns) = (order("row"), order("column"));
    assert!(rows.len() > 20 && columns.len() >= 6);
    let below: Vec<&String> = columns.iter().filter(|node| rows.contains(node)).collect();
    let mut places = below
        .iter()
        .map(|node| rows.iter().position(|row| row == *node));
    assert!(
        places.by_ref().is_sorted(),
        "rows and columns have one order"
    );
    for ((client, server), _) in cells(&document) {
        let at = |node: &String| rows.iter().position(|row| row == node);
        if let (Some(client), Some(server)) = (at(&client), at(&server)) {
            assert!(client < server, "{client} is not above {server}");
        }
    }
}

#[test]
fn those_who_call_each_other_are_marked() {
    let mut map = desk();
    let [a, b, c] = ["one", "two", "three"].map(|name| map.add_program(name.as_bytes()));
    let listeners =
        [a, b, c].map(|id| map.add_listener(&[id], format!("/run/{}", id.0).as_bytes()));
    for (client, server, listener) in [(a, b, 1), (b, a, 0), (c, a, 0)] {
        map.add_connection(&[client], &[server], Some(listeners[listener]));
    }
    let text = matrix(&map);
    let document = Document::parse(&text).unwrap();
    assert_eq!(cells(&document).len(), 3);
    assert!(text.contains("↻ one") && text.contains("↻ two") && !text.contains("↻ three"));
    assert!(notes(&text).contains("2 call each other in circles"));
}

#[test]
fn nobody_and_hostile_names_leave_the_document_whole() {
    let empty = matrix(&desk());
    Document::parse(&empty).unwrap();
    let mut map = desk();
    let client = map.add_program(b"</text><script>");
    let server = map.add_program(b"\"'&\x1b[31m\n");
    let listener = map.add_listener(&[server], b"\0x");
    map.add_connection(&[client], &[server], Some(listener));
    let text = matrix(&map);
    Document::parse(&text).unwrap();
    assert!(!text.contains("<script"));
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
}
