//! Output that cannot be written: an error message, exit code 2, no file left behind.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use whotalks_tests::World;
use whotalks_tests::environment::euid;
use whotalks_tests::programs::{TIMEOUT, finish, programs, run};

use super::folder;

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name != "actors.stderr").collect();
    names.sort();
    names
}

/// The commands that write files: each with its arguments before the output.
fn writers() -> Vec<(Command, &'static str)> {
    let intact = folder().join("intact.whotalks");
    let mut draw = Command::new(&programs().analyze);
    draw.args(["draw"]).arg(&intact);
    let mut export = Command::new(&programs().analyze);
    export.args(["export", "--format", "json"]).arg(&intact);
    let mut collect = Command::new(&programs().collect);
    collect.arg("-q");
    vec![(draw, "draw"), (export, "export"), (collect, "collect")]
}

#[test]
fn a_directory_that_is_not_there() {
    let world = World::new();
    let output = world.directory().join("nowhere/output");
    for (mut command, _) in writers() {
        let ran = run(command.arg("-o").arg(&output), b"")
            .exits(2)
            .says("whotalks: ");
        assert!(
            ran.stderr.contains(output.to_str().unwrap()),
            "{}",
            ran.stderr
        );
    }
    assert_eq!(names(world.directory()), [""; 0]);
}

#[test]
fn a_directory_in_the_file_s_place() {
    let world = World::new();
    let output = world.directory().join("output");
    std::fs::create_dir(&output).unwrap();
    for (mut command, _) in writers() {
        let ran = run(command.arg("-o").arg(&output), b"")
            .exits(2)
            .says("whotalks: ");
        assert!(
            ran.stderr.contains(output.to_str().unwrap()),
            "{}",
            ran.stderr
        );
    }
    assert_eq!(names(world.directory()), ["output"]);
    assert_eq!(names(&output), [""; 0]);
}

#[test]
fn a_directory_that_may_not_be_written() {
    let world = World::new();
    // Root may write to every directory of a disk, but no user can create files in sysfs.
    let closed = if euid() == 0 {
        PathBuf::from("/sys")
    } else {
        let closed = world.directory().join("closed");
        std::fs::create_dir(&closed).unwrap();
        std::fs::set_permissions(&closed, Permissions::from_mode(0o555)).unwrap();
        closed
    };
    let before = names(&closed);
    let output = closed.join("output");
    for (mut command, _) in writers() {
        let ran = run(command.arg("-o").arg(&output), b"")
            .exits(2)
            .says("whotalks: ");
        assert!(
            ran.stderr.contains(output.to_str().unwrap()),
            "{}",
            ran.stderr
        );
    }
    assert_eq!(names(&closed), before);
}

#[test]
fn a_device_that_is_full() {
    for (mut command, name) in writers() {
        command
            .args(["-o", "-"])
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
        command.stdout(File::options().write(true).open("/dev/full").unwrap());
        let ran = finish(&mut command, b"", TIMEOUT);
        assert!(
            ran.stderr.starts_with("whotalks: "),
            "{name}: {}",
            ran.stderr
        );
        ran.exits(2);
    }
}

/// What was there before stays as it was.
#[test]
fn a_failed_answer_leaves_the_old_one() {
    let world = World::new();
    let output = world.directory().join("map.svg");
    std::fs::write(&output, "old").unwrap();
    for bad in ["empty.whotalks", "header-cut.whotalks"] {
        let mut draw = Command::new(&programs().analyze);
        run(
            draw.arg("draw")
                .arg(folder().join(bad))
                .arg("-o")
                .arg(&output),
            b"",
        )
        .exits(2);
    }
    assert_eq!(std::fs::read_to_string(&output).unwrap(), "old");
    assert_eq!(names(world.directory()), ["map.svg"]);
}

/// Command lines are in them, as in the snapshot.
#[test]
fn what_is_new_is_its_owner_s_and_what_is_replaced_keeps_its_mode() {
    let world = World::new();
    let output = world.directory().join("output");
    for (mut command, name) in writers() {
        command.arg("-o").arg(&output);
        let mode = || std::fs::metadata(&output).unwrap().permissions().mode() & 0o777;
        run(&mut command, b"").exits(0);
        assert_eq!(mode(), 0o600, "{name}");
        // The collector replaces nothing unasked.
        if name != "collect" {
            std::fs::set_permissions(&output, Permissions::from_mode(0o644)).unwrap();
            run(&mut command, b"").exits(0);
            assert_eq!(mode(), 0o644, "{name}");
        }
        std::fs::remove_file(&output).unwrap();
    }
}
