//! Python programs that a test steers line by line.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::scene::Scene;

/// What every program begins with: it executes the lines that it reads, and answers each.
const STEERED: &str = "
import array, ctypes, os, signal, socket as S, struct, subprocess, sys, tempfile, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
def listen(name, backlog=16):
    s = S.socket(S.AF_UNIX); s.bind(name); s.listen(backlog); return s
def serve(port):
    s = S.socket(); s.setsockopt(S.SOL_SOCKET, S.SO_REUSEADDR, 1)
    s.bind(('127.0.0.1', port)); s.listen(16); return s
def join(name):
    s = S.socket(S.AF_UNIX); s.connect(name); return s
def accept(s, n=1):
    return [s.accept()[0] for _ in range(n)]
print('ok', flush=True)
for line in iter(sys.stdin.readline, ''):
    exec(line)
    print('ok', flush=True)
";

/// A program of this name; killed when dropped.
pub(crate) struct Program {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Program {
    /// Starts it.
    pub(crate) fn start(scene: &Scene, name: &str) -> Self {
        Self::start_in(scene, &[], name)
    }

    /// The same by a command that executes its last arguments.
    pub(crate) fn start_in(scene: &Scene, wrapper: &[&str], name: &str) -> Self {
        // Programs of one role in other tests may be taken for its successors.
        let directory = scene.world.directory();
        let world = directory.file_name().unwrap().to_str().unwrap();
        let file = directory.join(format!("{name}-{world}.py"));
        std::fs::write(&file, STEERED).unwrap();
        let file = file.to_str().unwrap();
        let words: Vec<&str> = [wrapper, &["python3", file]].concat();
        let mut child = Command::new(words[0])
            .args(&words[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut program = Self {
            child,
            stdin,
            stdout,
        };
        program.answers(name);
        program
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Executes a line; returns when it has.
    #[track_caller]
    pub(crate) fn does(&mut self, line: &str) {
        self.tell(line);
        self.answers(line);
    }

    /// Sends a line that is the last one.
    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
    }

    #[track_caller]
    fn answers(&mut self, line: &str) {
        let mut answer = String::new();
        self.stdout.read_line(&mut answer).unwrap();
        assert_eq!(answer, "ok\n", "{line}");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
