//! The world of one scenario: a directory, some actors, and a capture of the machine they are on.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::actor::Actor;
use crate::map::{Holder, Map, Truth};
use crate::programs::{programs, run};
use crate::protocol::Address;

static WORLDS: AtomicU32 = AtomicU32::new(0);

/// A scenario's actors and files; both are gone when it is dropped.
#[derive(Debug)]
pub struct World {
    directory: PathBuf,
    name: String,
    actors: RefCell<Vec<(Actor, u32)>>,
}

impl World {
    /// An empty one.
    #[expect(
        clippy::new_without_default,
        reason = "it makes a directory, which is no default"
    )]
    pub fn new() -> Self {
        let number = WORLDS.fetch_add(1, Ordering::Relaxed);
        let name = format!("whotalks-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(&name);
        std::fs::create_dir(&directory)
            .unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
        Self {
            directory,
            name,
            actors: RefCell::default(),
        }
    }

    /// The directory that is its own.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// A path in it.
    pub fn path(&self, name: impl AsRef<[u8]>) -> Address {
        let directory = self.directory.as_os_str().as_encoded_bytes();
        Address::Path([directory, b"/", name.as_ref()].concat())
    }

    /// An abstract name that no other world has.
    pub fn abstract_name(&self, name: impl AsRef<[u8]>) -> Address {
        Address::Abstract([self.name.as_bytes(), b"/", name.as_ref()].concat())
    }

    /// A new process.
    pub fn actor(&self) -> Actor {
        self.actor_with(&[], &[])
    }

    /// A new process behind a command that executes its last arguments (`unshare -n`), with
    /// arguments of its own.
    pub fn actor_with(&self, wrapper: &[&str], arguments: &[&str]) -> Actor {
        let actor = Actor::start(self.command(wrapper, arguments));
        self.actors
            .borrow_mut()
            .push((actor.clone(), std::process::id()));
        // An answer: whatever wrapped it has become it by now.
        actor.table();
        actor
    }

    /// A process whose descriptors are not compared, since it does not hold still.
    pub fn restless_actor(&self) -> Actor {
        Actor::start(self.command(&[], &[]))
    }

    fn command(&self, wrapper: &[&str], arguments: &[&str]) -> Command {
        let program = &programs().actor;
        let mut command = match wrapper {
            [] => Command::new(program),
            [first, rest @ ..] => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
        };
        let stderr = self.directory.join("actors.stderr");
        let file = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&stderr);
        let file = file.unwrap_or_else(|error| panic!("{}: {error}", stderr.display()));
        command.args(arguments).stderr(file);
        command
    }

    /// A child of an actor, which inherits these numbers.
    pub fn heir(&self, parent: &Actor, inherited: &[i32]) -> Actor {
        let actor = parent.spawn(inherited);
        self.actors.borrow_mut().push((actor.clone(), parent.pid()));
        actor
    }

    /// Ends a process; what it held is closed when this returns.
    ///
    /// Its heirs end with it. Every other handle of it must be gone.
    pub fn end(&self, actor: Actor) {
        self.actors
            .borrow_mut()
            .retain(|(kept, _)| kept.pid() != actor.pid());
        drop(actor);
    }

    /// The processes of its actors.
    pub fn pids(&self) -> Vec<u32> {
        self.actors
            .borrow()
            .iter()
            .map(|(actor, _)| actor.pid())
            .collect()
    }

    fn truth(&self) -> Truth {
        let mut truth = Truth::default();
        for (actor, parent) in self.actors.borrow().iter() {
            truth.made.extend(actor.made());
            let table = actor.table();
            truth.holders.push(Holder {
                pid: actor.pid(),
                parent: *parent,
                netns: namespace(actor.pid(), "net"),
                program: programs().actor.to_string_lossy().into_owned(),
                table,
            });
        }
        truth.made.sort_by_key(|socket| socket.inode);
        truth.made.dedup_by_key(|socket| socket.inode);
        truth
    }

    /// Captures the machine into a file.
    pub fn snapshot(&self) -> PathBuf {
        self.snapshot_with(&[])
    }

    /// The same with more arguments for the collector.
    pub fn snapshot_with(&self, arguments: &[&str]) -> PathBuf {
        let file = self.directory.join("machine.whotalks");
        let mut command = Command::new(&programs().collect);
        run(
            command
                .args(["-q", "--force", "-o"])
                .arg(&file)
                .args(arguments),
            b"",
        )
        .succeeds();
        file
    }

    /// The same into a file of another name, behind a command that executes its last arguments.
    pub fn snapshot_as(&self, name: &str, wrapper: &[&str], arguments: &[&str]) -> PathBuf {
        let file = self.directory.join(name);
        let collect = programs().collect.as_os_str();
        let words = wrapper.iter().map(OsStr::new).chain([collect]);
        let words: Vec<&OsStr> = words.collect();
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .args(["-q", "-o"])
            .arg(&file)
            .args(arguments);
        run(&mut command, b"").succeeds();
        file
    }

    /// Captures the machine, and maps it.
    pub fn capture(&self) -> Map {
        self.capture_with(&[])
    }

    /// The same with more arguments for the collector.
    pub fn capture_with(&self, arguments: &[&str]) -> Map {
        let truth = self.truth();
        let file = self.snapshot_with(arguments);
        Map::new(export(&file), truth)
    }
}

/// `whotalks export --format json FILE`
pub fn export(file: &Path) -> serde_json::Value {
    let mut command = Command::new(&programs().analyze);
    run(command.args(["export", "--format", "json"]).arg(file), b"").json()
}

/// The inode of a process's namespace, where it can be read.
pub fn namespace(pid: u32, kind: &str) -> Option<u64> {
    let link = std::fs::read_link(format!("/proc/{pid}/ns/{kind}")).ok()?;
    let text = link
        .to_str()?
        .strip_prefix(kind)?
        .strip_prefix(":[")?
        .strip_suffix(']')?;
    text.parse().ok()
}

impl Drop for World {
    fn drop(&mut self) {
        self.actors.borrow_mut().clear();
        if std::thread::panicking() {
            eprintln!("kept: {}", self.directory.display());
            return;
        }
        let removed = std::fs::remove_dir_all(&self.directory);
        debug_assert!(removed.is_ok(), "{}: {removed:?}", self.directory.display());
    }
}
