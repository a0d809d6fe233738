//! Conversations with loggers are hidden by default.

use std::collections::BTreeSet;
use std::process::Command;

use whotalks_tests::World;
use whotalks_tests::environment::needs_namespaces;
use whotalks_tests::programs::{programs, run};
use whotalks_tests::script::{Script, links, list};

/// A process that logs to a server at journald's address and talks to another one.
fn scene() -> Script {
    let own_run = [
        "unshare",
        "-m",
        "sh",
        "-c",
        "mount -t tmpfs none /run && exec \"$@\"",
        "sh",
    ];
    Script::start_in(
        &own_run,
        "
os.makedirs('/run/systemd/journal')
def serve(name):
    l = S.socket(S.AF_UNIX); l.bind(name); l.listen(8); return l
log, app = serve('/run/systemd/journal/stdout'), serve('/run/app.sock')
def server(own, other):
    def run():
        other.close(); c, d = own.accept(), own.accept() if own is log else None; rest()
    return run
journal, service = fork(server(log, app)), fork(server(app, log))
def client():
    log.close(); app.close()
    for name in '/run/systemd/journal/stdout', '/run/app.sock':
        c = S.socket(S.AF_UNIX); c.connect(name); globals()[name] = c
    rest()
def lonely():
    log.close(); app.close()
    c = S.socket(S.AF_UNIX); c.connect('/run/systemd/journal/stdout'); rest()
peer, alone = fork(client), fork(lonely)
log.close(); app.close()
ready(peer, service, journal, alone)
rest()
",
    )
}

#[test]
fn they_are_shown_on_request() {
    if !needs_namespaces() {
        return;
    }
    let world = World::new();
    let script = scene();
    let [peer, service, journal, alone] = script.pids[..] else {
        panic!("{:?}", script.pids);
    };
    let answer = list(&world, &[]);
    assert_eq!(links(&answer, &script.pids), ["0 → 1"]);
    assert!(answer["hidden"]["log"].as_u64().unwrap() >= 1);
    assert_eq!(
        links(&list(&world, &["--logs"]), &script.pids),
        ["0 → 1", "0 → 2", "3 → 2"]
    );
    // The client's own conversations, of which one is hidden.
    let own = list(&world, &[&format!("pid:{peer}")]);
    assert_eq!(links(&own, &script.pids), ["0 → 1"]);
    assert_eq!(own["hidden"]["log"], 1);
    // A selector that names the logger.
    for selector in [
        format!("pid:{journal}"),
        "socket:/run/systemd/journal/stdout".to_owned(),
    ] {
        let named = list(&world, &[&selector]);
        assert_eq!(
            links(&named, &script.pids),
            ["0 → 2", "3 → 2"],
            "{selector}"
        );
        assert_eq!(named["hidden"]["log"], 0);
    }
    assert_eq!(
        links(&list(&world, &["class:log"]), &script.pids),
        ["0 → 2", "3 → 2"]
    );
    assert_eq!(
        links(
            &list(&world, &["--logs", "--hide", "class:log"]),
            &script.pids
        ),
        ["0 → 1"]
    );
    assert_eq!(
        links(
            &list(&world, &["--to", &format!("pid:{journal}")]),
            &script.pids
        ),
        ["0 → 2", "3 → 2"]
    );
    // No path leads through a logger, unless it is named or asked for.
    let file = world.snapshot();
    let path = |from: u32, to: u32, options: &[&str]| {
        let mut command = Command::new(&programs().analyze);
        command.args(["path", &format!("pid:{from}"), &format!("pid:{to}")]);
        let ran = run(command.args(options).arg(&file), b"");
        ran.status.code()
    };
    assert_eq!(path(service, peer, &[]), Some(0));
    assert_eq!(path(service, alone, &[]), Some(1));
    assert_eq!(path(service, alone, &["--logs"]), Some(0));
    assert_eq!(path(service, journal, &[]), Some(0));
    // A trend is of the same conversations as a list.
    let earlier = world.directory().join("earlier.whotalks");
    std::fs::copy(&file, &earlier).unwrap();
    let file = world.snapshot();
    let rows = |options: &[&str]| {
        let mut command = Command::new(&programs().analyze);
        command.args([
            "trend",
            "--all",
            "--format",
            "json",
            "--only",
            &format!("pid:{peer}"),
        ]);
        let trend = run(command.args(options).args([&earlier, &file]), b"").json();
        let rows = trend["rows"].as_array().unwrap().iter();
        let vias: BTreeSet<String> = rows
            .filter_map(|row| Some(row["via"].as_str()?.to_owned()))
            .collect();
        (vias, trend["hidden"]["log"].as_u64())
    };
    let both = BTreeSet::from(["/run/app.sock", "/run/systemd/journal/stdout"].map(str::to_owned));
    assert_eq!(
        rows(&[]),
        (BTreeSet::from(["/run/app.sock".to_owned()]), Some(1))
    );
    assert_eq!(rows(&["--logs"]), (both, Some(0)));
    // Who only logs is not said to talk to nobody.
    let picture = |options: &[&str]| {
        let mut command = Command::new(&programs().analyze);
        command.args(["draw", "--view", "process", "-o", "-"]);
        let drawn = run(command.args(options).arg(&file), b"").stdout;
        String::from_utf8(drawn)
            .unwrap()
            .contains("Talk to loggers only (")
    };
    assert!(picture(&[]) && !picture(&["--logs"]));
}
