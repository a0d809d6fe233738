//! Selectors as words of outputs: addresses, ports, paths, names and numbers; and classes of conversations.

use std::process::Command;

use serde_json::Value;
use whotalks_tests::programs::{programs, run};
use whotalks_tests::{Kind, World};

#[test]
fn what_is_printed_is_a_selector() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let path = server.listen(&world.path("door"), Kind::Stream, 4);
    let name = server.listen(&world.abstract_name("hall"), Kind::Stream, 4);
    let tcp = server.listen(
        &whotalks_tests::Address::Inet("127.0.0.1:0".into()),
        Kind::Stream,
        4,
    );
    for listener in [&path, &name, &tcp] {
        client.connect(listener, Kind::Stream);
        server.accept(listener);
    }
    let file = world.snapshot();
    let ask = |arguments: &[&str]| {
        let mut command = Command::new(&programs().analyze);
        run(command.args(arguments).arg(&file), b"")
    };
    let vias = |word: &str| -> Vec<String> {
        let list = ask(&["list", "--format", "json", "--by", "process", word]).json();
        let rows = list["links"].as_array().unwrap().iter();
        let mut vias: Vec<String> = rows
            .filter_map(|row| Some(row["via"].as_str()?.to_owned()))
            .collect();
        vias.sort();
        vias
    };
    let own = vias(&format!("pid:{}", client.pid()));
    assert_eq!(own.len(), 3, "{own:?}");
    for via in &own {
        assert_eq!(vias(via), [via.as_str()], "{via}");
    }
    assert_eq!(vias(&client.pid().to_string()), own);
    let address = own.iter().find(|via| via.starts_with("127.")).unwrap();
    let port = address.rsplit(':').next().unwrap();
    assert_eq!(vias(&format!(":{port}")), [address.as_str()]);
    assert!(vias("127.0.0.1").contains(address));
    let door = own.iter().find(|via| via.starts_with('/')).unwrap();
    assert_eq!(vias(&path.inode.to_string()), [door.as_str()]);
    let page = String::from_utf8(ask(&["show", &path.inode.to_string()]).stdout).unwrap();
    assert!(
        page.starts_with(&format!("socket h0/s{}", path.inode)),
        "{page}"
    );
    let page = String::from_utf8(ask(&["show", door]).stdout).unwrap();
    assert!(
        page.starts_with(&format!("socket h0/s{}", path.inode)),
        "{page}"
    );
    // Neither a file nor anything in the map.
    let missing = ask(&["list", "/no/such/thing"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(
        missing.stderr.contains("/no/such/thing: no such file"),
        "{}",
        missing.stderr
    );
    assert_eq!(ask(&["list", "state:opened"]).status.code(), Some(2));
}

#[test]
fn classes_of_conversations() {
    let world = World::new();
    let actor = world.actor();
    let (one, _) = actor.pair(Kind::Stream);
    let file = world.snapshot();
    let list = |arguments: &[&str]| -> Vec<Value> {
        let mut command = Command::new(&programs().analyze);
        command.args(["list", "--format", "json", "--by", "process"]);
        let list = run(command.args(arguments).arg(&file), b"").json();
        list["links"].as_array().unwrap().clone()
    };
    let pid = format!("pid:{}", actor.pid());
    let own = format!("h0/p{}", actor.pid());
    assert!(
        list(&[&pid])
            .iter()
            .all(|row| row["clients"][0] != own || row["servers"][0] != own)
    );
    let within = list(&[&pid, "class:self"]);
    assert!(!within.is_empty() && one.inode > 0);
    assert!(
        within.iter().all(|row| row["clients"] == row["servers"]),
        "{within:?}"
    );
    assert!(list(&[&pid, "--hide", "class:self"]).len() <= list(&[&pid]).len());
}
