//! What is certain is never taken for something else: names, ports, instances, rights and holders.

use std::path::Path;

use whotalks_tests::service::free_port;

use crate::program::Program;
use crate::scene::Scene;

/// The differences of all programs of the scene, checked to be the mirror image the other way round.
#[track_caller]
fn changes(scene: &Scene, old: &Path, new: &Path) -> Vec<String> {
    let there = scene.diff_of_programs(old, new);
    let mut back: Vec<String> = scene.diff_of_programs(new, old);
    back = back.iter().map(|line| mirror(line)).collect();
    let mut sorted = there.clone();
    sorted.sort();
    back.sort();
    assert_eq!(sorted, back, "the other way round");
    there
}

/// What a line says about the opposite change.
fn mirror(line: &str) -> String {
    let words = [
        ("added ", "removed "),
        ("removed ", "added "),
        ("unlinked ", "relinked "),
        ("relinked ", "unlinked "),
    ];
    let mut words = words.iter();
    let replaced =
        words.find_map(|(word, other)| Some(format!("{other}{}", line.strip_prefix(word)?)));
    let line = replaced.unwrap_or_else(|| line.to_owned());
    let Some((subject, values)) = line.rsplit_once(": ") else {
        return line;
    };
    let subject = match subject.split_once('→') {
        Some((before, new)) => {
            let (aspect, old) = before.rsplit_once(' ').unwrap();
            format!("{aspect} {new}→{old}")
        }
        None => subject.to_owned(),
    };
    match values.split_once(" to ") {
        Some((old, new)) => format!("{subject}: {new} to {old}"),
        None => match values.split_once(' ') {
            Some((old, new)) => format!("{subject}: {new} {old}"),
            None => line,
        },
    }
}

#[test]
fn two_servers_that_are_both_there() {
    let scene = Scene::new();
    let directory = scene.world.directory().to_str().unwrap().to_owned();
    let mut servers = ["5432", "5433"].map(|number| {
        let mut server = Program::start(&scene, "db");
        server.does(&format!(
            "l = listen('{directory}/.s.PGSQL.{number}'); c = []"
        ));
        server
    });
    let mut app = Program::start(&scene, "app");
    app.does(&format!(
        "c = [join('{directory}/.s.PGSQL.5432') for _ in range(3)]"
    ));
    servers[0].does("c = accept(l, 3)");
    let before = scene.capture("before");
    app.does(&format!(
        "c = [join('{directory}/.s.PGSQL.5433') for _ in range(3)]"
    ));
    servers[0].does("c = []");
    servers[1].does("c = accept(l, 3)");
    let after = scene.capture("after");
    assert_eq!(
        changes(&scene, &before, &after),
        [
            "added link app.py to db.py over DIR/.s.PGSQL.5433: 0 3",
            "removed link app.py to db.py over DIR/.s.PGSQL.5432: 3 0",
        ]
    );
}

#[test]
fn another_port() {
    let scene = Scene::new();
    let (one, two) = (free_port(), free_port());
    let mut server = Program::start(&scene, "server");
    server.does(&format!("l = serve({one})"));
    let before = scene.capture("before");
    server.does(&format!("l = serve({two})"));
    let after = scene.capture("after");
    assert_eq!(
        changes(&scene, &before, &after),
        [
            format!("added listener 127.0.0.1:{two} of server.py"),
            format!("removed listener 127.0.0.1:{one} of server.py"),
        ]
    );
}

