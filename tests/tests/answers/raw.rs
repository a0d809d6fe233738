//! `raw`: the bytes of the kernel unchanged, without control sequences on a terminal.

use whotalks_tests::programs::run;
use whotalks_tests::terminal::on_terminal;
use whotalks_tests::{Kind, World};

use super::whotalks;

#[test]
fn blocks_are_listed_and_extracted() {
    let world = World::new();
    let actor = world.actor();
    let listener = actor.listen(&world.path("a\x1b[31mb"), Kind::Stream, 5);
    let file = world.snapshot();
    let file = file.to_str().unwrap();
    let list = run(&mut whotalks(&["raw", file]), b"").succeeds();
    let list = list.text();
    let line = |source: &str| {
        let named = |line: &&str| line.split_whitespace().nth(3) == Some(source);
        list.lines()
            .find(named)
            .unwrap_or_else(|| panic!("{source}:\n{list}"))
    };
    assert!(line("diag/unix").contains(" raw "));

    let table = run(&mut whotalks(&["raw", "net/unix", file]), b"").succeeds();
    let row = format!(" {} ", listener.inode);
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    let row = table
        .lines()
        .find(|line| line.contains(&row))
        .expect("it has a row");
    assert!(row.contains("/a\x1b[31mb"), "{row:?}");

    let number = line("diag/unix").split_whitespace().next().unwrap();
    let bytes = line("diag/unix").split_whitespace().nth(5).unwrap();
    let block = run(&mut whotalks(&["raw", number, file]), b"").succeeds();
    assert_eq!(block.stdout.len().to_string(), bytes);

    let shown = on_terminal(&mut whotalks(&["raw", "net/unix", file])).succeeds();
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("/a\\x1b[31mb") && !shown.contains('\x1b'));
    on_terminal(&mut whotalks(&["raw", "diag/unix", file]))
        .exits(2)
        .says("whotalks: diag/unix: binary is not written to a terminal");
    let near = run(&mut whotalks(&["raw", "net/unx", file]), b"").exits(1);
    assert!(near.stderr.contains("near: net/unix"), "{}", near.stderr);
    run(&mut whotalks(&["raw", "99999999", file]), b"").exits(1);
    run(&mut whotalks(&["raw", "no-such.whotalks"]), b"")
        .exits(2)
        .says("whotalks: no-such.whotalks: ");
}
