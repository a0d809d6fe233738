//! What a process is *for*: the same before and after a restart, on one machine and its twin.

use super::name_shape::{mask, push_literal};
use crate::graph::{self, unit_base};
use crate::model::Process;
use crate::text::escape;

/// Bytes of a command line that count for its shape: enough to tell programs' instances apart.
const SHAPE_BYTES: usize = 512;

/// The role's name: unit or container, and program, as `list --by role` has it, without what
/// differs from one instance to the next.
pub fn role(process: &Process) -> String {
    let mut program = String::new();
    for character in graph::program(process).chars() {
        push_literal(&mut program, character);
    }
    match home(process) {
        Some(home) if home.starts_with(&program) || program.starts_with(&home) => home,
        Some(home) => format!("{home}/{program}"),
        None => program,
    }
}

/// Where it runs: a container by its name's shape (its id is another after each start), or a unit.
fn home(process: &Process) -> Option<String> {
    if let Some(container) = &process.container {
        let name = container.name.as_deref().unwrap_or(container.runtime);
        return Some(mask(&escape::display(name.as_bytes())));
    }
    process
        .unit
        .as_deref()
        .and_then(unit_base)
        .map(|unit| mask(&unit))
}

/// The command line's shape: what tells the instances of one role apart.
pub(super) fn shape(process: &Process) -> String {
    let line = &process.cmdline[..process.cmdline.len().min(SHAPE_BYTES)];
    let text = escape::display(line).replace("\\x00", " ");
    let uid = process
        .uid
        .map_or_else(String::new, |uid| format!("{uid}:"));
    format!("{uid}{}", mask(text.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Container;

    #[test]
    fn instances_have_one_role() {
        let of = |unit: &str, exe: &str| {
            role(&Process {
                exe: exe.as_bytes().into(),
                unit: Some(unit.to_owned()),
                ..Process::default()
            })
        };
        assert_eq!(
            of("shop@1.service", "/opt/shop"),
            of("shop@2.service", "/opt/shop")
        );
        assert_eq!(
            of("run-u12.service", "/bin/x"),
            of("run-u7.service", "/bin/x")
        );
        assert_ne!(of("a.service", "/bin/x"), of("b.service", "/bin/x"));
        let pod = |name: &str| {
            role(&Process {
                exe: b"/usr/sbin/nginx"[..].into(),
                container: Some(Container {
                    id: "4f1a9c0b7e2d".to_owned(),
                    name: Some(name.to_owned()),
                    runtime: "lxc",
                }),
                ..Process::default()
            })
        };
        assert_eq!(pod("web-7d4b9c6f5-x2x8k"), pod("web-5b8d7c9f4-qq2lp"));
        assert_eq!(pod("web-1"), "web-*/nginx");
    }

    #[test]
    fn shapes_of_command_lines() {
        let of = |line: &str| {
            shape(&Process {
                cmdline: line.replace(' ', "\0").into_bytes().into(),
                uid: Some(33),
                ..Process::default()
            })
        };
        assert_eq!(
            of("app --id 17 /tmp/a-8f3a22c19e"),
            "33:app --id * /tmp/a-*"
        );
        assert_ne!(of("nginx: worker"), of("nginx: master"));
    }
}
