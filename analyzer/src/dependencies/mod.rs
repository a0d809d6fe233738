//! Tests that the modules of this package import each other in one direction.
//!
//! The order is read from the `//!` lines of `lib.rs`, of `main.rs` and of the `mod.rs` of a
//! folder: after a line such as "A module imports only modules before it:" follows a
//! paragraph or list with the modules in backticks, the lowest first. In every folder, with
//! or without a stated order, imports between files must be free of circles. Test code is
//! not considered.

mod source;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use petgraph::algo::tarjan_scc;
use petgraph::graph::DiGraph;
use tree::{Import, Tree};

/// Imports against a stated order or of a confined item: importing module, imported module
/// (both with all below them), and the reason.
const IMPORT_EXCEPTIONS: &[(&str, &str, &str)] = &[];

/// Folders with a circle of imports or without an order, and the reason.
const FOLDER_EXCEPTIONS: &[(&str, &str)] = &[];

/// Folders that must state an order.
const ORDERED: &[&str] = &["lib.rs", "main.rs", "diff", "draw", "layout"];

/// Items that the modules of a folder must not use, except one of them.
const CONFINED: &[Confined] = &[Confined {
    folder: "draw",
    except: "draw::reduce",
    module: "model",
    item: "Map",
}];

struct Confined {
    folder: &'static str,
    except: &'static str,
    module: &'static str,
    item: &'static str,
}

/// Something wrong, and the exception that would allow it.
#[derive(Debug)]
struct Violation {
    text: String,
    key: Key,
}

#[derive(Debug)]
enum Key {
    /// The importing and the imported module.
    Import(String, String),
    /// The folder.
    Folder(String),
    /// No exception is possible.
    None,
}

impl Key {
    /// The exception for this violation, as text, if there is one.
    fn exception(&self) -> Option<String> {
        match self {
            Self::Import(from, to) => IMPORT_EXCEPTIONS
                .iter()
                .find(|exception| within(from, exception.0) && within(to, exception.1))
                .map(|exception| format!("{} -> {}", exception.0, exception.1)),
            Self::Folder(folder) => FOLDER_EXCEPTIONS
                .iter()
                .find(|exception| exception.0 == folder)
                .map(|exception| exception.0.to_owned()),
            Self::None => None,
        }
    }
}

/// Checks one crate.
fn violations(tree: &Tree) -> Vec<Violation> {
    let imports = tree.imports();
    let mut found = Vec::new();
    for (folder, file, children, order) in tree.folders() {
        let inside: Vec<(&Import, Option<&str>, Option<&str>)> = imports
            .iter()
            .filter(|import| import.from.starts_with(folder) && import.to.starts_with(folder))
            .filter(|import| !import.reexport)
            .map(|import| {
                let child = |module: &'_ [String]| module.get(folder.len()).cloned();
                let known = |name: Option<String>| {
                    name.and_then(|name| children.iter().find(|child| **child == name))
                        .map(String::as_str)
                };
                (import, known(child(&import.from)), known(child(&import.to)))
            })
            .filter(|(_, from, to)| from != to)
            .collect();
        if let Some(order) = order {
            found.extend(against(order, file, children, &inside));
        }
        found.extend(circles(&name(folder, file), &inside));
    }
    found
}

/// Path of a folder's module; the file name for the root of a crate.
fn name(folder: &[String], file: &str) -> String {
    match folder.is_empty() {
        true => file.to_owned(),
        false => folder.join("::"),
    }
}

/// Imports of a folder against its order. Imports by the folder's own file are allowed.
fn against(
    order: &[String],
    file: &str,
    children: &[String],
    imports: &[(&Import, Option<&str>, Option<&str>)],
) -> Vec<Violation> {
    let stated: BTreeSet<&String> = order.iter().collect();
    let present: BTreeSet<&String> = children.iter().collect();
    let differing = stated.symmetric_difference(&present);
    let mut found: Vec<Violation> = differing
        .map(|name| {
            let problem = match stated.contains(name) {
                true => "is in the order, but is no module of it",
                false => "is not in the order",
            };
            Violation {
                text: format!("{file}: `{name}` {problem}"),
                key: Key::None,
            }
        })
        .collect();
    let rank = |name: &str| order.iter().position(|other| other == name);
    for (import, from, to) in imports {
        let (Some(from), Some(to)) = (from, to) else {
            continue;
        };
        if rank(to) > rank(from) {
            found.push(Violation {
                text: format!("{} against the order of {file}", import.text),
                key: Key::Import(import.from.join("::"), import.to.join("::")),
            });
        }
    }
    found
}

