//! The exported map, and its comparison with the state of the actors.
//!
//! Only sockets, pipes and processes of the scenario are compared; the rest of the machine may
//! change at any time. Of the scenario, nothing may be missing and nothing may be additional.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::actor::Socket;
use crate::edge::Edge;
use crate::protocol::{Descriptor, What};

/// The state of an actor, from its own system calls.
#[derive(Debug, Clone)]
pub(crate) struct Holder {
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    pub(crate) netns: Option<u64>,
    pub(crate) program: String,
    pub(crate) table: Vec<Descriptor>,
}

/// The expected state at the time of the capture.
#[derive(Debug, Clone, Default)]
pub(crate) struct Truth {
    pub(crate) holders: Vec<Holder>,
    pub(crate) made: Vec<Socket>,
}

/// One map: `export --format json`.
#[derive(Debug)]
pub struct Map {
    /// The whole document.
    pub document: Value,
    truth: Truth,
    sockets: BTreeMap<u64, Vec<usize>>,
    /// Whether the captured tables contain cookies.
    has_cookies: bool,
}

impl Map {
    pub(crate) fn new(document: Value, truth: Truth) -> Self {
        let mut sockets: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (at, socket) in rows(&document, "sockets").enumerate() {
            sockets
                .entry(socket["inode"].as_u64().unwrap_or(0))
                .or_default()
                .push(at);
        }
        Self {
            document,
            truth,
            sockets,
            has_cookies: true,
        }
    }

    /// The map of a capture of text tables only, which contain no cookies.
    #[must_use]
    pub fn without_cookies(self) -> Self {
        Self {
            has_cookies: false,
            ..self
        }
    }

