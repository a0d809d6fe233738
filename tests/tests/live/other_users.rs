//! The live suite again as other users: an unprivileged one, and root in a user namespace.

use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use whotalks_tests::World;
use whotalks_tests::environment::{RERUN_AS, euid, say, skip};
use whotalks_tests::programs::{FOLDER, programs, run_within};

/// An arbitrary unprivileged user id; it need not exist.
const NOBODY_IN_PARTICULAR: u32 = 54_321;

/// A folder that this user can read, with this test and the programs in it.
fn portable(world: &World) -> PathBuf {
    let folder = world.directory().join("bin");
    let home = world.directory().join("home");
    let open = |path: &Path| std::fs::set_permissions(path, PermissionsExt::from_mode(0o755));
    std::fs::create_dir(&folder).unwrap();
    std::fs::create_dir(&home).unwrap();
    open(world.directory()).unwrap();
    open(&folder).unwrap();
    let this = std::env::current_exe().unwrap();
    let all = programs();
    for (program, name) in [
        (&this, "live"),
        (&all.collect, "whotalks-collect"),
        (&all.analyze, "whotalks"),
        (&all.actor, "whotalks-actor"),
    ] {
        let there = folder.join(name);
        if std::fs::hard_link(program, &there).is_err() {
            std::fs::copy(program, &there).unwrap();
        }
    }
    folder
}

/// Gives privileges up, where there are any; supplementary groups go with the user id.
fn ordinary(command: &mut Command) -> &mut Command {
    if euid() == 0 {
        command.uid(NOBODY_IN_PARTICULAR).gid(NOBODY_IN_PARTICULAR);
    }
    command
}

/// Runs this test binary once more, all of it but this module.
fn rerun(name: &str, wrapper: &[&str], arguments: &[&str]) {
    let world = World::new();
    let folder = portable(&world);
    let home = world.directory().join("home");
    let test = folder.join("live");
    let mut command = match wrapper {
        [] => Command::new(test),
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(test);
            command
        }
    };
    if euid() == 0 {
        chown(
            &home,
            Some(NOBODY_IN_PARTICULAR),
            Some(NOBODY_IN_PARTICULAR),
        )
        .unwrap();
    }
    ordinary(&mut command);
    command
        .env(FOLDER, &folder)
        .env("TMPDIR", &home)
        .env(RERUN_AS, name)
        .current_dir(&home);
    command.args(["--skip", "other_users::"]).args(arguments);
    let ran = run_within(&mut command, b"", Duration::from_secs(300));
    let text = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "as {name}:\n{text}\n{}", ran.stderr);
    for line in ran.stderr.lines().filter(|line| line.contains("SKIPPED")) {
        skip(&format!("as {name}: {line}"));
    }
    let summary = text
        .lines()
        .find(|line| line.starts_with("test result"))
        .unwrap_or("no result");
    say(summary);
}

#[test]
fn as_an_ordinary_user() {
    if euid() != 0 {
        return say("this whole run is that");
    }
    if std::env::var_os(RERUN_AS).is_none() {
        rerun("an ordinary user", &[], &["--skip", "across_namespaces::"]);
    }
}

#[test]
fn in_a_user_namespace() {
    let mut try_one = Command::new("unshare");
    try_one
        .args(["-U", "-r", "unshare", "-n", "-m", "true"])
        .stderr(Stdio::null());
    if !ordinary(&mut try_one)
        .status()
        .is_ok_and(|status| status.success())
    {
        return skip("no user namespaces are allowed here");
    }
    if std::env::var_os(RERUN_AS).is_none() {
        rerun("root of a user namespace", &["unshare", "-U", "-r"], &[]);
    }
}
