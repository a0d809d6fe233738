//! Scenes that a C program creates, for what scripts cannot do: locks of the C library, system calls with
//! chosen arguments.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::World;
use crate::environment::{skip, works};

/// A running C program; killed when dropped.
#[derive(Debug)]
pub struct Compiled {
    child: Child,
    output: BufReader<ChildStdout>,
    /// Lines that it printed before the line `ready`, each a name and a number.
    pub numbers: Vec<(String, u32)>,
}

impl Compiled {
    /// Compiles and starts a program, through a command that executes its last arguments where one is given,
    /// and waits for the line `ready`. `None`: there is no compiler, or none with these flags.
    ///
    /// # Panics
    /// If the program ends.
    pub fn start(world: &World, source: &str, flags: &[&str], wrapper: &[&str]) -> Option<Self> {
        let folder = world.directory();
        let (text, program) = (folder.join("scene.c"), folder.join("scene"));
        std::fs::write(&text, source).expect("the folder is writable");
        let paths = [&text, &program].map(|path| path.to_str().unwrap_or_default());
        let mut command = vec!["cc", "-w", "-O1", "-pthread", "-o", paths[1], paths[0]];
        command.extend(flags);
        if !works(&command) {
            skip("no C compiler for this program");
            return None;
        }
        let mut words = wrapper.to_vec();
        words.push(paths[1]);
        let mut child = Command::new(words[0])
            .args(&words[1..])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let numbers = Vec::new();
        let mut running = Self {
            child,
            output,
            numbers,
        };
        loop {
            let mut line = String::new();
            running
                .output
                .read_line(&mut line)
                .expect("its output is read");
            match line.trim().split_once(' ') {
                Some((name, number)) => {
                    let number = number.parse().expect("a number");
                    running.numbers.push((name.to_owned(), number));
                }
                None => {
                    assert_eq!(line, "ready\n", "the program failed");
                    return Some(running);
                }
            }
        }
    }

    /// The number of a name.
    ///
    /// # Panics
    /// If the program printed no such name.
    pub fn number(&self, name: &str) -> u32 {
        let mut numbers = self.numbers.iter();
        numbers.find(|(known, _)| known == name).expect(name).1
    }

    /// Its pid, without a wrapper.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Compiled {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