/// Circles between the files of a folder, its own file included, except at the root: items
/// of `lib.rs` and `main.rs` may be used everywhere.
fn circles(folder: &str, imports: &[(&Import, Option<&str>, Option<&str>)]) -> Vec<Violation> {
    let mut graph = DiGraph::<String, &str>::new();
    let mut nodes = BTreeMap::new();
    for (import, from, to) in imports {
        if folder.ends_with(".rs") && (from.is_none() || to.is_none()) {
            continue;
        }
        let mut node = |name: &Option<&str>| {
            let name = name.unwrap_or("mod").to_owned();
            *nodes
                .entry(name.clone())
                .or_insert_with(|| graph.add_node(name))
        };
        let (from, to) = (node(from), node(to));
        graph.update_edge(from, to, import.text.as_str());
    }
    let mut found = Vec::new();
    for circle in tarjan_scc(&graph)
        .into_iter()
        .filter(|circle| circle.len() > 1)
    {
        let mut names: Vec<&str> = circle.iter().map(|&node| graph[node].as_str()).collect();
        names.sort_unstable();
        let mut text = format!("circle of imports in `{folder}`: {}", names.join(", "));
        for edge in graph.edge_indices() {
            let ends = graph.edge_endpoints(edge);
            if ends.is_some_and(|(from, to)| circle.contains(&from) && circle.contains(&to)) {
                text += &format!("\n    {}", graph[edge]);
            }
        }
        found.push(Violation {
            text,
            key: Key::Folder(folder.to_owned()),
        });
    }
    found
}

/// Uses of a confined item.
fn confined(tree: &Tree, rule: &Confined) -> Vec<Violation> {
    let inside = |module: &[String], folder: &str| within(&module.join("::"), folder);
    tree.imports()
        .iter()
        .filter(|import| inside(&import.from, rule.folder) && !inside(&import.from, rule.except))
        .filter(|import| import.from.join("::") != rule.folder)
        .filter(|import| inside(&import.to, rule.module))
        .filter(|import| import.item.as_deref() == Some(rule.item))
        .map(|import| {
            let to = format!("{}::{}", rule.module, rule.item);
            Violation {
                text: format!("{}, which is for `{}` only", import.text, rule.except),
                key: Key::Import(import.from.join("::"), to),
            }
        })
        .collect()
}

