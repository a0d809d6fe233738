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

/// The actors and files of a scenario; dropping it ends and removes them.
#[derive(Debug)]
pub struct World {
    directory: PathBuf,
    name: String,
    actors: RefCell<Vec<(Actor, u32)>>,
}

impl World {
    /// An empty world.
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

    /// The directory of this world.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// A path in the directory of this world.
    pub fn path(&self, name: impl AsRef<[u8]>) -> Address {
        let directory = self.directory.as_os_str().as_encoded_bytes();
        Address::Path([directory, b"/", name.as_ref()].concat())
    }

    /// An abstract name unique to this world.
    pub fn abstract_name(&self, name: impl AsRef<[u8]>) -> Address {
        Address::Abstract([self.name.as_bytes(), b"/", name.as_ref()].concat())
    }

    /// A new process.
    pub fn actor(&self) -> Actor {
        self.actor_with(&[], &[])
    }

    /// A new process started by a command that executes its last arguments (`unshare -n`), with
    /// additional arguments.
    pub fn actor_with(&self, wrapper: &[&str], arguments: &[&str]) -> Actor {
        let actor = Actor::start(self.command(wrapper, arguments));
        self.actors
            .borrow_mut()
            .push((actor.clone(), std::process::id()));
        // A reply proves that the wrapping command has executed the actor.
        actor.table();
        actor
    }

    /// A new process of a copy of the actor with this name.
    pub fn actor_called(&self, name: &str) -> Actor {
        let program = self.directory.join(name);
        if !program.exists() {
            let original = &programs().actor;
            if std::fs::hard_link(original, &program).is_err() {
                std::fs::copy(original, &program)
                    .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
            }
        }
        let mut command = Command::new(program);
        command.stderr(self.stderr());
        let actor = Actor::start(command);
        self.actors
            .borrow_mut()
            .push((actor.clone(), std::process::id()));
        actor.table();
        actor
    }

    /// A process whose descriptors change all the time and are not compared.
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
        command.args(arguments).stderr(self.stderr());
        command
    }

    fn stderr(&self) -> std::fs::File {
        let stderr = self.directory.join("actors.stderr");
        let file = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&stderr);
        file.unwrap_or_else(|error| panic!("{}: {error}", stderr.display()))
    }

    /// A child of an actor that inherits these descriptors.
    pub fn heir(&self, parent: &Actor, inherited: &[i32]) -> Actor {
        let actor = parent.spawn(inherited);
        self.actors.borrow_mut().push((actor.clone(), parent.pid()));
        actor
    }

    /// Ends a process; its descriptors are closed when this returns.
    ///
    /// Its heirs end with it. Every other handle of it must be dropped before.
    pub fn end(&self, actor: Actor) {
        self.actors
            .borrow_mut()
            .retain(|(kept, _)| kept.pid() != actor.pid());
        drop(actor);
    }

    /// Process ids of the actors.
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

    /// The same with additional arguments for the collector.
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

    /// The same into a file of another name, started by a command that executes its last arguments.
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

    /// Captures the machine and exports its map.
    pub fn capture(&self) -> Map {
        self.capture_with(&[])
    }

    /// The same with additional arguments for the collector.
    pub fn capture_with(&self, arguments: &[&str]) -> Map {
        let truth = self.truth();
        let file = self.snapshot_with(arguments);
        Map::new(export(&file), truth)
    }

    /// The map of an existing capture, made while this world did not change.
    pub fn map_of(&self, file: &Path) -> Map {
        Map::new(export(file), self.truth())
    }
}

/// `whotalks export --format json FILE`
pub fn export(file: &Path) -> serde_json::Value {
    let mut command = Command::new(&programs().analyze);
    run(command.args(["export", "--format", "json"]).arg(file), b"").json()
}

/// The inode of a namespace of a process, if it can be read.
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