/// After a restart another name is another name, whatever its digits.
#[test]
fn another_name_after_a_restart() {
    for (old, new) in [
        ("db1", "db2.sock"),
        ("v1/api.sock", "v2/api.sock"),
        ("user/1000", "user/1001"),
        ("x.33060", "x.33061"),
        ("app-green1.sock", "app-blue22.sock"),
    ] {
        let scene = Scene::new();
        let directory = scene.world.directory().to_str().unwrap().to_owned();
        let start = |name: &str| {
            let path = scene.world.directory().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let mut server = Program::start(&scene, "server");
            server.does(&format!("l = listen('{directory}/{name}')"));
            let mut app = Program::start(&scene, "app");
            app.does(&format!("c = join('{directory}/{name}')"));
            server.does("c = accept(l)");
            (server, app)
        };
        let running = start(old);
        let before = scene.capture("before");
        drop(running);
        let _running = start(new);
        let after = scene.capture("after");
        assert_eq!(
            changes(&scene, &before, &after),
            [
                format!("added listener DIR/{new} of server.py"),
                format!("removed listener DIR/{old} of server.py"),
                format!("added link app.py to server.py over DIR/{new}: 0 1"),
                format!("removed link app.py to server.py over DIR/{old}: 1 0"),
                "replaced process app.py: 1 1".to_owned(),
                "replaced process server.py: 1 1".to_owned(),
            ]
        );
    }
}

#[test]
fn instances_in_two_network_namespaces() {
    let scene = Scene::new();
    let mut servers = [(), ()].map(|()| {
        let mut server = Program::start_in(&scene, &["unshare", "-n"], "server");
        server
            .does("subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True); l = serve(7000)");
        server
    });
    let mut app = Program::start(&scene, "app");
    let mut joins = |server: &mut Program| {
        let pid = server.pid();
        app.does(&format!(
            "own = os.open('/proc/self/ns/net', 0); \
             f = os.open('/proc/{pid}/ns/net', 0); ctypes.CDLL(None).setns(f, 0); os.close(f); \
             c = S.create_connection(('127.0.0.1', 7000)); \
             ctypes.CDLL(None).setns(own, 0); os.close(own)"
        ));
        server.does("c = accept(l)");
    };
    joins(&mut servers[0]);
    let before = scene.capture("before");
    joins(&mut servers[1]);
    servers[0].does("c = []");
    let after = scene.capture("after");
    let lines = changes(&scene, &before, &after);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].starts_with("added link app.py to server.py (netns "),
        "{lines:?}"
    );
    assert!(
        lines[1].starts_with("removed link app.py to server.py (netns "),
        "{lines:?}"
    );
}

#[test]
fn rights_in_place() {
    let scene = Scene::new();
    let mut app = Program::start(&scene, "app");
    let before = scene.capture("before");
    app.does("os.setresuid(65534, 65534, 65534)");
    let after = scene.capture("after");
    let lines = changes(&scene, &before, &after);
    assert_eq!(lines[0], "altered user of app.py: root to nobody");
    assert!(
        lines[1].starts_with("altered capabilities of app.py: "),
        "{lines:?}"
    );
    assert!(lines[1].ends_with(" to none"), "{lines:?}");
    assert_eq!(lines.len(), 2);
}

#[test]
fn rights_after_a_restart() {
    let scene = Scene::new();
    let mut app = Program::start(&scene, "app");
    app.does("os.setresuid(65534, 65534, 65534)");
    let before = scene.capture("before");
    drop(app);
    let app = Program::start(&scene, "app");
    let after = scene.capture("after");
    let lines = changes(&scene, &before, &after);
    assert_eq!(lines[0], "altered user of app.py: nobody to root");
    assert!(
        lines[1].starts_with("altered capabilities of app.py: none to "),
        "{lines:?}"
    );
    assert_eq!(lines[2..], ["replaced process app.py: 1 1"]);
    let bounded = ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-all"];
    let restricted = Program::start_in(&scene, &bounded, "app");
    drop(app);
    let last = scene.capture("last");
    let lines = changes(&scene, &last, &after);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].starts_with("altered capabilities of app.py: "),
        "{lines:?}"
    );
    drop(restricted);
}

