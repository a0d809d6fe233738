//! Single changes.

use whotalks_tests::{Actor, Kind, Socket};

use crate::rewrite::{another_boot, no_boot};
use crate::scene::Scene;

const NOTHING: [&str; 0] = [];

/// A server on an abstract name, with so many conversations with a client.
fn served(scene: &Scene, conversations: usize) -> (Actor, Actor, Socket) {
    let server = scene.world.actor_called("server");
    let client = scene.world.actor_called("client");
    let listener = server.listen(&scene.world.abstract_name("app"), Kind::Stream, 20);
    for _ in 0..conversations {
        client.connect(&listener, Kind::Stream);
        server.accept(&listener);
    }
    (server, client, listener)
}

#[test]
fn start_and_stop() {
    let scene = Scene::new();
    let before = scene.capture("before");
    let (server, client, _) = served(&scene, 2);
    let after = scene.capture("after");
    assert_eq!(
        scene.diff(&before, &after),
        [
            "added listener @WORLD/app of server",
            "added link client to server over @WORLD/app: 0 2",
            "added process client: 0 1",
            "added process server: 0 1",
        ]
    );
    scene.world.end(client);
    scene.world.end(server);
    let stopped = scene.capture("stopped");
    assert_eq!(
        scene.diff(&after, &stopped),
        [
            "removed listener @WORLD/app of server",
            "removed link client to server over @WORLD/app: 2 0",
            "removed process client: 1 0",
            "removed process server: 1 0",
        ]
    );
    // Nothing of this world is in either.
    scene
        .run(&[], &before, &stopped)
        .exits(1)
        .says("whotalks: nothing matches");
}

#[test]
fn at_rest() {
    let scene = Scene::new();
    let _kept = served(&scene, 3);
    let (before, after) = (scene.capture("before"), scene.capture("after"));
    assert_eq!(scene.diff(&before, &after), NOTHING);
    assert_eq!(scene.diff_with(&["--all"], &before, &after), NOTHING);
    assert_eq!(
        scene.diff_with(&["--by", "process"], &before, &after),
        NOTHING
    );
    let text = scene.run(&[], &before, &after).succeeds();
    assert!(text.text().contains("nothing changed"), "{}", text.text());
}

#[test]
fn a_restart_is_reported_as_a_restart_only() {
    let scene = Scene::new();
    let (server, client, _) = served(&scene, 2);
    let before = scene.capture("before");
    scene.world.end(client);
    scene.world.end(server);
    let (server, client, _) = served(&scene, 2);
    let after = scene.capture("after");
    assert_eq!(
        scene.diff(&before, &after),
        [
            "replaced process client: 1 1",
            "replaced process server: 1 1"
        ]
    );
    let text = scene.run(&["--why"], &before, &after).exits(1);
    let pids = [server.pid(), client.pid()];
    for pid in pids {
        let end = format!("= [{pid}]");
        let line = text.text().lines().find(|line| line.contains(&end));
        let line = line.unwrap_or_else(|| panic!("{}", text.text()));
        assert!(line.contains(", same command line"), "{line}");
    }
}

#[test]
fn a_pool_that_grows_is_one_line() {
    let scene = Scene::new();
    let server = scene.world.actor_called("server");
    let listener = server.listen(&scene.world.abstract_name("app"), Kind::Stream, 20);
    let worker = || {
        let worker = scene.world.actor_called("worker");
        worker.connect(&listener, Kind::Stream);
        server.accept(&listener);
        worker
    };
    let _first: Vec<Actor> = (0..4).map(|_| worker()).collect();
    let before = scene.capture("before");
    let _more: Vec<Actor> = (0..5).map(|_| worker()).collect();
    let after = scene.capture("after");
    assert_eq!(scene.diff(&before, &after), ["changed process worker: 4 9"]);
    assert_eq!(scene.diff(&after, &before), ["changed process worker: 9 4"]);
    // Consequences are listed on request.
    assert_eq!(
        scene.diff_with(&["--all"], &before, &after)[0],
        "changed link worker to server over @WORLD/app: 4 9"
    );
}

#[test]
fn more_conversations() {
    let scene = Scene::new();
    let (server, client, listener) = served(&scene, 4);
    let before = scene.capture("before");
    for _ in 0..5 {
        client.connect(&listener, Kind::Stream);
        server.accept(&listener);
    }
    let talker = scene.world.actor_called("talker");
    talker.connect(&listener, Kind::Stream);
    let after = scene.capture("after");
    assert_eq!(
        scene.diff(&before, &after),
        [
            "added link talker to server over @WORLD/app: 0 1",
            "changed link client to server over @WORLD/app: 4 9",
            "added process talker: 0 1",
        ]
    );
}

