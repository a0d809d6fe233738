//! The modules of one crate, and the imports between them.

use std::collections::BTreeMap;

use super::source::{self, Source};

/// Path of a module below the crate root, which is empty.
pub(super) type Module = Vec<String>;

/// All modules of a crate, except those for tests.
pub(super) struct Tree {
    files: BTreeMap<Module, (String, Source)>,
}

/// An import of one module by another.
#[derive(Debug)]
pub(super) struct Import {
    pub(super) from: Module,
    /// The module that defines what is imported, through re-exports.
    pub(super) to: Module,
    /// The first segment below `to`, if any.
    pub(super) item: Option<String>,
    /// A `pub use` of a module's own descendant: makes a name visible, uses nothing.
    pub(super) reexport: bool,
    /// `file:line imports path`.
    pub(super) text: String,
}

impl Tree {
    /// Reads a crate from its root file on. `files` maps paths below `src` to contents.
    pub(super) fn new(root: &str, files: &BTreeMap<String, String>) -> Self {
        let mut tree = Self {
            files: BTreeMap::new(),
        };
        let mut open = vec![(Module::new(), root.to_owned())];
        while let Some((module, path)) = open.pop() {
            let source = source::read(&files[&path]);
            let folder: String = module.iter().map(|part| format!("{part}/")).collect();
            for name in &source.modules {
                let candidates = [
                    format!("{folder}{name}.rs"),
                    format!("{folder}{name}/mod.rs"),
                ];
                let found = candidates.into_iter().find(|path| files.contains_key(path));
                let child = [module.as_slice(), std::slice::from_ref(name)].concat();
                let path = found.unwrap_or_else(|| panic!("{path}: no file for `mod {name};`"));
                open.push((child, path));
            }
            tree.files.insert(module, (path, source));
        }
        tree
    }

    /// Modules that have modules below them, with their path, their children and the order
    /// they state.
    pub(super) fn folders(
        &self,
    ) -> impl Iterator<Item = (&Module, &str, &[String], Option<&[String]>)> {
        self.files
            .iter()
            .filter(|(_, (_, source))| !source.modules.is_empty())
            .map(|(module, (path, source))| {
                let order = source.order.as_deref();
                (module, path.as_str(), source.modules.as_slice(), order)
            })
    }

    /// All imports between two modules of the crate.
    pub(super) fn imports(&self) -> Vec<Import> {
        let mut imports = Vec::new();
        for (from, (path, source)) in &self.files {
            for used in &source.paths {
                let Some((to, item)) = self.resolve(from, &used.segments, 0) else {
                    continue;
                };
                if to != *from {
                    imports.push(Import {
                        reexport: used.reexport && to.starts_with(from),
                        from: from.clone(),
                        to,
                        item,
                        text: format!("{path}:{} imports {}", used.line, used.segments.join("::")),
                    });
                }
            }
        }
        imports
    }

    /// The module that defines a path, and the item in it; `None` for other crates.
    fn resolve(
        &self,
        from: &Module,
        segments: &[String],
        depth: usize,
    ) -> Option<(Module, Option<String>)> {
        let child = |module: &Module, name: &String| {
            let child = [module.as_slice(), std::slice::from_ref(name)].concat();
            self.files.contains_key(&child).then_some(child)
        };
        let mut module = from.clone();
        let mut rest = segments;
        match segments[0].as_str() {
            "crate" => module.clear(),
            "self" | "super" => {}
            _ => {
                child(from, &segments[0])?;
            }
        }
        while let Some((first, after)) = rest.split_first() {
            match first.as_str() {
                "crate" | "self" => {}
                "super" => {
                    module.pop();
                }
                _ => match child(&module, first) {
                    Some(child) => module = child,
                    None => break,
                },
            }
            rest = after;
        }
        let item = rest.first().cloned();
        let named = item
            .as_ref()
            .and_then(|item| self.files[&module].1.names.get(item));
        let through = named
            .filter(|_| depth < 8 && module != *from)
            .and_then(|path| self.resolve(&module, path, depth + 1));
        Some(through.unwrap_or((module, item)))
    }
}
