//! The role of a process: its unit or container, and its program.
//!
//! A role is the same before and after a restart and on machines set up alike. It never contains a
//! pid or any other id.

use super::name_shape::{mask, push_literal};
use super::random_name::shape;
use crate::graph::{self, unit_base};
use crate::model::Process;
use crate::text::escape;

/// Bytes of a command line that its shape is made of: enough to distinguish instances of a program.
const SHAPE_BYTES: usize = 512;

/// The name of the role, printable: unit or container, and program. As in `list --by role`, but
/// without the parts that differ between instances.
pub fn role(process: &Process) -> String {
    let mut program = String::new();
    for character in graph::program(process).chars() {
        push_literal(&mut program, character);
    }
    match container_or_unit(process) {
        Some(unit) => in_unit(unit, &program),
        None => program,
    }
}

/// Unit and program, or one of them where both have the same name.
fn in_unit(unit: String, program: &str) -> String {
    match unit.starts_with(program) || program.starts_with(&unit) {
        true => unit,
        false => format!("{unit}/{program}"),
    }
}

/// The role of one container or one instance of a unit among others that exist at the same time.
pub(super) fn instance_role(process: &Process) -> String {
    let instance = process
        .container
        .as_ref()
        .map(|container| escape::display(container.path().as_bytes()));
    let unit = || {
        let unit = process.unit.as_deref()?;
        let stem = unit.rsplit_once('.')?.0;
        unit_base(unit).map(|_| escape::display(stem.as_bytes()))
    };
    match instance.or_else(unit) {
        Some(instance) => in_unit(
            instance,
            &escape::display(graph::program(process).as_bytes()),
        ),
        None => role(process),
    }
}

/// The shape of the container's name (its id changes with each start), of the unit, or of both where
/// the container has units.
fn container_or_unit(process: &Process) -> Option<String> {
    let unit = || process.unit.as_deref().and_then(unit_shape);
    let Some(container) = &process.container else {
        return unit();
    };
    let name = container.name.as_deref().unwrap_or(container.runtime);
    let name = replica_shape(&escape::display(name.as_bytes()));
    match unit().filter(|_| container.has_unit) {
        Some(unit) => Some(format!("{name}/{unit}")),
        None => Some(name),
    }
}

/// The name of a unit without its instance. Numbers stay in the names of services, which somebody has
/// chosen, but not in those of scopes and of `systemd-run`.
fn unit_shape(unit: &str) -> Option<String> {
    let base = unit_base(unit)?;
    let is_generated = unit.ends_with(".scope") || base.starts_with("run-");
    Some(if is_generated {
        mask(&base)
    } else {
        shape(&base)
    })
}

/// The name of a container without the number of the replica: `shop-web-1`.
fn replica_shape(name: &str) -> String {
    let shape = shape(name);
    let stem = shape.trim_end_matches(|c: char| c.is_ascii_digit());
    match stem.len() < shape.len() && stem.ends_with(['-', '_']) {
        true => format!("{stem}*"),
        false => shape,
    }
}

/// The shape of the user and command line: distinguishes the instances of one role.
pub(super) fn command_shape(process: &Process) -> String {
    let line = &process.cmdline[..process.cmdline.len().min(SHAPE_BYTES)];
    let text = escape::display(line).replace("\\x00", " ");
    let uid = process.uid.map(|uid| format!("{uid}:"));
    uid.unwrap_or_default() + &mask(text.trim_end())
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
        assert_ne!(of("db1.service", "/bin/x"), of("db2.service", "/bin/x"));
        let pod = |name: &str| {
            role(&Process {
                exe: b"/usr/sbin/nginx"[..].into(),
                container: Some(Container {
                    id: "4f1a9c0b7e2d".to_owned(),
                    name: Some(name.to_owned()),
                    runtime: "lxc",
                    within: Vec::new(),
                    has_unit: false,
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
            command_shape(&Process {
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
