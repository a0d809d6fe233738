//! The capture itself is no difference, nor is what lives for a moment.

use std::process::Command;

use serde_json::Value;
use whotalks_tests::World;
use whotalks_tests::programs::{programs, run};

/// The processes of all rows, and who is on either end of a link.
fn told(document: &Value) -> Vec<String> {
    let mut told = Vec::new();
    for of in ["added", "removed", "changed", "replaced"] {
        let rows = document["processes"][of].as_array().into_iter().flatten();
        for row in rows {
            for side in ["old", "new"] {
                let ids = row[side].as_array().into_iter().flatten();
                told.extend(ids.map(|id| id.as_str().unwrap().to_owned()));
            }
        }
    }
    for of in ["added", "removed", "changed"] {
        let rows = document["links"][of].as_array().into_iter().flatten();
        for row in rows {
            told.push(row["client"].as_str().unwrap().to_owned());
            told.push(row["server"].as_str().unwrap().to_owned());
        }
    }
    told
}

#[test]
fn the_capture_itself() {
    let world = World::new();
    let before = world.directory().join("before.whotalks");
    std::fs::rename(world.snapshot(), &before).unwrap();
    // A capture as it is made from elsewhere: by shells, through a pipe.
    let after = world.directory().join("after.whotalks");
    let script = "echo $$ >\"$1/pid\"; sh -c '\"$0\" -q -o - | cat >\"$1/after.whotalks\"; true' \"$0\" \"$1\"; true";
    let mut shell = Command::new("sh");
    shell
        .args(["-c", script])
        .arg(&programs().collect)
        .arg(world.directory());
    run(&mut shell, b"").succeeds();
    let pid = std::fs::read_to_string(world.directory().join("pid")).unwrap();
    let shell = format!("h1/p{}", pid.trim());
    let ask = |all: &[&str]| -> Value {
        let mut command = Command::new(&programs().analyze);
        command
            .args(["diff", "--format", "json"])
            .args(all)
            .args([&before, &after]);
        let ran = run(&mut command, b"");
        serde_json::from_slice(&ran.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", ran.stderr))
    };
    let quiet = ask(&[]);
    // Two collectors, two shells, and cat; other tests may run and capture at the same time.
    assert!(
        quiet["ignored"]["capture"].as_u64().unwrap() >= 5,
        "{}",
        quiet["ignored"]
    );
    let told_by_default = told(&quiet);
    assert!(!told_by_default.contains(&shell), "{told_by_default:?}");
    let told_with_all = told(&ask(&["--all"]));
    assert!(told_with_all.contains(&shell), "{told_with_all:?}");
}