    /// The rows of one of the document's arrays.
    pub fn rows<'a>(&'a self, array: &str) -> impl Iterator<Item = &'a Value> {
        rows(&self.document, array)
    }

    /// The socket with an inode.
    pub fn by_inode(&self, inode: u64) -> Option<&Value> {
        let at = self.sockets.get(&inode)?.first()?;
        Some(&self.document["sockets"][at])
    }

    /// A socket of the scenario; it must be in the map.
    pub fn socket(&self, socket: &Socket) -> &Value {
        let found = self.by_inode(socket.inode);
        found.unwrap_or_else(|| panic!("{socket:?} is not in the map"))
    }

    /// A process; it must be in the map.
    pub fn process(&self, pid: u32) -> &Value {
        let found = self.rows("processes").find(|process| process["pid"] == pid);
        found.unwrap_or_else(|| panic!("process {pid} is not in the map"))
    }

    /// A pipe by inode; it must be in the map.
    pub fn pipe(&self, inode: u64) -> &Value {
        let found = self.rows("pipes").find(|pipe| pipe["inode"] == inode);
        found.unwrap_or_else(|| panic!("pipe {inode} is not in the map"))
    }

    /// The connections with a socket as `a`, `b` or `listener`.
    pub fn connections_of<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Value> {
        self.rows("connections")
            .filter(move |connection| touches(connection, |end| end == id))
    }

    /// Asserts a field of a socket.
    #[track_caller]
    pub fn has(&self, socket: &Socket, field: &str, expected: impl Into<Value>) {
        let row = self.socket(socket);
        assert_eq!(row[field], expected.into(), "`{field}` of {row:#}");
    }

    /// Asserts that the map contains the sockets, holders, pipes and processes of the scenario, and
    /// these connections of them; nothing else.
    #[track_caller]
    pub fn is_exactly(&self, edges: &[Edge]) {
        let mut wrong = Vec::new();
        self.compare_sockets(edges, &mut wrong);
        self.compare_processes(&mut wrong);
        compare(self.true_holders(), self.holders(), &mut wrong);
        compare(self.true_pipe_ends(), self.pipe_ends(), &mut wrong);
        let scenario: BTreeSet<String> = self.scenario_sockets(edges);
        let drawn = self.rows("connections");
        let drawn = drawn.filter(|connection| touches(connection, |end| scenario.contains(end)));
        compare(
            lines(edges.iter().map(Edge::line)),
            lines(drawn.map(Edge::line_of)),
            &mut wrong,
        );
        assert!(
            wrong.is_empty(),
            "the map is not what is there:\n{}",
            wrong.join("\n")
        );
    }

    fn scenario_sockets(&self, edges: &[Edge]) -> BTreeSet<String> {
        let made = self.truth.made.iter().map(Socket::id);
        made.chain(
            edges
                .iter()
                .flat_map(|edge| edge.sockets().map(str::to_owned)),
        )
        .collect()
    }

    /// Each open socket is in the map once, with its properties; closed ones are not.
    fn compare_sockets(&self, edges: &[Edge], wrong: &mut Vec<String>) {
        let spoken_of: BTreeSet<&str> = edges.iter().flat_map(Edge::sockets).collect();
        let tables = self.truth.holders.iter().flat_map(|holder| &holder.table);
        let alive: BTreeSet<u64> = tables.map(|row| row.inode).collect();
        for socket in &self.truth.made {
            let count = self.sockets.get(&socket.inode).map_or(0, Vec::len);
            let expected =
                alive.contains(&socket.inode) || spoken_of.contains(socket.id().as_str());
            if count != usize::from(expected) {
                wrong.push(format!("socket {} is there {count} times", socket.id()));
            }
            let Some(row) = self.by_inode(socket.inode) else {
                continue;
            };
            let cookie = match self.has_cookies {
                true => Value::from(socket.cookie),
                false => Value::Null,
            };
            if row["id"] != socket.id() || row["cookie"] != cookie {
                wrong.push(format!("expected id and cookie of {socket:?} in {row}"));
            }
        }
    }

    fn compare_processes(&self, wrong: &mut Vec<String>) {
        for holder in &self.truth.holders {
            let row = self.process(holder.pid);
            // In all descriptor tables, private ones of threads included.
            let rows = holder.table.iter();
            let sockets = rows.filter(|row| matches!(row.what, What::Socket(_)));
            let sockets = sockets.count();
            let counts = row["fd_counts"].as_object().map(|counts| counts.values());
            let counted: u64 = counts.into_iter().flatten().filter_map(Value::as_u64).sum();
            let mut expect = |what: &str, found: &Value, expected: Value| {
                if *found != expected {
                    wrong.push(format!("{what} of {row} is not {expected}"));
                }
            };
            expect("id", &row["id"], format!("h0/p{}", holder.pid).into());
            expect("parent", &row["ppid"], holder.parent.into());
            expect("comm", &row["comm"], "whotalks-actor".into());
            expect("program", &row["exe"], holder.program.as_str().into());
            expect(
                "first argument",
                &row["cmdline"][0],
                holder.program.as_str().into(),
            );
            expect("table", &row["fds_status"], "read".into());
            expect("descriptors", &counted.into(), holder.table.len().into());
            if sockets > 0 {
                expect("sockets", &row["fd_counts"]["socket"], sockets.into());
            }
            if let Some(netns) = holder.netns {
                expect("network namespace", &row["netns"], netns.into());
            }
        }
    }

    fn is_actor(&self, process: &Value) -> bool {
        let pid = process
            .as_str()
            .and_then(|id| id.strip_prefix("h0/p")?.parse().ok());
        self.truth
            .holders
            .iter()
            .any(|holder| Some(holder.pid) == pid)
    }

    fn true_holders(&self) -> BTreeMap<String, usize> {
        let rows = self.true_rows(|what| matches!(what, What::Socket(_)));
        lines(rows.map(|(pid, row)| {
            let (inode, fd, thread) = (row.inode, row.fd, in_thread(row.tid));
            format!("h0/s{inode} is held by h0/p{pid} as {fd}{thread}")
        }))
    }

    fn true_rows(&self, wanted: fn(What) -> bool) -> impl Iterator<Item = (u32, &Descriptor)> {
        let holders = self.truth.holders.iter();
        let rows = holders.flat_map(|holder| holder.table.iter().map(|row| (holder.pid, row)));
        rows.filter(move |(_, row)| wanted(row.what))
    }

    /// The holders of the scenario's sockets, actors or not, and all descriptors of the actors.
    fn holders(&self) -> BTreeMap<String, usize> {
        let made: BTreeSet<String> = self.truth.made.iter().map(Socket::id).collect();
        let mut found = Vec::new();
        for socket in self.rows("sockets") {
            let id = socket["id"].as_str().unwrap_or("?");
            for holder in rows(socket, "holders") {
                if !made.contains(id) && !self.is_actor(&holder["process"]) {
                    continue;
                }
                let process = holder["process"].as_str().unwrap_or("?");
                let thread = thread_of(holder);
                let mut line = format!("{id} is held by {process} as {}{thread}", holder["fd"]);
                if !self.close_on_exec_is_right(holder) {
                    line += &format!(", but not with cloexec {}", holder["cloexec"]);
                }
                found.push(line);
            }
        }
        lines(found.into_iter())
    }

    /// Null means not captured, and matches anything.
    fn close_on_exec_is_right(&self, holder: &Value) -> bool {
        let Some(claimed) = holder["cloexec"].as_bool() else {
            return true;
        };
        let process = holder["process"].as_str().unwrap_or("?");
        let mut rows = self.true_rows(|_| true);
        let row = rows.find(|(pid, row)| {
            process == format!("h0/p{pid}")
                && holder["fd"] == row.fd
                && holder["tid"].as_u64() == row.tid.map(u64::from)
        });
        row.is_none_or(|(_, row)| row.cloexec == claimed)
    }

    fn true_pipe_ends(&self) -> BTreeMap<String, usize> {
        let ends = self.true_rows(|what| what == What::Pipe);
        lines(ends.flat_map(|(pid, row)| {
            let ends = [(row.reads, "read"), (row.writes, "written")];
            let ends = ends.into_iter().filter(|(open, _)| *open);
            let (inode, fd, thread) = (row.inode, row.fd, in_thread(row.tid));
            ends.map(move |(_, how)| format!("pipe {inode} is {how} by h0/p{pid} as {fd}{thread}"))
        }))
    }

    fn pipe_ends(&self) -> BTreeMap<String, usize> {
        let mut found = Vec::new();
        for pipe in self.rows("pipes") {
            for (array, how) in [("readers", "read"), ("writers", "written")] {
                let ends = rows(pipe, array).filter(|end| self.is_actor(&end["process"]));
                found.extend(ends.map(|end| {
                    let process = end["process"].as_str().unwrap_or("?");
                    let (inode, fd, thread) = (&pipe["inode"], &end["fd"], thread_of(end));
                    format!("pipe {inode} is {how} by {process} as {fd}{thread}")
                }));
            }
        }
        lines(found.into_iter())
    }
}

