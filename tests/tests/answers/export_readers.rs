//! `export` and tables, opened by other programs: Graphviz, networkx, Python's csv.

use std::path::{Path, PathBuf};
use std::process::Command;

use whotalks_tests::environment::{skip, works};
use whotalks_tests::programs::run;
use whotalks_tests::{Actor, Kind, World};

use super::whotalks;

const HOSTILE: &[u8] = b"=1+1\",\n</data>&\\ \x1b]0;x\x07\xff";

/// A connection and a pipe whose names break every format without escaping.
fn scene(world: &World) -> (PathBuf, [Actor; 2], String) {
    let (client, server) = (world.actor(), world.actor());
    let name = world.abstract_name(HOSTILE);
    let listener = server.listen(&name, Kind::Stream, 5);
    client.connect(&listener, Kind::Stream);
    let accepted = server.accept(&listener);
    (world.snapshot(), [client, server], accepted.id())
}

fn export(file: &Path, arguments: &[&str]) -> Vec<u8> {
    let mut command = whotalks(arguments);
    run(command.arg(file), b"").succeeds().stdout
}

/// What a Python program prints when it is given this.
fn python(program: &str, arguments: &[&str], input: &[u8]) -> String {
    let mut command = Command::new("python3");
    let ran = run(command.args(["-c", program]).args(arguments), input).succeeds();
    assert_eq!(ran.stderr, "");
    ran.text().to_owned()
}

#[test]
fn dot_by_graphviz() {
    if !works(&["dot", "-V"]) {
        return skip("no Graphviz");
    }
    let world = World::new();
    let (file, [client, server], _) = scene(&world);
    let only = format!("pid:{}", server.pid());
    let graph = export(&file, &["export", "--format", "dot", "--only", &only]);
    let svg = run(Command::new("dot").arg("-Tsvg"), &graph).succeeds();
    assert_eq!(svg.stderr, "");
    let svg = roxmltree::Document::parse_with_options(
        svg.text(),
        roxmltree::ParsingOptions {
            allow_dtd: true,
            ..roxmltree::ParsingOptions::default()
        },
    )
    .unwrap();
    let titles: Vec<String> = svg
        .descendants()
        .filter(|node| {
            node.has_tag_name("title") || node.has_tag_name(("http://www.w3.org/2000/svg", "title"))
        })
        .filter_map(|node| node.text().map(str::to_owned))
        .collect();
    let (client, server) = (
        format!("h0/p{}", client.pid()),
        format!("h0/p{}", server.pid()),
    );
    assert!(
        titles.contains(&format!("{client}->{server}")),
        "{titles:?}"
    );
    let texts: Vec<&str> = svg.descendants().filter_map(|node| node.text()).collect();
    let shown = r#"=1+1",\n</data>&\\ \x1b]0;x\x07\xff"#;
    assert!(
        texts
            .iter()
            .any(|text| text.replace('\u{a0}', " ").ends_with(shown)),
        "{texts:?}"
    );
}

#[test]
fn graphml_by_networkx() {
    if !works(&["python3", "-c", "import networkx"]) {
        return skip("no networkx");
    }
    let world = World::new();
    let (file, [client, server], _) = scene(&world);
    let program = "\
import sys, networkx
graph = networkx.parse_graphml(sys.stdin.buffer.read().decode(), force_multigraph=True)
for data in graph.get_edge_data(*sys.argv[1:3]).values():
    print(data['kind'], data['name_kind'], data['connections'], data['name'].split('/', 1)[1])
print(graph.nodes[sys.argv[2]]['pid'], graph.nodes[sys.argv[2]]['kind'], graph.is_directed())
";
    let ids = [
        format!("h0/p{}", client.pid()),
        format!("h0/p{}", server.pid()),
    ];
    let graph = export(&file, &["export", "--format", "graphml"]);
    let said = python(program, &[&ids[0], &ids[1]], &graph);
    let shown = r#"=1+1",\n</data>&\\ \x1b]0;x\x07\xff"#;
    assert_eq!(
        said,
        format!("unix abstract 1 {shown}\n{} process True\n", server.pid())
    );
    let grouped = export(&file, &["export", "--format", "graphml", "--by", "exe"]);
    let program = "\
import sys, networkx
graph = networkx.parse_graphml(sys.stdin.buffer.read().decode(), force_multigraph=True)
print({data['kind'] for _, data in graph.nodes(data=True)} >= {'group', 'listener'})
";
    assert_eq!(python(program, &[], &grouped), "True\n");
}

#[test]
fn csv_by_python() {
    let world = World::new();
    let (file, [client, server], accepted) = scene(&world);
    let program = "\
import csv, io, sys
rows = list(csv.DictReader(io.TextIOWrapper(sys.stdin.buffer, encoding='utf-8', newline=''), strict=True))
assert all(None not in row and None not in row.values() for row in rows)
assert all(cell[:1] not in tuple('=+-@') or cell == '' for row in rows for cell in row.values()), rows
[row] = [row for row in rows if row[sys.argv[1]] == sys.argv[2] and row['name_kind'] == 'abstract']
print(*(row[column] for column in sys.argv[3:]), sep='|')
";
    let document = export(&file, &["export", "--format", "csv"]);
    let shown = r#"=1+1",\n</data>&\\ \x1b]0;x\x07\xff"#;
    let columns = [
        "b",
        &accepted,
        "kind",
        "state",
        "name_kind",
        "a_pid",
        "b_pid",
        "name",
    ];
    let said = python(program, &columns, &document);
    let start = format!(
        "unix|established|abstract|{}|{}|",
        client.pid(),
        server.pid()
    );
    assert!(
        said.starts_with(&start) && said.trim_end().ends_with(shown),
        "{said}"
    );

    let list = export(&file, &["list", "--by", "process", "--format", "csv"]);
    let columns = [
        "servers",
        &format!("h0/p{}", server.pid()),
        "connections",
        "name_kind",
        "name",
    ];
    let said = python(program, &columns, &list);
    assert!(
        said.starts_with("1|abstract|") && said.trim_end().ends_with(shown),
        "{said}"
    );

    let hubs = export(&file, &["hubs", "--format", "csv"]);
    let columns = [
        "pid",
        &server.pid().to_string(),
        "process",
        "connections",
        "name_kind",
        "name",
    ];
    let said = python(program, &columns, &hubs);
    let start = format!("h0/p{}|1|abstract|", server.pid());
    assert!(
        said.starts_with(&start) && said.trim_end().ends_with(shown),
        "{said}"
    );
}