/// Whether a module is `folder` or below it.
fn within(module: &str, folder: &str) -> bool {
    module
        .strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// All `.rs` files below a folder, by their path relative to it.
fn files(folder: &Path, prefix: &str, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).expect("readable folder") {
        let path = entry.expect("readable entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = format!("{prefix}{name}");
        if path.is_dir() {
            files(&path, &format!("{name}/"), found);
        } else if name.ends_with(".rs") {
            let text = std::fs::read_to_string(&path).expect("readable file");
            found.insert(name, text);
        }
    }
}

#[test]
fn modules_import_in_one_direction() {
    let mut sources = BTreeMap::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    files(&folder, "", &mut sources);
    let mut found = Vec::new();
    for root in ["lib.rs", "main.rs"] {
        let tree = Tree::new(root, &sources);
        found.extend(violations(&tree));
        found.extend(CONFINED.iter().flat_map(|rule| confined(&tree, rule)));
        for (module, file, _, order) in tree.folders() {
            let folder = name(module, file);
            if order.is_none() && ORDERED.contains(&folder.as_str()) {
                found.push(Violation {
                    text: format!("{file}: states no order of its modules"),
                    key: Key::Folder(folder),
                });
            }
        }
    }
    let imports = IMPORT_EXCEPTIONS
        .iter()
        .map(|e| format!("{} -> {}", e.0, e.1));
    let folders = FOLDER_EXCEPTIONS.iter().map(|e| e.0.to_owned());
    let mut unused: BTreeSet<String> = imports.chain(folders).collect();
    let mut report = Vec::new();
    for Violation { text, key } in found {
        match key.exception() {
            Some(exception) => drop(unused.remove(&exception)),
            None => report.push(text),
        }
    }
    report.extend(
        unused
            .iter()
            .map(|e| format!("exception `{e}` is no longer needed")),
    );
    assert!(report.is_empty(), "in analyzer/src:\n{}", report.join("\n"));
}

/// The violations of a made-up crate.
fn checked(sources: &[(&str, &str)]) -> Vec<String> {
    let sources = sources
        .iter()
        .map(|&(path, text)| (path.to_owned(), text.to_owned()))
        .collect();
    let found = violations(&Tree::new("lib.rs", &sources));
    found.into_iter().map(|violation| violation.text).collect()
}

const ROOT: &str = "//! Docs.\n//!\n//! A module imports only modules before it:\n//!\n//! 1. `low`: items\n//! 2. `high`\n//!\n//! Not `this`.\npub mod high;\npub mod low;\n";

#[test]
fn imports_along_the_order_pass() {
    let found = checked(&[
        ("lib.rs", ROOT),
        (
            "low.rs",
            "pub struct Item; // crate::high::X\nconst S: &str = \"crate::high::X\";",
        ),
        (
            "high.rs",
            "use crate::low::Item;\n#[cfg(test)]\nmod tests { use super::*; }",
        ),
    ]);
    assert_eq!(found, [""; 0]);
}

#[test]
fn imports_against_the_order_fail() {
    let found = checked(&[
        ("lib.rs", ROOT),
        (
            "low.rs",
            "#[cfg(test)]\nuse crate::high::Test;\nuse std::fmt::{self, Write};\n\
             use super::{high::Item as Other};\nfn f() { crate::high::g::<u8>() }",
        ),
        ("high.rs", "pub struct Item;"),
    ]);
    assert_eq!(
        found,
        [
            "low.rs:4 imports super::high::Item against the order of lib.rs",
            "low.rs:5 imports crate::high::g against the order of lib.rs",
        ]
    );
}

#[test]
fn the_order_must_list_the_modules() {
    let root = "//! A module imports only those before it:\n//! `gone`.\nmod new;\n";
    let found = checked(&[("lib.rs", root), ("new.rs", "")]);
    assert_eq!(
        found,
        [
            "lib.rs: `gone` is in the order, but is no module of it",
            "lib.rs: `new` is not in the order",
        ]
    );
}

#[test]
fn circles_fail_even_through_reexports() {
    let found = checked(&[
        ("lib.rs", "mod folder;"),
        ("folder/mod.rs", "mod a;\nmod b;\npub use b::Item;"),
        ("folder/a.rs", "use super::Item;\npub fn f() {}"),
        ("folder/b.rs", "pub struct Item;\nfn g() { super::a::f() }"),
    ]);
    assert_eq!(
        found,
        ["circle of imports in `folder`: a, b\n    \
          folder/a.rs:1 imports super::Item\n    \
          folder/b.rs:2 imports super::a::f"]
    );
    let found = checked(&[
        ("lib.rs", "mod folder;"),
        (
            "folder/mod.rs",
            "mod a;\nfn f() { a::g() }\npub(crate) struct Own;",
        ),
        ("folder/a.rs", "use super::Own;\npub fn g() {}"),
    ]);
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn confined_items_are_found() {
    let sources = [
        ("lib.rs", "mod draw;\nmod model;"),
        ("model.rs", "pub struct Map;"),
        (
            "draw/mod.rs",
            "mod other;\nmod reduce;\nuse crate::model::Map;",
        ),
        ("draw/other.rs", "use crate::model::Map;"),
        ("draw/reduce.rs", "use crate::model::Map;"),
    ];
    let sources = sources.map(|(path, text)| (path.to_owned(), text.to_owned()));
    let tree = Tree::new("lib.rs", &BTreeMap::from(sources));
    let found = confined(&tree, &CONFINED[0]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].text.starts_with("draw/other.rs:1 "));
}