#[test]
fn a_leak() {
    let scene = Scene::new();
    let leaky = scene.world.actor_called("leaky");
    let file = scene.world.path("actors.stderr");
    let mut captures = vec![scene.capture("0")];
    for second in 1..=4 {
        leaky.open(&file, true, false);
        captures.push(scene.capture(&second.to_string()));
    }
    // One or two may be on their way to be closed.
    assert_eq!(scene.diff(&captures[0], &captures[2]), NOTHING);
    let lines = scene.diff(&captures[0], &captures[4]);
    let [line] = &lines[..] else {
        panic!("{lines:?}");
    };
    let numbers: Vec<u64> = line
        .strip_prefix("descriptors leaky file: ")
        .unwrap_or_else(|| panic!("{line}"))
        .split(' ')
        .map(|number| number.parse().unwrap())
        .collect();
    assert_eq!(numbers[1], numbers[0] + 4, "{line}");
}

#[test]
fn bound_anew() {
    let scene = Scene::new();
    let (server, _client, listener) = served(&scene, 0);
    let before = scene.capture("before");
    server.close(&listener);
    server.listen(&scene.world.abstract_name("app"), Kind::Stream, 20);
    let after = scene.capture("after");
    assert_eq!(
        scene.diff(&before, &after),
        ["replaced listener @WORLD/app of server"]
    );
}

#[test]
fn a_file_removed_under_its_listener() {
    let scene = Scene::new();
    let server = scene.world.actor_called("server");
    server.listen(&scene.world.path("app"), Kind::Stream, 20);
    let before = scene.capture("before");
    std::fs::remove_file(scene.world.directory().join("app")).unwrap();
    let after = scene.capture("after");
    assert_eq!(scene.diff(&before, &after), ["unlinked DIR/app of server"]);
}

#[test]
fn over_a_reboot() {
    let scene = Scene::new();
    let (server, client, _) = served(&scene, 2);
    let before = scene.capture("before");
    scene.world.end(client);
    scene.world.end(server);
    let (_server, _client, _) = served(&scene, 2);
    // A new process without clients may be short-lived.
    let new = scene.world.actor_called("new");
    new.listen(&scene.world.abstract_name("new"), Kind::Stream, 5);
    let after = another_boot(&scene.capture("after"));
    // Everything is another process: that is no news.
    assert_eq!(
        scene.diff(&before, &after),
        ["added listener @WORLD/new of new", "added process new: 0 1"]
    );
    let text = scene.run(&[], &before, &after).exits(1);
    assert!(
        text.text().contains(", restarted between, "),
        "{}",
        text.text()
    );
}

#[test]
fn over_an_unknown_socket() {
    let scene = Scene::new();
    let (server, client, _) = served(&scene, 2);
    let before = scene.capture("before");
    scene.world.end(client);
    scene.world.end(server);
    let _kept = served(&scene, 2);
    let after = no_boot(&scene.capture("after"));
    assert_eq!(scene.diff(&before, &after), NOTHING);
    let text = scene.run(&[], &before, &after).succeeds();
    let lines: Vec<&str> = text.text().lines().take(2).collect();
    assert!(
        lines[0].contains(", same boot or not: unknown, "),
        "{lines:?}"
    );
    assert_eq!(
        lines[1],
        "note: which boot the new one is of is not known: processes are matched by role"
    );
}

#[test]
fn random_parts_of_names() {
    let scene = Scene::new();
    let start = |random: &str| {
        let server = scene.world.actor_called("server");
        let client = scene.world.actor_called("client");
        let name = scene.world.abstract_name(format!("bus-{random}"));
        let listener = server.listen(&name, Kind::Stream, 5);
        client.connect(&listener, Kind::Stream);
        server.accept(&listener);
        (server, client)
    };
    let (server, client) = start("x7Ab3Q");
    let before = scene.capture("before");
    scene.world.end(client);
    scene.world.end(server);
    let _kept = start("k2Zp9L");
    let after = scene.capture("after");
    assert_eq!(
        scene.diff(&before, &after),
        [
            "replaced process client: 1 1",
            "replaced process server: 1 1"
        ]
    );
}
