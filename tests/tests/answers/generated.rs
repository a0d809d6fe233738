//! Manual pages and completions, and colors in help.

use std::collections::BTreeSet;
use std::process::Command;

use whotalks_tests::environment::{skip, works};
use whotalks_tests::programs::{programs, run};
use whotalks_tests::terminal::on_terminal;

use super::whotalks;

/// Words of a text that are long options.
fn options(text: &str) -> BTreeSet<String> {
    let ends = |c: char| !(c.is_ascii_alphanumeric() || c == '-');
    let words = text
        .split(ends)
        .filter(|word| word.starts_with("--") && word.len() > 2);
    words.map(str::to_owned).collect()
}

fn generated(what: &str) -> String {
    run(&mut whotalks(&["--generate", what]), b"")
        .succeeds()
        .text()
        .to_owned()
}

#[test]
fn the_collector_s_options_are_those_of_its_help() {
    let help = run(Command::new(&programs().collect).arg("--help"), b"").succeeds();
    // Of the help only the lines that describe options.
    let lines = help
        .text()
        .lines()
        .filter(|line| line.trim_start().starts_with('-'));
    let own: BTreeSet<String> = lines
        .flat_map(|line| {
            options(
                line.split("  ")
                    .find(|part| part.contains("--"))
                    .unwrap_or_default(),
            )
        })
        .collect();
    assert!(own.len() > 5, "{own:?}");
    let fish = generated("complete-fish");
    let described: BTreeSet<String> = fish
        .lines()
        .filter(|line| line.starts_with("complete -c whotalks-collect "))
        .filter_map(|line| line.split(" -l ").nth(1)?.split(' ').next())
        .map(|name| format!("--{name}"))
        .collect();
    assert_eq!(described, own);
}

#[test]
fn shells_take_the_completions() {
    for (shell, arguments, what) in [
        ("bash", &["-n"][..], "complete-bash"),
        ("zsh", &["-n", "/dev/stdin"], "complete-zsh"),
        ("fish", &["-n", "/dev/stdin"], "complete-fish"),
    ] {
        let script = generated(what);
        if !works(&[shell, "-c", "true"]) {
            skip(&format!("no {shell}"));
            continue;
        }
        let ran = run(Command::new(shell).args(arguments), script.as_bytes()).succeeds();
        assert_eq!(ran.stderr, "", "{shell}");
    }
    let script = format!(
        "{}\n complete -p whotalks; complete -p whotalks-collect",
        generated("complete-bash")
    );
    run(Command::new("bash").args(["--norc", "-c", &script]), b"").succeeds();
}

#[test]
fn man_shows_the_pages() {
    let pages = generated("man");
    if !works(&["man", "--version"]) {
        return skip("no man");
    }
    let mut man = Command::new("man");
    man.args(["--warnings", "-E", "UTF-8", "-l", "-"])
        .env("MANWIDTH", "80");
    let shown = run(&mut man, pages.as_bytes()).succeeds();
    assert_eq!(shown.stderr, "");
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    for word in [
        "whotalks-path",
        "whotalks-collect",
        "HOSTNAME-YYYYMMDDTHHMMSSZ.whotalks",
    ] {
        assert!(text.contains(word), "{word}");
    }
}

#[test]
fn colour_only_where_it_is_wanted() {
    let coloured = |bytes: &[u8]| bytes.contains(&0x1b);
    let help = |arguments: &[&str]| whotalks(&[&["list", "--help"], arguments].concat());
    assert!(!coloured(&run(&mut help(&[]), b"").succeeds().stdout));
    assert!(coloured(
        &run(&mut help(&["--color=always"]), b"").succeeds().stdout
    ));
    let on = |mut command: Command| {
        command.env("TERM", "xterm").env_remove("NO_COLOR");
        on_terminal(&mut command).succeeds().stdout
    };
    assert!(coloured(&on(help(&[]))));
    assert!(!coloured(&on(help(&["--color", "never"]))));
    let no_color = |mut command: Command| {
        command.env("TERM", "xterm").env("NO_COLOR", "1");
        on_terminal(&mut command).succeeds().stdout
    };
    assert!(!coloured(&no_color(help(&[]))));

    let world = whotalks_tests::World::new();
    let actor = world.actor();
    let _pair = actor.pair(whotalks_tests::Kind::Stream);
    let file = world.snapshot();
    let hubs = |arguments: &[&str]| {
        let mut command = whotalks(&["hubs"]);
        command.args(arguments).arg(&file);
        command
    };
    assert!(on(hubs(&[])).starts_with(b"\x1b[1mPEERS"));
    assert!(!coloured(&on(hubs(&["--color=never"]))));
    assert!(!coloured(&no_color(hubs(&[]))));
    assert!(!coloured(&run(&mut hubs(&[]), b"").succeeds().stdout));
    assert!(coloured(
        &run(&mut hubs(&["--color=always"]), b"").succeeds().stdout
    ));
}
