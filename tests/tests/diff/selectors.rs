//! Selectors mean the same in both captures; names that are not text have their bytes added.

use serde_json::Value;
use whotalks_tests::Kind;

use crate::scene::Scene;

#[test]
fn a_neighbour_that_fell_silent_is_not_gone() {
    let scene = Scene::new();
    let server = scene.world.actor_called("server");
    let listener = server.listen(&scene.world.abstract_name("app"), Kind::Stream, 5);
    let client = scene.world.actor_called("client");
    let connected = client.connect(&listener, Kind::Stream);
    let accepted = server.accept(&listener);
    let before = scene.capture("before");
    client.close(&connected);
    server.close(&accepted);
    let after = scene.capture("after");
    let only = format!("pid:{}", server.pid());
    let gone = ["removed link client to server over @WORLD/app: 1 0"];
    for option in ["--focus", "--only"] {
        assert_eq!(scene.diff_with(&[option, &only], &before, &after), gone);
    }
}

#[test]
fn bytes_stand_beside_what_cannot_be_shown() {
    let scene = Scene::new();
    let before = scene.capture("before");
    let server = scene.world.actor_called("server");
    let client = scene.world.actor_called("client");
    let name = scene.world.abstract_name(b"a\xff*\n");
    let listener = server.listen(&name, Kind::Stream, 5);
    client.connect(&listener, Kind::Stream);
    server.accept(&listener);
    let after = scene.capture("after");
    let ran = scene.run(&["--format", "json"], &before, &after);
    let document: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let row = &document["listeners"]["added"][0];
    assert!(
        row["name"].as_str().unwrap().ends_with("/a\\xff*\\n"),
        "{row}"
    );
    let hex = row["name_hex"].as_str().unwrap();
    assert!(
        hex.starts_with("00") && hex.ends_with("2f61ff2a0a"),
        "{row}"
    );
    let link = &document["links"]["added"][0];
    assert_eq!(link["via_hex"], row["name_hex"]);
    assert_eq!(row.get("role_hex"), None);
}
