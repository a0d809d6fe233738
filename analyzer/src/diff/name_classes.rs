//! Classes of names that differ in random parts only. Each is a pattern, learned from its names.

use std::collections::BTreeMap;

use super::random_name::{shape, vary};
use crate::model::{Map, SocketId};

/// Names that may vary together are compared with so many classes at most.
const MAX_COMPARED: usize = 64;
/// Stands for a process id in a name; no printable text contains it.
pub(crate) const PID: char = '\u{1}';
/// A number below is no process id for certain.
const MIN_PID: u32 = 100;

/// Classes of names, by number.
#[derive(Debug, Clone, Default)]
pub(crate) struct NameClasses {
    classes: Vec<Class>,
    by_shape: BTreeMap<String, usize>,
    by_skeleton: BTreeMap<String, Vec<usize>>,
}

#[derive(Debug, Clone)]
struct Class {
    example: String,
    pattern: String,
}

impl NameClasses {
    /// Adds a name; returns the number of its class. The result does not depend on the order of names
    /// but where random words look like others by chance.
    pub(crate) fn add(&mut self, name: &str) -> usize {
        let own = shape(name);
        if let Some(class) = self.by_shape.get(&own) {
            return *class;
        }
        let next = self.classes.len();
        let alike = self.by_skeleton.entry(skeleton(name)).or_default();
        let mut compared = alike.iter().take(MAX_COMPARED);
        let found = compared.find_map(|index| {
            let pattern = vary(&self.classes[*index].example, name)?;
            Some((*index, pattern))
        });
        let class = match found {
            Some((index, pattern)) => {
                self.classes[index].pattern = pattern;
                index
            }
            None => {
                alike.push(next);
                self.classes.push(Class {
                    example: name.to_owned(),
                    pattern: own.clone(),
                });
                next
            }
        };
        self.by_shape.insert(own, class);
        class
    }

    /// The pattern that fits all names of a class; of a single name its shape.
    pub(crate) fn pattern(&self, class: usize) -> String {
        self.classes[class].pattern.replace(PID, "*")
    }
}

/// A name with the lengths of its long words in place of the words: names that [`vary`] have the same.
fn skeleton(name: &str) -> String {
    const LONG: usize = 6;
    let mut out = String::with_capacity(name.len());
    for part in name.split('/') {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let mut rest = part;
        while !rest.is_empty() {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            match word.len() >= LONG {
                true => out.push_str(&word.len().to_string()),
                false => out.push_str(word),
            }
            let mut characters = after.chars();
            out.extend(characters.next());
            rest = characters.as_str();
        }
        out.push('/');
    }
    out
}

/// A Unix name with the process ids of its holders and their parents marked: they change at each start.
pub(crate) fn without_pids(map: &Map, socket: SocketId, name: &str) -> String {
    let holders = map.holding_processes(socket).into_iter().take(16);
    let processes = holders.map(|id| map.process(id));
    let pids = processes.flat_map(|process| [process.pid, process.ns_pid, process.ppid]);
    let pids: Vec<String> = pids
        .filter(|pid| *pid >= MIN_PID)
        .map(|pid| pid.to_string())
        .collect();
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, number) = rest.split_at(start);
        let end = number.find(|c: char| !c.is_ascii_digit());
        let (number, after) = number.split_at(end.unwrap_or(number.len()));
        out.push_str(before);
        // Not in an escape: `\x1b`.
        match pids.iter().any(|pid| pid == number) && !before.ends_with("\\x") {
            true => out.push(PID),
            false => out.push_str(number),
        }
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_class_for_each_maker() {
        let mut classes = NameClasses::default();
        let names = ["abcdefg1", "k3_9d2xa", "zzz_12xy", "q9w8e7r6", "pl0ok9ij"];
        let found: Vec<usize> = names
            .iter()
            .map(|word| classes.add(&format!("/tmp/app-{word}/s")))
            .collect();
        assert_eq!(found, [0; 5]);
        assert_eq!(classes.pattern(0), "/tmp/app-*/s");
        assert_ne!(classes.add("/run/db1"), classes.add("/run/db2"));
    }

    #[test]
    fn process_ids_vary() {
        let named = |pid: u32, name: &str| {
            let mut map = Map::with_host();
            let holder = map.add_process(pid, b"app");
            let socket = map.add_listener(&[holder], name.as_bytes());
            without_pids(&map, socket, name)
        };
        assert_eq!(named(812, "/run/app-812.s"), named(7990, "/run/app-7990.s"));
        assert_ne!(named(812, "/run/app-813.s"), named(7990, "/run/app-7990.s"));
        assert_eq!(named(8, "/run/v8"), "/run/v8");
    }
}