#[test]
fn sockets_that_see_all_packets() {
    let scene = Scene::new();
    let mut app = Program::start(&scene, "app");
    let before = scene.capture("before");
    app.does(
        "p = S.socket(S.AF_PACKET, S.SOCK_RAW, S.htons(3)); r = S.socket(S.AF_INET, S.SOCK_RAW, 1)",
    );
    let after = scene.capture("after");
    assert_eq!(
        changes(&scene, &before, &after),
        [
            "added listener packet:all of app.py",
            "added listener raw:0.0.0.0:1 of app.py",
            "descriptors app.py socket: 0 2",
        ]
        .map(str::to_owned)[..2]
    );
}

#[test]
fn a_listener_that_is_handed_over() {
    let scene = Scene::new();
    let directory = scene.world.directory().to_str().unwrap().to_owned();
    let mut server = Program::start(&scene, "server");
    server.does(&format!("l = listen('{directory}/app')"));
    let mut other = Program::start(&scene, "other");
    other.does(&format!("p = listen('{directory}/pass')"));
    let before = scene.capture("before");
    server.does(&format!("c = join('{directory}/pass')"));
    other.does("c = accept(p)[0]");
    server
        .does("c.sendmsg([b'x'], [(S.SOL_SOCKET, S.SCM_RIGHTS, array.array('i', [l.fileno()]))])");
    other.does("fds = array.array('i'); fds.frombytes(c.recvmsg(1, 64)[1][0][2]); c.close()");
    server.does("l.close(); c.close()");
    let after = scene.capture("after");
    assert_eq!(
        changes(&scene, &before, &after),
        ["altered holder of DIR/app: server.py to other.py"]
    );
}

#[test]
fn a_listener_that_survives_exec() {
    let scene = Scene::new();
    let directory = scene.world.directory().to_str().unwrap().to_owned();
    let nap = format!("{directory}/nap");
    std::fs::copy("/bin/sleep", &nap).unwrap();
    let mut server = Program::start(&scene, "server");
    server.does(&format!(
        "l = listen('{directory}/app'); os.set_inheritable(l.fileno(), True)"
    ));
    let before = scene.capture("before");
    server.tell(&format!("os.execv('{nap}', ['{nap}', '1000'])"));
    std::thread::sleep(std::time::Duration::from_millis(500));
    let after = scene.capture("after");
    let lines = changes(&scene, &before, &after);
    for expected in [
        "altered holder of DIR/app: server.py to nap",
        "added process nap: 0 1",
        "removed process server.py: 1 0",
    ] {
        assert!(
            lines.iter().any(|line| line == expected),
            "{expected}: {lines:?}"
        );
    }
}

#[test]
fn a_listener_that_refuses_and_one_without_file() {
    let scene = Scene::new();
    let directory = scene.world.directory().to_str().unwrap().to_owned();
    let mut server = Program::start(&scene, "server");
    server.does(&format!(
        "a = listen('{directory}/a'); b = listen('{directory}/b')"
    ));
    let before = scene.capture("before");
    server.does("a.shutdown(S.SHUT_RDWR)");
    std::fs::remove_file(format!("{directory}/b")).unwrap();
    let after = scene.capture("after");
    assert_eq!(
        changes(&scene, &before, &after),
        [
            "unlinked DIR/b of server.py",
            "altered accepting of DIR/a: yes to no",
        ]
    );
}

#[test]
fn an_executable_that_is_deleted() {
    let scene = Scene::new();
    let nap = scene.world.directory().join("nap");
    std::fs::copy("/bin/sleep", &nap).unwrap();
    let mut running = std::process::Command::new(&nap)
        .arg("1000")
        .spawn()
        .unwrap();
    let before = scene.capture("before");
    std::fs::remove_file(&nap).unwrap();
    let after = scene.capture("after");
    let lines = changes(&scene, &before, &after);
    running.kill().unwrap();
    running.wait().unwrap();
    assert_eq!(lines, ["altered executable-file of nap: exists to deleted"]);
}