fn rows<'a>(value: &'a Value, array: &str) -> impl Iterator<Item = &'a Value> {
    value[array].as_array().into_iter().flatten()
}

fn in_thread(tid: Option<u32>) -> String {
    tid.map(|tid| format!(" in thread {tid}"))
        .unwrap_or_default()
}

fn thread_of(holder: &Value) -> String {
    let tid = holder["tid"].as_u64();
    in_thread(tid.and_then(|tid| u32::try_from(tid).ok()))
}

fn touches(connection: &Value, wanted: impl Fn(&str) -> bool) -> bool {
    ["a", "b", "listener"]
        .iter()
        .any(|end| connection[*end].as_str().is_some_and(&wanted))
}

fn lines(all: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for line in all {
        *counted.entry(line).or_default() += 1;
    }
    counted
}

/// Adds a line for each difference: missing, additional, or repeated.
fn compare(
    truth: BTreeMap<String, usize>,
    mut found: BTreeMap<String, usize>,
    wrong: &mut Vec<String>,
) {
    for (line, expected) in truth {
        let count = found.remove(&line).unwrap_or(0);
        if count < expected {
            wrong.push(format!("missing:  {line}"));
        } else if count > expected {
            wrong.push(format!("{count} times: {line}"));
        }
    }
    wrong.extend(found.into_keys().map(|line| format!("too many: {line}")));
}
